"""Run the bench: ``make bench``, or ``make bench ARGS="--only tiles --rounds 5 --json"``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import psycopg

from tests.bench import cached, data, estate, features, history, imports, report, tiles

PARTS = ("tiles", "cached", "features", "import", "history")


def main() -> None:
    """Measure what was asked for and print one table."""
    asked = arguments()
    load_before = os.getloadavg()[0]
    measured: list[report.Figures] = []
    with estate.bench(asked.count, asked.keep) as bench:
        for part in asked.only or PARTS:
            print(f"· {part}", file=sys.stderr, flush=True)
            if part == "tiles":
                measured += tiles.run(bench, asked.seconds, asked.rounds)
            elif part == "cached":
                measured += cached.run(bench, asked.seconds, asked.rounds)
            elif part == "features":
                measured += features.run(bench, asked.seconds, asked.rounds)
            elif part == "history":
                measured += history.run(bench, asked.rounds)
            else:
                measured += imports.run(bench, asked.rounds)
        with psycopg.connect(bench.url(estate.TEMPLATE)) as link:
            server, postgis = link.execute(
                "SELECT current_setting('server_version'), postgis_lib_version()"
            ).fetchone()
    place = report.where(server, postgis, asked.count, asked.rounds, asked.seconds, load_before)
    if asked.json:
        print(json.dumps(report.as_json(measured, place), ensure_ascii=False, indent=1))
    else:
        print(report.as_text(measured, place))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    add = parser.add_argument
    add("--only", action="append", choices=PARTS, help="a part; may be given again (default: all)")
    add("--rounds", type=int, default=3, help="how often each contender takes its turn")
    add("--seconds", type=float, default=5, help="how long each turn of a load lasts")
    add("--count", type=int, default=data.COUNT, help="how many buildings")
    add("--keep", type=Path, help="keep the database in this folder and use it again")
    add("--json", action="store_true", help="print one JSON object instead of the table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
