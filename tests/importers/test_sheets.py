from __future__ import annotations

import datetime

import pytest
from openpyxl import Workbook, load_workbook

from importers import sheets
from importers.base import ROW, Options
from importers.records import builtin
from importers.registry import IMPORTERS, KINDS
from layers.problems import BadInput

SHEETS = [
    "sites", "buildings", "bodies", "persons", "assets", "purchases", "vehicles",
    "factors", "area-standards",
]  # fmt: skip


@pytest.mark.parametrize("kind", SHEETS)
def test_a_template_imports_its_own_example_row(run, kind, tmp_path):
    path = tmp_path / f"{kind}.xlsx"
    sheets.write_template(IMPORTERS[kind], path)
    report = run(kind, path)
    assert (report.read, report.loaded, report.quarantined) == (1, 1, 0)
    assert report.unmapped == []
    assert run(kind, path).unchanged == 1


def test_the_template_of_rooms_imports_once_its_building_is_there(run, tmp_path):
    for kind in ("buildings", "rooms"):
        path = tmp_path / f"{kind}.xlsx"
        sheets.write_template(IMPORTERS[kind], path)
        report = run(kind, path)
        assert report.quarantined == 0
    assert {name: each.loaded for name, each in report.tables.items()} == {
        "level": 1, "room": 1, "occupancy": 0,
    }  # fmt: skip


def test_headings_are_chinese_with_the_unit_and_the_choices_as_a_note(tmp_path):
    path = tmp_path / "buildings.xlsx"
    sheets.write_template(IMPORTERS["buildings"], path)
    page = load_workbook(path).active
    heads = {cell.value: cell for cell in page[1]}
    assert "建筑面积（m²）" in heads
    assert "办公" in heads["用途"].comment.text
    assert heads["用途"].comment.text.startswith("use")


def test_no_cell_of_a_template_is_a_formula(tmp_path):
    for each in KINDS:
        try:
            columns = each.sheet()
        except BadInput:
            continue
        path = tmp_path / f"{each.kind}.xlsx"
        sheets.write_template(each, path)
        page = load_workbook(path).active
        assert len(columns) == page.max_column
        assert {cell.data_type for row in page.iter_rows() for cell in row} <= {"s", "n"}


def test_a_value_that_looks_like_a_formula_is_written_as_text(tmp_path, monkeypatch):
    importer = IMPORTERS["vehicles"]
    field = sheets.Field("plate", importer.title, example="=1+1")
    monkeypatch.setattr(type(importer), "sheet", lambda _self: [field])
    sheets.write_template(importer, tmp_path / "v.xlsx")
    cell = load_workbook(tmp_path / "v.xlsx").active["A2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_the_encoding_of_a_csv_is_found(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_text("资产编号,资产名称\r\nA1,办公桌\r\n", encoding=encoding)
    frame, _ = sheets.read(path, Options())
    assert frame["资产名称"].tolist() == ["办公桌"]


def test_rows_are_counted_as_the_users_program_shows_them(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('编号,备注\nA1,"two\nlines"\n\nA2,x\n', encoding="utf-8")
    frame, _ = sheets.read(path, Options())
    assert frame[ROW].tolist() == [2, 4]


def test_typed_cells_of_a_workbook_keep_their_meaning(run, rows, tmp_path):
    book = Workbook()
    book.active.append(["资产编号", "资产名称", "原值（元）", "取得日期"])
    book.active.append([1001, "办公桌", 1200.5, datetime.date(2023, 5, 12)])
    path = tmp_path / "assets.xlsx"
    book.save(path)
    run("assets", path)
    row = rows("asset")[0]
    assert (row["number"], str(row["value_cny"])) == ("1001", "1200.50")
    assert row["acquired_on"] == datetime.date(2023, 5, 12)


def test_the_shipped_area_standards_are_those_of_2014(run, rows):
    run("area-standards", builtin("area-standards"))
    area = {(row["tier"], row["rank"]): row["area_m2"] for row in rows("area_standard")}
    # 发改投资〔2014〕2674号, not the 1999 values (20, 32, 9, 6) that many pages still print.
    assert area["county", "county_chief"] == 30
    assert area["city", "city_chief"] == 42
    assert area["central", "division_chief"] == 12
    assert area["county", "section_deputy"] == 12
    assert area["county", "staff"] == 9


def test_the_shipped_factors_carry_edition_and_citation(run, rows):
    run("factors", builtin("factors"))
    found = rows("factor")
    national = [r for r in found if r["region"] == "全国" and r["quantity"] == "co2"]
    assert {r["valid_from"].year: r["value"] for r in national} == {
        2021: 0.5568, 2022: 0.5366, 2023: 0.5306,
    }  # fmt: skip
    assert all(r["edition"] and r["citation"] and r["attributes"]["可信度"] in "ABC" for r in found)


def test_the_shipped_editions_are_imported_by_name(run):
    assert run("factors", "builtin").loaded == 19
    assert run("factors", "builtin").unchanged == 19
