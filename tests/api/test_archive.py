"""Tile archives: written from public rows, read back by others, served to those who see no more."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import geopandas
import mapbox_vector_tile
import morecantile
import numpy as np
import pyogrio
import pytest
import sqlalchemy as sa
from pmtiles.reader import MmapSource, Reader, all_tiles

from layers.base import table_of
from layers.basemap import ROADS, Road
from layers.estate import BUILDINGS, Building
from layers.fleet import POSITIONS
from layers.people import BODIES
from layers.problems import BadRequest
from onemap import archive as making
from tests.layers.support import SQUARE, body, put
from tests.support import accounts
from tiles import archive
from tiles.vector import Tile

MERCATOR = morecantile.tms.get("WebMercatorQuad")
ROAD = "SRID=4326;MULTILINESTRING((119.59 38.9,119.62 38.91))"


@pytest.fixture
def estate(database):
    """Two public buildings, one of a body's, and a road."""
    with database.engine.begin() as c:
        mine = body(c, "甲局")
        put(c, Building, name="政务中心", code="B01", height_m=24.5, geom=SQUARE)
        shed = sa.func.ST_MakeEnvelope(119.605, 38.905, 119.60502, 38.90502, 4326)
        put(c, Building, name="棚", geom=sa.func.ST_Multi(shed))
        far = sa.func.ST_MakeEnvelope(120.5, 39.5, 120.501, 39.501, 4326)
        put(c, Building, name="内部", body_id=mine, geom=sa.func.ST_Multi(far))
        put(c, Road, name="大街", road_class="primary", geom=ROAD)
        accounts.with_token(c, "甲局用户", "secret", body_id=mine)
    return database


def make(database, path, layers=(BUILDINGS, ROADS), last=None, progress=lambda *_: None):
    return making.make(
        database.owner_url,
        path,
        layers,
        last=last,
        attribution="甲市机关事务管理局",
        timezone="Asia/Shanghai",
        say=lambda text: text.in_language("zh"),
        progress=progress,
    )


def decode(tile):
    features = mapbox_vector_tile.decode(tile)["buildings"]["features"]
    return [each["properties"] for each in features]


def read(path: Path):
    with path.open("rb") as file:
        source = MmapSource(file)
        return Reader(source), dict(all_tiles(source))


async def test_an_archive_holds_the_tiles_that_are_served_and_no_others(estate, serve, tmp_path):
    path = tmp_path / "estate.pmtiles"
    steps = []
    made = await asyncio.to_thread(make, estate, path, progress=lambda *each: steps.append(each))
    _reader, tiles = read(path)
    assert made.tiles == len(tiles) > 10
    assert steps[-1][1] == steps[-1][2] >= len(tiles)
    async with serve(estate, anonymous="public") as client:
        for (z, x, y), data in tiles.items():
            live = b""
            for layer in (BUILDINGS, ROADS):
                if layer.zooms[0] <= z <= layer.zooms[1]:
                    live += (await client.get(f"/tiles/{layer.name}/{z}/{x}/{y}")).content
            assert gzip.decompress(data) == live
        # Every neighbour that is not there is empty.
        for z in (10, 14, 16):
            for x, y in {(x, y) for zz, x, y in tiles if zz == z}:
                for dx, dy in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                    if (z, x + dx, y + dy) not in tiles:
                        live = await client.get(f"/tiles/buildings/{z}/{x + dx}/{y + dy}")
                        assert live.status_code == 204
    assert "内部".encode() not in b"".join(gzip.decompress(t) for t in tiles.values())


