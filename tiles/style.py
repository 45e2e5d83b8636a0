"""The map's style, made from the layers: sources, colours by day and by night, labels.

It names no glyphs and no sprite: MapLibre draws all text from the fonts of the reader's machine,
so that the map needs nothing from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from layers.base import Layer, Paint
from tiles.vector import LABEL, drawable, label_points

Theme = Literal["light", "dark"]
FONTS = ["Microsoft YaHei", "PingFang SC", "Noto Sans CJK SC", "sans-serif"]
# MapLibre reads the weight from the first name; the fonts that follow are then drawn in it.
STRONG_FONTS = ["Noto Sans CJK SC SemiBold", *FONTS]
LAND: dict[Theme, str] = {"light": "#f4f2ee", "dark": "#16191d"}
TEXT: dict[Theme, str] = {"light": "#4a5560", "dark": "#b9c2cc"}
HALO: dict[Theme, str] = {"light": "#ffffff", "dark": "#16191d"}
Expression = Any
_LINEAR = ["interpolate", ["linear"], ["zoom"]]


def source_name(layer: Layer) -> str:
    """Return the name of a layer's source in the style."""
    return f"onemap-{layer.name}"


def style(
    layers: Iterable[Layer],
    *,
    base: str,
    language: str,
    theme: Theme,
    rasters: Sequence[tuple[int, str, tuple[float, float, float, float]]] = (),
    view: tuple[float, float, float, float] | None = None,
) -> dict[str, Any]:
    """Return a MapLibre style (version 8) of `layers`, drawn in their order, labels on top.

    Parameters
    ----------
    base : address of the service, without a slash at the end.
    rasters : id, name and bounds (EPSG:4326) of pictures, drawn above the land.
    view : bounds that a map should open on (EPSG:4326: west, south, east, north).
    """
    drawn = [layer for layer in layers if drawable(layer)]
    made: dict[str, Any] = {
        "version": 8,
        "name": "一张图" if language == "zh" else "One map",
        "sources": {source_name(each): _source(each, base) for each in drawn},
        "layers": [
            {"id": "land", "type": "background", "paint": {"background-color": LAND[theme]}}
        ],
    }
    for key, _name, bounds in rasters:
        made["sources"][f"onemap-imagery-{key}"] = {
            "type": "raster",
            "tiles": [f"{base}/tiles/imagery/{key}/{{z}}/{{x}}/{{y}}.png"],
            "tileSize": 256,
            "bounds": list(bounds),
            "maxzoom": 22,
        }
        made["layers"].append(
            {"id": f"imagery-{key}", "type": "raster", "source": f"onemap-imagery-{key}"}
        )
    for layer in drawn:
        made["layers"] += _shapes(layer, theme)
    # The map places the names of the last layer first.
    for layer in sorted(drawn, key=lambda each: -_paint_of(each).words.rank):
        made["layers"] += _labels(layer, theme)
    if view:
        west, south, east, north = view
        made["center"] = [(west + east) / 2, (south + north) / 2]
    return made


def _source(layer: Layer, base: str) -> dict[str, Any]:
    first, last = layer.zooms
    return {
        "type": "vector",
        "tiles": [f"{base}/tiles/{layer.name}/{{z}}/{{x}}/{{y}}"],
        "minzoom": first,
        "maxzoom": last,
    }


def _common(layer: Layer) -> dict[str, Any]:
    return {
        "source": source_name(layer),
        "source-layer": layer.name,
        "minzoom": layer.zooms[0],
        "metadata": {"layer": layer.name},
    }


def _layout(layer: Layer, **more: Any) -> dict[str, Any]:
    return {"visibility": "visible" if layer.shown else "none", **more}


def _paint_of(layer: Layer) -> Paint:
    assert layer.paint is not None
    return layer.paint


def _color(paint: Paint, theme: Theme) -> Expression:
    plain = paint.dark if theme == "dark" else paint.color
    if not paint.by or not paint.colors:
        return plain
    # A category's colour is for the day; by night a room keeps the plain dark floor.
    if theme == "dark" and paint.kind == "fill":
        return plain
    return _by(paint, paint.colors, plain)


def _by(paint: Paint, values: Mapping[str, Any], other: Any) -> Expression:
    """Return a value for each value of the column `Paint.by`, and another for all else."""
    pairs = [part for code, value in values.items() for part in (code, value)]
    return ["match", ["get", paint.by], *pairs, other]


