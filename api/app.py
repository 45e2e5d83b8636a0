"""The application: its parts plugged together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from api import answers, problems
from api.answered import Answers
from api.archives import Archives
from api.database import Connections
from api.headers import BrowserHeaders
from api.listed import Kept
from api.routes import (
    archives,
    buildings,
    catalogue,
    changes,
    conflicts,
    docs,
    exports,
    facts,
    filters,
    health,
    lists,
    measures,
    meters,
    ogc,
    quarantine,
    search,
    tiles,
    trips,
)
from api.session import Config
from api.tiles import TileDoor
from api.writing import Writer
from tiles.archive import MEDIA_TYPE as ARCHIVE_TYPE

TITLE = "onemap"
# In the order of the description.
PARTS = (
    health,
    catalogue,
    tiles,
    archives,
    changes,
    measures,
    meters,
    search,
    facts,
    filters,
    exports,
    lists,
    buildings,
    trips,
    docs,
    quarantine,
    conflicts,
    ogc,
)


def create_app(config: Config) -> FastAPI:
    """Return the service over the database that `config` names."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
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
        app.state.writer = Writer(config)
        try:
            yield
        finally:
            app.state.writer.close()
            await tile_connections.close()
            await connections.close()

    app = FastAPI(
        title=TITLE,
        summary="公共机构资产一张图 | One map of a public estate",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.config = config
    app.state.kept = Kept()
    app.state.answers = Answers()
    app.state.archives = Archives(config.tile_archive)
    problems.install(app)
    for part in PARTS:
        app.include_router(part.router)
    answers.describe(app)
    # The last one added is met first: tiles need no headers of a document.
    app.add_middleware(BrowserHeaders)
    app.add_middleware(
        GZipMiddleware,
        minimum_size=1_000,
        compresslevel=4,
        # Its tiles are packed already.
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, ARCHIVE_TYPE),
    )
    app.add_middleware(TileDoor)
    return app
