"""What the demo's database says of itself: that it is the demo, of what, and how its clock runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from layers.base import table_of
from layers.history import ChangeRecord
from layers.records import Meta
from onemap.clock import Clock, demo_clock

META = table_of(Meta)


@dataclass(frozen=True)
class Demo:
    """A demo that was built to its end."""

    seed: int
    scale: float
    version: int
    clock: Clock


IMPORTING = timedelta(hours=1)
"""The imports are recorded before the demo's first morning begins, however long they take."""


def start_clock(connection: sa.Connection, *, before: timedelta = timedelta(0)) -> None:
    """Let the clock of this database show the demo's first morning now (`onemap_now()`).

    It never stands before what is recorded: then it goes on from there.

    Parameters
    ----------
    before : how long before that morning.
    """
    record = table_of(ChangeRecord)
    now, last = connection.execute(
        sa.select(sa.func.clock_timestamp(), sa.func.max(record.c.recorded_at))
    ).one()
    offset = demo_clock(now).offset - before
    if last is not None:
        offset = max(offset, last - now)
    _put(connection, "clock_offset_s", offset.total_seconds())


def finish(connection: sa.Connection, *, seed: int, scale: float, version: int, label: str) -> None:
    """Say that the demo is built; a build that was broken off has never said so."""
    start_clock(connection)
    _put(connection, "demo", {"seed": seed, "scale": scale, "version": version, "label": label})


def found(connection: sa.Connection) -> Demo | None:
    """Return the demo of this database, None when none was built to its end."""
    known = {row.key: row.value for row in connection.execute(sa.select(META))}
    if not {"demo", "clock_offset_s"} <= known.keys():
        return None
    told = known["demo"]
    offset = timedelta(seconds=float(known["clock_offset_s"]))
    return Demo(told["seed"], told["scale"], told["version"], Clock(offset))


def _put(connection: sa.Connection, key: str, value: Any) -> None:
    connection.execute(sa.delete(META).where(META.c.key == key))
    connection.execute(sa.insert(META).values(key=key, value=value))
