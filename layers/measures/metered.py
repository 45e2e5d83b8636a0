"""Which meters count a place once, what part of it they serve, and whether they may be seen.

All of it is read unscoped, since a meter below one that the actor may not see is no top meter for
that: what the actor may see decides only whether there is an answer (`Meter.seen`, `areas`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import ARRAY, Float, Select, Text, and_, case, cast, func, literal, or_, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.access import rows
from layers.base import Base
from layers.energy import METERS
from layers.estate import BUILDINGS, SITES
from layers.history import dated
from layers.labels import CHOICES
from layers.measures.base import Question, Rows

# Carriers of energy; water is metered too and is none.
ENERGY = ("electricity", "gas", "heat", "coal", "diesel", "petrol", "lpg")
# More than the whole by more than rounding: the areas contradict each other.
_ROUNDING = 1e-6

# A meter of no item counts all of them, and so do the meters of every item together.
_WHOLE: frozenset[str | None] = frozenset({"total", None})
_ITEMS: frozenset[str | None] = frozenset(CHOICES["meter_item"]) - _WHOLE

Key = tuple[str, int]


@dataclass(frozen=True)
class Meter:
    """A meter as its readings are understood; `seen` is whether the actor may see it."""

    id: int
    kind: str
    item: str | None
    unit: str | None
    parent_id: int | None
    multiplier: float
    digits: int | None
    register: bool
    seen: bool = True


@dataclass(frozen=True)
class Part:
    """What a meter serves within a place.

    Attributes
    ----------
    key : the room, level, building or site (``("room", 412)``).
    inside : what holds it, within the place or above.
    share : its share of the place's area (0 to 1); None where the areas are not known.
    building, weight : the building it is or lies in, and that one's share of the place's area;
        None for a site as a whole.
    """

    key: Key
    inside: frozenset[Key]
    share: float | None
    building: int | None
    weight: float | None


Parts = dict[Key, Part]


def carriers(kinds: Sequence[str] = ENERGY) -> Any:
    """Return the energy carriers (or other kinds of meters) as a bound array."""
    return literal(list(kinds), ARRAY(Text))


def _table(question: Question, name: str) -> FromClause:
    return dated(Base.metadata.tables[name], question.at).alias()


def meters(question: Question, kinds: Sequence[str] = ENERGY) -> Select[Any]:
    """Return all meters of these kinds, each with whether the actor may see it."""
    meter = _table(question, "meter")
    visible = rows(METERS, question.actor, question.at)
    return select(
        meter.c.id,
        meter.c.kind,
        meter.c.item,
        meter.c.unit,
        meter.c.parent_id,
        meter.c.multiplier,
        meter.c.digits,
        (meter.c.reading_form == "register").label("register"),
        meter.c.id.in_(select(visible.c.id)).label("seen"),
    ).where(meter.c.kind == func.any(carriers(kinds)))


def read_meters(found: Rows) -> dict[int, Meter]:
    """Return the meters of `meters` by id."""
    return {row["id"]: Meter(**dict(row)) for row in found}


def areas(question: Question, place: str) -> Select[Any]:
    """Return ``id, area, seen`` of the places that the actor may see.

    The area is the built area of the building, or of all buildings of the site: it is not seen,
    and not given, where one of them is not to be seen.

    Parameters
    ----------
    place : ``"building_id"`` or ``"site_id"``.
    """
    visible = rows(BUILDINGS, question.actor, question.at)
    if place == "building_id":
        return select(
            visible.c.id, visible.c.built_area_m2.label("area"), literal(True).label("seen")
        )
    building, site = _table(question, "building"), rows(SITES, question.actor, question.at)
    seen = func.bool_and(building.c.id.in_(select(visible.c.id)))
    # A site with a building of unknown area has no area to divide by.
    complete = func.count() == func.count(building.c.built_area_m2)
    area = case((and_(complete, seen), func.sum(building.c.built_area_m2)), else_=None)
    return (
        select(building.c.site_id.label("id"), area.label("area"), seen.label("seen"))
        .where(building.c.site_id.in_(select(site.c.id)))
        .group_by(building.c.site_id)
    )


def scopes(question: Question, kinds: Sequence[str] = ENERGY) -> Select[Any]:
    """Return what each meter of these kinds serves, once for each building (and level of a room).

    Select of ``meter_id, site_id, building_id, level_id, room_id`` as recorded, with the building
    and site that hold it; ``on_level_id``, the level of a room; ``share``, its share of the
    building; ``building_m2``.
    """
    scope, meter, building, room, level, held, on_level = (
        _table(question, name)
        for name in (
            "meter_scope", "meter", "building", "room", "level", "level_building", "room_level",
        )
    )  # fmt: skip
    storeys = _storeys(question)
    of_room = func.coalesce(
        _ratio(room.c.built_area_m2, building.c.built_area_m2),
        _ratio(room.c.usable_area_m2, building.c.usable_area_m2),
    )
    share = case(
        (scope.c.room_id.is_not(None), of_room),
        (scope.c.level_id.is_not(None), _ratio(_area(level), storeys.c.area)),
        else_=1.0,
    )
    level_id = func.coalesce(scope.c.level_id, on_level.c.level_id)
    return (
        select(
            scope.c.meter_id,
            func.coalesce(scope.c.site_id, building.c.site_id).label("site_id"),
            building.c.id.label("building_id"),
            scope.c.level_id,
            scope.c.room_id,
            on_level.c.level_id.label("on_level_id"),
            share.label("share"),
            building.c.built_area_m2.label("building_m2"),
        )
        .join(meter, meter.c.id == scope.c.meter_id)
        .outerjoin(on_level, on_level.c.room_id == scope.c.room_id)
        .outerjoin(held, held.c.level_id == level_id)
        .outerjoin(
            building, building.c.id == func.coalesce(scope.c.building_id, held.c.building_id)
        )
        .outerjoin(room, room.c.id == scope.c.room_id)
        .outerjoin(level, level.c.id == scope.c.level_id)
        .outerjoin(storeys, storeys.c.building_id == building.c.id)
        .where(
            meter.c.kind == func.any(carriers(kinds)),
            or_(building.c.id.is_not(None), scope.c.site_id.is_not(None)),
        )
    )


def _storeys(question: Question) -> FromClause:
    """Return the sum of the levels' areas of each building with a metered level, where known."""
    held, level = _table(question, "level_building"), _table(question, "level")
    scope, metered = _table(question, "meter_scope"), _table(question, "level_building")
    wanted = select(metered.c.building_id).join(scope, scope.c.level_id == metered.c.level_id)
    complete = func.count() == func.count(level.c.geom)
    return (
        select(held.c.building_id, case((complete, func.sum(_area(level)))).label("area"))
        .join(level, level.c.id == held.c.level_id)
        .where(held.c.building_id.in_(wanted))
        .group_by(held.c.building_id)
        .subquery("storeys")
    )


