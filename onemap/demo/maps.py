"""The map files: GBK shapefiles of sites and buildings, GeoPackages of the base map."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from layers.labels import label
from onemap.demo.estate import Estate
from onemap.demo.floors import HEIGHT_M, outline
from onemap.demo.ground import CRS, geometries_to_grid, geometries_to_lonlat
from onemap.demo.stories import LABEL

_DATE = "2026-10-12"
_GBK = 0x4D  # language driver 77: code page 936


def write_maps(estate: Estate, folder: Path) -> None:
    """Write sites and buildings as shapefiles, and the base map as GeoPackages."""
    _shapefile(folder / "院落.shp", *_sites(estate))
    _shapefile(folder / "建筑.shp", *_buildings(estate))
    town = estate.town
    _package(folder / "街区.gpkg", "街区", town.blocks, {
        "编号": [f"JQ-{k + 1:05d}" for k in range(len(town.blocks))],
        "用地": [label("block_use", use) for use in town.block_use],
    })  # fmt: skip
    _package(folder / "绿地.gpkg", "绿地", [g for _, g in town.greens], {
        "编号": [f"LD-{k + 1:05d}" for k in range(len(town.greens))],
        "名称": [name for name, _ in town.greens],
    })  # fmt: skip
    _package(folder / "水域.gpkg", "水域", [w for _, w in town.waters], {
        "编号": [f"SY-{k + 1:05d}" for k in range(len(town.waters))],
        "名称": [name for name, _ in town.waters],
    })  # fmt: skip
    roads = _roads(estate)
    _package(folder / "道路.gpkg", "道路", [r[2] for r in roads], {
        "编号": [f"DL-{k + 1:05d}" for k in range(len(roads))],
        "名称": [r[0] for r in roads],
        "道路等级": [label("road_class", r[1]) for r in roads],
    })  # fmt: skip


def _sites(estate: Estate) -> tuple[list[Any], dict[str, list[Any]]]:
    sites = estate.sites
    return [s.polygon for s in sites], {
        "编号": [s.code for s in sites],
        "名称": [s.name for s in sites],
        "地址": [f"虚构云汀区{s.street}{10 + 2 * k}号" for k, s in enumerate(sites)],
        "土地面积": [round(s.polygon.area, 1) for s in sites],
        "权属": ["自有"] * len(sites),
        "备注": [LABEL] * len(sites),
    }


def _buildings(estate: Estate) -> tuple[list[Any], dict[str, list[Any]]]:
    buildings = estate.buildings
    names = {s.code: s.name for s in estate.sites}
    usable: dict[str, float] = defaultdict(float)
    for room in estate.rooms:
        usable[room.building] += room.area_m2
    shapes = [b.place([outline(b.shape)])[0] for b in buildings]
    built = [round(g.area * (b.above + b.below), 1) for g, b in zip(shapes, buildings, strict=True)]
    return shapes, {
        "楼号": [b.code for b in buildings],
        "名称": [b.name for b in buildings],
        "院落": [names[b.site] for b in buildings],
        "地址": [f"虚构云汀区{b.street}" for b in buildings],
        "用途": [label("building_use", b.use) for b in buildings],
        "权属": [label("tenure", b.tenure) for b in buildings],
        "地上层数": [b.above for b in buildings],
        "地下层数": [b.below for b in buildings],
        "高度": [round(b.above * HEIGHT_M + 0.9, 1) for b in buildings],
        "建筑面积": built,
        "使用面积": [round(usable[b.code], 1) for b in buildings],
        "建成年份": [b.year for b in buildings],
        "备注": [LABEL] * len(buildings),
    }


def _shapefile(path: Path, shapes: list[Any], columns: dict[str, list[Any]]) -> None:
    """Write as survey offices do: GBK texts, its mark in the DBF, and no .cpg beside it."""
    frame = gpd.GeoDataFrame(columns, geometry=list(geometries_to_grid(shapes)), crs=CRS)
    pyogrio.write_dataframe(
        frame, path, driver="ESRI Shapefile", encoding="GBK",
        layer_options={"DBF_DATE_LAST_UPDATE": _DATE},
    )  # fmt: skip
    path.with_suffix(".cpg").unlink(missing_ok=True)
    with path.with_suffix(".dbf").open("r+b") as dbf:
        dbf.seek(29)
        dbf.write(bytes([_GBK]))


def _package(path: Path, layer: str, shapes: list[Any], columns: dict[str, list[Any]]) -> None:
    frame = gpd.GeoDataFrame(columns, geometry=list(geometries_to_lonlat(shapes)), crs="EPSG:4326")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{_DATE}T01:00:00.000Z"})
    try:
        pyogrio.write_dataframe(
            frame, path, layer=layer, driver="GPKG", promote_to_multi=True,
            layer_metadata={"DESCRIPTION": LABEL},
        )  # fmt: skip
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _roads(estate: Estate) -> list[tuple[str, str, Any]]:
    """Return one row per named street: its pieces joined where they meet."""
    pieces: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for name, kind, line in estate.town.roads:
        pieces[name, kind].append(line)
    made = []
    for (name, kind), lines in pieces.items():
        snapped = shapely.set_precision(np.array(lines, dtype=object), 0.001)
        made.append((name, kind, shapely.line_merge(shapely.MultiLineString(list(snapped)))))
    return made
