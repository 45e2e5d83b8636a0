from __future__ import annotations

import csv
import datetime
from pathlib import Path

import pandas as pd
import pytest

from importers.files import dataset_of
from importers.messages import allowed
from layers.problems import BadInput


def _sheet(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text.strip() + "\n", encoding=encoding)
    return path


BODIES = """
机构编码,机构名称,上级机构,层级,编制人数
017,区财政局,001,县级,35
001,区政府,,县级,120
018,财政局预算科,017,county,6
"""


def test_bodies_form_a_tree_whatever_their_order(run, rows, tmp_path):
    path = _sheet(tmp_path / "bodies.csv", BODIES, "gbk")
    assert run("bodies", path).loaded == 3
    ids = {row["code"]: row["id"] for row in rows("body")}
    paths = {row["code"]: row["path"] for row in rows("body")}
    assert paths["001"] == f"{ids['001']}"
    assert paths["018"] == f"{ids['001']}.{ids['017']}.{ids['018']}"
    assert run("bodies", path).unchanged == 3


def test_a_body_that_moves_takes_its_subtree_along(run, rows, tmp_path):
    run("bodies", _sheet(tmp_path / "bodies.csv", BODIES))
    moved = "机构编码,机构名称,上级机构\n017,区财政局,\n"
    run("bodies", _sheet(tmp_path / "move.csv", moved), source="bodies")
    found = {row["code"]: row for row in rows("body")}
    assert found["018"]["path"] == f"{found['017']['id']}.{found['018']['id']}"


def test_bodies_in_a_circle_are_refused(run, rows, tmp_path):
    circle = "机构编码,机构名称,上级机构\nA,甲,B\nB,乙,A\n"
    with pytest.raises(BadInput, match="circle"):
        run("bodies", _sheet(tmp_path / "bodies.csv", circle))
    assert rows("body") == []


def test_people_join_their_body_by_code_or_name(run, rows, tmp_path):
    run("bodies", _sheet(tmp_path / "bodies.csv", BODIES))
    people = """
工号,姓名,所属机构,职级,状态
P0001,周试一,017,副科级,在职
P0002,吴试二,区政府,县级正职,在职
P0003,郑试三,099,科级以下,在职
P0004,王试四,017,神仙级,在职
"""
    report = run("persons", _sheet(tmp_path / "people.csv", people))
    bodies = {row["id"]: row["code"] for row in rows("body")}
    found = {row["number"]: row for row in rows("person")}
    assert {n: (bodies[r["body_id"]], r["rank"]) for n, r in found.items()} == {
        "P0001": ("017", "section_deputy"), "P0002": ("001", "county_chief"),
    }  # fmt: skip
    assert [(i.row, i.field, i.value, i.reason) for i in report.issues] == [
        (5, "rank", "神仙级", "unknown_choice"), (4, "body_id", "099", "unknown_reference"),
    ]  # fmt: skip


@pytest.fixture
def estate(run, tmp_path) -> None:
    """Bodies, a building with two rooms, and a person."""
    run("bodies", _sheet(tmp_path / "bodies.csv", BODIES))
    run("buildings", _sheet(tmp_path / "buildings.csv", "楼号,名称\nB01,一号楼\nB02,二号楼"))
    run("persons", _sheet(tmp_path / "people.csv", "工号,姓名,所属机构\nP0001,周试一,017"))
    rooms = "楼号,楼层,房间号,使用面积\nB01,4,B01-412,26.4\nB02,4,412,20\nB01,4,412,18"
    run("rooms", _sheet(tmp_path / "rooms.csv", rooms))


def test_bad_rows_of_an_asset_file_wait_in_quarantine_with_their_reasons(
    run, rows, tmp_path, estate
):
    text = """
资产编号,资产名称,标签号,所在房间,保管人,原值,取得日期,状态
ZC-1,电脑,T1,B01-412,P0001,5600.00,2023-05-12,在用
ZC-2,电脑,T1,B01-412,,5600.00,2023-05-12,在用
ZC-3,电脑,T3,B77-999,,5600.00,2023-05-12,在用
ZC-4,电脑,T4,,,-5,2023-05-12,在用
ZC-5,电脑,T5,,,10,2023-02-30,在用
ZC-5,电脑,T6,,,10,2023-02-20,在用
,电脑,T7,,,10,2023-02-20,在用
ZC-8,电脑,T8,,,"1,200.5",2023年2月3日,闲置
"""
    report = run("assets", _sheet(tmp_path / "assets.csv", text))
    assert (report.read, report.loaded, report.quarantined) == (8, 2, 6)
    assert sorted((i.row, i.field, i.reason) for i in report.issues) == [
        (3, "tag", "duplicate_value"), (4, "room_id", "unknown_reference"),
        (5, "value_cny", "out_of_range"), (6, "acquired_on", "not_a_date"),
        (7, "source_key", "duplicate_key"), (8, "number", "missing_value"),
    ]  # fmt: skip
    found = {row["number"]: row for row in rows("asset")}
    assert found["ZC-1"]["custodian_id"] == rows("person")[0]["id"]
    assert found["ZC-8"]["acquired_on"] == datetime.date(2023, 2, 3)
    assert float(found["ZC-8"]["value_cny"]) == 1200.5
    waiting = {row["row"]: row for row in rows("quarantine")}
    assert waiting[4]["values"]["room_id"] == "B77-999"
    assert waiting[4]["reasons"][0]["reason"] == "unknown_reference"
    (open_range,) = waiting[5]["reasons"]
    assert open_range["zh"] == "“原值”的值“-5”超出允许范围，应不小于 0；请核对"
    assert open_range["en"] == "'-5' in value is out of range: it should be at least 0; check it"
    assert len(rows("import_issue")) == 6


