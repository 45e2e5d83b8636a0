"""Files of a network to plain tables: nodes, links and ducts, as they were written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import shapely
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree

from importers import gdal, sheets
from importers.base import ATTRIBUTE, FILE, ROW, Issue, Options
from importers.columns import fold_heading
from importers.messages import bad_input
from importers.values import as_text

GRAPHS: Final = (".graphml", ".xml")
WORDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "node": {
        "source_key": ("id", "编号", "节点编号", "设备编号", "key", "node id"),
        "name": ("name", "label", "名称", "节点名称", "设备名称", "节点"),
        "lon": ("lon", "lng", "longitude", "经度", "x"),
        "lat": ("lat", "latitude", "纬度", "y"),
        "kind": ("kind", "类型", "设备类型", "节点类型"),
        "state": ("state", "状态", "运行状态", "status"),
        "state_since": ("state_since", "状态起始", "状态时间", "故障时间", "since"),
        "address": ("address", "网络地址", "ip", "ip地址", "管理地址"),
        "root": ("root", "根节点", "出口", "是否根节点"),
        "room_id.building": ("building", "楼号", "建筑", "所在建筑", "楼栋"),
        "room_id": ("room", "房间号", "房间", "所在房间", "机房"),
        "serves": ("serves", "服务房间", "serves rooms", "rooms served", "覆盖房间"),
        "body_id": ("body", "所属机构", "机构"),
    },
    "link": {
        "source_key": ("id", "编号", "链路编号", "link id"),
        "name": ("name", "名称", "链路名称", "label", "linklabel"),
        "a_node_id": ("a_node", "a_node_id", "甲端节点", "甲端", "起点", "起始节点", "from",
                      "source", "a端", "node a", "a"),
        "b_node_id": ("b_node", "b_node_id", "乙端节点", "乙端", "终点", "终止节点", "to", "target",
                      "b端", "z端", "node b", "b"),
        "kind": ("kind", "类型", "链路类型", "介质"),
        "state": ("state", "状态", "运行状态", "status"),
        "capacity_mbps": ("capacity_mbps", "带宽", "capacity", "bandwidth", "速率"),
        "ducts": ("duct", "ducts", "管孔", "管道", "管孔编号", "所经管孔"),
        "body_id": ("body", "所属机构", "机构"),
    },
    "duct": {
        "source_key": ("id", "编号", "管孔编号", "key"),
        "name": ("name", "名称", "管孔名称", "管孔", "label", "duct"),
        "body_id": ("body", "所属机构", "机构"),
    },
}  # fmt: skip
_SHAPE: Final = ("wkt", "geometry", "几何", "坐标串")


@dataclass
class Tables:
    """Rows by what they are (``node``, ``link``, ``duct``), and what was noticed.

    Frames have the columns of the models; links also ``ducts`` (text) and nodes ``serves`` (text)
    and ``lon``, ``lat`` or ``geom``. `crs` is what the files with shapes say.
    """

    node: list[pd.DataFrame] = field(default_factory=list)
    link: list[pd.DataFrame] = field(default_factory=list)
    duct: list[pd.DataFrame] = field(default_factory=list)
    crs: Any = None
    issues: list[Issue] = field(default_factory=list)
    mapping: dict[str, str] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)

    def add(self, what: str, frame: pd.DataFrame, options: Options) -> None:
        """Add a table under its own headings (with ``_file``, ``_row``, perhaps ``geom``)."""
        getattr(self, what).append(self._renamed(what, frame, options))

    def _renamed(self, what: str, frame: pd.DataFrame, options: Options) -> pd.DataFrame:
        headings = [str(h) for h in frame.columns if h not in (ROW, FILE, "geom")]
        fields = {n: h for n, h in options.mapping.items() if n in WORDS[what] and h in headings}
        folded = {h: fold_heading(h) for h in headings}
        for name, words in WORDS[what].items():
            for word in words:
                hit = next((h for h in headings if folded[h] == fold_heading(word)), None)
                if name not in fields and hit is not None and hit not in fields.values():
                    fields[name] = hit
                    break
        made = pd.DataFrame({FILE: frame[FILE], ROW: frame[ROW]})
        for name, heading in fields.items():
            made[name] = frame[heading]
        if "geom" in frame:
            made["geom"] = frame["geom"]
        for heading in headings:
            if heading not in fields.values():
                made[ATTRIBUTE + heading] = frame[heading]
                if heading not in self.unmapped:
                    self.unmapped.append(heading)
        self.mapping |= {f"{what}.{name}": heading for name, heading in fields.items()}
        return made


def read_tables(files: Iterator[Path] | list[Path], options: Options) -> Tables:
    """Read every file.

    Raises
    ------
    BadInput : a file is no network, or damaged.
    """
    made = Tables()
    for path in files:
        suffix = path.suffix.lower()
        if suffix in GRAPHS:
            _read_graph(path, made, options)
        elif suffix in sheets.SUFFIXES:
            _read_sheets(path, made, options)
        else:
            _read_shapes(path, made, options)
    return made


def _kind_of(headings: list[str], name: str) -> str | None:
    """Say what a table holds, by its headings and then by its name."""
    folded = {fold_heading(h) for h in headings}

    def has(what: str, column: str) -> bool:
        return bool(folded & {fold_heading(w) for w in WORDS[what][column]})

    if has("link", "a_node_id") and has("link", "b_node_id"):
        return "link"
    said = fold_heading(name)
    if "duct" in said or "管孔" in said or "管道" in said:
        return "duct"
    if has("node", "source_key") or has("node", "name"):
        return "node"
    return None


# -- GraphML -----------------------------------------------------------------------------------


def _read_graph(path: Path, made: Tables, options: Options) -> None:
    nodes, links = _elements(_graph(path))
    if not nodes:
        raise bad_input(path, "图中没有节点", "there are no nodes in the graph")
    made.add("node", pd.DataFrame(nodes, dtype=object).assign(**{FILE: path.name}), options)
    if links:
        frame = pd.DataFrame(links, dtype=object).assign(**{FILE: path.name})
        if "LinkSpeedRaw" in frame:
            # Topology Zoo: bit/s.
            raw = pd.to_numeric(frame["LinkSpeedRaw"], errors="coerce")
            frame["capacity_mbps"] = raw / 1e6
        made.add("link", frame, options)
    located = made.node[-1].get("lon")
    if options.crs is None and located is not None and made.crs is None:
        # GraphML has no word for a coordinate system; degrees of such files are WGS 84.
        made.crs = 4326
        made.issues.append(
            Issue(
                path.name, None, None, None, "taken_for_wgs84",
                "GraphML 不说明坐标系：经纬度取为 WGS 84；若为 GCJ-02，请用 --crs GCJ-02",
                "GraphML names no coordinate system: degrees are taken for WGS 84; "
                "if they are GCJ-02, say --crs GCJ-02",
                "noted",
            )
        )  # fmt: skip


def _graph(path: Path) -> Any:
    try:
        root = SafeTree.parse(path).getroot()
    except (SafeTree.ParseError, DefusedXmlException) as error:
        raise bad_input(
            path,
            f"不是完整的 GraphML（{error}）；请重新导出",
            f"it is no complete GraphML ({error}); export it again",
        ) from error
    if root is None or _tag(root) != "graphml":
        raise bad_input(path, "不是 GraphML 文件", "it is no GraphML file")
    return root


def _elements(root: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the nodes and edges of a graph with their facts by name."""
    keys = {each.get("id"): each.get("attr.name") for each in root if _tag(each) == "key"}
    nodes: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    for element in root.iter():
        if _tag(element) not in ("node", "edge"):
            continue
        facts = {
            str(keys.get(data.get("key"), data.get("key"))): (data.text or "").strip() or None
            for data in element
            if _tag(data) == "data"
        }
        if _tag(element) == "node":
            facts.pop("id", None)  # the element's own id is what the edges refer to
            nodes.append({**facts, "id": element.get("id"), ROW: len(nodes) + 1})
        else:
            ends = {"source": element.get("source"), "target": element.get("target")}
            if element.get("id"):
                facts["id"] = element.get("id")
            links.append({**facts, **ends, ROW: len(links) + 1})
    return nodes, links


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


