"""OGC API - Tiles: the tile sets of the layers, all in WebMercatorQuad.

A tile's address here is ``{tileMatrix}/{tileRow}/{tileCol}``, row before column; the tiles
themselves are those of ``/tiles/{layer}/{z}/{x}/{y}``.
"""

from __future__ import annotations

from typing import Any

from api.ogc.links import HTML, JSON, MVT, Links
from api.session import Session
from layers.base import Layer

MATRIX_SET = "WebMercatorQuad"
MATRIX_SET_URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
CRS_URI = "http://www.opengis.net/def/crs/EPSG/0/3857"
_SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
# OGC 17-083r4, annex D.1: the half circumference of the WGS 84 sphere and a 0.28 mm pixel.
_HALF_M = 20037508.3427892
_PIXEL_M = 0.00028
_TILE_PX = 256
_LAST_ZOOM = 24


def tilesets(session: Session, links: Links, layer: Layer) -> dict[str, Any]:
    """Return the list of a layer's tile sets: there is one."""
    path = f"collections/{layer.name}/tiles"
    return {
        "links": links.self_and_html(path),
        "tilesets": [_summary(session, links, layer)],
    }


def _summary(session: Session, links: Links, layer: Layer) -> dict[str, Any]:
    path = f"collections/{layer.name}/tiles/{MATRIX_SET}"
    kept = links.href("").partition("?")[2]
    base = links.root + f"/ogc/{path}/" + "{tileMatrix}/{tileRow}/{tileCol}"
    template = f"{base}?{kept}" if kept else base
    return {
        "title": session.say(layer.title),
        "dataType": "vector",
        "crs": CRS_URI,
        "tileMatrixSetURI": MATRIX_SET_URI,
        "links": [
            links.link("self", path, JSON),
            links.link("alternate", path, HTML, f="html"),
            links.link(_SCHEME, f"tileMatrixSets/{MATRIX_SET}", JSON),
            {"rel": "item", "type": MVT, "href": template, "templated": True},
        ],
    }


def tileset(
    session: Session, links: Links, layer: Layer, properties: dict[str, Any]
) -> dict[str, Any]:
    """Return one tile set's metadata: zooms, attributes, addresses."""
    first, last = layer.zooms
    kind = layer.paint.kind if layer.paint else "circle"
    made = _summary(session, links, layer)
    made["description"] = session.say(layer.description)
    made["tileMatrixSetLimits"] = [
        {
            "tileMatrix": str(zoom),
            "minTileRow": 0,
            "maxTileRow": 2**zoom - 1,
            "minTileCol": 0,
            "maxTileCol": 2**zoom - 1,
        }
        for zoom in range(first, last + 1)
    ]
    made["layers"] = [
        {
            "id": layer.name,
            "title": session.say(layer.title),
            "dataType": "vector",
            "geometryDimension": {"circle": 0, "line": 1, "fill": 2}[kind],
            "minTileMatrix": str(first),
            "maxTileMatrix": str(last),
            "propertiesSchema": {"type": "object", "properties": properties},
        }
    ]
    return made


def matrix_sets(links: Links) -> dict[str, Any]:
    """Return the list of tile matrix sets: there is one."""
    path = f"tileMatrixSets/{MATRIX_SET}"
    return {
        "links": links.self_and_html("tileMatrixSets"),
        "tileMatrixSets": [
            {
                "id": MATRIX_SET,
                "title": "Google Maps Compatible for the World",
                "uri": MATRIX_SET_URI,
                "crs": CRS_URI,
                "links": [links.link("self", path, JSON)],
            }
        ],
    }


def matrix_set() -> dict[str, Any]:
    """Return the definition of WebMercatorQuad (OGC 17-083r4)."""
    matrices = []
    for zoom in range(_LAST_ZOOM + 1):
        cell = 2 * _HALF_M / (_TILE_PX * 2**zoom)
        matrices.append(
            {
                "id": str(zoom),
                "scaleDenominator": cell / _PIXEL_M,
                "cellSize": cell,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": [-_HALF_M, _HALF_M],
                "tileWidth": _TILE_PX,
                "tileHeight": _TILE_PX,
                "matrixWidth": 2**zoom,
                "matrixHeight": 2**zoom,
            }
        )
    return {
        "id": MATRIX_SET,
        "title": "Google Maps Compatible for the World",
        "uri": MATRIX_SET_URI,
        "crs": CRS_URI,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": matrices,
    }
