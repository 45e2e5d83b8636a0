"""What one meter used, day by day or month by month, and what is not known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Select, func, select, union_all

from geo.registers import Floats, Intervals, Times, allocate, utc64
from layers.access import Actor, rows
from layers.base import table_of
from layers.energy import METERS, READINGS, MeterEvent
from layers.measures.base import Rows, Window, last_month
from layers.measures.consumption import intervals_of
from layers.measures.metered import Meter
from layers.rules.energy import edge

Step = Literal["month", "day"]
Label = Literal["measured", "unknown", "missing"]
# So many readings before and after the window tell a gap or a false reading at its edge.
_BESIDE = 31
_DECIMALS = 6  # what floating point adds lies far below


class Used(NamedTuple):
    """What a meter used in one step: a value only where it is measured."""

    start: datetime
    end: datetime
    value: float | None
    label: Label


@dataclass(frozen=True)
class Course:
    """What a meter used in a window.

    Attributes
    ----------
    total : of the whole window, as far as `coverage` (0 to 1) goes; None where nothing is known.
    """

    steps: list[Used]
    total: float | None
    coverage: float


def meter(actor: Actor, key: int, at: datetime | None) -> Select[Any]:
    """Return the meter as its readings are understood, with its title."""
    t = rows(METERS, actor, at)
    return select(
        t.c.id, t.c.kind, t.c.item, t.c.unit, t.c.parent_id, t.c.multiplier, t.c.digits,
        (t.c.reading_form == "register").label("register"),
        func.coalesce(t.c.number, t.c.name).label("title"),
    ).where(t.c.id == key)  # fmt: skip


def readings(actor: Actor, key: int, window: Window, at: datetime | None) -> Select[Any]:
    """Return the readings of a meter in the window, and some before and after it."""
    t = rows(READINGS, actor, at)
    one = select(t.c.time, t.c.start, t.c.value, t.c.closing_value).where(t.c.meter_id == key)
    before = one.where(t.c.time < window.start).order_by(t.c.time.desc()).limit(_BESIDE)
    within = one.where(t.c.time >= window.start, t.c.time <= window.end)
    after = one.where(t.c.time > window.end).order_by(t.c.time).limit(_BESIDE)
    found = union_all(*(select(part.subquery()) for part in (before, within, after))).subquery()
    return select(found).order_by(found.c.time)


def events(key: int, window: Window) -> Select[Any]:
    """Return the events of a meter that touch the window; whether it may be seen is asked first."""
    t = table_of(MeterEvent)
    return (
        select(t.c.kind, t.c.start, t.c.time, t.c.consumption)
        .where(t.c.meter_id == key, t.c.time > window.start, t.c.start < window.end)
        .order_by(t.c.time, t.c.kind)
    )


def default_window(step: Step, now: datetime, zone: ZoneInfo) -> Window:
    """Return the last full month by days; the last 12 and the present one, to midnight, by months.

    On the first of a month the present one has no full day yet.
    """
    if step == "day":
        return last_month(now, zone)
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today.replace(year=today.year - 1, day=1)
    return Window(start.astimezone(UTC), today.astimezone(UTC))


def until_today(window: Window, now: datetime, zone: ZoneInfo) -> Window:
    """Return the window as far as its days are over: what lies ahead is not missing.

    One that ends before `now`, or begins today or later, stays as it is.
    """
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if window.end <= now or window.start >= today:
        return window
    return Window(window.start, today.astimezone(UTC))


def bounds(window: Window, step: Step, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Return the calendar days or months of a window; its first and last may be cut by it."""
    edges = [window.start.astimezone(zone)]
    end = window.end.astimezone(zone)
    while edges[-1] < end:
        day = edges[-1].replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        after = day + timedelta(days=1)
        if step == "month":
            after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        edges.append(min(after.replace(tzinfo=zone), end))
    return list(pairwise(edges))


def course(
    known: Meter, found: Rows, window: Window, steps: Sequence[tuple[datetime, datetime]]
) -> Course:
    """Return what a meter used in each step, from its readings in and beside the window.

    A step is measured where readings lie at both its ends (as near as `layers.rules.energy.edge`
    allows) and all between is known as a total. Else it is unknown where an interval touches it -
    the total of a gap is never spread over its days - and missing where nothing was read.
    """
    intervals = intervals_of(known, found)
    if intervals is None or not len(intervals.start):
        return Course([Used(*each, None, "missing") for each in steps], None, 0.0)
    asked = utc64([*steps, (window.start, window.end)])
    near = _snapped(intervals, asked)
    got = allocate(intervals, near)
    whole = got.coverage > 1 - 1e-9
    touched = [
        bool(((intervals.start < end) & (intervals.end > start)).any()) for start, end in asked[:-1]
    ]
    made = [
        Used(*each, round(value, _DECIMALS), "measured")
        if full
        else Used(*each, None, "unknown" if touches else "missing")
        for each, value, full, touches in zip(
            steps, got.value[:-1].tolist(), whole[:-1].tolist(), touched, strict=True
        )
    ]
    total = round(float(got.value[-1]), _DECIMALS)
    return Course(made, total if np.isfinite(total) else None, float(got.coverage[-1]))


def _snapped(intervals: Intervals, asked: Times) -> Times:
    """Move the ends of each window to the reading next to them, where one is near enough."""
    read = np.union1d(intervals.start, intervals.end)
    lengths = (asked[:, 1] - asked[:, 0]).tolist()
    allowed = [edge(length).total_seconds() for length in lengths]
    moved = asked.copy()
    for side in (0, 1):
        place = np.clip(np.searchsorted(read, asked[:, side]), 1, len(read) - 1)
        before, after = read[place - 1], read[place]
        nearest = np.where(asked[:, side] - before <= after - asked[:, side], before, after)
        away: Floats = np.abs((nearest - asked[:, side]) / np.timedelta64(1, "s"))
        moved[:, side] = np.where(away <= allowed, nearest, asked[:, side])
    return moved
