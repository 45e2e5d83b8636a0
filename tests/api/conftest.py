"""A running application over a fresh database, and a client that speaks to it in process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.session import Config
from tests.support.databases import Clone

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def serve() -> Serve:
    """``async with serve(database, anonymous="estate") as client``."""

    @asynccontextmanager
    async def run(database: Clone | str, **config: Any) -> AsyncIterator[httpx.AsyncClient]:
        url = database if isinstance(database, str) else database.app_url
        app = create_app(Config(url, **{"anonymous": "estate", "pool_size": 2, **config}))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://map.test") as client:
                yield client

    return run


@pytest.fixture
async def client(database: Clone, serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole estate over a fresh database."""
    async with serve(database) as made:
        yield made
