"""Reading OSM elements out of .osm (XML) and .osm.pbf files.

XML goes through defusedxml, which refuses entities (billion laughs) and outside references; PBF
through libosmium, since GDAL's OSM driver does not say which nodes a way runs through, and a
door is a node of a wall.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element  # nosec B405 # its type alone; defusedxml reads

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree

from layers.problems import BadInput

MAX_ELEMENTS: Final = 5_000_000


@dataclass(frozen=True)
class Way:
    """A way: its nodes in order, and its tags."""

    id: int
    nodes: tuple[int, ...]
    tags: dict[str, str]
    order: int

    @property
    def closed(self) -> bool:
        """Whether it is a ring."""
        return len(self.nodes) > 3 and self.nodes[0] == self.nodes[-1]


@dataclass(frozen=True)
class Relation:
    """A relation: (kind of member, id, role), and its tags."""

    id: int
    members: tuple[tuple[str, int, str], ...]
    tags: dict[str, str]
    order: int


@dataclass
class Elements:
    """Everything in one file.

    Attributes
    ----------
    places : longitude, latitude (WGS 84 degrees) of each node.
    node_tags : the tags of the nodes that have any.
    node_order : where those nodes stand in the file, from 1.
    """

    places: dict[int, tuple[float, float]] = field(default_factory=dict)
    node_tags: dict[int, dict[str, str]] = field(default_factory=dict)
    node_order: dict[int, int] = field(default_factory=dict)
    ways: dict[int, Way] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)

    def add_node(self, id: int, lon: float, lat: float, tags: dict[str, str], order: int) -> None:
        """Add a node; a repeated one keeps the tags it had."""
        self.places[id] = (lon, lat)
        if tags:
            self.node_tags[id] = self.node_tags.get(id, {}) | tags
            self.node_order.setdefault(id, order)


def read_elements(path: Path) -> Elements:
    """Read an .osm or .osm.pbf file.

    Raises
    ------
    BadInput : damaged, cut off, empty, hostile, or too large.
    """
    read = _read_pbf if path.suffix.lower() == ".pbf" else _read_xml
    found = read(path)
    if not found.places:
        raise BadInput(
            zh=f"“{path.name}”中没有任何 OSM 节点；请检查导出是否完整",
            en=f"'{path.name}' holds no OSM nodes: check that the export is complete",
            file=path.name,
        )
    return found


def _damaged(path: Path, error: Exception) -> BadInput:
    return BadInput(
        zh=f"“{path.name}”不是完整的 OSM 文件（{error}）；请重新导出",
        en=f"'{path.name}' is not a complete OSM file ({error}): export it again",
        file=path.name,
    )


def _too_large(path: Path) -> BadInput:
    return BadInput(
        zh=f"“{path.name}”超过 {MAX_ELEMENTS} 个要素，不像一份平面图；请先裁出所需的建筑",
        en=f"'{path.name}' has more than {MAX_ELEMENTS} elements, too many for a floor plan: "
        "cut out the building first",
        file=path.name,
    )


def _read_xml(path: Path) -> Elements:
    found = Elements()
    try:
        for order, element in enumerate(_xml_elements(path), 1):
            if order > MAX_ELEMENTS:
                raise _too_large(path)
            # JOSM marks what will be deleted on upload and still writes it.
            if element.get("action") != "delete" and element.get("visible") != "false":
                _add_xml(found, element, order)
    except (SafeTree.ParseError, DefusedXmlException, ValueError, TypeError) as error:
        raise _damaged(path, error) from error
    return found


def _xml_elements(path: Path) -> Iterator[Element]:
    root: Element | None = None
    for event, element in SafeTree.iterparse(path, events=("start", "end")):
        if root is None:
            root = element
            if root.tag not in ("osm", "osmChange"):
                raise ValueError(f"<{root.tag}>")
        elif event == "end" and element.tag in ("node", "way", "relation"):
            yield element
            root.clear()  # a large file is not held whole


def _add_xml(found: Elements, element: Element, order: int) -> None:
    number = int(element.get("id", ""))
    tags = {tag.get("k", ""): tag.get("v", "") for tag in element.iter("tag") if tag.get("k")}
    if element.tag == "node":
        lon, lat = float(element.get("lon", "")), float(element.get("lat", ""))
        found.add_node(number, lon, lat, tags, order)
    elif element.tag == "way":
        nodes = tuple(int(node.get("ref", "")) for node in element.iter("nd"))
        found.ways[number] = Way(number, nodes, tags, order)
    else:
        members = tuple(
            (each.get("type", ""), int(each.get("ref", "")), each.get("role", ""))
            for each in element.iter("member")
        )
        found.relations.append(Relation(number, members, tags, order))


_MEMBER_KINDS: Final = {"n": "node", "w": "way", "r": "relation"}


def _read_pbf(path: Path) -> Elements:
    import osmium  # noqa: PLC0415 - a C library that only .pbf files need

    found = Elements()
    try:
        each: Any
        for order, each in enumerate(osmium.FileProcessor(str(path)), 1):
            if order > MAX_ELEMENTS:
                raise _too_large(path)
            tags = dict(each.tags)
            if each.is_node():
                found.add_node(each.id, each.lon, each.lat, tags, order)
            elif each.is_way():
                nodes = tuple(node.ref for node in each.nodes)
                found.ways[each.id] = Way(each.id, nodes, tags, order)
            elif each.is_relation():
                members = tuple((_MEMBER_KINDS[m.type], m.ref, m.role) for m in each.members)
                found.relations.append(Relation(each.id, members, tags, order))
    except (RuntimeError, ValueError) as error:
        raise _damaged(path, error) from error
    return found
