"""Real and small networks; expected values were read from the GraphML by xml.etree and by hand."""

from __future__ import annotations

import json

import pytest
import shapely
import sqlalchemy as sa

from layers.estate import Building, Level, LevelBuilding
from layers.problems import BadInput
from layers.space import Room, RoomLevel
from tests.layers.support import SQUARE, put


@pytest.fixture
def cernet(shared_data):
    return shared_data / "network" / "topologyzoo" / "Cernet.graphml"


def test_cernet_has_41_nodes_and_lists_the_four_without_place(run, rows, cernet):
    report = run("network", cernet)
    loaded = {name: each.loaded for name, each in report.tables.items()}
    assert loaded == {"network_node": 41, "network_link": 59}
    assert report.quarantined == 0
    told = [issue.value for issue in report.issues if issue.reason == "without_place"]
    assert told == ["Japan", "Europe", "N.A", "Korea"]
    nodes = {row["source_key"]: row for row in rows("network_node")}
    # Nodes 0, 21 and 37 of the file.
    for key, name, place in (
        ("0", "Gullin", "POINT(110.28639 25.28194)"),
        ("21", "Beijing", "POINT(116.39723 39.9075)"),
        ("37", "Xi'an", "POINT(108.92861 34.25833)"),
    ):
        assert (nodes[key]["name"], nodes[key]["wkt"]) == (name, place)
    assert sum(row["wkt"] is None for row in nodes.values()) == 4


def test_parallel_links_keep_keys_of_their_own_and_run_straight(run, rows, cernet):
    run("network", cernet)
    links = {row["source_key"]: row for row in rows("network_link")}
    assert len(links) == 59
    pair = [row for key, row in links.items() if key.split("#")[0] == "21-37"]
    assert len(pair) == 2
    assert {row["capacity_mbps"] for row in pair} == {155.0}
    assert links["39-40"]["capacity_mbps"] == 2.0
    line = shapely.from_wkt(pair[0]["wkt"])
    assert list(line.coords) == [(116.39723, 39.9075), (108.92861, 34.25833)]


@pytest.mark.parametrize("name", ["Cernet", "Cesnet201006", "Uninett2011"])
def test_a_second_import_of_a_network_adds_nothing(run, shared_data, database, name):
    path = shared_data / "network" / "topologyzoo" / f"{name}.graphml"
    first = run("network", path)
    assert first.quarantined == 0
    count = sa.text("SELECT count(*) FROM change")
    with database.engine.connect() as connection:
        before = connection.scalar(count)
    again = run("network", path)
    assert (again.loaded, again.updated, again.unchanged) == (0, 0, first.loaded)
    with database.engine.connect() as connection:
        assert connection.scalar(count) == before


def test_sheets_of_nodes_and_links_bring_states_roots_and_shared_ducts(run, rows, tmp_path):
    (tmp_path / "nodes.csv").write_text(
        "编号,名称,类型,状态,根节点,经度,纬度\n"
        "S01,核心,核心,正常,是,119.60,38.90\nS05,五区,交换机,故障,否,119.61,38.90\n",
        encoding="utf-8",
    )
    (tmp_path / "links.csv").write_text(
        "编号,甲端节点,乙端节点,类型,带宽,管孔\n"
        "LK-021,S01,S05,光纤,10G,GD-014\nLK-022,S01,S05,光缆,1000,GD-014；GD-015\n",
        encoding="utf-8",
    )
    report = run("network", tmp_path / "nodes.csv", tmp_path / "links.csv", crs="EPSG:4326")
    assert report.quarantined == 0
    core, fifth = rows("network_node")
    assert (core["root"], core["kind"], core["state"]) == (True, "core", "up")
    assert (fifth["root"], fifth["kind"], fifth["state"]) == (False, "switch", "down")
    links = rows("network_link")
    assert [row["capacity_mbps"] for row in links] == [10_000.0, 1000.0]
    assert [row["kind"] for row in links] == ["fibre", "fibre"]
    assert sorted(row["name"] for row in rows("duct")) == ["GD-014", "GD-015"]
    assert len(rows("link_duct")) == 3


def test_lines_without_ends_are_ducts(run, rows, tmp_path):
    line = {"type": "LineString", "coordinates": [[119.6, 38.9], [119.61, 38.9]]}
    content = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {"name": "GD-014"}, "geometry": line}],
    }
    (tmp_path / "gd.geojson").write_text(json.dumps(content), encoding="utf-8")
    run("network", tmp_path / "gd.geojson")
    assert rows("duct")[0]["wkt"] == "LINESTRING(119.6 38.9,119.61 38.9)"


