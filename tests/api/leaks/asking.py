"""What is asked of the service: every route of its description, over every layer and owner.

A route whose parameters nobody says here how to fill is an error: so a new one is in by itself, or
the test fails until it is.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import httpx
from fastapi import FastAPI

from importers.registry import KINDS
from layers.base import Layer
from layers.measures import MEASURES
from layers.named import NAMED
from layers.registry import LAYERS
from tests.api.leaks.planted import DAY, WORD, Planted
from tests.api.leaks.reading import tile_of
from tiles.vector import drawable

ASKED = ("mid", "sib", None)
"""Owners whose rows are asked for one by one; lists and searches show those of all."""
DEAR = frozenset({
    "/features/{layer_name}/{key}", "/history/{layer}/{key}", "/lists/{layer}/export",
    "/lists/{layer}/groups", "/lists/{layer}/tiles/{z}/{x}/{y}",
})  # fmt: skip
"""Routes whose answer takes long: of these a row of the grant's body and one of another's is asked.

A caller who is like another but for the bodies asks them of some layers alone: see `Ask.dear`.
"""
TELLING = ("bodies", "rooms", "persons", "occupancies", "vehicles", "positions", "trips",
           "network_nodes", "assets", "meters", "readings")  # fmt: skip
NOTHING = "999999999"
_SET = "WebMercatorQuad"
_DEAR = ("persons", "vehicles", "positions", "trips", "network_nodes")
"""Layers with masked fields: of these every format is asked for."""

Values = dict[str, str]


class _Unfilled(Exception):
    """Nobody said how to ask."""


@dataclass(frozen=True, eq=False)
class Ask:
    """A request.

    Attributes
    ----------
    template : the address as the description has it.
    layer : what it is about, where it is about one.
    """

    method: str
    template: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    layer: str | None = None

    @property
    def dear(self) -> bool:
        """Whether only who is like nobody else asks it."""
        past = self.template == "/search" and "at" in self.query
        return past or (self.template in DEAR and self.layer not in TELLING)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.query or ''}"


def asks(app: FastAPI, planted: Planted) -> list[Ask]:
    """Return what is asked of every route.

    Raises
    ------
    AssertionError : of a route, or a parameter of it, nobody said what to ask.
    """
    made, unfilled = [], []
    for template, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            try:
                made += list(_of_route(method, template, operation, planted))
            except _Unfilled as missing:
                unfilled.append(f"{method.upper()} {template}: {missing}")
    assert not unfilled, "say in tests/api/leaks/asking.py how to ask:\n" + "\n".join(unfilled)
    return [*made, Ask("GET", "/openapi.json", "/openapi.json")]


def _of_route(
    method: str, template: str, operation: dict[str, Any], planted: Planted
) -> Iterator[Ask]:
    names = frozenset(re.findall(r"{(\w+)}", template))
    required = {
        each["name"]
        for each in operation.get("parameters", [])
        if each["in"] == "query" and each.get("required")
    }
    bodies = [None]
    if "requestBody" in operation:
        if (method, template) not in _BODIES:
            raise _Unfilled("body")
        bodies = _BODIES[method, template](planted)
    for values in _values(template, names, planted):
        if method in ("put", "patch", "delete") and not _anothers(values, planted):
            continue
        path = template
        for name, value in values.items():
            path = path.replace("{" + name + "}", value)
        layer = values.get("layer", values.get("layer_name"))
        for query, body in product(_queries(method, template, layer, planted), bodies):
            missing = required - query.keys()
            if missing:
                raise _Unfilled(f"query {sorted(missing)}")
            yield Ask(method.upper(), template, path, query, body, layer)


def _anothers(values: Values, planted: Planted) -> bool:
    """Whether the row is the sibling's, of what is written: of others the same would be said."""
    layer, item = values.get("layer"), values.get("item", "").split("~")[0]
    return layer is None or item == str(planted.ids[layer, "sib"])


def _values(template: str, names: frozenset[str], planted: Planted) -> Iterable[Values]:
    if not names:
        return [{}]
    if template in _ONE:
        return _ONE[template](planted)
    if names in _MANY:
        return _MANY[names](template, planted)
    raise _Unfilled(f"path {sorted(names)}")


def _layers(_template: str, _planted: Planted) -> Iterator[Values]:
    for each in LAYERS:
        yield {"layer": each.name}


def _rows(name: str, key: str) -> Callable[[str, Planted], Iterator[Values]]:
    def found(template: str, planted: Planted) -> Iterator[Values]:
        for layer, owner in product(LAYERS, ASKED):
            if (layer.name, owner) not in planted.ids:  # no body is nobody's
                continue
            if template in DEAR and owner is None:
                continue
            row = str(planted.ids[layer.name, owner])
            if layer.series is not None and key == "item" and "/ogc/" in template:
                row += f"~{DAY.isoformat().replace('+00:00', 'Z')}"
            yield {name: layer.name, key: row}

    return found


