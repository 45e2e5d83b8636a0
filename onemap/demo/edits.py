"""A few edits of the demo estate, made through the service as people make them.

So that history, undo and the slider of time have something to show. They touch nothing that a
story is told by: what a meeting room holds, what a parking place is called, a post that is set by
mistake and taken back.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from api.app import create_app
from api.session import Config

LABEL = "演示"
"""Every reason begins with it."""


def make_edits(url: str) -> list[int]:
    """Edit the demo estate in the database at `url`.

    Returns
    -------
    The places of the changes in the order of commits; the last one takes the one before it back.
    """
    return asyncio.run(_edits(url))


async def _edits(url: str) -> list[int]:
    app = create_app(Config(url, pool_size=1, anonymous="estate", anonymous_edits=True))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
            room = await _last(client, "rooms", "use = 'meeting' AND capacity IS NOT NULL")
            car = await _last(client, "vehicles", "parking IS NOT NULL")
            person = await _last(client, "persons", "state = 'active' AND title IS NOT NULL")
            seats = room["properties"]["capacity"] + 4
            made = [
                await _set(client, "rooms", room, "会议室添置桌椅", capacity=seats),
                await _set(client, "vehicles", car, "车位改用新名称", parking="南院东侧车位"),
                await _set(client, "persons", person, "职务录入有误，随后撤销", title="主任科员"),
            ]
            undone = await client.post(f"/changes/{made[-1]}/undo", json={})
            return [*made, _seq(undone)]


async def _last(client: httpx.AsyncClient, layer: str, condition: str) -> dict[str, Any]:
    """Return the last row that meets a condition: the stories are told of the first ones."""
    answer = await client.get(
        f"/ogc/collections/{layer}/items",
        params={"filter": condition, "sortby": "-id", "limit": 1},
    )
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()["features"][0]
    return found


async def _set(
    client: httpx.AsyncClient, layer: str, row: dict[str, Any], reason: str, **values: Any
) -> int:
    revision = row["properties"]["revision"]
    put = {"layer": layer, "id": row["id"], "revision": revision, "properties": values}
    return _seq(await client.post("/changes", json={"reason": f"{LABEL}：{reason}", "puts": [put]}))


def _seq(answer: httpx.Response) -> int:
    answer.raise_for_status()
    return int(answer.json()["seq"])
