"""Writes of the serving process: an edit runs in a thread, in one transaction, and is committed.

The estate is written by the same synchronous `ChangeSet` as imports use; a small pool of its own
keeps writers from taking the readers' connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from anyio import CapacityLimiter, to_thread
from psycopg.errors import DeadlockDetected

from api.session import Config
from layers import db
from layers.committing import committing
from layers.problems import BadRequest, Unavailable
from layers.ticks import Ticks

T = TypeVar("T")

WRITERS = 4
"""Edits at the same time in one process; others wait."""
ATTEMPTS = 3
_PATIENCE_S = 10
_LOCK_MS = 10_000
_STATEMENT_MS = 60_000


class Writer:
    """The door for writes of one process.

    Parameters
    ----------
    url : of the role that writes; default the serving role.
    """

    def __init__(self, config: Config, ticks: Ticks, url: str | None = None) -> None:
        self.ticks = ticks
        self._limiter = CapacityLimiter(WRITERS)
        self.engine = db.engine(
            url or config.database_url,
            pool_size=WRITERS,
            max_overflow=0,
            pool_timeout=_PATIENCE_S,
            pool_pre_ping=True,
            connect_args={
                "application_name": "onemap-edits",
                "options": f"-c lock_timeout={_LOCK_MS} "
                f"-c statement_timeout={_STATEMENT_MS} "
                f"-c idle_in_transaction_session_timeout={_STATEMENT_MS} "
                "-c jit=off -c timezone=UTC "
                f"-c onemap.timezone={config.timezone}",
            },
        )

    async def write(self, act: Callable[[sa.Connection], T], *, counted: bool = True) -> T:
        """Run `act` in a transaction of its own and return what it returns, once committed.

        Parameters
        ----------
        counted : whether the counter of commits is raised: not for what changes no answer.

        Raises
        ------
        BadRequest : a value is none that the database can hold, or too long for it to index.
        Unavailable : the database is away, or the rows are held by another for too long.
        """
        # Threads of its own: edits that wait for a row must not take those of other answers.
        return await to_thread.run_sync(self._write, act, counted, limiter=self._limiter)

    def _write(self, act: Callable[[sa.Connection], T], counted: bool) -> T:
        for attempt in range(ATTEMPTS):
            try:
                return self._once(act, counted=counted)
            except sa.exc.OperationalError as lost:
                if db.is_limit(lost):
                    raise BadRequest(*db.limit_said(lost)) from lost
                # Of two edits that wait for each other one is taken back, and may try again.
                if attempt + 1 == ATTEMPTS or not isinstance(lost.orig, DeadlockDetected):
                    raise _held() from lost
        raise AssertionError("the last attempt returns or raises")

    def _once(self, act: Callable[[sa.Connection], T], *, counted: bool) -> T:
        done = False
        try:
            with committing(self.engine, self.ticks if counted else None) as connection:
                made = act(connection)
                done = True
            return made
        except (sa.exc.OperationalError, sa.exc.InterfaceError) as lost:
            if not done:
                if isinstance(lost, sa.exc.OperationalError):
                    raise
                raise _held() from lost
            raise Unavailable(
                zh="提交时与数据库的连接中断，无法确认是否已保存；请刷新后核对，再决定是否重试",
                en="The connection broke in the commit, and nobody knows whether it was saved; "
                "look at the rows again before you try once more",
            ) from lost
        except sa.exc.TimeoutError as busy:
            raise _held() from busy
        except sa.exc.DataError as wrong:
            raise BadRequest(
                zh=f"数据库无法保存该内容：{wrong.orig}。请检查文字中的特殊字符、数值的范围和类型",
                en=f"The database cannot hold what was given: {wrong.orig}. "
                "Check special characters in texts, and the range and type of the values",
            ) from wrong

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def _held() -> Unavailable:
    return Unavailable(
        zh="暂时无法写入：数据库不可用，或这些对象正被他人修改；未作任何改动，请稍后重试",
        en="Nothing could be written: the database is away, or another holds these rows; "
        "try again in a moment",
    )