def _spots(layer: Layer, planted: Planted) -> Iterator[tuple[float, float]]:
    """Yield where rows of a layer are, as far as owners are asked for one by one."""
    for owner in ASKED:
        moving = layer.name in ("positions", "trips", "stops")
        yield (planted.secret[owner], 37.50123) if moving else planted.place(owner)


def _tiles(template: str, planted: Planted) -> Iterator[Values]:
    for layer in LAYERS:
        if template.startswith("/tiles/") and not drawable(layer):
            continue
        zooms = {layer.zooms[1], max(layer.zooms[0], 10)} if "lists" not in template else {16}
        for z in sorted(zooms):
            for lon, lat in list(_spots(layer, planted))[: 2 if template in DEAR else None]:
                # What is drawn at the corner of its square reaches over the tile's edge.
                x, y = tile_of(lon + 0.0001, lat + 0.0001, z)
                yield {"layer": layer.name, "z": str(z), "x": str(x), "y": str(y)}


def _matrices(_template: str, planted: Planted) -> Iterator[Values]:
    for found in _tiles("/tiles/", planted):
        yield {
            "layer": found["layer"], "matrix_set": _SET, "matrix": found["z"], "row": found["y"],
            "column": found["x"],
        }  # fmt: skip


def _pictures(_template: str, planted: Planted) -> Iterator[Values]:
    for owner in ASKED:
        yield {"picture": str(planted.ids["imagery", owner]), "z": "16", "x": "1", "y": "1"}


_MANY: dict[frozenset[str], Callable[[str, Planted], Iterable[Values]]] = {
    frozenset({"layer"}): _layers,
    frozenset({"layer", "key"}): _rows("layer", "key"),
    frozenset({"layer_name", "key"}): _rows("layer_name", "key"),
    frozenset({"layer", "item"}): _rows("layer", "item"),
    frozenset({"layer", "z", "x", "y"}): _tiles,
    frozenset({"picture", "z", "x", "y"}): _pictures,
    frozenset({"matrix_set"}): lambda _t, _p: [{"matrix_set": _SET}],
    frozenset({"layer", "matrix_set"}): lambda _t, _p: [
        {"layer": each.name, "matrix_set": _SET} for each in LAYERS if drawable(each)
    ],
    frozenset({"layer", "matrix_set", "matrix", "row", "column"}): _matrices,
}
"""How the parts of an address are filled, by what they are."""


def _keys(layer: str) -> Callable[[Planted], list[Values]]:
    return lambda planted: [{"key": str(planted.ids[layer, owner])} for owner in ASKED]


def _one(**values: str) -> Callable[[Planted], list[Values]]:
    return lambda _planted: [values]


_ONE: dict[str, Callable[[Planted], list[Values]]] = {
    "/archives/{name}.pmtiles": _one(name="estate"),
    "/measures/{name}": lambda _: [{"name": each.name} for each in MEASURES],
    "/filters/{name}": lambda _: [{"name": each.name} for each in NAMED],
    "/meters/{key}/consumption": _keys("meters"),
    "/buildings/{key}/levels": _keys("buildings"),
    "/buildings/{key}/stack": _keys("buildings"),
    "/trips/{key}/path": _keys("trips"),
    "/changes/{seq}/undo": lambda planted: [{"seq": str(planted.seq["sib"])}],
    "/conflicts/{key}": lambda _: [{"key": str(key)} for key in (1, 2, 3)],
    # Of accounts nothing is changed here: what is asked for is not there.
    "/me/sessions/{key}": _one(key=NOTHING),
    "/me/tokens/{key}": _one(key=NOTHING),
    "/administration/accounts/{key}/grants": _one(key=NOTHING),
    "/administration/grants/{key}": _one(key=NOTHING),
    "/administration/accounts/{key}/tokens": _one(key=NOTHING),
    "/administration/accounts/{key}/{act}": _one(key=NOTHING, act="disable"),
    "/administration/sessions/{key}": _one(key=NOTHING),
    "/administration/tokens/{key}": _one(key=NOTHING),
    # Of jobs nobody's are planted: whose a job is stands in tests/api/test_jobs.py.
    "/jobs/{key}": _one(key=NOTHING),
    "/jobs/{key}/result": _one(key=NOTHING),
    "/jobs/kinds/{kind}/template": lambda _: [{"kind": each.kind} for each in KINDS],
}


