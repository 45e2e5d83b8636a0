"""The database behind a command: the private cluster's, or an external one; migrated and granted.

Addresses are plain libpq ones (``postgresql://…``), good for psycopg, asyncpg, SQLAlchemy 2.1
and psql alike.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
import sqlalchemy as sa
from psycopg import sql

from layers import db
from layers.audit.keys import Trail
from layers.committing import committing
from layers.ticks import Ticks
from onemap import cluster, rights
from onemap.connecting import EXTENSIONS, await_server, check, connect
from onemap.settings import Settings, without_password
from onemap.traces import as_command
from onemap.trouble import ExitCode, Trouble

OWNER = "onemap_owner"
APP = "onemap_app"
ACCOUNTS = "onemap_accounts"
ESTATE = "onemap"
DEMO = "onemap_demo"


@dataclass(frozen=True)
class Database:
    """Addresses of one database.

    Attributes
    ----------
    owner_url : str
        As the role that owns the tables: migrations, imports, commands.
    app_url : str
        As the role that serves: it reads rows and writes what people manage, and knows neither
        passwords nor the secrets of second factors.
    trail : Trail, optional
        The files of its traces: the key of their seals, and how far they reached.
    accounts_url : str, optional
        As the role that lets people in: it writes accounts, grants, sessions and tokens and
        nothing else. None: nobody signs in, tokens alone are known.
    ticks : Path, optional
        The file of the counter of its commits (`layers.ticks`).
    """

    owner_url: str
    app_url: str
    ticks: Path | None = None
    accounts_url: str | None = None
    trail: Trail | None = None

    @property
    def sealing_url(self) -> str:
        """As whom traces are sealed: the role that lets people in, else the owner."""
        return self.accounts_url or self.owner_url

    @property
    def name(self) -> str:
        """The database's name on its server."""
        return unquote(urlsplit(self.owner_url).path.lstrip("/"))

    def has_rows(self) -> bool:
        """Whether anything was ever imported or edited here: the log of changes tells."""
        with connect(self.owner_url) as link:
            if link.execute("SELECT to_regclass('public.change')").fetchone() == (None,):
                return False
            return link.execute("SELECT 1 FROM change LIMIT 1").fetchone() is not None


def revision_of(database: Database) -> str | None:
    """Return the revision of a database's tables, None where there are none yet."""
    engine = db.engine(database.owner_url)
    try:
        with engine.connect() as connection:
            return db.current(connection)
    finally:
        engine.dispose()


def has_estate(settings: Settings) -> bool:
    """Whether there is a database: one that is named, or a private one that was made."""
    return bool(settings.database_url) or cluster.is_made(settings.data_dir)


class Tables(StrEnum):
    """How the tables of a database are to this version of the program."""

    NONE = "none"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"

    @classmethod
    def of(cls, revision: str | None) -> Tables:
        """Tell it from their revision."""
        if revision is None:
            return cls.NONE
        if revision == db.head():
            return cls.CURRENT
        return cls.OLDER if db.knows(revision) else cls.NEWER


def refuse_newer(database: Database) -> None:
    """Refuse tables that a newer version of the program made.

    Raises
    ------
    Trouble : this version does not know their revision.
    """
    found = revision_of(database)
    if Tables.of(found) is Tables.NEWER:
        raise Trouble(
            ExitCode.DATABASE,
            f"数据库 {database.name} 的表结构版本 {found} 来自更新的程序，"
            f"本程序最高为 {db.head()}；未作任何改动。请安装较新的版本。",
            f"The tables of the database {database.name} are of revision {found}, which a newer "
            f"version made; this one knows up to {db.head()}. Nothing was changed. Install the "
            "newer version.",
        )


