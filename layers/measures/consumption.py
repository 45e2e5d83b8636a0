"""What a building or a site consumed in a window: its top meters, their readings, no double count.

Readings become consumption in `geo.registers` (multiplier, roll-over, replacement, gap, spurious
zero); an interval that straddles the edge of the window is not shared out, and the coverage says
how much of the window is measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import ARRAY, Select, Text, func, literal, select

from geo.registers import Allocation, Intervals, Replacement, allocate, consumption
from layers.access import rows
from layers.base import Base
from layers.energy import METERS, READINGS
from layers.estate import BUILDINGS
from layers.history import dated
from layers.measures.base import Question, Rows

# Carriers of energy; water is metered too and is none.
ENERGY = ("electricity", "gas", "heat", "coal", "diesel", "petrol", "lpg")
# Readings beside the window tell a spurious zero or a roll-over at its edge.
_BESIDE = timedelta(days=2)


@dataclass(frozen=True)
class Meter:
    """A meter as its readings are understood."""

    id: int
    kind: str
    item: str | None
    unit: str | None
    parent_id: int | None
    multiplier: float
    digits: int | None
    register: bool


def meters(question: Question) -> Select[Any]:
    """Return the energy meters that the actor may see."""
    meter = rows(METERS, question.actor, question.at)
    return select(
        meter.c.id,
        meter.c.kind,
        meter.c.item,
        meter.c.unit,
        meter.c.parent_id,
        meter.c.multiplier,
        meter.c.digits,
        (meter.c.reading_form == "register").label("register"),
    ).where(meter.c.kind == func.any(_carriers()))


def scopes(question: Question) -> Select[Any]:
    """Return ``meter_id, building_id, site_id``: what each meter serves, in its building."""
    tables = Base.metadata.tables
    scope = dated(tables["meter_scope"], question.at).alias()
    level_building = dated(tables["level_building"], question.at).alias()
    room_level = dated(tables["room_level"], question.at).alias()
    building = rows(BUILDINGS, question.actor, question.at)
    of_level = (
        select(func.min(level_building.c.building_id))
        .where(level_building.c.level_id == scope.c.level_id)
        .scalar_subquery()
    )
    of_room = (
        select(func.min(level_building.c.building_id))
        .join(room_level, room_level.c.level_id == level_building.c.level_id)
        .where(room_level.c.room_id == scope.c.room_id)
        .scalar_subquery()
    )
    served = select(
        scope.c.meter_id,
        func.coalesce(scope.c.building_id, of_level, of_room).label("building_id"),
        scope.c.site_id,
    ).subquery("served")
    return select(
        served.c.meter_id,
        served.c.building_id,
        func.coalesce(served.c.site_id, building.c.site_id).label("site_id"),
    ).outerjoin(building, building.c.id == served.c.building_id)


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
            reading.c.meter_id.in_(select(meter.c.id).where(meter.c.kind == func.any(_carriers()))),
        )
        .order_by(reading.c.meter_id, reading.c.time)
    )


def _carriers() -> Any:
    return literal(list(ENERGY), ARRAY(Text))


def read_meters(found: Rows) -> dict[int, Meter]:
    """Return the meters of `meters` by id."""
    return {row["id"]: Meter(**dict(row)) for row in found}


def served(found: Rows, column: str) -> dict[int, set[int]]:
    """Return the meters of each building (``building_id``) or site (``site_id``)."""
    result: dict[int, set[int]] = defaultdict(set)
    for row in found:
        if row[column] is not None:
            result[row[column]].add(row["meter_id"])
    return dict(result)


def top_meters(ids: Iterable[int], known: Mapping[int, Meter]) -> list[Meter]:
    """Return the meters of a place that together count its consumption once.

    A meter below another of its kind that serves the same place is part of that one's total. So
    is a sub-meter of an item (lighting, …) whose parent nobody recorded, beside a total meter.
    """
    here = {key: known[key] for key in ids if key in known}
    tops = [meter for meter in here.values() if not _has_ancestor(meter, here, known)]
    with_total = {meter.kind for meter in tops if meter.item == "total"}
    return sorted(
        (m for m in tops if m.kind not in with_total or m.item in ("total", None)),
        key=lambda meter: meter.id,
    )


def _has_ancestor(meter: Meter, here: Mapping[int, Meter], known: Mapping[int, Meter]) -> bool:
    seen = {meter.id}
    parent = meter.parent_id
    while parent is not None and parent not in seen:
        if parent in here and here[parent].kind == meter.kind:
            return True
        seen.add(parent)
        above = known.get(parent)
        parent = above.parent_id if above else None
    return False


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


def intervals_of(meter: Meter, found: Rows) -> Intervals | None:
    """Return the consumption intervals in the readings of one meter, which come in order."""
    if not found:
        return None
    times = np.array([_utc(row["time"]) for row in found], dtype="datetime64[us]")
    values = np.array([row["value"] for row in found], dtype=np.float64)
    if meter.register:
        exchanges = [
            Replacement(row["time"], row["closing_value"], row["value"])
            for row in found
            if row["closing_value"] is not None
        ]
        return consumption(
            times,
            values,
            multiplier=meter.multiplier,
            digits=meter.digits,
            replacements=exchanges,
        )
    begun = np.array([row["start"] is not None for row in found], dtype=np.bool_)
    starts = np.array([_utc(row["start"] or row["time"]) for row in found], dtype="datetime64[us]")[
        begun
    ]
    count = len(starts)
    return Intervals(
        starts,
        times[begun],
        values[begun] * meter.multiplier,
        np.full(count, "measured"),
        np.full(count, ""),
        np.empty(0, dtype=np.int64),
        np.empty(0, dtype=np.str_),
    )


def _utc(moment: datetime) -> datetime:
    offset = moment.utcoffset()
    return (moment - offset).replace(tzinfo=None) if offset else moment.replace(tzinfo=None)
