"""The demo's files: the same for a seed, believable, labelled, and true to every planted story."""

from __future__ import annotations

import csv
import hashlib
import json
import struct
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta, timezone

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from openpyxl import load_workbook

from geo.crs import gcj02_to_wgs84
from onemap.demo.estate import make_estate
from onemap.demo.files import write_files
from onemap.demo.stories import stories

CHINA = timezone(timedelta(hours=8))
TOLD = stories()
LIMITS = {"县级正职": 30, "县级副职": 24, "正科级": 18, "副科级": 12, "科级以下": 9}


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        # Which seed and scale they are of stands beside them, when they are whole.
        if path.is_file() and path.name != "已生成.json"
    }


def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(first, tmp_path):
    for name, seed in (("again", 1), ("other", 2)):
        write_files(make_estate(seed, 1.0), tmp_path / name)
    assert digests(tmp_path / "again") == digests(first.folder)
    assert digests(tmp_path / "other") != digests(first.folder)


def test_the_counts_are_near_what_is_promised(first):
    assert len(gpd.read_file(first.folder / "地图/院落.shp")) == 12
    assert len(gpd.read_file(first.folder / "地图/建筑.shp")) == 60
    plans = list((first.folder / "平面图").iterdir())
    assert len(plans) == 54
    assert 24 <= sum(p.suffix == ".zip" for p in plans) <= 30
    assert 2800 <= first.sheet("房间与占用")["房间号"].nunique() <= 3300
    assert len(first.sheet("人员")) == 2500
    assert len(first.sheet("机构")) == 30
    assert len(first.sheet("资产")) == 8000 + 17
    assert len(first.sheet("车辆")) == 80
    assert len(first.sheet("计量表")) == 300
    graph = nx.read_graphml(first.folder / "网络/网络.graphml", force_multigraph=True)
    assert len(graph) == 200
    assert 90_000 <= len(first.tracks()) <= 500_000


def test_the_shapefiles_are_gbk_in_gauss_kruger_zone_40_without_a_cpg(first):
    for name in ("院落", "建筑"):
        path = first.folder / f"地图/{name}.shp"
        assert not path.with_suffix(".cpg").exists()
        assert path.with_suffix(".dbf").read_bytes()[29] == 0x4D
        assert "CGCS2000_3_Degree_GK_Zone_40" in path.with_suffix(".prj").read_text()
        assert all(len(n.encode("gbk")) <= 10 for n in pyogrio.read_info(path)["fields"])
    raw = (first.folder / "地图/建筑.dbf").read_bytes()
    header = struct.unpack("<H", raw[8:10])[0]
    assert "虚构演示数据".encode("gbk") in raw[header:]


def test_everything_lies_in_open_water_of_the_bohai(files):
    west, south, east, north = TOLD["estate"]["box"]
    box = shapely.box(west, south, east, north)
    for path in sorted((files.folder / "地图").glob("*.[gs][ph][kp]*")):
        if path.suffix in (".gpkg", ".shp"):
            bounds = gpd.read_file(path).to_crs(4326).total_bounds
            assert box.contains(shapely.box(*bounds)), path.name
    tracks = files.tracks()
    lon, lat = gcj02_to_wgs84(tracks["经度"], tracks["纬度"])
    assert shapely.contains_xy(box, lon, lat).all()
    cars = files.sheet("车辆")
    assert shapely.contains_xy(box, cars["经度"], cars["纬度"]).all()


def test_every_kind_of_file_says_that_it_is_fiction(first):
    said = (first.folder / "说明.txt").read_text()
    assert "虚构" in said
    assert "Fictional" in said
    for path in (first.folder / "台账").glob("*.xlsx"):
        book = load_workbook(path)
        assert "虚构" in book["说明"]["A2"].value, path.name
    assert first.sheet("机构")["名称"].str.startswith("虚构").all()
    assert gpd.read_file(first.folder / "地图/院落.shp")["名称"].str.startswith("虚构").all()
    assert "虚构" in (first.folder / "网络/网络.graphml").read_text()
    assert first.sheet("人员")["姓名"].str[1].isin(["试", "演"]).all()
    assert first.sheet("车辆")["车牌号"].str.fullmatch(r"演A·D\d{4}").all()


