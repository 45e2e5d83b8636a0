"""Meters and readings; expected values of the real sheet were read with openpyxl by cell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from openpyxl import Workbook, load_workbook

from layers.problems import BadInput


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


def readings(database, number):
    query = sa.text(
        "SELECT r.time, r.start, r.value FROM reading r JOIN meter m ON m.id = r.meter_id "
        "WHERE m.number = :number ORDER BY r.time"
    )
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query, {"number": number})]


@pytest.mark.filterwarnings("ignore:Data Validation")
def test_the_portfolio_manager_sheet_loads_its_bills_and_again_adds_nothing(
    run, rows, shared_data, database
):
    path = shared_data / "meters" / "Add_Bills_to_Meters.xlsx"
    report = run("meters", path)
    assert (report.tables["meter"].loaded, report.tables["reading"].loaded) == (17, 324 + 255)
    assert report.quarantined == 0
    meters = {row["number"]: row for row in rows("meter")}
    for number, kind in (
        ("139067318", "electricity"), ("139067329", "gas"), ("139179128", "heat"),
    ):  # fmt: skip
        meter = meters[number]
        assert (meter["kind"], meter["unit"], meter["reading_form"]) == (kind, "kBtu", "interval")
    # Cells A2:I2, A3:I3 of "Add Bills-Electricity" and A4:I4 of "Add Bills-Non Electric". A bill
    # of 1 to 31 January ends as February begins; days are those of Asia/Shanghai (UTC+8).
    electric = readings(database, "139067318")
    assert electric[0] == (at(2019, 1, 31, 16), at(2018, 12, 31, 16), 274925.3)
    assert electric[1] == (at(2019, 2, 28, 16), at(2019, 1, 31, 16), 269684.5)
    assert readings(database, "139067329")[1] == (
        at(2019, 2, 28, 16), at(2019, 1, 31, 16), 703279.9,
    )  # fmt: skip
    sheet = load_workbook(path, read_only=True)["Add Bills-Electricity"]
    cells = list(sheet.iter_rows(min_row=2, max_row=325, max_col=9, values_only=True))
    total = sum(float(row[8]) for row in cells if row[0] == 139067318)
    assert sum(value for *_, value in electric) == pytest.approx(total)
    again = run("meters", path)
    assert (again.loaded, again.updated, again.unchanged) == (0, 0, 17 + 579)


def sheet(path, *table):
    book = Workbook()
    for row in table:
        book.active.append(row)
    book.save(path)
    return path


METERS = (
    ["表号", "能源种类", "分项", "计量单位", "上级表号", "倍率", "表位数", "读数形式", "楼号"],
    ["E-1", "电", "总量", "kWh", None, 40, 5, "表底数", "B03"],
    ["E-2", "电表", "照明插座", "kWh", "E-1", 1, None, "区间用量", "B99"],
)


def test_meters_have_parents_and_serve_the_building_they_name(run, rows, tmp_path):
    (tmp_path / "b.csv").write_text("楼号,名称\nB03,三号楼\n", encoding="utf-8")
    outline = (
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"B03"},'
        '"geometry":{"type":"Polygon","coordinates":'
        "[[[119.6,38.9],[119.601,38.9],[119.601,38.901],[119.6,38.9]]]}}]}"
    )
    (tmp_path / "b.geojson").write_text(outline, encoding="utf-8")
    run("buildings", tmp_path / "b.geojson")
    report = run("meters", sheet(tmp_path / "m.xlsx", *METERS))
    first, second = rows("meter")
    assert (first["multiplier"], first["digits"], first["kind"]) == (40.0, 5, "electricity")
    assert (second["parent_id"], second["item"]) == (first["id"], "lighting")
    (scope,) = rows("meter_scope")
    assert (scope["meter_id"], scope["building_id"]) == (first["id"], rows("building")[0]["id"])
    assert [i.value for i in report.issues if i.reason == "without_scope"] == ["B99"]


def test_long_readings_keep_replacement_and_quality(run, rows, tmp_path, database):
    run("meters", sheet(tmp_path / "m.xlsx", *METERS))
    path = sheet(
        tmp_path / "r.xlsx",
        ["表号", "抄表时间", "读数", "旧表止数", "质量"],
        ["E-1", datetime(2026, 6, 18), 99942, None, None],  # noqa: DTZ001
        ["E-1", "2026-06-19 00:00", "00047", 48210.5, "估读"],
        ["E-1", "昨天", 5, None, None],
        ["E-7", "2026-06-19 00:00", 5, None, None],
    )
    report = run("readings", path)
    assert readings(database, "E-1") == [
        (at(2026, 6, 17, 16), None, 99942.0), (at(2026, 6, 18, 16), None, 47.0),
    ]  # fmt: skip
    assert [r["quality"] for r in rows("reading")] == ["measured", "estimated"]
    assert [r["closing_value"] for r in rows("reading")] == [None, 48210.5]
    assert report.quarantined == 2
    reasons = {row["row"]: row["reasons"][0]["reason"] for row in rows("quarantine")}
    assert reasons == {4: "not_a_time", 5: "unknown_reference"}


def test_wide_sheets_become_moments_for_registers_and_intervals_else(run, tmp_path, database):
    run("meters", sheet(tmp_path / "m.xlsx", *METERS))
    wide = sheet(
        tmp_path / "w.xlsx", ["表号", "2026年1月", "2026年2月"], ["E-1", 100, 200], ["E-2", 7, 8]
    )
    run("meters", wide)
    january, february = at(2026, 1, 31, 16), at(2026, 2, 28, 16)
    assert readings(database, "E-1") == [(january, None, 100.0), (february, None, 200.0)]
    assert readings(database, "E-2") == [
        (january, at(2025, 12, 31, 16), 7.0), (february, january, 8.0),
    ]  # fmt: skip


def test_a_row_per_time_and_a_column_per_meter(run, tmp_path, database):
    run("meters", sheet(tmp_path / "m.xlsx", *METERS))
    path = tmp_path / "times.csv"
    path.write_text("时间,E-1,E-2\n2026-03-01 00:00,10,1\n2026-03-02 00:00,20,\n", encoding="utf-8")
    run("meters", path)
    assert [value for *_, value in readings(database, "E-1")] == [10.0, 20.0]
    assert [value for *_, value in readings(database, "E-2")] == [1.0]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.xlsx", b"", "empty"),
        ("broken.xlsx", b"PK\x03\x04 cut off", "not a readable XLSX"),
        ("heading.csv", b"meter,time,value\n", "no row"),
        ("other.csv", b"colour,shade\nred,dark\n", "no meters or readings"),
    ],
)
def test_a_sheet_without_meters_is_refused_whole(run, rows, tmp_path, name, data, said):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput, match=said) as problem:
        run("meters", tmp_path / name)
    assert problem.value.text.zh != problem.value.text.en
    assert rows("meter") == []


def test_a_meter_that_moves_serves_its_new_building_only(run, rows, tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    run("buildings", write("b.csv", "楼号,名称\nB01,一号楼\nB02,二号楼\n"))
    run("meters", write("m.csv", "表号,能源种类,楼号\nE1,电,B01\n"))
    run("meters", write("m.csv", "表号,能源种类,楼号\nE1,电,B02\n"))
    second = next(row["id"] for row in rows("building") if row["code"] == "B02")
    assert [row["building_id"] for row in rows("meter_scope")] == [second]
    report = run("meters", write("m.csv", "表号,能源种类\nE1,电\n"))
    assert [row["building_id"] for row in rows("meter_scope")] == [second]
    assert not [i for i in report.issues if i.reason == "without_scope"]
