"""What happens to each kind of good and bad geometry."""

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from shapely.geometry import (
    GeometryCollection,
    LineString,
    MultiLineString,
    MultiPoint,
    MultiPolygon,
    Point,
    Polygon,
)

from geo.messages import GEOMETRY_MESSAGES
from geo.validity import check_geometry

SQUARE = Polygon([(116, 39), (116.001, 39), (116.001, 39.001), (116, 39.001)])
FAR = shapely.transform(SQUARE, lambda xy: xy + 1)
BOW_TIE = Polygon([(116, 39), (116.001, 39.001), (116.001, 39), (116, 39.001)])


def one(shape, target="Geometry"):
    checked = check_geometry([shape], target)
    reason = str(checked.reason[0])
    assert reason in {"", *GEOMETRY_MESSAGES}
    return checked.geometry[0], str(checked.status[0]), reason


@pytest.mark.parametrize(
    ("shape", "target", "reason"),
    [
        (None, "Polygon", "null_geometry"),
        (Polygon(), "Polygon", "empty_geometry"),
        (Point(np.nan, 39), "Point", "not_finite"),
        (Point(np.inf, 39), "Point", "not_finite"),
        (LineString([(0, 0), (np.inf, 1)]), "LineString", "not_finite"),
        (Point(180.5, 0), "Point", "outside_world"),
        (Point(447501.5, 4419893.8), "Point", "outside_world"),
        (Point(116, 39), "MultiPolygon", "wrong_type"),
        (SQUARE, "Point", "wrong_type"),
        (LineString([(0, 0), (0, 0)]), "LineString", "degenerate"),
        (Polygon([(0, 0), (1, 1), (0, 0)]), "Polygon", "degenerate"),
        (MultiPolygon([SQUARE, FAR]), "Polygon", "multiple_parts"),
        (MultiPoint([(0, 0), (1, 1)]), "Point", "multiple_parts"),
        (GeometryCollection([Point(0, 0)]), "Polygon", "wrong_type"),
    ],
)
def test_what_cannot_be_loaded_is_rejected_with_its_reason(shape, target, reason):
    assert one(shape, target) == (None, "rejected", reason)


@pytest.mark.parametrize(
    ("shape", "target", "wanted"),
    [
        (SQUARE, "Polygon", SQUARE),
        (SQUARE, "MultiPolygon", MultiPolygon([SQUARE])),
        (MultiPolygon([SQUARE]), "Polygon", SQUARE),
        (MultiPolygon([SQUARE, FAR]), "MultiPolygon", MultiPolygon([SQUARE, FAR])),
        (Point(1, 2), "MultiPoint", MultiPoint([(1, 2)])),
        (LineString([(0, 0), (1, 1)]), "MultiLineString", MultiLineString([[(0, 0), (1, 1)]])),
        (GeometryCollection([SQUARE]), "Polygon", SQUARE),
        (Point(1, 2), "Geometry", Point(1, 2)),
    ],
)
def test_what_loses_nothing_is_converted(shape, target, wanted):
    geometry, status, reason = one(shape, target)
    assert (status, reason) == ("ok", "")
    assert geometry.geom_type == wanted.geom_type
    assert geometry.equals(wanted)


def test_a_bow_tie_becomes_its_two_triangles():
    checked = check_geometry([BOW_TIE], "MultiPolygon")
    assert checked.status[0] == "repaired"
    assert checked.reason[0] == "made_valid"
    assert checked.geometry[0].is_valid
    # Two triangles of half the base and half the height: half the square. At 39° N the square
    # of 0.001° is 111.3 m × 86.5 m.
    assert checked.geometry[0].area == pytest.approx(SQUARE.area / 2)
    assert checked.area_change_m2[0] == pytest.approx(111.32 * 111.32 * 0.7771 / 2, rel=0.01)


def test_a_bow_tie_does_not_fit_one_polygon():
    assert one(BOW_TIE, "Polygon")[1:] == ("rejected", "multiple_parts")


def test_a_spike_is_cut_off_and_the_area_stays():
    spiked = Polygon([(0, 0), (1, 0), (1, 1), (2, 2), (1, 1), (0, 1)])
    checked = check_geometry([spiked], "Polygon")
    assert checked.reason[0] == "made_valid"
    assert checked.geometry[0].equals(Polygon([(0, 0), (1, 0), (1, 1), (0, 1)]))
    assert abs(checked.area_change_m2[0]) < 1


def test_only_the_polygons_of_a_mixed_collection_are_kept_and_it_is_said():
    mixed = GeometryCollection([SQUARE, LineString([(0, 0), (1, 1)])])
    geometry, status, reason = one(mixed, "MultiPolygon")
    assert (status, reason) == ("repaired", "kept_matching_part")
    assert geometry.equals(MultiPolygon([SQUARE]))


def test_heights_are_dropped_with_a_remark():
    geometry, status, reason = one(Point(1, 2, 3), "Point")
    assert (status, reason) == ("ok", "dropped_zm")
    assert not geometry.has_z


def test_a_point_near_the_pole_is_kept_and_flagged_as_untileable():
    geometry, status, reason = one(Point(0, 88), "Point")
    assert (status, reason) == ("ok", "untileable")
    assert geometry == Point(0, 88)


def test_the_palace_has_four_invalid_buildings(shared_data):
    frame = gpd.read_file(shared_data / "buildings/gugong.geojson")
    checked = check_geometry(frame.geometry.array, "MultiPolygon")
    assert (checked.status == "repaired").sum() == 3
    assert (checked.status == "ok").sum() == 1223
    # The fourth is a ring of four points on one line near 116.39293, 39.91977.
    assert (checked.reason == "degenerate").sum() == 1
    assert shapely.is_valid(checked.geometry[checked.usable]).all()


def test_the_estate_of_tongji_has_one_record_without_geometry(shared_data):
    frame = pyogrio.read_dataframe(shared_data / "buildings/tongji/同济新村房屋.shp")
    shapes = shapely.transform(np.asarray(frame.geometry.array), lambda xy: xy / 1e5)
    checked = check_geometry(shapes, "MultiPolygon")
    assert (checked.reason == "null_geometry").sum() == 1
    assert (checked.reason == "made_valid").sum() == 3


def test_one_point_among_the_kamppi_buildings_is_of_the_wrong_type(shared_data):
    frame = gpd.read_file(shared_data / "buildings/Kamppi_buildings.gpkg").to_crs(4326)
    checked = check_geometry(frame.geometry.array, "MultiPolygon")
    assert (checked.reason == "wrong_type").sum() == 1
    assert checked.usable.sum() == 454


def test_an_empty_file_is_an_empty_answer():
    assert len(check_geometry([], "Polygon").geometry) == 0


def test_two_hundred_thousand_sound_buildings_pass_as_they_are():
    xy = np.random.default_rng(1).uniform([116, 39], [117, 40], (200_000, 2))
    boxes = shapely.box(xy[:, 0], xy[:, 1], xy[:, 0] + 1e-4, xy[:, 1] + 1e-4)
    checked = check_geometry(boxes, "MultiPolygon")
    assert (checked.status == "ok").all()
