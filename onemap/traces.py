"""Traces of commands: who ran them, what they record, and their seals when nobody serves."""

from __future__ import annotations

import contextlib
import getpass
import itertools
import os
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from layers import audit, db
from layers.audit import ORIGIN, Kind, Origin, note
from layers.audit.keys import Reached
from layers.audit.reading import Asked, records
from layers.audit.sealing import last_seal, seal_all

if TYPE_CHECKING:
    from onemap.database import Database

_CHUNK = 1_000
_WORD = re.compile(r"[a-z][a-z-]*")


def as_command() -> None:
    """Let what this process records say which command it is, and whose."""
    # The command and what it is about (``user create``): no name, no file and no option.
    ORIGIN.set(command(*itertools.takewhile(_WORD.fullmatch, sys.argv[1:3])))


def command(*words: str) -> Origin:
    """Return as whose act a command is recorded, of which the first words are told."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = str(os.geteuid())
    return Origin(account=f"os:{user}", route=" ".join(["onemap", *words]))


@contextlib.contextmanager
def owner(database: Database) -> Iterator[sa.Engine]:
    """Hold an engine of the owner."""
    engine = db.engine(database.owner_url)
    try:
        yield engine
    finally:
        engine.dispose()


def noted(database: Database, kind: Kind, outcome: str = "done", **details: Any) -> None:
    """Record what a command does that is no transaction of the database."""
    with owner(database) as engine, engine.begin() as connection:
        note(connection, kind, outcome, **details)


def sealed(database: Database) -> int:
    """Seal what waits, unless somebody who serves does; return how many records."""
    assert database.trail is not None
    with owner(database) as engine:
        return seal_all(engine, database.trail.keys, database.trail.head)


def reached(database: Database) -> Reached | None:
    """Return the newest batch of the database; None where none was sealed."""
    with owner(database) as engine, engine.connect() as connection:
        row = last_seal(connection)
    return None if row is None else Reached(row.batch, row.mac)


def is_there(database: Database) -> bool:
    """Whether the database has the tables of the traces: an earlier version's has not."""
    with owner(database) as engine, engine.connect() as connection:
        return _there(connection)


def _there(connection: sa.Connection) -> bool:
    name = sa.func.to_regclass(f"public.{audit.RECORD}")
    return connection.scalar(sa.select(name)) is not None


def written(
    connection: sa.Connection, path: Path, asked: Asked, language: str, zone: ZoneInfo
) -> int:
    """Write sealed records into a file, CSV or by its ending XLSX; return how many.

    Only its owner may read it, and it holds no cell that a spreadsheet runs as a formula.
    """
    import tempfile  # noqa: PLC0415 - for a workbook alone

    from api import audit_files  # noqa: PLC0415 - a command that writes no file needs none of it

    columns = audit_files.columns(language, zone)
    rows = connection.execution_options(yield_per=_CHUNK).execute(records(asked)).mappings()
    count = 0
    place = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(place, "wb") as file, tempfile.TemporaryDirectory() as parts:  # noqa: PTH123
        if path.suffix.lower() == ".xlsx":
            sheet = audit_files.workbook(file, parts, language, columns)
            for chunk in rows.partitions():
                sheet.add(list(chunk))
                count += len(chunk)
            told = [(audit_files.TITLE.in_language(language), count)]
            sheet.close(audit_files.NOTES.in_language(language), told)
        else:
            for lines in audit_files.csv_of(columns, (list(each) for each in rows.partitions())):
                file.write(lines)
                count += lines.count(b"\r\n")
            count -= 1  # the heading
    return count


def saved(
    database: Database, folder: Path, now: datetime, language: str, zone: ZoneInfo
) -> Path | None:
    """Save the records of a database that is about to be replaced; None where it has none.

    Returns
    -------
    The file, in which each record stands with its number and code.
    """
    with owner(database) as engine:
        with engine.connect() as connection:
            if not _there(connection):
                return None
        assert database.trail is not None
        seal_all(engine, database.trail.keys, database.trail.head)
        with engine.connect() as connection:
            if last_seal(connection) is None:
                return None
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = folder / f"replaced-{now:%Y%m%dT%H%M%SZ}.csv"
            written(connection, path, Asked(), language, zone)
    return path