def _edge(paint: Paint, theme: Theme) -> str | None:
    return (paint.outline_dark or paint.outline) if theme == "dark" else paint.outline


def _grow(value: Expression, add: float = 0) -> Expression:
    """Grow with the zoom: `value` CSS pixels at zoom 16, and `add` more at any zoom."""

    def times(factor: float) -> Expression:
        return ["+", ["*", value, factor], add]

    curve = ["interpolate", ["exponential", 1.6], ["zoom"]]
    return [*curve, 10, times(0.15), 13, times(0.4), 16, times(1), 20, times(4)]


def _shapes(layer: Layer, theme: Theme) -> list[dict[str, Any]]:
    paint = _paint_of(layer)
    color, edge = _color(paint, theme), _edge(paint, theme)
    if paint.kind == "fill":
        return _areas(layer, paint, color, edge)
    if paint.lines:
        return _streets(layer, paint, theme)
    if paint.kind == "line":
        return _lines(layer, paint, color, edge)
    return _points(layer, paint, color, edge)


def _areas(layer: Layer, paint: Paint, color: Expression, edge: str | None) -> list[dict[str, Any]]:
    layout = _layout(layer)
    fill = {"fill-color": color, "fill-opacity": paint.opacity}
    shapes = [_shape(layer, layer.name, "fill", layout, fill)]
    if edge:
        width = ["interpolate", ["linear"], ["zoom"], 12, 0.4, 18, 1.2]
        line = {"line-color": edge, "line-width": width}
        shapes.append(_shape(layer, f"{layer.name}-outline", "line", layout, line))
    if edge and paint.empty:
        column, value = paint.empty
        dashed = {
            "line-color": edge,
            "line-width": 1.2,
            "line-offset": 3,
            "line-dasharray": [3, 2],
        }
        shapes.append(_shape(layer, f"{layer.name}-empty", "line", layout, dashed))
        shapes[-1] |= {"filter": ["==", ["get", column], value], "minzoom": layer.zooms[0] + 1.5}
    return shapes


def _streets(layer: Layer, paint: Paint, theme: Theme) -> list[dict[str, Any]]:
    """Draw lines by their class: all casings beneath all surfaces, so that crossings are open."""
    looks, dark = paint.lines, theme == "dark"
    order = {code: place for place, code in enumerate(reversed(list(looks)))}
    layout = _layout(
        layer,
        **{"line-cap": "round", "line-join": "round", "line-sort-key": _by(paint, order, -1)},
    )
    colors = {code: look.dark if dark else look.color for code, look in looks.items()}
    edges = {code: look.edge_dark if dark else look.edge for code, look in looks.items()}
    width = _by(paint, {code: look.width for code, look in looks.items()}, paint.width)
    drawn = _from_zoom(paint, {code: look.zoom for code, look in looks.items()}, layer.zooms[0])
    shapes = []
    for name, values, more, other in (
        (f"{layer.name}-outline", edges, 1.6, _edge(paint, theme)),
        (layer.name, colors, 0, paint.dark if dark else paint.color),
    ):
        line = {"line-color": _by(paint, values, other), "line-width": _grow(width, more)}
        shapes.append({**_shape(layer, name, "line", layout, line), "filter": drawn})
    return shapes


def _from_zoom(paint: Paint, zooms: Mapping[str, int], first: int) -> Expression:
    """Return the filter that lets each value of `Paint.by` in from its zoom on."""
    steps: list[Any] = []
    for zoom in sorted({z for z in zooms.values() if z > first}):
        steps += [zoom, _among(paint, [code for code, z in zooms.items() if z <= zoom])]
    start = _among(paint, [code for code, z in zooms.items() if z <= first])
    # What has no class, or one that is not known here, comes with the last.
    if steps:
        steps[-1] = True
    return ["step", ["zoom"], start, *steps] if steps else True


def _among(paint: Paint, codes: list[str]) -> Expression:
    return ["in", ["get", paint.by], ["literal", codes]]


def _lines(layer: Layer, paint: Paint, color: Expression, edge: str | None) -> list[dict[str, Any]]:
    layout = _layout(layer, **{"line-cap": "round", "line-join": "round"})
    shapes = []
    if edge:
        casing = {"line-color": edge, "line-width": _grow(paint.width * 1.35)}
        shapes.append(_shape(layer, f"{layer.name}-outline", "line", layout, casing))
    line = {
        "line-color": color,
        "line-width": _grow(paint.width),
        "line-opacity": paint.opacity,
    }
    return [*shapes, _shape(layer, layer.name, "line", layout, line)]


