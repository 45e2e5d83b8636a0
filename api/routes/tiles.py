"""Tiles and their descriptions: vector tiles of layers, raster tiles of pictures, TileJSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import func, select
from starlette.responses import Response

from api import tiles as door
from api.answers import answer_of, documented
from api.archives import Archives
from api.parameters import Column, LayerName, Row, RowId, Zoom
from api.places import bounds_of, service_url
from api.problems import described
from api.schemas import FREE
from api.session import Session, SessionOf, open_session
from layers.access import rows
from layers.base import Layer
from layers.basemap import IMAGERY
from layers.problems import NotFound
from layers.registry import layer as layer_named
from tiles.compress import etag
from tiles.raster import raster_tile
from tiles.vector import LABEL, Tile, carried, drawable, label_points, told

router = APIRouter(prefix="/tiles", tags=["tiles"], dependencies=[Depends(open_session)])

_TILEJSON: dict[str, Any] = {
    "tilejson": "3.0.0",
    "name": "房间",
    "description": "…",
    "scheme": "xyz",
    "tiles": ["http://127.0.0.1:8080/tiles/rooms/{z}/{x}/{y}"],
    "minzoom": 16,
    "maxzoom": 19,
    "bounds": [119.5, 38.85, 119.7, 38.95],
    "vector_layers": [
        {"id": "rooms", "fields": {"number": "房间号"}, "minzoom": 16, "maxzoom": 19}
    ],
}


@router.get(
    "/{layer}",
    summary="TileJSON 3 of a layer",
    response_class=Response,
    responses=documented(FREE, _TILEJSON, 401, 404, 503),
)
async def tilejson(layer: LayerName, request: Request, session: SessionOf) -> Response:
    """Describe the tiles of `layer`: where they are, their zooms, bounds and attributes."""
    found = layer_named(layer)
    if not drawable(found):
        raise NotFound(
            zh=f"图层“{found.title.zh}”没有矢量瓦片",
            en=f"The layer '{found.name}' has no vector tiles",
        )
    first, last = found.zooms
    document = {
        "tilejson": "3.0.0",
        "name": session.say(found.title),
        "description": session.say(found.description),
        "scheme": "xyz",
        "tiles": [f"{service_url(request)}/tiles/{found.name}/{{z}}/{{x}}/{{y}}"],
        "minzoom": first,
        "maxzoom": last,
        "bounds": await bounds_of(session, [found]) or [-180, -85.06, 180, 85.06],
        "vector_layers": [
            _vector_layer(session, found, found.name, carried(found), first),
            *_label_layer(session, found),
        ],
    }
    archives: Archives = request.app.state.archives
    document |= archives.told(request, session.config, found.name, service_url(request))
    return answer_of(document)


def _label_layer(session: Session, layer: Layer) -> list[dict[str, Any]]:
    """Describe the points of labelled areas, which travel beside them."""
    first, last = layer.zooms
    zoom = next((z for z in range(first, last + 1) if label_points(layer, z)), None)
    if zoom is None:
        return []
    return [_vector_layer(session, layer, layer.name + LABEL, told(layer), zoom)]


def _vector_layer(
    session: Session, layer: Layer, name: str, attributes: list[str], first: int
) -> dict[str, Any]:
    titles = {n: c.info["title"] for n, c in layer.fields().items() if "title" in c.info}
    return {
        "id": name,
        "description": session.say(layer.description),
        "minzoom": first,
        "maxzoom": layer.zooms[1],
        "fields": {n: session.say(titles[n]) if n in titles else n for n in attributes},
    }


@router.get(
    "/imagery/{picture}/{z}/{x}/{y}.png",
    summary="Raster tile of a picture",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, **described(401, 404, 503)},
)
async def imagery(
    picture: RowId, z: Zoom, x: Column, y: Row, session: SessionOf, request: Request
) -> Response:
    """Return a 256-pixel PNG of a georeferenced picture."""
    source = rows(IMAGERY, session.actor, session.at)
    found = await session.fetchrow(select(source.c.path).where(source.c.id == picture))
    if found is None:
        raise NotFound(
            zh=f"没有编号为 {picture} 的影像", en=f"There is no picture with the id {picture}"
        )
    path = Path(session.config.data_dir) / found["path"]
    data = await run_in_threadpool(raster_tile, path, Tile(z, x, y))
    tag = etag(data)
    headers = {"Cache-Control": "private, no-cache", "ETag": tag, "Vary": "Authorization, Cookie"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type="image/png")


@router.get(
    "/{layer}/{z}/{x}/{y}",
    summary="Vector tile of a layer",
    response_class=Response,
    responses={
        200: {"content": {door.MEDIA_TYPE: {}}, "description": "Mapbox Vector Tile 2"},
        204: {"description": "nothing lies in the tile"},
        304: {"description": "the tile is still the one with this ETag"},
        **described(400, 401, 404, 503),
    },
)
async def vector(layer: LayerName, z: Zoom, x: Column, y: Row, request: Request) -> Response:
    """Return a Mapbox Vector Tile: extent 4096, buffer 64, the feature id is the row's id."""
    return await door.answer(request, layer, z, x, y)


async def pictures(session: Session) -> list[tuple[int, str, tuple[float, float, float, float]]]:
    """Return id, name and bounds (EPSG:4326) of every picture the actor may see."""
    source = rows(IMAGERY, session.actor, session.at)

    found = await session.fetch(
        select(
            source.c.id,
            source.c.name,
            *(f(source.c.geom) for f in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)),
        ).where(source.c.geom.is_not(None))
    )
    return [(r[0], r[1] or str(r[0]), (r[2], r[3], r[4], r[5])) for r in found]
