"""Databases for tests: clones of one migrated template, on a private or an external server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql
from sqlalchemy import Engine, create_engine

from onemap import cluster, connecting, database, postgres

# The servers live in memory where there is plenty; their user must be able to enter the folder.
_MEMORY = Path("/dev/shm")
_PLENTY_BYTES = 4e9
ROOT = (
    _MEMORY
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).total > _PLENTY_BYTES
    else Path("/tmp")
)
PREFIX = "onemap-test-"


@dataclass(frozen=True)
class Server:
    """Where clones are made: as whom, from what, and as whom they are used."""

    admin_url: str
    template_url: str
    owner_url: str
    app_url: str
    accounts_url: str


class Clone:
    """A fresh migrated database of its own for one test (or one module)."""

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        self.owner_url = database.renamed(server.owner_url, name)
        self.app_url = database.renamed(server.app_url, name)
        self.accounts_url = database.renamed(server.accounts_url, name)

    @cached_property
    def engine(self) -> Engine:
        """Synchronous SQLAlchemy engine as the owner."""
        return create_engine(self.owner_url)

    @cached_property
    def app_engine(self) -> Engine:
        """Synchronous SQLAlchemy engine as the serving role."""
        return create_engine(self.app_url)

    def dispose(self) -> None:
        """Close what was opened."""
        for name in ("engine", "app_engine"):
            if name in self.__dict__:
                self.__dict__[name].dispose()


def run_dir(run: str) -> Path:
    """Return the folder of one test run: its server, and what its processes share."""
    return ROOT / f"{PREFIX}{run}"


def demo_name(run: str) -> str:
    """Return the name of the database of the demo that the tests of a run read."""
    return f"onemap_demo_{run}"


def once(run: str, name: str, make: Callable[[Path], None]) -> Path:
    """Have one process of a run make what all of them read; the others wait until it is there.

    Parameters
    ----------
    make : puts what is wanted into the new folder that it is handed.
    """
    folder = run_dir(run) / name
    folder.parent.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder.with_suffix(".ready")
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            ready.touch()
    return folder


@contextlib.contextmanager
def private_server(run: str) -> Iterator[Server]:
    """Share one quick private server between all processes of a test run."""
    with cluster.running(run_dir(run), unsafe=True) as private:

        def migrated(_: Path) -> None:
            database.ensure(private, "template_onemap")
            database.prepare(
                database.Database(
                    private.url("template_onemap", database.OWNER),
                    private.url("template_onemap", database.APP),
                    accounts_url=private.url("template_onemap", database.ACCOUNTS),
                )
            )

        once(run, "template", migrated)
        yield Server(
            admin_url=private.url("postgres"),
            template_url=private.url("template_onemap"),
            owner_url=private.url("postgres", database.OWNER),
            app_url=private.url("postgres", database.APP),
            accounts_url=private.url("postgres", database.ACCOUNTS),
        )


@contextlib.contextmanager
def external_server(url: str, app_url: str | None, run: str) -> Iterator[Server]:
    """Use a server somebody else runs, as an owner who is no superuser but may create databases.

    The address names a database with the extensions, made by the server's administrator.
    """
    connecting.check(url)
    name = f"onemap_template_{run}"
    template = database.renamed(url, name)
    admin = database.renamed(url, "postgres")

    def migrated(_: Path) -> None:
        with psycopg.connect(admin, autocommit=True) as link:
            clone(link, name, unquote(urlsplit(url).path.lstrip("/")))
        database.prepare(database.Database(template, database.renamed(app_url or url, name)))

    once(run, "template", migrated)
    yield Server(admin, template, owner_url=url, app_url=app_url or url, accounts_url=url)


def clone(link: psycopg.Connection, name: str, template: str, owner: str | None = None) -> None:
    """Copy a database that nobody is connected to."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    if owner:
        statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
    deadline = time.monotonic() + 10
    while True:
        try:
            link.execute(statement)
        except psycopg.errors.ObjectInUse:
            # A connection just closed may take a moment to end on the server.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def create(link: psycopg.Connection, server: Server, name: str) -> Clone:
    """Clone the template under a name."""
    template = unquote(urlsplit(server.template_url).path.lstrip("/"))
    clone(link, name, template, database.role_of(server.owner_url))
    return Clone(server, name)


@contextlib.contextmanager
def fresh(server: Server) -> Iterator[Clone]:
    """Clone the template, and drop the clone at the end."""
    with psycopg.connect(server.admin_url, autocommit=True) as link:
        made = create(link, server, f"test_{uuid.uuid4().hex[:16]}")
        try:
            yield made
        finally:
            made.dispose()
            drop(link, made.name)


def drop(link: psycopg.Connection, name: str) -> None:
    """Drop a database, whoever is still about to leave it."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    deadline = time.monotonic() + 10
    while True:
        try:
            link.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            # An owner who is no superuser cannot end what another role has just closed.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def is_running(data_dir: Path) -> bool:
    """Whether a private server lives in a data folder."""
    return bool(postgres.processes_in(data_dir / "postgres"))


def end_run(run: str, external_url: str | None) -> None:
    """Remove what a test run leaves: its server, or its template on an external one."""
    if external_url:
        with psycopg.connect(database.renamed(external_url, "postgres"), autocommit=True) as link:
            for name in (f"onemap_template_{run}", demo_name(run)):
                drop(link, name)
    _remove(run_dir(run))


def sweep(age_s: float = 3600) -> None:
    """Remove the servers of killed runs that nobody uses any more."""
    for folder in ROOT.glob(f"{PREFIX}*/"):
        users = folder / "users.lock"
        if not users.exists() or time.time() - folder.stat().st_mtime < age_s:
            continue
        if users.stat().st_uid != os.geteuid():
            continue
        with users.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _remove(folder)


def _remove(folder: Path) -> None:
    if folder.exists():
        with contextlib.suppress(FileNotFoundError):
            cluster.stop(folder)
        deadline = time.monotonic() + 10
        while postgres.processes_in(folder / "postgres") and time.monotonic() < deadline:
            time.sleep(0.05)
        shutil.rmtree(folder, ignore_errors=True)
