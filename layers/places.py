"""What a thing is called and where it is: titles, and the path site › building › level › room.

All of it is derived from keys and link tables: a layer says nothing here about itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Float,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy import Text as TextType
from sqlalchemy.sql.elements import Cast, ColumnElement, Null
from sqlalchemy.sql.selectable import FromClause

from layers.access import Actor, latest_rows, rows
from layers.base import Base, Layer
from layers.history import dated, tracked_tables
from layers.registry import LAYERS, layer
from layers.scope import timezone_of_estate, valid_on

IDS = ARRAY(BigInteger)
# From the inside out; a name of `LAYERS` for each table.
CONTAINERS: Mapping[str, str] = {
    "room": "rooms",
    "level": "levels",
    "building": "buildings",
    "site": "sites",
}


class Place(NamedTuple):
    """One step of a path."""

    layer: str
    id: int
    name: str


def keys_to(table: Table, target: str) -> list[Column[Any]]:
    """Return the columns of `table` that are keys to the table called `target`."""
    return [c for c in table.columns if any(k.column.table.name == target for k in c.foreign_keys)]


def link_tables(one: str, other: str) -> list[Table]:
    """Return the tables without a place of their own that tie `one` to `other`, the firmest first.

    A room's level is told by ``room_level``, whose keys are never empty, before ``meter_scope``.
    """
    found = [
        table
        for table in tracked_tables()
        if "geom" not in table.c
        and table.name not in (one, other)
        and keys_to(table, one)
        and keys_to(table, other)
        # Two keys that may both be empty never meet in one row (``meter_scope`` has one scope).
        and not (keys_to(table, one)[0].nullable and keys_to(table, other)[0].nullable)
    ]
    return sorted(
        found, key=lambda t: (keys_to(t, one)[0].nullable, keys_to(t, other)[0].nullable, t.name)
    )


def name_of(shown: Layer, t: FromClause) -> ColumnElement[str]:
    """Return the short name of a row: its number or plate, else its name, else its key."""
    names = [*shown.searchable[:1], "name", "short_name", "source_key"]
    return func.coalesce(*(func.nullif(t.c[name], "") for name in names if name in t.c))


def title_of(shown: Layer, t: FromClause) -> ColumnElement[str]:
    """Return the title of a row: its number or plate and, where it differs, its name."""
    short = name_of(shown, t)
    if shown.searchable[:1] in ((), ("name",)):
        return short
    return func.concat_ws(" ", short, case((t.c.name != short, t.c.name), else_=null()))


def titled(
    shown: Layer, t: FromClause, actor: Actor, at: datetime | None = None
) -> ColumnElement[str]:
    """Return the title of a row, told by what it names where it has no name of its own.

    An occupancy is told by its person and its room, a trip by its car and when it began (in the
    connection's time zone).
    """
    if shown.searchable or shown.series is not None:
        return title_of(shown, t)
    parts: list[Any] = []
    for column in shown.table.columns:
        for each in LAYERS:
            if each.searchable and column.name != "body_id" and _leads_to(column, each):
                named = rows(each, actor, at).alias()
                title = select(title_of(each, named)).where(named.c.id == t.c[column.name])
                parts.append(title.scalar_subquery())
    if "started_at" in t.c:
        local = func.timezone(timezone_of_estate(), t.c.started_at)
        parts.append(func.to_char(local, "YYYY-MM-DD HH24:MI"))
    if not parts:
        return title_of(shown, t)
    return func.coalesce(func.nullif(func.concat_ws(" · ", *parts), ""), title_of(shown, t))


def _leads_to(column: Column[Any], target: Layer) -> bool:
    return any(key.column.table is target.table for key in column.foreign_keys)


def place_of(
    shown: Layer,
    t: FromClause,
    actor: Actor,
    at: datetime | None = None,
    on: date | None = None,
) -> ColumnElement[Any]:
    """Return the geometry (EPSG:4326) at which a row is shown.

    The newest position of what moves, else its own geometry, else that of the room, level or
    building it is known to be in: a place to look at, not a position of its own. A person is in
    the first of the rooms that he holds on the day `on`.
    """
    options: list[Any] = []
    moving = next(
        (
            e.series
            for e in LAYERS
            if e.series and e.series.latest is not None and e.series.thing is shown.model
        ),
        None,
    )
    if moving is not None and at is None:
        fix = latest_rows(moving, actor).alias()
        options.append(select(fix.c.geom).where(fix.c.id == t.c.id).scalar_subquery())
    if "geom" in t.c:
        options.append(t.c.geom)
    for name, container in CONTAINERS.items():
        if name == shown.table.name:
            break
        inside = _direct(shown.table, t, name, at, on)
        if isinstance(inside, Cast) and isinstance(inside.clause, Null):
            continue
        held = rows(layer(container), actor, at).alias()
        shape = select(held.c.geom).where(held.c.id == inside).correlate_except(held)
        options.append(shape.scalar_subquery())
    if not options:
        return null()
    return options[0] if len(options) == 1 else func.coalesce(*options)


def extent_columns(place: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Return ``lon, lat`` of a point on the place and its ``west, south, east, north``."""
    names = ("lon", "lat", "west", "south", "east", "north")
    if isinstance(place, Null):
        return [cast(null(), Float).label(name) for name in names]
    point = func.ST_PointOnSurface(place)
    return [
        func.ST_X(point).label("lon"),
        func.ST_Y(point).label("lat"),
        func.ST_XMin(place).label("west"),
        func.ST_YMin(place).label("south"),
        func.ST_XMax(place).label("east"),
        func.ST_YMax(place).label("north"),
    ]


def paths(
    actor: Actor,
    wanted: Mapping[str, Iterable[int]],
    at: datetime | None = None,
    on: date | None = None,
) -> Select[Any] | None:
    """Return the statement for the paths of some rows, or None where nothing can have one.

    Parameters
    ----------
    wanted : ids by the name of their layer.
    on : the day on which occupancies count; None is today.

    Returns
    -------
    Select of ``layer, id`` and, for each container, ``<table>_id`` and ``<table>_name``; NULL
    where it is not known or not to be seen. `read_path` turns a row into a path.
    """
    parts = []
    for name, ids in wanted.items():
        shown = layer(name)
        if not shown.series:
            parts.append(_paths_of(shown, actor, list(ids), at, on))
    if not parts:
        return None
    return select(union_all(*parts).subquery("paths"))


def read_path(row: Mapping[str, Any]) -> list[Place]:
    """Return the path in a row of `paths`, from the site inwards."""
    return [
        Place(name, row[f"{table}_id"], row[f"{table}_name"])
        for table, name in reversed(list(CONTAINERS.items()))
        if row[f"{table}_id"] is not None and row[f"{table}_name"] is not None
    ]


def _paths_of(
    shown: Layer, actor: Actor, ids: Sequence[int], at: datetime | None, on: date | None
) -> Select[Any]:
    visible = rows(shown, actor, at)
    table = shown.table
    order = list(CONTAINERS)
    if table.name in order:
        order = order[order.index(table.name) + 1 :]
    step: Any = (
        select(visible.c.id, *(_direct(table, visible, kind, at, on).label(kind) for kind in order))
        .where(visible.c.id == func.any(literal(ids, type_=IDS)))
        .subquery()
    )
    for inner, outer in pairwise(order):
        above = _above(inner, outer, step.c[inner], at, on)
        step = select(
            *(c for c in step.c if c.name != outer),
            func.coalesce(step.c[outer], above).label(outer),
        ).subquery()
    result: list[Any] = [literal(shown.name).label("layer"), step.c.id]
    joined: Any = step
    for kind, name in CONTAINERS.items():
        if kind not in order:
            result += [_none(BigInteger, f"{kind}_id"), _none(TextType, f"{kind}_name")]
            continue
        held = rows(layer(name), actor, at).alias()
        joined = joined.outerjoin(held, held.c.id == step.c[kind])
        result += [
            held.c.id.label(f"{kind}_id"),
            name_of(layer(name), held).label(f"{kind}_name"),
        ]
    return select(*result).select_from(joined)


def _none(kind: Any, name: str) -> ColumnElement[Any]:
    return cast(null(), kind).label(name)


def _direct(table: Table, t: FromClause, kind: str, at: datetime | None, on: date | None) -> Any:
    """Return the container a row names itself, by a key or by a link table."""
    for key in keys_to(table, kind)[:1]:
        return cast(t.c[key.name], BigInteger)
    if table.name == "body":  # a body sits in many rooms: none of them is its place
        return cast(null(), BigInteger)
    return _linked(table.name, kind, t.c.id, at, on)


def _above(
    inner: str, outer: str, key: ColumnElement[Any], at: datetime | None, on: date | None
) -> Any:
    table = Base.metadata.tables[inner]
    for column in keys_to(table, outer)[:1]:
        held = dated(table, at).alias()
        return select(held.c[column.name]).where(held.c.id == key).scalar_subquery()
    return _linked(inner, outer, key, at, on)


def _linked(
    one: str, other: str, key: ColumnElement[Any], at: datetime | None, on: date | None
) -> Any:
    links = link_tables(one, other)
    if not links:
        return cast(null(), BigInteger)
    link = dated(links[0], at).alias()
    here, there = keys_to(links[0], one)[0].name, keys_to(links[0], other)[0].name
    # A hall on two levels, a level of two buildings: the first of them, always the same one.
    return (
        select(func.min(link.c[there]))
        .where(and_(link.c[here] == key, link.c[there].is_not(None), valid_on(link, on)))
        .correlate_except(link)
        .scalar_subquery()
    )
