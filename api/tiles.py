"""Tiles as plain ASGI, before the framework: routing and parsing cost more than a small tile.

A tile that is kept is answered from ready-made messages (`TileDoor.kept`), after one comparison
with the count of this host's commits. Every other one comes to `answer`, which the documented
routes of `api.routes.tiles` serve too; the door only recognises a tile's address without the
framework's help. The door stands behind the framework's own error handler: in front of that a
tile that must be made would save 5 µs of the 700 that the smallest one takes.

Why no answer from memory is older than what was acknowledged: whoever commits raises the count
before the word; a request that finds it moved has the log read first, and that drops what the
changes touch (`tiles.cache`). What is being made meanwhile is marked and not kept. Without the
connection that listens nothing is served from memory and nothing is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api import problems
from api.archives import Archives
from api.callers import REMEMBERED_S, Callers, credential_in, credential_of
from api.database import Connections
from api.feed import NEVER, Feed
from api.headers import TILES
from api.session import Config, actor_of, narrowed, parse_moment
from api.traces import Seen, Traces
from api.tracing import TILE_ROUTE, answered, arrived, sensitive
from api.wire import head
from layers.access import ESTATE, EVERYONE, Actor
from layers.audit import ORIGIN, Kind
from layers.base import Layer
from layers.prepared import Prepared
from layers.problems import BadRequest, Problem
from layers.registry import layer as layer_named
from tiles.cache import Entry, Flight, Place, TileCache
from tiles.compress import etag, gzip_accepted, packed, unpacked
from tiles.reads import reads, watched
from tiles.vector import Fetch, Tile, check_zoom, tile_bytes

TEMPLATE = "/tiles/{layer}/{z}/{x}/{y}"
MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
_ADDRESS = re.compile(r"/tiles/([a-z_]+)/(\d{1,2})/(\d{1,8})/(\d{1,8})(?:\.mvt|\.pbf)?")
_PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie, Accept-Encoding"}
_PRIVATE_BYTES = [
    (b"cache-control", b"private, no-cache"),
    (b"vary", b"Authorization, Cookie, Accept-Encoding"),
    *TILES,
]
_PRIVATE |= {name.decode(): value.decode() for name, value in TILES}
_START, _BODY = "http.response.start", "http.response.body"
_EMPTY: dict[str, Any] = {"type": _START, "status": 204, "headers": _PRIVATE_BYTES}
_NOTHING = {"type": _BODY, "body": b""}
_EMPTY_HEAD = head(_EMPTY)
_MOST_ACCOUNTS = 10_000
_LAYER = len("/tiles/")

_takes_gzip = lru_cache(maxsize=256)(lambda header: gzip_accepted(header.decode("latin-1")))


_Whose = tuple[int | None, str | None, str | None]
_NOBODY: _Whose = (None, None, None)


@dataclass(frozen=True, slots=True)
class _Known:
    """Whose a token or session was, under which count, when that was asked, and until when.

    `whose` are id, name and bearer of the account.
    """

    scope: str
    seen: int
    moment: float
    until: datetime | None
    whose: _Whose


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """Stand where the middleware that knows the trusted proxies wants an application."""


class Kept:
    """The tiles that one process keeps, and who its callers are."""

    def __init__(self, config: Config, feed: Feed, traces: Traces) -> None:
        self.feed = feed
        self._traces = traces
        self._proxies = ProxyHeadersMiddleware(_nothing, config.trusted_proxies).trusted_hosts
        self.config = config
        self.tiles = TileCache(config.tile_cache_mb * 1_000_000, _reads_by_name)
        self._accounts: dict[tuple[bytes | None, bytes], _Known] = {}
        feed.followers.append(self.tiles)
        whom = {"estate": ESTATE, "public": EVERYONE}.get(config.anonymous)
        self._anonymous = None if whom is None else whom.scope_key
        self._nobody = None
        if whom is not None:
            self._nobody = _Known(whom.scope_key, NEVER, 0.0, None, _NOBODY)

    def known(self, credential: bytes | None, query: bytes) -> _Known | None:
        """Return who asks, where that is known at the present count."""
        if credential is None and not query:
            return self._nobody
        found = self._accounts.get((credential and hashlib.sha256(credential).digest(), query))
        if found is None or found.seen != self.feed.seen:
            return None
        if found.until is not None and found.until <= self.config.clock():
            return None
        return found if time.monotonic() - found.moment < REMEMBERED_S else None

    def told(
        self, path: str, whose: _Known | None, peer: str | None, forwarded: bytes | None
    ) -> None:
        """Let a tile that is answered from memory leave its trace, if it is of a sensitive layer.

        Parameters
        ----------
        path : ``/tiles/{layer}/…``.
        peer : address of who is connected.
        forwarded : for whom a proxy says that it asks; only one that is trusted is believed.
        """
        layer = path[_LAYER : path.index("/", _LAYER)]
        if layer in sensitive():
            address = peer
            if forwarded is not None and peer in self._proxies:
                told = forwarded.decode("latin-1")
                address = self._proxies.get_trusted_client_address(told)[0] or peer
            account = _NOBODY if whose is None else whose.whose
            self._traces.add(Seen(Kind.READ, *account, address, TILE_ROUTE, layer, "ok"))

    def remember(
        self,
        credential: bytes | None,
        query: bytes,
        actor: Actor,
        seen: int,
        until: datetime | None,
    ) -> None:
        """Note who asked, as it was at the count `seen`, and until when if nothing changes."""
        if len(self._accounts) >= _MOST_ACCOUNTS:
            self._accounts.clear()
        key = (credential and hashlib.sha256(credential).digest(), query)
        origin = ORIGIN.get()
        whose = _NOBODY
        if origin is not None:
            whose = (origin.account_id, origin.account, origin.bearer)
        self._accounts[key] = _Known(actor.scope_key, seen, time.monotonic(), until, whose)

    def wire(
        self,
        path: str,
        coding: bytes,
        known: bytes | None,
        forwarded: bytes | None = None,
        peer: str | None = None,
    ) -> tuple[bytes, bytes] | None:
        """Return head and body of a tile for who bears no token; None where it must be made."""
        feed = self.feed
        if feed.seen != feed.ticks.read() or not _takes_gzip(coding):
            return None
        entry = self.tiles.get((self._anonymous, path))
        if entry is None or (entry.until != _FOR_EVER and not self.valid(entry)):
            return None
        self.tiles.hits += 1
        self.told(path, None, peer, forwarded)
        if known is not None and entry.data and (entry.tags[0] in known or entry.tags[1] in known):
            return entry.heads[1], b""
        return entry.heads[0], entry.data

    def valid(self, entry: Entry | None) -> bool:
        """Whether a tile may be served now: some hold for one day."""
        if entry is None:
            return False
        return entry.until == _FOR_EVER or entry.since <= time.monotonic() < entry.until


_FOR_EVER = float("inf")


def kept_tiles(config: Config, feed: Feed, traces: Traces) -> Kept | None:
    """Return what keeps tiles in memory, None where none are to be kept."""
    return Kept(config, feed, traces) if config.tile_cache_mb else None


def feed_for(config: Config, ticks: Any) -> Feed:
    """Return the feed that tells what tiles need to know."""
    return Feed(config.database_url, ticks, watched)


def _reads_by_name(name: str, pattern: Actor) -> Any:
    return reads(layer_named(name), pattern)


async def serve_kept(kept: Kept, scope: Scope, send: Send) -> bool:
    """Answer a tile that is kept; False, and nothing sent, for everything else."""
    path = scope["path"]
    if scope["method"] != "GET" or not path.startswith("/tiles/"):
        return False
    feed = kept.feed
    if feed.seen != feed.ticks.read() and not await feed.ready():
        return False
    coding = known = forwarded = None
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            coding = value
        elif name == b"if-none-match":
            known = value
        elif name == b"x-forwarded-for":
            forwarded = value if forwarded is None else forwarded + b", " + value
    whose = kept.known(credential_in(scope["headers"]), scope["query_string"])
    if whose is None or coding is None or not _takes_gzip(coding):
        return False
    entry = kept.tiles.get((whose.scope, path))
    if entry is None or (entry.until != _FOR_EVER and not kept.valid(entry)):
        return False
    kept.tiles.hits += 1
    client = scope.get("client")
    kept.told(path, whose, client[0] if client else None, forwarded)
    if known is not None and entry.data and (entry.tags[0] in known or entry.tags[1] in known):
        await send(entry.unchanged)
        await send(_NOTHING)
        return True
    await send(entry.start)
    await send(entry.body)
    return True


class TileDoor:
    """Answer vector tiles directly and hand everything else on to `app`."""

    def __init__(self, app: ASGIApp, traces: Traces) -> None:
        self.app = app
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/tiles/"):
            await self.app(scope, receive, send)
            return
        address = _ADDRESS.fullmatch(scope["path"])
        if address is None or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        scope["state"] |= {"route": TEMPLATE, "is_tile": True}
        name, z, x, y = address.groups()
        request = Request(scope, receive)
        origin = arrived(scope)
        origin.route, scope["path_params"] = TILE_ROUTE, {"layer": name}
        held = ORIGIN.set(origin)
        try:
            response = await answer(request, name, int(z), int(x), int(y))
        except Problem as problem:
            response = await problems.on_problem(request, problem)
        except Exception as error:  # noqa: BLE001 - the framework's own handler lies behind us
            response = await problems.on_surprise(request, error)
        finally:
            ORIGIN.reset(held)
        answered(self._traces, scope, origin, response.status_code)
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
        return _response(request, _made(archived))
    at_text = request.query_params.get("at") if request.scope["query_string"] else None
    at = parse_moment(at_text, config.zone, field="at") if at_text else None
    kept: Kept | None = request.app.state.tiles_kept
    connections: Connections = request.app.state.tile_connections

    async def fetch(statement: Prepared, values: dict[str, Any]) -> bytes | None:
        row = await connections.fetchrow(statement, values)
        return row[0] if row else None

    if at is not None or kept is None or not await kept.feed.ready():
        actor = await _actor(request, config)
        return _response(request, _made(await tile_bytes(layer, tile, actor, at, fetch)))
    seen = kept.feed.seen
    actor = await _actor(request, config)
    # A count that was passed meanwhile is not the present one any more, and nobody asks for it.
    _remember(kept, request, actor, seen)
    check_zoom(layer, tile)
    # The log is asked again: while the account was looked up, more may have been acknowledged.
    if not reads(layer, actor.pattern).tracked or not await kept.feed.ready():
        return _response(request, _made(await tile_bytes(layer, tile, actor, None, fetch)))
    return _response(request, await _shared(kept, layer, tile, actor, fetch))


async def _shared(kept: Kept, layer: Layer, tile: Tile, actor: Actor, fetch: Fetch) -> Entry:
    """Return a tile from memory, or from whoever is making it; else make and keep it."""
    key = (actor.scope_key, f"/tiles/{layer.name}/{tile.z}/{tile.x}/{tile.y}")
    entry = kept.tiles.get(key)
    if entry is not None and kept.valid(entry):
        kept.tiles.hits += 1
        return entry
    kept.tiles.misses += 1
    flight = kept.tiles.flight(key)
    if flight is None:
        place = Place(layer.name, actor.pattern, tile.z, tile.x, tile.y)
        flight = kept.tiles.begin(key, place)

        async def make(flight: Flight) -> Entry:
            made: Entry | None = None
            try:
                made = await _dated(kept, layer, tile, actor, fetch)
            finally:
                kept.tiles.end(flight, made if kept.valid(made) else None)
            return made

        flight.task = asyncio.ensure_future(make(flight))
    return await asyncio.shield(flight.task)


async def _dated(kept: Kept, layer: Layer, tile: Tile, actor: Actor, fetch: Fetch) -> Entry:
    """Make a tile, and say of one that depends on the day for how long it holds."""
    dated = reads(layer, actor.pattern).dated
    since, until = kept.feed.day(kept.config.zone) if dated else (0.0, _FOR_EVER)
    if dated and time.monotonic() < since:
        until = since  # within the margin of midnight: it holds for nobody else
    made = _made(await tile_bytes(layer, tile, actor, None, fetch))
    if dated:
        made.since, made.until = since, until
    return made


def _made(data: bytes) -> Entry:
    """Return a tile with its answers."""
    if not data:
        return Entry(b"", start=_EMPTY, body=_NOTHING, heads=(_EMPTY_HEAD, b""))
    plain = etag(data)
    # A strong tag belongs to the bytes that are sent; the content is the same under both.
    tags = (plain.encode(), f'{plain[:-1]}-gzip"'.encode())
    small = packed(data)
    tagged = [*_PRIVATE_BYTES, (b"etag", tags[1])]
    start = [
        (b"content-length", str(len(small)).encode()),
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-encoding", b"gzip"),
        *tagged,
    ]
    whole = {"type": _START, "status": 200, "headers": start}
    unchanged = {"type": _START, "status": 304, "headers": tagged}
    heads = (head(whole), head(unchanged))
    return Entry(small, tags, whole, {"type": _BODY, "body": small}, unchanged, heads)


def _response(request: Request, entry: Entry) -> Response:
    if not entry.data:
        return Response(status_code=204, headers=_PRIVATE)
    takes_gzip = gzip_accepted(request.headers.get("accept-encoding", ""))
    headers = {**_PRIVATE, "ETag": entry.tags[takes_gzip].decode()}
    known = request.headers.get("if-none-match")
    if known and any(tag.decode() in known for tag in entry.tags):
        return Response(status_code=304, headers=headers)
    if takes_gzip:
        headers["Content-Encoding"] = "gzip"
        return Response(entry.data, headers=headers, media_type=MEDIA_TYPE)
    return Response(unpacked(entry.data), headers=headers, media_type=MEDIA_TYPE)


async def _actor(request: Request, config: Config) -> Actor:
    unit = request.query_params.get("unit") if request.scope["query_string"] else None
    if unit and (not unit.isascii() or not unit.isdecimal() or len(unit) > 18):
        raise BadRequest(
            zh=f"unit 的值“{unit}”不是机构编号",
            en=f"unit: '{unit}' is no id of a body",
            field="unit",
            value=unit,
        )
    if credential_of(request) is None and config.anonymous != "refuse":
        actor = ESTATE if config.anonymous == "estate" else EVERYONE
    else:
        actor = await actor_of(request, request.app.state.connections, config)
    return await narrowed(actor, int(unit), request.app.state.connections) if unit else actor


def _remember(kept: Kept, request: Request, actor: Actor, seen: int) -> None:
    query: bytes = request.scope["query_string"]
    credential = credential_of(request)
    if (credential is None and not query) or (query and not re.fullmatch(rb"unit=\d{1,18}", query)):
        return
    callers: Callers = request.app.state.callers
    kept.remember(credential, query, actor, seen, callers.changes_at(request))
