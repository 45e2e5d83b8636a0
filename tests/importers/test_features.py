"""Real files of buildings and streets; expected values were read from the files by other means."""

from __future__ import annotations

import json
import sqlite3
import struct
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa


def test_tsinghua_loads_whole_with_values_read_from_its_json(run, rows, shared_data):
    path = shared_data / "buildings" / "tsinghua" / "buildings.geojson"
    report = run("buildings", path)
    assert (report.read, report.loaded, report.quarantined) == (626, 626, 0)
    raw = json.loads(path.read_text(encoding="utf-8"))["features"]
    # Features 0, 10 and 400 of the file.
    science = rows("building", source_key="relation/10327870")[0]
    assert science["name"] == "李兆基科技大楼"
    assert science["names"]["en"] == "Lee Shau Kee Science and Technology Building"
    assert science["attributes"]["operator"] == "清华大学"
    dormitory = rows("building", source_key="way/79696959")[0]
    assert dormitory["name"] == "紫荆学生公寓13号楼"
    assert (dormitory["levels_above"], dormitory["use"]) == (7, "residential")
    office = rows("building", source_key="way/1059165157")[0]
    assert (office["name"], office["use"]) == (None, "office")
    for feature, row in ((raw[10], dormitory), (raw[400], office)):
        assert shapely.from_wkt(row["wkt"]).equals_exact(
            shapely.MultiPolygon([shapely.geometry.shape(feature["geometry"])]), 1e-12
        )


def test_a_second_import_of_the_same_file_touches_nothing(run, rows, shared_data, database):
    path = shared_data / "buildings" / "tsinghua" / "buildings.geojson"
    run("buildings", path)
    with database.engine.connect() as connection:
        changes = connection.scalar(sa.text("SELECT count(*) FROM change"))
    report = run("buildings", path)
    assert (report.loaded, report.updated, report.unchanged) == (0, 0, 626)
    assert {row["revision"] for row in rows("building")} == {1}
    with database.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM change")) == changes
    assert rows("building_history") == []


def test_a_gbk_shapefile_in_gauss_kruger_lands_within_a_metre(run, rows, shared_data):
    folder = shared_data / "buildings"
    path = folder / "derived_cgcs2000_gbk" / "故宫_CGCS2000_3度带39.shp"
    report = run("buildings", path)
    assert (report.read, report.loaded, report.quarantined) == (1227, 1226, 1)
    assert (report.crs, report.crs_decided) == ("EPSG:4527", "file")
    features = json.loads((folder / "gugong.geojson").read_text(encoding="utf-8"))["features"]
    truth = {f["properties"]["osm_id"]: f for f in features}
    loaded = {row["source_key"]: row for row in rows("building")}
    for key, row in loaded.items():
        assert row["name"] == truth[key]["properties"]["name"]
        here = shapely.from_wkt(row["wkt"]).centroid
        there = shapely.make_valid(shapely.geometry.shape(truth[key]["geometry"])).centroid
        metres = 111_320 * here.distance(there)
        assert metres < 1.0, key


def test_three_records_of_the_dbf_read_byte_by_byte(run, rows, shared_data):
    path = shared_data / "buildings" / "derived_cgcs2000_gbk" / "故宫_CGCS2000_3度带39.dbf"
    data = path.read_bytes()
    count, header, width = struct.unpack("<IHH", data[4:12])
    assert count == 1227
    fields = []
    for start in range(32, header - 1, 32):
        if data[start] == 0x0D:
            break
        fields.append((data[start : start + 11].split(b"\0")[0].decode(), data[start + 16]))
    run("buildings", path)
    named = 0
    for index in range(count):
        at, record = header + index * width + 1, {}
        for name, size in fields:
            record[name] = data[at : at + size].rstrip(b" \0").decode("gbk")
            at += size
        if not record["name"]:
            continue
        assert rows("building", source_key=record["osm_id"])[0]["name"] == record["name"]
        named += 1
        if named == 3:
            break
    assert named == 3


