"""Names of areas travel as points: each in one tile of a zoom, however many it reaches into."""

from __future__ import annotations

from collections import Counter
from typing import Any

import mapbox_vector_tile
import morecantile
import pytest
import shapely

from layers.estate import Building, Level
from layers.space import Room, RoomLevel
from tests.layers.support import body, put
from tests.support import accounts

MERCATOR = morecantile.tms.get("WebMercatorQuad")


def box(west: float, south: float, east: float, north: float) -> str:
    ring = f"{west} {south},{east} {south},{east} {north},{west} {north},{west} {south}"
    return f"SRID=4326;MULTIPOLYGON((({ring})))"


async def points(client: Any, layer: str, zoom: int, around: tuple[float, ...]) -> Counter[int]:
    """Count the points of all tiles that reach into the bounds, by the id of their area."""
    found: Counter[int] = Counter()
    for tile in MERCATOR.tiles(*around, zooms=[zoom]):
        answer = await client.get(f"/tiles/{layer}/{tile.z}/{tile.x}/{tile.y}")
        if answer.status_code == 204:
            continue
        decoded = mapbox_vector_tile.decode(answer.content)
        found.update(
            each["id"] for each in decoded.get(f"{layer}-label", {"features": []})["features"]
        )
    return found


@pytest.mark.parametrize("zoom", [15, 16])
async def test_each_name_is_in_one_tile_of_a_zoom(client: Any, database: Any, zoom: int) -> None:
    with database.engine.begin() as c:
        steps = [k * 0.0031 for k in range(-3, 4)]
        ids = {
            put(c, Building, name=f"楼{x}{y}", geom=box(x, y, x + 0.0028, y + 0.0028))
            for x in steps
            for y in steps
        }
    found = await points(client, "buildings", zoom, (-0.02, -0.02, 0.02, 0.02))
    assert found == Counter(ids)


async def test_a_point_at_the_corner_of_four_tiles_is_in_one_of_them_alone(
    client: Any, database: Any
) -> None:
    # The point on the surface of this square is its middle, 0° 0°: the corner of four tiles.
    with database.engine.begin() as c:
        key = put(c, Building, name="零点楼", geom=box(-0.001, -0.001, 0.001, 0.001))
    half = 1 << 15
    seen = {}
    for x, y in ((half - 1, half - 1), (half, half - 1), (half - 1, half), (half, half)):
        answer = await client.get(f"/tiles/buildings/16/{x}/{y}")
        decoded = mapbox_vector_tile.decode(answer.content)
        assert [each["id"] for each in decoded["buildings"]["features"]] == [key]
        seen[x - half, y - half] = len(decoded.get("buildings-label", {"features": []})["features"])
    assert sorted(seen.values()) == [0, 0, 0, 1]


async def test_the_point_lies_in_its_area_and_carries_name_and_floors(
    client: Any, database: Any
) -> None:
    with database.engine.begin() as c:
        level = put(c, Level, name="2层", ordinal=1)
        # An L: its middle lies outside.
        ring = "0.0001 0.0001,0.0009 0.0001,0.0009 0.0002,0.0002 0.0002,0.0002 0.0009,0.0001 0.0009"
        room = put(c, Room, number="B03-412", name="办公室", use="office", state="vacant",
                   geom=f"SRID=4326;MULTIPOLYGON((({ring},0.0001 0.0001)))")  # fmt: skip
        put(c, RoomLevel, room_id=room, level_id=level)
    tile = MERCATOR.tile(0.0003, 0.0003, 18)
    answer = await client.get(f"/tiles/rooms/{tile.z}/{tile.x}/{tile.y}")
    decoded = mapbox_vector_tile.decode(answer.content)
    (area,), (point,) = decoded["rooms"]["features"], decoded["rooms-label"]["features"]
    assert point["id"] == room
    assert point["properties"] == {"number": "B03-412", "name": "办公室", "ordinals": "1"}
    assert (
        shapely.geometry.shape(area["geometry"])
        .buffer(1)
        .contains(shapely.geometry.shape(point["geometry"]))
    )


@pytest.mark.parametrize(
    ("layer", "zoom", "carried"), [("buildings", 14, False), ("buildings", 15, True)]
)
async def test_points_begin_where_the_names_are_drawn(
    client: Any, database: Any, layer: str, zoom: int, carried: bool
) -> None:
    with database.engine.begin() as c:
        put(c, Building, name="楼", geom=box(0.001, 0.001, 0.01, 0.01))
    tile = MERCATOR.tile(0.005, 0.005, zoom)
    answer = await client.get(f"/tiles/{layer}/{tile.z}/{tile.x}/{tile.y}")
    assert (f"{layer}-label" in mapbox_vector_tile.decode(answer.content)) is carried


async def test_no_name_tells_of_what_is_not_ones_own(database: Any, serve: Any) -> None:
    with database.engine.begin() as c:
        mine, theirs = body(c, "甲局"), body(c, "乙局")
        ids = {
            of: put(c, Building, name=str(of), body_id=of, geom=box(0.001, 0.001, 0.002, 0.002))
            for of in (mine, theirs)
        }
        accounts.with_token(c, "甲", "mine", body_id=mine)
    tile = MERCATOR.tile(0.0015, 0.0015, 16)
    async with serve(database, anonymous="public") as client:
        answer = await client.get(
            f"/tiles/buildings/16/{tile.x}/{tile.y}", headers={"authorization": "Bearer mine"}
        )
    decoded = mapbox_vector_tile.decode(answer.content)
    assert [each["id"] for each in decoded["buildings-label"]["features"]] == [ids[mine]]


async def test_tilejson_tells_of_the_points(client: Any) -> None:
    told = (await client.get("/tiles/rooms?lang=en")).json()["vector_layers"]
    assert [(each["id"], each["minzoom"]) for each in told] == [("rooms", 16), ("rooms-label", 18)]
    assert told[1]["fields"] == {"name": "name", "number": "room number", "ordinals": "ordinals"}
    (positions,) = (await client.get("/tiles/positions")).json()["vector_layers"]
    assert "plate" in positions["fields"]
