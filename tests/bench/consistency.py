"""Many edits through four serving processes: nobody may be served an older state.

``python -m tests.bench.consistency --edits 10000``; ``--unguarded`` must find old states, and says
so by its exit. Variants: the connections that listen are killed every few seconds, the database is
restarted in the middle, and a long import is open meanwhile, which must delay no edit.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from layers.ticks import Ticks
from onemap import postgres
from tests.api import consistency
from tests.bench import estate
from tests.support.service import services

VARIANTS = ("plain", "killed", "restarted", "import")
FEATURES = 400
HELD = 100_000


def main() -> None:
    """Run what was asked for; ends with 1 where the outcome is not what it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.consistency", description=__doc__)
    add = parser.add_argument
    add("--edits", type=int, default=10_000)
    add("--only", action="append", choices=VARIANTS, help="a variant (default: all)")
    add("--unguarded", action="store_true", help="leave the counter of commits out of account")
    add("--keep", type=Path, help="keep the database's cluster in this folder and use it again")
    asked = parser.parse_args()
    wrong = False
    with estate.bench(1_000, asked.keep) as bench:
        for variant in asked.only or VARIANTS:
            outcome = one(bench, variant, asked.edits, unguarded=asked.unguarded)
            wrong |= bool(outcome.stale) != asked.unguarded
            print(f"{variant:10} {outcome.line()}", flush=True)
            for each in outcome.stale[:3]:
                print(f"           {each}")
    sys.exit(wrong)


def one(
    bench: estate.Bench, variant: str, edits: int, *, unguarded: bool = False
) -> consistency.Outcome:
    """Run one variant over a database of its own."""
    flags = ["--unguarded"] if unguarded else []
    file = bench.folder / f"ticks-{variant}"
    with estate.fresh(bench, f"bench_{variant}") as url:
        engine = estate.engine_of(url)
        known = consistency.features(engine, FEATURES)
        engine.dispose()
        write = consistency.by_sql(url, Ticks.of(file), known)
        app = bench.url(f"bench_{variant}", "onemap_app")
        with services(app, 4, *flags, ticks=str(file)) as (addresses, _), _beside(bench, variant):
            return consistency.run(addresses, write, known, edits)


@contextlib.contextmanager
def _beside(bench: estate.Bench, variant: str) -> Iterator[None]:
    """Let the variant's trouble go on while the block runs."""
    ended = threading.Event()
    trouble = {"killed": _kill, "restarted": _restart, "import": _hold}.get(variant)
    thread = threading.Thread(target=trouble, args=(bench, ended)) if trouble else None
    if thread:
        thread.start()
        if variant == "import":
            time.sleep(8)  # until its rows are written
    try:
        yield
    finally:
        ended.set()
        if thread:
            thread.join()


def _kill(bench: estate.Bench, ended: threading.Event) -> None:
    with psycopg.connect(bench.cluster.url("bench_killed"), autocommit=True) as link:
        while not ended.wait(3):
            link.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'onemap-feed' AND datname = current_database()"
            )


def _restart(bench: estate.Bench, ended: threading.Event) -> None:
    ended.wait(5)
    version = (bench.cluster.data / "PG_VERSION").read_text().strip()
    program = postgres.choose(int(version)).path("pg_ctl")
    log = bench.folder / "restart.log"
    log.touch()
    log.chmod(0o666)
    postgres.run(
        postgres.server_user(), str(program), "-D", str(bench.cluster.data),
        "-m", "fast", "-l", str(log), "-w", "restart",
    )  # fmt: skip


def _hold(bench: estate.Bench, ended: threading.Event) -> None:
    """Keep a transaction open that has written as many rows as a long import."""
    with psycopg.connect(bench.url("bench_import")) as link:
        link.execute(
            "INSERT INTO building (source, source_key, name) "
            "SELECT 'held', n::text, n::text FROM generate_series(1, %s) n",
            [HELD],
        )
        link.execute("UPDATE building SET name = 'x' WHERE source = 'held'")
        ended.wait()
        link.rollback()


if __name__ == "__main__":
    main()