def _area(level: FromClause) -> ColumnElement[float]:
    return func.ST_Area(cast(level.c.geom, Geography), type_=Float)


def _ratio(part: Any, whole: Any) -> ColumnElement[float]:
    ratio: ColumnElement[float] = part / func.nullif(whole, 0.0)
    return ratio


def parts_of(
    found: Rows, column: str, place_m2: Mapping[int, float | None]
) -> dict[int, dict[int, Parts]]:
    """Return, for each building (``building_id``) or site (``site_id``), its meters' parts."""
    places: dict[int, dict[int, Parts]] = {}
    for row in found:
        place = row[column]
        if place is None:
            continue
        part = _part(row, column, place_m2.get(place))
        held = places.setdefault(place, {}).setdefault(row["meter_id"], {})
        known = held.get(part.key)
        if known is not None:
            # A room on two levels has one share; one of two buildings has none that is known.
            share = known.share if known.share == part.share else None
            part = replace(part, inside=part.inside | known.inside, share=share)
        held[part.key] = part
    return places


def _part(row: Mapping[str, Any], column: str, place_m2: float | None) -> Part:
    chain: list[Key | None] = [
        (kind, row[name]) if row[name] is not None else None
        for kind, name in (
            ("room", "room_id"),
            ("level", "level_id"),
            ("level", "on_level_id"),
            ("building", "building_id"),
            ("site", "site_id"),
        )
    ]
    key, *inside = [each for each in chain if each is not None]
    if key[0] == "site":
        return Part(key, frozenset(inside), 1.0, None, None)
    share: float | None = row["share"]
    weight: float | None = 1.0
    if column == "site_id":
        known = row["building_m2"] is not None and place_m2
        weight = row["building_m2"] / place_m2 if known else None
        share = None if share is None or weight is None else share * weight
    return Part(key, frozenset(inside), share, row["building_id"], weight)


