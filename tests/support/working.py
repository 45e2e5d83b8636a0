"""A worker as a process of its own over a test's database, and jobs that are put before it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from importers import staging
from layers import jobs
from layers.job_queue import Hold
from layers.jobs import JobKind
from tests.support.databases import Clone


def environment(database: Clone, data_dir: Path, **further: str) -> dict[str, str]:
    """Return the environment of a command over a test's database."""
    return os.environ | {
        "ONEMAP_DATABASE_URL": database.owner_url,
        "ONEMAP_APP_DATABASE_URL": database.app_url,
        "ONEMAP_ACCOUNTS_DATABASE_URL": database.accounts_url,
        "ONEMAP_DATA_DIR": str(data_dir),
        "ONEMAP_LANGUAGE": "en",
        **further,
    }


@contextlib.contextmanager
def working(
    database: Clone, data_dir: Path, program: Sequence[str] = ("-m", "onemap"), **further: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a worker while the block runs; it is ended as an operator ends it.

    Parameters
    ----------
    program : how Python is told to run the command.
    further : variables of its environment.
    """
    worker = subprocess.Popen(
        [sys.executable, *program, "worker"],
        env=environment(database, data_dir, **further),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield worker
    finally:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
        sys.stdout.write(worker.communicate(timeout=90)[0])  # shown where the test fails


def ask_import(
    database: Clone,
    data_dir: Path,
    kind: str,
    name: str,
    text: str,
    *,
    by_operator: bool = True,
    **asked: Any,
) -> int:
    """Put a file before the worker as an upload does; return the job's id."""
    folder = staging.new_folder()
    place = staging.made(staging.uploads(data_dir, folder))
    (place / name).write_text(text, "utf-8")
    options = asked.pop("options", {})
    named = staging.named(staging.kept(place, [name]))
    arguments = {"kind": kind, **named, "options": options}
    with database.engine.begin() as connection:
        return jobs.ask(
            connection, JobKind.IMPORT, arguments, folder, by_operator=by_operator, **asked
        )


def taken(connection: sa.Connection, key: int) -> Hold:
    """Take a job from the queue as a worker does, and return its hold."""
    fetched = connection.execute(
        sa.text(
            "UPDATE queue.procrastinate_jobs SET status = 'doing' "
            "WHERE args->>'job' = CAST(:key AS text) AND status = 'todo' RETURNING id, attempts"
        ),
        {"key": key},
    ).one()
    return Hold(fetched.id, fetched.attempts)


def job_of(database: Clone, key: int) -> Any:
    """Return a job as it stands."""
    with database.engine.connect() as connection:
        return connection.execute(jobs.one(key)).one()


def until(database: Clone, key: int, wanted: Callable[[Any], bool], patience_s: float = 180) -> Any:
    """Wait until a job is as it is wanted, and return it."""
    deadline = time.monotonic() + patience_s
    while True:
        row = job_of(database, key)
        if wanted(row):
            return row
        if time.monotonic() > deadline:
            raise AssertionError(f"the job stays {row}")
        time.sleep(0.1)


def ended(row: Any) -> bool:
    """Whether a job has ended, well or not."""
    return row.finished_at is not None


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread may end while its neighbours are looked at.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += [int(each) for each in (task / "children").read_text().split()]
    return found


@contextlib.contextmanager
def held(database: Clone, table: str) -> Iterator[None]:
    """Hold a table so that whoever writes it waits in mid-work while the block runs."""
    with database.engine.connect() as connection, connection.begin():
        driver: Any = connection.connection.driver_connection
        driver.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(table)))
        yield


@contextlib.contextmanager
def away(database: Clone, admin_url: str) -> Iterator[None]:
    """Keep a database from all but those that hold a table of it (`held`) while the block runs."""
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    name = sql.Identifier(database.name)
    with psycopg.connect(admin_url, autocommit=True) as link:
        link.execute(allow.format(name, sql.SQL("false")))
        try:
            link.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND state <> 'idle in transaction'",
                [database.name],
            )
            yield
        finally:
            link.execute(allow.format(name, sql.SQL("true")))


def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return a list to which each file and folder is added once it is on the disk."""
    found: list[Path] = []
    really = os.fsync

    def noted(place: int) -> None:
        found.append(Path(f"/proc/self/fd/{place}").readlink())
        really(place)

    monkeypatch.setattr(os, "fsync", noted)
    return found
