"""Measures over HTTP, on the small estate."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy import text

from layers.base import table_of
from layers.pruning import prune
from layers.space import Room
from tests.layers.support import SQUARE, body, put
from tests.support import accounts, small_estate
from tests.support.life import last_moment

NOW = datetime(2026, 10, 12, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="module")
def estate(module_database: Any) -> tuple[Any, small_estate.Estate]:
    return module_database, small_estate.fill(module_database.engine)


async def get(
    estate: Any, serve: Any, path: str, status: int = 200, **config: Any
) -> dict[str, Any]:
    async with serve(estate[0], now=lambda: NOW, **config) as client:
        answer: httpx.Response = await client.get(path, headers={"Accept-Language": "en"})
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_the_list_says_layer_unit_and_whether_there_is_a_window(
    estate: Any, serve: Any
) -> None:
    found = {each["name"]: each for each in await get(estate, serve, "/measures")}  # type: ignore[index]
    assert found["over_quota"]["layer"] == "rooms"
    assert found["over_quota"]["unit"] == {"zh": "m²", "en": "m²"}
    assert "2674" in found["over_quota"]["citation"]["zh"]
    assert found["usable_area_per_person"]["kind"] == "neutral"
    assert found["kgce_per_m2"]["windowed"] is True
    assert found["km_per_day"]["layer"] == "vehicles"


async def test_an_answer_is_columns_of_one_length_with_editions(estate: Any, serve: Any) -> None:
    answer = await get(estate, serve, "/measures/over_quota")
    columns = ("ids", "values", "numerator", "denominator", "coverage")
    assert {len(answer[name]) for name in columns} == {6}
    room = estate[1]["rooms", "B03-412"]
    assert answer["values"][answer["ids"].index(room)] == pytest.approx(14.4)
    assert len(answer["colors"]) == len(answer["colors_dark"]) == len(answer["breaks"]) + 1
    assert answer["editions"][0]["valid_from"] == "2014-11-24"
    assert answer["at"] == "2026-10-12T09:00:00+08:00"
    assert answer["window"] is None


async def test_a_bbox_takes_fewer_ids_and_leaves_the_classes(estate: Any, serve: Any) -> None:
    whole = await get(estate, serve, "/measures/over_quota")
    part = await get(estate, serve, "/measures/over_quota?bbox=119.6022,38.9,119.603,38.902")
    assert part["ids"] == [estate[1]["rooms", "B11-203"]]
    assert part["breaks"] == whole["breaks"]
    assert part["colors"] == whole["colors"]


async def test_a_bbox_is_that_of_the_items_and_asks_for_the_shape_itself(
    database: Any, serve: Any
) -> None:
    ids = small_estate.fill(database.engine)
    room = ids["rooms", "B03-412"]
    with database.engine.begin() as connection:
        # The lower left half of a square: its bounds meet the corner above, and it does not.
        connection.execute(
            text(
                "UPDATE room SET geom = ST_GeomFromText('MULTIPOLYGON(((10 10, 11 10, 10 11, "
                "10 10)))', 4326) WHERE id = :id"
            ),
            {"id": room},
        )
    made = (database, ids)
    for box, found in (("10.8,10.8,11,11", []), ("10.1,10.1,10.2,10.2", [room])):
        answer = await get(made, serve, f"/measures/over_quota?bbox={box}")
        assert answer["ids"] == found
        items = await get(made, serve, f"/ogc/collections/rooms/items?bbox={box}")
        assert [each["id"] for each in items["features"]] == found
    # With heights, as an item's box may be written.
    answer = await get(made, serve, "/measures/over_quota?bbox=10.1,10.1,0,10.2,10.2,9")
    assert answer["ids"] == [room]


async def test_before_the_first_record_an_answer_says_from_when_it_is(
    estate: Any, serve: Any
) -> None:
    with estate[0].engine.connect() as connection:
        first = connection.scalar(text("SELECT min(recorded_at) FROM change_set"))
    room = estate[1]["rooms", "B03-412"]
    for path in ("/measures/over_quota", f"/features/rooms/{room}"):
        before = await get(estate, serve, f"{path}?at=2001-01-01")
        assert datetime.fromisoformat(before["earliest"]) == first
        after = await get(estate, serve, f"{path}?at=2100-01-01")
        assert "earliest" not in after
        assert "earliest" not in await get(estate, serve, path)


async def test_a_window_is_half_open_and_in_the_estates_days(estate: Any, serve: Any) -> None:
    answer = await get(estate, serve, "/measures/kgce_per_m2?window=2026-09-01/2026-10-01")
    assert answer["window"] == ["2026-09-01T00:00:00+08:00", "2026-10-01T00:00:00+08:00"]
    place = answer["ids"].index(estate[1]["buildings", "B57"])
    assert answer["values"][place] == pytest.approx(600 * 0.1229 / 260)
    same = await get(estate, serve, "/measures/kgce_per_m2")  # the last full month is September
    assert same["values"] == answer["values"]
    assert {each["edition"] for each in same["editions"]} == {"2020"}


async def test_states_come_with_their_labels(estate: Any, serve: Any) -> None:
    answer = await get(estate, serve, "/measures/node_state")
    assert sorted(answer["values"]) == ["down", "unknown", "up"]
    assert answer["categories"] == ["up", "down", "maintenance", "unknown"]
    assert answer["labels"]["down"] == {"zh": "故障", "en": "down"}
    assert len(answer["colors"]) == 4


async def test_the_public_gets_no_number_of_anybodys_room(estate: Any, serve: Any) -> None:
    whole = await get(estate, serve, "/measures/over_quota")
    assert whole["ids"]
    # Rooms are public, and who sits in them is not.
    problem = await get(estate, serve, "/measures/over_quota", 403, anonymous="public")
    assert "ids" not in problem


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/measures/nothing", 404, None),
        ("/measures/over_quota?window=2026-09-01/2026-10-01", 400, "window"),
        ("/measures/kgce_per_m2?window=2026-09-01", 400, "window"),
        ("/measures/kgce_per_m2?window=2026-10-01/2026-09-01", 400, "window"),
        ("/measures/kgce_per_m2?window=spring/summer", 400, "window"),
        ("/measures/over_quota?bbox=1,2,3", 400, "bbox"),
        ("/measures/over_quota?bbox=a,b,c,d", 400, "bbox"),
        ("/measures/over_quota?at=yesterday", 400, "at"),
    ],
)
async def test_a_wrong_question_is_a_problem_that_names_the_field(
    estate: Any, serve: Any, path: str, status: int, field: str | None
) -> None:
    problem = await get(estate, serve, path, status)
    assert problem["status"] == status
    assert problem.get("field") == field
    assert problem["detail"]


async def test_the_description_of_the_api_has_examples(estate: Any, serve: Any) -> None:
    document = await get(estate, serve, "/openapi.json")
    for path in ("/measures", "/measures/{name}", "/search"):
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        assert content["application/json"]["example"]
        assert content["application/json"]["schema"]


async def test_a_kept_answer_is_never_older_than_the_last_edit(database: Any, serve: Any) -> None:
    with database.engine.begin() as c:
        office = put(c, Room, number="101", use="office", state="vacant", geom=SQUARE)
    async with serve(database) as client:
        address = "/measures/vacancy"
        first = await client.get(address)
        assert first.json()["values"] == [1.0]
        same = await client.get(address, headers={"accept-encoding": "identity"})
        assert same.content == first.content
        assert first.headers["content-encoding"] == "gzip"
        known = {"if-none-match": first.headers["etag"]}
        assert (await client.get(address, headers=known)).status_code == 304
        with database.engine.begin() as c:
            c.execute(sa.update(table_of(Room)).values(state="in_use"))
        after = await client.get(address, headers=known)
        assert (after.json()["ids"], after.json()["values"]) == ([office], [0.0])


async def test_a_kept_answer_is_not_given_to_who_sees_less(database: Any, serve: Any) -> None:
    with database.engine.begin() as c:
        put(c, Room, number="101", use="office", state="vacant", geom=SQUARE, body_id=body(c, "甲"))
        accounts.with_token(c, "全部", "all", whole_estate=True)
    async with serve(database, anonymous="public") as client:
        whole = await client.get("/measures/vacancy", headers={"authorization": "Bearer all"})
        assert len(whole.json()["ids"]) == 1
        assert (await client.get("/measures/vacancy")).status_code == 403


async def test_what_is_forgotten_is_not_answered_from_memory(database: Any, serve: Any) -> None:
    with database.engine.begin() as c:
        office = put(c, Room, number="101", use="office", state="vacant", geom=SQUARE)
    with database.engine.begin() as c:
        then = c.scalar(text("SELECT max(recorded_at) FROM change_set"))
        c.execute(sa.update(table_of(Room)).values(state="in_use"))
    async with serve(database) as client:
        moment = {"at": then.isoformat()}
        measured = (await client.get("/measures/vacancy", params=moment)).json()
        counted = (await client.get("/filters/vacant_rooms", params=moment)).json()
        assert (measured["ids"], measured["values"], counted["count"]) == ([office], [1.0], 1)
        with database.engine.begin() as c:
            prune(c, last_moment(c) + timedelta(seconds=1))
        # The record begins with the second change now, and earlier moments are answered by it.
        measured = (await client.get("/measures/vacancy", params=moment)).json()
        counted = (await client.get("/filters/vacant_rooms", params=moment)).json()
    assert (measured["values"], counted["count"]) == ([0.0], 0)
    assert "earliest" in measured
