"""A small example of each OGC document, as the service's description shows them."""

from __future__ import annotations

from typing import Any

from api.ogc.documents import ABOUT, CONFORMANCE, TITLE
from api.ogc.links import GEOJSON, JSON, MVT
from api.ogc.tilesets import CRS_URI, MATRIX_SET, MATRIX_SET_URI, matrix_set
from layers.crs import CRS84_URI

_ROOT = "http://127.0.0.1:8080/ogc"


def _self(path: str, kind: str = JSON) -> list[dict[str, Any]]:
    return [{"rel": "self", "type": kind, "href": f"{_ROOT}{path}"}]


LANDING: dict[str, Any] = {
    "title": TITLE.en,
    "description": ABOUT.en,
    "links": [
        *_self(""),
        {"rel": "conformance", "type": JSON, "href": f"{_ROOT}/conformance"},
        {"rel": "data", "type": JSON, "href": f"{_ROOT}/collections"},
    ],
}
OPENAPI: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "onemap OGC API", "version": "0.1.0"},
    "paths": {"/collections": {"get": {"summary": "图层 | Collections"}}},
    "servers": [{"url": _ROOT}],
}
CONFORMS: dict[str, Any] = {"conformsTo": list(CONFORMANCE[:2])}
COLLECTION: dict[str, Any] = {
    "id": "rooms",
    "title": "Rooms",
    "description": "…",
    "itemType": "feature",
    "crs": [CRS84_URI],
    "storageCrs": CRS84_URI,
    "links": [
        *_self("/collections/rooms"),
        {"rel": "items", "type": GEOJSON, "href": f"{_ROOT}/collections/rooms/items"},
    ],
    "extent": {"spatial": {"bbox": [[119.55, 38.87, 119.68, 38.94]], "crs": CRS84_URI}},
}
COLLECTIONS: dict[str, Any] = {
    "links": _self("/collections"),
    "crs": [CRS84_URI],
    "collections": [{k: v for k, v in COLLECTION.items() if k != "extent"} | {"crs": ["#/crs"]}],
}


def schema(what: str) -> dict[str, Any]:
    """Return an example of a layer's ``schema``, ``queryables`` or ``sortables``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{_ROOT}/collections/rooms/{what}",
        "type": "object",
        "title": "Rooms",
        "description": "…",
        "properties": {
            "usable_area_m2": {
                "title": "Declared usable area",
                "type": "number",
                "x-ogc-unit": "m²",
                "examples": [26.4],
            }
        },
        "additionalProperties": False,
    }


FEATURE: dict[str, Any] = {
    "type": "Feature",
    "id": 12,
    "geometry": {"type": "Point", "coordinates": [116.35, 39.95]},
    "properties": {"id": 12, "name": "301", "capacity": 2},
}
ITEM: dict[str, Any] = {**FEATURE, "links": _self("/collections/rooms/items/12", GEOJSON)}
ITEMS: dict[str, Any] = {
    "type": "FeatureCollection",
    "links": _self("/collections/rooms/items", GEOJSON),
    "timeStamp": "2026-10-12T01:00:00Z",
    "numberMatched": 1,
    "numberReturned": 1,
    "features": [FEATURE],
}

_TILES = f"/collections/rooms/tiles/{MATRIX_SET}"
_SUMMARY: dict[str, Any] = {
    "title": "Rooms",
    "dataType": "vector",
    "crs": CRS_URI,
    "tileMatrixSetURI": MATRIX_SET_URI,
    "links": [
        *_self(_TILES),
        {
            "rel": "item",
            "type": MVT,
            "href": f"{_ROOT}{_TILES}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}",
            "templated": True,
        },
    ],
}
TILESETS: dict[str, Any] = {"links": _self("/collections/rooms/tiles"), "tilesets": [_SUMMARY]}
TILESET: dict[str, Any] = {
    **_SUMMARY,
    "description": "…",
    "tileMatrixSetLimits": [
        {"tileMatrix": "1", "minTileRow": 0, "maxTileRow": 1, "minTileCol": 0, "maxTileCol": 1}
    ],
    "layers": [
        {
            "id": "rooms",
            "title": "Rooms",
            "dataType": "vector",
            "geometryDimension": 2,
            "minTileMatrix": "16",
            "maxTileMatrix": "19",
            "propertiesSchema": {"type": "object", "properties": {"number": {"type": "string"}}},
        }
    ],
}
MATRIX_SETS: dict[str, Any] = {
    "links": _self("/tileMatrixSets"),
    "tileMatrixSets": [
        {
            "id": MATRIX_SET,
            "title": "Google Maps Compatible for the World",
            "uri": MATRIX_SET_URI,
            "crs": CRS_URI,
            "links": _self(f"/tileMatrixSets/{MATRIX_SET}"),
        }
    ],
}
MATRICES: dict[str, Any] = matrix_set() | {"tileMatrices": matrix_set()["tileMatrices"][:1]}
