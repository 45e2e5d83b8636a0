"""The tile grid, against morecantile."""

import morecantile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.tiling import (
    Tile,
    count_touching,
    is_tile,
    parent,
    resolution_m,
    tile_at,
    tile_bounds_3857,
    tiles_touching,
)

GRID = morecantile.tms.get("WebMercatorQuad")


@st.composite
def tiles(draw, max_zoom=22):
    z = draw(st.integers(0, max_zoom))
    last = (1 << z) - 1
    return Tile(z, draw(st.integers(0, last)), draw(st.integers(0, last)))


@given(tiles())
def test_bounds_are_those_of_the_library(tile):
    ours = tile_bounds_3857(*tile)
    theirs = GRID.xy_bounds(morecantile.Tile(tile.x, tile.y, tile.z))
    assert ours == pytest.approx(tuple(theirs), abs=1e-6)


@given(st.floats(-180, 179.999), st.floats(-85, 85), st.integers(0, 20))
def test_a_point_lies_in_the_tile_that_is_named_for_it(lon, lat, z):
    x, y = (int(value) for value in tile_at(lon, lat, z))
    west, south, east, north = GRID.bounds(morecantile.Tile(x, y, z))
    assert west - 1e-9 <= lon <= east + 1e-9
    assert south - 1e-9 <= lat <= north + 1e-9


@given(
    st.floats(-179, 178), st.floats(-84, 83), st.floats(0, 0.5), st.floats(0, 0.5),
    st.integers(0, 12),
)  # fmt: skip
def test_an_extent_touches_all_tiles_of_the_library_and_none_further(lon, lat, dx, dy, z):
    bounds = (lon, lat, lon + dx, lat + dy)
    ours = set(tiles_touching(bounds, z))
    theirs = {Tile(t.z, t.x, t.y) for t in GRID.tiles(*bounds, zooms=[z])}
    assert theirs <= ours
    assert len(ours) == count_touching(bounds, z)
    for tile in ours:
        west, south, east, north = GRID.bounds(morecantile.Tile(tile.x, tile.y, tile.z))
        assert west <= bounds[2] + 1e-8
        assert east >= bounds[0] - 1e-8
        assert south <= bounds[3] + 1e-8
        assert north >= bounds[1] - 1e-8


def test_an_edge_on_a_boundary_touches_both_sides():
    assert set(tiles_touching((0, 10, 0, 10), 1)) == {Tile(1, 0, 0), Tile(1, 1, 0)}


def test_an_extent_over_the_antimeridian_touches_both_ends_of_the_world():
    assert set(tiles_touching((179, 10, -179, 11), 2)) == {Tile(2, 3, 1), Tile(2, 0, 1)}
    assert count_touching((179, 10, -179, 11), 2) == 2


@given(tiles())
def test_a_parent_is_that_of_the_library(tile):
    above = GRID.parent(morecantile.Tile(tile.x, tile.y, tile.z)) if tile.z else []
    assert parent(tile) == next((Tile(each.z, each.x, each.y) for each in above), None)


def test_the_world_has_no_parent_and_a_wrong_address_is_refused():
    assert parent(Tile(0, 0, 0)) is None
    for address in ((0, 1, 0), (3, 8, 0), (3, 0, -1), (-1, 0, 0), (31, 0, 0)):
        assert not is_tile(*address)
        with pytest.raises(ValueError):
            tile_bounds_3857(*address)


def test_resolution_halves_with_each_zoom():
    assert resolution_m(0) == pytest.approx(156543.03392804097)  # OGC 17-083r4, annex D
    assert resolution_m(10, 512) == pytest.approx(156543.03392804097 / 1024 / 2)


def test_neighbours_share_the_edge_between_them_to_the_last_bit() -> None:
    for z, x, y in ((1, 0, 0), (14, 13_634, 6_254), (16, 32_767, 32_767), (19, 436_303, 200_151)):
        west, south, east, north = tile_bounds_3857(z, x, y)
        assert tile_bounds_3857(z, x + 1, y)[0] == east
        assert tile_bounds_3857(z, x, y + 1)[3] == south
        assert west < east
        assert south < north
