"""The communication network: sites, switches and devices, links, and ducts along the streets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from shapely import LineString

from onemap.demo.drives import Way
from onemap.demo.floors import Floor
from onemap.demo.ground import stream
from onemap.demo.sites import Building, Site
from onemap.demo.stories import stories
from onemap.demo.streets import Town

NODES = 200


@dataclass
class Node:
    """A device or place; `place` in local metres, None where nobody wrote it down."""

    name: str
    kind: str
    place: tuple[float, float] | None
    room: str | None
    address: str
    body: str
    state: str = "up"
    since: datetime | None = None
    root: bool = False
    serves: str | None = None


@dataclass
class Link:
    """A connection of two nodes."""

    name: str
    a: str
    b: str
    kind: str
    mbps: float
    state: str = "up"


@dataclass
class Duct:
    """A duct along the streets and the links in it."""

    name: str
    line: LineString
    links: list[str]


@dataclass
class Cables:
    """The whole network."""

    nodes: list[Node]
    links: list[Link]
    ducts: list[Duct]


def build_cables(
    town: Town, sites: list[Site], floors: list[Floor], seed: int, scale: float
) -> Cables:
    """Return backbone, switches and devices; the planted ones are the same at every seed."""
    rng = stream(seed, "network")
    made = Cables([], [], [])
    _backbone(made, town, sites)
    rooms: dict[str, list[str]] = {}
    for floor in floors:
        rooms[f"{floor.building}-{floor.label}"] = [r.number for r in floor.rooms]
    buildings = [b for s in sites for b in s.buildings]
    for building in buildings:
        site = building.site
        name = f"SW-{building.code}-1"
        made.nodes.append(_device(made, name, "switch", building, 0, _first(rooms, building, "1")))
        _link(made, site, name, "fibre", 1000)
    _outage(made, buildings, rooms)
    offices = [b for b in buildings if b.use in ("office", "technical")]
    turn = 0
    while len(made.nodes) < round(NODES * scale):
        building = offices[turn % len(offices)]
        number = turn // len(offices) + 1
        kind = ("access_point", "gateway", "access_point", "terminal")[number % 4]
        mark = {"access_point": "AP", "gateway": "GW", "terminal": "ZD"}[kind]
        name = f"{mark}-{building.code}-1-{number + 4}"
        turn += 1
        if building.code == "B07":
            continue
        node = _device(made, name, kind, building, number, _first(rooms, building, "1", number))
        # Every tenth is known by its room alone.
        if rng.random() < 0.1:
            node.place = None
        made.nodes.append(node)
        _link(made, f"SW-{building.code}-1", name, "copper", 100 if kind == "gateway" else 1000)
    return made


def _backbone(made: Cables, town: Town, sites: list[Site]) -> None:
    told = stories()["ducts"]
    dark = set(told["dark"])
    root, gate = told["ends"]
    by_code = {s.code: s for s in sites}
    for site in sites:
        made.nodes.append(
            Node(
                site.code, "core" if site.code == root else "site", site.lot,
                None, _address(made), "029", root=site.code == root,
            )
        )  # fmt: skip
    ring = [s.code for s in sites if s.code not in dark]
    pairs = [(a, b) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True) if a != b]
    pairs += [(root, code) for code in ring[4::5] if code != root]
    pairs = list(dict.fromkeys(pairs))
    for a, b in pairs[:20]:
        _link(made, a, b, "fibre", 10_000)
    spare = 20 - min(20, len(pairs))
    made.links += [
        Link(f"LK-{len(made.links) + k + 1:03d}", root, ring[1 + k % (len(ring) - 1)], "radio", 300)
        for k in range(spare)
    ]
    for number in told["links"]:
        made.links.append(Link(number, root, gate, "fibre", 10_000))
    for code in sorted(dark - {gate}):
        _link(made, gate, code, "fibre", 1000)
    for a, b in pairs[20:]:
        _link(made, a, b, "fibre", 10_000)
    number = 0
    for link in [k for k in made.links if k.kind == "fibre" and k.name not in told["links"]]:
        number += 1 + (number + 1 == int(told["duct"][-3:]))
        made.ducts.append(_duct(town, by_code, f"GD-{number:03d}", link.a, link.b, [link.name]))
    made.ducts.append(_duct(town, by_code, told["duct"], root, gate, list(told["links"])))
    made.ducts.sort(key=lambda d: d.name)


def _duct(town: Town, sites: dict[str, Site], name: str, a: str, b: str, links: list[str]) -> Duct:
    way = Way(town, sites[a].lot_node).to(sites[b].lot_node)
    xy = np.vstack(way.pieces)
    keep = np.concatenate([[True], np.hypot(*np.diff(xy, axis=0).T) > 0.01])
    return Duct(name, LineString(xy[keep]), links)


def _outage(made: Cables, buildings: list[Building], rooms: dict[str, list[str]]) -> None:
    told = stories()["outage"]
    cause = told["cause"]
    _, code, floor = cause.split("-")
    building = next(b for b in buildings if b.code == code)
    here = rooms[f"{code}-{floor}"]
    switch = _device(made, cause, "switch", building, 2, here[4])
    switch.state, switch.since, switch.serves = "down", told["since"], ";".join(here)
    made.nodes.append(switch)
    _link(made, f"SW-{code}-1", cause, "fibre", 1000, "down")
    gateways = told["gateways"]
    for k in range(told["unreachable"]):
        kind, mark = ("gateway", "GW") if k < gateways else ("access_point", "AP")
        name = f"{mark}-{code}-{floor}-{k % gateways + 1}"
        node = _device(made, name, kind, building, 3 + k, here[4 + k])
        # A monitor that knows the tree says unreachable, not down, of what lies behind.
        node.state, node.since = "unknown", told["since"]
        made.nodes.append(node)
        _link(made, cause, name, "copper", 1000, "unknown")
    for other in ("2", "4"):
        name = f"SW-{code}-{other}"
        made.nodes.append(_device(made, name, "switch", building, 8, rooms[f"{code}-{other}"][0]))
        _link(made, f"SW-{code}-1", name, "fibre", 1000)


def _first(
    rooms: dict[str, list[str]], building: Building, floor: str, skip: int = 0
) -> str | None:
    here = rooms.get(f"{building.code}-{floor}", [])
    return here[skip % len(here)] if here else None


def _device(
    made: Cables, name: str, kind: str, building: Building, turn: int, room: str | None
) -> Node:
    length = building.shape.length
    u = -length / 2 + 3 + (turn * 5.5) % (length - 6)
    c, s = np.cos(building.angle), np.sin(building.angle)
    place = (float(building.centre[0] + u * c), float(building.centre[1] + u * s))
    return Node(name, kind, place, room, _address(made), "029")


def _address(made: Cables) -> str:
    high, low = divmod(len(made.nodes) + 11, 250)
    return f"10.{100 + high // 250}.{high % 250}.{low + 1}"


def _link(made: Cables, a: str, b: str, kind: str, mbps: float, state: str = "up") -> None:
    made.links.append(Link(f"LK-{len(made.links) + 1:03d}", a, b, kind, mbps, state))
