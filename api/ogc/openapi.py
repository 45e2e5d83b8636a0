"""The description of the OGC addresses: parameters with examples, and OpenAPI 3.0 for its clients.

The service's own description is OpenAPI 3.1; OGC's conformance class names 3.0, so ``/ogc/api``
gives the same routes in that older form.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from fastapi import FastAPI

from api.ogc.documents import DEFAULT_LIMIT, MAX_LIMIT
from api.ogc.links import HTML, JSON, MVT, PREFIX
from api.problems import described
from layers.cql2 import kind_of, queryables
from layers.crs import CRS84_URI
from layers.registry import LAYERS


def query(name: str, about: str, example: Any, **schema: Any) -> dict[str, Any]:
    """Return the description of one query parameter."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": about,
        "schema": {"type": "string", **schema},
        **({} if example is None else {"example": example}),
    }


FORMAT = query(
    "f",
    "格式（默认由 Accept 决定） | format (by Accept unless given)",
    "json",
    enum=["json", "html"],
)
_BBOX = query(
    "bbox",
    "范围：西,南,东,北；西大于东即跨越 180° | west,south,east,north; west > east crosses 180°",
    [116.3, 39.9, 116.4, 40.0],
)
_BBOX |= {
    "schema": {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
    "style": "form",
    "explode": False,
}
_BBOX["schema"]["oneOf"] = [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}]
_LIMIT = query("limit", "每页要素数 | features per page", 100) | {
    "schema": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_LIMIT,
        "default": DEFAULT_LIMIT,
    },
    "style": "form",
    "explode": False,
}
_DATETIME = query(
    "datetime",
    "观测时间：时刻、日期或区间 | time of observation: a moment, a date or an interval",
    "2026-10-01T00:00:00Z/..",
) | {"style": "form", "explode": False}
ITEMS_PARAMETERS = [
    FORMAT,
    _BBOX,
    _DATETIME,
    _LIMIT,
    query("bbox-crs", "bbox 的坐标系 | CRS of bbox", CRS84_URI),
    query("crs", "返回的坐标系 | CRS of the answer", CRS84_URI),
    query("filter", "CQL2 条件 | CQL2 condition", "capacity > 2 AND name LIKE '会议%'"),
    query(
        "filter-lang",
        "条件的写法 | encoding of the filter",
        "cql2-text",
        enum=["cql2-text", "cql2-json"],
        default="cql2-text",
    ),
    query("named", "有名问题，见 /filters | a named filter, see /filters", "vacant_rooms"),
    query("filter-crs", "条件中几何的坐标系 | CRS of the filter's shapes", CRS84_URI),
    query("sortby", "排序字段，- 为降序 | fields to sort by, - descends", "-capacity,name"),
    query("properties", "只返回这些字段 | give these fields only", "name,capacity"),
    query("skipGeometry", "不返回几何 | leave the geometry out", "false", enum=["true", "false"]),
    query("token", "分页标记，取自 next 链接 | place in the list, from a next link", "W1siaWQi…"),
]


def documented(
    about: str,
    *,
    kind: str = JSON,
    example: Any = None,
    html: bool = True,
    parameters: list[dict[str, Any]] | None = None,
    errors: tuple[int, ...] = (400, 401, 403, 404, 503),
) -> dict[str, Any]:
    """Return a route's ``responses`` and ``openapi_extra``."""
    content: dict[str, Any] = {kind: {"schema": {"type": "object"}}}
    if kind == MVT:
        content[kind]["schema"] = {"type": "string", "format": "binary"}
    if example is not None:
        content[kind]["example"] = example
    if html:
        content[HTML] = {"schema": {"type": "string"}}
    answers: dict[int, Any] = {200: {"description": about, "content": content}}
    if kind == MVT:
        answers[204] = {"description": "nothing lies in the tile"}
    return {
        "responses": {**answers, **described(*errors)},
        "openapi_extra": {"parameters": [FORMAT] if parameters is None else parameters},
    }


def older(app: FastAPI, root: str) -> dict[str, Any]:
    """Return the description of the OGC addresses as OpenAPI 3.0, relative to ``{root}/ogc``.

    Each collection's items stand by name, with its queryables as parameters: clients such as GDAL
    look there for the largest page.
    """
    whole = deepcopy(app.openapi())
    whole["openapi"] = "3.0.3"
    whole["info"] = {"title": "onemap OGC API", "version": app.version}
    paths = {k: each for k, each in whole["paths"].items() if k.startswith(PREFIX)}
    general = f"{PREFIX}/collections/{{layer}}/items"
    for layer in LAYERS:
        named = deepcopy(paths[general])
        get = named["get"]
        get["operationId"] = f"items_{layer.name}"
        get["parameters"] = [each for each in get["parameters"] if each["in"] != "path"]
        get["parameters"] += [
            query(name, column.comment or name, None)
            for name, column in queryables(layer).items()
            if kind_of(column) != "geometry"
        ]
        paths[general.replace("{layer}", layer.name)] = named
    whole["paths"] = {(path.removeprefix(PREFIX) or "/"): each for path, each in paths.items()}
    whole["servers"] = [{"url": root + PREFIX}]
    made: dict[str, Any] = _plainer(whole)
    return made


def _plainer(node: Any) -> Any:
    """Say in 3.0 what 3.1 says by null types and lists of examples."""
    if isinstance(node, list):
        return [_plainer(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: _plainer(value) for key, value in node.items()}
    options = made.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [each for each in options if each != {"type": "null"}]
        del made["anyOf"]
        made = {**(rest[0] if len(rest) == 1 else {"anyOf": rest}), "nullable": True, **made}
    examples = made.get("examples")
    if isinstance(examples, list):
        del made["examples"]
        if examples:
            made["example"] = examples[0]
    return made
