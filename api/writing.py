"""Writes of the serving process: an edit runs in a thread, in one transaction, and is committed.

The estate is written by the same synchronous `ChangeSet` as imports use; a small pool of its own
keeps writers from taking the readers' connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from fastapi.concurrency import run_in_threadpool

from api.session import Config
from layers import db
from layers.committing import committing
from layers.problems import Unavailable
from layers.ticks import Ticks

T = TypeVar("T")

WRITERS = 4
"""Edits at the same time in one process; others wait."""
_PATIENCE_S = 10
_LOCK_MS = 10_000


class Writer:
    """The door for writes of one process."""

    def __init__(self, config: Config, ticks: Ticks) -> None:
        self.ticks = ticks
        self.engine = db.engine(
            config.database_url,
            pool_size=WRITERS,
            max_overflow=0,
            pool_timeout=_PATIENCE_S,
            pool_pre_ping=True,
            connect_args={
                "application_name": "onemap-edits",
                "options": f"-c lock_timeout={_LOCK_MS} -c jit=off -c timezone=UTC "
                f"-c onemap.timezone={config.timezone}",
            },
        )

    async def write(self, act: Callable[[sa.Connection], T]) -> T:
        """Run `act` in a transaction of its own and return what it returns, once committed.

        Raises
        ------
        Unavailable : the database is away, or the rows are held by another for too long.
        """
        return await run_in_threadpool(self._write, act)

    def _write(self, act: Callable[[sa.Connection], Any]) -> Any:
        try:
            with committing(self.engine, self.ticks) as connection:
                return act(connection)
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as away:
            raise Unavailable(
                zh="暂时无法写入：数据库不可用，或这些对象正被他人修改；未作任何改动，请稍后重试",
                en="Nothing could be written: the database is away, or another holds these rows; "
                "try again in a moment",
            ) from away

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()
