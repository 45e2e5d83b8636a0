"""A monitor is told numbers, of all processes together, and nobody else is."""

from __future__ import annotations

import re

import httpx
import pytest

from layers.accounts import new_token
from layers.policy import Role
from tests.api.conftest import Serve
from tests.support import accounts
from tests.support.databases import Clone
from tests.support.service import services

FAR = {"X-Forwarded-For": "192.0.2.7"}


def number(text: str, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples that have some labels."""
    found = 0.0
    for line in text.splitlines():
        told = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
        if told and all(f'{key}="{value}"' in (told[1] or "") for key, value in labels.items()):
            found += float(told[2])
    return found


async def test_requests_are_told_by_route_method_and_status(database: Clone, serve: Serve):
    async with serve(database, tile_cache_mb=4) as client:
        for key in ("1", "2", "3"):
            await client.get(f"/ogc/collections/rooms/items/{key}")
        await client.request("BREW", "/nowhere/secret-name")
        for _ in range(3):
            await client.get("/tiles/buildings/14/13500/6200")
        text = (await client.get("/metrics")).text
    route = re.search(r'route="(/ogc/collections/[^"]*items/[^"]*)"', text)
    assert route
    assert "{" in route[1]
    items = {"route": route[1], "method": "GET", "status": "404"}
    assert number(text, "onemap_request_seconds_count", **items) == 3
    assert number(text, "onemap_request_seconds_count", method="other", route="other") == 1
    assert "secret-name" not in text
    assert "BREW" not in text
    assert number(text, "onemap_tiles_from_memory") == 2
    assert number(text, "onemap_tiles_made") == 1
    assert number(text, "onemap_requests_in_flight") == 1  # the one that asks
    assert number(text, "onemap_database_connections_open", pool="connections") >= 1
    assert number(text, "process_resident_memory_bytes") > 1e7


async def test_they_are_for_this_machine_and_for_who_administers_or_audits(database, serve):
    tokens = {role: new_token() for role in (Role.ADMINISTRATOR, Role.AUDITOR, Role.ANALYST)}
    with database.engine.begin() as link:
        for role, token in tokens.items():
            accounts.with_token(link, role.value, token, whole_estate=True, roles=[role])
    async with serve(database, anonymous="public", metrics_from="127.0.0.1,198.51.100.0/24") as c:

        async def status(address: str | None, token: str | None = None) -> int:
            headers = {"X-Forwarded-For": address} if address else {}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            return (await c.get("/metrics", headers=headers)).status_code

        assert await status(None) == 200
        assert await status("198.51.100.20") == 200
        assert await status("192.0.2.7") == 403
        assert await status("192.0.2.7", tokens[Role.ANALYST]) == 403
        assert await status("192.0.2.7", tokens[Role.ADMINISTRATOR]) == 200
        assert await status("192.0.2.7", tokens[Role.AUDITOR]) == 200
        assert await status("192.0.2.7", "om_wrong") == 401


def test_of_several_processes_each_tells_the_numbers_of_all(database, tmp_path, monkeypatch):
    folder = tmp_path / "metrics"
    folder.mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    with services(database.app_url, 2, ticks=str(tmp_path / "ticks")) as (addresses, _):
        for address, times in zip(addresses, (3, 4), strict=True):
            for _ in range(times):
                httpx.get(f"{address}/readyz", trust_env=False)
        texts = [httpx.get(f"{each}/metrics", trust_env=False).text for each in addresses]
    for text in texts:
        assert number(text, "onemap_request_seconds_count", route="/readyz", status="200") == 7
        assert number(text, "onemap_process_peak_bytes") > 1e8


@pytest.mark.parametrize("value", ["everywhere", "10.0.0.1/99"])
def test_addresses_that_are_none_are_refused_at_the_start(monkeypatch, value):
    from onemap.settings import load
    from onemap.trouble import Trouble

    monkeypatch.setenv("ONEMAP_METRICS_FROM", value)
    with pytest.raises(Trouble, match="ONEMAP_METRICS_FROM"):
        load()
