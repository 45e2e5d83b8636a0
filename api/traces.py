"""Reads and refusals of one process, gathered for a moment and recorded together.

So that nobody waits for the record and a tile costs next to nothing, what is alike within the
moment becomes one record with a count. What cannot be gathered any more while the database is
away is itself recorded, as a number.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import asyncpg
import sqlalchemy as sa

from api.database import Connections, in_words
from layers.audit import Kind, Origin
from layers.audit.noting import WAITING, values_of
from layers.prepared import Prepared, prepare

log = logging.getLogger("onemap.traces")

FLUSH_S = 0.3
"""How long it is gathered before it is recorded."""
PATIENCE_S = 3.0
"""How long a process that ends waits for the last of it to be recorded."""
MOST = 20_000
"""Different things that are gathered while the database is away."""
MOST_KEYS = 50
"""Rows that one record names."""
_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError,
         TimeoutError)  # fmt: skip


class Seen(NamedTuple):
    """What makes reads or refusals alike."""

    kind: Kind
    account_id: int | None
    account: str | None
    bearer: str | None
    address: str | None
    route: str | None
    layer: str | None
    outcome: str
    reason: str | None = None


@dataclass
class _Gathered:
    """What was alike, since when, and how often."""

    at: datetime
    request: str | None
    count: int = 0
    keys: list[str] = field(default_factory=list)


@lru_cache(maxsize=1)
def _insert() -> Prepared:
    names = ("at", "kind", "account_id", "account", "address", "request", "route", "layer",
             "outcome", "details")  # fmt: skip
    values = {name: sa.bindparam(name, None, WAITING.c[name].type) for name in names}
    return prepare(sa.insert(WAITING).inline().values(values))


class Traces:
    """What one process records of reads and refusals.

    Parameters
    ----------
    url : of the database, for the serving role: it adds to what waits and can do nothing else.
    """

    def __init__(self, url: str) -> None:
        self._connections = Connections(url, 1)
        self._gathered: dict[Seen, _Gathered] = {}
        self._dropped = 0
        self._some = asyncio.Event()
        self._flushing: asyncio.Task[None] | None = None
        self._closing = False
        self._warned = 0.0

    async def open(self) -> None:
        """Begin to record; the database may still be away."""
        await self._connections.open()
        self._flushing = asyncio.create_task(self._flush_on())

    async def close(self) -> None:
        """Record the last of it and end."""
        # What is being recorded is not broken off: it would be lost, or be there twice.
        self._closing = True
        self._some.set()
        with contextlib.suppress(TimeoutError):
            if self._flushing is not None:
                await asyncio.wait_for(self._flushing, PATIENCE_S)
            await asyncio.wait_for(self.flush(), PATIENCE_S)
        left = self._dropped + sum(each.count for each in self._gathered.values())
        if left:
            log.error("%d reads and refusals were not recorded: the database is away", left)
        await self._connections.close()

    def add(self, seen: Seen, request: str | None = None, key: str | None = None) -> None:
        """Take note of a read or refusal.

        Parameters
        ----------
        key : of the row that was asked for.
        """
        known = self._gathered.get(seen)
        if known is None:
            if len(self._gathered) >= MOST:
                self._dropped += 1
                return
            known = self._gathered[seen] = _Gathered(datetime.now(UTC), request)
            self._some.set()
        known.count += 1
        if key is not None and len(known.keys) < MOST_KEYS and key not in known.keys:
            known.keys.append(key)

    async def now(
        self, origin: Origin, kind: Kind, layer: str | None = None, **details: Any
    ) -> None:
        """Record something before it is done (an export).

        Raises
        ------
        Unavailable : it cannot be recorded, so it must not be done.
        """
        values = values_of(origin, kind, "done", layer, details) | {"at": datetime.now(UTC)}
        with in_words():
            await self._write([values])
        origin.noted = True

    async def flush(self) -> None:
        """Record what was gathered; where the database is away it is kept."""
        gathered, dropped = self._gathered, self._dropped
        self._gathered, self._dropped = {}, 0
        self._some.clear()
        rows = [_row(seen, each) for seen, each in gathered.items()]
        if dropped:
            told = values_of(Origin(), Kind.DROPPED, "failed", None, {"count": dropped})
            rows.append(told | {"at": datetime.now(UTC)})
        if not rows:
            return
        try:
            await self._write(rows)
        except _AWAY as away:
            if time.monotonic() - self._warned > 60:
                log.warning("reads and refusals cannot be recorded for now: %s", away)
                self._warned = time.monotonic()
            self._take_back(gathered, dropped)

    def _take_back(self, gathered: dict[Seen, _Gathered], dropped: int) -> None:
        self._dropped += dropped
        for seen, each in self._gathered.items():
            known = gathered.get(seen)
            if known is not None:
                known.count += each.count
                known.keys = [*known.keys, *each.keys][:MOST_KEYS]
            elif len(gathered) < MOST:
                gathered[seen] = each
            else:
                self._dropped += each.count
        self._gathered = gathered
        self._some.set()

    async def _write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        ready = _insert()
        given = [
            [json.dumps(row[n]) if n == "details" else row[n] for n in ready.names] for row in rows
        ]
        await self._connections.pool.executemany(ready.sql, given, timeout=10)

    async def _flush_on(self) -> None:
        while not self._closing:
            await self._some.wait()
            await asyncio.sleep(FLUSH_S)
            await self.flush()


def _row(seen: Seen, gathered: _Gathered) -> dict[str, Any]:
    origin = Origin(
        seen.account_id, seen.account, seen.bearer, seen.address, gathered.request, seen.route
    )
    details = {
        "count": gathered.count if gathered.count > 1 else None,
        "keys": gathered.keys or None,
        "reason": seen.reason,
    }
    told = values_of(origin, seen.kind, seen.outcome, seen.layer, details)
    return told | {"at": gathered.at}
