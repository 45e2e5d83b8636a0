"""Areas are cut and joined without moving a corner that was there."""

from __future__ import annotations

import pytest
import shapely
from shapely import LineString, MultiPolygon, Polygon, box

from geo.shapes import Unshaped, area_m2, merged, split

M = 1 / 111_320  # a metre in degrees of latitude, near enough
LON, LAT = 119.6, 38.9


def room(x: float, y: float, width: float, height: float) -> Polygon:
    """Return a rectangle in metres from a corner of the town, in degrees."""
    east = M / 0.778
    return box(LON + x * east, LAT + y * M, LON + (x + width) * east, LAT + (y + height) * M)


def test_a_line_from_edge_to_edge_cuts_an_area_into_two_that_fill_it() -> None:
    shape = room(0, 0, 6, 4)
    middle = LineString([(shape.bounds[0] + 2 * M, LAT), (shape.bounds[0] + 2 * M, LAT + 4 * M)])
    large, small = split(MultiPolygon([shape]), middle)
    assert area_m2(large) + area_m2(small) == pytest.approx(area_m2(shape), rel=1e-6)
    assert area_m2(large) > area_m2(small) > 5
    kept = {tuple(c) for c in shapely.get_coordinates([large, small])}
    assert {tuple(c) for c in shapely.get_coordinates(shape)} <= kept


def test_a_line_that_ends_inside_cuts_nothing() -> None:
    shape = room(0, 0, 6, 4)
    with pytest.raises(Unshaped, match="uncut"):
        split(shape, LineString([(LON, LAT + 2 * M), (LON + 2 * M, LAT + 2 * M)]))


def test_a_line_along_the_edge_leaves_no_sliver() -> None:
    shape = room(0, 0, 6, 4)
    west, south, _east, north = shape.bounds
    with pytest.raises(Unshaped):
        split(shape, LineString([(west + 0.01 * M, south), (west + 0.01 * M, north)]))


@pytest.mark.parametrize("wall", [0.0, 0.24])
def test_neighbours_become_one_area_with_the_wall_between_them(wall: float) -> None:
    left, right = room(0, 0, 4, 5), room(4 + wall, 0, 3, 5)
    one = merged([left, right])
    assert isinstance(one, Polygon)
    assert not one.interiors
    assert area_m2(one) == pytest.approx(area_m2(left) + area_m2(right) + wall * 5, rel=0.01)
    corner = (right.bounds[2], right.bounds[3])
    assert corner in {tuple(c) for c in shapely.get_coordinates(one)}


def test_a_corridor_and_a_room_of_it_are_joined_along_what_they_share() -> None:
    one = merged([room(0, 0, 20, 2), room(4, 2.2, 3, 4)])
    assert area_m2(one) == pytest.approx(40 + 12 + 0.6, rel=0.02)


def test_what_lies_apart_is_not_joined() -> None:
    with pytest.raises(Unshaped, match="apart"):
        merged([room(0, 0, 4, 5), room(6, 0, 4, 5)])
