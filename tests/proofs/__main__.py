"""Run the proofs: ``make prove ARGS="contract --examples 20"``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.proofs import contract, cost, faults


def main() -> int:
    """Run what is asked for; return 1 where something was disproved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    asked = parts.add_parser("contract", help="the service keeps to its own description")
    asked.add_argument("--examples", type=int, default=10)
    asked.add_argument("--only", nargs="+", choices=[each.name for each in contract.CALLERS])
    asked.add_argument("--folder", type=Path, default=Path(".prove/contract"))
    struck = parts.add_parser("faults", help="nothing acknowledged is lost whatever fails")
    struck.add_argument("--times", type=int, default=20)
    struck.add_argument("--only", nargs="+", choices=list(faults.FAULTS))
    struck.add_argument("--built", type=Path, help="the data folder of a demo, to copy")
    dear = parts.add_parser("cost", help="what this state of the code costs against another")
    dear.add_argument("before", type=Path, help="another checkout, made ready")
    dear.add_argument("--rounds", type=int, default=12)
    dear.add_argument("--seconds", type=float, default=3)
    dear.add_argument("--count", type=int, default=250_000)
    given = parser.parse_args()
    if given.part == "cost":
        dearer = cost.run(given.before.resolve(), given.rounds, given.seconds, given.count)
        return int(dearer > 0)
    if given.part == "faults":
        return int(faults.run(given.only or list(faults.FAULTS), given.times, given.built) > 0)
    folder: Path = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return int(contract.run(given.examples, folder, given.only) > 0)


if __name__ == "__main__":
    sys.exit(main())
