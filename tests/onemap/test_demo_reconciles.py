"""Every layer of the demo has one number: of the files, the list, the map, the export, OGC, client.

The counts of the files are made with other readers than the importers'.
"""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import mapbox_vector_tile
import networkx as nx
import pandas as pd
import pytest
from openpyxl import load_workbook

from geo.tiling import tile_at
from importers.records import builtin
from layers.registry import LAYERS
from onemap.client import Client
from onemap.clock import demo_clock
from onemap.demo.stories import stories
from tests.support.live import listening

pytestmark = pytest.mark.slow
NAMES = [each.name for each in LAYERS]
WEST, SOUTH, EAST, NORTH = stories()["estate"]["box"]
# Found in the positions by the importer: no file has them.
DERIVED = ("trips", "stops")


@pytest.fixture(scope="module")
def address(demo: Any) -> Iterator[str]:
    clock = demo_clock(datetime.now(UTC))
    with listening(demo.database.app_url, now=clock.now) as url:
        yield url.rstrip("/")


@pytest.fixture(scope="module")
def counts(demo: Any) -> dict[str, int]:
    """Return how many rows each layer should have, counted in the files."""
    folder = demo.files
    rooms = sheet(folder, "房间与占用")
    graph = nx.read_graphml(folder / "网络/网络.graphml", force_multigraph=True)
    found = {
        "imagery": 0,
        "sites": len(gpd.read_file(folder / "地图/院落.shp")),
        "buildings": len(gpd.read_file(folder / "地图/建筑.shp")),
        "blocks": len(gpd.read_file(folder / "地图/街区.gpkg")),
        "greens": len(gpd.read_file(folder / "地图/绿地.gpkg")),
        "waters": len(gpd.read_file(folder / "地图/水域.gpkg")),
        "roads": len(gpd.read_file(folder / "地图/道路.gpkg")),
        "rooms": rooms["房间号"].nunique(),
        "levels": len(rooms.drop_duplicates(["楼号", "楼层"])),
        "occupancies": int(rooms["人员工号"].notna().sum()),
        "openings": openings(folder),
        "bodies": len(sheet(folder, "机构")),
        "persons": len(sheet(folder, "人员")),
        "purchase_requests": len(sheet(folder, "采购申请")),
        "assets": len(sheet(folder, "资产")) - sum(stories()["assets"]["bad_rows"].values()),
        "vehicles": len(sheet(folder, "车辆")),
        "meters": len(sheet(folder, "计量表")),
        "readings": readings(folder),
        "positions": positions(folder),
        "network_nodes": len(graph),
        "network_links": graph.number_of_edges(),
        "ducts": len(json.loads((folder / "网络/管孔.geojson").read_text())["features"]),
    }
    for layer, kind in (("factors", "factors"), ("area_standards", "area-standards")):
        found[layer] = len(pd.read_csv(builtin(kind)))
    return found


def sheet(folder: Path, name: str) -> pd.DataFrame:
    book = load_workbook(folder / "台账" / f"{name}.xlsx", read_only=True)
    head, *rows = book.worksheets[0].iter_rows(values_only=True)
    return pd.DataFrame([[*r, *[None] * (len(head) - len(r))] for r in rows], columns=head)


def openings(folder: Path) -> int:
    """Count the doors of the plans: IMDF openings, and nodes with a door in OSM."""
    number = 0
    for path in (folder / "平面图").iterdir():
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                number += len(json.loads(archive.read("opening.geojson"))["features"])
        else:
            nodes = ET.parse(path).getroot().iter("node")
            number += sum(any(t.get("k") == "door" for t in n.iter("tag")) for n in nodes)
    return number


def readings(folder: Path) -> int:
    daily = pd.read_csv(folder / "能耗/每日表底数.csv", index_col=0)
    extra = pd.read_csv(folder / "能耗/补充读数.csv")
    moments = pd.to_datetime(pd.Series(daily.index), utc=True)
    known = {
        (meter, moment)
        for meter in daily.columns
        for moment in moments[daily[meter].notna().to_numpy()]
    }
    out_of_turn = zip(extra["表号"], pd.to_datetime(extra["抄表时间"], utc=True), strict=True)
    return len(known | set(out_of_turn))


def positions(folder: Path) -> int:
    frames = [pd.read_csv(path) for path in sorted((folder / "轨迹").glob("*.csv"))]
    return len(pd.concat(frames).drop_duplicates(["车牌号", "定位时间"]))


def on_the_map(address: str, layer: str, zoom: int = 10) -> int:
    """Add up the marks of every tile of the district at a zoom."""
    west, south = (int(each) for each in tile_at(WEST, SOUTH, zoom))
    east, north = (int(each) for each in tile_at(EAST, NORTH, zoom))
    number = 0
    for x in range(west, east + 1):
        for y in range(north, south + 1):
            answer = httpx.get(f"{address}/lists/{layer}/tiles/{zoom}/{x}/{y}", timeout=60)
            if answer.status_code == 200:
                tile = mapbox_vector_tile.decode(answer.content)
                number += sum(f["properties"]["n"] for f in tile["list"]["features"])
    return number


@pytest.mark.parametrize("layer", NAMES)
def test_list_map_export_ogc_client_and_files_have_the_same_number(
    layer: str, address: str, counts: dict[str, int]
):
    listed = httpx.get(f"{address}/lists/{layer}", timeout=60).json()
    total = listed["total"]
    if layer in DERIVED:
        assert total > 0
    else:
        assert total == counts[layer]
    assert on_the_map(address, layer) == listed["on_map"]
    assert listed["on_map"] + sum(each["count"] for each in listed["off_map"]) == total
    exported = httpx.get(f"{address}/lists/{layer}/export?format=csv", timeout=120)
    lines = csv.reader(io.StringIO(exported.content.decode("utf-8-sig")))
    assert sum(1 for _ in lines) - 1 == total
    page = httpx.get(f"{address}/ogc/collections/{layer}/items?limit=1", timeout=60).json()
    assert page["numberMatched"] == total
    with Client(address) as client:
        assert len(client.read(layer)) == total
