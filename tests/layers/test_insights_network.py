"""What the panel says of nodes, links and ducts, on two networks that were worked out by hand."""

from __future__ import annotations

import pytest

from layers.access import Actor
from layers.network import Duct, LinkDuct, NetworkLink, NetworkNode
from layers.policy import all_business
from tests.layers.asking import lines, told, value
from tests.layers.failing_network import SINCE, fill
from tests.layers.support import put


@pytest.fixture(scope="module")
def failing(module_database):
    return module_database.engine, fill(module_database.engine)


@pytest.fixture
def ring(database):
    """S01 is the root; two links to S05 share one duct, a third link has a duct of its own."""
    ids = {}
    with database.engine.begin() as c:
        for name, kind in (
            ("S01", "core"), ("S02", "site"), ("S05", "site"), ("S06", "site"), ("S09", "site"),
            ("AP-1", "access_point"),
        ):  # fmt: skip
            ids[name] = put(c, NetworkNode, name=name, kind=kind, state="up", root=name == "S01")
        for name, a, b in (
            ("LK-001", "S01", "S02"), ("LK-021", "S01", "S05"), ("LK-022", "S01", "S05"),
            ("LK-030", "S05", "S06"), ("LK-031", "S05", "S09"), ("LK-040", "S06", "AP-1"),
        ):  # fmt: skip
            ids[name] = put(c, NetworkLink, name=name, a_node_id=ids[a], b_node_id=ids[b],
                            state="up")  # fmt: skip
        for name, carried in (("GD-014", ("LK-021", "LK-022")), ("GD-001", ("LK-001",)),
                              ("GD-099", ())):  # fmt: skip
            ids[name] = put(c, Duct, name=name)
            for link in carried:
                put(c, LinkDuct, link_id=ids[link], duct_id=ids[name])
    return database.engine, ids


def node(world, name, **asked):
    return told(world[0], "network_nodes", "outage", world[1][name], **asked)


def link(world, name):
    return told(world[0], "network_links", "redundancy", world[1][name])


def duct(world, name):
    return told(world[0], "ducts", "redundancy", world[1][name])


def names(said, *of):
    return {line.value for name in of for line in lines(said, name)}


def test_a_failed_node_says_since_when_and_what_lies_behind_it(failing):
    said = node(failing, "X")
    assert said.status == "bad"
    assert value(said, "since") == SINCE
    assert value(said, "age") == 78  # from 07:42 to 09:00
    assert "1 小时 18 分钟" in said.headline.zh
    assert names(said, "node") == {"P", "Q", "G"}
    assert value(said, "unreachable") == 3
    assert (value(said, "rooms"), value(said, "people"), value(said, "gateways")) == (3, 3, 1)
    first = lines(said, "node")[0]
    assert first.link == ("network_nodes", failing[1][first.value])


def test_an_unreachable_node_names_its_cause(failing):
    said = node(failing, "Q")
    assert said.status == "bad"
    (cause,) = lines(said, "cause")
    assert (cause.value, cause.link) == ("X", ("network_nodes", failing[1]["X"]))
    assert value(said, "since") == SINCE
    (cause,) = lines(node(failing, "B"), "cause")
    assert (cause.value, cause.link) == ("L1", ("network_links", failing[1]["L1"]))


def test_a_node_that_is_up_says_what_would_go_beyond_what_is_dark(failing):
    # M takes N along; A takes M and N too; what X and L1 cut off is dark already.
    assert names(node(failing, "M"), "node") == {"N"}
    said = node(failing, "A")
    assert said.status == "neutral"
    assert said.headline.zh.startswith("若中断")
    assert names(said, "node") == {"M", "N"}
    assert (value(said, "rooms"), value(said, "people")) == (1, 1)  # 105, where P4 sits
    assert node(failing, "N").status == "ok"


def test_a_node_that_no_root_ever_reached_says_so(failing):
    said = node(failing, "I")
    assert said.status == "attention"
    assert "No link leads" in said.headline.en


def test_without_a_root_in_sight_nothing_is_judged(failing):
    edge = Actor("edge", all_business((failing[1]["edge"],)))
    said = node(failing, "A", actor=edge)
    assert (said.status, said.lines) == ("neutral", [])
    assert "根节点" in said.headline.zh
    said = node(failing, "X", actor=edge)
    assert said.status == "bad"
    assert lines(said, "unreachable") == []
    assert value(said, "rooms") == 2  # those it serves itself


def test_a_link_at_a_failed_node_speaks_of_that_node(failing):
    said = link(failing, "LX")
    assert said.status == "neutral"
    assert value(said, "end") == "X"
    assert names(link(failing, "LQ"), "end") == {"P", "Q"}


def test_a_broken_link_says_what_it_cuts_off(failing):
    said = link(failing, "L1")
    assert said.status == "bad"
    assert names(said, "node") == {"B"}
    assert value(said, "rooms") == 1


def test_two_links_in_one_duct_are_no_redundancy(ring):
    for name, other in (("LK-021", "LK-022"), ("LK-022", "LK-021")):
        said = link(ring, name)
        assert said.status == "attention"
        assert said.headline.zh.startswith("若中断：没有节点失联")
        (shared,) = lines(said, "shares_duct")
        assert (shared.value, shared.link) == (other, ("network_links", ring[1][other]))
        (through,) = lines(said, "duct")
        assert through.link == ("ducts", ring[1]["GD-014"])
        assert names(said, "site") == {"S05", "S06", "S09"}
    said = duct(ring, "GD-014")
    assert said.status == "attention"
    assert "S05、S06、S09" in said.headline.zh
    assert names(said, "link") == {"LK-021", "LK-022"}
    assert names(said, "site") == {"S05", "S06", "S09"}
    assert names(said, "node") == {"AP-1"}
    assert value(said, "unreachable") == 4


def test_of_many_dark_nodes_the_first_are_listed_and_the_others_counted(ring):
    engine, ids = ring
    with engine.begin() as c:
        for n in range(50):
            ids[f"T-{n:02}"] = put(c, NetworkNode, name=f"T-{n:02}", kind="terminal", state="up")
            put(c, NetworkLink, name=f"LT-{n:02}", a_node_id=ids["S02"], b_node_id=ids[f"T-{n:02}"],
                state="up")  # fmt: skip
    said = link(ring, "LK-001")
    assert value(said, "unreachable") == 51
    # The site itself comes first, then the terminals by name.
    assert [line.value for name in ("site", "node") for line in lines(said, name)] == [
        "S02", *(f"T-{n:02}" for n in range(7))
    ]  # fmt: skip
    assert value(said, "more_nodes") == ("等 51 个", "and 43 more")
    assert lines(link(ring, "LK-030"), "more_nodes") == []


def test_a_lone_link_is_a_single_point_and_an_empty_duct_says_nothing(ring):
    said = link(ring, "LK-030")
    assert said.status == "attention"
    assert names(said, "site", "node") == {"S06", "AP-1"}
    assert names(duct(ring, "GD-001"), "site") == {"S02"}
    assert duct(ring, "GD-099") is None
