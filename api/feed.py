"""What is committed, told to the parts of one serving process that keep something in memory.

Two ways lead here. The counter of the host's commits (`layers.ticks`) is compared before every
answer from memory: when it has moved, the log is read first, so that nobody on this host is served
what was before an acknowledged change. And the database tells every commit on a channel, by which
open pages and the writers of other hosts are heard. Without the connection that listens nothing is
known to be up to date and nothing kept is served; once it is back the log tells what was missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import asyncpg

from layers import committed as log_of
from layers.committed import Committed, State, Touched
from layers.prepared import Prepared
from layers.ticks import Ticks

log = logging.getLogger("onemap.feed")

BEAT_S = 5.0
"""How often the connection, the clock and the counter's file are looked at: the bound within which
a silent loss of the connection is noticed."""
PATIENCE_S = 0.05
"""How long an answer waits for the log before it goes past what is kept."""
PAUSES_S = (0.05, 2.0)
CLOCK_S = 1.0
"""A clock that moved by more than this against ours was set."""
NEVER = -1


class Follower(Protocol):
    """A part that is told of commits, in their order and before anyone relies on them."""

    def committed(self, sets: Sequence[Committed]) -> None:
        """Take note of what was committed."""

    def clock_set(self) -> None:
        """Forget what depends on the day: the database's clock was set."""

    def broken(self) -> None:
        """Forget everything: the order goes on elsewhere (too far behind, another database)."""


