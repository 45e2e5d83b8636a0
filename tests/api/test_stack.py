"""A building as a stack of storeys, against heights written here."""

from __future__ import annotations

from typing import Any

import pytest

from layers import stack
from layers.estate import Building, Level, LevelBuilding
from layers.space import Room, RoomLevel
from tests.layers.support import SQUARE, body, put
from tests.support import accounts


@pytest.fixture
def building(database: Any) -> tuple[int, dict[str, int]]:
    """A basement and a ground floor with heights, a second storey without; a hall over two."""
    with database.engine.begin() as c:
        key = put(c, Building, name="政务中心", code="B01", geom=SQUARE)
        heights = {"B1": (-1, -4.2, 4.2), "1F": (0, 0.0, 5.0), "2F": (1, None, None)}
        ids = {}
        for name, (ordinal, base, height) in heights.items():
            ids[name] = put(
                c, Level, name=name, short_name=name, ordinal=ordinal, base_m=base, height_m=height
            )
            put(c, LevelBuilding, level_id=ids[name], building_id=key)
        placed = {"101": ("1F",), "201": ("2F",), "大厅": ("2F", "1F"), "B101": ("B1",)}
        for number, levels in placed.items():
            ids[number] = put(
                c, Room, name=number, number=number, use="office", state="vacant", geom=SQUARE
            )
            for level in levels:
                put(c, RoomLevel, room_id=ids[number], level_id=ids[level])
        put(c, Room, number="无图", geom=None)
    return key, ids


async def test_storeys_have_their_recorded_heights_and_assumed_ones_say_so(client, building):
    key, ids = building
    told = (await client.get(f"/buildings/{key}/stack")).json()
    assert told["building"] == {"id": key, "title": "政务中心"}
    assert told["levels"] == [
        {"id": ids["B1"], "ordinal": -1, "short_name": "B1", "base_m": -4.2, "height_m": 4.2,
         "assumed": False},
        {"id": ids["1F"], "ordinal": 0, "short_name": "1F", "base_m": 0.0, "height_m": 5.0,
         "assumed": False},
        {"id": ids["2F"], "ordinal": 1, "short_name": "2F", "base_m": 3.6, "height_m": 3.6,
         "assumed": True},
    ]  # fmt: skip


async def test_a_room_stands_on_its_lowest_level_and_reaches_to_its_highest(client, building):
    key, ids = building
    told = (await client.get(f"/buildings/{key}/stack")).json()
    assert told["rooms"]["type"] == "FeatureCollection"
    rooms = {each["properties"]["number"]: each for each in told["rooms"]["features"]}
    spans = {
        number: tuple(each["properties"][k] for k in ("level_id", "ordinal", "base_m", "top_m"))
        for number, each in rooms.items()
    }
    assert spans == {
        "B101": (ids["B1"], -1, -4.2, 0.0),
        "101": (ids["1F"], 0, 0.0, 5.0),
        "201": (ids["2F"], 1, 3.6, 7.2),
        "大厅": (ids["1F"], 0, 0.0, 7.2),
    }
    hall = rooms["大厅"]
    assert (hall["id"], hall["type"]) == (ids["大厅"], "Feature")
    assert {k: hall["properties"][k] for k in ("name", "use", "state")} == {
        "name": "大厅", "use": "office", "state": "vacant",
    }  # fmt: skip
    assert hall["geometry"] == {
        "type": "MultiPolygon",
        "coordinates": [
            [[[119.6, 38.9], [119.601, 38.9], [119.601, 38.901], [119.6, 38.901], [119.6, 38.9]]]
        ],
    }


async def test_a_level_that_comes_between_the_statements_waits_for_the_next_answer(
    client, building, monkeypatch
):
    key, ids = building
    levels = stack.levels

    def before(*asked):
        found = levels(*asked)
        return found.where(found.selected_columns.ordinal < 1)

    monkeypatch.setattr(stack, "levels", before)
    answer = await client.get(f"/buildings/{key}/stack")
    assert answer.status_code == 200
    told = answer.json()
    assert [each["id"] for each in told["levels"]] == [ids["B1"], ids["1F"]]
    # 201 lies on the level that came; the hall stands on the ground floor in the meantime.
    rooms = {each["properties"]["number"]: each for each in told["rooms"]["features"]}
    assert rooms.keys() == {"B101", "101", "大厅"}
    assert rooms["大厅"]["properties"]["top_m"] == 5.0


async def test_a_building_without_a_plan_has_its_levels_and_no_rooms(client, database):
    with database.engine.begin() as c:
        key = put(c, Building, name="无图楼", geom=SQUARE)
        level = put(c, Level, name="1层", ordinal=0)
        put(c, LevelBuilding, level_id=level, building_id=key)
    told = (await client.get(f"/buildings/{key}/stack")).json()
    assert [each["id"] for each in told["levels"]] == [level]
    assert told["rooms"]["features"] == []


async def test_a_building_that_is_not_ones_own_is_not_there(database, serve):
    with database.engine.begin() as c:
        mine, theirs = body(c, "甲局"), body(c, "乙局")
        key = put(c, Building, name="乙楼", geom=SQUARE, body_id=theirs)
        accounts.with_token(c, "甲", "mine", body_id=mine)
    async with serve(database, anonymous="estate") as client:
        assert (await client.get(f"/buildings/{key}/stack")).status_code == 200
        answer = await client.get(
            f"/buildings/{key}/stack", headers={"authorization": "Bearer mine"}
        )
        assert answer.status_code == 404
        assert (await client.get(f"/buildings/{key + 1}/stack")).status_code == 404
