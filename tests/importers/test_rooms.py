from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from layers.base import Base

ROOMS = """
楼号,楼层,房间号,房间用途,使用面积,可容纳人数,人员工号,使用机构,占用份额,起始日期
B01,3层,301,办公室,20,2,P0001,,0.5,2026-01-01
B01,3层,301,办公室,20,2,P0002,,0.5,2026-01-01
B01,B1,B101,其他,40,,,017,,
B01,3层,302,办公室,18,1,,,,
"""


def _sheet(path: Path, text: str) -> Path:
    path.write_text(text.strip() + "\n", encoding="utf-8")
    return path


@pytest.fixture
def estate(run, tmp_path) -> None:
    """A building, a body and two people."""
    run("bodies", _sheet(tmp_path / "bodies.csv", "机构编码,机构名称\n017,区财政局"))
    run("buildings", _sheet(tmp_path / "buildings.csv", "楼号,名称\nB01,一号楼"))
    people = "工号,姓名,所属机构\nP0001,周试一,017\nP0002,吴试二,017"
    run("persons", _sheet(tmp_path / "people.csv", people))


def test_rooms_without_a_plan_get_their_floors(run, rows, tmp_path, estate):
    report = run("rooms", _sheet(tmp_path / "rooms.csv", ROOMS))
    assert {name: each.loaded for name, each in report.tables.items()} == {
        "level": 2, "room": 3, "occupancy": 3,
    }  # fmt: skip
    assert {row["ordinal"]: row["short_name"] for row in rows("level")} == {2: "F3", -1: "B1"}
    assert {row["building_id"] for row in rows("level_building")} == {rows("building")[0]["id"]}
    assert len(rows("room_level")) == 3
    room = next(row for row in rows("room") if row["number"] == "301")
    assert (room["use"], room["usable_area_m2"], room["capacity"]) == ("office", 20, 2)
    assert room["wkt"] is None


def test_occupants_hold_shares_and_bring_their_body(run, rows, tmp_path, estate):
    run("rooms", _sheet(tmp_path / "rooms.csv", ROOMS))
    body = rows("body")[0]["id"]
    found = rows("occupancy")
    assert sorted((r["share"], r["person_id"] is None) for r in found) == [
        (0.5, False), (0.5, False), (1.0, True),
    ]  # fmt: skip
    assert {r["body_id"] for r in found} == {body}
    assert {r["valid_from"] for r in found} == {datetime.date(2026, 1, 1), None}


def test_a_second_import_of_rooms_adds_nothing(run, tmp_path, estate):
    path = _sheet(tmp_path / "rooms.csv", ROOMS)
    run("rooms", path)
    report = run("rooms", path)
    assert (report.loaded, report.updated, report.unchanged) == (0, 0, 8)
    assert report.absent == {}
    assert {name: each.loaded for name, each in report.links.items()} == {
        "level_building": 0, "room_level": 0,
    }  # fmt: skip


def test_a_room_without_a_floor_and_one_of_an_unknown_building_are_quarantined(
    run, rows, tmp_path, estate
):
    text = "楼号,楼层,房间号\nB01,,301\nB99,1,101\nB01,天上,303\n,1,1\nB01,1,101"
    report = run("rooms", _sheet(tmp_path / "rooms.csv", text))
    assert [(i.row, i.field, i.reason) for i in report.issues] == [
        (2, "level", "missing_value"), (3, "building", "unknown_reference"),
        (4, "level", "not_a_level"), (5, "building", "missing_value"),
    ]  # fmt: skip
    assert [row["number"] for row in rows("room")] == ["101"]


def test_a_room_of_a_plan_gets_what_the_sheet_says_and_keeps_its_shape(
    run, rows, tmp_path, estate, database
):
    run("rooms", _sheet(tmp_path / "plan.csv", "楼号,楼层,房间号,名称\nB01,3,301,会议室"))
    room = Base.metadata.tables["room"]
    shape = "SRID=4326;MULTIPOLYGON(((119 38,119.001 38,119.001 38.001,119 38)))"
    with database.engine.begin() as connection:
        connection.execute(sa.update(room).values(geom=sa.func.ST_GeomFromEWKT(shape)))
    report = run("rooms", _sheet(tmp_path / "rooms.csv", "楼号,房间号,使用面积\nB01,301,21.5"))
    assert (report.loaded, report.updated) == (0, 1)
    (row,) = rows("room")
    assert (row["source"], row["usable_area_m2"], row["name"]) == ("plan", 21.5, "会议室")
    assert row["wkt"].startswith("MULTIPOLYGON")
    assert len(rows("level")) == 1


