"""The process that does one job: ``python -m onemap.jobs.child``, told what on standard input."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import sys
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from layers import db, jobs
from layers.audit import ORIGIN
from layers.jobs import JobKind
from layers.labels import Text
from layers.problems import Problem
from onemap.jobs.asking import origin_of
from onemap.jobs.worker import AGAIN, SUPERSEDED
from onemap.tying import tie_to

EVERY_S = 0.5
_GOES_FIRST = "1000"
log = logging.getLogger("onemap.jobs")


class Superseded(Exception):
    """The job was cancelled or taken up by another: whatever was done is taken back."""


class Task:
    """One job that is being done: what is asked for, and how it is told how far that is."""

    def __init__(self, handed: dict[str, Any], engine: sa.Engine, row: Any) -> None:
        self.handed, self.engine = handed, engine
        self.id, self.attempt = int(row.id), int(row.attempt)
        self.row, self.arguments = row, dict(row.arguments)
        self.data_dir = Path(handed["settings"]["data_dir"])
        self._last: tuple[str, float] = ("", 0.0)

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Tell how far the job is, twice a second at most; `what` as importers name it."""
        phase = what.rpartition(" | ")[2]
        now = time.monotonic()
        ended = total is not None and done >= total
        if phase == self._last[0] and not ended and now - self._last[1] < EVERY_S:
            return
        self._last = (phase, now)
        with self.engine.begin() as connection:
            jobs.progress(connection, self.id, self.attempt, phase, done, total)

    def finish(
        self, connection: sa.Connection, result: dict[str, Any], scope: str | None = None
    ) -> None:
        """End the job well in the transaction of what it did.

        Raises
        ------
        Superseded : it may not do so any more.
        """
        if not jobs.finish(connection, self.id, self.attempt, result, scope):
            raise Superseded

    def finished(self, result: dict[str, Any], scope: str | None = None) -> None:
        """End the job well; for one that wrote nothing into the database."""
        with self.engine.begin() as connection:
            self.finish(connection, result, scope)


def main() -> None:
    """Do the job that standard input names."""
    handed: dict[str, Any] = json.load(sys.stdin)
    tie_to(handed["parent"], signal.SIGKILL)
    # Where memory runs out this goes first, and is done again later: not the map or the database.
    with contextlib.suppress(OSError):  # not every container lets a process say so
        Path("/proc/self/oom_score_adj").write_text(_GOES_FIRST, "ascii")
    logging.basicConfig(level=logging.WARNING)
    engine = db.engine(
        handed["owner_url"],
        connect_args={
            "application_name": "onemap-job",
            # A statement whose client is gone ends within a second, and with it its locks.
            "options": "-c client_connection_check_interval=1000 "
            f"-c onemap.timezone={handed['settings']['timezone']} -c timezone=UTC",
        },
    )
    try:
        _told(handed, engine)
    except Superseded:
        log.warning("job %d was cancelled, or is another's by now", handed["job"])
        sys.exit(SUPERSEDED)
    except db.LOST as lost:
        log.warning("job %d: %s", handed["job"], lost)
        sys.exit(AGAIN)
    finally:
        engine.dispose()


def _told(handed: dict[str, Any], engine: sa.Engine) -> None:
    """Do the job; what goes wrong is written into it, but for a database that is away."""
    key, attempt = handed["job"], handed["attempt"]
    with engine.connect() as connection:
        row = connection.execute(jobs.under_way(key, attempt)).first()
    if row is None:
        raise Superseded
    try:
        _do(Task(handed, engine, row))
        return
    except Superseded:
        raise
    except db.LOST as lost:
        if not (db.is_full(lost) or db.is_limit(lost)):
            raise
        error = described(lost)
    except Exception as failure:
        if not isinstance(failure, Problem):
            log.exception("job %d", key)
        error = described(failure)
    with engine.begin() as connection:
        if not jobs.fail(connection, key, attempt, error):
            raise Superseded


def described(failure: Exception) -> dict[str, Any]:
    """Return what went wrong, in both languages and with a remedy."""
    if isinstance(failure, Problem):
        known = {
            name: value
            for name, value in failure.details.items()
            if isinstance(value, str | int | float | bool)
        }
        return jobs.described(
            str(known.pop("reason", type(failure).__name__)), failure.text, **known
        )
    if isinstance(failure, MemoryError):
        return jobs.described(
            "memory",
            Text(
                "内存不足，未写入任何内容；请把文件拆小后分别导入",
                "There is not memory enough; nothing was written. Divide the file and try again",
            ),
        )
    if db.is_full(failure):
        return jobs.described(
            "storage",
            Text(
                "数据库所在磁盘已满，未写入任何内容；请腾出空间后重试",
                "No space left on the disk of the database; nothing was written. Make room and "
                "try again",
            ),
        )
    if db.is_limit(failure):
        return jobs.described("limit", db.limit_said(failure))
    if isinstance(failure, OSError) and failure.strerror:
        return jobs.described(
            "storage",
            Text(
                f"无法读写文件：{failure.strerror}；请检查磁盘空间与数据目录的权限后重试",
                f"A file could not be read or written: {failure.strerror}. Check the disk and the "
                "permissions of the data folder, then try again",
            ),
        )
    return jobs.described(
        "unforeseen",
        Text(
            "出现未预见的错误，未写入任何内容；详情见服务日志，请联系运行者",
            "Something unforeseen went wrong, and nothing was written; the service's log has the "
            "details. Tell whoever runs it",
        ),
    )


def _do(task: Task) -> None:
    ORIGIN.set(origin_of(task))
    # Each is dear to load, and just one is wanted.
    kind = JobKind(task.row.kind)
    if kind is JobKind.IMPORT:
        from onemap.jobs.imports import do  # noqa: PLC0415
    elif kind is JobKind.ARCHIVE:
        from onemap.jobs.archives import do  # noqa: PLC0415
    else:
        from onemap.jobs.reports import do  # noqa: PLC0415
    do(task)


if __name__ == "__main__":
    main()