def test_a_link_to_an_unknown_node_is_quarantined(run, rows, tmp_path):
    (tmp_path / "net.graphml").write_text(
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">'
        '<node id="a"/><node id="b"/><edge source="a" target="b"/><edge source="a" target="c"/>'
        "</graph></graphml>",
        encoding="utf-8",
    )
    report = run("network", tmp_path / "net.graphml")
    assert (len(rows("network_link")), report.quarantined) == (1, 1)
    assert rows("quarantine")[0]["reasons"][0]["value"] == "c"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("cut.graphml", "<graphml><graph><node id=", "no complete GraphML"),
        ("bomb.graphml", "<!DOCTYPE g [<!ENTITY a 'x'>]><graphml>&a;</graphml>", "no complete"),
        ("other.graphml", "<svg/>", "no GraphML"),
        ("none.graphml", "<graphml/>", "no nodes"),
        ("empty.csv", "", "empty"),
        ("colours.csv", "colour,shade\nred,dark\n", "neither columns"),
    ],
)
def test_a_file_that_is_no_network_is_refused_whole(run, rows, tmp_path, name, text, said):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=said) as problem:
        run("network", tmp_path / name)
    assert problem.value.text.zh != problem.value.text.en
    assert rows("network_node") == []


def test_a_link_that_moves_to_another_duct_leaves_the_old_one(run, rows, tmp_path):
    path = tmp_path / "net.csv"
    head = "id,a_node,b_node,duct\n"
    (tmp_path / "nodes.csv").write_text("id,name\n1,甲\n2,乙\n", encoding="utf-8")
    run("network", tmp_path / "nodes.csv")
    for duct in ("G1", "G2"):
        path.write_text(head + f"L1,甲,乙,{duct}\n", encoding="utf-8")
        run("network", path)
    ducts = {row["id"]: row["name"] for row in rows("duct")}
    assert [ducts[row["duct_id"]] for row in rows("link_duct")] == ["G2"]


def served(rows):
    nodes = {row["id"]: row["source_key"] for row in rows("network_node")}
    numbers = {row["id"]: row["number"] for row in rows("room")}
    return sorted((nodes[r["node_id"]], numbers[r["room_id"]]) for r in rows("node_room"))


@pytest.fixture
def rooms(database):
    """Rooms 101 and 102 in B1, and another 102 in B2."""
    with database.engine.begin() as c:
        for code, numbers in (("B1", ("101", "102")), ("B2", ("102",))):
            building = put(c, Building, name=code, code=code, geom=SQUARE)
            level = put(c, Level, source_key=code, ordinal=0, geom=SQUARE)
            put(c, LevelBuilding, level_id=level, building_id=building)
            for number in numbers:
                room = put(c, Room, source_key=f"{code}-{number}", number=number)
                put(c, RoomLevel, room_id=room, level_id=level)


def test_the_rooms_that_a_node_serves_are_links_and_no_attribute(run, rows, rooms, tmp_path):
    path = tmp_path / "nodes.csv"
    path.write_text("id,name,building,serves\nS1,甲,B1,101; 102\nS2,乙,B2,102\n", encoding="utf-8")
    report = run("network", path)
    assert report.quarantined == 0
    assert served(rows) == [("S1", "101"), ("S1", "102"), ("S2", "102")]
    assert len({row["room_id"] for row in rows("node_room")}) == 3
    assert all(row["attributes"] == {} for row in rows("network_node"))
    again = run("network", path)
    assert (again.loaded, again.updated) == (0, 0)
    assert len(rows("node_room")) == 3


def test_a_room_that_is_not_known_or_means_two_waits_and_says_what_to_do(
    run, rows, rooms, tmp_path
):
    path = tmp_path / "nodes.csv"
    path.write_text("id,name,服务房间\nS1,甲,101；999\nS2,乙,102\n", encoding="utf-8")
    report = run("network", path)
    assert served(rows) == [("S1", "101")]
    assert len(rows("network_node")) == 2
    told = {i.row: i for i in report.issues if i.field == "room_id"}
    assert {row: (i.value, i.reason) for row, i in told.items()} == {
        2: ("999", "unknown_reference"),
        3: ("102", "ambiguous_reference"),
    }
    assert "import it first" in told[2].en
    assert "unique number" in told[3].en


def test_a_newer_file_takes_back_the_rooms_that_a_node_no_longer_serves(run, rows, rooms, tmp_path):
    path = tmp_path / "nodes.csv"
    run_of = {}
    for serves in ("101;102", "101", None, ""):
        head, cell = (",serves", f",{serves}") if serves is not None else ("", "")
        path.write_text(f"id,building{head}\nS1,B1{cell}\n", encoding="utf-8")
        run("network", path)
        run_of[serves] = [number for _, number in served(rows)]
    # A file without the column says nothing of it; an empty cell says that there is none.
    assert run_of == {"101;102": ["101", "102"], "101": ["101"], None: ["101"], "": []}
