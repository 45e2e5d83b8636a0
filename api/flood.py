"""All requests of an address together, counted in each process by itself.

That costs a look into a dictionary; a file or the database would cost more than many an answer.
Tiles that are kept in memory are not counted: they are cheaper than counting.
"""

from __future__ import annotations

import time

from limits import RateLimitItem
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.rates import counted_as, too_many
from api.traces import Seen, Traces
from api.tracing import request_id_of
from layers.audit import Kind

_MOST_ADDRESSES = 100_000


class Flood:
    """Refuse what comes from one address more often than any person asks.

    Each process counts for itself; the proxy's own limit stands before it (deploy/nginx.conf).
    """

    def __init__(self, app: ASGIApp, limit: RateLimitItem | None, traces: Traces) -> None:
        self.app = app
        self._traces = traces
        self._most = 0 if limit is None else limit.amount
        self._window = 0 if limit is None else limit.get_expiry()
        self._counts: dict[str, int] = {}
        self._until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._most and scope["type"] == "http" and self._is_too_many(scope):
            self._traces.add(_seen(counted_as(scope["client"][0])), request_id_of(scope))
            problem = too_many("requests", time.time() + self._until - time.monotonic())
            response = await problems.on_problem(Request(scope), problem)
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_too_many(self, scope: Scope) -> bool:
        client = scope.get("client")
        who = counted_as(client[0]) if client else None
        if who is None:
            return False
        now = time.monotonic()
        if now >= self._until or len(self._counts) >= _MOST_ADDRESSES:
            self._counts.clear()
            self._until = now + self._window
        count = self._counts[who] = self._counts.get(who, 0) + 1
        return count > self._most


def _seen(who: str | None) -> Seen:
    """Return what is recorded of who is refused; nobody looked yet who it is, or what he asked."""
    # As it is counted: the many addresses of one network are one record.
    address = None if who is None else who.removeprefix("address/")
    return Seen(Kind.REFUSAL, None, None, None, address, None, None, "too_many", "requests")
