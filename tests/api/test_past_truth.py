"""What the service answers of a past moment is what it answered then."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Serve
from tests.support.life import Life, last_moment


async def test_features_and_a_measure_are_what_they_were(database: Any, serve: Serve) -> None:
    life = Life(99)
    paths = ("/ogc/collections/buildings/items", "/ogc/collections/rooms/items",
             "/ogc/collections/trips/items", "/measures/vacancy")  # fmt: skip
    kept = []

    async def told(client: Any, path: str, **more: str) -> Any:
        limit = {} if "measures" in path else {"limit": "1000"}
        answer = await client.get(path, params={**limit, **more})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return found.get("features", [found.get(k) for k in ("ids", "values", "denominator")])

    async with serve(database) as client:
        for _ in range(25):
            with database.engine.begin() as connection:
                life.step(connection)
            if life.random.random() < 0.3:
                with database.engine.connect() as connection:
                    at = last_moment(connection)
                kept.append((at, {path: await told(client, path) for path in paths}))
        assert len(kept) > 3
        for at, then in kept:
            for path in paths:
                assert await told(client, path, at=at.isoformat()) == then[path], (path, at)
