"""Real floor plans; expected values were read from the files' text by hand."""

from __future__ import annotations

import json
import stat
import zipfile

import pytest
import shapely
import sqlalchemy as sa

from layers.problems import BadInput


def levels_of(database, key):
    """The short names of the levels of a room."""
    query = sa.text(
        "SELECT l.short_name FROM room r JOIN room_level rl ON rl.room_id = r.id "
        "JOIN level l ON l.id = rl.level_id WHERE r.source_key = :key ORDER BY l.ordinal"
    )
    with database.engine.connect() as connection:
        return list(connection.scalars(query, {"key": key}))


def test_sist_has_177_named_rooms_on_two_levels(run, rows, shared_data, database):
    report = run("plan", shared_data / "floorplans" / "SIST_1.osm")
    assert {name: each.loaded for name, each in report.tables.items()} == {
        "building": 1, "level": 2, "room": 177, "opening": 200,
    }  # fmt: skip
    assert report.quarantined == 0
    rooms = {row["source_key"]: row for row in rows("room")}
    assert all(row["name"] for row in rooms.values())
    # Lines 3,4xx-4,5xx of the file: ways -174647, -174757, -174985 and their first nodes.
    for key, number, short, place in (
        ("way/-174647", "E1d-F2-09", "F2", (121.59085462152, 31.17947234423)),
        ("way/-174757", "E1b-F2-06", "F2", (121.59051487803, 31.17980163161)),
        ("way/-174985", "E1c-F1-01.", "F1", (121.58987761479, 31.18013995374)),
    ):
        assert rooms[key]["number"] == number
        assert levels_of(database, key) == [short]
        shape = shapely.from_wkt(rooms[key]["wkt"])
        assert shape.boundary.distance(shapely.Point(place)) < 1e-11
    assert rooms["way/-174647"]["attributes"]["height"] == "3.2"
    door = rows("opening", source_key="way/-174827")[0]
    assert shapely.from_wkt(door["wkt"]).equals_exact(
        shapely.LineString([(121.59051487803, 31.17980163161), (121.59053375818, 31.1798002019)]),
        1e-12,
    )
    assert door["attributes"]["osmAG:to"] == "E1b-F2-06"


def test_osmag_levels_that_count_from_one_begin_at_the_ground_and_say_so(run, rows, shared_data):
    report = run("plan", shared_data / "floorplans" / "SIST_1.osm")
    assert [(r["ordinal"], r["short_name"]) for r in rows("level")] == [(1, "F2"), (0, "F1")]
    assert "levels_from_one" in {issue.reason for issue in report.issues}


def test_outlines_that_are_open_or_overshoot_are_told(run, rows, shared_data):
    report = run("plan", shared_data / "floorplans" / "SIST_1.osm")
    told = [(issue.reason, issue.action) for issue in report.issues]
    assert told.count(("overshot_outline", "repaired")) == 2
    assert told.count(("open_outline", "emptied")) == 1
    # Way -175029 has two nodes: a room that is known and has no shape.
    assert rows("room", source_key="way/-175029")[0]["wkt"] is None


@pytest.mark.parametrize("name", ["APBorig.osm", "APBorig.osm.pbf"])
def test_rooms_lie_on_every_level_they_name(run, rows, shared_data, database, name):
    report = run("plan", shared_data / "floorplans" / name)
    assert report.tables["room"].loaded == 446
    shorts = {row["short_name"]: row["ordinal"] for row in rows("level")}
    assert shorts == {
        "-1": -1, "0": 0, "0.08": 0, "0.25": 0, "0.5": 0, "1": 1, "1.5": 1, "2": 2, "3": 3,
    }  # fmt: skip
    # Ways 870540959 (level=3, ref=3078), 870541354 (-1-3, TR01), 870541349 (0-3, Aufzug1).
    room, stairs, lift = (
        rows("room", source_key=f"way/{key}")[0] for key in (870540959, 870541354, 870541349)
    )
    assert (room["number"], room["category"], room["use"]) == ("3078", "room", None)
    assert (stairs["number"], stairs["category"]) == ("TR01", "stairs")
    assert (lift["number"], lift["category"], lift["use"]) == ("Aufzug1", "elevator", "circulation")
    assert levels_of(database, "way/870541354") == ["-1", "0", "1", "2", "3"]
    assert levels_of(database, "way/870541349") == ["0", "1", "2", "3"]
    foyer = rows("room", source_key="relation/11878686")[0]
    assert (foyer["number"], foyer["name"], foyer["category"]) == (
        "E100",
        "Foyer",
        "unenclosedarea",
    )
    assert len(shapely.from_wkt(foyer["wkt"]).geoms[0].interiors) == 3


