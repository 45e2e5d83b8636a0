"""Imagery: a GeoTIFF is checked, copied into the data folder and registered with its footprint."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import rasterio
import shapely
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from importers.base import FILE, ROW, Found, Importer, Options, Target
from importers.messages import bad_input
from layers.basemap import Imagery as Picture
from layers.labels import Text
from layers.problems import BadInput

FOLDER = "imagery"


class Imagery(Importer):
    """Orthophotos and other georeferenced rasters."""

    kind, title = "imagery", Text("影像", "Imagery")
    description = Text("GeoTIFF，复制到数据目录并登记", "GeoTIFF, copied to the data folder")
    layers, aliases = ("imagery",), ("raster",)
    suffixes = (".tif", ".tiff")

    def read(self, files: Sequence[Path], options: Options) -> Found:
        """Check each picture, copy it, and return its footprint."""
        if options.data_dir is None:
            raise BadInput(
                zh="导入影像需要数据目录；请设 ONEMAP_DATA_DIR",
                en="Imagery needs the data folder; set ONEMAP_DATA_DIR",
            )
        rows = [_described(path, options) for path in files]
        frame = gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geom", crs=4326)
        frame[ROW] = 1
        rule = Text("文件名", "the file's name")
        return Found(
            [Target(Picture, frame, geometry_required=True, key_rule=rule, complete=False)]
        )


def _described(path: Path, options: Options) -> dict[str, Any]:
    assert options.data_dir is not None
    try:
        with rasterio.open(path) as picture:
            crs = picture.crs or options.crs
            if crs is None or picture.transform.is_identity:
                raise bad_input(
                    path,
                    "影像没有地理参考；请先配准，或用 --crs 给出坐标系",
                    "the picture is not georeferenced; georeference it, or give --crs",
                )
            # A file that is cut off opens well: its last block does not.
            last = Window(picture.width - 1, picture.height - 1, 1, 1)
            picture.read(1, window=last)
            bounds = transform_bounds(crs, "EPSG:4326", *picture.bounds, densify_pts=21)
            width_m = _width_m(bounds) / picture.width
            taken = _taken(picture.tags().get("TIFFTAG_DATETIME"))
            facts = {"width": picture.width, "height": picture.height, "bands": picture.count}
    except RasterioError as error:
        raise bad_input(
            path,
            f"读不了此影像：{error}；请确认是完整的 GeoTIFF",
            f"the picture cannot be read: {error}; see that it is a whole GeoTIFF",
        ) from error
    relative = _copied(path, options.data_dir, dry_run=options.dry_run)
    return {
        "name": path.stem,
        "source_key": path.name,
        "path": relative,
        "resolution_m": round(width_m, 4),
        "taken_at": taken,
        "geom": shapely.box(*bounds),
        FILE: path.name,
        **{f"attributes.{name}": value for name, value in facts.items()},
    }


def _width_m(bounds: tuple[float, float, float, float]) -> float:
    line = gpd.GeoSeries(
        [shapely.LineString([(bounds[0], (bounds[1] + bounds[3]) / 2),
                             (bounds[2], (bounds[1] + bounds[3]) / 2)])], crs=4326,
    )  # fmt: skip
    return float(line.to_crs(line.estimate_utm_crs()).length.iloc[0])


def _taken(said: str | None) -> datetime | None:
    if not said:
        return None
    try:
        return datetime.strptime(said.strip(), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None  # TIFF leaves the text to the writer; an odd one says nothing


def _copied(path: Path, data_dir: Path, *, dry_run: bool) -> str:
    """Copy the file under its digest, so that a picture is kept once and never half-written."""
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
    relative = Path(FOLDER) / f"{digest}{path.suffix.lower()}"
    target = data_dir / relative
    if target.exists() or dry_run:
        return str(relative)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copyfile(path, fresh)
        fresh.replace(target)
    except OSError as error:
        raise bad_input(
            target,
            f"无法写入数据目录：{error.strerror}；请检查权限和空间",
            f"the data folder cannot be written: {error.strerror}; check its permission and space",
        ) from error
    return str(relative)
