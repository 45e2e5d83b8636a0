"""What the panel says of the energy of a building or a site: last month's, by carrier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import Select, select

from layers.access import ESTATE, rows
from layers.energy import METERS
from layers.insights.base import Found, Insight, Line, Told
from layers.insights.energy import Statements, month_of, rounded
from layers.labels import CHOICES, Text
from layers.measures import metered
from layers.measures.base import Question, last_month
from layers.rules.energy import used

_KINDS = tuple(CHOICES["meter_kind"])  # water too: it is read and paid like energy
_TITLE = Text("上月用能", "Last month's consumption")


def _ask(place: str, question: Question, key: int) -> Statements:
    """Return the meters that serve the place, all that they serve, and what they used."""
    scope = metered.scopes(question, _KINDS).subquery("scope")
    here = metered.scopes(question, _KINDS).subquery("here")
    serving = select(here.c.meter_id).where(here.c[place] == key)
    meter = rows(METERS, ESTATE, question.at).alias()
    some = select(meter.c.id, meter.c.multiplier, meter.c.reading_form).where(
        meter.c.id.in_(serving)
    )
    return {
        # All of them: what lies between a meter and its main meter may serve another place.
        "meters": metered.meters(question, _KINDS),
        "scopes": select(scope).where(scope.c.meter_id.in_(serving)),
        "amounts": used(some.subquery("some"), last_month(question.now, question.zone)),
    }


def _read(place: str, question: Question, key: int, found: Found) -> Told | None:
    known = metered.read_meters(found["meters"])
    places = metered.parts_of(found["scopes"], place, {})
    tops = metered.top_meters(places.get(key, {}), known)
    if not tops:
        return None
    served = Counter(meter for here in places.values() for meter in here)
    amounts = {row["id"]: row["amount"] for row in found["amounts"]}
    groups: dict[tuple[str, str | None], list[metered.Meter]] = {}
    for meter in tops:
        groups.setdefault((meter.kind, meter.unit), []).append(meter)
    lines = [
        _line(kind, unit, some, [_amount(meter, served, amounts) for meter in some])
        for (kind, unit), some in sorted(groups.items(), key=lambda g: _KINDS.index(g[0][0]))
    ]
    month = month_of(last_month(question.now, question.zone), question.zone)
    unknown = any(line.value is None for line in lines)
    zh, en = f"{month.zh}总表用量", f"Top meters, {month.en}"
    if unknown:
        zh, en = f"{zh}（部分不明）", f"{en} (in part not known)"
    return Told("neutral", Text(zh, en), lines)


def _amount(
    meter: metered.Meter, served: Counter[int], amounts: Mapping[int, float | None]
) -> float | None:
    """Return what a meter used; None too where it is hidden, or counts for other places as well."""
    return amounts.get(meter.id) if meter.seen and served[meter.id] == 1 else None


def _line(
    kind: str, unit: str | None, meters: list[metered.Meter], amounts: list[float | None]
) -> Line:
    known = [amount for amount in amounts if amount is not None]
    total = rounded(sum(known)) if len(known) == len(amounts) else None
    link = ("meters", meters[0].id) if len(meters) == 1 and meters[0].seen else None
    return Line(kind, CHOICES["meter_kind"][kind], total, unit, link)


def _insight(layer: str, place: str) -> Insight:
    ask: Callable[[Question, int], Mapping[str, Select[Any]]] = partial(_ask, place)
    return Insight(
        "energy", layer, _TITLE, ask, partial(_read, place), rests=("meters", "readings")
    )


INSIGHTS: tuple[Insight, ...] = (
    _insight("buildings", "building_id"),
    _insight("sites", "site_id"),
)
