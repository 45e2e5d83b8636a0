"""How long until an edit is seen on 50 open pages: from sending it to its event, page by page."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import psycopg
import sqlalchemy as sa

from onemap import tokens
from tests.bench import data, estate, servers
from tests.bench.report import Figures, Value

PAGES = 50
EDITS = 40
PATIENCE_S = 20.0


def run(bench: estate.Bench, _seconds: float, _rounds: int) -> Iterator[Figures]:
    """Open the pages, make the edits one after the other, and collect every page's delay."""
    token = editor(estate.filled(bench))
    with servers.started(bench) as (ours, _pid):
        if "/events" not in httpx.get(f"{ours}/openapi.json", timeout=60).json()["paths"]:
            yield Figures("edit seen", note="edit seen: left out, there is no /events here")
            return
        delays = asyncio.run(watch(ours, token))
    tidied(bench)
    for name, share in (("edit seen, median ms", 50), ("edit seen, p99 ms", 99)):
        figures = Figures(name)
        figures.add("onemap", Value(float(np.percentile(delays, share))))
        yield figures


async def watch(address: str, token: str) -> list[float]:
    """Return the delay in milliseconds of every edit on every page.

    Raises
    ------
    SystemExit : a page was not told of an edit.
    """
    seen: dict[int, list[float]] = {}
    limits = httpx.Limits(max_connections=PAGES + 4)
    timeout = httpx.Timeout(PATIENCE_S, read=None)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=timeout) as client:
        ready = asyncio.Semaphore(0)
        pages = [asyncio.create_task(page(client, ready, seen)) for _ in range(PAGES)]
        async with asyncio.timeout(PATIENCE_S):
            for _ in pages:
                await ready.acquire()
        sent: dict[int, float] = {}
        for number in range(EDITS):
            started = time.perf_counter()
            answer = await client.post("/changes", json=edit(number), headers=bearer(token))
            if answer.status_code != 200:
                raise SystemExit(f"/changes: {answer.status_code} {answer.text[:500]}")
            sent[answer.json()["seq"]] = started
            await asyncio.sleep(0.1)
        for _ in range(int(PATIENCE_S / 0.05)):
            if all(len(seen.get(each, ())) == PAGES for each in sent):
                break
            await asyncio.sleep(0.05)
        for each in pages:
            each.cancel()
        await asyncio.gather(*pages, return_exceptions=True)
    delays = [(at - began) * 1e3 for s, began in sent.items() for at in seen.get(s, ())]
    if len(delays) != PAGES * EDITS:
        raise SystemExit(f"{len(delays)} of {PAGES * EDITS} events came")
    return delays


async def page(
    client: httpx.AsyncClient, ready: asyncio.Semaphore, seen: dict[int, list[float]]
) -> None:
    """Note when each change is told."""
    async with client.stream("GET", "/events") as answer:
        kind = ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
                if kind == "hello":
                    ready.release()
            elif name == "data" and kind == "change":
                seen.setdefault(json.loads(value)["seq"], []).append(time.perf_counter())


def edit(number: int) -> dict[str, Any]:
    """Return the body of an edit that adds a small building."""
    west, south = data.CENTRE[0] + number % 100 * 1e-4, data.CENTRE[1]
    east, north = west + 5e-5, south + 5e-5
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    shape = {"type": "MultiPolygon", "coordinates": [[ring]]}
    return {
        "reason": "bench",
        "puts": [{"layer": "buildings", "properties": {"name": "新楼"}, "geometry": shape}],
    }


def bearer(token: str) -> dict[str, str]:
    """Return the header of a token."""
    return {"Authorization": f"Bearer {token}"}


def editor(url: str) -> str:
    """Return a fresh token that may change the whole estate."""
    engine = estate.engine_of(url)
    with engine.begin() as connection:
        made = tokens.create(connection, f"bench-{uuid.uuid4().hex}", body=None, edit=True)
    engine.dispose()
    return made


def tidied(bench: estate.Bench) -> None:
    """Take away what edits have added, so that the next part finds the buildings as they were."""
    engine = estate.engine_of(bench.url())
    with engine.begin() as connection:
        building = sa.table("building", sa.column("source"))
        connection.execute(sa.delete(building).where(building.c.source != "bench"))
    engine.dispose()
    with psycopg.connect(bench.cluster.url(estate.ESTATE), autocommit=True) as link:
        link.execute("VACUUM (ANALYZE) building")
