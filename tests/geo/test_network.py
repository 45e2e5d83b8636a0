"""What a failure leaves in the dark."""

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.network import Network

# S01 feeds S05 by two links, S05 feeds S06, S06 feeds S09; S02 hangs on S01.
RING = Network(
    ["S01", "S02", "S05", "S06", "S09"],
    [
        ("LK-001", "S01", "S02"),
        ("LK-021", "S01", "S05"),
        ("LK-022", "S01", "S05"),
        ("LK-030", "S05", "S06"),
        ("LK-031", "S06", "S09"),
    ],
)


def test_two_links_in_one_duct_are_no_redundancy():
    assert RING.dark(["S01"], down_links=["LK-021"]) == set()
    assert RING.dark(["S01"], down_links=["LK-022"]) == set()
    ducts = {"GD-014": ["LK-021", "LK-022"], "GD-001": ["LK-001"]}
    assert RING.dark_by_group(["S01"], ducts) == {
        "GD-014": {"S05", "S06", "S09"},
        "GD-001": {"S02"},
    }


def test_one_switch_down_is_one_cause_with_four_devices_behind_it():
    devices = [f"AP-{n}" for n in range(4)]
    network = Network(
        ["CORE", "SW-1", "SW-B07-3", *devices],
        [("a", "CORE", "SW-1"), ("b", "SW-1", "SW-B07-3")]
        + [(f"d{n}", "SW-B07-3", device) for n, device in enumerate(devices)],
    )
    assert network.dark(["CORE"], down_nodes=["SW-B07-3"]) == set(devices)
    # The devices report themselves as down too; the switch alone is the cause.
    everything = ["SW-B07-3", *devices[:2]]
    causes = network.causes(["CORE"], down_nodes=everything)
    assert causes == {"SW-B07-3": {"AP-2", "AP-3"}}


def test_a_cut_link_is_a_cause_as_well():
    assert RING.causes(["S01"], down_links=["LK-030", "LK-031"]) == {"LK-030": {"S06"}}


def test_what_several_failures_keep_dark_is_blamed_on_those_before_it():
    # A is freed by X or by W alone; C needs B and (X or W); D only hangs on C.
    links = [("rx", "R", "X"), ("rw", "R", "W"), ("xa", "X", "A"), ("wa", "W", "A"),
             ("ab", "A", "B"), ("bc", "B", "C"), ("cd", "C", "D"), ("ce", "C", "E")]  # fmt: skip
    network = Network("RXWABCDE", links)
    down = ["X", "W", "B", "E"]
    assert network.blame("R", down_nodes=down) == {
        "A": {"X", "W"}, "C": {"B"}, "D": {"B"},
    }  # fmt: skip
    assert RING.blame(["S01"], down_links=["LK-030", "LK-031"]) == {
        "S06": {"LK-030"}, "S09": {"LK-031"},
    }  # fmt: skip
    assert RING.blame(["S01"], down_nodes=["S01"])["S02"] == {"S01"}


def test_a_root_that_is_down_reaches_nothing():
    assert RING.reachable(["S01"], down_nodes=["S01"]) == set()
    assert RING.dark(["S01"], down_nodes=["S01"]) == {"S02", "S05", "S06", "S09"}


def test_what_never_had_a_root_does_not_go_dark():
    network = Network(["R", "A", "lost"], [("l", "R", "A")])
    assert network.dark(["R"], down_links=["l"]) == {"A"}
    assert network.islands() == [{"R", "A"}, {"lost"}]


def test_parallel_links_are_no_bridges_and_single_ones_are():
    assert RING.bridges() == {"LK-001", "LK-030", "LK-031"}
    assert RING.cut_nodes() == {"S01", "S05", "S06"}


def test_a_trace_takes_the_shortest_open_way():
    links = [("ab", "A", "B"), ("ab2", "A", "B"), ("bc", "B", "C"), ("ac", "A", "C")]
    lengths = {"ab": 2.0, "ab2": 1.0, "bc": 1.0, "ac": 5.0}
    network = Network("ABC", links, lengths=lengths)
    path = network.trace("A", "C")
    assert (path.nodes, path.links, path.length) == (("A", "B", "C"), ("ab2", "bc"), 2.0)
    assert network.trace("A", "C", down_links=["ab2"]).links == ("ab", "bc")
    assert network.trace("A", "C", down_nodes=["B"]).links == ("ac",)
    assert network.trace("A", "C", down_nodes=["B"], down_links=["ac"]) is None
    assert network.trace("A", "A").links == ()
    with pytest.raises(KeyError):
        network.trace("A", "Z")


def test_a_link_to_an_unknown_node_is_an_error():
    with pytest.raises(ValueError, match="unknown node"):
        Network(["A"], [("l", "A", "B")])
    with pytest.raises(ValueError, match="twice"):
        Network(["A", "A"], [])
    with pytest.raises(ValueError, match="twice"):
        Network(["A", "B"], [("l", "A", "B"), ("l", "B", "A")])


edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=16)


@settings(max_examples=60)
@given(edges, st.sets(st.integers(0, 7), max_size=3), st.integers(0, 15))
def test_darkness_is_what_removing_the_failed_leaves_apart(pairs, down, cut):
    network = Network(range(8), [(f"L{n}", a, b) for n, (a, b) in enumerate(pairs)])
    dark = network.dark([0], down_nodes=down, down_links=[f"L{cut}"])
    whole, left = nx.MultiGraph(), nx.MultiGraph()
    for graph in (whole, left):
        graph.add_nodes_from(range(8))
        graph.add_edges_from((a, b, n) for n, (a, b) in enumerate(pairs))
    left.remove_edges_from([(*pairs[cut], cut)] if cut < len(pairs) else [])
    left.remove_nodes_from(down)
    still = set(nx.node_connected_component(left, 0)) if 0 in left else set()
    assert dark == set(nx.node_connected_component(whole, 0)) - still - down


@settings(max_examples=60)
@given(edges, st.sets(st.integers(0, 7), max_size=3), st.sets(st.integers(0, 15), max_size=3))
def test_a_dark_node_is_blamed_on_every_failure_whose_repair_alone_frees_it(pairs, down, cut):
    links = [(f"L{n}", a, b) for n, (a, b) in enumerate(pairs)]
    network = Network(range(8), links)
    cut = {f"L{n}" for n in cut if n < len(pairs)}
    blamed = network.blame([0], down_nodes=down, down_links=cut)
    assert blamed.keys() == network.dark([0], down_nodes=down, down_links=cut)
    freed = network.causes([0], down_nodes=down, down_links=cut)
    for node, causes in blamed.items():
        alone = {each for each, nodes in freed.items() if node in nodes}
        assert causes == alone if alone else causes


@settings(max_examples=60)
@given(edges)
def test_a_bridge_is_a_link_whose_loss_makes_one_more_island(pairs):
    links = [(n, a, b) for n, (a, b) in enumerate(pairs)]
    network = Network(range(8), links)
    count = len(network.islands())
    for link in links:
        without = Network(range(8), [other for other in links if other != link])
        assert (len(without.islands()) > count) == (link[0] in network.bridges())


def test_cernet_has_41_nodes_in_its_main_island(shared_data):
    graph = nx.read_graphml(shared_data / "network/topologyzoo/Cernet.graphml")
    links = [(n, a, b) for n, (a, b, *_) in enumerate(graph.edges)]
    network = Network(graph.nodes, links)
    assert len(links) == 59
    assert len(network.islands()[0]) == 41
    simple = nx.Graph(graph)
    assert len(network.cut_nodes()) == len(set(nx.articulation_points(simple)))
