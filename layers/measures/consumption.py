"""What meters consumed in a window, from their readings.

Readings become consumption in `geo.registers` (multiplier, roll-over, replacement, gap, spurious
zero); an interval that straddles the edge of the window is not shared out, and the coverage says
how much of the window is measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Select, func, select

from geo.recorded import recorded
from geo.registers import (
    Allocation,
    Floats,
    Intervals,
    Replacement,
    Times,
    allocate,
    consumption,
)
from layers.access import rows
from layers.energy import METERS, READINGS
from layers.measures.base import Question, Rows
from layers.measures.metered import Meter, carriers

# Readings beside the window tell a spurious zero or a roll-over at its edge.
_BESIDE = timedelta(days=2)


def readings(question: Question) -> Select[Any]:
    """Return the readings of the energy meters in the window and just beside it."""
    reading = rows(READINGS, question.actor, question.at)
    meter = rows(METERS, question.actor, question.at)
    return (
        select(
            reading.c.meter_id,
            reading.c.start,
            reading.c.time,
            reading.c.value,
            reading.c.closing_value,
        )
        .where(
            reading.c.time >= question.span.start - _BESIDE,
            reading.c.time <= question.span.end + _BESIDE,
            reading.c.meter_id.in_(select(meter.c.id).where(meter.c.kind == func.any(carriers()))),
        )
        .order_by(reading.c.meter_id, reading.c.time)
    )


class Consumption:
    """The readings of all meters, turned into consumption when a meter is asked for."""

    def __init__(self, found: Rows, known: Mapping[int, Meter]) -> None:
        self._known = known
        self._rows: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        self._intervals: dict[int, Intervals | None] = {}
        for row in found:
            self._rows[row["meter_id"]].append(row)

    def within(
        self, meter: Meter, windows: Sequence[tuple[datetime, datetime]]
    ) -> Allocation | None:
        """Return what a meter measured in each window, None where it was never read."""
        if meter.id not in self._intervals:
            self._intervals[meter.id] = intervals_of(meter, self._rows.get(meter.id, []))
        intervals = self._intervals[meter.id]
        return None if intervals is None else allocate(intervals, windows)


@dataclass(frozen=True)
class Series:
    """The readings of one meter, columns of one length, in any order.

    Attributes
    ----------
    times : UTC, ``datetime64[us]``.
    values : registers, or consumption of [start, time); before the multiplier.
    starts : of the intervals; None for a register.
    exchanges : when the meter was replaced, with the registers of both.
    """

    times: Times
    values: Floats
    starts: Times | None = None
    exchanges: Sequence[Replacement] = ()


def intervals_of(meter: Meter, found: Rows) -> Intervals | None:
    """Return the consumption intervals in the readings of one meter, None where there are none."""
    return judged(meter, series_of(meter, found)) if found else None


def series_of(meter: Meter, found: Rows) -> Series:
    """Return rows ``time, value, closing_value, start`` as columns."""
    if not meter.register:
        found = [row for row in found if row["start"] is not None]
    times = np.array([_utc(row["time"]) for row in found], dtype="datetime64[us]")
    values = np.array([row["value"] for row in found], dtype=np.float64)
    if not meter.register:
        starts = np.array([_utc(row["start"]) for row in found], dtype="datetime64[us]")
        return Series(times, values, starts)
    exchanges = [
        Replacement(row["time"], row["closing_value"], row["value"])
        for row in found
        if row["closing_value"] is not None
    ]
    return Series(times, values, exchanges=exchanges)


def judged(meter: Meter, given: Series) -> Intervals:
    """Return the consumption intervals in the readings of one meter."""
    if given.starts is not None:
        return recorded(given.starts, given.times, given.values, multiplier=meter.multiplier)
    return consumption(
        given.times,
        given.values,
        multiplier=meter.multiplier,
        digits=meter.digits,
        replacements=given.exchanges,
    )


def _utc(moment: datetime) -> datetime:
    offset = moment.utcoffset()
    return (moment - offset).replace(tzinfo=None) if offset else moment.replace(tzinfo=None)