def refuse_other(database: Database, command: str = "onemap db upgrade") -> None:
    """Refuse tables that are not exactly those of this version.

    Raises
    ------
    Trouble : they are older or newer; with the command that mends it.
    """
    refuse_newer(database)
    found = revision_of(database)
    if Tables.of(found) is not Tables.CURRENT:
        raise Trouble(
            ExitCode.DATABASE,
            f"数据库 {database.name} 的表结构（{found or '无'}）比程序（{db.head()}）旧。"
            f"请先运行 onemap backup，再运行 {command}。",
            f"The tables of the database {database.name} ({found or 'none'}) are older than this "
            f"version's ({db.head()}). Run onemap backup first, then {command}.",
        )


def ready(database: Database) -> None:
    """Make the tables of an empty database, and see that those of another are of this version.

    What is started does not change the tables of an estate: there would be no backup.

    Raises
    ------
    Trouble : they are older or newer; with the command that mends it.
    """
    if Tables.of(revision_of(database)) is Tables.NONE:
        prepare(database)
    else:
        refuse_other(database)


@contextlib.contextmanager
def opened(
    settings: Settings,
    *,
    demo: bool = False,
    checked: bool = True,
    wait_s: float = 0,
    attach: bool = False,
) -> Iterator[Database]:
    """Hold the estate's or the demo's database open, running the private cluster if need be.

    Parameters
    ----------
    settings : Settings
        Tells which server.
    demo : bool
        The demo's own database, never the estate's.
    checked : bool
        See that the tables are those of this version, see `ready`.
    wait_s : float
        How long to wait for a server that others run and that is not there yet, in seconds.
    attach : bool
        Use the private cluster while a service runs it, and never run it oneself.

    Raises
    ------
    Trouble : no database is reached, or its tables are older or newer.
    """
    as_command()
    name = DEMO if demo else ESTATE
    if settings.database_url:
        database = _external(settings, demo=demo, wait_s=wait_s)
        if checked:
            ready(database)
        yield database
        return
    with _private(settings.data_dir, wait_s, attach=attach) as private:
        ensure(private, name)
        owner_url = private.url(name, OWNER)
        ticks = ticks_file(settings.data_dir, owner_url)
        database = Database(
            owner_url,
            private.url(name, APP),
            ticks,
            private.url(name, ACCOUNTS),
            Trail.of(settings.audit_key, name),
        )
        if checked:
            ready(database)
        yield database


@contextlib.contextmanager
def _private(data_dir: Path, wait_s: float, *, attach: bool) -> Iterator[cluster.Cluster]:
    if attach:
        yield cluster.attached(data_dir, wait_s)
        return
    with cluster.running(data_dir) as private:
        yield private


@contextlib.contextmanager
def connected(settings: Settings, *, demo: bool = False) -> Iterator[sa.Connection]:
    """Hold one transaction on the database as its owner; it is committed at the end."""
    with opened(settings, demo=demo) as database:
        engine = db.engine(database.owner_url)
        try:
            with committing(engine, Ticks.of(database.ticks)) as connection:
                yield connection
        finally:
            engine.dispose()


def emptied(database: Database) -> None:
    """Take all tables away and make them anew, empty."""
    db.downgrade(database.owner_url, "base")
    if database.trail is not None and database.trail.head is not None:
        database.trail.head.forget()  # its traces went with the rest
    prepare(database)


def describe(database: Database) -> dict[str, Any]:
    """Tell the server's and the database's versions, size and revision, and how old it is."""
    with connect(database.owner_url) as link:
        row = link.execute(
            "SELECT current_database(), current_setting('server_version'), "
            "(SELECT extversion FROM pg_extension WHERE extname = 'postgis'), "
            "pg_database_size(current_database())"
        ).fetchone()
    revision = revision_of(database)
    name, server, postgis, size = row or (database.name, None, None, None)
    return {
        "database": name,
        "address": without_password(database.owner_url),
        "postgresql": server,
        "postgis": postgis,
        "size_bytes": size,
        "revision": revision,
        "newest_revision": db.head(),
        "tables": Tables.of(revision),
    }