class Feed:
    """The log of changes as one process follows it.

    Parameters
    ----------
    url : of the database, for the serving role.
    ticks : the counter of the host's commits.
    watched : gives by table the columns whose change is told one by one (`Touched.changed`).

    Attributes
    ----------
    processed : the place of the last set that the followers were told.
    seen : the count under which that was; `NEVER` while nobody listens.
    """

    def __init__(
        self,
        url: str,
        ticks: Ticks,
        watched: Callable[[], Mapping[str, Sequence[str]]] = dict,
    ) -> None:
        self.ticks = ticks
        self.seen = NEVER
        self.processed: int | None = None
        self.followers: list[Follower] = []
        self._url = url
        self._watched = watched
        self._last: Committed | None = None
        self._log: int | None = None
        self._clock: float | None = None
        self._connection: asyncpg.Connection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._again = False
        self._closing = False

    @property
    def live(self) -> bool:
        """Whether somebody listens."""
        return self._connection is not None

    @property
    def fresh(self) -> bool:
        """Whether everything acknowledged on this host is known to the followers."""
        return self.seen == self.ticks.read()

    async def open(self) -> None:
        """Begin to listen; the database may still be away."""
        self._listening = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Stop listening."""
        self._closing = True
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(BaseException):
                await self._reading

    async def ready(self, patience_s: float = PATIENCE_S) -> bool:
        """Return whether what the followers keep may be served to who asks now.

        False: the log could not be read, or not soon enough; ask the database itself then.
        """
        if self.fresh:
            return True
        try:
            await asyncio.wait_for(self._reach(self.ticks.read()), patience_s)
        except TimeoutError:
            return False
        return self.seen != NEVER

    async def catch_up(self) -> bool:
        """Read what was committed until now, however long it takes; False when nobody listens."""
        if self._reading is not None:
            # It may have asked before what is looked for was committed.
            await asyncio.wait([self._reading])
        reading = self._begin()
        if reading is not None:
            await asyncio.wait([reading])
        return self.live

    async def _reach(self, count: int) -> None:
        """Read the log until a reading that began at `count` or later has ended."""
        while self.live and self.seen < count:
            reading = self._begin()
            if reading is None:
                return
            await asyncio.wait([reading])

    def _begin(self) -> asyncio.Task[None] | None:
        if self._reading is None and self._connection is not None:
            self._reading = asyncio.create_task(self._read(self._connection))
        return self._reading

    async def _read(self, connection: asyncpg.Connection) -> None:
        try:
            # The count goes first: what is counted later was perhaps not yet there to be read.
            count = self.ticks.read()
            async with asyncio.timeout(60):
                sets, known = await self._sets(connection)
                self._tell(sets, known=known)
            if connection is self._connection:
                self.seen = count
        except Exception as lost:  # noqa: BLE001 - a connection that breaks amid a query says anything
            if not self._closing:
                log.warning("the log of changes cannot be read: %s", lost)
            if connection is self._connection:
                self._lose()
        finally:
            self._reading = None
            if self._again:
                self._again = False
                self._begin()

    async def _sets(self, connection: asyncpg.Connection) -> tuple[tuple[Committed, ...], bool]:
        """Return the sets after the last one that was told, and whether they follow it."""
        began = time.monotonic()
        first = self.processed if self.processed is not None else await self._newest(connection)
        state = await self._state(connection, first, log_of.MOST + 2)
        self._set_clock(state.now_s - (began + time.monotonic()) / 2)
        first_time, same_log = self._log is None, self._log == state.log
        sets = state.sets
        if first and sets and sets[0].seq == first:
            same = self._last is None or sets[0] == self._last
            sets = sets[1:]
        else:
            same = not first
        if not first_time and not (same_log and same and len(sets) <= log_of.MOST):
            first = await self._newest(connection)
            newest = await self._state(connection, first, 1)
            self.processed, self._last = first, newest.sets[0] if newest.sets else None
            self._log = state.log
            return (), False
        if first_time:
            self._last = state.sets[0] if state.sets and state.sets[0].seq == first else None
            self.processed = first
        self._log = state.log
        return await self._filled(connection, sets), True

    def _tell(self, sets: tuple[Committed, ...], *, known: bool) -> None:
        """Tell the followers; nothing is awaited here, so that nobody sees them half told."""
        if not known:
            for each in self.followers:
                each.broken()
        if sets:
            for each in self.followers:
                each.committed(sets)
            self.processed, self._last = sets[-1].seq, replace(sets[-1], changes=())

    async def _newest(self, connection: asyncpg.Connection) -> int:
        ready = _last_place()
        return int(await connection.fetchval(ready.sql, *ready.bind()) or 0)

    async def _state(self, connection: asyncpg.Connection, first: int, most: int) -> State:
        ready = _state_from()
        values = ready.bind({"from": first, "most": most})
        return log_of.state_of(await connection.fetch(ready.sql, *values))

    async def _filled(
        self, connection: asyncpg.Connection, sets: tuple[Committed, ...]
    ) -> tuple[Committed, ...]:
        return await filled(_fetcher(connection), sets, self._watched())

    def _set_clock(self, clock: float) -> None:
        moved = self._clock is not None and abs(clock - self._clock) > CLOCK_S
        self._clock = clock
        if moved:
            for each in self.followers:
                each.clock_set()

    def day(self, zone: ZoneInfo, margin_s: float = 2.0) -> tuple[float, float]:
        """Return from when to when, on `time.monotonic`, the database counts the present day.

        Each end is drawn in by a margin, in which nobody can tell which day it is there.
        """
        if self._clock is None:
            return (0.0, 0.0)
        now = datetime.fromtimestamp(time.monotonic() + self._clock, UTC).astimezone(zone)
        start = datetime(now.year, now.month, now.day, tzinfo=zone)
        following = (start + timedelta(days=1)).date()
        end = datetime(following.year, following.month, following.day, tzinfo=zone)
        return (
            start.timestamp() - self._clock + margin_s,
            end.timestamp() - self._clock - margin_s,
        )

    async def _listen(self) -> None:
        pause = PAUSES_S[0]
        while True:
            try:
                await self._heard()
                pause = PAUSES_S[0]
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as away:
                log.debug("nobody listens to the database: %s", away)
            except Exception:
                log.exception("listening to the database failed")
            finally:
                self._lose()
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSES_S[1])

    async def _heard(self) -> None:
        """Listen through one connection until it is lost."""
        gone = self._gone = asyncio.Event()
        connection = await asyncpg.connect(
            self._url,
            timeout=10,
            server_settings={"application_name": "onemap-feed", "jit": "off", "TimeZone": "UTC"},
        )
        try:
            connection.add_termination_listener(lambda *_: gone.set())
            await connection.add_listener(log_of.CHANNEL, self._told)
            self._connection = connection
            while not gone.is_set():
                if self.ticks.renewed():
                    self.seen = NEVER
                await self.catch_up()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(gone.wait(), BEAT_S)
        finally:
            if self._connection is connection:
                self._lose()
            connection.terminate()

    def _told(self, _connection: Any, _process: int, _channel: str, payload: str) -> None:
        if self._reading is not None:
            self._again = True  # it may have asked before this commit
        elif self.processed is None or int(payload) > self.processed:
            self._begin()

    def _lose(self) -> None:
        self.seen = NEVER
        if self._connection is not None:
            self._connection = None
            self._gone.set()


Fetch = Callable[[Prepared, Mapping[str, Any]], Any]


def _fetcher(connection: asyncpg.Connection) -> Fetch:
    async def fetch(ready: Prepared, values: Mapping[str, Any]) -> list[Any]:
        return list(await connection.fetch(ready.sql, *ready.bind(values)))

    return fetch


async def filled(
    fetch: Fetch,
    sets: Sequence[Committed],
    watched: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Committed, ...]:
    """Return sets that follow one another with what they changed.

    Parameters
    ----------
    fetch : runs a prepared statement with values.
    watched : by table the columns whose change is told one by one.
    """
    if not sets:
        return ()
    span = {"first": sets[0].seq, "last": sets[-1].seq}
    rows = await fetch(_changes(), span)
    if len(rows) > log_of.MANY:
        if len(sets) == 1:
            rows = await fetch(_extents(), span)
        else:
            whole: list[Committed] = []
            for each in sets:
                whole += await filled(fetch, [each], watched)
            return tuple(whole)
    found: dict[int, list[Touched]] = {}
    for row in rows:
        found.setdefault(row["seq"], []).append(log_of.touched_of(row))
    for table, columns in (watched or {}).items():
        await _compare(fetch, span, found, table, columns)
    return log_of.with_changes(sets, found)


async def _compare(
    fetch: Fetch,
    span: Mapping[str, int],
    found: dict[int, list[Touched]],
    table: str,
    columns: Sequence[str],
) -> None:
    """Note in `found` which of the watched columns of a table's rows have changed."""

    def asked(each: Touched) -> bool:
        return each.table == table and each.operation == "U" and each.id is not None

    if not any(asked(each) for changes in found.values() for each in changes):
        return
    rows = await fetch(_columns(table, tuple(columns)), span)
    differ = {(row["seq"], row["id"]): frozenset(row["changed"]) for row in rows}
    for seq, changes in found.items():
        found[seq] = [
            replace(each, changed=differ.get((seq, each.id))) if asked(each) else each
            for each in changes
        ]


@lru_cache(maxsize=1)
def _state_from() -> Prepared:
    return log_of.state_from()


@lru_cache(maxsize=1)
def _last_place() -> Prepared:
    return log_of.last_place()


@lru_cache(maxsize=1)
def _changes() -> Prepared:
    return log_of.changes_between()


@lru_cache(maxsize=1)
def _extents() -> Prepared:
    return log_of.extents_between()


@lru_cache(maxsize=256)
def _columns(table: str, columns: tuple[str, ...]) -> Prepared:
    return log_of.columns_between(table, columns)
