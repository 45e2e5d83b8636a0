"""A number for every request, and one line in the log for each that is worth telling.

Told are errors, refusals, writes and what kept somebody waiting; at "debug" everything. A line has
the route's template and never what stands in the address, a header or the content: those hold
names, tokens and passwords. Tiles that are kept in memory have neither number nor line, but at
"debug", where they are answered the usual way.
"""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from layers.requests import REQUEST_ID

log = logging.getLogger("onemap.request")
HEADER = b"x-request-id"
SLOW_S = 1.0
"""Who waits so long for the beginning of an answer is waiting."""
_USABLE = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
# No two processes count from the same beginning; asking the system for each number costs more.
_PROCESS, _ASKED = secrets.token_hex(4).encode(), itertools.count()
_LOOPBACK = ("127.", "::1", "::ffff:127.")


def is_loopback(address: str) -> bool:
    """Return whether an address is this machine's own."""
    return address.startswith(_LOOPBACK)


class RequestLog:
    """Number and tell what is asked of `app`; it stands before everything else.

    The number is the proxy's where a proxy on this machine sends one (X-Request-Id), and is sent
    back with every answer. It is `request.state.request_id` and `layers.requests.REQUEST_ID`;
    who asks is noted by `api.callers` as `request.state.account`.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = _given(scope) or b"%b%08x" % (_PROCESS, next(_ASKED))
        state = scope.setdefault("state", {})
        state["request_id"] = number.decode()
        REQUEST_ID.set(state["request_id"])
        self._metrics.in_flight += 1
        started = time.perf_counter()
        waited = 0.0
        status, complete = 500, False

        async def numbered(message: Message) -> None:
            nonlocal status, complete, waited
            if message["type"] == "http.response.start":
                status, waited = message["status"], time.perf_counter() - started
                # A copy: the message of a kept tile is many answers'.
                message = {**message, "headers": [*message["headers"], (HEADER, number)]}
            elif not message.get("more_body"):
                complete = True
            await send(message)

        try:
            await self.app(scope, receive, numbered)
        except Exception:
            # What was answered with a problem was written down with it.
            if not complete or status != 500:
                raise
        finally:
            whole = time.perf_counter() - started
            self._metrics.in_flight -= 1
            route = template_of(scope)
            self._metrics.note(scope["method"], route, status, waited or whole)
            for listener in self._metrics.listeners:
                listener(scope, route, status, whole)
            _tell(scope, status, waited, whole)


def _given(scope: Scope) -> bytes | None:
    peer = scope.get("client")
    if peer is None or not is_loopback(peer[0]):
        return None
    for name, value in scope["headers"]:
        if name == HEADER and _USABLE.fullmatch(value):
            return bytes(value)
    return None


def template_of(scope: Scope) -> str | None:
    """Return the template of the route that answered a request; None: none of the service's."""
    told: str | None = scope["state"].get("route")
    return told or getattr(scope.get("route"), "path", None)


def _tell(scope: Scope, status: int, waited: float, whole: float) -> None:
    slow = waited >= SLOW_S
    level = logging.DEBUG
    if status >= 500:
        level = logging.ERROR
    elif slow:
        level = logging.WARNING
    elif status >= 400 or scope["method"] not in _SAFE:
        level = logging.INFO
    if not log.isEnabledFor(level):
        return
    client = scope.get("client")
    fields: dict[str, Any] = {
        "method": scope["method"],
        "route": template_of(scope),
        "status": status,
        "ms": round(whole * 1000, 1),
        "account": scope["state"].get("account"),
        "address": client[0] if client else None,
    }
    log.log(level, "slow" if slow else "request", extra={"fields": fields})
