"""The facts panel's answer, and the floor switch, on the small estate."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from layers.registry import LAYERS
from tests.support import small_estate

NOW = datetime(2026, 10, 12, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="module")
def estate(module_database: Any) -> tuple[Any, small_estate.Estate]:
    return module_database, small_estate.fill(module_database.engine)


async def get(estate: Any, serve: Any, path: str, **config: Any) -> Any:
    async with serve(estate[0], now=lambda: NOW, **config) as client:
        answer = await client.get(path, headers={"Accept-Language": "zh"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def fact(document: Any, field: str) -> Any:
    return next(each for each in document["facts"] if each["field"] == field)


def lists(document: Any) -> dict[tuple[str, str | None], Any]:
    return {(each["layer"], each["role"]): each for each in document["related"]}


async def test_a_room_says_its_facts_its_people_and_its_assets(estate: Any, serve: Any) -> None:
    ids = estate[1]
    room = await get(estate, serve, f"/features/rooms/{ids['rooms', 'B03-412']}")
    assert room["title"] == "B03-412"
    assert [step["name"] for step in room["path"]] == ["云汀区政府大院", "3号楼", "2层"]
    area = fact(room, "usable_area_m2")
    assert (area["value"], area["unit"]) == (26.4, "m²")
    assert area["title"] == {"zh": "使用面积", "en": "Declared usable area"}
    assert fact(room, "use")["label"] == "办公室"
    assert fact(room, "body_id")["reference"] == {
        "layer": "bodies",
        "id": ids["bodies", "012"],
        "title": "区教育局",
    }
    found = lists(room)
    (person,) = found["persons", None]["items"]
    assert person == {"id": ids["persons", "P1"], "title": "周试一", "subtitle": "副科级"}
    assert found["assets", None]["count"] == 2
    assert "occupancies" not in {name for name, _ in found}
    assert room["source"]["source_key"] == "B03-412"
    assert datetime.fromisoformat(room["source"]["recorded_at"]).tzinfo is not None
    assert room["geometry"]["type"] == "MultiPolygon"
    assert room["center"][0] == pytest.approx(119.60045, abs=1e-4)


async def test_who_has_moved_out_is_no_occupant(estate: Any, serve: Any) -> None:
    room = await get(estate, serve, f"/features/rooms/{estate[1]['rooms', 'B03-411']}")
    assert ("persons", None) not in lists(room)


async def test_a_second_key_to_a_room_has_a_list_of_its_own(estate: Any, serve: Any) -> None:
    room = await get(estate, serve, f"/features/rooms/{estate[1]['rooms', 'B03-415']}")
    scanned = lists(room)["assets", "scanned_room_id"]
    assert scanned["title"]["zh"] == "资产 · 盘点房间"
    assert scanned["items"][0]["title"] == "ZC-2023-003417 笔记本电脑"


async def test_a_building_lists_levels_rooms_and_meters(estate: Any, serve: Any) -> None:
    ids = estate[1]
    building = await get(estate, serve, f"/features/buildings/{ids['buildings', 'B03']}")
    found = lists(building)
    assert [item["title"] for item in found["levels", None]["items"]] == ["1层", "2层"]
    assert found["rooms", None]["count"] == 7
    assert {item["title"] for item in found["meters", None]["items"]} == {
        "E-01 E-01 表",
        "G-01 G-01 表",
    }
    assert fact(building, "site_id")["reference"]["title"] == "云汀区政府大院"


async def test_a_site_lists_the_rooms_of_its_buildings(estate: Any, serve: Any) -> None:
    found = lists(await get(estate, serve, f"/features/sites/{estate[1]['sites', 'S01']}"))
    assert found["buildings", None]["count"] == 3
    assert found["levels", None]["count"] == 3
    assert found["rooms", None]["count"] == 8


async def test_a_body_lists_its_people_and_the_bodies_below(estate: Any, serve: Any) -> None:
    ids = estate[1]
    top = lists(await get(estate, serve, f"/features/bodies/{ids['bodies', '001']}"))
    assert top["bodies", "parent_id"]["title"]["zh"] == "下级公共机构"
    assert top["bodies", "parent_id"]["count"] == 2
    audit = lists(await get(estate, serve, f"/features/bodies/{ids['bodies', '017']}"))
    assert audit["persons", None]["count"] == 4


async def test_a_vehicle_says_where_it_was_last_and_its_trips(estate: Any, serve: Any) -> None:
    ids = estate[1]
    for name in ("vehicles", "positions"):
        car = await get(estate, serve, f"/features/{name}/{ids['vehicles', 'D0017']}")
        assert car["layer"] == "vehicles"
        assert fact(car, "positions.time")["value"] == "2026-10-12T00:55:00+00:00"
        assert fact(car, "positions.speed_kmh")["unit"] == "km/h"
        assert car["center"] == pytest.approx([119.60125, 38.90125])
        (trip,) = lists(car)["trips", None]["items"]
        assert (trip["title"], trip["subtitle"]) == ("2026-10-11 09:14", "41.6 km")


async def test_a_meter_says_its_last_reading_and_its_sub_meters(estate: Any, serve: Any) -> None:
    meter = await get(estate, serve, f"/features/meters/{estate[1]['meters', 'E-01']}")
    assert fact(meter, "readings.value")["value"] == 200.0
    assert lists(meter)["meters", "parent_id"]["count"] == 1


async def test_every_layer_answers(estate: Any, serve: Any) -> None:
    ids = estate[1]
    async with serve(estate[0]) as client:
        for layer in LAYERS:
            some = next((i for (name, _), i in ids.ids.items() if name == layer.name), None)
            answer = await client.get(f"/features/{layer.name}/{some or 999_999}")
            assert answer.status_code == (200 if some else 404), (layer.name, answer.text)


async def test_what_may_not_be_seen_is_not_found(estate: Any, serve: Any) -> None:
    ids = estate[1]
    async with serve(estate[0], anonymous="public") as client:
        hidden = await client.get(f"/features/persons/{ids['persons', 'P1']}")
        assert hidden.status_code == 404
        room = (await client.get(f"/features/rooms/{ids['rooms', 'B03-101']}")).json()
    assert "assets" not in {each["layer"] for each in room["related"]}


async def test_the_levels_of_a_building_come_from_the_ground_up(estate: Any, serve: Any) -> None:
    ids = estate[1]
    levels = await get(estate, serve, f"/buildings/{ids['buildings', 'B03']}/levels")
    assert [(each["ordinal"], each["short_name"], each["room_count"]) for each in levels] == [
        (0, "1F", 3),
        (1, "2F", 4),
    ]
    assert await get(estate, serve, f"/buildings/{ids['buildings', 'B57']}/levels") == []
    async with serve(estate[0]) as client:
        assert (await client.get("/buildings/99999/levels")).status_code == 404
