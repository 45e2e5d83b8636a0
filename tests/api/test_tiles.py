"""Tiles as users receive them: decoded, with their headers, within their limits."""

from __future__ import annotations

import gzip

import mapbox_vector_tile
import morecantile
import pytest
import sqlalchemy as sa
from shapely.geometry import shape

from layers.base import table_of
from layers.estate import Building, Level
from layers.fleet import PositionLatest, Vehicle
from layers.space import Room, RoomLevel
from tests.layers.support import SQUARE, body, put
from tests.support import accounts

MERCATOR = morecantile.tms.get("WebMercatorQuad")


def address(layer: str, z: int, lon: float = 119.6005, lat: float = 38.9005) -> str:
    tile = MERCATOR.tile(lon, lat, z)
    return f"/tiles/{layer}/{tile.z}/{tile.x}/{tile.y}"


def decode(response, layer):
    return mapbox_vector_tile.decode(response.content)[layer]["features"]


@pytest.fixture
def building(database):
    with database.engine.begin() as c:
        return put(c, Building, name="政务中心", code="B01", height_m=24.5, geom=SQUARE)


async def test_a_tile_holds_the_row_under_its_id_with_few_attributes(client, building):
    response = await client.get(address("buildings", 16))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    (found,) = decode(response, "buildings")
    assert found["id"] == building
    assert found["properties"] == {"name": "政务中心", "code": "B01", "height_m": 24.5}


async def test_the_geometry_in_the_tile_is_the_buildings(client, building):
    tile = MERCATOR.tile(119.6005, 38.9005, 14)
    response = await client.get(address("buildings", 14))
    (found,) = decode(response, "buildings")
    bounds = MERCATOR.xy_bounds(tile)
    step = (bounds.right - bounds.left) / 4096
    west, south = MERCATOR.xy(119.6, 38.9)
    east, north = MERCATOR.xy(119.601, 38.901)
    # The decoder puts y upwards from the tile's south.
    expected = [
        (west - bounds.left) / step,
        (south - bounds.bottom) / step,
        (east - bounds.left) / step,
        (north - bounds.bottom) / step,
    ]
    assert shape(found["geometry"]).bounds == pytest.approx(expected, abs=1)


async def test_a_tile_is_compressed_once_and_only_for_who_accepts_it(client, building):
    plain = await client.get(address("buildings", 16), headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    async with client.stream("GET", address("buildings", 16)) as response:
        raw = b"".join([part async for part in response.aiter_raw()])
    assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content


async def test_a_known_tile_is_not_sent_again_until_it_changes(client, database, building):
    first = await client.get(address("buildings", 16))
    tag = {"if-none-match": first.headers["etag"]}
    assert (await client.get(address("buildings", 16), headers=tag)).status_code == 304
    with database.engine.begin() as c:
        c.execute(sa.update(table_of(Building)).values(name="改名"))
    again = await client.get(address("buildings", 16), headers=tag)
    assert again.status_code == 200
    assert decode(again, "buildings")[0]["properties"]["name"] == "改名"


async def test_packed_and_plain_tiles_have_tags_of_their_own_and_either_is_known(client, building):
    tags = {}
    for coding in ("gzip", "identity"):
        answer = await client.get(address("buildings", 16), headers={"accept-encoding": coding})
        assert answer.headers["vary"] == "Authorization, Cookie, Accept-Encoding"
        tags[coding] = answer.headers["etag"]
    assert tags["gzip"] != tags["identity"]
    for coding, tag in tags.items():
        for known in tags.values():
            headers = {"accept-encoding": coding, "if-none-match": f'"other", {known}'}
            answer = await client.get(address("buildings", 16), headers=headers)
            assert (answer.status_code, answer.headers["etag"]) == (304, tag)


# RFC 9110, 12.5.3: q=0 is "not acceptable"; "*" is every coding not named.
@pytest.mark.parametrize(
    ("header", "gzip_sent"),
    [
        ("gzip;q=0", False), ("gzip; q=0.000, br", False), ("*", True), ("*;q=0", False),
        ("*, gzip;q=0", False), ("br, GZIP;q=0.5", True), ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("", False), ("notgzip", False), ("*;q=0, gzip", True),
    ],
)  # fmt: skip
async def test_gzip_is_sent_to_those_alone_who_take_it(client, building, header, gzip_sent):
    answer = await client.get(address("buildings", 16), headers={"accept-encoding": header})
    assert ("content-encoding" in answer.headers) is gzip_sent


async def test_an_empty_tile_says_so_without_a_body(client):
    response = await client.get(address("buildings", 16))
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/tiles/nothing/1/0/0", "nothing"),
        ("/tiles/buildings/2/4/0", "0 到 3"),
        ("/tiles/buildings/5/0/0", "10 到 16"),
        ("/tiles/bodies/5/0/0", "没有矢量瓦片"),
        ("/tiles/imagery/1/0/0/0.png", "1"),
    ],
)
async def test_what_is_not_there_is_told_as_a_problem(client, path, words):
    response = await client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert words in response.json()["detail"]


