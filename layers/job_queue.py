"""The queue of jobs: who has taken what; a library's tables in a schema of their own.

Whoever takes an entry holds it until it is given back or ended; every giving back is counted. So
the entry and its count name one holding, and one that is no longer in force changes nothing: the
library itself looks at the entry alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import procrastinate
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

SCHEMA = "queue"
QUEUE = "onemap"
TASK = "onemap.job"

_APP = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
_STATUS = postgresql.ENUM(
    *(each.value for each in procrastinate.jobs.Status),
    name="procrastinate_job_status", schema=SCHEMA, create_type=False,
)  # fmt: skip
_ENTRY = sa.table(
    "procrastinate_jobs",
    sa.column("id", sa.BigInteger),
    sa.column("status", _STATUS),
    sa.column("attempts", sa.Integer),
    schema=SCHEMA,
)
_OPEN = ("todo", "doing")


class Hold(NamedTuple):
    """What a worker has taken: the entry, and how often it had been given back before."""

    entry: int
    attempts: int

    @classmethod
    def of(cls, taken: procrastinate.jobs.Job) -> Hold:
        """Return the hold of what the library has fetched."""
        assert taken.id is not None
        return cls(taken.id, taken.attempts)


def _on(connection: sa.Connection) -> Any:
    """Return the driver's connection of a transaction that finds the queue's tables."""
    connection.execute(sa.select(sa.func.set_config("search_path", f"public, {SCHEMA}", True)))
    return connection.connection.driver_connection


def put(connection: sa.Connection, job: int, lock: str | None) -> int:
    """Put a job into the queue and return its entry.

    Parameters
    ----------
    lock : of the jobs that bear the same one, just one is done at a time.
    """
    queued: int = _APP.configure_task(
        TASK, queue=QUEUE, lock=lock, connection=_on(connection), allow_unknown=True
    ).defer(job=job)
    return queued


def cancel(connection: sa.Connection, entry: int) -> None:
    """Take an entry out of the queue; whoever holds it is told to stop."""
    _APP.job_manager.cancel_job_by_id(entry, abort=True, connection=_on(connection))


def is_open(entry: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that an entry waits or is held."""
    return sa.exists().where(_ENTRY.c.id == entry, _ENTRY.c.status.in_(_OPEN))


def in_force(connection: sa.Connection, hold: Hold) -> bool:
    """Whether a hold is in force, and keep it so until the end of the transaction."""
    found = connection.scalar(
        sa.select(_ENTRY.c.id)
        .where(
            _ENTRY.c.id == hold.entry,
            _ENTRY.c.attempts == hold.attempts,
            _ENTRY.c.status == "doing",
        )
        .with_for_update()
    )
    return found is not None


def end(connection: sa.Connection, hold: Hold) -> bool:
    """Take out of the queue what one holds; whether one held it."""
    if not in_force(connection, hold):
        return False
    ended = sa.func.queue.procrastinate_finish_job_v1
    connection.execute(sa.select(ended(hold.entry, sa.cast("succeeded", _STATUS), sa.true())))
    return True


def give_back(connection: sa.Connection, hold: Hold, again_at: datetime) -> bool:
    """Let what one holds be taken anew, from a moment on; whether one held it.

    What is to be cancelled the library takes out of the queue instead.
    """
    if not in_force(connection, hold):
        return False
    given_back = sa.func.queue.procrastinate_retry_job_v2
    connection.execute(sa.select(given_back(hold.entry, again_at, sa.null(), sa.null(), sa.null())))
    return True