# -- sheets and shapes ---------------------------------------------------------------------------


def _read_sheets(path: Path, made: Tables, options: Options) -> None:
    names: list[str | None] = [options.layer]
    if options.layer is None and path.suffix.lower() in (".xlsx", ".xlsm"):
        names = list(sheets.sheet_names(path))
    seen = False
    for name in names:
        frame, issues = sheets.read(path, replace(options, layer=name))
        headings = [str(h) for h in frame.columns if h not in (ROW, FILE)]
        what = _kind_of(headings, name or path.stem)
        if what is None:
            continue
        shape = next((h for h in headings if fold_heading(h) in map(fold_heading, _SHAPE)), None)
        if shape is not None:
            text = as_text(frame.pop(shape)).astype(object).where(lambda v: v.notna(), None)
            frame["geom"] = shapely.from_wkt(text.to_numpy(), on_invalid="ignore")
        made.add(what, frame, options)
        made.issues += issues
        seen = True
    if not seen:
        raise bad_input(
            path,
            "既没有节点（编号或名称）也没有链路（甲端、乙端）的列",
            "there are neither columns of nodes (id or name) nor of links (node A, node B)",
        )


def _read_shapes(path: Path, made: Tables, options: Options) -> None:
    """Points are nodes; lines are links where they name two ends, else ducts."""
    whole = gdal.read(path, options, ())
    frame = whole.frame.copy()
    frame[FILE], frame[ROW] = path.name, range(1, len(frame) + 1)
    kinds = frame.geometry.geom_type
    headings = [str(h) for h in frame.columns if h not in (ROW, FILE, "geom")]
    made.crs = made.crs or frame.crs
    points = frame[kinds.isin(["Point"]) | frame.geometry.isna()]
    lines = frame[kinds.isin(["LineString", "MultiLineString"])]
    if len(points):
        made.add("node", pd.DataFrame(points.dropna(axis="columns", how="all")), options)
    if len(lines):
        what = "link" if _kind_of(headings, path.stem) == "link" else "duct"
        part = pd.DataFrame(lines)
        if what == "link":
            ends = Tables()._renamed("link", part, options)
            linked = ends["a_node_id"].notna() & ends["b_node_id"].notna()
            if not linked.all():
                made.add("duct", part[~linked].dropna(axis="columns", how="all"), options)
            part = part[linked]
        if len(part):
            made.add(what, part.dropna(axis="columns", how="all"), options)
    if not len(points) and not len(lines):
        raise bad_input(path, "没有点或线", "it holds neither points nor lines")


__all__ = ["Tables", "read_tables"]
