"""Tiles of low zooms: small areas are added up, exactly, under scope, edits and past moments."""

from __future__ import annotations

import mapbox_vector_tile
import morecantile
import numpy as np
import pytest
import sqlalchemy as sa
from shapely.geometry import shape

from layers.access import ESTATE, Actor
from layers.base import table_of
from layers.estate import BUILDINGS, Building
from layers.policy import all_business
from tests.layers.support import SQUARE, body, put
from tests.support import accounts
from tiles import far

MERCATOR = morecantile.tms.get("WebMercatorQuad")
# A shed's middle lies within one tile at every zoom up to 14.
LON, LAT = 119.6105, 38.9105

GRID = sa.text(
    "INSERT INTO building (source, source_key, geom) SELECT 'test', e || '/' || n, ST_Multi("
    "ST_MakeEnvelope(:lon + e * 2e-4, :lat + n * 2e-4, :lon + e * 2e-4 + 1e-4, "
    ":lat + n * 2e-4 + 1e-4, 4326)) FROM generate_series(0, 59) AS e, generate_series(0, 59) AS n"
)


def shed(east: int = 0, north: int = 0, side: float = 1e-4) -> sa.ColumnElement:
    """Return a square of about 10 m; steps are 20 m."""
    west, south = LON + east * 2e-4, LAT + north * 2e-4
    box = sa.func.ST_MakeEnvelope(west, south, west + side, south + side, 4326)
    return sa.func.ST_Multi(box)


def address(z: int, layer: str = "buildings") -> str:
    tile = MERCATOR.tile(LON, LAT, z)
    return f"/tiles/{layer}/{tile.z}/{tile.x}/{tile.y}"


def decode(response, layer="buildings"):
    return mapbox_vector_tile.decode(response.content)[layer]["features"]


def in_metres(features, z):
    return sum(shape(f["geometry"]).area for f in features) * (40075016.69 / 2**z / 4096) ** 2


def plant(connection, count, **values):
    for number in range(count):
        put(connection, Building, name=f"{values}{number}", geom=shed(number), **values)


@pytest.mark.parametrize("z", [10, 11, 12])
async def test_small_areas_cover_as_much_ground_as_in_truth(client, database, z):
    with database.engine.begin() as c:
        c.execute(GRID, {"lon": LON, "lat": LAT})
        tile = MERCATOR.xy_bounds(MERCATOR.tile(LON, LAT, z))
        truth = c.scalar(
            sa.text(
                "SELECT sum(ST_Area(geom_3857)) FROM building "
                "WHERE ST_Centroid(geom_3857) && ST_MakeEnvelope(:w, :s, :e, :n, 3857)"
            ),
            dict(zip("wsen", tile, strict=True)),
        )
    (summed,) = decode(await client.get(address(z)))
    assert "id" not in summed or summed["id"] == 0
    assert summed["properties"] == {}
    assert in_metres([summed], z) == pytest.approx(truth, rel=0.12)
    made = shape(summed["geometry"])
    assert made.is_valid  # the boxes do not lie upon each other
    assert len(made.geoms) < 3600 / 2


async def test_what_can_be_told_apart_keeps_its_id_and_attributes(client, database):
    with database.engine.begin() as c:
        plant(c, 3)
        hall = put(c, Building, name="大楼", geom=SQUARE)
    named = [f for f in decode(await client.get(address(10))) if f["properties"]]
    assert [(f["id"], f["properties"]["name"]) for f in named] == [(hall, "大楼")]


async def test_of_too_many_the_widest_are_sent_as_they_are(client, database, monkeypatch):
    monkeypatch.setattr(far, "SHOWN", 2)
    with database.engine.begin() as c:
        for size in (3, 1, 2, 5, 4):
            put(c, Building, name=str(size), geom=shed(size * 10, side=size * 1e-3))
    found = decode(await client.get(address(10)))
    assert {f["properties"].get("name") for f in found} == {"4", "5", None}


async def test_a_tile_from_afar_is_never_older_than_the_last_edit(client, database):
    with database.engine.begin() as c:
        plant(c, 2)
    two = await client.get(address(10))
    with database.engine.begin() as c:
        at = c.scalar(sa.text("SELECT max(recorded_at) FROM change_set"))
        plant(c, 3, use="office")
    five = await client.get(address(10))
    assert in_metres(decode(five), 10) > in_metres(decode(two), 10)
    with database.engine.begin() as c:
        c.execute(sa.delete(table_of(Building)).where(table_of(Building).c.use == "office"))
    assert (await client.get(address(10))).content == two.content
    then = await client.get(address(10), params={"at": at.isoformat()})
    assert then.content == two.content
    with database.engine.begin() as c:
        c.execute(sa.delete(table_of(Building)))
    assert (await client.get(address(10))).status_code == 204
    then = await client.get(address(10), params={"at": at.isoformat()})
    assert then.content == two.content