def test_a_door_is_as_long_as_it_is_wide_and_lies_on_its_wall(run, rows, shared_data):
    run("plan", shared_data / "floorplans" / "APBorig.osm")
    # Node 8109446113: door=hinged, level=-1, repeat_on=1-3.
    keys = {r["source_key"] for r in rows("opening") if "8109446113" in r["source_key"]}
    assert keys == {f"node/8109446113@{level}" for level in (-1, 1, 2, 3)}
    door = rows("opening", source_key="node/8109446751")[0]
    assert door["category"] == "pedestrian.principal"
    assert door["attributes"]["width_assumed"] is True
    line = shapely.from_wkt(door["wkt"])
    assert line.distance(shapely.Point(13.7232253, 51.0255081)) < 1e-12
    from pyproj import Geod

    # The node stands free in its wall, so the whole default width of 0.9 m is there.
    assert Geod(ellps="WGS84").geometry_length(line) == pytest.approx(0.9, abs=0.005)


def test_a_door_in_no_wall_waits_in_quarantine(run, rows, shared_data):
    report = run("plan", shared_data / "floorplans" / "APBorig.osm")
    waiting = rows("quarantine")
    assert {row["layer"] for row in waiting} == {"opening"}
    assert report.quarantined == len(waiting) == 4
    assert waiting[0]["reasons"][0]["reason"] == "door_without_wall"
    assert "POINT(" in json.dumps(waiting[0]["values"])


def test_addenbrookes_loads_with_values_read_from_its_json(run, rows, shared_data, database):
    report = run("plan", shared_data / "floorplans" / "imdf_addenbrookes")
    assert {name: each.loaded for name, each in report.tables.items()} == {
        "site": 1, "building": 1, "level": 1, "room": 72, "opening": 75,
    }  # fmt: skip
    assert report.quarantined == 0
    for key, name, category, place in (
        ("d59318dc-3863-487c-bfdd-f494d845937f", "Main Corridor", "walkway", (0.141209, 52.1749542)),  # noqa: E501
        ("d97e40e5-5914-4760-8a30-2d226718856c", "Tea & Co Cafe", "foodservice", (0.1434247, 52.1752939)),  # noqa: E501
        ("7dbd85fc-fc23-42b9-ae35-50cbbe004128", "Radiotherapy", "room", (0.1427707, 52.1739831)),
    ):  # fmt: skip
        row = rows("room", source_key=key)[0]
        assert (row["name"], row["names"], row["category"]) == (name, {"en": name}, category)
        assert shapely.from_wkt(row["wkt"]).boundary.distance(shapely.Point(place)) < 1e-12
        assert levels_of(database, key) == ["G"]
    cafe = rows("room", source_key="d97e40e5-5914-4760-8a30-2d226718856c")[0]
    assert cafe["attributes"]["occupants"][0]["category"] == "cafe"
    stairs = rows("room", source_key="fd94f549-08dd-4a68-9e1b-e52c3bb01b41")[0]
    assert stairs["attributes"]["amenities"][0]["category"] == "stairs"
    building = rows("building")[0]
    assert building["name"] == "Addenbrooke's Hospital"
    assert building["site_id"] == rows("site", name="CPC4")[0]["id"]


