"""What is not plain in the readings of a meter, as rows of `layers.energy.MeterEvent`.

The readings are judged once, when they are imported (`geo.registers`, `geo.recorded`); what is
asked later of thousands of meters reads two registers of each and the events between them:
consumption = (register at the end − register at the start + Σ correction) × multiplier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from geo.registers import Floats, Intervals, Replacement, Times
from layers.base import table_of
from layers.energy import SET_ASIDE, MeterEvent, Reading
from layers.energy import Meter as MeterRow
from layers.measures.consumption import Series, judged
from layers.measures.metered import Meter

_AT_ONCE: Final = 1_000  # meters; a year of their daily readings is 20 MB
_DECIMALS: Final = 6  # of a register; what floating point adds lies far below


def events_of(meter: Meter, readings: Series) -> list[dict[str, Any]]:
    """Return the rows of `MeterEvent` that the readings of one meter make.

    An interval that is not plain makes one; its `correction` is what its registers' difference
    lacks (10^digits of a roll-over, last − first of an exchange). So does each reading that was
    set aside: `time` is its own, `start` that of the reading before, and its consumption is not
    known. An interval that is doubtful only for such a reading makes none of its own.
    """
    found = judged(meter, readings)
    odd = np.flatnonzero((found.reason != "") & ~np.isin(found.reason, SET_ASIDE))
    rows = [_of_interval(meter, readings, found, int(place)) for place in odd]
    for place, kind in zip(found.ignored.tolist(), found.ignored_reason, strict=True):
        before = _before(readings, found, place)
        rows.append(_row(meter, str(kind), before, readings.times[place]))
    return rows


def _of_interval(meter: Meter, readings: Series, found: Intervals, place: int) -> dict[str, Any]:
    start, end, amount = found.start[place], found.end[place], float(found.value[place])
    kind = str(found.reason[place])
    if not np.isfinite(amount):
        return _row(meter, kind, start, end)
    steps = amount / meter.multiplier if meter.multiplier else 0.0
    lacks = steps - _difference(readings, found, start, end)
    return _row(meter, kind, start, end, round(amount, _DECIMALS), round(lacks, _DECIMALS))


def _row(
    meter: Meter, kind: str, start: Any, end: Any, amount: float | None = None, lacks: float = 0.0
) -> dict[str, Any]:
    return {
        "meter_id": meter.id,
        "time": _aware(end),
        "kind": kind,
        "start": _aware(start),
        "consumption": amount,
        "correction": lacks,
    }


def _difference(readings: Series, found: Intervals, start: Any, end: Any) -> float:
    counts = np.ones(len(readings.times), dtype=np.bool_)
    counts[found.ignored] = False
    first = readings.values[counts & (readings.times == start)]
    last = readings.values[counts & (readings.times == end)]
    return float(last[-1] - first[-1])


def _before(readings: Series, found: Intervals, place: int) -> Any:
    """Return the time of the last reading that counts before one that does not."""
    if readings.starts is not None:
        return readings.starts[place]
    time = readings.times[place]
    counted = np.union1d(found.start, found.end)
    earlier = counted[counted < time]
    return earlier[-1] if len(earlier) else time


def _aware(moment: Any) -> datetime:
    made: datetime = moment.astype("datetime64[us]").item()
    return made.replace(tzinfo=UTC)


def rebuild(connection: sa.Connection, meter_ids: Sequence[int] | None = None) -> int:
    """Derive the events of some meters (None: of all) anew and return how many there are.

    It belongs in the transaction that writes the readings, or that changes how they are read
    (multiplier, digits, form).
    """
    table = table_of(MeterEvent)
    if meter_ids is None:
        connection.execute(sa.delete(table))
        meter_ids = connection.scalars(sa.select(table_of(MeterRow).c.id)).all()
    made = 0
    for first in range(0, len(meter_ids), _AT_ONCE):
        some = list(meter_ids[first : first + _AT_ONCE])
        connection.execute(sa.delete(table).where(table.c.meter_id == _any(some)))
        rows = [
            row for meter, readings in _read(connection, some) for row in events_of(meter, readings)
        ]
        if rows:
            connection.execute(sa.insert(table), rows)
        made += len(rows)
    return made


def _any(ids: Sequence[int]) -> Any:
    return sa.func.any(sa.literal(list(ids), sa.ARRAY(sa.BigInteger)))


def _read(connection: sa.Connection, ids: Sequence[int]) -> Iterator[tuple[Meter, Series]]:
    """Yield each meter that was read, with all its readings: an array a column, in any order."""
    meter, reading = table_of(MeterRow), table_of(Reading)
    register = meter.c.reading_form == "register"
    exchanged = reading.c.closing_value.is_not(None)

    def column(value: Any, where: Any = None) -> Any:
        listed = sa.func.array_agg(value)
        return listed if where is None else listed.filter(where)

    time, start = (sa.func.date_part("epoch", reading.c[name]) for name in ("time", "start"))
    columns = {
        "times": column(time),
        "values": column(reading.c.value),
        "starts": column(start, ~register),
        "exchanged": column(reading.c.time, exchanged),
        "first": column(reading.c.value, exchanged),
        "last": column(reading.c.closing_value, exchanged),
    }
    query = (
        sa.select(
            meter.c.id, meter.c.kind, meter.c.item, meter.c.unit, meter.c.parent_id,
            meter.c.multiplier, meter.c.digits, register.label("register"),
            *(value.label(name) for name, value in columns.items()),
        )
        .join(reading, reading.c.meter_id == meter.c.id)
        .where(meter.c.id == _any(ids), sa.or_(register, reading.c.start.is_not(None)))
        .group_by(meter.c.id)
    )  # fmt: skip
    for row in connection.execute(query).mappings():
        said = dict(row)
        yield Meter(**{k: v for k, v in said.items() if k not in columns}), _series(said)


def _series(row: Mapping[str, Any]) -> Series:
    exchanges = [
        Replacement(time, last, first)
        for time, last, first in zip(
            row["exchanged"] or (), row["last"] or (), row["first"] or (), strict=True
        )
    ]
    starts = None if row["register"] else _moments(row["starts"])
    values: Floats = np.array(row["values"], dtype=np.float64)
    return Series(_moments(row["times"]), values, starts, exchanges)


def _moments(seconds: Sequence[float]) -> Times:
    micros = np.round(np.array(seconds, dtype=np.float64) * 1e6).astype(np.int64)
    return micros.astype("datetime64[us]")
