"""Maps of the notebook client: folium without a single outside host."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import folium
import geopandas as gpd
import pandas as pd

if TYPE_CHECKING:
    from onemap.client import Client, Moment

# Beneath the layer that is asked for, from the ground up.
GROUND = ("blocks", "greens", "waters", "roads", "buildings")
NO_DATA = "#c9ced3"
_TYPES = {"js": "text/javascript", "css": "text/css", "png": "image/png"}


@cache
def _inline(name: str) -> str:
    """Return a file of Leaflet as a data URI; a style sheet's pictures go into it."""
    folder = files("js_lib_leaflet") / "static" / "js_lib_leaflet"
    data = (folder / name).read_bytes()
    if name.endswith(".css"):
        text = re.sub(
            r"url\((images/[\w.-]+)\)", lambda found: f"url({_inline(found[1])})", data.decode()
        )
        data = text.encode()
    if name.endswith(".js"):
        # Leaflet's own note of its source map would be looked for beside the page.
        data = re.sub(rb"\n//# sourceMappingURL=\S+", b"", data)
    kind = _TYPES[name.rsplit(".", 1)[-1]]
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


class OfflineMap(folium.Map):
    """A folium map whose page holds all it needs."""

    default_js = [("leaflet", _inline("leaflet.js"))]  # noqa: RUF012 - as folium declares it
    default_css = [("leaflet_css", _inline("leaflet.css"))]  # noqa: RUF012


def draw(
    client: Client,
    layer: str,
    features: gpd.GeoDataFrame,
    values: pd.DataFrame | None,
    at: Moment | None,
) -> OfflineMap:
    """Return the map of `features`, coloured by `values`, over the service's own base map."""
    placed = features[features.geometry.notna() & ~features.geometry.is_empty]
    bounds = placed.total_bounds if len(placed) else client.catalogue["bounds"]
    made = OfflineMap(tiles=None, attributionControl=False, prefer_canvas=True)
    if bounds is None or any(math.isnan(side) for side in bounds):
        return made
    west, south, east, north = (float(side) for side in bounds)
    margin = max(east - west, north - south) * 0.1
    around = (west - margin, south - margin, east + margin, north + margin)
    known = {each["name"]: each for each in client.catalogue["layers"]}
    for name in GROUND:
        if name != layer and name in known:
            _add(made, known[name], client.read(name, bbox=around, at=at), client.language)
    _add(made, known[layer], placed, client.language, values)
    if values is not None:
        _body(made).add_child(folium.Element(_legend(client, values)))
    made.fit_bounds([[south, west], [north, east]])
    return made


def _body(made: OfflineMap) -> Any:
    """Return the element that holds what stands in the page beside the map."""
    root: Any = made.get_root()
    return root.html


def _add(
    made: OfflineMap,
    described: dict[str, Any],
    features: gpd.GeoDataFrame,
    language: str,
    values: pd.DataFrame | None = None,
) -> None:
    if features.empty:
        return
    frame = features[["geometry"]].copy()
    paint = described["paint"] or {"color": "#7b8794", "outline": None, "opacity": 1.0}
    frame["color"] = paint["color"]
    label = next((c for c in (*described["searchable"], "name") if c in features.columns), None)
    frame["label"] = "" if label is None else features[label].fillna("").astype(str)
    fields, aliases = ["label"], [described["title"][language]]
    if values is not None:
        found = values["value"].reindex(frame.index)
        unit = values.attrs["unit"]
        frame["color"] = [color_of(value, values.attrs) for value in found]
        frame["shown"] = [_shown(value, unit) for value in found]
        fields, aliases = [*fields, "shown"], [*aliases, values.attrs["measure"]]
    outline = paint["outline"] or paint["color"]
    line = described["geometry"] == "line"

    def style(feature: dict[str, Any]) -> dict[str, Any]:
        color = feature["properties"]["color"]
        return {
            "color": color if line else outline,
            "weight": 2 if line else 0.7,
            "fillColor": color,
            "fillOpacity": 0 if line else 0.9,
        }

    folium.GeoJson(
        frame.to_json(drop_id=True),
        name=described["title"][language],
        style_function=style,
        marker=folium.CircleMarker(radius=5, fill=True)
        if described["geometry"] == "point"
        else None,
        tooltip=folium.GeoJsonTooltip(fields, aliases) if label is not None else None,
    ).add_to(made)


def color_of(value: Any, classes: Mapping[Any, Any]) -> str:
    """Return the colour of a value: its class's, its category's, or that of "no data"."""
    if pd.isna(value):
        return NO_DATA
    colors: list[str] = classes["colors"]
    if classes.get("categories"):
        return colors[int(classes["categories"].index(value))]
    place = sum(bool(value > edge) for edge in classes["breaks"])
    return colors[min(place, len(colors) - 1)]


def _shown(value: Any, unit: str) -> str:
    if pd.isna(value):
        return "—"
    return f"{value:.4g} {unit}".strip() if isinstance(value, float) else str(value)


def _legend(client: Client, values: pd.DataFrame) -> str:
    classes = values.attrs
    if classes.get("categories"):
        labels = [classes["labels"][code][client.language] for code in classes["categories"]]
    else:
        edges = [f"{edge:.4g}" for edge in classes["breaks"]]
        labels = [f"≤ {edge}" for edge in edges] + ([f"> {edges[-1]}"] if edges else [""])
    rows = [
        f'<div><i style="background:{color};width:1em;height:1em;display:inline-block"></i> '
        f"{label}</div>"
        for color, label in zip([*classes["colors"], NO_DATA], [*labels, "—"], strict=False)
    ]
    style = (
        "position:fixed;bottom:16px;left:16px;z-index:999;background:#fff;padding:8px 12px;"
        "font:13px sans-serif;border-radius:4px;box-shadow:0 1px 4px rgba(0,0,0,.3)"
    )
    return (
        f'<div style="{style}"><b>{classes["measure"]} {classes["unit"]}</b>{"".join(rows)}</div>'
    )
