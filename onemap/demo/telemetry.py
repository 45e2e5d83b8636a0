"""The tracks in GCJ-02 as CSV, and the network as GraphML with its ducts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr  # nosec B406 # writes, reads nothing

import numpy as np
import pandas as pd
from shapely.geometry import mapping

from geo.crs import wgs84_to_gcj02
from onemap.demo.estate import Estate
from onemap.demo.ground import geometries_to_lonlat, to_lonlat
from onemap.demo.stories import LABEL

LYING = "D0061"
"""Its terminal says WGS 84 and sends GCJ-02; it comes in a file of its own."""


def write_tracks(estate: Estate, folder: Path) -> None:
    """Write the week's fixes: one file in GCJ-02, and one that only says it is in WGS 84."""
    frames = {False: [], True: []}  # type: dict[bool, list[pd.DataFrame]]
    for car in estate.fleet.vehicles:
        track = estate.fleet.tracks[car.short]
        lon, lat = wgs84_to_gcj02(track.lon, track.lat)
        stamp = np.round(track.time).astype("int64") + 8 * 3600
        frame = pd.DataFrame(
            {
                "车牌号": car.plate,
                "定位时间": np.datetime_as_string(stamp.astype("datetime64[s]")),
                "经度": np.round(lon, 6),
                "纬度": np.round(lat, 6),
                "速度": np.round(track.speed, 1),
                "方向": track.heading.astype(int),
            }
        )
        frames[car.short == LYING].append(frame)
    for lying, name in ((False, "车辆轨迹_GCJ02.csv"), (True, "车辆轨迹_D0061_WGS84.csv")):
        whole = pd.concat(frames[lying]).drop_duplicates(["车牌号", "定位时间"])
        whole["定位时间"] = whole["定位时间"].str.replace("T", " ") + "+08:00"
        whole.to_csv(folder / name, index=False, encoding="utf-8-sig", lineterminator="\n")


_KEYS = (
    ("name", "node", "string"), ("kind", "node", "string"), ("state", "node", "string"),
    ("state_since", "node", "string"), ("Longitude", "node", "double"),
    ("Latitude", "node", "double"), ("room", "node", "string"), ("address", "node", "string"),
    ("root", "node", "boolean"), ("serves", "node", "string"), ("body", "node", "string"),
    ("link", "edge", "string"), ("link_kind", "edge", "string"),
    ("capacity_mbps", "edge", "double"), ("link_state", "edge", "string"),
    ("ducts", "edge", "string"),
)  # fmt: skip
_NAMES = {"link": "name", "link_kind": "kind", "link_state": "state"}


def write_network(estate: Estate, folder: Path) -> None:
    """Write nodes and links as GraphML, ducts as GeoJSON."""
    cables = estate.cables
    heads = "".join(
        f'<key id="{key}" for="{of}" attr.name="{_NAMES.get(key, key)}" attr.type="{kind}"/>\n'
        for key, of, kind in _KEYS
    )
    nodes = []
    for node in cables.nodes:
        lon, lat = to_lonlat(*node.place) if node.place else (None, None)
        facts: dict[str, Any] = {
            "name": node.name, "kind": node.kind, "state": node.state,
            "state_since": node.since and node.since.isoformat(),
            "Longitude": None if lon is None else f"{float(lon):.7f}",
            "Latitude": None if lat is None else f"{float(lat):.7f}",
            "room": node.room, "address": node.address, "root": "true" if node.root else None,
            "serves": node.serves, "body": node.body,
        }  # fmt: skip
        nodes.append(f"<node id={quoteattr(node.name)}>{_data(facts)}</node>\n")
    within = {link: duct.name for duct in cables.ducts for link in duct.links}
    edges = []
    for link in cables.links:
        facts = {
            "link": link.name, "link_kind": link.kind, "capacity_mbps": link.mbps,
            "link_state": link.state, "ducts": within.get(link.name),
        }  # fmt: skip
        head = f"<edge id={quoteattr(link.name)} source={quoteattr(link.a)} "
        edges.append(f"{head}target={quoteattr(link.b)}>{_data(facts)}</edge>\n")
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<!-- {LABEL} -->\n"
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
        f'{heads}<graph edgedefault="undirected">\n'
        f"{''.join(nodes)}{''.join(edges)}</graph>\n</graphml>\n"
    )
    (folder / "网络.graphml").write_text(text, encoding="utf-8")
    lines = geometries_to_lonlat([d.line for d in cables.ducts])
    features = [
        {
            "type": "Feature", "properties": {"name": d.name, "links": ";".join(d.links)},
            "geometry": mapping(line),
        }
        for d, line in zip(cables.ducts, lines, strict=True)
    ]  # fmt: skip
    ducts = {
        "type": "FeatureCollection",
        "name": "管孔",
        "description": LABEL,
        "features": features,
    }
    (folder / "管孔.geojson").write_text(json.dumps(ducts, ensure_ascii=False), encoding="utf-8")


def _data(facts: dict[str, Any]) -> str:
    return "".join(
        f'<data key="{key}">{escape(str(value))}</data>'
        for key, value in facts.items()
        if value is not None
    )
