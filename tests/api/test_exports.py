"""Files that go out as they are read: what they leave behind, and what they leave to others."""

from __future__ import annotations

import asyncio
import csv
import io
import json
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
    monkeypatch.setattr(exports.Workbook, "add", full)
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


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("字" * 32_767, "字" * 32_767),
        ("字" * 32_768, "字" * 32_766 + "…"),
        # Excel counts this sign as two.
        ("𠮷" * 16_384, "𠮷" * 16_383 + "…"),
    ],
)
def test_a_cell_holds_as_much_as_excel_counts(text: str, kept: str) -> None:
    assert exports.fitting(text) == kept


async def test_a_cell_that_is_too_long_is_cut_with_a_mark_and_the_notes_say_so(
    database: Any, serve: Serve
):
    small_estate.fill(database.engine)
    with database.engine.begin() as link:
        link.execute(text("UPDATE room SET name = repeat('长', 40000) WHERE number = 'B03-101'"))
    async with serve(database) as client:
        sheet = await client.get("/lists/rooms/export?format=xlsx&sort=number&lang=zh")
        plain = await client.get("/lists/rooms/export?format=csv&sort=number&lang=zh")
    book = openpyxl.load_workbook(io.BytesIO(sheet.content))
    heads, first, *_ = list(book["房间"].iter_rows(values_only=True))
    name = dict(zip(heads, first, strict=True))["名称"]
    assert name == "长" * 32_766 + "…"
    # The room's title, made of its number and name, is cut as well.
    notes = dict(book["说明"].iter_rows(values_only=True))
    assert notes["截断的单元格"].startswith("2 个单元格超过 Excel 的 32,767 个字符")
    assert "长" * 40_000 in plain.text


async def test_the_notes_say_all_that_narrowed_the_list(estate: Any, serve: Serve):
    condition = {
        "op": "and",
        "args": [
            {"op": "in", "args": [{"property": "state"}, ["in_use", "to_vacate"]]},
            {"op": ">=", "args": [{"property": "usable_area_m2"}, 5]},
            {"op": "<=", "args": [{"property": "vacant_since"}, {"date": "2026-10-01"}]},
            {"op": "like", "args": [{"op": "casei", "args": [{"property": "number"}]},
                                    {"op": "casei", "args": ["%B03%"]}]},
            {"op": "isNull", "args": [{"property": "name"}]},
        ],
    }  # fmt: skip
    async with serve(estate) as client:
        (building,) = [
            row["id"] for row in (await client.get("/lists/buildings?q=3号楼")).json()["rows"]
        ]
        (body,) = [row["id"] for row in (await client.get("/lists/bodies?q=012")).json()["rows"]]
        asked = {
            "format": "xlsx", "lang": "en", "place": f"building/{building}", "unit": body,
            "filter": json.dumps(condition), "filter-lang": "cql2-json", "q": "B03",
        }  # fmt: skip
        answer = await client.get("/lists/rooms/export", params=asked)
    assert answer.status_code == 200, answer.text
    notes = dict(openpyxl.load_workbook(io.BytesIO(answer.content))["Notes"].values)
    assert notes["Place"].endswith("3号楼")
    assert notes["Seen as"] == "区教育局"
    assert notes["Containing"] == "B03"
    assert {name: said for name, said in notes.items() if name.startswith("Filter")} == {
        "Filter: State": "in use, to be vacated",
        "Filter: Declared usable area (m²)": "at least 5",
        "Filter: Vacant since": "not after 2026-10-01",
        "Filter: Room number": "contains “B03”",
        "Filter: Condition (CQL2)": "name IS NULL",
    }


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
