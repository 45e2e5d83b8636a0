"""Reading, judging and undoing the coordinate systems of users' files."""

import csv
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon

from geo.crs import (
    CHINA_BOX,
    CrsRejected,
    Datum,
    Shift,
    SourceCrs,
    bd09_to_gcj02,
    bd09_to_wgs84,
    decide_crs,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    meridian_crs,
    to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
    zone_crs,
)

WEST, SOUTH, EAST, NORTH = CHINA_BOX
lons = st.floats(WEST, EAST)
lats = st.floats(SOUTH, NORTH)


@pytest.fixture
def cities(shared_data: Path) -> dict[str, np.ndarray]:
    rows = json.loads((shared_data / "gcj/gcoord_china_cities.json").read_text())
    return {
        name: np.array([row["coords"][name] for row in rows]) for name in ("WGS84", "GCJ02", "BD09")
    }


def test_the_443_cities_of_gcoord_are_met_forward_and_back(cities):
    assert len(cities["WGS84"]) == 443
    wgs, gcj, bd = (cities[name].T for name in ("WGS84", "GCJ02", "BD09"))
    # The fixture's GCJ-02 stands 0.6 m (at most 0.8) off the public formula, in one direction;
    # the published pairs of the next test agree to 1e-9 degrees. BD-09 agrees to its decimals.
    np.testing.assert_allclose(wgs84_to_gcj02(*wgs), gcj, rtol=0, atol=8e-6)
    np.testing.assert_allclose(gcj02_to_wgs84(*gcj), wgs, rtol=0, atol=8e-6)
    np.testing.assert_allclose(wgs84_to_bd09(*wgs), bd, rtol=0, atol=8e-6)
    np.testing.assert_allclose(bd09_to_wgs84(*bd), wgs, rtol=0, atol=8e-6)
    np.testing.assert_allclose(gcj02_to_bd09(*gcj), bd, rtol=0, atol=1.01e-7)
    np.testing.assert_allclose(bd09_to_gcj02(*bd), gcj, rtol=0, atol=1.01e-7)


def test_the_published_pairs_are_met(shared_data):
    forward = {
        ("wgs84", "gcj02"): (wgs84_to_gcj02, 1e-9),
        ("gcj02", "bd09"): (gcj02_to_bd09, 1e-9),
        ("wgs84", "bd09"): (wgs84_to_bd09, 1e-9),
        # The published inverses are approximations; these are exact.
        ("gcj02", "wgs84"): (gcj02_to_wgs84, 5e-5),
        ("bd09", "gcj02"): (bd09_to_gcj02, 5e-5),
        ("bd09", "wgs84"): (bd09_to_wgs84, 5e-5),
    }
    with (shared_data / "gcj/pairs.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert len(rows) >= 6
    for row in rows:
        function, tolerance = forward[row["from"], row["to"]]
        lon, lat = function(float(row["lon_in"]), float(row["lat_in"]))
        assert float(lon) == pytest.approx(float(row["lon_out"]), abs=tolerance)
        assert float(lat) == pytest.approx(float(row["lat_out"]), abs=tolerance)


@given(lon=lons, lat=lats)
def test_undoing_gcj02_returns_every_point_of_the_box(lon, lat):
    back = gcj02_to_wgs84(*wgs84_to_gcj02(lon, lat))
    assert abs(float(back[0]) - lon) < 1e-9
    assert abs(float(back[1]) - lat) < 1e-9


@given(lon=lons, lat=lats)
def test_undoing_bd09_returns_every_point_of_the_box(lon, lat):
    back = bd09_to_gcj02(*gcj02_to_bd09(lon, lat))
    assert abs(float(back[0]) - lon) < 1e-9
    assert abs(float(back[1]) - lat) < 1e-9


@given(lon=st.floats(-180, WEST - 0.2), lat=st.floats(-90, 90))
def test_outside_china_no_shift_moves_a_point(lon, lat):
    for function in (wgs84_to_gcj02, gcj02_to_wgs84, gcj02_to_bd09, bd09_to_gcj02):
        assert tuple(map(float, function(lon, lat))) == (lon, lat)


def test_a_missing_coordinate_stays_missing():
    lon, lat = gcj02_to_wgs84([np.nan, 116.4], [39.9, np.nan])
    assert np.isnan(lon[0])
    assert np.isnan(lat[1])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("EPSG:4528", "EPSG:4528"),
        ("epsg 4528", "EPSG:4528"),
        ("4528", "EPSG:4528"),
        ("urn:ogc:def:crs:EPSG::4528", "EPSG:4528"),
        ("CGCS2000 / 3-degree Gauss-Kruger zone 39", "EPSG:4527"),
        ("CGCS2000_3_Degree_GK_Zone_39", "EPSG:4527"),
        ("CGCS2000 / 3-degree Gauss-Kruger CM 117E", "EPSG:4548"),
        ("CGCS2000_3_Degree_GK_CM_117E", "EPSG:4548"),
        ("CGCS2000 / Gauss-Kruger zone 20", "EPSG:4498"),
        ("国家2000 3度带 39带", "EPSG:4527"),
        ("国家2000 三度带 中央经线117", "EPSG:4548"),
        ("CGCS2000 3度带 117", "EPSG:4548"),
        ("CGCS2000 6度带 20带", "EPSG:4498"),
        ("西安80 3度带 39带", "EPSG:2363"),
        ("Xian 1980 / 3-degree Gauss-Kruger CM 123E", "EPSG:2386"),
        ("北京54 6度带 20带", "EPSG:21420"),
        ("CGCS2000", "EPSG:4490"),
        ("WGS84", "EPSG:4326"),
        ("WGS 84", "EPSG:4326"),
        ("GCJ-02", "GCJ-02"),
        ("gcj02", "GCJ-02"),
        ("火星坐标", "GCJ-02"),
        ("BD-09", "BD-09"),
        ("百度坐标", "BD-09"),
    ],
)
def test_what_people_write_is_understood(text, name):
    assert SourceCrs.parse(text).name == name


