"""Real and small networks; expected values were read from the GraphML by xml.etree and by hand."""

from __future__ import annotations

import json

import pytest
import shapely
import sqlalchemy as sa

from layers.problems import BadInput


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
