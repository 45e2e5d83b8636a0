"""Which answers leave a trace: refusals, and reads of layers that hold sensitive fields.

Which layers these are the fields themselves say (`layers.sharing`). An address names its layer, or
the question that it asks says on which layers it rests; what else an answer told is said where it
is made (`layers.audit.noting.read`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.callers import credential_in
from api.rates import asks_by
from api.traces import Seen, Traces
from layers.audit import ORIGIN, Kind, Origin
from layers.measures import MEASURES
from layers.named import NAMED
from layers.registry import LAYERS
from layers.sharing import sharing_of

TILE_ROUTE = "/tiles/{layer}/{z}/{x}/{y}"
DESCRIBING: Final = frozenset({
    "/tiles/{layer}", "/ogc/collections/{layer}", "/ogc/collections/{layer}/queryables",
    "/ogc/collections/{layer}/sortables", "/ogc/collections/{layer}/schema",
    "/ogc/collections/{layer}/tiles", "/ogc/collections/{layer}/tiles/{matrix_set}",
})  # fmt: skip
"""Addresses that name a layer and tell none of its rows."""
_RESTING: Final[Mapping[str, tuple[str, ...]]] = {
    "/trips/{key}/path": ("trips", "positions", "vehicles"),
}
"""Addresses that tell rows of layers which they do not name."""
_KEYS = ("key", "item", "name")
"""What an address says of the row or the question that it asks for."""
_REFUSED: Final = {401: "unknown", 403: "forbidden", 429: "too_many"}


@lru_cache(maxsize=1)
def sensitive() -> frozenset[str]:
    """Return the layers that hold a field of a sharing class."""
    return frozenset(each.name for each in LAYERS if any(sharing_of(c) for c in each.table.columns))


@lru_cache(maxsize=1)
def _questions() -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the layers on which each counted question and each measure rests."""
    found = {}
    for route, questions in (("/filters/{name}", NAMED), ("/measures/{name}", MEASURES)):
        for each in questions:
            rests = {name.partition(".")[0] for name in each.rests}
            found[route, each.name] = frozenset({each.layer, *rests})
    return found


def layers_of(route: str | None, given: Mapping[str, Any], query: bytes) -> Iterable[str]:
    """Return the sensitive layers of which an address asks for rows."""
    if route is None or route in DESCRIBING:
        return ()
    named = {given.get("layer"), given.get("layer_name")}
    if query and asks_by(query, "layer"):
        named |= set(parse_qs(query.decode("latin-1")).get("layer", ()))
    named |= set(_RESTING.get(route, ()))
    named |= _questions().get((route, str(given.get("name"))), frozenset())
    return sensitive() & named


def request_id_of(scope: Scope) -> str | None:
    """Return the id of a request, where the service gives one."""
    found = scope.get("state", {}).get("request_id")
    return None if found is None else str(found)


def route_of(scope: Scope) -> str | None:
    """Return the address of a request as the description has it; None before it is known."""
    return getattr(scope.get("route"), "path_format", None)


def arrived(scope: Scope) -> Origin:
    """Return the origin of a request that has just arrived."""
    client = scope.get("client")
    return Origin(address=client[0] if client else None, request=request_id_of(scope))


def routed(scope: Scope) -> None:
    """Note at which address a request arrived, once that is known."""
    origin = ORIGIN.get()
    if origin is not None:
        origin.route = route_of(scope)


def answered(traces: Traces, scope: Scope, origin: Origin, status: int) -> None:
    """Take note of an answer, if it is one that leaves a trace."""
    # An act has been recorded with the act itself; what it told beside that has not.
    if origin.noted and not origin.read:
        return
    origin.route = origin.route or route_of(scope)
    given = scope.get("path_params", {})
    if status in _REFUSED and not origin.noted:
        # Who shows nothing for himself is asked to sign in: nobody was refused anything.
        if status != 401 or credential_in(scope["headers"]) is not None:
            layer = given.get("layer") or given.get("layer_name")
            problem = scope.get("onemap.problem")
            reason = None if problem is None else problem.details.get("reason")
            _add(traces, origin, Kind.REFUSAL, layer, _REFUSED[status], reason)
        return
    if scope["method"] not in ("GET", "HEAD") or (status >= 400 and status != 404):
        return
    layers = set(origin.read)
    if not origin.noted:
        layers.update(layers_of(origin.route, given, scope["query_string"]))
    key = next((str(given[name]) for name in _KEYS if name in given), None)
    for layer in sorted(layers & sensitive()):
        _add(traces, origin, Kind.READ, layer, "not_found" if status == 404 else "ok", None, key)


async def trace_now(
    request: HTTPConnection, kind: Kind, layer: str | None = None, **details: Any
) -> None:
    """Record what is about to be done, and only then let it be done.

    Raises
    ------
    Unavailable : it cannot be recorded.
    """
    traces: Traces = request.app.state.traces
    await traces.now(ORIGIN.get() or Origin(), kind, layer, **details)


def _add(
    traces: Traces,
    origin: Origin,
    kind: Kind,
    layer: str | None,
    outcome: str,
    reason: str | None,
    key: str | None = None,
) -> None:
    seen = Seen(
        kind,
        origin.account_id,
        origin.account,
        origin.bearer,
        origin.address,
        origin.route,
        layer,
        outcome,
        reason,
    )
    traces.add(seen, origin.request, key)


class Traced:
    """Let requests leave their traces."""

    def __init__(self, app: ASGIApp, traces: Traces) -> None:
        self.app = app
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        origin = arrived(scope)
        held = ORIGIN.set(origin)
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            ORIGIN.reset(held)
            answered(self._traces, scope, origin, status)