def test_the_zone_tables_are_those_of_the_epsg_registry():
    for datum in ("CGCS2000", "Xian 1980", "Beijing 1954"):
        for zone in (*range(13, 24), *range(25, 46)):
            crs = zone_crs(zone, Datum(datum)).crs
            assert crs.name.startswith(f"{datum} /")
            assert crs.name.endswith(f"zone {zone}")
        for meridian in range(75, 136, 3):
            assert f"CM {meridian}E" in meridian_crs(meridian, Datum(datum)).crs.name
        for meridian in range(75, 136, 6):
            name = meridian_crs(meridian, Datum(datum), width=6).crs.name
            assert f"CM {meridian}E" in name
            assert "3-degree" not in name


@pytest.mark.parametrize("text", ["nonsense", "EPSG:999999", "CGCS2000 zone 99", "", "BD09MC"])
def test_an_unknown_crs_is_refused_with_examples(text):
    with pytest.raises(CrsRejected) as refusal:
        SourceCrs.parse(text)
    assert refusal.value.message.code == "unknown_crs"
    assert "EPSG:4528" in refusal.value.message.text("zh")


def test_an_esri_prj_is_named_by_its_epsg_code(shared_data):
    folder = shared_data / "buildings/derived_cgcs2000_gbk"
    wkt = next(folder.glob("*.prj")).read_text()
    assert SourceCrs.parse(wkt).name == "EPSG:4527"


def bounds_of(path: Path):
    return tuple(pyogrio.read_info(path, force_total_bounds=True)["total_bounds"])


def refused(*args, **kwargs):
    with pytest.raises(CrsRejected) as refusal:
        decide_crs(*args, **kwargs)
    return refusal.value.message


def test_a_prj_in_metres_over_coordinates_of_2_to_105_is_refused(shared_data):
    for name in ("townshp", "wayshp"):
        path = shared_data / f"buildings/xian80_gbk_trap/{name}.shp"
        wkt = path.with_suffix(".prj").read_text()
        message = refused(None, wkt, bounds_of(path))
        assert message.code == "outside_crs"
        assert "EPSG:2386" in message.zh
        assert message.remedy_zh
        assert message.remedy_en


