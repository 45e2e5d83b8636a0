"""Whether the service says that it can answer."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import sqlalchemy as sa

from api.app import create_app
from api.session import Config
from layers import db
from tests.api.conftest import Serve
from tests.support.databases import Clone


def marked(database: Clone, revision: str | None) -> None:
    """Let the tables say that they are of a revision."""
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


async def test_over_tables_of_another_version_it_is_not_ready_and_says_what_to_run(
    database: Clone, serve: Serve
) -> None:
    async with serve(database) as client:
        assert (await client.get("/readyz")).status_code == 200
        marked(database, "0006")
        waiting = await client.get("/readyz", headers={"Accept-Language": "en"})
        assert (waiting.status_code, "onemap db upgrade" in waiting.text) == (503, True)
        marked(database, db.head())
        assert (await client.get("/readyz")).status_code == 200
    db.downgrade(database.owner_url, "base")
    async with serve(database) as client:
        assert (await client.get("/readyz")).status_code == 503


async def test_while_it_stops_it_lives_but_is_not_ready(database: Clone) -> None:
    app: Any = create_app(Config(database.app_url, anonymous="estate", pool_size=2))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://map.test") as client:
            async with asyncio.timeout(30):  # it begins to listen beside what it answers
                while not await app.state.feed.ready():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert (await client.get("/readyz")).status_code == 200
            app.state.hub.close()
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/healthz")).status_code == 200
            stream = await client.get("/events")
            assert stream.text.rstrip().endswith("retry: 5000"), "it tells pages to come later"
