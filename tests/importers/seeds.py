"""Small valid files of every format, made by other libraries than those that read them."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import osmium
import rasterio
import shapely
import xlsxwriter
from osmium.osm import mutable
from rasterio.transform import from_origin

Maker = Callable[[Path], Path]


def _features(folder: Path, suffix: str, driver: str) -> Path:
    path = folder / f"palace{suffix}"
    squares = [shapely.box(116.3 + n / 1000, 39.9, 116.3005 + n / 1000, 39.9005) for n in range(20)]
    names = [f"{n}号楼" for n in range(20)]
    frame = gpd.GeoDataFrame({"name": names, "height": range(20)}, geometry=squares, crs=4326)
    frame.to_file(path, driver=driver, engine="pyogrio")
    return path


def _sheet(folder: Path) -> Path:
    path = folder / "assets.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["资产编号", "资产名称"])
        writer.writerows([f"A{n}", f"桌 {n}"] for n in range(50))
    return path


def _workbook(folder: Path) -> Path:
    path = folder / "assets.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["资产编号", "资产名称"])
    for n in range(50):
        sheet.write_row(n + 1, 0, [f"A{n}", f"桌 {n}"])
    book.close()
    return path


def _track(folder: Path) -> Path:
    path = folder / "track.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["vehicle", "time", "lon", "lat"])
        for n in range(60):
            writer.writerow(["演A00001", f"2026-10-12 09:{n:02}:00", 116.3 + n / 1000, 39.9])
    return path


def _gpx(folder: Path) -> Path:
    path = folder / "track.gpx"
    points = "".join(
        f'<trkpt lat="39.9" lon="{116.3 + n / 1000}"><time>2026-10-12T01:{n:02}:00Z</time></trkpt>'
        for n in range(60)
    )
    path.write_text(
        '<?xml version="1.0"?><gpx version="1.1" creator="test" '
        f'xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{points}</trkseg></trk></gpx>'
    )
    return path


def _graph(folder: Path) -> Path:
    path = folder / "net.graphml"
    graph = nx.Graph()
    for n in range(20):
        graph.add_node(n, label=f"n{n}", Longitude=116.3 + n / 1000, Latitude=39.9)
    graph.add_edges_from((n, n + 1) for n in range(19))
    nx.write_graphml(graph, path)
    return path


def _osm(folder: Path) -> Path:
    path = folder / "palace.osm"
    corners = [(39.9, 116.3), (39.9, 116.301), (39.901, 116.301), (39.901, 116.3)]
    nodes = "".join(
        f'<node id="{n}" version="1" lat="{lat}" lon="{lon}"/>'
        for n, (lat, lon) in enumerate(corners, 1)
    )
    refs = "".join(f'<nd ref="{n}"/>' for n in (1, 2, 3, 4, 1))
    path.write_text(
        f'<?xml version="1.0"?><osm version="0.6">{nodes}<way id="9" version="1">{refs}'
        '<tag k="building" v="yes"/><tag k="name" v="宫"/></way></osm>',
        encoding="utf-8",
    )
    return path


def _pbf(folder: Path) -> Path:
    path = folder / "palace.osm.pbf"
    corners = [(116.3, 39.9), (116.301, 39.9), (116.301, 39.901), (116.3, 39.901)]
    with osmium.SimpleWriter(str(path)) as writer:
        for n, place in enumerate(corners, 1):
            writer.add_node(mutable.Node(id=n, location=place, version=1))
        tags = {"building": "yes", "name": "宫"}
        writer.add_way(mutable.Way(id=9, nodes=[1, 2, 3, 4, 1], tags=tags, version=1))
    return path


def _imdf(folder: Path) -> Path:
    path = folder / "b03.zip"

    def feature(key: str, shape: shapely.Geometry | None = None, **properties: object) -> object:
        drawn = shape and shapely.geometry.mapping(shape)
        return {"type": "Feature", "id": key, "properties": properties, "geometry": drawn}

    outline = shapely.box(119.6, 38.9, 119.601, 38.901)
    room = shapely.box(119.6, 38.9, 119.6002, 38.9002)
    names: dict[str, object] = {"name": {"zh": "三号楼"}, "alt_name": {"zh": "B03"}}
    rooms: dict[str, object] = {"name": {"zh": "办公室"}, "alt_name": {"zh": "101"}}
    files = {
        "building": feature("b", **names),
        "footprint": feature("f", outline, building_ids=["b"], category="ground"),
        "level": feature("l", ordinal=0, short_name={"zh": "1F"}, building_ids=["b"]),
        "unit": feature("u", room, category="office", level_id="l", **rooms),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("manifest.json", '{"version": "1.0.0", "language": "zh-CN"}')
        for kind, one in files.items():
            collection = {"type": "FeatureCollection", "features": [one]}
            made.writestr(f"{kind}.geojson", json.dumps(collection))
    return path


def _picture(folder: Path) -> Path:
    path = folder / "ortho.tif"
    options = {"driver": "GTiff", "width": 64, "height": 64, "count": 3, "dtype": "uint8"}
    place = from_origin(116.3, 39.9, 1e-5, 1e-5)
    with rasterio.open(path, "w", crs="EPSG:4326", transform=place, **options) as made:
        made.write(np.random.default_rng(1).integers(0, 255, (3, 64, 64), dtype="uint8"))
    return path


SEEDS: dict[str, tuple[str, Maker]] = {
    "geojson": ("buildings", lambda f: _features(f, ".geojson", "GeoJSON")),
    "gpkg": ("buildings", lambda f: _features(f, ".gpkg", "GPKG")),
    "shp": ("buildings", lambda f: _features(f, ".shp", "ESRI Shapefile")),
    "fgb": ("buildings", lambda f: _features(f, ".fgb", "FlatGeobuf")),
    "kml": ("buildings", lambda f: _features(f, ".kml", "KML")),
    "gml": ("buildings", lambda f: _features(f, ".gml", "GML")),
    "osm": ("buildings", _osm),
    "pbf": ("buildings", _pbf),
    "csv": ("assets", _sheet),
    "xlsx": ("assets", _workbook),
    "track": ("tracks", _track),
    "gpx": ("tracks", _gpx),
    "graphml": ("network", _graph),
    "imdf": ("plan", _imdf),
    "tif": ("imagery", _picture),
}
"""By format: the kind that is imported, and who makes a file of it in a folder."""