def _queries(
    method: str, template: str, layer: str | None, planted: Planted
) -> list[dict[str, str]]:
    """Return the queries of a route: what must be given, and what asks for more."""
    before = {"at": planted.before.isoformat()}
    if method == "get" and template.endswith("/items"):
        forms = [{"f": "html"}] if layer in _DEAR else []
        past = [] if layer in ("positions", "readings") else [before]
        return [{"limit": "1000"}, *past, *forms]
    if template.endswith("/export"):
        return [{"format": each} for each in _formats(layer)]
    return {
        "/jobs/imports": [{"kind": each.kind, "name": "x.none"} for each in KINDS],
        "/search": [{"q": WORD, "limit": "100"}, {"q": WORD, "limit": "100", **before}],
        "/lists/{layer}/groups": [{"by": "body"}],
        "/lists/{layer}": [{"limit": "500"}],
        "/history/{layer}/{key}": [{"geometry": "true"}],
        "/changes": [{}, {"layer": "persons"}] if method == "get" else [{}],
        "/changes/between": [{"from": before["at"]}],
        "/tiles/{layer}/{z}/{x}/{y}": [{}, before] if layer in _DEAR else [{}],
    }.get(template, [{}])


def _formats(layer: str | None) -> tuple[str, ...]:
    return ("csv", "xlsx", "geojson") if layer in _DEAR else ("csv",)


def _edits(planted: Planted) -> list[Any]:
    """Return edits of rows that are another's: each is refused, and may tell nothing."""
    room, person = planted.ids["rooms", "sib"], planted.ids["persons", "sib"]
    return [
        {"puts": [{"layer": "rooms", "id": room, "revision": 1, "properties": {"name": "x"}}]},
        {"puts": [{"layer": "persons", "id": person, "revision": 1, "properties": {"name": "x"}}]},
        {"puts": [{"layer": "rooms", "like": room}]},
        {"deletes": [{"layer": "rooms", "id": room, "revision": 1}]},
        {"puts": [{"layer": "occupancies", "properties": {"room_id": room, "person_id": person}}]},
    ]


_SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
_FEATURE = {"type": "Feature", "geometry": None, "properties": {"name": "x"}}
_BODIES: dict[tuple[str, str], Callable[[Planted], list[Any]]] = {
    ("post", "/changes"): _edits,
    ("post", "/changes/{seq}/undo"): lambda _: [{"reason": "x"}],
    # What would be taken is asked wrongly, so that no job is left behind.
    ("post", "/jobs/imports"): lambda _: [None],
    ("post", "/jobs/exports"): lambda _: [{"layer": each.name, "format": "x"} for each in LAYERS],
    ("post", "/jobs/archives"): lambda _: [{"layers": []}],
    ("post", "/conflicts/{key}"): lambda _: [{"take": "file", "revision": 1}],
    ("post", "/shapes/split"): lambda _: [
        {"geometry": _SQUARE, "line": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}
    ],
    ("post", "/shapes/merge"): lambda _: [{"geometries": [_SQUARE, _SQUARE]}],
    # An edit that would be taken would change what is planted: these have a field that is not.
    ("post", "/ogc/collections/{layer}/items"): lambda _: [
        {**_FEATURE, "properties": {"no_such_field": 1}}
    ],
    ("put", "/ogc/collections/{layer}/items/{item}"): lambda _: [
        {**_FEATURE, "properties": {"no_such_field": 1}}
    ],
    ("patch", "/ogc/collections/{layer}/items/{item}"): lambda _: [
        {**_FEATURE, "properties": {"no_such_field": 1}}
    ],
    **{
        ("post", each): lambda _: [{}]
        for each in (
            "/sign-in", "/me/password", "/me/second-factor", "/me/second-factor/confirm",
            "/me/second-factor/remove", "/me/tokens", "/administration/accounts",
            "/administration/accounts/{key}/grants", "/administration/accounts/{key}/tokens",
        )
    },
}  # fmt: skip


async def answered(client: httpx.AsyncClient, ask: Ask, token: str | None) -> httpx.Response:
    """Ask, as whoever bears a token."""
    headers = {"Accept-Language": "en"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if ask.method in ("PUT", "PATCH", "DELETE"):
        # A revision that no row has: nothing is written, whoever asks.
        headers["If-Match"] = f'"{NOTHING}-0123456789abcdef"'
    return await client.request(
        ask.method, ask.path, params=ask.query, json=ask.body, headers=headers
    )


async def streamed(app: FastAPI, token: str | None, patience_s: float = 300) -> str:
    """Return what `/events` tells of all that was ever committed, until it is up to date."""
    headers = [(b"host", b"map.test"), (b"last-event-id", b"0")]
    if token is not None:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/events", "raw_path": b"/events", "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("map.test", 80),
    }  # fmt: skip
    told: list[bytes] = []
    ended = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            told.append(message.get("body", b""))
            if b"".join(told).count(b"event: hello") > 1 or not message.get("more_body"):
                ended.set()

    running = asyncio.ensure_future(app(scope, receive, send))
    try:
        async with asyncio.timeout(patience_s):
            await ended.wait()
    except TimeoutError as late:
        raise AssertionError(f"/events told no more than {b''.join(told)!r}") from late
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return b"".join(told).decode()