SEATS = "楼号,楼层,房间号,人员工号,起始日期\n"


def test_a_person_who_moves_leaves_the_old_room(run, rows, tmp_path, estate, database):
    run("rooms", _sheet(tmp_path / "rooms.csv", SEATS + "B01,3层,301,P0001,\nB01,3层,302,P0002,"))
    moved = SEATS + "B01,3层,305,P0001,2026-02-01\nB01,3层,302,,"
    report = run("rooms", _sheet(tmp_path / "rooms.csv", moved))
    with database.engine.connect() as link:
        clock = link.scalar(sa.text("SELECT (onemap_now() AT TIME ZONE 'Asia/Shanghai')::date"))
    stays = {row["source_key"]: row["valid_to"] for row in rows("occupancy")}
    assert stays == {
        "B01/301/P0001/": datetime.date(2026, 2, 1), "B01/302/P0002/": clock,
        "B01/305/P0001/2026-02-01": None,
    }  # fmt: skip
    ended = [i.value for i in report.issues if i.reason == "occupancy_ended"]
    assert sorted(ended) == ["B01/301/P0001/", "B01/302/P0002/"]
    assert report.absent == {"room": ["B01/301"]}
    again = run("rooms", tmp_path / "rooms.csv")
    assert (again.loaded, again.updated) == (0, 0)
    assert not [i for i in again.issues if i.reason == "occupancy_ended"]


def test_a_sheet_without_occupants_ends_no_stay(run, rows, tmp_path, estate):
    run("rooms", _sheet(tmp_path / "rooms.csv", SEATS + "B01,3层,301,P0001,"))
    run("rooms", _sheet(tmp_path / "rooms.csv", "楼号,楼层,房间号,使用面积\nB01,3层,301,20"))
    assert [row["valid_to"] for row in rows("occupancy")] == [None]


def test_a_beginning_that_is_corrected_replaces_the_stay(run, rows, tmp_path, estate):
    run("rooms", _sheet(tmp_path / "rooms.csv", SEATS + "B01,3层,301,P0001,2026-03-01"))
    run("rooms", _sheet(tmp_path / "rooms.csv", SEATS + "B01,3层,301,P0001,2026-01-01"))
    assert [row["source_key"] for row in rows("occupancy")] == ["B01/301/P0001/2026-01-01"]


def test_a_room_that_moves_a_floor_lies_on_that_floor_only(run, rows, tmp_path, estate):
    run("rooms", _sheet(tmp_path / "rooms.csv", "楼号,楼层,房间号\nB01,1层,301"))
    run("rooms", _sheet(tmp_path / "rooms.csv", "楼号,楼层,房间号\nB01,2层,301"))
    floors = {row["id"]: row["ordinal"] for row in rows("level")}
    assert [floors[row["level_id"]] for row in rows("room_level")] == [1]


def test_a_new_floor_is_named_as_the_plan_names_the_others(run, rows, tmp_path, estate, database):
    run("rooms", _sheet(tmp_path / "plan.csv", "楼号,楼层,房间号\nB01,1,101"))
    level = Base.metadata.tables["level"]
    with database.engine.begin() as connection:
        connection.execute(sa.update(level).values(short_name="1F"))
    run("rooms", _sheet(tmp_path / "rooms.csv", "楼号,楼层,房间号\nB01,2,201\nB01,B1,B101"))
    assert {row["ordinal"]: row["short_name"] for row in rows("level")} == {
        0: "1F", 1: "2F", -1: "B1",
    }  # fmt: skip


def test_a_second_room_that_is_given_up_ends_today_and_not_when_the_first_began(
    run, rows, tmp_path, estate
):
    stays = "B01,3层,301,P0001,2026-01-01\n"
    run("rooms", _sheet(tmp_path / "rooms.csv", SEATS + stays + "B01,3层,302,P0001,2026-01-01"))
    run("rooms", _sheet(tmp_path / "rooms.csv", SEATS + stays))
    found = {row["source_key"]: row["valid_to"] for row in rows("occupancy")}
    assert found.pop("B01/301/P0001/2026-01-01") is None
    (ended,) = found.values()
    assert ended > datetime.date(2026, 1, 1)
