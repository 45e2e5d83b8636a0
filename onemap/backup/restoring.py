"""Restore a backup: verified first, then in one transaction, so that it is there whole or not."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any
from zoneinfo import ZoneInfo

import psycopg
from alembic.script import ScriptDirectory
from psycopg import sql

from layers import audit, db
from layers.audit import Kind
from layers.audit.keys import Reached
from onemap import postgres, traces
from onemap.backup import catalogue
from onemap.backup.bundle import DUMP, FILES, Bundle, Manifest, Report
from onemap.connecting import connect
from onemap.database import Database, prepare
from onemap.trouble import ExitCode, Trouble

LEAVING_S = 5.0
_CHUNK = 1 << 20
# What an empty estate may hold: marks of the schema, not of anything that was imported; and traces
# of commands, which are saved before they are replaced.
_MARKS = frozenset(
    {
        "public.alembic_version",
        "public.meta",
        "queue.procrastinate_workers",
        *(f"public.{each}" for each in audit.TABLES),
    }
)
# Made by the server's administrator, or there in every database.
_NOT_OURS = ("EXTENSION", "COMMENT - EXTENSION", "SCHEMA - public", "COMMENT - SCHEMA public")


def restore(
    database: Database,
    bundle: Bundle,
    data_dir: Path,
    *,
    demo: bool,
    replace: bool,
    external: bool,
    progress: Report,
) -> Manifest:
    """Put a verified backup in the place of what the database holds, and bring it up to date.

    Parameters
    ----------
    replace : whether a database that holds rows may be replaced.
    external : whether its server is somebody else's; then its disk is not looked at.

    Raises
    ------
    Trouble
        The backup is of a newer version or of the other kind of estate; the database holds rows,
        or is in use; no space; the restore failed. The database is then as it was before.
    """
    manifest = bundle.manifest
    _refuse_versions(database, manifest, demo=demo)
    _refuse_users(database)
    if not replace:
        _refuse_rows(database)
    _refuse_space(manifest, data_dir, external=external)
    _put_files(bundle, data_dir, progress)
    kept, left = _traces_of(database, data_dir)
    _put_rows(database, bundle, progress)
    prepare(database)
    _go_on(database, manifest, kept, left)
    with connect(database.owner_url) as link:
        link.execute("ANALYZE")
    return manifest


def _traces_of(database: Database, data_dir: Path) -> tuple[Path | None, Reached | None]:
    """Save the traces that are about to be replaced; return where, and how far they reached."""
    if database.trail is None:
        return None, None
    now = datetime.now(UTC)
    kept = traces.saved(database, data_dir / "audit", now, "zh", ZoneInfo("UTC"))
    return kept, database.trail.head.read() if database.trail.head else None


def _go_on(database: Database, manifest: Manifest, kept: Path | None, left: Reached | None) -> None:
    """Go on sealing from where the restored traces end; the first new one tells what was left."""
    if database.trail is None:
        return
    if database.trail.head is not None:
        database.trail.head.write(traces.reached(database))
    traces.noted(
        database, Kind.RESTORE, made_at=manifest.made_at.isoformat(),
        rows=sum(manifest.tables.values()), replaced=kept and kept.name,
        batch_before=left and left.batch, mac_before=left and left.mac,
    )  # fmt: skip
    traces.sealed(database)


def _refuse_versions(database: Database, manifest: Manifest, *, demo: bool) -> None:
    known = {each.revision for each in ScriptDirectory.from_config(db.config()).walk_revisions()}
    if manifest.revision not in known:
        raise Trouble(
            ExitCode.UNUSABLE_INPUT,
            f"备份的表结构为 {manifest.revision} 版，本程序不识别。"
            f"请用 onemap {manifest.onemap} 或更新版本恢复。",
            f"The backup's tables are of revision {manifest.revision}, which this program does "
            f"not know. Restore it by onemap {manifest.onemap} or newer.",
        )
    if manifest.demo != demo:
        zh, en = ("示例", "the demo's") if manifest.demo else ("正式库", "an estate's")
        raise Trouble(
            ExitCode.USAGE,
            f"这是{zh}的备份。示例与正式库不能混用；请{'加' if manifest.demo else '去掉'} --demo。",
            f"This backup is {en}; demo and estate are never mixed. "
            f"{'Add' if manifest.demo else 'Leave out'} --demo.",
        )
    with connect(database.owner_url) as link:
        version = link.info.server_version
    if version // 10_000 < manifest.server_version // 10_000:
        raise Trouble(
            ExitCode.DATABASE,
            f"备份来自 PostgreSQL {manifest.postgresql}，此服务器为 {version // 10_000}。"
            "请在同样或更新的版本上恢复。",
            f"The backup is of PostgreSQL {manifest.postgresql}; this server is "
            f"{version // 10_000}. Restore it on the same or a newer version.",
        )


def _refuse_users(database: Database) -> None:
    with connect(database.owner_url) as link:
        deadline = time.monotonic() + LEAVING_S
        # A connection that was just closed may take a moment to end on the server.
        while (others := _others(link)) and time.monotonic() < deadline:
            time.sleep(0.1)
    if others:
        raise Trouble(
            ExitCode.USAGE,
            f"数据库 {database.name} 还有 {others} 个连接在使用。请先停止服务和其他命令，再恢复。",
            f"The database {database.name} is in use by {others} connections. Stop the service "
            "and other commands first.",
        )


def _others(link: psycopg.Connection) -> int:
    """Count the sessions of others; the server's own workers have no user."""
    row = link.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND usesysid IS NOT NULL"
    ).fetchone()
    return row[0] if row else 0


