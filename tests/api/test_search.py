"""The search box over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from layers.registry import layer
from layers.search_entries import refresh
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


async def test_the_search_of_a_moment_finds_what_was_recorded_then(
    database: Any, serve: Any
) -> None:
    ids = small_estate.fill(database.engine)
    room, person = ids["rooms", "B03-412"], ids["persons", "P1"]
    with database.engine.connect() as connection:
        at = connection.scalar(text("SELECT max(recorded_at) FROM change_set")).isoformat()
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE room SET number = 'C09-1'"))
        connection.execute(text("DELETE FROM occupancy"))
        connection.execute(text("DELETE FROM person WHERE id = :id"), {"id": person})
        connection.execute(text("DELETE FROM search_entry WHERE layer = 'persons'"))
        refresh(connection, layer("rooms"))

    async def found(client: Any, query: str, **more: str) -> list[tuple[str, int, str]]:
        answer = await client.get("/search", params={"q": query, **more})
        assert answer.status_code == 200, answer.text
        return [(each["layer"], each["id"], each["text"]) for each in answer.json()["results"]]

    async with serve(database) as client:
        assert await found(client, "B03-412") == []
        assert await found(client, "B03-412", at=at) == [("rooms", room, "B03-412")]
        assert await found(client, "C09-1", at=at) == []
        for query in ("周试一", "zhoushiyi", "zsy"):
            assert await found(client, query, at=at) == [("persons", person, "周试一")]
        assert await found(client, "building three", at=at) == await found(client, "building three")
        early = (await client.get("/search?q=B03-412&at=1990-01-01")).json()
    # Instants, since their days differ by the zone in which they are written.
    assert datetime.fromisoformat(early["earliest"]) <= datetime.fromisoformat(at)
    assert [each["id"] for each in early["results"]] == [room]
    async with serve(database, anonymous="public") as client:
        assert await found(client, "周试一", at=at) == []


async def test_the_search_of_a_moment_too_far_back_says_so(
    estate: Any, serve: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("api.routes.search.MOST_CHANGED", -1)
    async with serve(estate[0]) as client:
        answer = await client.get("/search?q=b03&at=2026-10-12&lang=en")
    assert answer.status_code == 400
    assert answer.json()["field"] == "at"