def test_local_cad_metres_are_refused_naming_crs_and_georeferencing(shared_data):
    path = shared_data / "buildings/tongji/同济新村房屋.shp"
    message = refused(None, None, bounds_of(path))
    assert message.code == "local_metres"
    assert "--crs" in message.remedy_zh
    assert "Georeference" in message.remedy_en


def test_the_gbk_shapefile_lands_within_a_metre_of_its_original(shared_data):
    path = next((shared_data / "buildings/derived_cgcs2000_gbk").glob("*.shp"))
    frame = gpd.read_file(path)
    decision = decide_crs(None, path.with_suffix(".prj").read_text(), tuple(frame.total_bounds))
    assert (decision.how, decision.crs.name, decision.confirm) == ("file", "EPSG:4527", False)
    placed = to_wgs84(frame, decision)
    original = gpd.read_file(shared_data / "buildings/gugong.geojson")
    assert placed.crs.to_epsg() == 4326
    there = placed.geometry.to_crs(32650).centroid  # UTM, metres
    assert float(there.distance(original.geometry.to_crs(32650).centroid).max()) < 1.0


def test_an_eight_digit_easting_names_its_zone_and_asks_for_confirmation():
    decision = decide_crs(None, None, (39447501.5, 4419893.8, 39448317.9, 4420974.7))
    assert (decision.how, decision.crs.name, decision.confirm) == ("guessed", "EPSG:4527", True)
    six = decide_crs(None, None, (20447501.5, 4419893.8, 20448317.9, 4420974.7))
    assert six.crs.name == "EPSG:4498"


def test_a_six_digit_easting_has_no_zone_and_is_asked_for():
    bounds = (447501.5, 4419893.8, 448317.9, 4420974.7)
    assert refused(None, None, bounds).code == "zone_unknown"
    decision = decide_crs(None, None, bounds, expected_area=(116.38, 39.91, 116.40, 39.93))
    assert (decision.crs.name, decision.confirm) == ("EPSG:4548", True)


def test_a_zone_prefix_that_the_crs_does_not_have_names_the_right_one():
    prefixed = (39447501.5, 4419893.8, 39448317.9, 4420974.7)
    message = refused("EPSG:4548", None, prefixed)
    assert message.code == "zone_mismatch"
    assert "EPSG:4527" in message.remedy_en
    assert refused("EPSG:4527", None, (447501.5, 4419893.8, 448317.9, 4420974.7)).code == (
        "zone_mismatch"
    )


def test_13_million_metres_could_be_two_systems_and_is_asked_for():
    shanghai = (13522000.0, 3661000.0, 13524000.0, 3663000.0)  # Web Mercator of Shanghai
    assert refused(None, None, shanghai).code == "ambiguous"
    decision = decide_crs(None, None, shanghai, expected_area=(121.4, 31.1, 121.6, 31.4))
    assert decision.crs.name == "EPSG:3857"


def test_degrees_declared_but_metres_found_is_refused():
    message = refused("WGS84", None, (39447501.5, 4419893.8, 39448317.9, 4420974.7))
    assert message.code == "metres_not_degrees"
    assert "EPSG:4527" in message.remedy_zh


def test_metres_declared_but_degrees_found_is_refused():
    message = refused("EPSG:4527", None, (116.3, 39.9, 116.4, 40.0))
    assert message.code == "degrees_not_metres"


def test_latitude_before_longitude_is_refused():
    assert refused("WGS84", None, (39.9, 116.3, 40.0, 116.4)).code == "swapped_axes"
    assert refused(None, None, (39.9, 116.3, 40.0, 116.4)).code == "swapped_axes"
    helsinki = (24.9, 60.1, 25.0, 60.2)
    assert refused("WGS84", None, (60.1, 24.9, 60.2, 25.0), expected_area=helsinki).code == (
        "swapped_axes"
    )


def test_a_declaration_beats_the_file_and_says_so():
    decision = decide_crs("GCJ-02", "EPSG:4326", (116.3, 39.9, 116.4, 40.0))
    assert (decision.how, decision.crs.shift) == ("declared", Shift.GCJ02)
    assert decision.reason.code == "declared_over_file"
    assert not decision.confirm


