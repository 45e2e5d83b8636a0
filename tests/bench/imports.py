"""Import of the GeoPackage against server-side COPY of the same rows, and against to_postgis.

All three write into the same table with the same indexes in place: ours into ``building`` with its
keys, triggers and history; COPY and to_postgis into a copy of it (LIKE … INCLUDING ALL: the same
columns, generated geometry, checks and indexes) that has neither foreign keys nor triggers. Ours
and to_postgis read the GeoPackage within the time; COPY reads the finished rows from a file of the
server's, which is the fastest way into a table that there is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import geopandas
import psycopg
import sqlalchemy as sa
from psycopg import sql

from importers.pipeline import run as import_files
from tests.bench import estate
from tests.bench.report import Figures, Rate

SHAPE = "CREATE TABLE {} (LIKE building INCLUDING ALL EXCLUDING STATISTICS)"


def run(bench: estate.Bench, rounds: int) -> Iterator[Figures]:
    """Measure all three in turns, each on tables that were empty before."""
    figures = Figures("import")
    for number in range(rounds):
        with estate.fresh(bench, f"bench_import_{number}") as url:
            engine = estate.engine_of(url)
            figures.add("onemap", ours(bench, engine))
            name = url.split("/")[-1].split("?")[0]
            figures.add("copy", copy(bench, name))
            figures.add("to_postgis", to_postgis(bench, engine))
            engine.dispose()
    yield figures


def ours(bench: estate.Bench, engine: sa.Engine) -> Rate:
    """Import by the pipeline, from the call to the commit."""
    started = time.perf_counter()
    report = import_files("buildings", [bench.file], engine=engine)
    seconds = time.perf_counter() - started
    with engine.connect() as connection:
        loaded = connection.scalar(sa.text("SELECT count(*) FROM building WHERE geom IS NOT NULL"))
    if loaded != bench.count:
        raise SystemExit(f"{loaded} of {bench.count} rows loaded: {report}")
    return Rate(bench.count / seconds, seconds)


def copy(bench: estate.Bench, name: str) -> Rate:
    """Copy the rows that were just imported through a file into an empty twin of the table."""
    place = bench.folder / "exchange"
    place.mkdir(exist_ok=True)
    place.chmod(0o777)  # the server's own user writes here
    file = place / "rows.bin"
    with psycopg.connect(bench.cluster.url(name), autocommit=True) as link:
        listed = link.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'building'::regclass "
            "AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
        ).fetchall()
        columns = sql.SQL(", ").join(sql.Identifier(row[0]) for row in listed)
        link.execute(sql.SQL(SHAPE).format(sql.Identifier("twin")))
        link.execute(sql.SQL("COPY building ({}) TO {} (FORMAT binary)").format(columns, str(file)))
        link.execute("CHECKPOINT")
        started = time.perf_counter()
        link.execute(sql.SQL("COPY twin ({}) FROM {} (FORMAT binary)").format(columns, str(file)))
        seconds = time.perf_counter() - started
        link.execute("DROP TABLE twin")
    return Rate(bench.count / seconds, seconds)


def to_postgis(bench: estate.Bench, engine: sa.Engine) -> Rate:
    """Read the file and append it with geopandas to an empty twin of the table."""
    with engine.begin() as connection:
        connection.execute(sa.text(SHAPE.format("twin")))
    started = time.perf_counter()
    found = geopandas.read_file(bench.file).rename_geometry("geom")
    found = found.assign(source="bench", source_key=found["code"])
    found["geom"] = estate.multi(found)
    found.to_postgis("twin", engine, if_exists="append", index=False)
    seconds = time.perf_counter() - started
    with engine.begin() as connection:
        loaded = connection.scalar(sa.text("SELECT count(*) FROM twin"))
        connection.execute(sa.text("DROP TABLE twin"))
    if loaded != bench.count:
        raise SystemExit(f"to_postgis wrote {loaded} of {bench.count} rows")
    return Rate(bench.count / seconds, seconds)
