"""Vector tiles: rows become a Mapbox Vector Tile inside the database.

A tile holds what `rows(layer, actor, at)` gives within its bounds, few attributes each, under the
row's own id. Where a tile would hold more than the layer's cap, the largest stay; at small zooms
areas too small to be told apart are added up (`tiles.far`), and lines shorter than a pixel left
out.

An area that is labelled travels a second time as a point, in the tile that holds the point and in
no other: drawn from the areas, a name would stand in every tile that its area reaches into.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    DateTime,
    Float,
    Select,
    bindparam,
    case,
    false,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import CTE, FromClause, Subquery

from geo.tiling import tile_bounds_3857
from layers.access import ESTATE, Actor, latest_rows, rows
from layers.base import SRID, TILE_SRID, WIDE_M, Feature, Layer, Series
from layers.labels import Text
from layers.prepared import Prepared, prepare
from layers.problems import NotFound
from tiles import far

EXTENT = 4096
BUFFER = 64
# MapLibre draws a tile at 512 CSS pixels.
PIXELS = 512
MAX_ZOOM = 24
RADIUS_M = 6_378_137.0
# The layer of a tile that holds the points of `rooms` is `rooms-label`.
LABEL = "-label"
# From this zoom on a tile is small enough to carry what is smaller than a pixel too.
DETAIL_ZOOM = 14

Fetch = Callable[[Prepared, dict[str, Any]], Awaitable[bytes | None]]


@dataclass(frozen=True)
class Tile:
    """A tile of the Web Mercator quad tree: ``0 ≤ x, y < 2^z``, y from the north.

    Raises
    ------
    NotFound : there is no such tile.
    """

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        if not (
            0 <= self.z <= MAX_ZOOM and 0 <= self.x < 1 << self.z and 0 <= self.y < 1 << self.z
        ):
            last = (1 << max(0, min(self.z, MAX_ZOOM))) - 1
            raise NotFound(
                zh=f"没有瓦片 {self.z}/{self.x}/{self.y}：该级 x、y 应在 0 到 {last} 之间，"
                f"级别应在 0 到 {MAX_ZOOM} 之间",
                en=f"There is no tile {self.z}/{self.x}/{self.y}: x and y go from 0 to {last} "
                f"at this zoom, zooms from 0 to {MAX_ZOOM}",
            )


def check_zoom(layer: Layer, tile: Tile) -> None:
    """Refuse a tile outside the layer's zooms.

    Raises
    ------
    NotFound : the layer has no tiles at this zoom, or none at all.
    """
    first, last = layer.zooms
    if not drawable(layer):
        text_ = Text(
            f"图层“{layer.title.zh}”没有矢量瓦片", f"The layer '{layer.name}' has no vector tiles"
        )
    elif first <= tile.z <= last:
        return
    else:
        text_ = Text(
            f"图层“{layer.title.zh}”的瓦片级别为 {first} 到 {last}，没有第 {tile.z} 级",
            f"The layer '{layer.name}' has tiles from zoom {first} to {last}, none at {tile.z}",
        )
    raise NotFound(zh=text_.zh, en=text_.en, layer=layer.name)


def drawable(layer: Layer) -> bool:
    """Whether the layer is drawn from vector tiles."""
    return layer.spatial and layer.paint is not None


async def tile_bytes(
    layer: Layer, tile: Tile, actor: Actor, at: datetime | None, fetch: Fetch
) -> bytes:
    """Return the tile (MVT, not compressed); ``b""`` when nothing lies in it.

    From `DETAIL_ZOOM` on the cap is hardly ever reached, and sorting by size costs a fifth of a
    tile: there the rows are first taken as they come, and sorted only if they are too many.

    Parameters
    ----------
    fetch : runs a prepared statement with values and returns its one value.
    """
    check_zoom(layer, tile)
    west, south, east, north = tile_bounds_3857(tile.z, tile.x, tile.y)
    values: dict[str, Any] = {"west": west, "south": south, "east": east, "north": north}
    values |= actor.scope
    if tile.z < DETAIL_ZOOM and far.summed(layer):
        where = values | far.far_values(tile.z, tile.x, tile.y)
        listed = await fetch(_far_statement(layer, tile.z, actor, at), where)
        small = far.small_areas(listed, tile.z, tile.x, tile.y)
        values["least"] = least = far.least_span(small, tile.z)
        wide = least >= WIDE_M
        shown = await fetch(_statement(layer, tile.z, actor, at, sort=True, wide=wide), values)
        return far.with_boxes(shown or b"", layer.name, small, least)
    if tile.z >= DETAIL_ZOOM:
        found = await fetch(_statement(layer, tile.z, actor, at, sort=False), values)
        if found is not None:
            return found
    return await fetch(_statement(layer, tile.z, actor, at, sort=True), values) or b""


def _statement(
    layer: Layer, zoom: int, actor: Actor, at: datetime | None, *, sort: bool, wide: bool = False
) -> Prepared:
    if at is not None:
        return prepare(tile_query(layer, zoom, actor, at, sort=sort, wide=wide))
    return _kept_statement(layer, zoom, actor.pattern, sort, wide)


@lru_cache(maxsize=1024)
def _kept_statement(layer: Layer, zoom: int, actor: Actor, sort: bool, wide: bool) -> Prepared:
    return prepare(tile_query(layer, zoom, actor, None, sort=sort, wide=wide))


def _far_statement(layer: Layer, zoom: int, actor: Actor, at: datetime | None) -> Prepared:
    if at is not None:
        return prepare(far.far_query(layer, zoom, actor, at))
    return _kept_far_statement(layer, zoom, actor.pattern)


@lru_cache(maxsize=256)
def _kept_far_statement(layer: Layer, zoom: int, actor: Actor) -> Prepared:
    return prepare(far.far_query(layer, zoom, actor, None))


def tile_query(
    layer: Layer,
    zoom: int,
    actor: Actor,
    at: datetime | None,
    *,
    sort: bool = True,
    wide: bool = False,
) -> Select[bytes]:
    """Return the statement of a tile; its bounds are the values west, south, east, north (3857).

    Parameters
    ----------
    sort : True keeps the largest where there are more rows than the layer's cap; False takes the
        rows as they come, and gives NULL where there are more.
    wide : at low zooms, whether the value ``least`` is at least `WIDE_M`: those have an index.
    """
    bounds = func.ST_MakeEnvelope(*_bounds(), TILE_SRID)
    labelled = label_points(layer, zoom)
    query = _within(bounds, layer, zoom, actor, at, sort=sort, wide=wide)
    # Over a distributed series ST_AsMVT needs its input computed first; points need it twice.
    kept = layer.series is not None or labelled
    found = query.cte("found").prefix_with("MATERIALIZED") if kept else query.subquery("found")
    areas = select(*(c for c in found.c if c.name != "spot")).subquery("areas")
    tile = _encoded(areas if labelled else found, layer.name)
    if not sort:
        cap: ColumnElement[int] = literal_column(str(layer.max_features))
        tile = case((func.count() <= cap, tile))
    whole = select(tile.label("tile")).select_from(areas if labelled else found)
    if not labelled:
        return whole
    points = _points(found, told(layer), _box(bounds)).subquery("points")
    text = select(_encoded(points, layer.name + LABEL)).select_from(points).scalar_subquery()
    return select(whole.subquery("areas_tile").c.tile.op("||")(text))


def _within(
    bounds: ColumnElement[Any],
    layer: Layer,
    zoom: int,
    actor: Actor,
    at: datetime | None,
    *,
    sort: bool,
    wide: bool,
) -> Select[Any]:
    """Return the rows of a tile: id, what travels with them, and their shape in its grid."""
    source, geom = _source(layer, actor, at)
    width = bindparam("east", 0.0, type_=Float) - bindparam("west", 0.0, type_=Float)
    margin = width * (BUFFER / EXTENT)
    described = _described(layer, source, actor, at)
    query: Select[Any] = (
        select(
            source.c.id,
            *(value.label(name) for name, value in described.items()),
            func.ST_AsMVTGeom(
                geom, _box(bounds), literal_column(str(EXTENT)), literal_column(str(BUFFER))
            ).label("geom"),
            *([func.ST_PointOnSurface(geom).label("spot")] if label_points(layer, zoom) else []),
        )
        .where(geom.op("&&")(func.ST_Expand(bounds, margin)))
        .limit(literal_column(str(layer.max_features if sort else layer.max_features + 1)))
    )
    if at is not None and layer.series is None:
        # The past keeps no shape in EPSG:3857 that an index could find.
        query = query.where(source.c.geom.op("&&")(_in_degrees(margin)))
    if zoom < DETAIL_ZOOM and far.summed(layer):
        query = _widest(query, source, wide)
    else:
        query = _visible(query, layer, zoom, geom, width)
    return _largest_first(query, layer, geom) if sort else query


def label_points(layer: Layer, zoom: int) -> bool:
    """Whether tiles of this zoom carry points for the names of areas: from where they are drawn.

    Before that no tile is slower for them. Where tiles end sooner, the last ones carry them.
    """
    paint = layer.paint
    if paint is None or paint.kind != "fill" or not paint.label:
        return False
    return zoom >= min(paint.label_zoom, layer.zooms[1])


def carried(layer: Layer) -> list[str]:
    """Name the attributes in the tiles of `layer`: its columns and what follows from links."""
    source, _ = _source(layer, ESTATE, None)
    return list(_described(layer, source, ESTATE, None))


def told(layer: Layer) -> list[str]:
    """Name what the point of an area carries: the words of its label, and its floors."""
    assert layer.paint is not None
    words = layer.paint.words
    wanted = {layer.paint.label, words.short, words.more, "name", "ordinal", "ordinals"}
    return [name for name in carried(layer) if name in wanted]


def _described(
    layer: Layer, source: FromClause, actor: Actor, at: datetime | None
) -> dict[str, ColumnElement[Any]]:
    plain = {name: _plain(source.c[name]) for name in layer.tiled}
    if issubclass(layer.model, Feature | Series):
        return plain | layer.model.derived(source, at, lambda model: rows(model, actor))
    return plain


def _points(found: FromClause, names: list[str], box: ColumnElement[Any]) -> Select[Any]:
    """Return the points of the areas that lie within the bounds: west and south belong to them.

    They are made with the rows, once: a condition on them here would make them anew each time.
    """
    x, y = func.ST_X(found.c.spot), func.ST_Y(found.c.spot)
    west, south, east, north = _bounds()
    extent: ColumnElement[int] = literal_column(str(EXTENT))
    none: ColumnElement[int] = literal_column("0")
    return select(
        found.c.id,
        *(found.c[name] for name in names),
        func.ST_AsMVTGeom(found.c.spot, box, extent, none, false()).label("geom"),
    ).where(x >= west, x < east, y >= south, y < north)


def _encoded(found: CTE | Subquery, name: str) -> ColumnElement[Any]:
    """Return the layer of a tile made of the rows `found`.

    It leaves out the rows whose geometry is NULL, because nothing of it lies in the tile.
    """
    row: ColumnElement[Any] = literal_column(f"{found.name}.*")
    return func.ST_AsMVT(
        row,
        literal_column(f"'{name}'"),
        literal_column(str(EXTENT)),
        literal_column("'geom'"),
        literal_column("'id'"),
    )


def _bounds() -> list[ColumnElement[float]]:
    return [bindparam(side, 0.0, type_=Float) for side in ("west", "south", "east", "north")]


def _box(bounds: ColumnElement[Any]) -> ColumnElement[Any]:
    # As a subquery it is computed once for the tile; written plainly, once for each row.
    return select(func.box2d(bounds)).scalar_subquery()


def _in_degrees(margin: ColumnElement[float]) -> ColumnElement[Any]:
    """Return the bounds and a margin in EPSG:4326, and a hair more, since degrees are rounded.

    Computed, because a transformation would wrap what reaches beyond 180°.
    """
    west, south, east, north = _bounds()

    def latitude(y: ColumnElement[float]) -> ColumnElement[float]:
        return func.degrees(2 * func.atan(func.exp(y / RADIUS_M))) - 90.0

    sides = (
        func.degrees((west - margin) / RADIUS_M),
        latitude(south - margin),
        func.degrees((east + margin) / RADIUS_M),
        latitude(north + margin),
    )
    return func.ST_Expand(func.ST_MakeEnvelope(*sides, SRID), literal_column("1e-7"))


def _source(
    layer: Layer, actor: Actor, at: datetime | None
) -> tuple[FromClause, ColumnElement[Any]]:
    """Return the rows and their geometry in EPSG:3857; a series shows its latest rows alone."""
    if layer.series is not None:
        source = latest_rows(layer.series, actor)
        return source, func.ST_Transform(source.c.geom, TILE_SRID, type_=Geometry)
    source = rows(layer, actor, at)
    return source, source.c.geom_3857


def _plain(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Times travel as ISO 8601 text in UTC: MVT knows no time."""
    if isinstance(value.type, DateTime):
        utc = func.timezone("UTC", value)
        return func.to_char(utc, literal_column('\'YYYY-MM-DD"T"HH24:MI:SS"Z"\''))
    return value


def _visible(
    query: Select[Any], layer: Layer, zoom: int, geom: ColumnElement[Any], width: Any
) -> Select[Any]:
    if _kind(layer) == "circle" or zoom >= DETAIL_ZOOM:
        return query
    pixel = width / float(PIXELS)
    return query.where(
        or_(
            func.ST_XMax(geom) - func.ST_XMin(geom) >= pixel,
            func.ST_YMax(geom) - func.ST_YMin(geom) >= pixel,
        )
    )


def _widest(query: Select[Any], source: FromClause, wide: bool) -> Select[Any]:
    """Leave out what `tiles.far` adds up."""
    span = source.c.tile_span
    query = query.where(span >= bindparam("least", 0.0, type_=Float))
    # As a number in the text, which the planner holds against the index's condition.
    return query.where(span >= literal_column(str(WIDE_M))) if wide else query


def _largest_first(query: Select[Any], layer: Layer, geom: ColumnElement[Any]) -> Select[Any]:
    if _kind(layer) == "circle":
        return query
    size = func.ST_Area(geom) if _kind(layer) == "fill" else func.ST_Length(geom)
    return query.order_by(size.desc())


def _kind(layer: Layer) -> str:
    return layer.paint.kind if layer.paint else "circle"
