"""Tiles kept in memory: what a change drops, found again by plain geometry."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.tiling import tile_bounds_3857
from layers.committed import Committed, Touched
from tiles.cache import OVERHEAD, Entry, Place, TileCache, reach
from tiles.reads import Reads
from tiles.vector import BUFFER, EXTENT

NOTHING: dict[str, frozenset[str]] = {}
HALF = math.pi * 6378137.0


def reads(layer, whole):
    others = NOTHING if whole else {"occupancy": frozenset({"room_id", "body_id"})}
    return Reads({"rooms": "room", "sites": "site"}[layer], others, dated=False, tracked=True)


def cache(limit=10**9):
    return TileCache(limit, reads)


def keep(tiles, layer, z, x, y, whole=True, data=b"x"):
    key = (layer, whole, z, x, y)
    assert tiles.end(tiles.begin(key, Place(layer, whole, z, x, y)), Entry(data))
    return key


def change(*touched):
    return [Committed(1, datetime(2026, 10, 12, tzinfo=UTC), None, None, touched)]


def mercator(lon, lat):
    y = math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) * 6378137.0
    return lon / 180 * HALF, y


def touches(box, z, x, y, more=0.0):
    """Whether the box reaches into the tile with its buffer and `more` metres, by plain shapes."""
    west, south, east, north = tile_bounds_3857(z, x, y)
    buffer = (east - west) * BUFFER / EXTENT + more
    tile = shapely.box(west - buffer, south - buffer, east + buffer, north + buffer)
    return shapely.box(*mercator(*box[:2]), *mercator(*box[2:])).intersects(tile)


boxes = st.tuples(
    st.floats(-179.9, 179.9), st.floats(-84.9, 84.9), st.floats(0, 3), st.floats(0, 3)
).map(lambda b: (b[0], b[1], min(b[0] + b[2] ** 4 / 81, 180.0), min(b[1] + b[3] ** 4 / 81, 85.0)))


@settings(max_examples=200, deadline=None)
@given(box=boxes, other=boxes, z=st.integers(8, 19), seed=st.integers(0, 10**6))
def test_a_change_drops_the_tiles_that_plain_geometry_finds_and_hardly_more(box, other, z, seed):
    tiles, chance = cache(), random.Random(seed)
    kept = {}
    for each in (box, other):
        reached = reach(each, z)
        assert reached is not None
        for _ in range(40):
            x = chance.randint(reached[0] - 2, reached[2] + 2) % (1 << z)
            y = min(max(chance.randint(reached[1] - 2, reached[3] + 2), 0), (1 << z) - 1)
            kept[x, y] = keep(tiles, "rooms", z, x, y)
    tiles.committed(change(Touched("room", 7, "U", box, other)))
    left = set(tiles.held())
    width = 2 * HALF / (1 << z)
    for (x, y), key in kept.items():
        if touches(box, z, x, y) or touches(other, z, x, y):
            assert key not in left
        elif not any(touches(b, z, x, y, width / EXTENT + 4.1) for b in (box, other)):
            assert key in left


def test_both_ways_of_finding_tiles_drop_the_same():
    box = (116.30, 39.90, 116.32, 39.92)
    west, north, east, south = reach(box, 15)
    few, many = cache(), cache()
    keep(few, "rooms", 15, west, north)
    keep(few, "rooms", 15, west - 1, north)
    for x in range(west - 3, east + 4):
        for y in range(north - 3, south + 4):
            keep(many, "rooms", 15, x, y)
    for tiles in (few, many):
        tiles.committed(change(Touched("room", 7, "D", box, None)))
    assert few.held() == [("rooms", True, 15, west - 1, north)]
    assert all(not (west <= k[3] <= east and north <= k[4] <= south) for k in many.held())
    assert len(many) == (east - west + 7) * (south - north + 7) - (east - west + 1) * (
        south - north + 1
    )


def test_a_row_without_a_place_touches_no_tile_of_its_own_layer():
    tiles = cache()
    keep(tiles, "rooms", 16, 1, 1)
    tiles.committed(change(Touched("room", 7, "U")))
    assert len(tiles) == 1


@pytest.mark.parametrize(
    ("touched", "dropped"),
    [
        (Touched("occupancy", 1, "I"), True),
        (Touched("occupancy", 1, "U", changed=frozenset({"room_id"})), True),
        (Touched("occupancy", 1, "U", changed=frozenset({"share"})), False),
        (Touched("occupancy", 1, "U", changed=None), True),
        (Touched("occupancy", None, "U"), True),
        (Touched("person", 1, "I"), False),
    ],
)
def test_a_change_of_another_row_drops_what_reads_it(touched, dropped):
    tiles = cache()
    whole = keep(tiles, "rooms", 16, 1, 1)
    scoped = keep(tiles, "rooms", 16, 1, 1, whole=False)
    tiles.committed(change(touched))
    assert tiles.held() == ([whole] if dropped else [whole, scoped])


def test_a_tile_begun_before_a_change_is_neither_joined_nor_kept():
    tiles, place = cache(), Place("rooms", True, 16, 1, 1)
    old = tiles.begin("a", place)
    assert tiles.flight("a") is old
    tiles.broken()
    assert old.stale
    assert tiles.flight("a") is None
    new = tiles.begin("a", place)
    assert not tiles.end(old, Entry(b"old"))
    assert tiles.flight("a") is new
    assert tiles.end(new, Entry(b"new"))
    assert tiles.get("a").data == b"new"


def test_a_change_marks_only_what_it_reaches():
    tiles = cache()
    box = (0.001, 0.001, 0.002, 0.002)
    x, y = reach(box, 16)[:2]
    near = tiles.begin("near", Place("rooms", True, 16, x, y))
    far = tiles.begin("far", Place("rooms", True, 16, x + 9, y))
    tiles.committed(change(Touched("room", 7, "I", None, box)))
    assert (near.stale, far.stale) == (True, False)


def test_the_tiles_used_longest_ago_make_room():
    tiles = cache(limit=3 * (OVERHEAD + 1))
    a, b, c = (keep(tiles, "rooms", 16, x, 1) for x in range(3))
    assert tiles.get(a) is not None
    d = keep(tiles, "rooms", 16, 3, 1)
    assert tiles.held() == [c, a, d]
    assert tiles.get(b) is None
    assert tiles.size == 3 * (OVERHEAD + 1)


def test_a_tile_larger_than_the_room_is_not_kept():
    tiles = cache(limit=OVERHEAD)
    assert not tiles.end(tiles.begin("a", Place("rooms", True, 16, 1, 1)), Entry(b"x"))
    assert (len(tiles), tiles.size, tiles._places) == (0, 0, {})


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_after_any_course_of_events_the_books_are_right(seed):
    chance, tiles = random.Random(seed), cache(limit=20 * (OVERHEAD + 50))
    flights = []
    for _ in range(200):
        z, x, y = chance.choice((10, 11)), chance.randint(500, 504), chance.randint(500, 504)
        match chance.randint(0, 5):
            case 0 | 1:
                key = (z, x, y, chance.randint(0, 1))
                flights.append(tiles.begin(key, Place("rooms", chance.random() < 0.5, z, x, y)))
            case 2 | 3 if flights:
                flight = flights.pop(chance.randrange(len(flights)))
                made = None if chance.random() < 0.2 else Entry(b"x" * chance.randint(0, 100))
                tiles.end(flight, made)
            case 4:
                lon, lat = chance.uniform(-5, 0), chance.uniform(0, 4)
                box = (lon, lat, lon + 0.1, lat + 0.1)
                tiles.committed(change(Touched("room", 1, "U", box, None)))
            case 5:
                if chance.random() < 0.1:
                    tiles.broken()
    weights = [len(entry.data) + OVERHEAD for entry, _ in tiles._entries.values()]
    assert tiles.size == sum(weights) <= tiles.limit
    indexed = {
        key
        for zooms in tiles._places.values()
        for places in zooms.values()
        for keys in places.values()
        for key in keys
    }
    assert indexed == {*tiles._entries, *tiles._flights}
