"""The application: its parts plugged together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import problems
from api.database import Connections
from api.routes import ogc
from api.session import Config

TITLE = "onemap"


def create_app(config: Config) -> FastAPI:
    """Return the service over the database that `config` names."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        connections = Connections(config.database_url, config.pool_size)
        await connections.open()
        app.state.connections = connections
        try:
            yield
        finally:
            await connections.close()

    app = FastAPI(
        title=TITLE,
        summary="公共机构资产一张图 | One map of a public estate",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.config = config
    problems.install(app)
    app.include_router(ogc.router)
    return app