def test_helsinki_pbf_gives_its_buildings_and_no_points(run, rows, shared_data):
    path = shared_data / "buildings" / "Helsinki.osm.pbf"
    report = run("buildings", path)
    assert report.read == report.loaded + report.quarantined == 494
    assert {i.reason for i in report.issues if i.action == "quarantined"} <= {
        "null_geometry", "degenerate", "wrong_type", "empty_geometry",
    }  # fmt: skip
    # Three ways decoded from the file's own blocks with a few lines of struct and zlib.
    flats = rows("building", source_key="way/396371904")[0]
    assert (flats["levels_above"], flats["height_m"], flats["use"]) == (6, 18.0, "residential")
    assert (flats["built_year"], flats["attributes"]["addr:housenumber"]) == (2014, "5")
    street = rows("building", source_key="way/4253124")[0]
    assert street["attributes"]["addr:street"] == "Unioninkatu"
    assert shapely.get_num_coordinates(shapely.from_wkt(street["wkt"])) == 8
    roof = rows("building", source_key="way/30368518")[0]
    assert roof["attributes"]["layer"] == "1"
    assert roof["attributes"]["building"] == "roof"
    assert any(issue.reason == "points_ignored" for issue in report.issues)
    assert run("buildings", path).unchanged == report.loaded


def test_helsinki_pbf_agrees_with_the_geopackage_of_another_program(run, rows, shared_data):
    folder = shared_data / "buildings"
    run("buildings", folder / "Helsinki.osm.pbf")
    with sqlite3.connect(f"file:{folder / 'Kamppi_buildings.gpkg'}?mode=ro", uri=True) as other:
        table = other.execute("SELECT table_name FROM gpkg_contents").fetchone()[0]
        known = other.execute(f'SELECT osmid, name FROM "{table}"').fetchall()
    names = {row["source_key"].split("/")[1]: row["name"] for row in rows("building")}
    both = [(names[str(key)], name) for key, name in known if str(key) in names]
    assert len(both) > 100
    # The extracts are years apart: a few names have changed since.
    assert sum(ours == theirs for ours, theirs in both) / len(both) > 0.95


def test_streets_load_and_their_points_wait_in_quarantine(run, rows, shared_data):
    report = run("roads", shared_data / "buildings" / "tsinghua" / "roads.geojson")
    # Counted in the JSON: 903 lines, 18 points, 10 polygons.
    assert (report.read, report.loaded, report.quarantined) == (931, 903, 28)
    footway = rows("road", source_key="way/83688124")[0]
    assert (footway["road_class"], footway["attributes"]["access"]) == ("path", "permissive")
    bridge = rows("road", source_key="way/1061667502")[0]
    assert (bridge["road_class"], bridge["attributes"]["bridge"]) == ("service", "yes")
    first = shapely.get_coordinates(shapely.from_wkt(bridge["wkt"]))[0]
    assert tuple(first) == pytest.approx((116.3190862, 40.006562))
    assert rows("road", source_key="way/1378015878")[0]["road_class"] == "path"
    assert len(rows("quarantine")) == 28


