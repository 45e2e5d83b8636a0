"""Which factor counts: dated editions, chosen for a window, their units checked.

Standard coal is counted with the edition valid on each day, the calorific method (当量值) and the
equivalent method (等价值) apart. Grid carbon factors are published by data year, long after it:
the newest one valid at the window's end counts for the whole window, and the answer says so.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Select, select

from layers.access import rows
from layers.labels import Text
from layers.measures.base import Question, Rows
from layers.standards import FACTORS

NATIONAL = ("全国", "中国", "national", "china")
_AMOUNTS: Mapping[str, tuple[str, float]] = {
    "kwh": ("kWh", 1.0),
    "千瓦时": ("kWh", 1.0),
    "度": ("kWh", 1.0),
    "mwh": ("kWh", 1_000.0),
    "mj": ("MJ", 1.0),
    "gj": ("MJ", 1_000.0),
    "m3": ("m³", 1.0),
    "立方米": ("m³", 1.0),
    "kg": ("kg", 1.0),
    "千克": ("kg", 1.0),
    "t": ("kg", 1_000.0),
    "吨": ("kg", 1_000.0),
    "l": ("L", 1.0),
    "升": ("L", 1.0),
}
_RESULTS: Mapping[str, Mapping[str, float]] = {
    "standard_coal": {"kgce": 1.0, "tce": 1_000.0, "gce": 0.001},
    # A footprint factor (CO₂e) is another quantity and is not taken for this one.
    "co2": {"kgco2": 1.0, "tco2": 1_000.0, "gco2": 0.001},
}
BY_DAY = Text("按各日有效的版本", "the edition valid on each day")
BY_END = Text(
    "时间窗结束时有效的最新数据年份用于整个时间窗",
    "the newest data year valid at the window's end, for the whole window",
)


@dataclass(frozen=True)
class Period:
    """A part of the window in which one factor holds: its rate in kg per unit of the meter."""

    start: datetime
    end: datetime
    factor: Mapping[str, Any]


def factors(question: Question, quantity: str) -> Select[Any]:
    """Return all editions of the factors of a quantity."""
    factor = rows(FACTORS, question.actor, question.at)
    return (
        select(
            factor.c.id,
            factor.c.quantity,
            factor.c.carrier,
            factor.c.method,
            factor.c.region,
            factor.c.value,
            factor.c.unit,
            factor.c.edition,
            factor.c.valid_from,
            factor.c.valid_to,
            factor.c.citation,
        )
        .where(factor.c.quantity == quantity)
        .order_by(factor.c.carrier, factor.c.valid_from, factor.c.id)
    )


def periods(question: Question, found: Rows, carrier: str, method: str | None) -> list[Period]:
    """Return the parts of the window with the factor of a carrier in each.

    A part for which no edition holds is left out, and is missing from the coverage.

    Parameters
    ----------
    method : ``calorific`` or ``equivalent`` for standard coal, which is then dated day by day;
        None for carbon, which takes the newest edition valid at the window's end.
    """
    fitting = [row for row in found if row["carrier"] == carrier and _fits(row, method)]
    exact = [row for row in fitting if row["method"] == method]
    fitting = exact or fitting
    region = _region(fitting)
    fitting = [row for row in fitting if row["region"] == region]
    span, zone = question.span, question.zone
    first, last = span.dates(zone)
    if method is None:
        chosen = _valid(fitting, last)
        return [Period(span.start, span.end, chosen)] if chosen else []
    turns = {row[k] for row in fitting for k in ("valid_from", "valid_to") if row[k] is not None}
    days = [first, *sorted(day for day in turns if first < day <= last), last + timedelta(days=1)]
    result = []
    for start, end in pairwise(days):
        chosen = _valid(fitting, start)
        if chosen is not None:
            begin = max(span.start, _midnight(start, zone))
            result.append(Period(begin, min(span.end, _midnight(end, zone)), chosen))
    return result


def rate(factor: Mapping[str, Any], meter_unit: str | None) -> float | None:
    """Return kg per unit of a meter, or None where the two units do not fit.

    A meter whose unit nobody recorded is taken to count in the factor's own.
    """
    result, _, amount = _plain(factor["unit"]).partition("/")
    scale = _RESULTS[factor["quantity"]].get(result)
    counted = _AMOUNTS.get(amount)
    if scale is None or counted is None:
        return None
    metered = _AMOUNTS.get(_plain(meter_unit)) if meter_unit else counted
    if metered is None or metered[0] != counted[0]:
        return None
    return float(factor["value"]) * scale * metered[1] / counted[1]


def edition(period: Period, question: Question, rule: Text) -> dict[str, Any]:
    """Return the entry of an answer's ``editions`` for a factor that was used."""
    used = Period(period.start, period.end, period.factor)
    last = used.end - timedelta(microseconds=1)
    return {
        "layer": "factors",
        **dict(period.factor),
        "used_from": used.start.astimezone(question.zone).date(),
        "used_to": last.astimezone(question.zone).date(),
        "rule": {"zh": rule.zh, "en": rule.en},
    }


def _plain(unit: str) -> str:
    folded = unicodedata.normalize("NFKC", unit).casefold()
    return "".join(folded.split()).replace("^", "")


def _fits(row: Mapping[str, Any], method: str | None) -> bool:
    # A fuel has one value: only what is made from fuels differs by method.
    return (
        method is None
        or row["method"] in (method, None, "direct")
        or row["carrier"] not in ("electricity", "heat")
    )


def _region(fitting: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the region whose factors count: the whole country, else the only one given."""
    given: set[str | None] = {row["region"] for row in fitting}
    regions = sorted(given, key=lambda region: (region is not None, region or ""))
    for region in regions:
        if region is None or region.casefold() in NATIONAL:
            return region
    return regions[0] if regions else None


def _valid(fitting: Sequence[Mapping[str, Any]], day: date) -> Mapping[str, Any] | None:
    holding = [
        row
        for row in fitting
        if row["valid_from"] <= day and (row["valid_to"] is None or row["valid_to"] > day)
    ]
    return max(holding, key=lambda row: (row["valid_from"], row["id"]), default=None)


def _midnight(day: date, zone: Any) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
