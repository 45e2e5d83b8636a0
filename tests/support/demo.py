"""The demo, written and built once for all tests of a run that read it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from onemap.demo import build, builder
from tests.support import databases


@dataclass(frozen=True)
class BuiltDemo:
    """The demo's database, which nobody may change, and what is known of its building.

    Attributes
    ----------
    reports : of its imports.
    files : the folder of what was imported.
    ended : when it was built, by this machine's clock.
    """

    database: databases.Clone
    reports: list[Any]
    files: Path
    ended: datetime


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Tell nobody how far it is."""


def written(run: str, seed: int, scale: float) -> Path:
    """Return the folder of the demo's files of a seed and a scale, which nobody may change."""

    def write(folder: Path) -> None:
        builder.write(folder / "files", seed=seed, scale=scale, progress=silent)

    return databases.once(run, f"demo-{seed}-{scale:g}x", write) / "files"


@contextmanager
def built(server: databases.Server, run: str) -> Iterator[BuiltDemo]:
    """Yield the demo as ``onemap demo`` builds it, which takes half a minute."""
    files = written(run, 1, 1.0)
    name = databases.demo_name(run)

    def make(folder: Path) -> None:
        with psycopg.connect(server.admin_url, autocommit=True) as link:
            databases.drop(link, name)  # of a build that failed
            owner_url = databases.create(link, server, name).owner_url
        reports = build(owner_url, files.parent, seed=1, scale=1.0, progress=silent)
        (folder / "told").write_bytes(pickle.dumps((reports, datetime.now(UTC))))

    folder = databases.once(run, "demo", make)
    reports, ended = pickle.loads((folder / "told").read_bytes())
    database = databases.Clone(server, name)
    try:
        yield BuiltDemo(database, reports, files, ended)
    finally:
        database.dispose()
