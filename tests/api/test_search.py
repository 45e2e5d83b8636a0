"""The search box over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import small_estate


@pytest.fixture(scope="module")
def estate(module_database: Any) -> tuple[Any, small_estate.Estate]:
    return module_database, small_estate.fill(module_database.engine)


async def test_a_hit_says_what_it_is_where_it_is_and_what_holds_it(estate: Any, serve: Any) -> None:
    async with serve(estate[0]) as client:
        answer = (await client.get("/search", params={"q": "会议"})).json()
    ids = estate[1]
    (hit,) = answer["results"]
    assert hit["layer"] == "rooms"
    assert hit["id"] == ids["rooms", "B03-101"]
    assert (hit["title"], hit["field"], hit["text"]) == ("B03-101 第一会议室", "name", "第一会议室")
    assert [step["name"] for step in hit["path"]] == ["云汀区政府大院", "3号楼", "1层"]
    assert hit["path"][1] == {
        "layer": "buildings",
        "id": ids["buildings", "B03"],
        "name": "3号楼",
    }
    assert hit["bbox"] == pytest.approx([119.6008, 38.9, 119.6009, 38.9001])
    west, south, east, north = hit["bbox"]
    assert west < hit["center"][0] < east
    assert south < hit["center"][1] < north


async def test_a_limit_is_kept_and_an_empty_query_is_a_problem(estate: Any, serve: Any) -> None:
    async with serve(estate[0]) as client:
        assert len((await client.get("/search?q=b03&limit=3")).json()["results"]) == 3
        assert (await client.get("/search?q=%20")).status_code == 400
        assert (await client.get("/search")).status_code == 400
        assert (await client.get("/search?q=a&limit=0")).status_code == 400
        nothing = (await client.get("/search?q=没有这个")).json()
    assert nothing == {"query": "没有这个", "results": []}


async def test_nobody_finds_what_they_may_not_see(estate: Any, serve: Any) -> None:
    async with serve(estate[0], anonymous="public") as client:
        assert (await client.get("/search?q=周试一")).json()["results"] == []
        assert (await client.get("/search?q=ZC-2023-003417")).json()["results"] == []


@pytest.mark.parametrize(("language", "word"), [("zh", "当前"), ("en", "as it is now")])
async def test_the_search_of_now_refuses_a_moment_of_record(
    language: str, word: str, estate: Any, serve: Any
) -> None:
    async with serve(estate[0]) as client:
        answer = await client.get(f"/search?q=b03&at=2026-10-12&lang={language}")
    assert answer.status_code == 400
    assert answer.json()["field"] == "at"
    assert word in answer.json()["detail"]
