"""Connections to the database and its migrations."""

from __future__ import annotations

from pathlib import Path

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL, Engine, make_url

from layers.labels import Text

MIGRATIONS = Path(__file__).parent / "migrations"
LOST = (
    sa.exc.OperationalError, sa.exc.InterfaceError,
    # The binary COPY goes past SQLAlchemy.
    psycopg.OperationalError, psycopg.InterfaceError,
)  # fmt: skip
"""What is raised when the database goes away, but for `is_full` and `is_limit`."""


def is_full(error: Exception) -> bool:
    """Whether it is the database's disk that is full."""
    return isinstance(getattr(error, "orig", error), psycopg.errors.DiskFull)


def is_limit(error: Exception) -> bool:
    """Whether more was asked of the database than it can hold, as a value too long to index.

    Its driver tells that as if the connection were at fault; but it is so however often one tries.
    """
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return (state or "").startswith("54")


def first_line(error: Exception) -> str:
    """Return what the database says of an error, without the statement."""
    cause = getattr(error, "orig", None) or error
    return (str(cause).splitlines() or [type(cause).__name__])[0]


def limit_said(error: Exception) -> Text:
    """Return what to tell of an error that `is_limit`."""
    said = first_line(error)
    return Text(
        f"超出数据库的限度：{said}；未写入任何内容，请缩短或拆分后重试",
        f"It is more than the database can hold: {said}. Nothing was written; shorten or divide "
        "it, then try again",
    )


def driver_url(url: str | URL, driver: str) -> URL:
    """Return `url` for one driver: ``psycopg`` (synchronous) or ``asyncpg``."""
    return make_url(url).set(drivername=f"postgresql+{driver}")


def engine(url: str | URL, **options: object) -> Engine:
    """Return a synchronous engine (importers, command line, tests)."""
    # What fails is told in the log: never with the values it was given.
    return sa.create_engine(driver_url(url, "psycopg"), hide_parameters=True, **options)


def config(connection: sa.Connection | None = None) -> Config:
    """Return the configuration of the migrations, bound to `connection` when given."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def upgrade(url: str | URL, revision: str = "head") -> None:
    """Bring the database at `url` to `revision`, as its owner, in one transaction."""
    made = engine(url)
    try:
        with made.begin() as connection:
            command.upgrade(config(connection), revision)
    finally:
        made.dispose()


def downgrade(url: str | URL, revision: str) -> None:
    """Take the database at `url` back to `revision` (``"base"`` empties it)."""
    made = engine(url)
    try:
        with made.begin() as connection:
            command.downgrade(config(connection), revision)
    finally:
        made.dispose()


def head() -> str | None:
    """Return the newest revision that this version of the program knows."""
    return ScriptDirectory.from_config(config()).get_current_head()


def knows(revision: str) -> bool:
    """Whether this version of the program knows a revision."""
    scripts = ScriptDirectory.from_config(config())
    return revision in {each.revision for each in scripts.walk_revisions()}


def current(connection: sa.Connection) -> str | None:
    """Return the revision of the database, None before the first migration."""
    return MigrationContext.configure(connection).get_current_revision()
