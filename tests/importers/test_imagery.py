from __future__ import annotations

import datetime
import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

from layers.problems import BadInput
from tests.support.working import synced


@pytest.fixture
def picture(tmp_path) -> Path:
    """A picture of 100 × 50 pixels of 2 m in UTM zone 50 N."""
    path = tmp_path / "orthophoto.tif"
    profile = {
        "driver": "GTiff", "width": 100, "height": 50, "count": 3, "dtype": "uint8",
        "crs": "EPSG:32650", "transform": from_origin(500_000, 4_300_000, 2, 2),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as made:
        made.write(np.arange(15_000, dtype="uint8").reshape(3, 50, 100))
        made.update_tags(TIFFTAG_DATETIME="2026:05:01 12:00:00")
    return path


def test_a_geotiff_is_copied_and_registered_with_its_footprint(run, rows, picture, tmp_path):
    data = tmp_path / "data"
    assert run("imagery", picture, data_dir=data).loaded == 1
    row = rows("imagery")[0]
    assert (data / row["path"]).read_bytes() == picture.read_bytes()
    assert row["name"] == "orthophoto"
    assert row["resolution_m"] == pytest.approx(2.0, rel=0.01)
    assert row["taken_at"] == datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
    west, _, _, north = shapely.from_wkt(row["wkt"]).bounds
    # Easting 500,000 m is the central meridian of zone 50, 117° E.
    assert (west, north) == (pytest.approx(117.0, abs=1e-9), pytest.approx(38.85, abs=0.01))
    assert run("imagery", picture, data_dir=data).unchanged == 1


def test_a_real_elevation_model_covers_portland(run, rows, shared_data, tmp_path):
    run("imagery", shared_data / "rasters" / "portland-ned.tif", data_dir=tmp_path / "data")
    assert shapely.from_wkt(rows("imagery")[0]["wkt"]).contains(shapely.Point(-122.675, 45.517))


def test_a_picture_that_is_cut_off_is_refused(run, rows, picture, tmp_path):
    picture.write_bytes(picture.read_bytes()[:5_000])
    with pytest.raises(BadInput):
        run("imagery", picture, data_dir=tmp_path / "data")
    assert rows("imagery") == []


def test_a_picture_without_a_place_is_refused(run, tmp_path):
    path = tmp_path / "plain.tif"
    # The smallest TIFF: one grey pixel, no georeference.
    tags = [(256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 1), (279, 4, 1, 1)]  # fmt: skip
    body = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = struct.pack("<2sHI", b"II", 42, 10) + b"\x80\0"
    path.write_bytes(head + struct.pack("<H", len(tags)) + body + b"\0" * 4)
    with pytest.raises(BadInput, match="georeferenced"):
        run("imagery", path, data_dir=tmp_path / "data")


def _unplaced(path: Path) -> Path:
    profile = {
        "driver": "GTiff", "width": 10, "height": 10, "count": 1, "dtype": "uint8",
        "transform": from_origin(500_000, 4_300_000, 2, 2),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as made:
        made.write(np.zeros((1, 10, 10), dtype="uint8"))
    return path


def test_a_declared_system_is_written_into_the_copy(run, rows, tmp_path):
    data = tmp_path / "data"
    run("imagery", _unplaced(tmp_path / "o.tif"), data_dir=data, crs="EPSG:32650")
    with rasterio.open(data / rows("imagery")[0]["path"]) as copy:
        assert copy.crs.to_epsg() == 32650
        assert (copy.bounds.left, copy.bounds.top) == (500_000, 4_300_000)


@pytest.mark.parametrize("crs", ["GCJ-02", "EPSG:99999999", "EPGS:4547"])
def test_a_picture_in_a_shifted_or_unknown_system_is_refused(run, tmp_path, crs):
    with pytest.raises(BadInput):
        run("imagery", _unplaced(tmp_path / "o.tif"), data_dir=tmp_path / "data", crs=crs)
    assert not (tmp_path / "data").exists()


def test_nothing_is_copied_in_a_dry_run_nor_when_another_file_fails(run, picture, tmp_path):
    data = tmp_path / "data"
    run("imagery", picture, data_dir=data, dry_run=True)
    broken = tmp_path / "broken.tif"
    broken.write_bytes(picture.read_bytes()[:5_000])
    with pytest.raises(BadInput):
        run("imagery", picture, broken, data_dir=data)
    assert not data.exists()


def test_a_copy_that_was_cut_off_is_replaced_by_the_next_import(run, rows, picture, tmp_path):
    data = tmp_path / "data"
    run("imagery", picture, data_dir=data)
    copy = data / rows("imagery")[0]["path"]
    copy.write_bytes(picture.read_bytes()[:5_000])
    assert run("imagery", picture, data_dir=data).unchanged == 1
    assert copy.read_bytes() == picture.read_bytes()


def test_a_copy_is_on_the_disk_before_it_bears_its_name(run, rows, picture, tmp_path, monkeypatch):
    data, kept = tmp_path / "data", synced(monkeypatch)
    run("imagery", picture, data_dir=data)
    copy = data / rows("imagery")[0]["path"]
    assert [each for each in kept if each.name.endswith(copy.name) and each != copy]
    assert kept[-1] == copy.parent
    assert not [each for each in copy.parent.iterdir() if each != copy]
