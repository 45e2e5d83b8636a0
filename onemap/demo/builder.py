"""Building the demo: the files are written, then imported by the importers that users have."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from importers.base import Options
from importers.pipeline import run
from importers.records import builtin
from importers.report import Report
from layers import db
from layers.committing import committing
from layers.ticks import Ticks
from onemap.demo import mark
from onemap.demo.edits import make_edits
from onemap.demo.estate import make_estate
from onemap.demo.files import write_files
from onemap.demo.stories import stories
from onemap.trouble import ExitCode, Trouble, say

VERSION = 5
"""Raised when the same seed gives another estate."""

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Step:
    """One import: the kind, its files as patterns below the folder, and what the user would say."""

    kind: str
    patterns: tuple[str, ...]
    source: str
    options: dict[str, Any] = field(default_factory=dict)

    def files(self, folder: Path) -> list[Path]:
        """Return the files, in order of their names."""
        return [path for pattern in self.patterns for path in sorted(folder.glob(pattern))]


STEPS = (
    Step("blocks", ("地图/街区.gpkg",), "虚构云汀区街区"),
    Step("greens", ("地图/绿地.gpkg",), "虚构云汀区绿地"),
    Step("waters", ("地图/水域.gpkg",), "虚构云汀区水域"),
    Step("roads", ("地图/道路.gpkg",), "虚构云汀区道路"),
    Step("bodies", ("台账/机构.xlsx",), "虚构云汀区机构"),
    Step("sites", ("地图/院落.shp",), "虚构云汀区院落"),
    Step("buildings", ("地图/建筑.shp",), "虚构云汀区建筑"),
    Step("plan", ("平面图/*.imdf.zip", "平面图/*.osm"), "虚构云汀区平面图"),
    Step("persons", ("台账/人员.xlsx",), "虚构云汀区人员"),
    Step("rooms", ("台账/房间与占用.xlsx",), "虚构云汀区房间"),
    Step("assets", ("台账/资产.xlsx",), "虚构云汀区资产"),
    Step("purchases", ("台账/采购申请.xlsx",), "虚构云汀区采购申请"),
    Step("network", ("网络/*",), "虚构云汀区网络"),
    Step("meters", ("台账/计量表.xlsx", "能耗/*.csv"), "虚构云汀区能耗", {"crs": "EPSG:4326"}),
    Step("vehicles", ("台账/车辆.xlsx",), "虚构云汀区车辆", {"crs": "EPSG:4326"}),
    Step("tracks", ("轨迹/车辆轨迹_GCJ02.csv",), "虚构云汀区轨迹", {"crs": "GCJ-02"}),
    # What its terminal declares; it is not true, and that is one of the stories.
    Step("tracks", ("轨迹/车辆轨迹_D0061_WGS84.csv",), "虚构云汀区轨迹D0061", {"crs": "EPSG:4326"}),
)
STANDARDS = ("factors", "area-standards")
"""Editions that ship with the service: regulated numbers are real, not invented."""


def write(folder: Path, *, seed: int, scale: float, progress: Progress) -> None:
    """Write the files, unless the same ones lie there already; never leave half of them."""
    wanted = {"seed": seed, "scale": scale, "version": VERSION}
    stamp = folder / "已生成.json"
    if stamp.exists() and json.loads(stamp.read_text(encoding="utf-8")) == wanted:
        return
    for old in (folder, folder.with_name(folder.name + ".tmp")):
        if old.exists():
            shutil.rmtree(old)
    half = folder.with_name(folder.name + ".tmp")
    half.mkdir(parents=True)
    what = say("生成虚构房产的文件", "Writing the files of a fictional estate")
    progress(what, 0, None)
    estate = make_estate(seed, scale)
    write_files(estate, half, lambda done, total: progress(what, done, total))
    (half / stamp.name).write_text(json.dumps(wanted), encoding="utf-8")
    half.rename(folder)


def build(
    owner_url: str,
    folder: Path,
    *,
    seed: int = 1,
    scale: float = 1.0,
    progress: Progress,
    ticks: Ticks | None = None,
) -> list[Report]:
    """Write the demo's files below `folder` and import them into an empty, migrated database.

    Returns
    -------
    The reports of the imports, in order.

    Raises
    ------
    Trouble : the scale is below 1.
    """
    if scale < 1:
        raise Trouble(
            ExitCode.USAGE,
            f"--scale {scale:g} 太小：示例中的故事需要至少 1 倍规模。",
            f"--scale {scale:g} is too small: the stories of the demo need a scale of 1 or more.",
        )
    files = folder / "files"
    write(files, seed=seed, scale=scale, progress=progress)
    engine = db.engine(owner_url)
    try:
        with committing(engine, ticks) as connection:
            mark.start_clock(connection, before=mark.IMPORTING)
        reports = _imports(engine, files, folder, progress, ticks)
        make_edits(owner_url)
        with committing(engine, ticks) as connection:
            label = stories()["estate"]["label"]
            mark.finish(connection, seed=seed, scale=scale, version=VERSION, label=label)
    finally:
        engine.dispose()
    return reports


def _imports(
    engine: sa.Engine, files: Path, data_dir: Path, progress: Progress, ticks: Ticks | None
) -> list[Report]:
    what = say("导入", "Importing")
    plan: list[tuple[str, Sequence[Path], dict[str, Any]]] = [
        (kind, [builtin(kind)], {"source": kind}) for kind in STANDARDS
    ]
    plan += [(s.kind, s.files(files), {"source": s.source, **s.options}) for s in STEPS]
    reports = []
    for done, (kind, paths, options) in enumerate(plan):
        progress(what, done, len(plan))
        reports.append(
            run(
                kind, paths, engine=engine,
                options=Options(data_dir=data_dir, actor="demo", ticks=ticks, **options),
            )
        )  # fmt: skip
    progress(what, len(plan), len(plan))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.execute(sa.text("ANALYZE"))
    return reports