def _refuse_rows(database: Database) -> None:
    engine = db.engine(database.owner_url)
    try:
        with engine.connect() as connection:
            held = {n: k for n, k in catalogue.counts(connection) if k and n not in _MARKS}
    finally:
        engine.dispose()
    if held:
        name, number = max(held.items(), key=lambda each: each[1])
        raise Trouble(
            ExitCode.USAGE,
            f"数据库 {database.name} 不是空的（如 {name} 有 {number} 行），未恢复任何内容。"
            "要用备份替换其全部内容，请加 --replace。",
            f"The database {database.name} is not empty ({name} has {number} rows); nothing was "
            "restored. To replace all that it holds, add --replace.",
        )


def _refuse_space(manifest: Manifest, data_dir: Path, *, external: bool) -> None:
    lacking = [m.bytes for path, m in manifest.files.items() if not (data_dir / path).exists()]
    needed = sum(lacking) + (0 if external else manifest.size_bytes)
    data_dir.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(data_dir).free
    if free < needed:
        raise Trouble(
            ExitCode.STORAGE,
            f"{data_dir} 所在磁盘剩余 {free / 1e6:,.0f} MB，恢复约需 {needed / 1e6:,.0f} MB。"
            "请腾出空间，或用 ONEMAP_DATA_DIR 另选目录。",
            f"The disk of {data_dir} has {free / 1e6:,.0f} MB left; the restore needs about "
            f"{needed / 1e6:,.0f} MB. Make room, or choose another folder with ONEMAP_DATA_DIR.",
        )


def _put_files(bundle: Bundle, data_dir: Path, progress: Report) -> None:
    """Put the pictures into the data folder; they are named by their content, so none is lost."""
    files = bundle.manifest.files
    for done, (path, member) in enumerate(files.items(), 1):
        parts = PurePosixPath(path).parts
        if ".." in parts or PurePosixPath(path).is_absolute():
            raise Trouble(
                ExitCode.UNUSABLE_INPUT,
                f"备份中的文件名 {path} 指向数据目录之外，未恢复任何内容。",
                f"The backup names the file {path}, outside the data folder; nothing was restored.",
            )
        target = data_dir.joinpath(*parts)
        if not (target.exists() and _digest(target) == member.sha256):
            _put(bundle, FILES + path, target)
        progress("文件 | files", done, len(files))


