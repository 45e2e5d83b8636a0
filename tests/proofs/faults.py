"""Faults while people write: nothing acknowledged is lost, no import is half there, all comes back.

The service runs as it is installed: `onemap demo` with two serving processes over its private
database, which writes through to the disk. Each fault strikes again and again while writers write;
then every row is read again (`tests.proofs.ledger`). That it struck is looked at too: an import
that is killed was writing, a full disk refused writes, and so on.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from onemap import postgres
from tests.bench.servers import ROOT, without_onemap
from tests.proofs.imports import kill_import, kill_worker
from tests.proofs.ledger import Load
from tests.proofs.served import (
    CLOCK,
    PROCESSES,
    Estate,
    Outcome,
    of_one_run,
    owned,
    rows_of,
    served,
    small_disk,
)
from tests.support.working import children_of

JUMPS_S = (86_400, -3_600, 30 * 86_400, -86_400, 0)


def run(names: list[str], times: int, built: Path | None) -> int:
    """Let each fault strike so many times; return how many things were lost.

    Parameters
    ----------
    built : the data folder of a demo to copy; without one it is built.
    """
    lost = 0
    with tempfile.TemporaryDirectory(prefix="onemap-faults-", dir="/var/tmp") as place:
        folder = Path(place)
        folder.chmod(0o755)
        origin = built or _built(folder / "origin")
        for name in names:
            outcome = _repeated(name, times, origin, folder / name)
            lost += len(outcome.lost)
            print(outcome, *outcome.lost[:10], sep="\n  ", flush=True)
    return lost


def _built(folder: Path) -> Path:
    command = [sys.executable, "-m", "onemap", "demo", "--no-serve", "--data-dir", str(folder)]
    subprocess.run(command, env=without_onemap(), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return folder


def _repeated(name: str, times: int, origin: Path, folder: Path) -> Outcome:
    strike = FAULTS[name]
    outcome = Outcome(name)
    with contextlib.ExitStack() as stack:
        if name == "disk":
            stack.enter_context(small_disk(folder))
        shutil.copytree(origin, folder, dirs_exist_ok=True, ignore=of_one_run)
        owned(folder)
        clock = folder / "clock" if name == "clock" else None
        estate = stack.enter_context(served(folder, clock))
        _see_that_it_writes_through(estate)
        rows = rows_of(estate)
        for number in range(times):
            with Load(estate.address, rows) as load:
                load.back_after(time.monotonic())
                time.sleep(random.uniform(0.5, 1.5))
                struck = strike(estate, outcome, number)
                outcome.back_s.append(load.back_after(struck))
                time.sleep(0.3)
            outcome.acknowledged += load.acknowledged
            outcome.refused += load.refused
            missing = [*load.lost(), *_without_record(estate, load.sets)]
            outcome.lost += [f"time {number + 1}: {each}" for each in missing]
    # Not each time: what fits into a segment of the log that is there already is still written.
    assert name != "disk" or outcome.refused, "the disk was full, and no write was refused"
    return outcome


def _see_that_it_writes_through(estate: Estate) -> None:
    """A database that does not wait for the disk loses nothing here, and much in a power cut."""
    with psycopg.connect(estate.url()) as link:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            row = link.execute("SELECT current_setting(%s)", (name,)).fetchone()
            assert row == ("on",), f"{name} is {row}"


def _without_record(estate: Estate, sets: list[int]) -> list[str]:
    """Return which acknowledged change sets the log does not have."""
    with psycopg.connect(estate.url()) as link:
        found = link.execute("SELECT seq FROM change_set WHERE seq = ANY(%s)", (sets,)).fetchall()
    return [f"change set {each} is not in the log" for each in {*sets} - {row[0] for row in found}]


def _kill_server(estate: Estate, outcome: Outcome, _number: int) -> float:
    """Kill one of the serving processes; the one above starts another, which is waited for.

    Each listens for changes with a connection of its own once it serves.
    """
    serving = [
        each
        for each in children_of(estate.pid)
        if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()
    ]
    with psycopg.connect(estate.url(), autocommit=True) as link:
        os.kill(random.choice(serving), signal.SIGKILL)
        struck = time.monotonic()
        time.sleep(0.5)
        while _listening(link) < PROCESSES:
            if time.monotonic() > struck + 180:
                outcome.lost.append("the killed process is not replaced")
                break
            time.sleep(0.05)
    outcome.replaced_s.append(time.monotonic() - struck)
    return struck


def _listening(link: psycopg.Connection) -> int:
    row = link.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'onemap-feed'"
    ).fetchone()
    assert row is not None
    return int(row[0])


def _kill_postgres(estate: Estate, _outcome: Outcome, _number: int) -> float:
    """Kill all of the database at once.

    What it had given to the system is still written: that a machine which loses its power keeps as
    much follows from `fsync` alone, and from disks that do as they say.
    """
    killed = 0
    for each in postgres.processes_in(estate.cluster.data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
            killed += 1
    assert killed > 1, "no database was killed"
    return time.monotonic()


def _restart_postgres(estate: Estate, _outcome: Outcome, _number: int) -> float:
    """Stop the database as its operator would; it is started again."""
    began = time.monotonic()
    data = estate.cluster.data
    postgres.run(
        postgres.server_user(), postgres.choose().path("pg_ctl"), "-D", str(data), "-m", "fast",
        "-w", "stop",
    )  # fmt: skip
    return began


def _fill_disk(estate: Estate, _outcome: Outcome, _number: int) -> float:
    """Leave no room in the data folder for some seconds, then make room again."""
    filler = estate.folder / "filler"
    try:
        with filler.open("wb") as file:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
    except OSError as full:
        if full.errno != errno.ENOSPC:
            raise
        time.sleep(4)
    finally:
        filler.unlink()
    return time.monotonic()


def _jump_clock(estate: Estate, _outcome: Outcome, number: int) -> float:
    """Set the clock of service and database a day ahead, an hour back, and so on."""
    assert estate.clock is not None
    jump = JUMPS_S[number % len(JUMPS_S)]
    with estate.clock.open("r+b") as file:
        file.write(CLOCK.pack(jump))
    struck = time.monotonic()
    with psycopg.connect(estate.url()) as link:
        row = link.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    assert row is not None
    assert abs(row[0] - time.time() - jump) < 5, "the database's clock was not set"
    return struck


FAULTS: dict[str, Callable[[Estate, Outcome, int], float]] = {
    "server": _kill_server,
    "import": kill_import,
    "worker": kill_worker,
    "postgres": _kill_postgres,
    "restart": _restart_postgres,
    "disk": _fill_disk,
    "clock": _jump_clock,
}
"""Each makes its fault and gives the moment from which the time to come back counts."""
