"""What failed nodes and links take with them, on the network of `failing_network`."""

from __future__ import annotations

import pytest

from layers.access import Actor
from layers.policy import all_business
from tests.layers.asking import selected
from tests.layers.failing_network import NODES, PEOPLE, ROOMS, SINCE, fill


@pytest.fixture(scope="module")
def world(module_database):
    return module_database.engine, fill(module_database.engine)


def by_name(world, answer, among=NODES):
    names = {world[1][name]: name for name in among}
    return {names[key]: row for key, row in answer.items()}


def causes(world, name, among=NODES):
    found = by_name(world, selected(world[0], name), among)
    return {key: row["cause"] for key, row in found.items()}


def test_a_failed_node_says_since_when_and_what_it_stops(world):
    assert by_name(world, selected(world[0], "failed_nodes")) == {
        # P, Q and G behind it; the rooms 101 to 103; P1, P2 and P3.
        "X": {"since": SINCE, "unreachable": 3, "rooms": 3, "people": 3},
        # Z waits for X as well, but Y is what stands before it; nobody works in 104.
        "Y": {"since": SINCE, "unreachable": 1, "rooms": 1, "people": 0},
    }


def test_unreachable_nodes_name_their_cause_and_the_failed_are_none_of_them(world):
    assert causes(world, "unreachable_nodes") == {
        "P": "X", "Q": "X", "G": "X", "Z": "Y", "B": "L1",
    }  # fmt: skip


def test_maintenance_stops_nothing_and_an_island_was_never_reached(world):
    assert not {"N", "I", "M"} & causes(world, "unreachable_nodes").keys()


def test_rooms_of_what_failed_and_of_what_it_cut_off_are_affected(world):
    assert causes(world, "affected_rooms", ROOMS) == {
        "101": "X", "102": "X", "103": "L1、X", "104": "Y",
    }  # fmt: skip


def test_people_are_those_who_hold_such_a_room_that_day_each_once(world):
    assert by_name(world, selected(world[0], "affected_people"), PEOPLE) == {
        "P1": {"cause": "X", "room": "101"},
        "P2": {"cause": "X", "room": "101、102"},
        "P3": {"cause": "L1、X", "room": "103"},
    }


def test_a_gateway_that_is_cut_off_is_silent(world):
    assert causes(world, "dark_gateways") == {"G": "X"}


def test_without_a_root_in_sight_nothing_is_called_unreachable(world):
    engine, ids = world
    edge = Actor("edge", all_business((ids["edge"],)))
    assert selected(engine, "unreachable_nodes", edge) == {}
    failed = by_name(world, selected(engine, "failed_nodes", edge))
    assert {name: row["unreachable"] for name, row in failed.items()} == {"X": None, "Y": None}


def test_all_is_well_in_an_empty_network(database):
    for name in ("failed_nodes", "unreachable_nodes", "affected_rooms", "affected_people"):
        assert selected(database.engine, name) == {}