async def test_nothing_is_added_up_that_the_reader_may_not_see(database, serve):
    with database.engine.begin() as c:
        mine, theirs = body(c, "甲局"), body(c, "乙局")
        accounts.with_token(c, "甲局用户", "secret", body_id=mine)
        plant(c, 2)
    token = {"authorization": "Bearer secret"}
    async with serve(database, anonymous="public") as client:
        public = (await client.get(address(10))).content
        with database.engine.begin() as c:
            for owner, place in ((mine, 1), (theirs, 2)):
                put(c, Building, name=f"{owner}", body_id=owner, geom=shed(50, place * 50))
        assert (await client.get(address(10))).content == public
        answer = await client.get(address(10), headers=token)
        own = answer.content
        assert len(shape(decode(answer)[0]["geometry"]).geoms) == 2
        with database.engine.begin() as c:
            hidden = table_of(Building)
            c.execute(sa.delete(hidden).where(hidden.c.body_id == theirs))
        assert (await client.get(address(10), headers=token)).content == own


@pytest.mark.parametrize("z", [4, 8, 9, 10, 11, 13])
def test_the_index_finds_the_rows_whose_middle_lies_in_the_tile(database, z):
    random = np.random.default_rng(z)
    tile = MERCATOR.tile(LON, LAT, z)
    around = MERCATOR.bounds(tile)
    width, height = around.right - around.left, around.top - around.bottom
    with database.engine.begin() as c:
        for number in range(120):
            x = around.left + width * random.uniform(-0.5, 1.5)
            y = around.bottom + height * random.uniform(-0.5, 1.5)
            box = sa.func.ST_Multi(sa.func.ST_MakeEnvelope(x, y, x + 1e-5, y + 1e-5, 4326))
            put(c, Building, name=str(number), geom=box)
    with database.engine.connect() as c:
        query = far.far_query(BUILDINGS, z, ESTATE, None)
        values = far.far_values(z, tile.x, tile.y)
        small = far.small_areas(c.execute(query, values).scalar(), z, tile.x, tile.y)
        bounds = MERCATOR.xy_bounds(tile)
        truth = c.execute(
            sa.text(
                "SELECT (ST_X(p) - :w) / :s, (:n - ST_Y(p)) / :s FROM (SELECT "
                "ST_Centroid(geom_3857) AS p FROM building) AS t WHERE ST_X(p) >= :w "
                "AND ST_X(p) < :e AND ST_Y(p) > :b AND ST_Y(p) <= :n"
            ),
            {
                "w": bounds.left,
                "e": bounds.right,
                "b": bounds.bottom,
                "n": bounds.top,
                "s": (bounds.right - bounds.left) / 4096,
            },
        ).all()
    got = sorted(zip(small.u, small.v, strict=True))
    assert len(got) == len(truth) > 10
    unit = 4096 / 2 ** (24 - z)
    assert np.allclose(got, sorted(truth), atol=unit + 1)


@pytest.mark.parametrize("actor", [ESTATE, Actor("甲", all_business((1,)))])
def test_a_tile_from_afar_reads_no_rows(database, actor):
    with database.engine.begin() as c:
        plant(c, 5)
        c.execute(sa.text("SET LOCAL enable_seqscan = off"))
        c.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
        query = far.far_query(BUILDINGS, 10, actor, None)
        text = str(query.compile(c, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(row[0] for row in c.exec_driver_sql("EXPLAIN " + text))
    assert "Index Only Scan using ix_building_tile_spot" in plan


async def test_a_hall_across_two_tiles_is_drawn_in_both(client, database):
    bounds = MERCATOR.bounds(MERCATOR.tile(LON, LAT, 10))
    with database.engine.begin() as c:
        edge = sa.func.ST_MakeEnvelope(
            bounds.right - 0.01, LAT, bounds.right + 0.002, LAT + 0.01, 4326
        )
        hall = put(c, Building, name="站房", geom=sa.func.ST_Multi(edge))
    tile = MERCATOR.tile(LON, LAT, 10)
    for x in (tile.x, tile.x + 1):
        answer = await client.get(f"/tiles/buildings/10/{x}/{tile.y}")
        assert [f["id"] for f in decode(answer)] == [hall]


def test_boxes_join_the_layer_that_is_there_and_make_one_where_there_is_none():
    small = far.Small(
        np.array([5.0, 4090.0]), np.array([5.0, 4090.0]), np.array([9.0, 1e6]), np.zeros(2, "f4")
    )
    alone = far.with_boxes(b"", "buildings", small, 1.0)
    layer = mapbox_vector_tile.decode(alone)["buildings"]
    assert (layer["version"], layer["extent"]) == (2, 4096)
    # What is larger than its cell fills it.
    assert shape(layer["features"][0]["geometry"]).area == 9 + far.CELL**2
    points = mapbox_vector_tile.encode(
        {"name": "buildings-label", "features": [{"geometry": "POINT(1 1)", "properties": {}}]}
    )
    both = far.with_boxes(alone + points, "buildings", small, 1.0)
    read = mapbox_vector_tile.decode(both)
    assert [len(read[name]["features"]) for name in ("buildings", "buildings-label")] == [2, 1]
    assert far.with_boxes(points, "buildings", small, 0.0) == points
