"""Tiles as plain ASGI, before the framework: routing and parsing cost more than a small tile.

The same handler serves the documented routes of `api.routes.tiles`; this door only recognises a
tile's address without the framework's help. It stands behind the framework's own error handler:
in front of that it would save 5 µs of the 700 that the smallest tile takes.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.archives import Archives
from api.database import Connections
from api.session import Config, actor_of, narrowed, parse_moment
from layers.access import ESTATE, EVERYONE, Actor
from layers.prepared import Prepared
from layers.problems import BadRequest, Problem
from layers.registry import layer as layer_named
from tiles.compress import etag, gzip_accepted, packed
from tiles.vector import Tile, tile_bytes

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
_ADDRESS = re.compile(r"/tiles/([a-z_]+)/(\d{1,2})/(\d{1,8})/(\d{1,8})(?:\.mvt|\.pbf)?")
_PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Accept-Encoding"}


class TileDoor:
    """Answer vector tiles directly and hand everything else on to `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/tiles/"):
            await self.app(scope, receive, send)
            return
        address = _ADDRESS.fullmatch(scope["path"])
        if address is None or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        name, z, x, y = address.groups()
        request = Request(scope, receive)
        try:
            response = await answer(request, name, int(z), int(x), int(y))
        except Problem as problem:
            response = await problems.on_problem(request, problem)
        except Exception as error:  # noqa: BLE001 - the framework's own handler lies behind us
            response = await problems.on_surprise(request, error)
        await response(scope, receive, send)


async def answer(request: Request, name: str, z: int, x: int, y: int) -> Response:
    """Return one vector tile: gzip where it is accepted, 304 when it is known, 204 when empty.

    Raises
    ------
    Problem : no such layer, tile or zoom; a wrong `at`; an unknown token; the database is away.
    """
    config: Config = request.app.state.config
    layer = layer_named(name)
    tile = Tile(z, x, y)
    archives: Archives = request.app.state.archives
    archived = archives.tile(request, config, name, tile)
    if archived is not None:
        return _answered(request, archived)
    at_text = request.query_params.get("at") if request.scope["query_string"] else None
    at = parse_moment(at_text, config.zone, field="at") if at_text else None
    actor = await _actor(request, config)
    unit = request.query_params.get("unit") if request.scope["query_string"] else None
    if unit:
        if not unit.isascii() or not unit.isdecimal() or len(unit) > 18:
            raise BadRequest(
                zh=f"unit 的值“{unit}”不是机构编号",
                en=f"unit: '{unit}' is no id of a body",
                field="unit",
                value=unit,
            )
        actor = await narrowed(actor, int(unit), request.app.state.connections)
    connections: Connections = request.app.state.tile_connections

    async def fetch(statement: Prepared, values: dict[str, Any]) -> bytes | None:
        row = await connections.fetchrow(statement, values)
        return row[0] if row else None

    return _answered(request, await tile_bytes(layer, tile, actor, at, fetch))


def _answered(request: Request, data: bytes) -> Response:
    if not data:
        return Response(status_code=204, headers=_PRIVATE)
    plain = etag(data)
    takes_gzip = gzip_accepted(request.headers.get("accept-encoding", ""))
    # A strong tag belongs to the bytes that are sent; the content is the same under both.
    tags = (plain, f'{plain[:-1]}-gzip"')
    headers = {**_PRIVATE, "ETag": tags[takes_gzip]}
    known = request.headers.get("if-none-match")
    if known and any(tag in known for tag in tags):
        return Response(status_code=304, headers=headers)
    if takes_gzip:
        data = packed(data)
        headers["Content-Encoding"] = "gzip"
    return Response(data, headers=headers, media_type=MEDIA_TYPE)


async def _actor(request: Request, config: Config) -> Actor:
    if "authorization" not in request.headers and config.anonymous != "refuse":
        return ESTATE if config.anonymous == "estate" else EVERYONE
    return await actor_of(request, request.app.state.connections, config)
