"""Reading the parameters of an items request, with a message for each that cannot be used."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from starlette.requests import Request

from api.ogc.documents import DEFAULT_LIMIT, MAX_LIMIT
from api.ogc.items import Question, property_names
from api.session import Config
from layers.base import Layer
from layers.cql2 import kind_of, queryables
from layers.crs import CRS84, named
from layers.filter import Filter
from layers.paging import parse_order, read_token
from layers.problems import BadRequest

COMMON = ("f", "lang", "at", "unit")
ITEMS = (
    "bbox",
    "bbox-crs",
    "datetime",
    "filter",
    "filter-lang",
    "filter-crs",
    "crs",
    "sortby",
    "limit",
    "token",
    "properties",
    "skipGeometry",
    "named",
)


def check_names(request: Request, *known: str) -> None:
    """Refuse parameters that the address does not know: a misspelt filter must not go unseen.

    Raises
    ------
    BadRequest : names the parameter and those there are.
    """
    for name in request.query_params:
        if name not in COMMON and name not in known:
            names = ", ".join((*known, *COMMON))
            raise BadRequest(
                zh=f"此地址没有参数“{name}”；可用：{names}",
                en=f"This address has no parameter '{name}'; use {names}",
                field=name,
                value=request.query_params[name],
            )


def parse_question(request: Request, layer: Layer) -> Question:
    """Return the page that the address asks for.

    Raises
    ------
    BadRequest : a parameter is unknown or cannot be understood.
    """
    asked = request.query_params
    known = queryables(layer)
    plain = {n: c for n, c in known.items() if not isinstance(c.type, Geometry)}
    check_names(request, *ITEMS, *plain)
    for name in asked:
        if name in ITEMS and len(asked.getlist(name)) > 1:
            raise BadRequest(
                zh=f"参数 {name} 只能给一次",
                en=f"The parameter {name} can be given once only",
                field=name,
            )
    selected = Filter.parse(
        bbox=asked.get("bbox"),
        bbox_crs=asked.get("bbox-crs"),
        datetime=asked.get("datetime"),
        filter=asked.get("filter"),
        filter_lang=asked.get("filter-lang", "cql2-text"),
        filter_crs=asked.get("filter-crs"),
        zone=zone_of(request),
    ).also([_equals(n, plain[n], v) for n, v in asked.multi_items() if n in plain])
    order = parse_order(layer, asked.get("sortby"))
    token = asked.get("token")
    return Question(
        layer,
        selected,
        order,
        _properties(layer, asked.get("properties")),
        _limit(asked.get("limit")),
        after=read_token(layer, order, token) if token is not None else None,
        crs=named(asked["crs"], field="crs") if "crs" in asked else CRS84,
        geometry=not _flag("skipGeometry", asked.get("skipGeometry", "false")),
    )


def zone_of(request: Request) -> Any:
    """Return the time zone in which the service counts days."""
    config: Config = request.app.state.config
    return config.zone


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    # Above the most that is served, the most is served (OGC API - Features, 7.15.2).
    if text.isascii() and text.isdecimal() and int(text[:12]) >= 1:
        return min(int(text[:12]), MAX_LIMIT)
    raise BadRequest(
        zh=f"limit 的值“{text}”无效；应为 1 到 {MAX_LIMIT} 的整数",
        en=f"limit: '{text}' is not a whole number from 1 to {MAX_LIMIT}",
        field="limit",
        value=text,
    )


def _flag(name: str, text: str) -> bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise BadRequest(
        zh=f"{name} 的值“{text}”无效；可用 true 或 false",
        en=f"{name}: '{text}' is neither true nor false",
        field=name,
        value=text,
    )


def _properties(layer: Layer, text: str | None) -> tuple[str, ...]:
    every = property_names(layer)
    if text is None:
        return every
    chosen = [name.strip() for name in text.split(",") if name.strip()]
    for name in chosen:
        if name not in every:
            raise BadRequest(
                zh=f"properties：没有字段“{name}”；可用：{', '.join(every)}",
                en=f"properties: there is no field '{name}'; use {', '.join(every)}",
                field="properties",
                value=text,
            )
    return tuple(name for name in every if name in chosen)


def _equals(name: str, column: Any, text: str) -> dict[str, Any]:
    """Return ``name = text`` in CQL2, for a queryable given as a parameter of its own."""
    kind = kind_of(column)
    value: Any = text
    if kind == "boolean":
        value = _flag(name, text)
    elif kind == "number":
        try:
            value = float(text)
        except ValueError as wrong:
            raise BadRequest(
                zh=f"{name} 的值“{text}”不是数值",
                en=f"{name}: '{text}' is not a number",
                field=name,
                value=text,
            ) from wrong
    return {"op": "=", "args": [{"property": name}, value]}
