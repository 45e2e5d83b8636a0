"""Energy and carbon intensity of buildings and sites: kgce/m² and kgCO₂/m² over a window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Select

from layers.labels import Text
from layers.measures import consumption as used
from layers.measures import factors as dated_factors
from layers.measures import metered
from layers.measures.base import Measure, Question, Rows, Values, last_month
from layers.measures.metered import Meter


@dataclass(frozen=True)
class Counted:
    """What is counted: a quantity of `layers.standards.Factor`, and the method where it matters."""

    quantity: str
    method: str | None
    place: str  # "building_id" or "site_id"


def ask(counted: Counted, question: Question) -> Mapping[str, Select[Any]]:
    """Return the statements: areas, meters, what they serve, readings and factors."""
    return {
        "areas": metered.areas(question, counted.place),
        "meters": metered.meters(question),
        "scopes": metered.scopes(question),
        "readings": used.readings(question),
        "factors": dated_factors.factors(question, counted.quantity),
    }


def read(counted: Counted, question: Question, found: Mapping[str, Rows]) -> Values:
    """Add up the top meters of each place, each weighed with the factor of its carrier."""
    meters = metered.read_meters(found["meters"])
    areas = {row["id"]: row["area"] for row in found["areas"]}
    unseen = {row["id"] for row in found["areas"] if not row["seen"]}
    places = metered.parts_of(found["scopes"], counted.place, areas)
    readings = used.Consumption(found["readings"], meters)
    times_served = Counter(key for here in places.values() for key in here)
    chosen = {
        carrier: dated_factors.periods(question, found["factors"], carrier, counted.method)
        for carrier in sorted({meter.kind for meter in meters.values()})
    }
    values, needed = Values(), set()
    for place in sorted(places.keys() & areas.keys()):  # the others are not to be seen
        tops = metered.top_meters(places[place], meters)
        if not tops:
            continue
        if place in unseen or not all(meter.seen for meter in tops):
            # A part of the sum would pass for the whole.
            values.add(place, None, areas[place], None)
            continue
        total: float | None = None
        measured = dict.fromkeys((meter.id for meter in tops), 0.0)
        for meter in tops:
            # What one meter counts for several places cannot be told apart.
            if times_served[meter.id] > 1:
                continue
            amount, measured[meter.id] = _weighed(meter, chosen[meter.kind], readings, question)
            needed.add(meter.kind)
            if amount is not None:
                total = (total or 0.0) + amount
        coverage = metered.coverage(tops, places[place], measured)
        values.add(place, total if coverage is not None else None, areas[place], coverage)
    rule = dated_factors.BY_END if counted.method is None else dated_factors.BY_DAY
    values.editions = [
        dated_factors.edition(period, question, rule)
        for carrier in sorted(needed)
        for period in chosen[carrier]
    ]
    return values


def _weighed(
    meter: Meter,
    periods: list[dated_factors.Period],
    readings: used.Consumption,
    question: Question,
) -> tuple[float | None, float]:
    """Return kg and coverage of one meter: None and 0 where it says nothing usable."""
    rates = [dated_factors.rate(period.factor, meter.unit) for period in periods]
    if not periods or None in rates:
        return None, 0.0
    found = readings.within(meter, [(period.start, period.end) for period in periods])
    if found is None:
        return None, 0.0
    total: float | None = None
    covered = 0.0
    for period, rate, value, share in zip(
        periods, rates, found.value.tolist(), found.coverage.tolist(), strict=True
    ):
        covered += share * (period.end - period.start).total_seconds()
        if value == value:  # not NaN  # noqa: PLR0124
            total = (total or 0.0) + value * (rate or 0.0)
    return total, covered / question.span.seconds


_KGCE = Text("kgce/m²", "kgce/m²")
_KGCO2 = Text("kgCO₂/m²", "kgCO₂/m²")
_CITATION = Text(
    "GB/T 2589 综合能耗计算通则；所用系数见 editions",
    "GB/T 2589, general rules for energy consumption; the factors used are in the answer",
)
_KINDS: tuple[tuple[str, str, str | None, Text, Text, Text], ...] = (
    (
        "kgce_per_m2",
        "standard_coal",
        "calorific",
        Text("单位面积能耗", "Energy per m²"),
        Text(
            "时间窗内总表能耗（当量值折标准煤）除以建筑面积",
            "Standard coal (calorific value) of the top meters in the window over the built area",
        ),
        _KGCE,
    ),
    (
        "kgce_equivalent_per_m2",
        "standard_coal",
        "equivalent",
        Text("单位面积能耗（等价值）", "Energy per m² (equivalent value)"),
        Text(
            "时间窗内总表能耗（等价值折标准煤）除以建筑面积",
            "Standard coal (equivalent value) of the top meters in the window over the built area",
        ),
        _KGCE,
    ),
    (
        "kgco2_per_m2",
        "co2",
        None,
        Text("单位面积碳排放", "CO₂ per m²"),
        Text(
            "时间窗内总表用能的二氧化碳排放除以建筑面积；采用时间窗结束时有效的最新数据年份",
            "Carbon dioxide of the top meters in the window over the built area; the newest data "
            "year valid at the window's end",
        ),
        _KGCO2,
    ),
)


def _measures() -> tuple[Measure, ...]:
    made = []
    for layer, place, prefix in (("buildings", "building_id", ""), ("sites", "site_id", "site_")):
        for name, quantity, method, title, description, unit in _KINDS:
            counted = Counted(quantity, method, place)
            asked: Callable[[Question], Mapping[str, Select[Any]]] = partial(ask, counted)
            made.append(
                Measure(
                    name=prefix + name,
                    layer=layer,
                    title=title,
                    description=description,
                    unit=unit,
                    kind="sequential",
                    direction="high_is_bad",
                    ask=asked,
                    read=partial(read, counted),
                    citation=_CITATION,
                    default_window=last_month,
                    rests=("meters", "readings"),
                )
            )
    return tuple(made)


MEASURES = _measures()
