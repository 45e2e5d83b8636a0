"""Imagery: a GeoTIFF is checked, copied into the data folder and registered with its footprint."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import rasterio
import shapely
from pyproj import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from geo.crs import CrsRejected, Shift, decide_crs
from importers.base import FILE, ROW, Found, Importer, Issue, Options, Target
from importers.messages import bad_input
from importers.places import confirmed, unplaceable
from layers.basemap import Imagery as Picture
from layers.changes import ChangeSet
from layers.durable import keep
from layers.labels import Text
from layers.problems import BadInput

FOLDER = "imagery"


class Imagery(Importer):
    """Orthophotos and other georeferenced rasters."""

    kind, title = "imagery", Text("影像", "Imagery")
    description = Text("GeoTIFF，复制到数据目录并登记", "GeoTIFF, copied to the data folder")
    layers, aliases = ("imagery",), ("raster",)
    suffixes = (".tif", ".tiff")

    def __init__(self) -> None:
        self._copies: dict[str, _Copy] = {}

    def read(self, files: Sequence[Path], options: Options) -> Found:
        """Check each picture and return its footprint; it is copied when all has gone well."""
        if options.data_dir is None:
            raise BadInput(
                zh="导入影像需要数据目录；请设 ONEMAP_DATA_DIR",
                en="Imagery needs the data folder; set ONEMAP_DATA_DIR",
            )
        found = [_described(path, options) for path in files]
        self._copies = {} if options.dry_run else {str(r["source_key"]): copy for r, copy in found}
        rows = [row for row, _ in found]
        frame = gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geom", crs=4326)
        frame[ROW] = 1
        rule = Text("文件名", "the file's name")
        return Found(
            [Target(Picture, frame, geometry_required=True, key_rule=rule, complete=False)]
        )

    def resolve(self, target: Target, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        """Keep in mind which pictures are good: only those are copied."""
        del target, changes
        good = set(frame["source_key"])
        self._copies = {key: copy for key, copy in self._copies.items() if key in good}
        return frame

    def finish(self, changes: ChangeSet, source: str) -> Iterable[Issue]:
        """Copy the pictures, last of all: an import that fails leaves nothing behind."""
        del changes, source
        for copy in self._copies.values():
            copy.make()
        return ()


@dataclass(frozen=True)
class _Copy:
    """A picture on its way into the data folder, with the place its copy is to bear."""

    path: Path
    target: Path
    sha256: str
    crs: str
    transform: Any

    def make(self) -> None:
        """Copy the file; it is there whole or not at all. What it lacks of its place is written.

        A copy that is there already stays if it is the same; one that was broken is replaced.
        """
        fresh = self.target.with_name(f".{os.getpid()}.{self.target.name}")
        try:
            if self.target.exists() and _sha256(self.target).hexdigest() == self.sha256:
                return
            self.target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.path, fresh)
            with rasterio.open(fresh) as made:
                same = made.crs is not None and made.crs == rasterio.CRS.from_wkt(self.crs)
                placed = same and made.transform == self.transform
            if not placed:
                with rasterio.open(fresh, "r+") as made:
                    made.crs, made.transform = self.crs, self.transform
            keep(fresh)
            fresh.replace(self.target)
            keep(self.target.parent)
        except OSError as error:
            why = error.strerror or str(error)
            raise bad_input(
                self.target,
                f"无法写入数据目录：{why}；请检查权限和空间",
                f"the data folder cannot be written: {why}; check its permission and space",
            ) from error
        finally:
            fresh.unlink(missing_ok=True)


def _crs_of(path: Path, picture: Any, options: Options) -> str:
    """Return the picture's system as WKT: what the user says, else what the file says.

    Raises
    ------
    BadInput : there is none, it is unknown or cannot be true, or it is a shifted one (GCJ-02,
        BD-09), whose pixels would have to be moved one by one.
    """
    said = CRS.from_wkt(picture.crs.to_wkt()) if picture.crs else None
    if (said is None and options.crs is None) or picture.transform.is_identity:
        raise bad_input(
            path,
            "影像没有地理参考；请先配准，或用 --crs 给出坐标系",
            "the picture is not georeferenced; georeference it, or give --crs",
        )
    try:
        decision = decide_crs(options.crs, said, tuple(picture.bounds))
    except CrsRejected as error:
        raise unplaceable(path.name, error.message) from error
    confirmed(decision, options, path.name)
    if decision.crs.shift is not Shift.NONE:
        name = decision.crs.name
        raise bad_input(
            path,
            f"影像不能采用 {name}：它对每个像素的偏移都不同；请先纠正到 WGS 84 或 CGCS2000",
            f"a picture cannot be in {name}, which shifts every pixel differently: warp it to "
            "WGS 84 or CGCS2000 first",
            field="crs",
            value=name,
        )
    return decision.crs.crs.to_wkt()


def _described(path: Path, options: Options) -> tuple[dict[str, Any], _Copy]:
    assert options.data_dir is not None
    try:
        with rasterio.open(path, driver="GTiff") as picture:
            crs, transform = _crs_of(path, picture, options), picture.transform
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
    digest = _sha256(path)
    relative = _relative(path, digest.copy(), crs)
    row = {
        "name": path.stem,
        "source_key": path.name,
        "path": relative,
        "resolution_m": round(width_m, 4),
        "taken_at": taken,
        "geom": shapely.box(*bounds),
        FILE: path.name,
        **{f"attributes.{name}": value for name, value in facts.items()},
    }
    return row, _Copy(path, options.data_dir / relative, digest.hexdigest(), crs, transform)


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


def _sha256(path: Path) -> hashlib._Hash:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256")


def _relative(path: Path, digest: hashlib._Hash, crs: str) -> str:
    """Return where the copy goes: by its digest and system, so that a picture is kept once."""
    digest.update(crs.encode())
    return str(Path(FOLDER) / f"{digest.hexdigest()[:16]}{path.suffix.lower()}")
