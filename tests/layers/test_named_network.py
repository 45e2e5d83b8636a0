"""What failed nodes and links take with them, on a network that was worked out by hand.

::

    R (root) ── A ──── X (down) ── P ── Q        X and P serve rooms, Z too
                │      ├─ G (gateway)
                │      └─ Y (down) ── Z
                ├─ L1 (down) ── B                B serves a room that P serves too
                └─ M (maintenance) ── N
    I (an island)
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from layers.access import Actor
from layers.network import NetworkLink, NetworkNode, NodeRoom
from layers.people import Person
from layers.space import Occupancy, Room
from tests.layers.asking import selected
from tests.layers.support import body, put

SINCE = datetime(2026, 10, 11, 23, 42, tzinfo=UTC)
NODES = {
    "R": ("core", "up"), "A": ("switch", "up"), "X": ("switch", "down"),
    "P": ("access_point", "up"), "Q": ("access_point", "unknown"), "G": ("gateway", "unknown"),
    "Y": ("switch", "down"), "Z": ("terminal", "up"), "B": ("switch", "up"),
    "M": ("switch", "maintenance"), "N": ("gateway", "up"), "I": ("gateway", "up"),
}  # fmt: skip
LINKS = {
    "LA": ("R", "A", "up"), "LX": ("A", "X", "down"), "LP": ("X", "P", "unknown"),
    "LQ": ("P", "Q", "up"), "LG": ("X", "G", "up"), "LY": ("X", "Y", "up"),
    "LZ": ("Y", "Z", "up"), "L1": ("A", "B", "down"), "LM": ("A", "M", "up"),
    "LN": ("M", "N", "up"),
}  # fmt: skip
ROOMS = ("101", "102", "103", "104", "105")
SERVES = {"X": ("101", "102"), "P": ("103",), "B": ("103",), "Z": ("104",), "A": ("105",)}
PEOPLE = {"P1": ("101",), "P2": ("101", "102"), "P3": ("103",), "P4": ("105",)}


@pytest.fixture(scope="module")
def world(module_database):
    """The engine, and ids by name."""
    ids = {}
    with module_database.engine.begin() as c:
        ids["core"], ids["edge"] = body(c, "core"), body(c, "edge")
        for name, (kind, state) in NODES.items():
            owner = ids["core"] if name == "R" else None
            ids[name] = put(c, NetworkNode, name=name, kind=kind, state=state, root=name == "R",
                            state_since=SINCE if state == "down" else None,
                            body_id=owner)  # fmt: skip
        for name, (a, b, state) in LINKS.items():
            ids[name] = put(c, NetworkLink, name=name, a_node_id=ids[a], b_node_id=ids[b],
                            state=state)  # fmt: skip
        for number in ROOMS:
            ids[number] = put(c, Room, number=number, source_key=number)
        for node, numbers in SERVES.items():
            for number in numbers:
                put(c, NodeRoom, node_id=ids[node], room_id=ids[number])
        for name, numbers in PEOPLE.items():
            ids[name] = put(c, Person, name=name, number=name, state="active")
            for number in numbers:
                put(c, Occupancy, source_key=f"{name}-{number}", person_id=ids[name],
                    room_id=ids[number], valid_from=date(2026, 1, 1))  # fmt: skip
        retired = put(c, Person, name="retired", state="retired", left_on=date(2026, 8, 31))
        put(c, Occupancy, source_key="old", person_id=retired, room_id=ids["101"])
        moved = put(c, Person, name="moved", state="active")
        put(c, Occupancy, source_key="moved", person_id=moved, room_id=ids["102"],
            valid_from=date(2025, 1, 1), valid_to=date(2026, 10, 12))  # fmt: skip
    return module_database.engine, ids


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
    edge = Actor("edge", (ids["edge"],))
    assert selected(engine, "unreachable_nodes", edge) == {}
    failed = by_name(world, selected(engine, "failed_nodes", edge))
    assert {name: row["unreachable"] for name, row in failed.items()} == {"X": None, "Y": None}


def test_all_is_well_in_an_empty_network(database):
    for name in ("failed_nodes", "unreachable_nodes", "affected_rooms", "affected_people"):
        assert selected(database.engine, name) == {}
