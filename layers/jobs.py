"""Jobs: long work that somebody asks for and that a worker does; what is known of each.

Who has taken what stands in the queue (`layers.job_queue`); here stands what people are told. Every
step names the attempt that it belongs to, so that a worker that was given up for dead can neither
end a job nor load anything any more, nor put back what another is doing.

Both are locked in the same order: the job first, then its entry in the queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, ForeignKey, Identity, Index
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from layers import job_queue
from layers.base import Base, table_of
from layers.job_queue import Hold
from layers.labels import Text
from layers.problems import NotFound, TooMany

MOST_OPEN = 20
"""So many jobs of one account wait or run at the same time."""
MOST_ATTEMPTS = 5
"""So often a job is taken up again whose worker ended amid it."""


class JobKind(StrEnum):
    """What a job does."""

    IMPORT = "import"
    ARCHIVE = "archive"
    REPORT = "report"


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (State.WAITING.value, State.RUNNING.value)


def _one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(
        sa.column(column).in_([sa.literal_column(f"'{each}'") for each in values]), name=column
    )


def _time(comment: str, **options: Any) -> Any:
    return mapped_column(DateTime(timezone=True), comment=comment, **options)


class Job(Base):
    """One piece of long work, from the asking to its result."""

    __tablename__ = "job"
    __table_args__ = (
        _one_of("kind", JobKind),
        _one_of("state", State),
        CheckConstraint("NOT (by_operator AND account_id IS NOT NULL)", name="by_operator"),
        Index("ix_job_account_id", "account_id", "id"),
        Index("ix_job_open", "state", postgresql_where=sa.text("finished_at IS NULL")),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="编号 | id")
    kind: Mapped[str] = mapped_column(TextType, comment="种类 | kind")
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("account.id"),
        comment="账号 | who asked; none: the operator, or a demo's visitor",
    )
    token_id: Mapped[int | None] = mapped_column(
        ForeignKey("api_token.id"), comment="令牌 | token that it was asked for with"
    )
    by_operator: Mapped[bool] = mapped_column(
        Boolean, server_default="false", comment="由运行者提交 | asked for on the server itself"
    )
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="参数 | what is asked for")
    state: Mapped[str] = mapped_column(
        TextType, server_default=State.WAITING.value, comment="状态 | state"
    )
    phase: Mapped[str | None] = mapped_column(TextType, comment="阶段 | what is being done")
    done: Mapped[int | None] = mapped_column(BigInteger, comment="已完成 | done of it")
    total: Mapped[int | None] = mapped_column(BigInteger, comment="总数 | of how many")
    attempt: Mapped[int] = mapped_column(
        sa.Integer, server_default="0", comment="第几次 | how often it was taken up"
    )
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="结果 | result")
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="错误 | why it failed")
    folder: Mapped[str] = mapped_column(
        TextType, unique=True, comment="文件夹 | its folder of uploads and results"
    )
    scope: Mapped[str | None] = mapped_column(
        TextType, comment="范围 | whose eyes the result is for"
    )
    queue_id: Mapped[int | None] = mapped_column(BigInteger, comment="队列编号 | id in the queue")
    asked_at: Mapped[datetime] = _time("提交时间 | asked at", server_default=sa.func.now())
    started_at: Mapped[datetime | None] = _time("开始时间 | started at")
    cancel_asked_at: Mapped[datetime | None] = _time("要求取消 | cancelling asked at")
    finished_at: Mapped[datetime | None] = _time("结束时间 | finished at")


JOB = table_of(Job)
ASKABLE = ("kind", "account_id", "token_id", "arguments", "folder")
"""The columns that whoever lets people in may set of a new job: nobody asks as the operator."""
CANCELLABLE = ("state", "cancel_asked_at", "finished_at", "queue_id")
"""The columns that it may change later."""


def ask(
    connection: sa.Connection,
    kind: JobKind,
    arguments: dict[str, Any],
    folder: str,
    *,
    account_id: int | None = None,
    token_id: int | None = None,
    by_operator: bool = False,
) -> int:
    """Record a job and put it into the queue; return its id.

    Parameters
    ----------
    arguments : what is asked for, JSON; never a secret.
    folder : random name of the job's folder below ``uploads`` and ``results``.

    Raises
    ------
    TooMany : the account has as many jobs that are not done as it may have.
    """
    mine = JOB.c.account_id.is_not_distinct_from(account_id)
    # One at a time for each account: many at once would each count the others not yet.
    connection.execute(
        sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"onemap.jobs.{account_id}")))
    )
    open_ = connection.scalar(
        sa.select(sa.func.count()).select_from(JOB).where(mine, JOB.c.state.in_(OPEN))
    )
    if not by_operator and (open_ or 0) >= MOST_OPEN:
        raise TooMany(
            zh=f"已有 {open_} 项任务等待或进行中，最多 {MOST_OPEN} 项；请等其结束或取消一些",
            en=f"{open_} jobs wait or run; there may be {MOST_OPEN}. Wait, or cancel some",
            retry_after_s=30,
        )
    values: dict[str, Any] = {
        "kind": kind.value, "arguments": arguments, "folder": folder,
        "account_id": account_id, "token_id": token_id,
    }  # fmt: skip
    if by_operator:
        values["by_operator"] = True
    key = int(connection.execute(sa.insert(JOB).values(**values).returning(JOB.c.id)).scalar_one())
    _queue(connection, key, kind)
    return key


def _queue(connection: sa.Connection, key: int, kind: JobKind) -> None:
    # Two imports at a time would wait for each other's rows; the same is true of archives.
    entry = job_queue.put(connection, key, None if kind is JobKind.REPORT else kind.value)
    connection.execute(sa.update(JOB).where(JOB.c.id == key).values(queue_id=entry))


def cancel(connection: sa.Connection, key: int) -> bool:
    """Cancel a job: one that waits at once, one that runs as soon as its worker hears of it.

    Returns
    -------
    Whether there was anything to cancel: a job that has ended stays as it is.

    Raises
    ------
    NotFound : there is no such job.
    """
    row = connection.execute(
        sa.select(JOB.c.state, JOB.c.queue_id).where(JOB.c.id == key).with_for_update()
    ).first()
    if row is None:
        raise NotFound(zh=f"没有编号为 {key} 的任务", en=f"There is no job {key}")
    if row.state not in OPEN:
        return False
    values: dict[str, Any] = {"cancel_asked_at": sa.func.now()}
    if row.state == State.WAITING:
        values |= {"state": State.CANCELLED.value, "finished_at": sa.func.now()}
    connection.execute(sa.update(JOB).where(JOB.c.id == key).values(**values))
    if row.queue_id is not None:
        job_queue.cancel(connection, row.queue_id)
    return True


def begin(connection: sa.Connection, key: int, hold: Hold) -> int | None:
    """Take a job up; return the attempt that all that follows must name.

    Returns
    -------
    None where nothing is to be done any more, or where another has taken the job meanwhile.
    """
    _lock(connection, key)
    if not job_queue.in_force(connection, hold):
        return None
    cancelled(connection, key)
    _end(
        connection,
        State.FAILED,
        JOB.c.id == key,
        JOB.c.attempt >= MOST_ATTEMPTS,
        error=described(
            "gave_up",
            Text(
                f"处理中断了 {MOST_ATTEMPTS} 次（多为内存不足），已放弃；请缩小文件后重试",
                f"It was broken off {MOST_ATTEMPTS} times, most likely for want of memory, and "
                "was given up; try again with less at a time",
            ),
        ),
    )
    attempt: int | None = connection.scalar(
        sa.update(JOB)
        .where(JOB.c.id == key, JOB.c.state.in_(OPEN))
        .values(
            state=State.RUNNING.value,
            attempt=JOB.c.attempt + 1,
            started_at=sa.func.now(),
            phase="start",
            done=None,
            total=None,
        )
        .returning(JOB.c.attempt)
    )
    return attempt


def _lock(connection: sa.Connection, key: int) -> None:
    connection.execute(sa.select(JOB.c.id).where(JOB.c.id == key).with_for_update())


def progress(
    connection: sa.Connection, key: int, attempt: int, phase: str, done: int, total: int | None
) -> None:
    """Tell how far a job is."""
    connection.execute(
        sa.update(JOB).where(_held(key, attempt)).values(phase=phase, done=done, total=total)
    )


def _held(key: int, attempt: int) -> Any:
    return sa.and_(JOB.c.id == key, JOB.c.attempt == attempt, JOB.c.state == State.RUNNING.value)


def _end(connection: sa.Connection, state: State, *where: Any, **values: Any) -> bool:
    ended = connection.execute(
        sa.update(JOB)
        .where(JOB.c.state.in_(OPEN), *where)
        .values(state=state.value, finished_at=sa.func.now(), **values)
    )
    return ended.rowcount == 1


def finish(
    connection: sa.Connection,
    key: int,
    attempt: int,
    result: dict[str, Any],
    scope: str | None = None,
) -> bool:
    """End a job well, in the transaction of what it did; whether this attempt may still do so.

    Where it may not (cancelled, or taken up again by another), the caller takes everything back.
    """
    return _end(
        connection,
        State.DONE,
        _held(key, attempt),
        JOB.c.cancel_asked_at.is_(None),
        result=result,
        scope=scope,
    )


def described(reason: str, text: Text, **details: Any) -> dict[str, Any]:
    """Return an error as a job keeps it."""
    return {"reason": reason, "zh": text.zh, "en": text.en, **details}


def fail(connection: sa.Connection, key: int, attempt: int, error: dict[str, Any]) -> bool:
    """End a job that could not be done; where cancelling was asked for it is cancelled."""
    cancelled = JOB.c.cancel_asked_at.is_not(None)
    if _end(connection, State.CANCELLED, _held(key, attempt), cancelled):
        return True
    return _end(connection, State.FAILED, _held(key, attempt), error=error)


def cancelled(connection: sa.Connection, key: int, attempt: int | None = None) -> bool:
    """Record that a job which was to be cancelled has stopped.

    Parameters
    ----------
    attempt : the one that has stopped; None where nobody is at it.
    """
    theirs = JOB.c.id == key if attempt is None else _held(key, attempt)
    return _end(connection, State.CANCELLED, theirs, JOB.c.cancel_asked_at.is_not(None))


def put_back(connection: sa.Connection, key: int, attempt: int, *, counts: bool = True) -> bool:
    """Let a job wait again whose worker has ended; or end it where it was to be cancelled.

    Parameters
    ----------
    counts : whether the attempt is one of the `MOST_ATTEMPTS`. One that does not count is as if it
        had never been: its process must have ended before, for the next bears the same number.
    """
    if cancelled(connection, key, attempt):
        return False
    back = connection.execute(
        sa.update(JOB)
        .where(_held(key, attempt))
        .values(
            state=State.WAITING.value,
            attempt=JOB.c.attempt if counts else JOB.c.attempt - 1,
            phase=None,
            done=None,
            total=None,
        )
    )
    return back.rowcount == 1


def take_back(connection: sa.Connection, key: int, hold: Hold) -> bool:
    """Give back to the queue what a worker holds that has fallen silent; whether it held it."""
    _lock(connection, key)
    attempt = connection.scalar(sa.select(JOB.c.attempt).where(JOB.c.id == key))
    if not job_queue.give_back(connection, hold, datetime.now(UTC)):
        return False
    if attempt is not None:
        put_back(connection, key, attempt)
    return True


def stranded() -> sa.Select[Any]:
    """Return the statement of the jobs that are open and that nobody will do: not in the queue."""
    return sa.select(JOB.c.id, JOB.c.kind, JOB.c.attempt).where(
        JOB.c.finished_at.is_(None), JOB.c.state.in_(OPEN), ~job_queue.is_open(JOB.c.queue_id)
    )


def queue_again(connection: sa.Connection, key: int) -> bool:
    """Put a job into the queue that was stranded; whether it is to be done again.

    One that was to be cancelled ends.
    """
    _lock(connection, key)
    # Looked at anew behind the lock: another worker may have been sooner.
    row = connection.execute(stranded().where(JOB.c.id == key)).first()
    if row is None or cancelled(connection, key):
        return False
    put_back(connection, key, row.attempt)
    _queue(connection, key, JobKind(row.kind))
    return True


def one(key: int) -> sa.Select[Any]:
    """Return the statement of one job."""
    return sa.select(*JOB.c).where(JOB.c.id == key)


def under_way(key: int, attempt: int) -> sa.Select[Any]:
    """Return the statement of a job while an attempt is at it and nobody wants it cancelled."""
    return one(key).where(_held(key, attempt), JOB.c.cancel_asked_at.is_(None))


def listed(
    account_id: int | None, *, everybodys: bool = False, limit: int = 50, before: int | None = None
) -> sa.Select[Any]:
    """Return the statement of an account's jobs, the newest first.

    Parameters
    ----------
    everybodys : of all accounts, and of the operator.
    before : the id of the last one of the page before.
    """
    query = sa.select(*JOB.c).order_by(JOB.c.id.desc()).limit(limit)
    if not everybodys:
        query = query.where(
            JOB.c.account_id.is_not_distinct_from(account_id), JOB.c.by_operator.is_(False)
        )
    return query if before is None else query.where(JOB.c.id < before)