def _external(settings: Settings, *, demo: bool, wait_s: float) -> Database:
    owner_url = settings.database_url or ""
    app_url = settings.app_database_url or owner_url
    accounts_url = settings.accounts_database_url
    if accounts_url is None and app_url == owner_url:
        accounts_url = owner_url  # one role does everything
    if demo:
        owner_url, app_url = renamed(owner_url, DEMO), renamed(app_url, DEMO)
        accounts_url = accounts_url and renamed(accounts_url, DEMO)
    name = unquote(urlsplit(owner_url).path.lstrip("/"))
    database = Database(
        owner_url,
        app_url,
        ticks_file(settings.data_dir, owner_url),
        accounts_url,
        Trail.of(settings.audit_key, name),
    )
    await_server(owner_url, wait_s)
    check(owner_url)
    return database


def ticks_file(data_dir: Path, owner_url: str) -> Path:
    """Return where the commits of a database are counted for the processes of this host.

    It lies in the data folder, which whoever serves the database and whoever imports into it
    share; where that cannot be written to, in the temporary folder.
    """
    parts = urlsplit(owner_url)
    query = dict(parse_qsl(parts.query))
    host = unquote(query.get("host") or parts.hostname or "")
    host = "127.0.0.1" if host in {"localhost", "::1"} else host
    port = query.get("port") or parts.port or 5432
    meant = f"{host}:{port}/{unquote(parts.path.lstrip('/'))}"
    name = hashlib.sha256(meant.encode()).hexdigest()[:16]
    shared = Path(tempfile.gettempdir()) / "onemap-ticks"
    for folder in (data_dir / "ticks", shared):
        with contextlib.suppress(OSError):
            if not folder.is_dir():
                folder.mkdir(parents=True)
                if folder is shared:
                    folder.chmod(0o1777)
                elif os.geteuid() == 0:
                    owner = data_dir.stat()
                    os.chown(folder, owner.st_uid, owner.st_gid)
            file = folder / name
            if os.access(file if file.exists() else folder, os.W_OK):
                return file
    return shared / name


def renamed(url: str, name: str) -> str:
    """Return the same address with another database's name."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def role_of(url: str) -> str | None:
    """Return the role an address names."""
    user = urlsplit(url).username
    return unquote(user) if user else None


def ensure(private: cluster.Cluster, name: str) -> None:
    """Make the roles, the database and its extensions on the private cluster, when missing."""
    with psycopg.connect(private.url("postgres"), autocommit=True) as link:
        # Two commands may start at the same moment.
        link.execute("SELECT pg_advisory_lock(hashtext('onemap.ensure'))")
        for role in (OWNER, APP, ACCOUNTS):
            if not link.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                link.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        if not link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            link.execute(
                sql.SQL(
                    "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' "
                    "LOCALE 'C.UTF-8'"
                ).format(sql.Identifier(name), sql.Identifier(OWNER))
            )
    with psycopg.connect(private.url(name), autocommit=True) as link:
        for extension in EXTENSIONS:
            link.execute(
                sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension))
            )


def drop(private: cluster.Cluster, name: str) -> None:
    """Drop a database of the private cluster, whoever is connected to it."""
    with psycopg.connect(private.url("postgres"), autocommit=True) as link:
        link.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def prepare(database: Database) -> None:
    """Bring the tables up to date and grant the serving role what it needs.

    Raises
    ------
    Trouble : a newer version made them.
    """
    # Two may start at the same moment; what is held ends with the connection.
    with connect(database.owner_url) as link:
        link.execute("SELECT pg_advisory_lock(hashtext('onemap.prepare'))")
        refuse_newer(database)
        db.upgrade(database.owner_url)
        app = role_of(database.app_url)
        if app and app != role_of(database.owner_url):
            rights.grant(database.owner_url, app)
        lets_in = database.accounts_url and role_of(database.accounts_url)
        if lets_in and lets_in not in (app, role_of(database.owner_url)):
            rights.grant_accounts(database.owner_url, lets_in)
    Ticks.of(database.ticks).tick()
