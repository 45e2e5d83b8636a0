"""Pages of features: one statement, its rows joined into GeoJSON bytes.

No model is built for a row: the database writes each geometry, `orjson` the rest. Statements are
compiled once for each shape of question (`Filter.shape`) and given fresh values.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import orjson
from geoalchemy2 import Geometry
from sqlalchemy import Integer, Select, bindparam, cast, func, select
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.selectable import FromClause

from api.session import Session
from layers.access import Actor, rows
from layers.base import SRID, Layer
from layers.crs import CRS84, Coordinates
from layers.filter import Filter
from layers.paging import AFTER, Order, key_of
from layers.prepared import Prepared, prepare
from layers.problems import NotFound
from layers.types import Ltree

GEOMETRY, MATCHED = "geometry_", "matched_"
_OPTIONS = orjson.OPT_UTC_Z
_KEPT = 512
_kept: OrderedDict[Any, Prepared] = OrderedDict()


@dataclass(frozen=True)
class Question:
    """One page that is asked for.

    Attributes
    ----------
    names : the columns to give as properties.
    after : the sort values of the row before the page, None for the first.
    """

    layer: Layer
    filter: Filter
    order: Order
    names: tuple[str, ...]
    limit: int
    after: tuple[Any, ...] | None = None
    crs: Coordinates = CRS84
    geometry: bool = True


@dataclass(frozen=True)
class Page:
    """The rows of a page, how many match in all, and whether there are more after it."""

    rows: Sequence[Any]
    matched: int
    more: bool


def property_names(layer: Layer) -> tuple[str, ...]:
    """Return the columns a feature shows, in the order of the table."""
    return tuple(
        name for name, column in layer.fields().items() if not isinstance(column.type, Geometry)
    )


async def page(session: Session, question: Question) -> Page:
    """Return one page and the number of rows that match in all, seen at the same moment.

    Raises
    ------
    BadRequest : the filter cannot be understood.
    """
    values: dict[str, Any] = {**question.filter.values, "limit": question.limit + 1}
    for i, value in enumerate(question.after or ()):
        values[f"{AFTER}{i}"] = value
    values |= session.actor.scope
    found = await session.fetch(_statement(session, question), values)
    if found:
        matched = found[0][MATCHED]
    elif question.after is None:
        matched = 0
    else:
        matched = await count(session, question.layer, question.filter)
    shown = found[: question.limit]
    return Page(shown, matched, len(found) > question.limit)


async def count(session: Session, layer: Layer, filter_: Filter) -> int:
    """Return how many rows of the layer match."""
    row = await session.fetchrow(select(_matched(layer, session.actor, session.at, filter_)))
    return int(row[0]) if row else 0


async def single(session: Session, layer: Layer, key: tuple[Any, ...], crs: Coordinates) -> Any:
    """Return the row of one feature.

    Raises
    ------
    NotFound : there is none, or it is not the caller's to see.
    """
    source = rows(layer, session.actor, session.at)
    names = property_names(layer)
    query = select(*_columns(layer, source, names, crs)).where(
        *(source.c[name] == value for name, value in zip(key_of(layer), key, strict=True))
    )
    row = await session.fetchrow(query)
    if row is None:
        shown = "~".join(map(str, key))
        raise NotFound(
            zh=f"图层“{layer.title.zh}”中没有 {shown}，或无权查看",
            en=f"The layer '{layer.name}' has no {shown} that you may see",
            layer=layer.name,
            id=shown,
        )
    return row


def parse_key(layer: Layer, text: str, parse_time: Callable[[str], datetime]) -> tuple[Any, ...]:
    """Return the key that an item's address names: ``12``, or ``12~2026-10-12T01:00:00Z``.

    Raises
    ------
    NotFound : no row can have that name.
    """
    parts, columns = text.split("~"), key_of(layer)
    if len(parts) == len(columns):
        try:
            number = int(parts[0])
            if 0 <= number < 2**63:
                return (number, *(parse_time(part) for part in parts[1:]))
        except ValueError:
            pass
    form = "~".join(columns)
    raise NotFound(
        zh=f"“{text}”不是图层“{layer.title.zh}”的编号；写法：{form}",
        en=f"'{text}' is no id of the layer '{layer.name}'; its form is {form}",
        layer=layer.name,
        id=text,
    )


def identity(layer: Layer, row: Any) -> int | str:
    """Return a row's id: a number, or for a series ``thing~time``."""
    key = key_of(layer)
    if len(key) == 1:
        return int(row[key[0]])
    return "~".join(_shown(row[name]) for name in key)


