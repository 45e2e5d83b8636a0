"""A network that failed in several places, drawn by hand, for tests of what that stops.

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

import sqlalchemy as sa

from layers.network import NetworkLink, NetworkNode, NodeRoom
from layers.people import Person
from layers.space import Occupancy, Room
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


def fill(engine: sa.Engine) -> dict[str, int]:
    """Write the network into a fresh database and return ids by name."""
    ids: dict[str, int] = {}
    with engine.begin() as c:
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
    return ids
