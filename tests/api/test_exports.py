"""Files that go out as they are read: what they leave behind, and what they leave to others."""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from api import database as doors
from api import exports, listed
from tests.api.conftest import Serve
from tests.support import small_estate


@pytest.fixture(scope="module")
def estate(module_database: Any) -> Any:
    small_estate.fill(module_database.engine)
    return module_database


@pytest.mark.parametrize("part", [None, "bytes", "bytes=9999999999-"])
async def test_a_workbook_leaves_no_file_behind_whatever_part_is_asked_for(
    part: str | None, estate: Any, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with serve(estate) as client:
        headers = {"Range": part} if part else {}
        answer = await client.get("/lists/rooms/export?format=xlsx", headers=headers)
    assert answer.status_code == 200
    assert openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0].max_row == 1 + 8
    assert _within(tmp_path) == []


async def test_a_workbook_that_is_given_up_leaves_no_file_behind(
    estate: Any, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(exports._Workbook, "add", full)
    async with serve(estate) as client:
        answer = await client.get("/lists/rooms/export?format=xlsx")
        after = await client.get("/lists/rooms/export?format=csv")
    assert (answer.status_code, after.status_code) == (500, 200)
    assert _within(tmp_path) == []


async def test_slow_readers_leave_connections_to_others_and_are_told_to_wait(
    estate: Any, serve: Serve, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(doors, "PATIENCE_S", 0.1)
    async with serve(estate, pool_size=2) as client:
        connections = client._transport.app.state.connections  # type: ignore[attr-defined]
        async with connections.stream(text("SELECT generate_series(1, 9) AS n"), 2) as (_, chunks):
            assert [row["n"] for row in await anext(chunks)] == [1, 2]
            second = await client.get("/lists/rooms/export?format=csv")
            other = await client.get("/lists/rooms")
            await chunks.aclose()
        then = await client.get("/lists/rooms/export?format=csv")
    assert (second.status_code, second.headers["retry-after"]) == (503, "2")
    assert (other.status_code, then.status_code) == (200, 200)


async def test_a_client_that_goes_away_gives_its_connection_back(
    estate: Any, serve: Serve, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exports, "CHUNK", 1)
    monkeypatch.setattr(doors, "PATIENCE_S", 5.0)
    async with serve(estate, pool_size=2) as client:
        app = client._transport.app  # type: ignore[attr-defined]
        for _ in range(3):
            await _go_away(app, "/lists/rooms/export")
        again = await client.get("/lists/rooms/export?format=csv")
    assert again.status_code == 200
    assert len(list(csv.reader(io.StringIO(again.text)))) == 1 + 8


def _within(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def _go_away(app: Any, path: str) -> None:
    """Ask for a CSV and hang up once some of it has come."""
    begun = asyncio.Event()
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        for message in asked:
            return message
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            begun.set()
            await asyncio.sleep(60)

    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "path": path, "raw_path": path.encode(), "root_path": "", "scheme": "http",
        "query_string": b"format=csv", "headers": [], "client": None, "server": ("map.test", 80),
    }  # fmt: skip
    async with asyncio.timeout(20):
        await app(scope, receive, send)


async def test_answers_that_no_longer_stand_are_not_held(
    estate: Any, serve: Serve, monkeypatch: pytest.MonkeyPatch
):
    async with serve(estate) as client:
        kept = client._transport.app.state.kept  # type: ignore[attr-defined]
        moments = [f"2026-10-0{day}T00:00:00Z" for day in range(1, 6)]
        for moment in moments[:3]:
            assert (await client.get(f"/filters/vacant_rooms?at={moment}")).status_code == 200
        assert len(kept) == 3
        monkeypatch.setattr(listed, "KEPT_S", 0.0)
        for moment in moments[3:]:
            assert (await client.get(f"/filters/vacant_rooms?at={moment}")).status_code == 200
        assert len(kept) <= 1


@pytest.mark.parametrize("said", ["＝1+1", "＋86", "－2", "＠x", "\n=1", "=1"])
def test_a_text_that_begins_like_a_formula_in_any_width_is_quoted(said: str) -> None:
    assert exports.safe_text(said) == "'" + said