@pytest.mark.parametrize("name", ["SIST_1.osm", "APBorig.osm", "imdf_addenbrookes"])
def test_a_second_import_of_a_plan_touches_nothing(run, shared_data, database, name):
    first = run("plan", shared_data / "floorplans" / name)
    count = sa.text("SELECT count(*) FROM change")
    with database.engine.connect() as connection:
        before = connection.scalar(count)
    again = run("plan", shared_data / "floorplans" / name)
    assert (again.loaded, again.updated, again.unchanged) == (0, 0, first.loaded)
    with database.engine.connect() as connection:
        assert connection.scalar(count) == before


def archive(path, features, manifest=True):
    with zipfile.ZipFile(path, "w") as made:
        if manifest:
            made.writestr("manifest.json", '{"version": "1.0.0", "language": "zh-CN"}')
        for kind, rows in features.items():
            collection = {"type": "FeatureCollection", "features": rows}
            made.writestr(f"{kind}.geojson", json.dumps(collection))
    return path


def feature(id, geometry=None, **properties):
    return {"type": "Feature", "id": id, "properties": properties, "geometry": geometry}


def square(x, y, size):
    return shapely.geometry.mapping(shapely.box(x, y, x + size, y + size))


def small(tmp_path, **level):
    return archive(
        tmp_path / "b03.zip",
        {
            "building": [feature("b", name={"zh": "三号楼"}, alt_name={"zh": "B03"})],
            "footprint": [feature("f", square(119.6, 38.9, 0.001), building_ids=["b"], category="ground")],  # noqa: E501
            "level": [feature("l", ordinal=0, short_name={"zh": "1F"}, building_ids=["b"])],
            "unit": [
                feature("u1", square(119.6, 38.9, 0.0002), category="office", level_id="l",
                        name={"zh": "办公室"}, alt_name={"zh": "101"}),
                feature("u2", square(119.6005, 38.9, 0.0002), category="office", **level),
            ],
        },
    )  # fmt: skip


def test_a_room_without_a_level_is_quarantined(run, rows, tmp_path):
    report = run("plan", small(tmp_path))
    assert report.tables["room"].quarantined == 1
    assert [row["number"] for row in rows("room")] == ["101"]
    assert rows("quarantine")[0]["reasons"][0]["field"] == "level"


def test_a_room_on_an_unknown_level_is_quarantined_with_its_id(run, rows, tmp_path):
    run("plan", small(tmp_path, level_id="nowhere"))
    assert rows("quarantine")[0]["reasons"][0]["value"] == "nowhere"


def test_a_plan_of_a_known_building_is_tied_to_it(run, rows, tmp_path):
    known = {
        "type": "FeatureCollection",
        "features": [feature(1, square(119.6, 38.9, 0.0011), code="B03", name="3号办公楼")],
    }
    (tmp_path / "known.geojson").write_text(json.dumps(known), encoding="utf-8")
    run("buildings", tmp_path / "known.geojson")
    report = run("plan", small(tmp_path, level_id="l"))
    assert [row["name"] for row in rows("building")] == ["3号办公楼"]
    assert rows("level_building")[0]["building_id"] == rows("building")[0]["id"]
    assert "known_already" in {issue.reason for issue in report.issues}


def test_a_plan_of_a_named_building_needs_that_building(run, rows, tmp_path):
    with pytest.raises(BadInput, match="B99") as problem:
        run("plan", small(tmp_path), extra={"building": "B99"})
    assert "B99" in problem.value.text.zh
    assert rows("room") == []


def test_a_room_that_moved_a_floor_leaves_the_old_one(run, rows, tmp_path, database):
    run("plan", small(tmp_path, level_id="l"))
    path = tmp_path / "b03.zip"
    with zipfile.ZipFile(path) as made:
        content = {name: made.read(name) for name in made.namelist()}
    levels = json.loads(content["level.geojson"])
    levels["features"].append(feature("l2", ordinal=1, short_name={"zh": "2F"}, building_ids=["b"]))
    units = json.loads(content["unit.geojson"])
    units["features"][1]["properties"]["level_id"] = "l2"
    content |= {"level.geojson": json.dumps(levels), "unit.geojson": json.dumps(units)}
    with zipfile.ZipFile(path, "w") as made:
        for name, data in content.items():
            made.writestr(name, data)
    run("plan", path)
    assert levels_of(database, "u2") == ["2F"]


