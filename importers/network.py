"""The importer of networks: nodes, links, the ducts they run through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import geopandas as gpd
import pandas as pd
import shapely
import sqlalchemy as sa
from geoalchemy2.shape import to_shape

from importers.base import FILE, ROW, Found, Importer, Issue, Options, Target
from importers.network_files import Tables, read_tables
from importers.places import points
from importers.stale import drop_stale_links
from importers.values import as_text
from layers.base import table_of
from layers.changes import ChangeSet
from layers.labels import Text
from layers.network import Duct, LinkDuct, NetworkLink, NetworkNode, NodeRoom

_NODE_KEY: Final = Text(
    "节点的编号；链路取其编号，没有则为“甲端-乙端”加序号",
    "the node's id; a link's id, else its two ends and a number",
)
_LIST: Final = r"[;,；，、]\s*"
"""What stands between the ducts of a link or the rooms of a node."""
_SPEED: Final = re.compile(r"([\d.]+)\s*([kmgt]?)(?:bps|bit/s|b/s|b)?", re.IGNORECASE)
_MBPS: Final = {"": 1.0, "k": 1e-3, "m": 1.0, "g": 1e3, "t": 1e6}
_STATES: Final = {
    "正常": "up", "在线": "up", "运行": "up", "active": "up", "online": "up", "故障": "down",
    "中断": "down", "离线": "down", "offline": "down", "检修": "maintenance", "维护": "maintenance",
    "planned": "maintenance",
}  # fmt: skip
_NODE_KINDS: Final = {
    "核心交换机": "core", "接入交换机": "switch", "汇聚交换机": "switch", "ap": "access_point",
    "无线ap": "access_point", "摄像机": "terminal", "网关设备": "gateway", "odf架": "odf",
    "人井": "manhole", "手孔": "manhole", "*": "other",
}  # fmt: skip
_LINK_KINDS: Final = {
    "光缆": "fibre", "fiber": "fibre", "optical": "fibre", "网线": "copper", "双绞线": "copper",
    "电缆": "copper", "ethernet": "copper", "微波": "radio", "wireless": "radio", "*": "unknown",
}  # fmt: skip


class NetworkImporter(Importer):
    """GraphML, sheets and GeoJSON to network nodes, links and ducts.

    A node without coordinates is kept and told. A link without a course of its own runs straight
    between its nodes where both have a place. Parallel links keep keys of their own. A duct that
    a link names and no file describes is kept by its name, without a course. The rooms that a
    node serves are links; one that is not known waits in quarantine, and the node is loaded.
    """

    kind: ClassVar[str] = "network"
    title: ClassVar[Text] = Text("通信网络", "Networks")
    description: ClassVar[Text] = Text(
        "GraphML，或节点、链路、管孔的 CSV、XLSX、GeoJSON",
        "GraphML, or CSV, XLSX and GeoJSON of nodes, links and ducts",
    )
    layers: ClassVar[tuple[str, ...]] = ("network_nodes", "network_links", "ducts")
    suffixes: ClassVar[tuple[str, ...]] = (
        ".graphml", ".xml", ".csv", ".xlsx", ".geojson", ".json", ".gpkg", ".shp",
    )  # fmt: skip
    aliases: ClassVar[tuple[str, ...]] = ("networks",)

    def __init__(self) -> None:
        self._source = ""
        self._issues: list[Issue] = []

    def read(self, files: Sequence[Path], options: Options) -> Found:
        """Read the files; nodes are written before links."""
        self._source, self._issues = options.source or files[0].stem, []
        tables = read_tables(list(files), options)
        found = Found([], list(tables.issues), tables.mapping, tables.unmapped)
        nodes = _joined(tables.node)
        links = _joined(tables.link)
        own: set[str] = set()
        served: list[Target] = []
        if nodes is not None:
            nodes["source_key"] = _first(nodes, "source_key", "name")
            own = set(nodes["source_key"].dropna())
            served = _served(nodes)
            nodes = _located(nodes, tables)
            found.issues += _placeless(nodes)
            target = Target(
                NetworkNode, nodes, key_rule=_NODE_KEY, complete=links is not None,
                choices={"kind": _NODE_KINDS, "state": _STATES},
            )  # fmt: skip
            found.targets += [target, *served]
        pairs = _pairs(links) if links is not None else None
        found.targets += _ducts(tables, pairs)
        if links is not None:
            found.targets.append(_links(links, tables, own))
        if pairs is not None and len(pairs):
            found.targets.append(Target(LinkDuct, pairs, references={"link_id": "source_key"}))
        return found

    def resolve(self, target: Target, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        """Draw links that have no course; leave ducts that are known as they are."""
        if target.model is NetworkLink:
            return self._drawn(frame, changes)
        if target.model is LinkDuct:
            drop_stale_links(changes, LinkDuct, frame)
        if target.model is NodeRoom:
            ids = changes.ids(NetworkNode, self._source)
            told = ids[ids.index.isin(target.extra["nodes"])]
            drop_stale_links(changes, NodeRoom, frame, told)
        if target.model is Duct and target.extra.get("named"):
            t = table_of(Duct)
            known = set(
                changes.connection.scalars(sa.select(t.c.name).where(t.c.source != self._source))
            )
            return frame[~frame["name"].isin(list(known))]
        return frame

    def finish(self, changes: ChangeSet, source: str) -> Sequence[Issue]:
        """Tell which links could not be drawn."""
        del changes, source
        return self._issues

    def _drawn(self, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        t = table_of(NetworkNode)
        ends = {int(v) for name in ("a_node_id", "b_node_id") for v in frame[name].dropna()}
        rows = changes.connection.execute(
            sa.select(t.c.id, t.c.geom).where(
                t.c.id == sa.func.any(sa.literal(sorted(ends), sa.ARRAY(sa.BigInteger))),
                t.c.geom.is_not(None),
            )
        ).all()
        places = {row.id: to_shape(row.geom) for row in rows}
        shapes = list(frame["geom"]) if "geom" in frame else [None] * len(frame)
        undrawn = 0
        for number, (shape, a, b) in enumerate(
            zip(shapes, frame["a_node_id"], frame["b_node_id"], strict=True)
        ):
            if shape is not None:
                continue
            straight = a in places and b in places and places[a] != places[b]
            ends_xy = [places[end].coords[0] for end in (a, b)] if straight else None
            shapes[number] = shapely.LineString(ends_xy) if ends_xy else None
            undrawn += not straight
        if undrawn:
            self._issues.append(
                Issue(
                    self._source, None, "geom", None, "link_without_course",
                    f"{undrawn} 条链路的端点没有位置或在同一处，已导入但画不出来",
                    f"{undrawn} links have an end without a place, or both ends on one: "
                    "loaded, but they cannot be drawn",
                    "noted",
                )
            )  # fmt: skip
        frame = frame.copy()
        frame["geom"] = gpd.GeoSeries(shapes, index=frame.index, crs=4326)
        return frame


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame | None:
    return pd.concat(frames, ignore_index=True) if frames else None


def _first(frame: pd.DataFrame, *names: str) -> pd.Series[Any]:
    made = pd.Series(pd.NA, index=frame.index, dtype="str")
    for name in names:
        if name in frame:
            made = made.fillna(as_text(frame[name]))
    return made


def _shaped(frame: pd.DataFrame, crs: Any) -> pd.DataFrame:
    """Return the frame with ``geom`` as its geometry in the file's system."""
    shapes = frame["geom"].where(frame["geom"].notna(), None)
    series = gpd.GeoSeries(list(shapes), index=frame.index, crs=crs)
    made: pd.DataFrame = gpd.GeoDataFrame(frame.drop(columns="geom"), geometry=series)
    return made.rename_geometry("geom")  # type: ignore[operator,no-any-return]


