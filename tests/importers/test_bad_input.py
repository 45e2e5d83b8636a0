"""Files that cannot be used: each says what is wrong and what to do, and nothing is loaded."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from importers.gdal import dbf_encoding
from importers.plans.archive import MAX_TOTAL_BYTES
from importers.registry import importer_of
from layers.problems import BadInput, NotFound


@pytest.fixture
def palace(shared_data, tmp_path) -> Path:
    """A copy of the GBK shapefile that a test may damage."""
    for part in (shared_data / "buildings" / "derived_cgcs2000_gbk").iterdir():
        shutil.copy(part, tmp_path / f"palace{part.suffix}")
    return tmp_path / "palace.shp"


def _refused(run, rows, kind: str, path: Path, **options: object) -> BadInput:
    with pytest.raises(BadInput) as caught:
        run(kind, path, **options)
    for table in ("building", "asset", "import_batch", "quarantine"):
        assert rows(table) == []
    problem = caught.value
    assert problem.text.zh
    assert problem.text.en
    return problem


@pytest.mark.parametrize("part", [".shp", ".shx", ".dbf"])
def test_a_truncated_shapefile_is_refused(run, rows, palace, part):
    file = palace.with_suffix(part)
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    problem = _refused(run, rows, "buildings", palace)
    assert "cut off" in problem.text.en
    assert "文件不完整" in problem.text.zh
    assert problem.details["file"] == file.name


@pytest.mark.parametrize("part", [".shx", ".dbf"])
def test_a_shapefile_with_a_part_missing_names_the_part(run, rows, palace, part):
    palace.with_suffix(part).unlink()
    assert f"palace{part}" in _refused(run, rows, "buildings", palace).text.zh


def test_a_file_without_a_coordinate_system_is_not_placed_on_a_guess(run, rows, shared_data):
    path = shared_data / "buildings" / "tongji" / "同济新村房屋.shp"
    assert "--crs" in _refused(run, rows, "buildings", path).text.en


def test_a_coordinate_system_that_cannot_be_true_is_refused(run, rows, shared_data):
    path = shared_data / "buildings" / "xian80_gbk_trap" / "townshp.shp"
    problem = _refused(run, rows, "blocks", path)
    assert problem.details["field"] == "crs"


def test_degrees_declared_as_metres_are_refused(run, rows, shared_data):
    path = shared_data / "buildings" / "tsinghua" / "buildings.geojson"
    assert "EPSG:4528" in _refused(run, rows, "buildings", path, crs="EPSG:4528").text.en


def test_texts_of_an_unmarked_dbf_are_read_as_gbk(shared_data):
    assert dbf_encoding(shared_data / "buildings" / "xian80_gbk_trap" / "townshp.dbf") == "GB18030"


def test_an_unknown_kind_lists_the_known_ones():
    with pytest.raises(NotFound) as caught:
        importer_of("bildings")
    assert "buildings" in caught.value.text.zh


def test_an_empty_file_is_refused(run, rows, tmp_path):
    path = tmp_path / "nothing.geojson"
    path.touch()
    assert "空" in _refused(run, rows, "buildings", path).text.zh


def test_a_geojson_without_features_is_refused(run, rows, tmp_path):
    path = tmp_path / "none.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    assert "空" in _refused(run, rows, "buildings", path).text.zh


def test_a_file_that_is_cut_off_in_the_middle_is_refused(run, rows, shared_data, tmp_path):
    path = tmp_path / "cut.geojson"
    whole = (shared_data / "buildings" / "tsinghua" / "buildings.geojson").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    _refused(run, rows, "buildings", path)


def test_a_workbook_that_is_none_is_refused(run, rows, tmp_path):
    path = tmp_path / "assets.xlsx"
    path.write_bytes(b"this is no workbook")
    assert ".xlsx" in _refused(run, rows, "assets", path).text.zh


def test_a_sheet_with_a_heading_alone_is_refused(run, rows, tmp_path):
    path = tmp_path / "assets.csv"
    path.write_text("资产编号,资产名称\n", encoding="utf-8")
    assert "没有数据行" in _refused(run, rows, "assets", path).text.zh


def test_a_missing_file_is_refused(run, rows, tmp_path):
    assert "不存在" in _refused(run, rows, "assets", tmp_path / "none.csv").text.zh


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_refused(run, rows, tmp_path):
    path = tmp_path / "assets.csv"
    path.write_text("资产编号\n1\n", encoding="utf-8")
    path.chmod(0)
    assert "权限" in _refused(run, rows, "assets", path).text.zh


def test_an_unreadable_file_says_so_whoever_reads_it(run, rows, tmp_path, monkeypatch):
    path = tmp_path / "assets.csv"
    path.write_text("资产编号\n1\n", encoding="utf-8")

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "权限" in _refused(run, rows, "assets", path).text.zh


def test_a_given_column_that_is_not_there_lists_those_that_are(run, rows, tmp_path):
    path = tmp_path / "assets.csv"
    path.write_text("资产编号,资产名称\nA1,桌\n", encoding="utf-8")
    problem = _refused(run, rows, "assets", path, mapping={"tag": "标签"})
    assert "资产编号" in problem.text.zh


def test_an_unknown_owning_body_is_refused(run, rows, tmp_path):
    path = tmp_path / "assets.csv"
    path.write_text("资产编号,资产名称\nA1,桌\n", encoding="utf-8")
    assert _refused(run, rows, "assets", path, body="999").details["value"] == "999"


@pytest.mark.parametrize("kind", ["assets", "meters", "network"])
def test_a_workbook_that_unpacks_to_too_much_is_refused(run, rows, kind, tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        with made.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member:
            for _ in range(MAX_TOTAL_BYTES // 2**20 + 1):
                member.write(bytes(2**20))
    problem = _refused(run, rows, kind, path)
    assert "MiB" in problem.text.en