def test_buildings_stand_in_their_site_and_off_the_streets(files):
    sites = gpd.read_file(files.folder / "地图/院落.shp").set_index("名称")
    buildings = gpd.read_file(files.folder / "地图/建筑.shp")
    roads = gpd.read_file(files.folder / "地图/道路.gpkg").to_crs(buildings.crs)
    public = roads[roads["道路等级"] != "内部道路"].union_all()
    for row in buildings.itertuples():
        assert sites.geometry[row.院落].contains(row.geometry), row.楼号
        assert row.geometry.distance(public) > 8, row.楼号
    for k, one in enumerate(buildings.geometry):
        assert not buildings.geometry.iloc[k + 1 :].intersects(one).any()
    assert not gpd.read_file(files.folder / "地图/水域.gpkg").to_crs(sites.crs).union_all(
    ).intersects(sites.union_all())  # fmt: skip


def test_rooms_of_the_plans_lie_in_their_building_do_not_overlap_and_agree_with_the_sheet(first):
    buildings = gpd.read_file(first.folder / "地图/建筑.shp").set_index("楼号").to_crs(4326)
    declared = first.sheet("房间与占用").drop_duplicates("房间号").set_index("房间号")["使用面积"]
    seen = 0
    for path in sorted((first.folder / "平面图").glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            units = gpd.GeoDataFrame.from_features(
                json.loads(archive.read("unit.geojson")), crs=4326
            )
        outline = buildings.geometry[path.name.split(".")[0]].buffer(1e-7)
        assert units.within(outline).all(), path.name
        flat = geometries_flat(units)
        for _, level in flat.groupby(units["level_id"]):
            assert abs(level.area.sum() - level.union_all().area) < 0.05
        areas = flat.area
        assert np.allclose(areas, declared[units["room_number"]].to_numpy(float), atol=0.1)
        seen += len(units)
    assert seen > 1000


def geometries_flat(frame):
    return frame.geometry.to_crs(4528)


def test_osm_plans_have_a_room_for_each_row_of_the_sheet(first):
    sheet = first.sheet("房间与占用").drop_duplicates("房间号")
    for path in sorted((first.folder / "平面图").glob("*.osm"))[:6]:
        root = ET.parse(path).getroot()
        refs = {
            tag.get("v")
            for tag in root.iter("tag")
            if tag.get("k") == "ref" and "-" in tag.get("v")
        }
        assert refs == set(sheet[sheet["楼号"] == path.stem]["房间号"]), path.name
        nodes = {n.get("id") for n in root.iter("node")}
        assert {nd.get("ref") for nd in root.iter("nd")} <= nodes


def test_offices_have_believable_areas_and_people_keep_to_the_standard(files):
    rooms = files.sheet("房间与占用")
    people = files.sheet("人员").set_index("工号")
    offices = rooms[rooms["用途"] == "办公室"].drop_duplicates("房间号")
    assert offices["使用面积"].between(9, 60).all()
    seated = rooms.dropna(subset=["人员工号"]).copy()
    seated["part"] = seated["使用面积"].astype(float) * seated["占用份额"].astype(float)
    total = seated.groupby("人员工号")["part"].sum()
    limit = people["职级"].map(LIMITS)[total.index]
    over = people["姓名"][total.index[total > limit + 1e-6]]
    assert set(over) == {TOLD["over_quota"]["person"], TOLD["looks"]["two_rooms"]["person"]}


def test_story_1_and_2_who_sits_in_what(files):
    rooms = files.sheet("房间与占用")
    people = files.sheet("人员").set_index("工号")

    def inside(number):
        found = rooms[rooms["房间号"] == number]
        named = found["人员工号"].dropna().map(lambda n: tuple(people.loc[n, ["姓名", "职级"]]))
        return float(found["使用面积"].iloc[0]), list(named)

    assert inside("B03-412") == (26.4, [("周试一", "副科级")])
    area, chief = inside("B01-501")
    assert (area, [rank for _, rank in chief]) == (28.0, ["县级正职"])
    area, three = inside("B03-415")
    assert (area, [rank for _, rank in three]) == (26.1, ["科级以下"] * 3)
    two = [inside("B03-408"), inside("B11-203")]
    assert [a for a, _ in two] == [11.2, 9.6]
    assert two[0][1] == two[1][1]
    assert two[0][1][0][1] == "正科级"


def test_story_3_renting_beside_emptiness(files):
    rooms = files.sheet("房间与占用")
    level = rooms[(rooms["楼号"] == "B12") & (rooms["楼层"] == "5层")]
    offices = level[level["用途"] == "办公室"]
    assert len(offices) == 14
    assert round(offices["使用面积"].sum(), 1) == 318.0
    assert set(offices["状态"]) == {"空置"}
    assert {d.date() for d in offices["空置起始"]} == {date(2026, 4, 1)}
    assert level["人员工号"].isna().all()
    leased = rooms[rooms["楼号"] == "B57"]
    assert round(leased.drop_duplicates("房间号")["使用面积"].sum(), 1) == 260.0
    assert leased["人员工号"].nunique() == 22
    people = files.sheet("人员")
    mine = people[people["所属机构"] == "017"]
    assert set(mine["工号"]) == set(leased["人员工号"].dropna())
    assert set(mine["职级"]) == {"科级以下"}
    building = gpd.read_file(files.folder / "地图/建筑.shp").set_index("楼号")
    assert building.loc["B57", "权属"] == "租用"
    active = people[people["状态"] == "在职"]
    assert (~active["工号"].isin(rooms["人员工号"])).sum() == 7


def registers(files):
    return pd.read_csv(files.folder / "能耗/每日表底数.csv", index_col=0)


def test_story_8_and_9_the_meters(files):
    meters = files.sheet("计量表").set_index("表号")
    daily = registers(files)
    daily.index = pd.to_datetime(daily.index).tz_convert("Asia/Shanghai").date
    assert tuple(meters.loc["E-0113", ["楼号", "表位数", "倍率"]]) == ("B07", 5, 40)
    assert daily.loc[date(2026, 6, 18), "E-0113"] == 99942
    assert daily.loc[date(2026, 6, 19), "E-0113"] == 47
    assert (47 - 99942 + 10**5) * 40 == 4200
    silent = daily["E-0144"]
    assert silent[[date(2026, 8, d) for d in (3, 4, 5, 6)]].isna().all()
    gap = silent[date(2026, 8, 7)] - silent[date(2026, 8, 2)]
    assert gap * meters.loc["E-0144", "倍率"] == pytest.approx(19_400, abs=1e-6)
    used = (daily.loc[date(2026, 10, 1)] - daily.loc[date(2026, 9, 1)]) * meters["倍率"]
    subs = meters.index[meters["上级表"] == "E-0113"]
    assert used["E-0113"] == 126_000
    assert used[subs].sum() == pytest.approx(98_280)
    with (files.folder / "能耗/补充读数.csv").open(encoding="utf-8-sig") as extra:
        rows = list(csv.DictReader(extra))
    changed = next(r for r in rows if r["表号"] == "E-0208")
    assert (changed["读数"], changed["旧表止数"]) == ("12.3", "48210.5")
    assert datetime.fromisoformat(changed["抄表时间"]) == datetime(
        2026, 3, 14, 11, 20, tzinfo=CHINA
    )
    zeros = [r["抄表时间"] for r in rows if r["表号"] == "W-0031" and float(r["读数"]) == 0]
    assert [datetime.fromisoformat(t) for t in zeros] == [datetime(2026, 5, 5, 19, tzinfo=UTC)]
    # No other register runs backwards, and no main meter counts less than its items.
    others = daily.drop(columns=["E-0113", "E-0208"])
    assert (others.diff().fillna(0) >= -1e-9).all().all()


def test_story_10_one_cause(files):
    graph = nx.read_graphml(files.folder / "网络/网络.graphml", force_multigraph=True)
    states = Counter(state for _, state in graph.nodes(data="state"))
    assert states["down"] == 1
    cause = graph.nodes["SW-B07-3"]
    assert (cause["state"], cause["state_since"]) == ("down", "2026-10-12T07:42:00+08:00")
    left = graph.subgraph(set(graph) - {"SW-B07-3"})
    dark = set(left) - nx.node_connected_component(left, "S01")
    assert len(dark) == 4
    assert sum(graph.nodes[n]["kind"] == "gateway" for n in dark) == 2
    assert {graph.nodes[n]["state"] for n in dark} == {"unknown"}
    rooms = files.sheet("房间与占用")
    level = rooms[(rooms["楼号"] == "B07") & (rooms["楼层"] == "3层")]
    assert level["房间号"].nunique() == 23
    assert set(cause["serves"].split(";")) == set(level["房间号"])
    assert level["人员工号"].nunique() == 31


def test_story_11_false_redundancy(files):
    graph = nx.read_graphml(files.folder / "网络/网络.graphml", force_multigraph=True)
    ends = {d["name"]: {a, b} for a, b, d in graph.edges(data=True)}
    assert ends["LK-021"] == ends["LK-022"] == {"S01", "S05"}
    ducts = json.loads((files.folder / "网络/管孔.geojson").read_text())["features"]
    shared = [d["properties"] for d in ducts if "LK-021" in d["properties"]["links"]]
    assert shared == [{"name": "GD-014", "links": "LK-021;LK-022"}]
    said = {d["name"]: d.get("ducts") for _, _, d in graph.edges(data=True)}
    assert {name for name, duct in said.items() if duct == "GD-014"} == {"LK-021", "LK-022"}
    sites = {n for n in graph if n.startswith("S") and not n.startswith("SW")}

    def dark(*cut):
        rest = nx.Graph((a, b) for a, b, d in graph.edges(data=True) if d["name"] not in cut)
        rest.add_nodes_from(graph)
        return sites - nx.node_connected_component(rest, "S01")

    assert dark("LK-021") == dark("LK-022") == set()
    assert dark("LK-021", "LK-022") == {"S05", "S06", "S09"}


def test_story_12_the_assets(files):
    assets = files.sheet("资产").set_index("资产编号")
    people = files.sheet("人员").set_index("工号")
    rooms = set(files.sheet("房间与占用")["房间号"])
    laptop = assets.loc["ZC-2023-003417"]
    assert (laptop["所在房间"], laptop["盘点房间"]) == ("B03-412", "B03-418")
    assert laptop["盘点时间"].date() == date(2026, 9, 28)
    holder = people.loc[laptop["保管人"]]
    assert (holder["状态"], holder["离岗日期"].date()) == ("退休", date(2026, 8, 31))
    assert (assets["保管人"] == laptop["保管人"]).sum() == 3
    desks = assets[(assets["所在房间"] == "B09-B101") & (assets["名称"] == "办公桌")]
    assert len(desks) == 46
    assert set(desks["状态"]) == {"闲置"}
    wanted = files.sheet("采购申请").iloc[0]
    assert (wanted["申请机构"], wanted["数量"], wanted["单价"]) == ("012", 40, 1200)
    bad = defaultdict(set)
    located = assets["所在房间"].dropna()
    bad["room"] = set(located.index[~located.isin(rooms)])
    bad["tag"] = set(assets.index[assets["标签号"].duplicated()])
    bad["date"] = set(assets.index[assets["取得日期"].map(lambda v: isinstance(v, str))])
    bad["value"] = set(assets.index[assets["原值"] < 0])
    assert {k: len(v) for k, v in bad.items()} == {"room": 5, "tag": 6, "date": 4, "value": 2}
    assert len(set.union(*bad.values())) == 17
    assert assets.index.is_unique


def test_a_scale_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        make_estate(1, 0.5)