async def test_its_head_and_metadata_say_what_it_is(estate, tmp_path):
    path = tmp_path / "estate.pmtiles"
    made = await asyncio.to_thread(make, estate, path, last=14)
    reader, tiles = read(path)
    header = reader.header()
    assert (header["version"], header["clustered"]) == (3, True)
    assert (header["min_zoom"], header["max_zoom"]) == (8, 14)
    assert header["addressed_tiles_count"] == len(tiles)
    sides = [header[f"{name}_e7"] / 1e7 for name in ("min_lon", "min_lat", "max_lon", "max_lat")]
    assert sides == pytest.approx([119.59, 38.9, 119.62, 38.91])
    told = reader.metadata()
    assert told["attribution"] == "甲市机关事务管理局"
    # Names of buildings are drawn from zoom 15 on.
    assert [each["id"] for each in told["vector_layers"]] == ["buildings", "roads"]
    assert told["vector_layers"][0]["fields"]["height_m"] == "Number"
    assert told["onemap"]["moment"] == made.snapshot.moment.isoformat()
    assert told["onemap"]["zooms"] == {"buildings": [10, 14], "roads": [8, 14]}


async def test_gdal_reads_it_as_the_features_it_was_made_of(estate, tmp_path):
    path = tmp_path / "estate.pmtiles"
    await asyncio.to_thread(make, estate, path)
    if "PMTiles" not in pyogrio.list_drivers():
        pytest.skip("this GDAL has no PMTiles driver")
    assert set(pyogrio.list_layers(path)[:, 0]) >= {"buildings", "roads"}
    found = geopandas.read_file(path, layer="buildings").to_crs(4326)
    assert set(found["name"]) == {"政务中心", "棚"}
    hall = found[found["name"] == "政务中心"].union_all()
    assert hall.bounds == pytest.approx([119.6, 38.9, 119.601, 38.901], abs=2e-6)


async def test_equal_tiles_are_kept_once(tmp_path):
    async def tiles():
        for x in range(4):
            yield Tile(4, x, 0), b"same"

    with archive.replacing(tmp_path / "a.pmtiles") as file:
        await archive.write(file, tiles(), (0, 0, 1, 1), {"minzoom": 4, "name": ""})
    header = read(tmp_path / "a.pmtiles")[0].header()
    assert (header["addressed_tiles_count"], header["tile_contents_count"]) == (4, 1)


async def test_what_goes_wrong_leaves_the_old_archive_and_nothing_else(estate, tmp_path):
    path = tmp_path / "estate.pmtiles"
    path.write_bytes(b"old")

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await asyncio.to_thread(make, estate, path, progress=interrupt)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("layer", "last", "words"),
    [
        (BODIES, None, "没有矢量瓦片"),
        (POSITIONS, None, "不能归档"),
        (BUILDINGS, 9, "从第 10 级"),
    ],
)
def test_what_cannot_be_archived_is_said(estate, tmp_path, layer, last, words):
    with pytest.raises(BadRequest) as refused:
        make(estate, tmp_path / "x.pmtiles", (layer,), last)
    assert words in refused.value.text.zh
    assert list(tmp_path.iterdir()) == []


def test_a_layer_without_public_rows_is_not_archived(database, tmp_path):
    with database.engine.begin() as c:
        put(c, Building, name="内部", body_id=body(c, "甲局"), geom=SQUARE)
    with pytest.raises(BadRequest, match="public"):
        make(database, tmp_path / "x.pmtiles", (BUILDINGS,))


def test_too_many_tiles_are_refused_before_any_is_made():
    world = np.array([[-2e7, -2e7, 2e7, 2e7]])
    with pytest.raises(BadRequest, match="max-zoom"):
        archive.addresses(world, 0, 16)