def _served(nodes: pd.DataFrame) -> list[Target]:
    """Take the rooms that nodes serve out of `nodes` and return them as links.

    A file without that column says nothing of them; one with it says all of them, so that an
    empty cell takes back what an earlier file drew. A node that names its building serves rooms
    of that building.
    """
    if "serves" not in nodes:
        return []
    numbers = as_text(nodes.pop("serves")).str.split(_LIST, regex=True)
    pairs = pd.DataFrame(
        {"node_id": nodes["source_key"], "room_id": numbers, FILE: nodes[FILE], ROW: nodes[ROW]}
    )
    if "room_id.building" in nodes:
        pairs["room_id.building"] = nodes["room_id.building"]
    pairs = pairs.explode("room_id", ignore_index=True)
    pairs["room_id"] = as_text(pairs["room_id"])
    pairs = pairs[pairs["room_id"].notna()].reset_index(drop=True)
    told = set(nodes["source_key"].dropna())
    references: Any = {"node_id": "source_key", "room_id": "natural"}
    return [Target(NodeRoom, pairs, references=references, extra={"nodes": told})]


def _located(nodes: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    if {"lon", "lat"} <= set(nodes.columns):
        lon, lat = (pd.to_numeric(as_text(nodes.pop(n)), errors="coerce") for n in ("lon", "lat"))
        made = points(lon, lat)
        nodes["geom"] = (
            made if "geom" not in nodes else nodes["geom"].where(nodes["geom"].notna(), made)
        )
    return _shaped(nodes, tables.crs) if "geom" in nodes else nodes


def _placeless(nodes: pd.DataFrame) -> list[Issue]:
    shapes = nodes["geom"] if "geom" in nodes else pd.Series(None, index=nodes.index, dtype=object)
    made = []
    for index in nodes.index[shapes.isna()]:
        name = nodes["name"].get(index) if "name" in nodes else None
        said = str(name if pd.notna(name) else nodes["source_key"][index])
        made.append(
            Issue(
                str(nodes[FILE][index]), int(nodes[ROW][index]), "geom", said, "without_place",
                f"节点“{said}”没有坐标：已导入并列出，不显示在图上",
                f"The node '{said}' has no coordinates: it is loaded and listed, not drawn",
                "noted",
            )
        )  # fmt: skip
    return made


def _links(links: pd.DataFrame, tables: Tables, own: set[str]) -> Target:
    links = links.drop(columns=["ducts"], errors="ignore")
    for name in ("a_node_id", "b_node_id"):
        links[name] = as_text(links[name])
    if "capacity_mbps" in links:
        links["capacity_mbps"] = links["capacity_mbps"].map(_speed, na_action="ignore")
    if "geom" in links:
        links = _shaped(links, tables.crs)
    ends = set(links["a_node_id"].dropna()) | set(links["b_node_id"].dropna())
    # The ends name keys of this dataset's nodes, or nodes loaded before by name.
    how: Any = "source_key" if own and ends <= own else "natural"
    return Target(
        NetworkLink, links, key_rule=_NODE_KEY, references={"a_node_id": how, "b_node_id": how},
        choices={"kind": _LINK_KINDS, "state": _STATES},
    )  # fmt: skip


def _speed(value: Any) -> Any:
    """Return Mbit/s from 155, "155M", "10 Gbps"; what cannot be read stays as it is."""
    if isinstance(value, int | float):
        return value
    match = _SPEED.fullmatch(str(value).strip())
    return float(match.group(1)) * _MBPS[match.group(2).lower()] if match else value


def _pairs(links: pd.DataFrame) -> pd.DataFrame:
    """Give the links their keys, in place, and return a row per link and duct it names."""
    ends = as_text(links["a_node_id"]).fillna("") + "-" + as_text(links["b_node_id"]).fillna("")
    keys = _first(links, "source_key").fillna(ends)
    # Parallel links without keys of their own are told apart by their order in the file.
    again = keys.groupby(keys).cumcount()
    made = ends.notna() & (keys == ends) & (again > 0)
    links["source_key"] = keys.where(~made, keys + "#" + (again + 1).astype("str"))
    if "ducts" not in links:
        return pd.DataFrame({"link_id": [], "duct_id": [], FILE: [], ROW: []})
    names = as_text(links["ducts"]).str.split(_LIST, regex=True)
    pairs = pd.DataFrame(
        {"link_id": links["source_key"], "duct_id": names, FILE: links[FILE], ROW: links[ROW]}
    ).explode("duct_id", ignore_index=True)
    pairs["duct_id"] = as_text(pairs["duct_id"])
    return pairs[pairs["duct_id"].notna()].reset_index(drop=True)


def _ducts(tables: Tables, pairs: pd.DataFrame | None) -> list[Target]:
    """Return the ducts of the files, then those that are only named by links."""
    made: list[Target] = []
    ducts = _joined(tables.duct)
    known: set[str] = set()
    if ducts is not None:
        ducts["source_key"] = _first(ducts, "source_key", "name")
        ducts["name"] = _first(ducts, "name", "source_key")
        known = set(ducts["name"].dropna()) | set(ducts["source_key"].dropna())
        frame = _shaped(ducts, tables.crs) if "geom" in ducts else ducts
        made.append(Target(Duct, frame, key_rule=_NODE_KEY))
    if pairs is not None and len(pairs):
        named = pairs[~pairs["duct_id"].isin(list(known))].drop_duplicates("duct_id")
        if len(named):
            frame = pd.DataFrame(
                {
                    "source_key": named["duct_id"], "name": named["duct_id"],
                    FILE: named[FILE], ROW: named[ROW],
                }
            )  # fmt: skip
            made.append(
                Target(Duct, frame, key_rule=_NODE_KEY, complete=False, extra={"named": True})
            )
    return made