def test_a_room_number_of_two_buildings_is_ambiguous(run, tmp_path, estate):
    report = run("assets", _sheet(tmp_path / "a.csv", "资产编号,资产名称,所在房间\nZ1,桌,412"))
    assert [i.reason for i in report.issues] == ["ambiguous_reference"]


def test_assets_of_a_default_body_belong_to_it(run, rows, tmp_path, estate):
    path = _sheet(tmp_path / "a.csv", "资产编号,资产名称\nZ1,桌")
    run("assets", path, body="017")
    owner = next(row["id"] for row in rows("body") if row["code"] == "017")
    assert rows("asset")[0]["body_id"] == owner


def test_a_tag_that_occurs_twice_names_the_first_row(run, tmp_path):
    path = _sheet(tmp_path / "a.csv", "资产编号,资产名称,标签号\nZ1,桌,T\nZ2,桌,T")
    issue = run("assets", path).issues[0]
    assert "首见第 2 行" in issue.zh


def test_vehicles_stand_at_their_parking_place_in_the_declared_system(run, rows, tmp_path):
    text = "车牌号,车辆类别,固定停放点,经度,纬度\n演A·D0001,机要通信,B01 车库,119.6,38.9"
    run("vehicles", _sheet(tmp_path / "v.csv", text), crs="WGS84")
    row = rows("vehicle")[0]
    assert (row["vehicle_class"], row["wkt"]) == ("confidential", "POINT(119.6 38.9)")


def test_places_in_degrees_without_a_system_need_a_word(run, rows, tmp_path):
    text = "车牌号,经度,纬度\n演A·D0001,119.6,38.9"
    path = _sheet(tmp_path / "v.csv", text)
    with pytest.raises(BadInput, match="--crs"):
        run("vehicles", path)
    assert run("vehicles", path, crs="GCJ-02").loaded == 1
    lon = float(rows("vehicle")[0]["wkt"][6:].split()[0])
    assert 119.59 < lon < 119.6


def test_the_snipe_it_sample_loads_without_its_unknown_companies(run, rows, shared_data):
    path = shared_data / "assets" / "assets-sample.csv"
    refused = run("assets", path)
    assert refused.loaded == 0
    assert {i.reason for i in refused.issues} == {"unknown_reference"}
    run("assets", path, mapping={"body_id": "-"})
    raw = list(csv.DictReader(path.open(encoding="utf-8-sig")))
    found = {row["number"]: row for row in rows("asset")}
    assert len(found) == len(raw)
    for line in (raw[0], raw[7], raw[-1]):
        row = found[line["Asset Tag"]]
        assert (row["name"], row["model"]) == (line["Name"], line["Model"])
        assert f"{row['value_cny']:.2f}" == f"{float(line['Purchase Cost']):.2f}"
        month, day, year = map(int, line["Purchase Date"].split("/"))
        assert row["acquired_on"] == datetime.date(2000 + year, month, day)
        assert row["attributes"]["Company"] == line["Company"]


def test_a_file_with_old_mac_line_ends_is_read_whole(run, shared_data):
    path = shared_data / "assets" / "assets-sample-BAD.csv"
    report = run("assets", path, mapping={"body_id": "-"})
    assert report.read == path.read_bytes().count(b"\r") == 200
    assert any(i.reason == "digits_lost" for i in report.issues)


def test_a_body_whose_parent_waits_in_quarantine_waits_too(run, rows, tmp_path):
    text = """
机构编码,机构名称,上级机构,编制人数
001,区政府,,许多
017,财政局,001,3
018,科,017,2
9,乙,,1
"""
    report = run("bodies", _sheet(tmp_path / "bodies.csv", text))
    assert [row["code"] for row in rows("body")] == ["9"]
    assert sorted((i.row, i.field, i.reason) for i in report.issues) == [
        (2, "headcount", "not_an_integer"), (3, "parent_id", "unknown_reference"),
        (4, "parent_id", "unknown_reference"),
    ]  # fmt: skip


def test_what_the_database_refuses_during_copy_is_bad_input(run, rows, tmp_path, monkeypatch):
    def orphaned(frame, _changes):
        return frame.assign(parent_id=pd.array([999] * len(frame), "Int64"), path="1")

    monkeypatch.setattr("importers.bodies.with_paths", orphaned)
    with pytest.raises(BadInput, match="refused"):
        run("bodies", _sheet(tmp_path / "bodies.csv", "机构编码,机构名称\n001,区政府"))
    assert rows("body") == []