async def test_public_requests_are_answered_from_it_and_no_others(estate, serve, tmp_path):
    path = tmp_path / "estate.pmtiles"
    await asyncio.to_thread(make, estate, path, last=15)
    z15, z16 = (MERCATOR.tile(119.6005, 38.9005, z) for z in (15, 16))
    address = f"/tiles/buildings/15/{z15.x}/{z15.y}"
    deeper = f"/tiles/buildings/16/{z16.x}/{z16.y}"
    token = {"authorization": "Bearer secret"}
    async with serve(estate, anonymous="public") as live:
        before = (await live.get(address)).content

    def name(answer):
        found = decode(answer.content)
        return next(each["name"] for each in found if each.get("code") == "B01")

    async with serve(estate, anonymous="public", tile_archive=str(path)) as client:
        first = await client.get(address)
        assert first.content == before
        again = await client.get(address, headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304
        assert (await client.get(f"/tiles/buildings/15/{z15.x + 9}/{z15.y}")).status_code == 204
        with estate.engine.begin() as c:
            at = c.scalar(sa.text("SELECT max(recorded_at) FROM change_set"))
            old = table_of(Building)
            c.execute(sa.update(old).where(old.c.code == "B01").values(name="改名"))
        # A snapshot stays what it was, for those who see public rows only.
        assert name(await client.get(address)) == "政务中心"
        assert name(await client.get(address, headers=token)) == "改名"
        assert name(await client.get(deeper)) == "改名"
        then = await client.get(address, params={"at": at.isoformat()})
        assert name(then) == "政务中心"
        told = (await client.get("/tiles/buildings")).json()["snapshot"]
        assert (told["minzoom"], told["maxzoom"]) == (10, 15)
        assert told["archive"] == "http://map.test/archives/estate.pmtiles"
        assert "snapshot" not in (await client.get("/tiles/buildings", headers=token)).json()
        assert "snapshot" not in (await client.get("/tiles/sites")).json()
        # A new archive is noticed without a restart.
        await asyncio.to_thread(make, estate, path, last=15)
        assert name(await client.get(address)) == "改名"
    async with serve(estate, anonymous="estate", tile_archive=str(path)) as client:
        with estate.engine.begin() as c:
            c.execute(sa.update(old).where(old.c.code == "B01").values(name="再改"))
        assert name(await client.get(address)) == "再改"
    async with serve(estate, anonymous="refuse", tile_archive=str(path)) as client:
        assert (await client.get(address)).status_code == 401
        assert (await client.get("/archives/estate.pmtiles")).status_code == 401


async def test_the_file_is_given_whole_and_by_ranges(estate, serve, tmp_path):
    path = tmp_path / "estate.pmtiles"
    await asyncio.to_thread(make, estate, path, last=12)
    whole = path.read_bytes()
    async with serve(estate, anonymous="public", tile_archive=str(path)) as client:
        url = "/archives/estate.pmtiles"
        full = await client.get(url)
        assert (full.status_code, full.content) == (200, whole)
        assert full.headers["content-type"] == archive.MEDIA_TYPE
        assert full.headers["accept-ranges"] == "bytes"
        assert "content-encoding" not in full.headers
        part = await client.get(url, headers={"range": "bytes=0-126"})
        assert (part.status_code, part.content) == (206, whole[:127])
        assert part.headers["content-range"] == f"bytes 0-126/{len(whole)}"
        changed = {"range": "bytes=0-126", "if-range": '"another"'}
        assert (await client.get(url, headers=changed)).status_code == 200
        beyond = {"range": f"bytes={len(whole)}-"}
        assert (await client.get(url, headers=beyond)).status_code == 416
        head = await client.head(url)
        assert head.headers["content-length"] == str(len(whole))
        assert (await client.get("/archives/other.pmtiles")).status_code == 404
    async with serve(estate, anonymous="public") as client:
        assert (await client.get(url)).status_code == 404


async def test_a_file_that_is_no_archive_is_told_and_left_aside(estate, serve, tmp_path, caplog):
    path = tmp_path / "estate.pmtiles"
    path.write_bytes(b"PMTiles and then nothing")
    z15 = MERCATOR.tile(119.6005, 38.9005, 15)
    async with serve(estate, anonymous="public", tile_archive=str(path)) as client:
        answer = await client.get(f"/tiles/buildings/15/{z15.x}/{z15.y}")
        assert answer.status_code == 200
    assert "estate.pmtiles" in caplog.text