def _square(lon: float, lat: float, size: float, **properties: object) -> dict[str, object]:
    ring = [[lon, lat], [lon + size, lat], [lon + size, lat + size], [lon, lat + size], [lon, lat]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": properties, "geometry": shape}


def _write(path: Path, *features: dict[str, object]) -> Path:
    collection = {"type": "FeatureCollection", "features": list(features)}
    path.write_text(json.dumps(collection), encoding="utf-8")
    return path


def test_a_building_finds_its_site_by_where_it_stands(run, rows, tmp_path):
    sites = _write(tmp_path / "sites.geojson", _square(119, 38, 0.01, name="一号院"))
    inside = _square(119.002, 38.002, 0.001, code="B01")
    outside = _square(120, 38, 0.001, code="B02")
    houses = _write(tmp_path / "houses.geojson", inside, outside)
    run("sites", sites)
    run("buildings", houses)
    by_code = {row["code"]: row["site_id"] for row in rows("building")}
    assert by_code == {"B01": rows("site")[0]["id"], "B02": None}


def test_a_site_that_comes_later_takes_in_its_buildings(run, rows, tmp_path):
    run(
        "buildings", _write(tmp_path / "houses.geojson", _square(119.002, 38.002, 0.001, code="B1"))
    )
    run("sites", _write(tmp_path / "sites.geojson", _square(119, 38, 0.01, name="一号院")))
    assert rows("building")[0]["site_id"] == rows("site")[0]["id"]


def test_a_changed_value_gains_a_revision_and_leaves_its_past(run, rows, tmp_path):
    path = tmp_path / "houses.geojson"
    run("buildings", _write(path, _square(119, 38, 0.001, code="B1", name="旧楼")))
    report = run("buildings", _write(path, _square(119, 38, 0.001, code="B1", name="新楼")))
    assert (report.loaded, report.updated, report.unchanged) == (0, 1, 0)
    row = rows("building")[0]
    assert (row["name"], row["revision"]) == ("新楼", 2)
    assert rows("building_history")[0]["name"] == "旧楼"


def test_rows_missing_from_a_newer_file_are_listed_and_kept(run, rows, tmp_path):
    path, one = tmp_path / "houses.geojson", _square(119, 38, 0.001, code="B1")
    run("buildings", _write(path, one, _square(119.1, 38, 0.001, code="B2")))
    report = run("buildings", _write(path, one))
    assert report.absent == {"building": ["B2"]}
    assert len(rows("building")) == 2


def test_a_dry_run_tells_the_outcome_and_writes_nothing(run, rows, tmp_path):
    path = _write(tmp_path / "houses.geojson", _square(119, 38, 0.001, code="B1"))
    report = run("buildings", path, dry_run=True)
    assert (report.loaded, report.batch_id) == (1, None)
    assert rows("building") == rows("import_batch") == []


def test_an_import_is_found_by_the_search_box(run, rows, tmp_path):
    run(
        "buildings",
        _write(tmp_path / "houses.geojson", _square(119, 38, 0.001, code="B1", name="档案馆")),
    )
    assert {row["text"] for row in rows("search_entry")} == {"b1", "档案馆"}


def test_columns_can_be_given_against_the_guess(run, rows, tmp_path):
    path = _write(tmp_path / "h.geojson", _square(119, 38, 0.001, code="B1", alias="小楼"))
    run("buildings", path, mapping={"name": "alias"})
    assert rows("building")[0]["name"] == "小楼"


def test_chinese_dbf_headings_cut_after_ten_bytes_are_understood():
    from importers.columns import guess
    from layers.estate import Building

    columns = guess(["楼号", "建筑面积", "地上层数", "建筑物颜色"], Building)
    assert columns.fields == {
        "code": "楼号",
        "built_area_m2": "建筑面积",
        "levels_above": "地上层数",
    }
    assert columns.rest == ["建筑物颜色"]
    assert guess(["levels_abo"], Building).fields == {"levels_above": "levels_abo"}


def test_one_wild_coordinate_is_set_aside_and_the_others_load(run, rows, tmp_path):
    good = [shapely.box(500_000 + n, 4_300_000, 500_010 + n, 4_300_010) for n in range(0, 200, 20)]
    wild = shapely.box(5e8, 4_300_000, 5e8 + 10, 4_300_010)
    frame = gpd.GeoDataFrame({"name": list("abcdefghijk")}, geometry=[*good, wild], crs=None)
    path = tmp_path / "b.shp"
    frame.to_file(path)
    report = run("buildings", path, crs="EPSG:4548")
    assert (report.loaded, report.quarantined) == (10, 1)
    assert [(i.row, i.reason) for i in report.issues] == [(11, "outside_file")]
    assert len(rows("quarantine")) == 1


def test_a_parking_place_at_zero_is_no_place(run, rows, tmp_path):
    path = tmp_path / "v.csv"
    path.write_text("车牌号,经度,纬度\nA,119.6,38.9\nB,0,0\n", encoding="utf-8")
    report = run("vehicles", path, crs="WGS84")
    assert {row["plate"]: row["wkt"] for row in rows("vehicle")} == {
        "A": "POINT(119.6 38.9)", "B": None,
    }  # fmt: skip
    (issue,) = (i for i in report.issues if i.reason == "zero_place")
    assert (issue.row, issue.field, issue.action) == (3, "geom", "emptied")
