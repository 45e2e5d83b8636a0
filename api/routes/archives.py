"""``/archives``: the tile archive as a file, for clients that read PMTiles by ranges."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from api.archives import Archives
from api.parameters import ArchiveName
from api.problems import described
from api.session import SessionOf
from layers.problems import NotFound
from tiles.archive import MEDIA_TYPE

router = APIRouter(prefix="/archives", tags=["tiles"])

_BYTES: dict[str, Any] = {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}


@router.get(
    "/{name}.pmtiles",
    summary="瓦片归档 | A tile archive (PMTiles 3), whole or by ranges",
    response_class=Response,
    responses={
        200: {"content": _BYTES, "description": "the whole archive"},
        206: {"content": _BYTES, "description": "the range that was asked for (RFC 9110, 14)"},
        **described(401, 404, 503),
    },
)
@router.head("/{name}.pmtiles", include_in_schema=False)
async def archive(name: ArchiveName, request: Request, _session: SessionOf) -> Response:
    """Return the file: public rows of the moment that its metadata tell."""
    archives: Archives = request.app.state.archives
    found = archives.present()
    if found is None or found.path.stem != name:
        raise NotFound(
            zh=f"没有名为“{name}”的瓦片归档", en=f"There is no tile archive called '{name}'"
        )
    headers = {"Cache-Control": "no-cache", "Access-Control-Expose-Headers": "ETag, Content-Range"}
    return FileResponse(found.path, media_type=MEDIA_TYPE, headers=headers)
