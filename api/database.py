"""The serving process's connections: one asyncpg pool, and what is said when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import asyncpg
from sqlalchemy.sql.base import Executable

from layers.prepared import Prepared, prepare
from layers.problems import BadRequest, Unavailable
from layers.scope import TIMEZONE

# A query that takes longer than this is a mistake in the question, not patience to be asked for.
TIMEOUT_S = 60.0
# After that the server ends by itself what a process that died has left there.
_LEFT_MS = str(int((TIMEOUT_S + 5) * 1000))
# How long a question waits for a connection while others have them all.
ACQUIRE_S = 20.0
# How long a file waits until another one that is being read has gone out.
PATIENCE_S = 30.0
_BROKEN = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What the driver says where the server ends amid its words.
    asyncpg.InternalClientError,
)
_LOST = (
    *_BROKEN,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    OSError,
)


@contextmanager
def in_words() -> Iterator[None]:
    """Say in the caller's words what the database cannot do.

    Raises
    ------
    Unavailable : the database is away, or the question took too long.
    BadRequest : a value of the caller's is beyond what the database can compute.
    """
    try:
        yield
    except (TimeoutError, asyncpg.QueryCanceledError) as slow:
        raise Unavailable(
            zh=f"查询超过 {TIMEOUT_S:.0f} 秒，已取消；请用 bbox 或 filter 缩小范围",
            en=f"The query took more than {TIMEOUT_S:.0f} s and was cancelled; "
            "narrow it (bbox, datetime, filter) and try again",
        ) from slow
    except _LOST as away:
        raise Unavailable(
            zh="数据库暂不可用；服务会自动重连，请稍后重试",
            en="The database cannot be reached for now; the service reconnects by itself, "
            "try again in a moment",
        ) from away
    except asyncpg.DataError as wrong:
        raise BadRequest(
            zh=f"数据库无法计算该请求：{wrong}。请检查数值的范围和类型",
            en=f"The database cannot compute this request: {wrong}. "
            "Check the range and type of the values",
        ) from wrong


async def _as_it_is(_connection: Any) -> None:
    """Give a connection back without asking the server anything."""


async def _chunks(cursor: Any, size: int) -> AsyncIterator[list[asyncpg.Record]]:
    while True:
        with in_words():
            found = await cursor.fetch(size)
        if not found:
            return
        yield found


class Connections:
    """The pool of one serving process; it opens connections when they are first needed.

    So a service starts while its database is still away, says so (503), and recovers by itself.
    """

    def __init__(
        self,
        url: str,
        size: int,
        *,
        plans: str = "force_custom_plan",
        timezone: str = TIMEZONE,
    ) -> None:
        self._url = url
        self._size = size
        # By default no generic plan: it does not know how large the bbox is, and may scan a table.
        self._plans = plans
        self._timezone = timezone
        self._pool: asyncpg.Pool | None = None
        self._streams = asyncio.Semaphore(max(1, size // 2))

    async def open(self) -> None:
        """Make the pool; no connection is opened yet."""
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._size,
            max_inactive_connection_lifetime=0,
            command_timeout=TIMEOUT_S,
            server_settings={
                "application_name": "onemap-api",
                "plan_cache_mode": self._plans,
                "jit": "off",
                "TimeZone": "UTC",
                # In which the estate counts its days (`layers.scope.day_of`).
                "onemap.timezone": self._timezone,
                # A parallel worker takes tens of milliseconds to start, more than most answers
                # take; the cores are shared out between requests instead.
                "max_parallel_workers_per_gather": "0",
                "statement_timeout": _LEFT_MS,
                "idle_in_transaction_session_timeout": _LEFT_MS,
            },
            # asyncpg would reset the session after every use, a round trip that a small tile
            # takes as long as; nothing that goes through here changes the session.
            reset=_as_it_is,
        )

    async def close(self) -> None:
        """Close the pool; queries under way are given five seconds."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), 5)
            except TimeoutError:
                self._pool.terminate()
            self._pool = None

    @property
    def pool(self) -> asyncpg.Pool:
        """The asyncpg pool itself, for what `fetch` does not cover (COPY).

        Who changes the session (SET, LISTEN, advisory locks) must undo that before giving it back.
        """
        if self._pool is None:
            raise RuntimeError("the pool is opened by the application's lifespan")
        return self._pool

    @property
    def counts(self) -> tuple[int, int]:
        """How many connections are open, and how many of them wait for work."""
        pool = self._pool
        return (0, 0) if pool is None else (pool.get_size(), pool.get_idle_size())

    async def fetch(
        self, statement: Executable | Prepared, values: Mapping[str, Any] | None = None
    ) -> list[asyncpg.Record]:
        """Run a reading statement and return all its rows, as asyncpg gives them.

        Raises
        ------
        Unavailable : the database is away, or the question took too long.
        BadRequest : a value of the caller's is beyond what the database can compute.
        """
        ready = statement if isinstance(statement, Prepared) else prepare(statement)
        arguments = ready.bind(values)
        with in_words():
            try:
                return await self._fetch(ready.sql, arguments)
            except _BROKEN:
                # A connection kept from before a restart of the server: reading again is harmless.
                return await self._fetch(ready.sql, arguments)

    async def _fetch(self, sql: str, arguments: Sequence[Any]) -> list[asyncpg.Record]:
        pool = self.pool
        link = await self._acquired(pool)
        try:
            return list(await link.fetch(sql, *arguments))
        finally:
            await pool.release(link)

    async def _acquired(self, pool: asyncpg.Pool) -> Any:
        """Return a connection, for which nobody waits longer than `ACQUIRE_S`."""
        waiting = asyncio.timeout(ACQUIRE_S)
        try:
            async with waiting:
                return await pool.acquire()
        except TimeoutError as late:
            if not waiting.expired():
                raise  # the server itself did not answer
            raise Unavailable(
                zh="当前请求过多，数据库连接都在使用；请稍后重试",
                en="All connections to the database are in use; try again in a moment",
            ) from late

    @asynccontextmanager
    async def stream(
        self, statement: Executable, chunk: int
    ) -> AsyncIterator[tuple[list[str], AsyncIterator[list[asyncpg.Record]]]]:
        """Yield the names of a statement's columns, and its rows in chunks, through one cursor.

        Whoever reads slowly keeps a connection all that time: half of them are left to others.

        Raises
        ------
        Unavailable : the database is away or took too long, or as many are read as may be.
        """
        ready = prepare(statement)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._streams.acquire()
        except TimeoutError as busy:
            raise Unavailable(
                zh="正在导出的文件过多；请稍后重试",
                en="Too many files are being read; try again in a moment",
            ) from busy
        try:
            async with AsyncExitStack() as held:
                with in_words():
                    link = await self._acquired(self.pool)
                    held.push_async_callback(self.pool.release, link)
                    await held.enter_async_context(link.transaction(readonly=True))
                    prepared = await link.prepare(ready.sql)
                    names = [each.name for each in prepared.get_attributes()]
                    cursor = await prepared.cursor(*ready.bind())
                yield names, _chunks(cursor, chunk)
        finally:
            self._streams.release()

    async def fetchrow(
        self, statement: Executable | Prepared, values: Mapping[str, Any] | None = None
    ) -> asyncpg.Record | None:
        """Run a reading statement and return its first row, or None."""
        rows = await self.fetch(statement, values)
        return rows[0] if rows else None
