"""The database of a run: the shipped private cluster, as shipped, in a folder of its own."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import psycopg
import shapely
import sqlalchemy as sa
from psycopg import sql

from layers import db
from layers.changes import ChangeSet
from layers.estate import Building
from onemap import cluster, database
from tests.bench import data

TEMPLATE, ESTATE = "bench_template", "bench"


@dataclass(frozen=True)
class Bench:
    """Where a run lives: its cluster, its folder and the file of buildings."""

    cluster: cluster.Cluster
    folder: Path
    count: int

    @property
    def file(self) -> Path:
        """The GeoPackage of buildings."""
        return self.folder / f"buildings-{self.count}.gpkg"

    def url(self, name: str = ESTATE, role: str = database.OWNER) -> str:
        """Return the address of one of the run's databases."""
        return self.cluster.url(name, role)


@contextlib.contextmanager
def bench(count: int, keep: Path | None) -> Iterator[Bench]:
    """Run the cluster, with an empty migrated template and the file of buildings beside it.

    Parameters
    ----------
    keep : a folder to keep and use again; by default a temporary one is removed at the end.
    """
    folder = keep or Path(tempfile.mkdtemp(prefix="onemap-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the server's own user reads and writes here
    try:
        with cluster.running(folder) as private:
            made = Bench(private, folder, count)
            if not exists(made, TEMPLATE):
                database.ensure(private, TEMPLATE)
            _prepare(made, TEMPLATE)
            if not made.file.exists():
                data.write(made.file, count)
            yield made
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _prepare(made: Bench, name: str) -> None:
    """Bring a database up to date: one that was kept may be of an earlier schema."""
    database.prepare(database.Database(made.url(name), made.url(name, database.APP)))


def exists(bench_: Bench, name: str) -> bool:
    """Whether the cluster has that database."""
    with psycopg.connect(bench_.cluster.url("postgres")) as link:
        found = link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    return found is not None


@contextlib.contextmanager
def fresh(bench_: Bench, name: str) -> Iterator[str]:
    """Give an empty migrated database for one measurement."""
    with psycopg.connect(bench_.cluster.url("postgres"), autocommit=True) as link:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        link.execute(drop)
        link.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                *map(sql.Identifier, (name, TEMPLATE, database.OWNER))
            )
        )
        try:
            yield bench_.url(name)
        finally:
            # Another connection: this one is lost where the server was restarted meanwhile.
            with psycopg.connect(bench_.cluster.url("postgres"), autocommit=True) as last:
                last.execute(drop)


def filled(bench_: Bench) -> str:
    """Return the database that tiles and pages are read from, filled once, and vacuumed."""
    if exists(bench_, ESTATE):
        with psycopg.connect(bench_.url(), autocommit=True) as link:
            whole = link.execute("SELECT count(*) FROM building").fetchone() == (bench_.count,)
        if whole:
            _prepare(bench_, ESTATE)
            return bench_.url()
    with psycopg.connect(bench_.cluster.url("postgres"), autocommit=True) as link:
        link.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(ESTATE))
        )
        link.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                *map(sql.Identifier, (ESTATE, TEMPLATE, database.OWNER))
            )
        )
    engine = db.engine(bench_.url())
    with engine.begin() as connection:
        ChangeSet(connection, "bench", "bench").upsert(Building, rows(bench_.file))
    engine.dispose()
    with psycopg.connect(bench_.cluster.url(ESTATE), autocommit=True) as link:
        link.execute("VACUUM (ANALYZE, FREEZE)")
        link.execute("CHECKPOINT")
    return bench_.url()


def rows(file: Path) -> pd.DataFrame:
    """Return the file's rows as the table of buildings holds them."""
    found = geopandas.read_file(file).rename_geometry("geom")
    return pd.DataFrame(found.drop(columns="geom")).assign(
        geom=multi(found), source="bench", source_key=found["code"]
    )


def multi(frame: geopandas.GeoDataFrame) -> Any:
    """Return the polygons of a frame as multipolygons, which is what the table holds."""
    return shapely.multipolygons(frame.geometry.array, indices=range(len(frame)))


def engine_of(url: str) -> sa.Engine:
    """Return a synchronous engine."""
    return db.engine(url)
