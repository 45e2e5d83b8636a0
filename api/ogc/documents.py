"""What the OGC documents say: landing page, conformance, collections, queryables and schemas.

All of it is read from `LAYERS` and the columns; nothing about a single layer stands here.
"""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry

from api.ogc.links import GEOJSON, HTML, JSON, OPENAPI, SCHEMA_JSON, Links
from api.session import Session
from layers.base import Layer
from layers.cql2 import queryables
from layers.crs import CRS84, offered
from layers.fields import title_of, type_of
from layers.filter import time_column
from layers.labels import CHOICES, Text
from tiles.vector import drawable

_FEATURES = "http://www.opengis.net/spec/ogcapi-features-"
_CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/"
CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    *(f"{_FEATURES}1/1.0/conf/{each}" for each in ("core", "oas30", "html", "geojson")),
    f"{_FEATURES}2/1.0/conf/crs",
    *(
        f"{_FEATURES}4/1.0/conf/{each}"
        for each in ("create-replace-delete", "update", "features", "optimistic-locking-etags")
    ),
    *(
        f"{_FEATURES}3/1.0/conf/{each}"
        for each in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(f"{_FEATURES}5/1.0/conf/{each}" for each in ("schemas", "core-roles-features", "queryables")),
    "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf/sorting",
    *(
        f"{_CQL2}{each}"
        for each in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "accent-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions",
            "temporal-functions",
            "property-property",
            "arithmetic",
        )
    ),
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
)
TITLE = Text("一张图 OGC API", "onemap OGC API")
ABOUT = Text(
    "公共机构资产一张图：各图层的要素与矢量瓦片",
    "One map of a public estate: the features and vector tiles of its layers",
)
MAX_LIMIT, DEFAULT_LIMIT = 10_000, 100
_ROLES = {"geom": "primary-geometry", "id": "id"}


def landing(session: Session, links: Links) -> dict[str, Any]:
    """Return the landing page."""
    return {
        "title": session.say(TITLE),
        "description": session.say(ABOUT),
        "links": [
            *links.self_and_html(""),
            links.link("service-desc", "api", OPENAPI, "OpenAPI 3.0"),
            links.link("service-doc", "/docs", HTML, session.say(Text("接口文档", "API docs"))),
            links.link("conformance", "conformance", JSON),
            links.link("data", "collections", JSON, session.say(Text("图层", "Collections"))),
            links.link(
                "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes",
                "tileMatrixSets",
                JSON,
            ),
        ],
    }


def conformance() -> dict[str, Any]:
    """Return the classes of requirements that the service keeps."""
    return {"conformsTo": list(CONFORMANCE)}


def collections(session: Session, links: Links, layers: tuple[Layer, ...]) -> dict[str, Any]:
    """Return the list of collections; the coordinate systems stand once, for all of them."""
    return {
        "links": links.self_and_html("collections"),
        "crs": [each.uri for each in offered()],
        "collections": [collection(session, links, each, crs=["#/crs"]) for each in layers],
    }


def collection(
    session: Session,
    links: Links,
    layer: Layer,
    *,
    crs: list[str] | None = None,
    extent: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the description of one collection."""
    path = f"collections/{layer.name}"
    made: dict[str, Any] = {
        "id": layer.name,
        "title": session.say(layer.title),
        "description": session.say(layer.description),
        "itemType": "feature",
        "crs": crs or [each.uri for each in offered()],
        "storageCrs": CRS84.uri,
        "links": [
            *links.self_and_html(path),
            links.link("items", f"{path}/items", GEOJSON, session.say(layer.title)),
            links.link("items", f"{path}/items", HTML, session.say(layer.title), f="html"),
            links.link(
                "http://www.opengis.net/def/rel/ogc/1.0/queryables",
                f"{path}/queryables",
                SCHEMA_JSON,
            ),
            links.link(
                "http://www.opengis.net/def/rel/ogc/1.0/sortables", f"{path}/sortables", SCHEMA_JSON
            ),
            links.link("describedby", f"{path}/schema", SCHEMA_JSON),
            links.link(
                "http://www.opengis.net/def/rel/ogc/1.0/schema", f"{path}/schema", SCHEMA_JSON
            ),
        ],
    }
    if extent:
        made["extent"] = extent
    if drawable(layer):
        made["links"].append(
            links.link(
                "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector", f"{path}/tiles", JSON
            )
        )
    return made


def schema(session: Session, links: Links, layer: Layer, *, what: str = "schema") -> dict[str, Any]:
    """Return the JSON Schema of a layer's properties.

    Parameters
    ----------
    what : ``schema`` (all that a feature shows), ``queryables`` (all that a filter may name) or
        ``sortables``.
    """
    known = queryables(layer)
    if what == "schema":
        columns = {**layer.fields(), **({"geom": layer.table.c.geom} if layer.spatial else {})}
    elif what == "sortables":
        columns = {n: c for n, c in known.items() if not isinstance(c.type, Geometry)}
    else:
        columns = known
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": links.href(f"collections/{layer.name}/{what}"),
        "type": "object",
        "title": session.say(layer.title),
        "description": session.say(layer.description),
        "properties": {
            name: described(session, layer, name, column) for name, column in columns.items()
        },
        "additionalProperties": False,
    }


def described(session: Session, layer: Layer, name: str, column: Any) -> dict[str, Any]:
    """Return the JSON Schema of one column: title, unit, choices, role."""
    made: dict[str, Any] = {"title": session.say(title_of(column))}
    if isinstance(column.type, Geometry):
        kind = str(column.type.geometry_type).lower().removesuffix("m")
        made["format"] = "geometry-any" if kind == "geometry" else f"geometry-{kind}"
    else:
        made.update(_type(column))
    if unit := column.info.get("unit"):
        made["x-ogc-unit"] = unit
    if choices := column.info.get("choices"):
        made["enum"] = list(CHOICES[choices])
        made["x-onemap-labels"] = {
            code: session.say(label) for code, label in CHOICES[choices].items()
        }
    if target := column.info.get("reference"):
        made["x-ogc-role"] = "reference"
        made["x-onemap-reference"] = target
    if example := column.info.get("example"):
        made["examples"] = [example]
    role = _ROLES.get(name)
    if name == time_column(layer):
        role = "primary-instant"
    if role:
        made["x-ogc-role"] = role
    return made


def _type(column: Any) -> dict[str, Any]:
    kind = type_of(column)
    if kind in ("date", "date-time"):
        return {"type": "string", "format": kind}
    return {"type": kind}
