"""The marks of a list on the map: a vector tile of points, each with how many rows it stands for.

Every row that has a place is in exactly one mark of exactly one tile of a zoom: the marks' numbers
add up to the list's total less what is not on the map. Rows near each other share a mark, finer
from zoom to zoom, so that no tile grows with the list.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, Select, case, cast, func, literal, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement

from geo.tiling import tile_bounds_3857
from layers.access import rows
from layers.base import TILE_SRID
from layers.listing import Listing
from layers.places import titled
from layers.placing import Placing
from layers.registry import LAYERS

SOURCE_LAYER = "list"
EXTENT = 4096
MOST_IDS = 20
# Cells on a tile's side: marks of 64 CSS pixels at small zooms, of what lies at one place at last.
_CELLS = {16: 16, 17: 32}
_FEW, _MANY, _CLOSE = 8, 64, 18
_NARROW = 15


def cells(zoom: int) -> int:
    """Return into how many cells the side of a tile is cut at a zoom."""
    return _MANY if zoom >= _CLOSE else _CELLS.get(zoom, _FEW)


def marks(listing: Listing, z: int, x: int, y: int) -> Select[bytes] | None:
    """Return the statement of a tile (MVT, one layer ``list``), None where nothing has a place.

    A mark has ``n``, how many rows it stands for; where it is one row, its ``id`` and ``title``;
    and from zoom 15 on ``ids``, the first 20 rows of it, comma-separated.
    """
    west, south, east, north = tile_bounds_3857(z, x, y)
    # Written plainly, so that the planner sees how large the bounds are.
    bounds = func.ST_MakeEnvelope(west, south, east, north, TILE_SRID)
    listed = listing.source(added=False)
    placing = Placing(listing.layer, listed, listing.actor, listing.at, listing.on)
    close = z >= _NARROW
    placed = placing.within(bounds) if close else placing.spread(bounds)
    if placed is None:
        return None
    found = placed.subquery("found")
    point = func.ST_PointOnSurface(func.ST_Force2D(found.c.geom))
    first = found.c.id if close else found.c.first
    number = literal(1) if close else found.c.n
    at = select(
        first.label("first"), number.label("n"), func.ST_X(point).label("x"),
        func.ST_Y(point).label("y"),
    ).cte("at")  # fmt: skip
    side = (east - west) / cells(z)
    # Half open, the south and west edges included: a point on an edge lies in one tile alone.
    inside = (
        select(
            at,
            cast(func.floor((at.c.x - west) / side), Integer).label("column"),
            cast(func.floor((at.c.y - south) / side), Integer).label("line"),
        )
        .where(at.c.x >= west, at.c.x < east, at.c.y >= south, at.c.y < north)
        .subquery("inside")
    )
    gathered = select(
        cast(func.sum(inside.c.n), Integer).label("n"),
        func.min(inside.c.first).label("first"),
        func.avg(inside.c.x).label("x"),
        func.avg(inside.c.y).label("y"),
    )
    if close:
        every = func.array_agg(aggregate_order_by(inside.c.first, inside.c.first))
        gathered = gathered.add_columns(every.label("all_ids"))
    whole = gathered.group_by(inside.c.column, inside.c.line).subquery("gathered")
    return _encoded(listing, whole, bounds)


def _encoded(listing: Listing, gathered: Any, bounds: ColumnElement[Any]) -> Select[bytes]:
    layer = listing.layer
    if layer.series is not None:
        layer = next(each for each in LAYERS if each.model is layer.series.thing)
    named = rows(layer, listing.actor, listing.at).alias()
    told = titled(layer, named, listing.actor, listing.at)
    title = select(told).where(named.c.id == gathered.c.first)
    alone = gathered.c.n == 1
    place = func.ST_SetSRID(func.ST_MakePoint(gathered.c.x, gathered.c.y), TILE_SRID)
    columns: list[Any] = [
        gathered.c.n,
        case((alone, gathered.c.first)).label("id"),
        case((alone, title.scalar_subquery())).label("title"),
        # A mark at a tile's edge is drawn whole from its own tile: nothing is cut.
        func.ST_AsMVTGeom(
            place, func.box2d(bounds), literal(EXTENT), literal(0), literal_column("false")
        ).label("geom"),
    ]
    if "all_ids" in gathered.c:
        beyond = func.greatest(gathered.c.n - MOST_IDS, 0)
        some = func.trim_array(gathered.c.all_ids, beyond)
        columns.append(func.array_to_string(some, ",").label("ids"))
    found = select(*columns).subquery("found_marks")
    row: ColumnElement[Any] = literal_column("found_marks.*")
    return select(
        func.ST_AsMVT(row, literal(SOURCE_LAYER), literal(EXTENT), literal("geom"))
    ).select_from(found)
