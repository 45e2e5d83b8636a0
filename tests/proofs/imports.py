"""Imports that are killed while they write: by the command line, and as a job."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psycopg

from tests.bench.servers import ROOT, without_onemap
from tests.proofs.served import Estate, Outcome
from tests.support.working import children_of

IMPORTED = 6000
_CHANCES = 12
"""How often it is tried to strike amid an import, before it has ended."""


def kill_import(estate: Estate, outcome: Outcome, number: int) -> float:
    """Kill an import in the middle; what it would have added is not there, and comes at once."""
    for chance in range(_CHANCES):
        source = f"fault-{number}-{chance}"
        file = estate.folder / f"{source}.geojson"
        file.write_text(json.dumps(_buildings(IMPORTED)))
        command = [
            sys.executable, "-m", "onemap", "import", "buildings", str(file), "--demo",
            "--source", source, "--crs", "EPSG:4326",
        ]  # fmt: skip
        environment = without_onemap() | {"ONEMAP_DATA_DIR": str(estate.folder)}
        running = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with psycopg.connect(estate.url(), autocommit=True) as link:
            _wait_until_it_writes(link)
            amid = _stopped_amid(link, [running.pid])
            running.kill()
            running.wait()
            struck = time.monotonic()
            outcome.lost += _half(link, source)
            if not amid:
                continue
            subprocess.run(
                command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL
            )
            outcome.lost += _half(link, source, whole=True)
            return struck
    raise AssertionError("each import had ended before it was killed")


def kill_worker(estate: Estate, outcome: Outcome, number: int) -> float:
    """Kill the worker and what it does amid a job; the job is taken up again, and done once."""
    for chance in range(_CHANCES):
        source = f"fault-{number}-{chance}"
        job = _asked(estate, source)
        with psycopg.connect(estate.url(), autocommit=True) as link:
            _wait_until_it_writes(link)
            pids = _worker_of(estate)
            amid = _stopped_amid(link, pids)
            for each in pids:
                os.kill(each, signal.SIGKILL)
            struck = time.monotonic()
            _until_done(estate, job, source, outcome, link)
            if not amid:
                continue
            outcome.replaced_s.append(time.monotonic() - struck)
            row = link.execute("SELECT attempt FROM job WHERE id = %s", (job,)).fetchone()
            assert row is not None
            assert row[0] >= 2, "the job was done at its first attempt: nothing was killed"
            return struck
    raise AssertionError("each job had ended before it was killed")


def _asked(estate: Estate, source: str) -> int:
    """Upload a file to be imported; return the job's id."""
    asked = httpx.post(
        f"{estate.address}/jobs/imports",
        params={
            "kind": "buildings", "name": f"{source}.geojson", "source": source, "crs": "EPSG:4326",
        },
        headers={"Origin": estate.address, "Content-Type": "application/octet-stream"},
        content=json.dumps(_buildings(IMPORTED)), timeout=60,
    ).raise_for_status()  # fmt: skip
    return int(asked.json()["id"])


def _until_done(
    estate: Estate, job: int, source: str, outcome: Outcome, link: psycopg.Connection
) -> None:
    """Wait until a job is done, and see meanwhile that no half of it is seen."""
    deadline = time.monotonic() + 180
    address = f"{estate.address}/jobs/{job}"
    while (state := httpx.get(address, timeout=60).json()["state"]) not in {"done", "failed"}:
        outcome.lost += _half(link, source)
        if time.monotonic() > deadline:
            outcome.lost.append(f"the job of {source} is {state} after three minutes")
            break
        time.sleep(0.1)
    outcome.lost += _half(link, source, whole=True)


def _all_below(pid: int) -> list[int]:
    """Return the processes that `pid` started, and those that they started."""
    return [each for child in children_of(pid) for each in (child, *_all_below(child))]


def _worker_of(estate: Estate) -> list[int]:
    """Return the worker of a demo and what does its job."""
    for each in children_of(estate.pid):
        line = Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0")
        if b"onemap" in line and b"worker" in line:
            return [each, *_all_below(each)]
    raise AssertionError("there is no worker")


def _stopped_amid(link: psycopg.Connection, pids: list[int]) -> bool:
    """Stop processes at a moment left to chance; whether an import was writing then.

    What is stopped cannot end meanwhile: it still holds its lock when it is killed.
    """
    time.sleep(random.uniform(0, 0.3))
    for each in pids:
        os.kill(each, signal.SIGSTOP)
    return _writes(link)


def _wait_until_it_writes(link: psycopg.Connection) -> None:
    deadline = time.monotonic() + 60
    while not _writes(link):
        if time.monotonic() > deadline:
            raise AssertionError("no import began to write")
        time.sleep(0.005)


def _half(link: psycopg.Connection, source: str, *, whole: bool = False) -> list[str]:
    """Return what is wrong with an import: only none of it or all of it may be seen."""
    row = link.execute("SELECT count(*) FROM building WHERE source = %s", (source,)).fetchone()
    assert row is not None
    right = {IMPORTED} if whole else {0, IMPORTED}
    return [] if row[0] in right else [f"{row[0]} of {IMPORTED} rows of {source} are seen"]


def _writes(link: psycopg.Connection) -> bool:
    """Whether somebody writes buildings: the load's writers do not."""
    row = link.execute(
        "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE relation = 'building'::regclass AND mode = 'RowExclusiveLock' AND granted "
        "AND usename = 'onemap_owner'"
    ).fetchone()
    return row is not None


def _buildings(count: int) -> dict[str, object]:
    """Return buildings of ten metres or so, in rows of a hundred, far from the demo's."""
    features = []
    for number in range(count):
        west, south = 118.0 + number % 100 * 0.0002, 37.0 + number // 100 * 0.0002
        east, north = west + 0.0001, south + 0.0001
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        features.append(
            {
                "type": "Feature",
                "properties": {"code": f"F{number}", "name": f"楼 {number}"},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    return {"type": "FeatureCollection", "features": features}
