"""Make a backup: one snapshot of the database, and the files that its rows name."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from layers import db
from layers.durable import keep
from onemap import __version__, postgres
from onemap.backup import catalogue
from onemap.backup.bundle import DUMP, FILES, FORMAT, Manifest, Report, Writer, opened
from onemap.database import Database
from onemap.database import describe as described
from onemap.trouble import ExitCode, Trouble

LOCK = "onemap.backup"
PARTIAL = ".partial"
_TABLE = re.compile(r'^pg_dump: dumping contents of table "(.+)"$')


@dataclass(frozen=True)
class Made:
    """A backup that was written and verified."""

    path: Path
    bytes: int
    manifest: Manifest


def name_of(made_at: datetime, *, demo: bool) -> str:
    """Return the name of a backup in a folder of backups."""
    return f"onemap-{'demo-' if demo else ''}{made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}.zip"


def make(database: Database, data_dir: Path, target: Path, *, demo: bool, progress: Report) -> Made:
    """Write a backup while others read and write, and verify it.

    Parameters
    ----------
    database : which one; its owner's address is used.
    data_dir : the data folder, where pictures lie.
    target : a folder, in which it is named by its time, or the file itself, which is replaced.

    Raises
    ------
    Trouble
        There is nothing to keep, another backup is being made, no space, no permission, or
        ``pg_dump`` is missing or failed. Nothing is left beside what was there before.
    """
    engine = db.engine(database.owner_url)
    try:
        with _snapshot(engine) as (connection, snapshot):
            made_at: datetime = connection.execute(sa.select(sa.func.now())).scalar_one()
            path = target / name_of(made_at, demo=demo) if target.is_dir() else target
            with _replacing(path) as (partial, file):
                writer = Writer(file)
                try:
                    _dump(database, connection, snapshot, writer, progress)
                    missing = _files(connection, data_dir, writer, progress)
                    writer.finish(
                        _manifest(database, connection, made_at, writer, missing, demo, progress)
                    )
                except BaseException:
                    writer.abandon()
                    raise
                file.flush()
                os.fsync(file.fileno())
                with opened(partial, progress) as bundle:
                    manifest = bundle.manifest
                size = partial.stat().st_size
    finally:
        engine.dispose()
    return Made(path, size, manifest)


@contextlib.contextmanager
def _snapshot(engine: sa.Engine) -> Iterator[tuple[sa.Connection, str]]:
    """Hold one moment of the database, and the lock that lets one backup be made at a time."""
    with engine.connect() as link:
        connection = link.execution_options(isolation_level="REPEATABLE READ")
        key = sa.func.hashtext(LOCK)
        # With the transaction the lock ends too, however this process does.
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(key))):
            raise Trouble(
                ExitCode.USAGE,
                "另一个备份正在进行。请等它完成后再试。",
                "Another backup is being made. Wait for its end and try again.",
            )
        if db.current(connection) is None:
            raise Trouble(
                ExitCode.USAGE,
                "数据库里还没有表，无可备份。请先运行 onemap db upgrade 并导入数据。",
                "The database has no tables yet: there is nothing to keep. "
                "Run onemap db upgrade and import something first.",
            )
        yield connection, connection.execute(sa.select(sa.func.pg_export_snapshot())).scalar_one()


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """Write beside a file and take its place at the end; on failure nothing is left.

    Only its owner may read it: it holds the whole estate.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        try:
            place = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(place, "wb") as file:  # noqa: PTH123 - a descriptor with its own mode
                yield partial, file
            partial.replace(path)
            keep(path.parent)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as failure:
        if failure.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise Trouble(
                ExitCode.STORAGE,
                f"磁盘已满，备份未写完，已删除其残余：{path.parent}。请腾出空间，或另选目录。",
                f"No space left on the disk: the backup could not be finished and its remains "
                f"were removed ({path.parent}). Make room, or choose another folder.",
            ) from failure
        raise Trouble(
            ExitCode.STORAGE,
            f"无法写入备份 {path}：{failure.strerror}。请检查目录是否存在及其权限。",
            f"The backup {path} cannot be written: {failure.strerror}. Check that its folder is "
            "there and its permissions.",
        ) from failure


def _dump(
    database: Database,
    connection: sa.Connection,
    snapshot: str,
    writer: Writer,
    progress: Report,
) -> None:
    """Add the dump of the database as `snapshot` shows it."""
    link = connection.connection.driver_connection
    assert link is not None
    program = postgres.client("pg_dump", link.info.server_version // 10_000)
    address, environment = postgres.client_environment(database.owner_url)
    # Who owns what and who may read it is decided where it is restored.
    command = [
        program, "--format=custom", "--compress=3", "--no-owner", "--no-privileges", "--verbose",
        f"--snapshot={snapshot}", f"--dbname={address}",
    ]  # fmt: skip
    total = len(catalogue.tables(connection))
    told: list[str] = []
    with subprocess.Popen(
        command,
        env=environment | {"LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        errors = running.stderr

        def listen() -> None:
            done = 0
            for raw in errors:
                line = raw.decode("utf-8", "replace").rstrip()
                if _TABLE.match(line):
                    done += 1
                    progress("数据库 | database", min(done, total), total)
                told.append(line)
                del told[:-20]

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            writer.add(DUMP, running.stdout)
        except BaseException:
            running.kill()
            raise
        listener.join()
    if running.returncode != 0:
        said = "\n".join(line for line in told if "error:" in line) or "\n".join(told[-5:])
        raise Trouble(
            ExitCode.DATABASE,
            f"pg_dump 未能完成，没有留下备份：\n{said}",
            f"pg_dump did not finish; no backup was left:\n{said}",
        )


def _files(
    connection: sa.Connection, data_dir: Path, writer: Writer, progress: Report
) -> list[str]:
    """Add the pictures; return those that the data folder lacks.

    They are copied before the rows that name them are committed, named by their content and never
    changed, so that the folder of now holds those of the snapshot.
    """
    paths, missing = catalogue.pictures(connection), []
    for done, path in enumerate(paths, 1):
        try:
            with (data_dir / path).open("rb") as source:
                writer.add(FILES + path, source)
        except FileNotFoundError:
            missing.append(path)
        except PermissionError as refused:
            raise Trouble(
                ExitCode.STORAGE,
                f"无法读取影像 {data_dir / path}：{refused.strerror}。请检查其权限。",
                f"The picture {data_dir / path} cannot be read: {refused.strerror}. Check its "
                "permissions.",
            ) from refused
        progress("文件 | files", done, len(paths))
    return missing


def _manifest(
    database: Database,
    connection: sa.Connection,
    made_at: datetime,
    writer: Writer,
    missing: list[str],
    demo: bool,
    progress: Report,
) -> Manifest:
    total = len(catalogue.tables(connection))
    rows = {}
    for done, (name, number) in enumerate(catalogue.counts(connection), 1):
        rows[name] = number
        progress("核对行数 | counting rows", done, total)
    facts = described(database)
    seq, last_tx = catalogue.recorded(connection)
    link = connection.connection.driver_connection
    assert link is not None
    return Manifest(
        format=FORMAT,
        onemap=__version__,
        postgresql=facts["postgresql"],
        postgis=facts["postgis"],
        server_version=link.info.server_version,
        revision=db.current(connection) or "",
        made_at=made_at.astimezone(UTC),
        seq=seq,
        last_tx=last_tx,
        demo=demo,
        size_bytes=facts["size_bytes"],
        tables=rows,
        guarded=catalogue.guarded(connection),
        members=writer.members,
        missing=missing,
    )