def _points(
    layer: Layer, paint: Paint, color: Expression, edge: str | None
) -> list[dict[str, Any]]:
    width = paint.width
    radius = ["interpolate", ["linear"], ["zoom"], 10, width * 0.5, 16, width, 20, width * 1.6]
    circle = {"circle-color": color, "circle-radius": radius, "circle-opacity": paint.opacity}
    if edge:
        circle |= {"circle-stroke-color": edge, "circle-stroke-width": 1.2}
    return [_shape(layer, layer.name, "circle", _layout(layer), circle)]


def _shape(
    layer: Layer, name: str, kind: str, layout: dict[str, Any], paint: dict[str, Any]
) -> dict[str, Any]:
    return {"id": name, "type": kind, **_common(layer), "layout": layout, "paint": paint}


def _labels(layer: Layer, theme: Theme) -> list[dict[str, Any]]:
    paint = _paint_of(layer)
    found = _headings(layer, theme)
    if not paint.label:
        return found
    words, first = paint.words, paint.label_zoom
    text: dict[str, Any] = {
        "text-field": _words(paint),
        "text-font": STRONG_FONTS if words.strong else FONTS,
        "text-size": [*_LINEAR, first, words.size, first + 6, words.size + 3],
        "text-max-width": 8,
        "text-padding": 4,
        "text-line-height": 1.25,
    }
    if paint.kind == "line":
        text |= {
            "symbol-placement": "line",
            "symbol-spacing": 400,
            "text-letter-spacing": 0.08,
            "text-max-angle": 30,
        }
    if paint.kind == "circle":
        text |= {"text-offset": [0, 0.8], "text-anchor": "top", "text-optional": True}
    made: dict[str, Any] = {
        "id": f"{layer.name}-label",
        "type": "symbol",
        **_common(layer),
        "minzoom": first,
        "layout": _layout(layer, **text),
        "paint": {
            "text-color": (words.dark if theme == "dark" else words.color) or TEXT[theme],
            "text-halo-color": HALO[theme],
            "text-halo-width": 1.4,
        },
    }
    if label_points(layer, layer.zooms[1]):
        made["source-layer"] = layer.name + LABEL
    if words.until < 24:
        made["maxzoom"] = words.until
    if paint.lines:
        zooms = {code: look.label_zoom for code, look in paint.lines.items()}
        made["filter"] = _from_zoom(paint, zooms, first)
        order = {code: place for place, code in enumerate(paint.lines)}
        made["layout"]["symbol-sort-key"] = _by(paint, order, len(order))
    return [*found, made]


def _words(paint: Paint) -> Expression:
    """Return what a label says: little while it is far, the whole name and more when near."""
    words = paint.words
    whole: Expression = ["coalesce", ["get", paint.label], ["get", "name"], ""]
    far = ["coalesce", ["get", words.short], whole] if words.short else whole
    if words.tail:
        far = ["slice", far, ["+", ["index-of", words.tail, far], len(words.tail)]]
    near: Expression = ["format", whole, {}]
    if words.more:
        more: Expression = ["coalesce", ["get", words.more], ""]
        line = ["case", ["any", ["==", more, ""], ["==", more, whole]], "", ["concat", "\n", more]]
        near = ["format", whole, {}, line, {"font-scale": 0.85}]
    if words.close <= paint.label_zoom:
        return near
    return ["step", ["zoom"], ["format", far, {}], words.close, near]


def _headings(layer: Layer, theme: Theme) -> list[dict[str, Any]]:
    """Return the arrows in the circles of what moves: a turned letter, so no icon is needed."""
    if "heading_deg" not in layer.tiled:
        return []
    moving = [">=", ["to-number", ["get", "speed_kmh"], 0], 5]
    layout = {
        "text-field": "▲",
        "text-font": FONTS,
        "text-size": ["interpolate", ["linear"], ["zoom"], 10, 6, 16, 9, 20, 13],
        "text-rotate": ["to-number", ["get", "heading_deg"], 0],
        "text-rotation-alignment": "map",
        "text-allow-overlap": True,
        "text-ignore-placement": True,
    }
    return [
        {
            "id": f"{layer.name}-heading",
            "type": "symbol",
            **_common(layer),
            "minzoom": 12,
            "filter": ["all", ["has", "heading_deg"], moving],
            "layout": _layout(layer, **layout),
            "paint": {"text-color": HALO[theme]},
        }
    ]
