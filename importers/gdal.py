"""Reading with GDAL: layers, texts in their encoding, tags, and what is broken said clearly."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
from pyogrio.errors import (
    CRSError,
    DataLayerError,
    DataSourceError,
    FeatureError,
    FieldError,
    GeometryError,
)

from importers.base import Options
from importers.guarded import check, check_width
from importers.messages import bad_input

OSM_SUFFIXES: Final = (".pbf", ".osm")
_OSM_CONFIG: Final = Path(__file__).parent / "data" / "osm.ini"
_SAMPLE_BYTES: Final = 4 << 20
# OSError is what Arrow says of a feature that cannot be read.
_UNREADABLE: Final = (
    CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError,
    pa.ArrowException, OSError, ValueError,
)  # fmt: skip


@dataclass
class Read:
    """One layer of a file: its rows (`geom` and the file's own columns) and what was decided."""

    frame: gpd.GeoDataFrame
    layer: str
    encoding: str | None = None
    ignored: tuple[str, ...] = ()


def is_osm(path: Path) -> bool:
    """Tell whether a file is OpenStreetMap data (``.osm``, ``.osm.pbf``)."""
    return path.suffix.lower() in OSM_SUFFIXES


def read(path: Path, options: Options, osm_layers: tuple[str, ...]) -> Read:
    """Read one layer of a file.

    Parameters
    ----------
    osm_layers : which of GDAL's layers of OpenStreetMap data hold what is wanted.

    Raises
    ------
    BadInput : the file is none that GDAL reads, parts of it are missing, or it is cut off.
    """
    if path.suffix.lower() in (".shp", ".dbf", ".shx"):
        path = path.with_suffix(".shp")
        _check_shapefile(path)
    check(path)
    try:
        if is_osm(path):
            return _read_osm(path, osm_layers)
        return _read(path, options)
    except _UNREADABLE as error:
        raise bad_input(
            path,
            f"GDAL 读不了此文件：{_first_line(error)}；请确认文件完整、格式受支持",
            f"GDAL cannot read this file: {_first_line(error)}; see that it is whole and of a "
            "known format",
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _read(path: Path, options: Options) -> Read:
    layers = pyogrio.list_layers(path)
    if len(layers) == 0:
        raise bad_input(path, "文件里没有图层", "there is no layer in the file")
    names = [str(row[0]) for row in layers]
    spatial = [str(row[0]) for row in layers if row[1] is not None]
    chosen = options.layer or (spatial or names)[0]
    if chosen not in names:
        raise bad_input(
            path, f"没有图层“{chosen}”；有：{'、'.join(names)}",
            f"there is no layer '{chosen}'; there are: {', '.join(names)}",
        )  # fmt: skip
    check_width(path, len(pyogrio.read_info(path, layer=chosen)["fields"]))
    encoding = None
    if path.suffix.lower() == ".shp":
        encoding = options.encoding or dbf_encoding(path.with_suffix(".dbf"))
    frame = _quietly(path, layer=chosen, use_arrow=True, encoding=encoding)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise bad_input(path, "图层没有几何", "the layer has no geometry")
    _check_whole(path, chosen, frame)
    others = tuple(name for name in spatial if name != chosen)
    return Read(_plain(frame), chosen, encoding, others)


def _quietly(path: Path, **how: Any) -> Any:
    # A ring that cannot be built becomes a missing geometry, which is reported row by row.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return pyogrio.read_dataframe(path, on_invalid="ignore", **how)


def _plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame = frame.rename_geometry("geom") if frame.geometry.name != "geom" else frame
    return frame.reset_index(drop=True)


def _check_whole(path: Path, layer: str, frame: gpd.GeoDataFrame) -> None:
    """GDAL stops quietly where a GeoJSON or a shapefile is cut off: compare with its own count."""
    if len(frame) == 0:
        raise bad_input(path, "图层是空的", "the layer is empty")
    promised = pyogrio.read_info(path, layer=layer, force_feature_count=True)["features"]
    if promised > len(frame):
        raise bad_input(
            path,
            f"文件不完整：应有 {promised} 条，只读到 {len(frame)} 条；请重新取得",
            f"the file is cut off: {promised} rows promised, {len(frame)} read; get it anew",
        )


def _check_shapefile(path: Path) -> None:
    """See that the parts of a shapefile are there and as long as their headers say."""
    for suffix, zh, en in ((".shp", "几何", "geometry"), (".shx", "索引", "index"), (".dbf", "属性", "attributes")):  # noqa: E501  # fmt: skip
        part = path.with_suffix(suffix)
        if not part.exists() and not path.with_suffix(suffix.upper()).exists():
            raise bad_input(
                path, f"缺少 {part.name}（{zh}）；请与 .shp 放在同一文件夹",
                f"{part.name} ({en}) is missing; put it beside the .shp", part=suffix,
            )  # fmt: skip
    for suffix in (".shp", ".shx"):
        part = path.with_suffix(suffix)
        if not part.exists():
            continue
        head = part.read_bytes()[:100] if part.stat().st_size < 100 else _head(part, 100)
        if len(head) < 100 or head[:4] != b"\x00\x00\x27\x0a":
            raise bad_input(
                part, "不是 Shapefile，或文件头已损坏", "no shapefile, or its head is broken"
            )
        said = struct.unpack(">i", head[24:28])[0] * 2
        _cut_off(part, said)
    dbf = path.with_suffix(".dbf")
    if dbf.exists():
        head = _head(dbf, 32)
        if len(head) < 32:
            raise bad_input(dbf, "文件头不完整", "its head is cut off")
        count, header, record = struct.unpack("<IHH", head[4:12])
        _cut_off(dbf, header + count * record)


def _cut_off(part: Path, said: int) -> None:
    size = part.stat().st_size
    if size < said:
        raise bad_input(
            part,
            f"文件不完整：应有 {said} 字节，实际 {size} 字节；请重新取得整套文件",
            f"the file is cut off: {said} bytes promised, {size} there; get the whole set anew",
        )


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def dbf_encoding(path: Path) -> str | None:
    """Return the encoding of a DBF's texts by what they are, whatever its marks say.

    A code page mark (.cpg, LDID) is often wrong or missing in Chinese files, so the texts decide:
    UTF-8 where all of them are, else GB18030 (a superset of GBK) where they are that, else what
    the marks say (None leaves it to GDAL).
    """
    if not path.exists():
        return None
    cells = list(_dbf_cells(path))
    if all(cell.isascii() for cell in cells):
        return None
    wrong = {name: sum(not _decodes(cell, name) for cell in cells) for name in ("utf-8", "gb18030")}
    if wrong["utf-8"] == 0:
        return "UTF-8"
    if wrong["gb18030"] <= len(cells) // 100:
        return "GB18030"
    return None


def _dbf_cells(path: Path) -> Iterator[bytes]:
    data = _head(path, _SAMPLE_BYTES)
    count, header, record = struct.unpack("<IHH", data[4:12])
    texts, offset = [], 1
    for start in range(32, header - 32, 32):
        name, kind, width = (
            data[start : start + 11],
            data[start + 11 : start + 12],
            data[start + 16],
        )
        if name[:1] == b"\r":
            break
        yield name.split(b"\0")[0]
        if kind == b"C":
            texts.append((offset, width))
        offset += width
    for row in range(min(count, (len(data) - header) // max(record, 1))):
        base = header + row * record
        for start, width in texts:
            cell = data[base + start : base + start + width].rstrip(b" \0")
            if cell:
                yield cell


def _decodes(cell: bytes, encoding: str) -> bool:
    # A text that fills its field may have been cut inside a character.
    for cut in range(4):
        with contextlib.suppress(UnicodeDecodeError):
            cell[: len(cell) - cut].decode(encoding)
            return True
    return False


def _read_osm(path: Path, layers: tuple[str, ...]) -> Read:
    frames = []
    with _osm_config():
        present = {str(row[0]) for row in pyogrio.list_layers(path)}
        for layer in layers:
            frame = _quietly(path, layer=layer, use_arrow=False)
            if len(frame):
                frames.append(_tags(frame, layer))
    if not frames:
        raise bad_input(path, "文件里没有可用的要素", "there is nothing of use in the file")
    whole = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), geometry="geom", crs=4326)
    ignored = tuple(sorted(present & {"points"}))
    return Read(whole, "+".join(layers), "UTF-8", ignored)


def _tags(frame: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """Return one column per tag (missing where an element has it not) and the element's key."""
    tags = pd.DataFrame([_tag_values(each) for each in frame["all_tags"]], dtype=object)
    if layer == "multipolygons":
        way = frame["osm_way_id"].astype("str")
        key = np.where(
            frame["osm_way_id"].notna(), "way/" + way, "relation/" + frame["osm_id"].astype("str")
        )
    else:
        key = "way/" + frame["osm_id"].astype("str")
    tags.insert(0, "@id", key)
    return gpd.GeoDataFrame(tags, geometry=frame.geometry.to_numpy(), crs=4326).rename_geometry(
        "geom"
    )


def _tag_values(said: object) -> dict[str, str]:
    if isinstance(said, str):
        said = json.loads(said)
    return said if isinstance(said, dict) else {}


@contextlib.contextmanager
def _osm_config() -> Iterator[None]:
    # GDAL reads its OSM settings from a file; INTERLEAVED reading is off, one layer at a time.
    pyogrio.set_gdal_config_options({"OSM_CONFIG_FILE": os.fspath(_OSM_CONFIG)})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OSM_CONFIG_FILE": None})


def texts(frame: pd.DataFrame) -> list[str]:
    """Return the names of the columns beside the geometry."""
    return [str(name) for name in frame.columns if name != "geom"]


__all__: list[Any] = ["Read", "dbf_encoding", "is_osm", "read", "texts"]