def write(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members:
            made.writestr(name, data)
    return path


def linked():
    info = zipfile.ZipInfo("unit.geojson")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("readme.txt", "hello"), ("photo.jpg", "x")], "not an IMDF archive"),
        ([("../level.geojson", "{}"), ("unit.geojson", "{}")], "outside the archive"),
        ([("/etc/level.geojson", "{}"), ("unit.geojson", "{}")], "outside the archive"),
        ([("level.geojson", "{}"), (linked(), "/etc/passwd")], "is a link"),
        ([("level.geojson", '{"features": ['), ("unit.geojson", "{}")], "not complete JSON"),
        ([("level.geojson", b" " * 300 * 2**20), ("unit.geojson", "{}")], "refused for safety"),
    ],
    ids=["not imdf", "climbs out", "absolute", "link", "cut off", "bomb"],
)
def test_a_zip_that_is_no_plan_is_refused_whole(run, rows, tmp_path, members, said):
    with pytest.raises(BadInput, match=said) as problem:
        run("plan", write(tmp_path / "plan.zip", members))
    assert "plan.zip" in problem.value.text.zh
    assert rows("room") == []


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("cut.osm", b"<osm><node id='1' lat='31' lo", "not a complete OSM file"),
        ("bomb.osm", b"<!DOCTYPE o [<!ENTITY a 'x'>]><osm><way id='1'>&a;</way></osm>", "Entities"),
        ("page.osm", b"<html></html>", "not a complete OSM file"),
        ("cut.osm.pbf", b"\x00\x00\x00\x0d\x0a\x09OSMHeader", "not a complete OSM file"),
        ("cut.zip", b"PK\x03\x04 cut", "not a readable zip"),
        ("none.osm", b"<osm><node id='1' lat='31' lon='121'/></osm>", "no indoor tagging"),
    ],
)
def test_a_damaged_plan_is_refused_with_a_remedy(run, rows, tmp_path, name, data, said):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadInput, match=said) as problem:
        run("plan", path)
    assert name in problem.value.text.zh
    assert rows("level") == []


def rebuilt(path, name, text):
    """Return a copy of an archive in which one file has another text."""
    made = path.with_name("crafted.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w") as new:
        for each in old.namelist():
            new.writestr(each, text if each == name else old.read(each))
    return made


def test_an_archive_nested_without_end_is_refused(run, rows, tmp_path):
    deep = '{"type": "FeatureCollection", "features": ' + "[" * 200_000 + "]" * 200_000 + "}"
    with pytest.raises(BadInput, match="unit"):
        run("plan", rebuilt(small(tmp_path), "unit.geojson", deep))
    assert rows("building") == []


@pytest.mark.parametrize("value", [["a"], "text", 7, {"category": {"a": 1}, "level_id": ["l"]},
                                   {"name": 5, "alt_name": [1], "level_id": {"a": 1}}])  # fmt: skip
def test_properties_of_another_shape_are_no_reason_to_stop(run, rows, tmp_path, value):
    path = small(tmp_path)
    crafted = [{"type": "Feature", "id": "u9", "properties": value, "geometry": None}]
    for kind in ("unit", "footprint", "building", "level", "opening", "amenity", "occupant"):
        text = json.dumps({"type": "FeatureCollection", "features": crafted})
        run("plan", rebuilt(path, f"{kind}.geojson", text), source=kind, dry_run=True)


def test_features_that_are_no_list_are_refused(run, tmp_path):
    with pytest.raises(BadInput, match="FeatureCollection"):
        run("plan", rebuilt(small(tmp_path), "unit.geojson", '{"features": 5}'))
