"""OGC API - Features part 4: features created, replaced, updated and deleted one by one.

Each is an edit of `layers.editing` with one part, so that history, undo and everybody's map know
of it as of any other. A change says by If-Match which revision was read.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np
import orjson
import pyproj
import shapely
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from sqlalchemy import select
from starlette.responses import Response

from api.ogc.links import GEOJSON, Links
from api.parameters import LayerName, RowId
from api.problems import described
from api.session import Session, SessionOf
from api.writing import Writer
from layers.access import rows
from layers.base import Layer
from layers.crs import CRS84_URI, Coordinates, named
from layers.editing import Delete, Done, Edit, Put, apply
from layers.editing.edit import managed
from layers.problems import BadRequest, Stale
from layers.registry import layer as layer_named

router = APIRouter(default_response_class=Response)
_TAG = re.compile(r'(?:^|,)\s*"(\d{1,18})-[0-9a-f]{16}"\s*(?=,|$)')
_FEATURE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            GEOJSON: {
                "schema": {"type": "object"},
                "example": {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [119.6, 38.9]},
                    "properties": {"name": "打印机", "state": "in_use"},
                },
            }
        },
    }
}
_IF_MATCH: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "description": "读取时的 ETag | the ETag that was read",
            "schema": {"type": "string"},
            "example": '"3-9d2f0c1ab4e85f67"',
        }
    ]
}
_ERRORS = described(400, 401, 403, 404, 412, 422, 428, 503)


@router.post(
    "/collections/{layer}/items",
    summary="新建要素 | Create a feature",
    status_code=201,
    responses={201: {"description": "created; Location says where"}, **_ERRORS},
    openapi_extra=_FEATURE,
)
async def create(request: Request, session: SessionOf, layer: LayerName) -> Response:
    """Create a feature from GeoJSON; its address stands in the header Location."""
    found = layer_named(layer)
    properties, geometry, placed = await _feature(request)
    done = await _write(
        request,
        session,
        Edit([Put(found, properties=properties, geometry=geometry, placed=placed)]),
    )
    [made] = done.puts
    where = Links(request).link("self", f"collections/{found.name}/items/{made.id}", GEOJSON)
    return Response(status_code=201, headers={"Location": where["href"]})


@router.put(
    "/collections/{layer}/items/{item}",
    summary="替换要素 | Replace a feature",
    status_code=204,
    responses={204: {"description": "replaced"}, **_ERRORS},
    openapi_extra=_FEATURE | _IF_MATCH,
)
async def replace(request: Request, session: SessionOf, layer: LayerName, item: RowId) -> Response:
    """Replace a feature whole: what is not named is emptied."""
    return await _put(request, session, layer_named(layer), item, whole=True)


@router.patch(
    "/collections/{layer}/items/{item}",
    summary="修改要素 | Update a feature",
    status_code=204,
    responses={204: {"description": "updated"}, **_ERRORS},
    openapi_extra=_FEATURE | _IF_MATCH,
)
async def update(request: Request, session: SessionOf, layer: LayerName, item: RowId) -> Response:
    """Change what is named of a feature (JSON Merge Patch, RFC 7396)."""
    return await _put(request, session, layer_named(layer), item, whole=False)


@router.delete(
    "/collections/{layer}/items/{item}",
    summary="删除要素 | Delete a feature",
    status_code=204,
    responses={204: {"description": "deleted"}, **_ERRORS},
    openapi_extra=_IF_MATCH,
)
async def delete(request: Request, session: SessionOf, layer: LayerName, item: RowId) -> Response:
    """Delete a feature on which nothing else depends."""
    found = layer_named(layer)
    revision = await _revision(request, session, found, item)
    await _write(request, session, Edit(deletes=[Delete(found, item, revision)]))
    return Response(status_code=204)


async def _put(
    request: Request, session: Session, layer: Layer, key: int, *, whole: bool
) -> Response:
    properties, geometry, placed = await _feature(request)
    revision = await _revision(request, session, layer, key)
    put = Put(
        layer,
        key,
        revision,
        properties=properties,
        geometry=geometry,
        placed=placed or (whole and layer.spatial),
        replace=whole,
    )
    await _write(request, session, Edit([put]))
    return Response(status_code=204)


async def _write(request: Request, session: Session, edit: Edit) -> Done:
    writer: Writer = request.app.state.writer
    zone = session.config.zone
    return await writer.write(partial(apply, actor=session.actor, edit=edit, zone=zone))


async def _revision(request: Request, session: Session, layer: Layer, key: int) -> int | None:
    """Return the revision that If-Match names; ``*`` is the one that is there now."""
    managed(layer)
    given = request.headers.get("if-match", "").strip()
    if given != "*":
        # Of several tags the newest; one that is weak or none of ours is no revision that ever was.
        tags = [int(each) for each in _TAG.findall(given)]
        return max(tags) if tags else (0 if given else None)
    source = rows(layer, session.actor)
    found = await session.fetchrow(select(source.c.revision).where(source.c.id == key))
    if found is None:
        raise Stale(
            zh=f"图层“{layer.title.zh}”中没有编号为 {key} 的要素",
            en=f"There is no {key} in '{layer.name}' that could match",
        )
    return int(found[0])


async def _feature(request: Request) -> tuple[dict[str, Any], dict[str, Any] | None, bool]:
    """Return properties and geometry of the GeoJSON feature sent, and whether it has one.

    Whatever the request calls its content, it is read as JSON: OWSLib calls it XML.
    """
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as wrong:
        raise BadRequest(
            zh=f"请求内容不是有效的 JSON：{wrong}", en=f"The body is not valid JSON: {wrong}"
        ) from wrong
    properties = body.get("properties") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(properties or {}, dict):
        raise BadRequest(
            zh="请求内容应为 GeoJSON Feature：{type, geometry, properties}",
            en="The body must be a GeoJSON Feature: {type, geometry, properties}",
        )
    geometry = body.get("geometry")
    crs = named(request.headers.get("content-crs", CRS84_URI).strip("<> "), field="Content-Crs")
    if geometry is not None and crs.uri != CRS84_URI:
        geometry = _in_degrees(geometry, crs)
    return properties or {}, geometry, "geometry" in body


def _in_degrees(geometry: dict[str, Any], crs: Coordinates) -> dict[str, Any]:
    """Return a geometry of another coordinate system in longitude and latitude of WGS 84."""
    try:
        shape = shapely.from_geojson(orjson.dumps(geometry))
    except (shapely.errors.GEOSException, ValueError) as wrong:
        raise BadRequest(
            zh="geometry 不是有效的 GeoJSON 几何", en="geometry is no valid GeoJSON geometry"
        ) from wrong
    turn = pyproj.Transformer.from_crs(crs.srid, 4326, always_xy=True).transform

    def to_degrees(places: NDArray[np.float64]) -> NDArray[np.float64]:
        first, second = places[:, 0], places[:, 1]
        x, y = (second, first) if crs.northing_first else (first, second)
        return np.column_stack(turn(x, y))

    moved: dict[str, Any] = orjson.loads(shapely.to_geojson(shapely.transform(shape, to_degrees)))
    return moved
