"""Who makes the load: wrk over HTTP and pgbench in the database.

Both are C programs that need a few per cent of one core here, so neither is what is measured; a
client in Python would take one of two cores from the server.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from onemap import postgres

CONNECTIONS = 8
SCRIPT = Path(__file__).parent / "requests.lua"


@dataclass(frozen=True)
class Speed:
    """What one load of some seconds gave; times in milliseconds."""

    per_second: float
    p50_ms: float
    p95_ms: float
    kib: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        """Return the figures as JSON."""
        return asdict(self)


def http(
    address: str, paths: Sequence[str], seconds: float, headers: Mapping[str, str] | None = None
) -> Speed:
    """Ask for `paths` in random order over 8 kept-alive connections.

    Raises
    ------
    SystemExit : some answers were errors; such figures mean nothing.
    """
    options = [part for pair in (headers or {}).items() for part in ("-H", ": ".join(pair))]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(paths))
        listed.flush()
        done = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--timeout", "60s",
             *options, "-s", str(SCRIPT), address, "--", listed.name],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    found = json.loads(done.stdout.strip().splitlines()[-1])
    if found["failed"] or not found["requests"]:
        raise SystemExit(f"{address}{paths[0]}: {found['failed']} of {found['requests']} failed")
    return Speed(
        found["requests"] / found["seconds"],
        found["p50_ms"],
        found["p95_ms"],
        found["bytes"] / found["requests"] / 1024,
    )


def pgbench(url: str, script: str, seconds: float, folder: Path) -> Speed:
    """Run a script of pgbench as prepared statements over 8 connections.

    Percentiles come from its log of every transaction; the rate is its own.
    """
    program = postgres.choose(None).path("pgbench")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        file = Path(place) / "script.sql"
        file.write_text(script)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        done = subprocess.run(
            [str(program), "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "1",
             "-T", str(max(1, round(seconds))), "--random-seed=20261012",
             "-l", "--log-prefix=log", "-f", str(file), url],
            capture_output=True, text=True, cwd=place, env=environment, check=False,
        )  # fmt: skip
        rate = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode or rate is None:
            raise SystemExit(f"pgbench failed: {done.stderr[-2000:]}")
        times = np.concatenate(
            [np.loadtxt(each, usecols=2, ndmin=1) for each in Path(place).glob("log.*")]
        )
    p50, p95 = np.percentile(times / 1e3, [50, 95])
    return Speed(float(rate.group(1)), float(p50), float(p95))