def top_meters(here: Mapping[int, Parts], known: Mapping[int, Meter]) -> list[Meter]:
    """Return the meters of a place that together count its consumption once.

    Left out are: a meter below another of its kind that serves the same place; the meter of an
    item (lighting, …) beside one of the whole; and a meter of a part that a meter of its kind
    serves already, whole or with more around it, though nobody recorded it as the parent.
    """
    found = {key: known[key] for key in here if key in known}
    tops = [meter for meter in found.values() if not _has_ancestor(meter, found, known)]
    with_whole = {meter.kind for meter in tops if meter.item in _WHOLE}
    tops = [m for m in tops if m.kind not in with_whole or m.item in _WHOLE]
    return sorted(
        (
            meter
            for meter in tops
            if not any(
                other.kind == meter.kind and _covers(here[other.id], here[meter.id])
                for other in tops
                if other is not meter
            )
        ),
        key=lambda meter: meter.id,
    )


def _has_ancestor(meter: Meter, here: Collection[int], known: Mapping[int, Meter]) -> bool:
    seen = {meter.id}
    parent = meter.parent_id
    while parent is not None and parent not in seen:
        above = known.get(parent)
        if above is None:
            return False
        if parent in here and above.kind == meter.kind:
            return True
        seen.add(parent)
        parent = above.parent_id
    return False


def _covers(coarse: Parts, fine: Parts) -> bool:
    """Tell whether `coarse` serves what `fine` does and more, or a part that holds one of it."""
    if any(part.inside & coarse.keys() for part in fine.values()):
        return True
    return fine.keys() < coarse.keys()


def _of_all_items(tops: Collection[Meter], here: Mapping[int, Parts]) -> bool:
    """Tell whether the meters of each part count all of its energy, by item or as a whole."""
    items: dict[tuple[Key, str], set[str | None]] = {}
    for meter in tops:
        for key in here[meter.id]:
            items.setdefault((key, meter.kind), set()).add(meter.item)
    return all(each & _WHOLE or each >= _ITEMS for each in items.values())


def _by_part(
    tops: Collection[Meter], here: Mapping[int, Parts], measured: Mapping[int, float]
) -> dict[Part, dict[str, list[float]]]:
    """Return, for each part and carrier, what its meters measured of the window."""
    found: dict[Part, dict[str, list[float]]] = {}
    for meter in tops:
        for part in here[meter.id].values():
            found.setdefault(part, {}).setdefault(meter.kind, []).append(measured[meter.id])
    return found


def coverage(
    tops: Collection[Meter], here: Mapping[int, Parts], measured: Mapping[int, float]
) -> float | None:
    """Return how much of the place and the window is measured.

    In each building it is the mean over the carriers that are metered there of the share of the
    area times the share of the window; a site's is the mean over its buildings by area. None
    where a share of the area is not known, or they add up to more than the whole, or where only
    some items (lighting, …) are metered: nobody knows which part of the energy they are.

    Parameters
    ----------
    measured : the share of the window (0 to 1) that each meter measured.
    """
    if not _of_all_items(tops, here):
        return None
    # What a carrier covers of the place as a whole, and of each building: share and measured.
    whole: dict[str, float] = {}
    buildings: dict[tuple[int, float], dict[str, tuple[float, float]]] = {}
    for part, kinds in _by_part(tops, here, measured).items():
        if part.share is None:
            return None
        for kind, times in kinds.items():
            mean = sum(times) / len(times)
            if part.building is None or part.weight is None:
                whole[kind] = mean
                continue
            served = buildings.setdefault((part.building, part.weight), {})
            share, covered = served.get(kind, (0.0, 0.0))
            served[kind] = (share + part.share, covered + part.share * mean)
    total, rest = 0.0, 1.0
    for (_, weight), served in buildings.items():
        if max(share for share, _ in served.values()) > weight + _ROUNDING:
            return None
        covered = sum(part for _, part in served.values()) + weight * sum(whole.values())
        total += covered / (len(served) + len(whole))
        rest -= weight
    if whole:
        total += rest * sum(whole.values()) / len(whole)
    return round(total, 9)
