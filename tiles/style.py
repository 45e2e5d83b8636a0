"""The map's style, made from the layers: sources, colours by day and by night, labels.

It names no glyphs and no sprite: MapLibre draws all text from the fonts of the reader's machine,
so that the map needs nothing from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from layers.base import Layer, Paint
from tiles.vector import drawable

Theme = Literal["light", "dark"]
FONTS = ["Microsoft YaHei", "PingFang SC", "Noto Sans CJK SC", "sans-serif"]
LAND: dict[Theme, str] = {"light": "#f4f2ee", "dark": "#16191d"}
TEXT: dict[Theme, str] = {"light": "#4a5560", "dark": "#b9c2cc"}
HALO: dict[Theme, str] = {"light": "#ffffff", "dark": "#16191d"}
Expression = Any


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
    for layer in drawn:
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
    pairs = [part for code, color in paint.colors.items() for part in (code, color)]
    return ["match", ["get", paint.by], *pairs, plain]


def _edge(paint: Paint, theme: Theme) -> str | None:
    return (paint.outline_dark or paint.outline) if theme == "dark" else paint.outline


def _grow(value: float) -> Expression:
    """Grow with the zoom: `value` CSS pixels at zoom 16."""
    return [
        "interpolate",
        ["exponential", 1.6],
        ["zoom"],
        10,
        value * 0.15,
        16,
        value,
        20,
        value * 4,
    ]


def _shapes(layer: Layer, theme: Theme) -> list[dict[str, Any]]:
    paint = _paint_of(layer)
    color, edge = _color(paint, theme), _edge(paint, theme)
    if paint.kind == "fill":
        return _areas(layer, paint, color, edge)
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
    return shapes


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
    if not paint.label:
        return []
    text: dict[str, Any] = {
        "text-field": ["coalesce", ["get", paint.label], ["get", "name"], ""],
        "text-font": FONTS,
        "text-size": ["interpolate", ["linear"], ["zoom"], 12, 11, 18, 13],
        "text-max-width": 8,
    }
    if paint.kind == "line":
        text |= {"symbol-placement": "line", "text-letter-spacing": 0.05}
    if paint.kind == "circle":
        text |= {"text-offset": [0, 1], "text-anchor": "top", "text-optional": True}
    return [
        {
            "id": f"{layer.name}-label",
            "type": "symbol",
            **_common(layer),
            "minzoom": paint.label_zoom,
            "layout": _layout(layer, **text),
            "paint": {
                "text-color": TEXT[theme],
                "text-halo-color": HALO[theme],
                "text-halo-width": 1.4,
            },
        }
    ]
