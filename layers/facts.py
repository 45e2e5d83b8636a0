"""What is known of one thing, and what belongs to it: derived from columns, keys and links.

No layer is named here: a key to another layer becomes that row's title, and every layer that
holds a key to this one, or is tied to it by a link table, becomes a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    Column,
    Select,
    String,
    Table,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy import Text as TextType
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.access import Actor, latest_rows, rows
from layers.base import DRAWN, Base, Layer
from layers.history import dated
from layers.places import (
    CONTAINERS,
    extent_columns,
    keys_to,
    link_tables,
    place_of,
    title_of,
    titled,
)
from layers.registry import LAYERS, layer
from layers.scope import valid_on
from layers.types import Ltree

MOST_ITEMS = 50
TITLE_OF = "title_of_"
_HIDDEN = frozenset({"geom"}) | DRAWN


def facts(shown: Layer, actor: Actor, key: int, at: datetime | None = None) -> Select[Any]:
    """Return the statement for one row: its columns, titles of what it names, place and source.

    Beside the columns: ``shown_title``, ``title_of_<column>`` for every key, ``recorded_at`` (the
    last change up to `at`), ``lon, lat, west, south, east, north`` and ``geojson`` (EPSG:4326).
    """
    thing = rows(shown, actor, at)
    columns: list[Any] = [
        cast(c, TextType).label(c.name) if isinstance(c.type, Ltree) else c
        for c in thing.c
        if c.name not in _HIDDEN
    ]
    for column in shown.table.columns:
        target = layer_of_key(column)
        if target is not None:
            named = rows(target, actor, at).alias()
            title = select(title_of(target, named)).where(named.c.id == thing.c[column.name])
            columns.append(title.scalar_subquery().label(TITLE_OF + column.name))
    outline: ColumnElement[Any] = cast(null(), TextType)
    if "geom" in thing.c:
        outline = func.ST_AsGeoJSON(func.ST_Force2D(thing.c.geom), 7)
    return select(
        *columns,
        titled(shown, thing, actor, at).label("shown_title"),
        _recorded_at(shown, thing, at).label("recorded_at"),
        *extent_columns(place_of(shown, thing, actor, at)),
        outline.label("geojson"),
    ).where(thing.c.id == key)


def layer_of_key(column: Column[Any]) -> Layer | None:
    """Return the layer whose row a column names by its id, or None."""
    for key in column.foreign_keys:
        for each in LAYERS:
            if each.table is key.column.table:
                return each
    return None


def series_of(shown: Layer) -> list[Layer]:
    """Return the layers of the series that observe the things of a layer."""
    return [each for each in LAYERS if each.series and each.series.thing is shown.model]


def latest(series: Layer, actor: Actor, key: int) -> Select[Any]:
    """Return the statement for the newest observation of one thing, where the actor sees it.

    Where the series has places, ``lon`` and ``lat`` (EPSG:4326) go with it.
    """
    model = series.series
    assert model is not None
    table = rows(model, actor) if model.latest is None else latest_rows(model, actor)
    columns: list[Any] = [c for c in table.c if c.name not in ("geom", "id", model.thing_key)]
    if "geom" in table.c:
        columns += [
            func.ST_X(table.c.geom).label("lon"),
            func.ST_Y(table.c.geom).label("lat"),
        ]
    return (
        select(*columns)
        .where(table.c[model.thing_key] == key)
        .order_by(table.c["time"].desc())
        .limit(1)
    )


def related(
    shown: Layer,
    actor: Actor,
    key: int,
    at: datetime | None = None,
    *,
    on: date | None = None,
    timezone: str = "Asia/Shanghai",
) -> Select[Any] | None:
    """Return the statement for what belongs to one row: up to 50 of each list, and the count.

    None for a layer to which nothing belongs.

    Parameters
    ----------
    on : the day on which occupancies count; None is today.
    timezone : in which the times of trips and stops are written.

    Returns
    -------
    Select of ``layer, role, id, title, subtitle, total``: `role` is the key's column where a
    layer names this one twice; `subtitle` is the code or number of `subtitle_column`.
    """
    parts = [
        _listed(each, role, condition, actor, at, timezone)
        for each in LAYERS
        if each.series is None
        for role, condition in _ways(shown, each, key, at, on)
    ]
    return select(union_all(*parts).subquery("related")) if parts else None


def subtitle_column(listed: Layer) -> Column[Any] | None:
    """Return the column that tells most beside the title: the first choice, else a quantity."""
    columns = list(listed.table.columns)
    for column in columns:
        if "choices" in column.info:
            return column
    return next((c for c in columns if "unit" in c.info), None)


def levels_of(actor: Actor, building: int, at: datetime | None = None) -> Select[Any]:
    """Return the storeys of a building from the lowest up, with the rooms the actor sees."""
    tables = Base.metadata.tables
    level, room = rows(layer("levels"), actor, at), rows(layer("rooms"), actor, at)
    held = dated(tables["level_building"], at).alias()
    on_level = dated(tables["room_level"], at).alias()
    count = (
        select(func.count())
        .select_from(on_level.join(room, room.c.id == on_level.c.room_id))
        .where(on_level.c.level_id == level.c.id)
        .scalar_subquery()
    )
    return (
        select(
            level.c.id,
            level.c.ordinal,
            level.c.short_name,
            level.c.name,
            count.label("room_count"),
        )
        .join(held, held.c.level_id == level.c.id)
        .where(held.c.building_id == building)
        .order_by(level.c.ordinal, level.c.id)
    )


def _recorded_at(shown: Layer, thing: FromClause, at: datetime | None) -> ColumnElement[Any]:
    change, record = Base.metadata.tables["change"], Base.metadata.tables["change_set"]
    query = (
        select(func.max(record.c.recorded_at))
        .join(change, change.c.tx == record.c.tx)
        .where(change.c.layer == shown.table.name, change.c.id == thing.c.id)
    )
    if at is not None:
        query = query.where(record.c.recorded_at <= at)
    return query.scalar_subquery()


def _is_link(listed: Layer) -> bool:
    """Tell whether a layer only ties others together (an occupancy): it is no list of its own."""
    return not listed.spatial and not listed.searchable


def _ways(
    shown: Layer, listed: Layer, key: int, at: datetime | None, on: date | None
) -> Iterator[tuple[str, Any]]:
    """Yield the ways in which rows of `listed` belong to the row `key`: role and condition."""
    here, there = shown.table.name, listed.table.name
    if _is_link(listed):
        return
    keys = [c for c in keys_to(listed.table, here) if here != there or c.name != "body_id"]
    for place, column in enumerate(keys):
        role = "" if place == 0 and here != there else column.name
        yield role, lambda t, name=column.name: t.c[name] == key
    order = list(CONTAINERS)
    if here in CONTAINERS and there in CONTAINERS:
        if not keys and order.index(there) < order.index(here):
            inside = _inside(here, there, key, at)
            yield "", lambda t: t.c.id.in_(inside)
        return
    if keys or here == there:
        return
    for link in link_tables(here, there)[:1]:
        tied = dated(link, at).alias()
        ids = select(tied.c[keys_to(link, there)[0].name]).where(
            tied.c[keys_to(link, here)[0].name] == key, valid_on(tied, on)
        )
        yield "", lambda t, ids=ids: t.c.id.in_(ids)


def _inside(outer: str, inner: str, key: int, at: datetime | None) -> Select[Any]:
    """Return the ids of the levels or rooms that lie in a building or site."""
    order = list(CONTAINERS)
    steps = order[order.index(inner) : order.index(outer) + 1][::-1]
    ids: Any = None
    for above, below in pairwise(steps):
        table, column, wanted = _step(above, below)
        held = dated(table, at).alias()
        condition = held.c[column] == key if ids is None else held.c[column].in_(ids)
        ids = select(held.c[wanted]).where(condition)
    return ids  # type: ignore[no-any-return]


def _step(above: str, below: str) -> tuple[Table, str, str]:
    """Return the table, its key to the container and its key to what lies in it."""
    table = Base.metadata.tables[below]
    for column in keys_to(table, above)[:1]:
        return table, column.name, "id"
    link = link_tables(above, below)[0]
    return link, keys_to(link, above)[0].name, keys_to(link, below)[0].name


def _listed(
    listed: Layer, role: str, condition: Any, actor: Actor, at: datetime | None, timezone: str
) -> Select[Any]:
    thing = rows(listed, actor, at).alias()
    title: ColumnElement[Any] = title_of(listed, thing)
    order: ColumnElement[Any] = title
    if "started_at" in thing.c:
        moment = func.timezone(timezone, thing.c.started_at)
        title, order = func.to_char(moment, "YYYY-MM-DD HH24:MI"), thing.c.started_at.desc()
    elif "ordinal" in thing.c:
        order = thing.c.ordinal
    column = subtitle_column(listed)
    subtitle = cast(null(), TextType) if column is None else cast(thing.c[column.name], String)
    found = (
        select(
            literal(listed.name).label("layer"),
            literal(role).label("role"),
            thing.c.id,
            title.label("title"),
            subtitle.label("subtitle"),
            func.count().over().label("total"),
        )
        .where(condition(thing))
        .order_by(order, thing.c.id)
        .limit(MOST_ITEMS)
        .subquery()
    )
    return select(found)


__all__ = [
    "MOST_ITEMS",
    "TITLE_OF",
    "facts",
    "latest",
    "layer_of_key",
    "levels_of",
    "related",
    "series_of",
    "subtitle_column",
]