def test_rows_that_a_newer_file_lacks_are_all_listed(run, tmp_path):
    run("persons", _sheet(tmp_path / "p.csv", "工号,姓名\nP1,甲\nP2,乙"))
    report = run("persons", _sheet(tmp_path / "p.csv", "工号,姓名\nP3,丙"))
    assert report.absent == {"person": ["P1", "P2"]}
    assert "P1、P2" in report.text("zh")


def test_people_without_a_body_are_told_to_be_public(run, tmp_path):
    run("bodies", _sheet(tmp_path / "bodies.csv", BODIES))
    path = _sheet(tmp_path / "p.csv", "工号,姓名\nP1,甲\nP2,乙")
    told = [i for i in run("persons", path).issues if i.reason == "public_rows"]
    assert [(i.value, "--body" in i.en) for i in told] == [("2", True)]
    assert run("persons", path, body="017").issues == []


def test_a_file_of_the_same_name_elsewhere_says_whose_dataset_it_updates(run, tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        _sheet(tmp_path / folder / "桌.csv", "资产编号,资产名称\nZ1,桌")
    assert run("assets", tmp_path / "x" / "桌.csv").issues == []
    assert run("assets", tmp_path / "x" / "桌.csv").issues == []
    (told,) = run("assets", tmp_path / "y" / "桌.csv").issues
    assert (told.reason, told.value) == ("dataset_of_other_file", "桌")
    assert str(tmp_path / "x" / "桌.csv") in told.en
    assert run("assets", tmp_path / "y" / "桌.csv", source="桌").issues == []


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("APB.osm", "APB"),
        ("APB.osm.pbf", "APB"),
        ("车.2026.csv", "车.2026"),
        ("a.geojson.zip", "a"),
    ],
)
def test_a_dataset_is_named_by_its_file_without_all_known_endings(name, dataset):
    assert dataset_of(Path(name)) == dataset


def test_rows_wait_until_they_are_read_again_mended_or_not(run, rows, tmp_path):
    head = "机构编码,名称,层级\n"
    whole, mended = tmp_path / "机构.csv", tmp_path / "改好.csv"
    whole.write_text(head + "001,甲局,县级\n002,乙局,无\n003,丙局,无\n", encoding="utf-8")

    def waiting():
        return [row["values"]["code"] for row in rows("quarantine")]

    for _ in range(2):  # the same file again does not double what waits
        run("bodies", whole)
        assert waiting() == ["002", "003"]
    mended.write_text(head + "002,乙局,县级\n", encoding="utf-8")
    run("bodies", mended, source="别的来源")
    assert waiting() == ["002", "003"]
    run("bodies", mended, source="机构", dry_run=True)
    assert waiting() == ["002", "003"]
    run("bodies", mended, source="机构")
    assert waiting() == ["003"]
    whole.write_text(head + "001,甲局,县级\n", encoding="utf-8")
    run("bodies", whole)
    assert waiting() == []
    assert len(rows("import_issue", reason="unknown_choice")) == 4  # what was told stays told


def test_purchase_requests_name_the_body_that_asks(run, rows, tmp_path):
    (tmp_path / "机构.csv").write_text("机构编码,名称\n012,区教育局\n", encoding="utf-8")
    path = tmp_path / "采购.csv"
    path.write_text(
        "申请单号,申请机构,资产名称,数量,单价,备注\n"
        "CG-1,012,办公桌,40,1200,新增编制\nCG-2,区教育局,办公椅,0,460,\nCG-3,099,柜,1,,\n",
        encoding="utf-8",
    )
    run("bodies", tmp_path / "机构.csv")
    report = run("purchases", path)
    assert (report.loaded, report.quarantined) == (1, 2)
    (made,) = rows("purchase_request")
    (body,) = rows("body")
    assert made["body_id"] == body["id"]
    assert (made["number"], made["name"], made["quantity"]) == ("CG-1", "办公桌", 40)
    assert made["unit_price_cny"] == 1200
    assert made["attributes"] == {"备注": "新增编制"}
    reasons = {row["values"]["number"]: row["reasons"][0]["reason"] for row in rows("quarantine")}
    assert reasons == {"CG-2": "out_of_range", "CG-3": "unknown_reference"}


@pytest.mark.parametrize(
    ("low", "high", "zh", "en"),
    [
        (0.0, float("inf"), "不小于 0", "at least 0"),
        (0, 360, "在 0 至 360 之间", "from 0 to 360"),
        (-50, 300, "在 -50 至 300 之间", "from -50 to 300"),
        (1e-9, 1, "大于 0 且不大于 1", "more than 0 and at most 1"),
    ],
)
def test_a_range_is_told_in_words(low: float, high: float, zh: str, en: str):
    assert allowed(low, high) == (zh, en)