def test_bare_degrees_are_taken_for_wgs84_and_confirmed():
    decision = decide_crs(None, None, (116.3, 39.9, 116.4, 40.0))
    assert (decision.how, decision.crs.name, decision.confirm) == ("guessed", "EPSG:4326", True)
    assert "GCJ-02" in decision.reason.text("zh")


def test_a_place_far_from_the_estate_is_confirmed():
    decision = decide_crs("WGS84", None, (12.0, 45.0, 12.1, 45.1), expected_area=(116, 39, 117, 40))
    assert decision.confirm
    assert decision.reason.code == "outside_expected"


def test_a_file_without_coordinates_is_refused_unless_it_states_a_crs():
    nan = float("nan")
    assert refused(None, None, (nan, nan, nan, nan)).code == "no_coordinates"
    assert refused(None, None, None).code == "no_coordinates"
    assert decide_crs(None, "EPSG:4527", None).crs.name == "EPSG:4527"


def test_a_datum_without_published_shift_is_not_used_silently():
    decision = decide_crs("EPSG:2363", None, (39447501.5, 4419893.8, 39448317.9, 4420974.7))
    assert decision.confirm
    assert decision.reason.code == "datum_shift_unknown"
    frame = gpd.GeoDataFrame(geometry=[Point(39447501.5, 4419893.8)])
    with pytest.raises(CrsRejected):
        to_wgs84(frame, decision)
    placed = to_wgs84(frame, decision, accept_ballpark=True).geometry.iloc[0]
    assert placed.x == pytest.approx(116.386, abs=0.002)


def test_finnish_metres_land_in_helsinki(shared_data):
    frame = gpd.read_file(shared_data / "buildings/Kamppi_buildings.gpkg")
    decision = decide_crs(None, frame.crs, tuple(frame.total_bounds))
    assert decision.crs.name == "EPSG:3067"
    placed = to_wgs84(frame, decision)
    expected = frame.to_crs(4326)
    np.testing.assert_allclose(placed.total_bounds, expected.total_bounds, atol=1e-9)


def test_every_geometry_type_is_unshifted_and_nulls_pass():
    square = Polygon([(116.3, 39.9), (116.4, 39.9), (116.4, 40.0), (116.3, 40.0)])
    shapes = [
        Point(116.3, 39.9),
        LineString([(116.3, 39.9), (116.4, 40.0)]),
        square,
        MultiPolygon([square]),
        GeometryCollection([Point(116.3, 39.9), square]),
        None,
        Point(),
        Point(116.3, 39.9, 50.0),
    ]
    frame = gpd.GeoDataFrame({"n": range(8)}, geometry=shapes, index=range(10, 18))
    placed = to_wgs84(frame, decide_crs("BD-09", None, tuple(frame.total_bounds)))
    lon, lat = bd09_to_wgs84(116.3, 39.9)
    for shape in placed.geometry.iloc[[0, 1, 2, 3, 4, 7]]:
        first = shapely.get_coordinates(shape)[0]
        np.testing.assert_allclose(first, [float(lon), float(lat)], atol=1e-12)
    assert placed.geometry.iloc[5] is None
    assert placed.geometry.iloc[6].is_empty
    assert not placed.geometry.iloc[7].has_z
    assert list(placed.index) == list(range(10, 18))
    assert frame.geometry.iloc[0].x == 116.3


def test_gcj02_districts_of_beijing_land_on_the_wgs84_ones(shared_data):
    shifted = gpd.read_file(shared_data / "admin/beijing_districts_datav_GCJ02.geojson")
    truth = gpd.read_file(shared_data / "admin/beijing_districts_WGS84.geojson")
    placed = to_wgs84(shifted, decide_crs("GCJ-02", shifted.crs, tuple(shifted.total_bounds)))
    before = np.array(shifted.total_bounds) - truth.total_bounds
    after = np.array(placed.total_bounds) - truth.total_bounds
    assert np.abs(after).mean() < np.abs(before).mean() / 3
