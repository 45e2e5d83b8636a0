"""The application: its parts plugged together."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api import answers, problems
from api.answered import Answers
from api.archives import Archives
from api.callers import Callers
from api.database import Connections
from api.events import Hub, heard_signals
from api.feed import Feed
from api.flood import Flood
from api.headers import BrowserHeaders
from api.limits import BodyLimit
from api.listed import Kept
from api.metrics import Metrics
from api.rates import Rates
from api.request_log import RequestLog
from api.routes import (
    administration,
    archives,
    audit,
    buildings,
    catalogue,
    changes,
    conflicts,
    docs,
    events,
    everybodys_credentials,
    exports,
    facts,
    filters,
    health,
    history,
    job_kinds,
    jobs,
    lists,
    me,
    measures,
    meters,
    metrics,
    my_credentials,
    ogc,
    quarantine,
    search,
    shapes,
    sign_in,
    single_sign_on,
    tiles,
    trips,
)
from api.same_origin import SameOrigin
from api.sealer import Sealer
from api.session import Config
from api.single_sign_on import SingleSignOn
from api.tiles import Kept as KeptTiles
from api.tiles import TileDoor, feed_for, kept_tiles, serve_kept
from api.traces import Traces
from api.tracing import Traced
from api.writing import Writer
from layers.second_factor import Keys
from layers.ticks import Ticks
from tiles.archive import MEDIA_TYPE as ARCHIVE_TYPE

TITLE = "onemap"
log = logging.getLogger("onemap.api")
# In the order of the description.
PARTS = (
    health,
    metrics,
    catalogue,
    tiles,
    archives,
    changes,
    shapes,
    measures,
    meters,
    search,
    facts,
    filters,
    exports,
    lists,
    buildings,
    trips,
    history,
    events,
    docs,
    quarantine,
    conflicts,
    job_kinds,
    jobs,
    ogc,
    sign_in,
    single_sign_on,
    me,
    my_credentials,
    everybodys_credentials,
    administration,
    audit,
)


class Service(FastAPI):
    """The application; tiles that are kept in memory are answered before the framework."""

    def __init__(self, kept: KeptTiles | None, trusted: str, **options: Any) -> None:
        super().__init__(**options)
        self.kept_tiles = kept
        self._trusted = trusted

    def build_middleware_stack(self) -> ASGIApp:
        """Return the framework's own stack, in what is about every answer, also to surprises."""
        inner: Any = BrowserHeaders(super().build_middleware_stack())
        outer: Any = ProxyHeadersMiddleware(inner, self._trusted)
        return RequestLog(outer, self.state.metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if (
            self.kept_tiles is not None
            and scope["type"] == "http"
            and await serve_kept(self.kept_tiles, scope, send)
        ):
            return
        await super().__call__(scope, receive, send)


def _open_way_in(app: FastAPI, config: Config) -> None:
    """Give `app` what signing in needs beside the database."""
    app.state.keys = Keys(config.key_file)
    app.state.rates = Rates(config.limits, config.limits_file)
    app.state.before_sign_in = [app.state.rates.before_sign_in]
    app.state.single_sign_on = SingleSignOn(config.oidc) if config.oidc else None


def _make_key(keys: Keys) -> None:
    """Make the key of second factors where it is missing, so that whoever copies keys finds it."""
    try:
        keys.ensure()
    except (OSError, ValueError) as failed:
        log.warning("second factors cannot be kept: %s", failed)


def create_app(config: Config) -> FastAPI:
    """Return the service over the database that `config` names."""
    feed = feed_for(config, Ticks.of(config.ticks))
    traces = Traces(config.database_url)
    kept = kept_tiles(config, feed, traces)
    app = Service(
        # At "debug" tiles are told too, and take the usual way.
        None if config.log_all else kept,
        config.trusted_proxies,
        title=TITLE,
        summary="公共机构资产一张图 | One map of a public estate",
        lifespan=_running,
        docs_url=None,
        redoc_url=None,
    )
    app.state.config = config
    app.state.kept = Kept()
    app.state.ticks = feed.ticks
    app.state.feed = feed
    app.state.traces = traces
    app.state.tiles_kept = kept
    app.state.answers = Answers()
    app.state.metrics = Metrics(app)
    app.state.archives = Archives(config.tile_archive)
    _open_way_in(app, config)
    problems.install(app)
    for part in PARTS:
        app.include_router(part.router)
    answers.describe(app)
    _wrap(app, config, traces)
    return app


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    """Hold what the service needs while it runs: connections, the writer, the feed, the hub."""
    config: Config = app.state.config
    feed: Feed = app.state.feed
    connections = Connections(config.database_url, config.pool_size, timezone=config.timezone)
    # One more than there are cores: while an answer is packed and sent, the next tile is
    # already made. More would only queue inside the database, with a longer tail. A tile's
    # plan is always the same index scan, so it is made once.
    tile_connections = Connections(
        config.database_url,
        (os.cpu_count() or 2) + 1,
        plans="force_generic_plan",
        timezone=config.timezone,
    )
    await connections.open()
    await tile_connections.open()
    app.state.connections = connections
    app.state.tile_connections = tile_connections
    app.state.writer = Writer(config, feed.ticks)
    letting_in = Writer(config, feed.ticks, config.accounts_url) if config.accounts_url else None
    app.state.accounts_writer = letting_in
    if letting_in is not None:
        _make_key(app.state.keys)
    app.state.callers = Callers(feed, config.sign_in, letting_in, config.clock, app.state.rates)
    hub = app.state.hub = Hub(connections.fetch)
    feed.followers.append(hub)
    await feed.open()
    await app.state.traces.open()
    sealer = None
    if config.trail is not None and config.sealing_url is not None:
        sealer = Sealer(config.sealing_url, config.trail)
        sealer.start()
    looking = asyncio.create_task(app.state.metrics.keep_looking())
    try:
        with heard_signals(hub.close):
            yield
    finally:
        looking.cancel()
        await app.state.callers.settled()
        if letting_in is not None:
            letting_in.close()
        app.state.writer.close()
        hub.close()
        feed.followers.remove(hub)
        await feed.close()
        await app.state.traces.close()
        if sealer is not None:
            await to_thread.run_sync(sealer.stop)
        await tile_connections.close()
        await connections.close()
        app.state.rates.close()


def _wrap(app: FastAPI, config: Config, traces: Traces) -> None:
    """Put the service's layers around the routes."""
    # The last one added is met first: tiles need no headers of a document.
    app.add_middleware(BodyLimit, uploads={jobs.IMPORTS: config.upload_mb * 1_000_000})
    app.add_middleware(SameOrigin, public_url=config.public_url)
    app.add_middleware(Traced, traces=traces)
    app.add_middleware(
        GZipMiddleware,
        minimum_size=1_000,
        compresslevel=4,
        # Its tiles are packed already.
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, ARCHIVE_TYPE),
    )
    app.add_middleware(TileDoor, traces=traces)
    app.add_middleware(Flood, limit=app.state.rates.limits.get("requests"), traces=traces)