def _put(bundle: Bundle, name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        with bundle.open(name) as source, fresh.open("wb") as made:
            shutil.copyfileobj(source, made, _CHUNK)
            made.flush()
            os.fsync(made.fileno())
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put_rows(database: Database, bundle: Bundle, progress: Report) -> None:
    """Clear the database, restore the dump and compare the counts, all in one transaction."""
    with connect(database.owner_url) as link:
        server = link.info.server_version // 10_000
    address, environment = postgres.client_environment(database.owner_url)
    environment |= {"LC_ALL": "C.UTF-8"}
    reader = postgres.client("pg_restore", server)
    with tempfile.TemporaryDirectory(prefix="onemap-restore-") as folder:
        chosen = Path(folder, "list")
        chosen.write_text(_listed(reader, bundle, environment), "utf-8")
        unpacking = [
            reader, "--no-owner", "--no-privileges", f"--use-list={chosen}", "--file=-",
        ]  # fmt: skip
        writing = [
            postgres.client("psql", server), "--no-psqlrc", "--quiet", "--output=/dev/null",
            "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", f"--dbname={address}", "--file=-",
        ]  # fmt: skip
        _piped(unpacking, writing, environment, bundle, progress)


def _listed(reader: str, bundle: Bundle, environment: dict[str, str]) -> str:
    """Return what the dump holds, as pg_restore lists it, without what is there already."""
    with bundle.open(DUMP) as dump, subprocess.Popen(
        [reader, "--list"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, cwd="/",
    ) as running:  # fmt: skip
        feeder = threading.Thread(target=_fed, args=(running.stdin, dump, lambda _: None))
        feeder.start()
        assert running.stdout is not None
        listed = running.stdout.read().decode("utf-8", "replace")
        feeder.join()
    if running.returncode != 0:
        raise _failed(listed)
    kept = [line for line in listed.splitlines() if _is_ours(line, bundle.manifest)]
    return "\n".join(kept) + "\n"


def _is_ours(line: str, manifest: Manifest) -> bool:
    """Whether an entry is to be restored: "3; 0 16402 TABLE DATA public room owner" is.

    Extensions are there already, and the rows of their tables with them (``spatial_ref_sys``).
    """
    if line.startswith(";"):
        return True
    entry = line.split(" ", 3)[-1]
    if not entry.startswith("TABLE DATA "):
        return not entry.startswith(_NOT_OURS)
    schema, name = entry.removeprefix("TABLE DATA ").split(" ")[:2]
    return f"{schema}.{name}" in manifest.tables


def _after(manifest: Manifest) -> str:
    """Return the statements after the rows: counts compared, guards, numbers of transactions.

    A count that differs ends the transaction: then nothing was restored.
    """
    parts: list[sql.Composable] = [sql.SQL("SET search_path = public;")]
    for name, number in manifest.tables.items():
        schema, _, table = name.partition(".")
        told = sql.Literal(f"{name}: {number} rows in the manifest, restored: ")
        parts.append(
            sql.SQL(
                "DO $do$ DECLARE held bigint := (SELECT count(*) FROM {}); BEGIN "
                "IF held <> {} THEN RAISE EXCEPTION USING MESSAGE = {} || held; END IF; END $do$;"
            ).format(sql.Identifier(schema, table), sql.Literal(number), told)
        )
    parts += [
        sql.SQL(
            "DO $do$ BEGIN EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', "
            "{}::regprocedure); END $do$;"
        ).format(sql.Literal(each))
        for each in manifest.guarded
    ]
    # Here transactions are numbered from the beginning; the record goes on above what it brought.
    parts.append(
        sql.SQL(
            "INSERT INTO meta (key, value) VALUES ('tx_base', to_jsonb({}::numeric)) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value;"
        ).format(sql.Literal(str(manifest.last_tx)))
    )
    return "\n".join(part.as_string() for part in parts)


def _piped(
    unpacking: list[str],
    writing: list[str],
    environment: dict[str, str],
    bundle: Bundle,
    progress: Report,
) -> None:
    """Let one program unpack the dump and the other write it, between our own statements.

    Only when the first has ended well is the word to commit given: a script that was cut off would
    look whole to the second.
    """
    total = bundle.manifest.members[DUMP].bytes
    pipes: dict[str, Any] = {
        "env": environment, "cwd": "/", "stdin": subprocess.PIPE, "stderr": subprocess.PIPE,
    }  # fmt: skip
    with (
        bundle.open(DUMP) as dump,
        subprocess.Popen(unpacking, stdout=subprocess.PIPE, **pipes) as source,
        subprocess.Popen(writing, stdout=subprocess.DEVNULL, **pipes) as target,
        ThreadPoolExecutor(3) as others,
    ):
        assert source.stdout is not None
        assert source.stderr is not None
        assert target.stdin is not None
        assert target.stderr is not None
        unpacked, written = others.submit(source.stderr.read), others.submit(target.stderr.read)
        others.submit(
            _fed, source.stdin, dump, lambda done: progress("数据库 | database", done, total)
        )
        try:
            target.stdin.write(b"BEGIN;\nSET client_min_messages = warning;\n")
            target.stdin.write((catalogue.SQL / "clear.sql").read_bytes())
            shutil.copyfileobj(source.stdout, target.stdin, _CHUNK)
            if source.wait() == 0:
                target.stdin.write(_after(bundle.manifest).encode() + b"\nCOMMIT;\n")
            target.stdin.close()
        except BrokenPipeError:
            source.kill()  # the other ended first, and says why
        said = (written.result() or unpacked.result()).decode("utf-8", "replace").strip()
    if source.returncode or target.returncode:
        raise _failed(said)


def _fed(pipe: IO[bytes] | None, source: IO[bytes], told: Callable[[int], None]) -> None:
    """Write a member into a program, as far as that reads: what it lacks its status tells."""
    assert pipe is not None
    done = 0
    with contextlib.suppress(BrokenPipeError), pipe:
        while data := source.read(_CHUNK):
            pipe.write(data)
            done += len(data)
            told(done)


def _failed(said: str) -> Trouble:
    if "No space left on device" in said:
        return Trouble(
            ExitCode.STORAGE,
            f"数据库所在磁盘已满，恢复已全部撤销。请腾出空间后再试：\n{said}",
            f"No space left on the disk of the database; the restore was taken back whole. Make "
            f"room and try again:\n{said}",
        )
    return Trouble(
        ExitCode.DATABASE,
        f"恢复未能完成，已全部撤销，数据库与之前一样：\n{said}",
        f"The restore did not finish and was taken back whole; the database is as it was:\n{said}",
    )