def shaper(
    layer: Layer, names: tuple[str, ...], *, geometry: bool = True
) -> Callable[[Any], dict[str, Any]]:
    """Return the function that makes one row a GeoJSON feature, for `dumps`.

    It runs a thousand times a page: the whole row becomes a dictionary at once, and what the
    database has written as JSON already passes through untouched. A row begins with `names`.
    """
    raw = tuple(n for n in names if isinstance(layer.table.c[n].type, JSONB))
    spatial = layer.spatial and geometry
    single_key = key_of(layer) == ("id",)
    fragment = orjson.Fragment

    def shape(row: Any) -> dict[str, Any]:
        place = row[GEOMETRY] if spatial else None
        properties = dict(zip(names, row, strict=False))
        for name in raw:
            if properties[name] is not None:
                properties[name] = fragment(properties[name])
        return {
            "type": "Feature",
            "id": row["id"] if single_key else identity(layer, row),
            "geometry": None if place is None else fragment(place),
            "properties": properties,
        }

    return shape


def dumps(body: Any) -> bytes:
    """Return JSON: times in UTC with ``Z``, decimals as numbers."""
    return orjson.dumps(body, _other, _OPTIONS)


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


def item_path(layer: Layer, row: Any) -> str:
    """Return the last part of a row's address."""
    return quote(str(identity(layer, row)), safe="~:")


def _statement(session: Session, question: Question) -> Prepared:
    """Return the page's statement, compiled once for its shape while it is about now."""
    if session.at is not None:
        return prepare(_query(question, session.actor, session.at))
    key = (
        question.layer.name,
        question.layer.model,
        session.actor.pattern,
        question.filter.shape,
        question.order,
        question.names,
        question.crs.uri,
        question.geometry,
        question.after and tuple(value is None for value in question.after),
    )
    kept = _kept.get(key)
    if kept is None:
        kept = _kept[key] = prepare(_query(question, session.actor.pattern, None))
        if len(_kept) > _KEPT:
            _kept.popitem(last=False)
    else:
        _kept.move_to_end(key)
    return kept


def _query(question: Question, actor: Actor, at: datetime | None) -> Select[Any]:
    layer = question.layer
    source = rows(layer, actor, at)
    shown = tuple(dict.fromkeys((*question.names, *question.order.names)))
    crs = question.crs if question.geometry else None
    query = select(
        *_columns(layer, source, shown, crs),
        _matched(layer, actor, at, question.filter).label(MATCHED),
    ).where(question.filter.condition(layer, source))
    if question.after is not None:
        query = query.where(question.order.after(source, question.after))
    return query.order_by(*question.order.terms(source)).limit(bindparam("limit", 1, Integer))


def _matched(layer: Layer, actor: Actor, at: datetime | None, filter_: Filter) -> Any:
    source = rows(layer, actor, at)
    counted = select(func.count()).select_from(source)
    return counted.where(filter_.condition(layer, source)).scalar_subquery()


def _columns(
    layer: Layer, source: FromClause, names: tuple[str, ...], crs: Coordinates | None
) -> list[Any]:
    made: list[Any] = []
    for name in names:
        column = source.c[name]
        if isinstance(column.type, Ltree):
            made.append(cast(column, TextType()).label(name))
        else:
            made.append(column)
    if layer.spatial and crs is not None:
        made.append(geojson(source.c.geom, crs).label(GEOMETRY))
    return made


def geojson(geom: Any, crs: Coordinates) -> Any:
    """Return `geom` as GeoJSON text in `crs`, in the order of its axes."""
    if crs.srid != SRID:
        geom = func.ST_Transform(geom, crs.srid)
    if crs.northing_first:
        geom = func.ST_FlipCoordinates(geom)
    # 0: neither a bbox nor a "crs" member in every geometry.
    return func.ST_AsGeoJSON(geom, crs.decimals, 0, type_=TextType)