async def test_rooms_carry_their_levels_for_the_floor_switch(client, database):
    with database.engine.begin() as c:
        levels = [put(c, Level, name=f"{n}", source_key=f"{n}", ordinal=n) for n in (-1, 0)]
        room = put(c, Room, number="101", geom=SQUARE)
        for level in levels:
            put(c, RoomLevel, room_id=room, level_id=level)
    (found,) = decode(await client.get(address("rooms", 17)), "rooms")
    assert found["properties"]["ordinals"] == "-1,0"
    assert found["properties"]["levels"] == ",".join(map(str, sorted(levels)))


async def test_the_largest_stay_where_a_tile_has_more_than_its_cap(client, database, monkeypatch):
    import dataclasses

    from layers import registry
    from layers.estate import BUILDINGS

    with database.engine.begin() as c:
        for size in (3, 1, 2, 5, 4):
            box = sa.func.ST_Multi(
                sa.func.ST_MakeEnvelope(119.6, 38.9, 119.6 + size * 1e-4, 38.9 + size * 1e-4, 4326)
            )
            put(c, Building, name=str(size), geom=box)
    capped = dataclasses.replace(BUILDINGS, max_features=2)
    monkeypatch.setattr(registry, "LAYERS", (capped,))
    found = decode(await client.get(address("buildings", 16)), "buildings")
    assert {each["properties"]["name"] for each in found} == {"4", "5"}


async def test_what_is_smaller_than_a_pixel_has_a_name_near_by_only(client, database):
    with database.engine.begin() as c:
        shed = sa.func.ST_Multi(
            sa.func.ST_MakeEnvelope(119.6005, 38.9005, 119.60052, 38.90052, 4326)
        )
        put(c, Building, name="棚", geom=shed)
        put(c, Building, name="楼", geom=SQUARE)
    near = decode(await client.get(address("buildings", 16)), "buildings")
    far = decode(await client.get(address("buildings", 12)), "buildings")
    assert {each["properties"]["name"] for each in near} == {"棚", "楼"}
    # From afar the shed is a part of the ground that is covered, without a name (`tiles.far`).
    assert {each["properties"].get("name") for each in far} == {"楼", None}


async def test_cars_are_drawn_at_their_last_position_under_their_own_id(client, database):
    with database.engine.begin() as c:
        car = put(c, Vehicle, plate="演A·D0001", name="D1")
        c.execute(
            sa.insert(table_of(PositionLatest)).values(
                vehicle_id=car,
                time="2026-10-12T01:00:00Z",
                speed_kmh=31.5,
                geom="SRID=4326;POINT(119.6005 38.9005)",
            )
        )
    (found,) = decode(await client.get(address("positions", 14)), "positions")
    assert found["id"] == car
    assert found["properties"] == {
        "time": "2026-10-12T01:00:00Z",
        "speed_kmh": 31.5,
        "plate": "演A·D0001",
    }


async def test_a_tile_shows_only_what_the_token_may_see(database, serve):
    with database.engine.begin() as c:
        mine, theirs = body(c, "甲局"), body(c, "乙局")
        put(c, Building, name="甲", body_id=mine, geom=SQUARE)
        put(c, Building, name="乙", body_id=theirs, geom=SQUARE)
        put(c, Building, name="公", geom=SQUARE)
        accounts.with_token(c, "甲局用户", "secret", body_id=mine)
    async with serve(database, anonymous="public") as client:
        seen = decode(await client.get(address("buildings", 16)), "buildings")
        assert {f["properties"]["name"] for f in seen} == {"公"}
        token = {"authorization": "Bearer secret"}
        seen = decode(await client.get(address("buildings", 16), headers=token), "buildings")
        assert {f["properties"]["name"] for f in seen} == {"公", "甲"}
        wrong = await client.get(address("buildings", 16), headers={"authorization": "Bearer x"})
        assert wrong.status_code == 401
    async with serve(database, anonymous="refuse") as client:
        assert (await client.get(address("buildings", 16))).status_code == 401


async def test_a_past_moment_gives_the_tile_of_that_moment(client, database, building):
    with database.engine.begin() as c:
        at = c.execute(sa.text("SELECT max(recorded_at) FROM change_set")).scalar_one()
        c.execute(sa.update(table_of(Building)).values(name="新名"))
    then = await client.get(address("buildings", 16), params={"at": at.isoformat()})
    assert decode(then, "buildings")[0]["properties"]["name"] == "政务中心"


async def test_tilejson_tells_zooms_bounds_and_attributes(client, building):
    found = (await client.get("/tiles/buildings?lang=en")).json()
    assert found["tilejson"] == "3.0.0"
    assert (found["minzoom"], found["maxzoom"]) == (10, 16)
    assert found["bounds"] == pytest.approx([119.6, 38.9, 119.601, 38.901])
    assert found["vector_layers"][0]["fields"]["height_m"] == "height"
    assert found["tiles"] == ["http://map.test/tiles/buildings/{z}/{x}/{y}"]
