"""Faults while people write: nothing acknowledged is lost, no import is half there, all comes back.

The service runs as it is installed: `onemap demo` with two serving processes over its private
database, which writes through to the disk. Each fault strikes again and again while writers write;
then every row is read again (`tests.proofs.ledger`).
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from layers.committed import CHANNEL
from onemap import cluster, postgres
from tests.bench.servers import ROOT, UNLIMITED, answering, free_port, process, without_onemap
from tests.proofs.ledger import LAYER, Load

DEMO = "onemap_demo"
DISK_MB = 1500
ROWS = 200
PROCESSES = 2
IMPORTED = 3000
JUMPS_S = (86_400, -3_600, 30 * 86_400, -86_400, 0)
_CLOCK = struct.Struct("q")


@dataclass
class Estate:
    """A demo that is served.

    Attributes
    ----------
    pid : of the process above the serving ones.
    clock : the file by which the clock of service and database is set (`clock.c`), else None.
    """

    folder: Path
    address: str
    pid: int
    clock: Path | None = None

    @property
    def cluster(self) -> cluster.Cluster:
        """The private database."""
        return cluster.Cluster(self.folder / "postgres", self.folder / "run")

    def url(self) -> str:
        """Return the demo's address as the superuser."""
        return self.cluster.url(DEMO)


@dataclass
class Outcome:
    """What the repetitions of one fault showed."""

    fault: str
    back_s: list[float] = field(default_factory=list)
    replaced_s: list[float] = field(default_factory=list)
    """From the death of a process until another did what it had done: served, finished its job."""
    acknowledged: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        back = sorted(self.back_s)
        again = sorted(self.replaced_s)
        taken = ""
        if again:
            median = statistics.median(again)
            taken = f"; its work taken over after {median:.1f} s (median), {again[-1]:.1f} s"
        return (
            f"{self.fault:10} {len(back)} times: {self.acknowledged} writes acknowledged, "
            f"{self.refused} refused, {len(self.lost)} lost; back after "
            f"{statistics.median(back):.2f} s (median), {back[-1]:.2f} s (longest){taken}"
        )


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
            stack.enter_context(_small_disk(folder))
        shutil.copytree(origin, folder, dirs_exist_ok=True, ignore=_of_one_run)
        _owned(folder)
        clock = folder / "clock" if name == "clock" else None
        estate = stack.enter_context(_served(folder, clock))
        rows = _rows(estate)
        for number in range(times):
            with Load(estate.address, rows) as load:
                load.back_after(time.monotonic())
                time.sleep(random.uniform(0.5, 1.5))
                struck = strike(estate, outcome, number)
                outcome.back_s.append(load.back_after(struck))
                time.sleep(0.3)
            outcome.acknowledged += load.acknowledged
            outcome.refused += load.refused
            outcome.lost += [f"time {number + 1}: {each}" for each in load.lost()]
    return outcome


def _of_one_run(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in {"run", "postgres.log", "postmaster.pid"}}


def _owned(folder: Path) -> None:
    """Give the copied cluster to the user of the server, as the original was."""
    user = postgres.server_user()
    for path in (folder / "postgres", *(folder / "postgres").rglob("*")):
        os.chown(path, user.uid, user.gid, follow_symlinks=False)


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0755", "tmpfs", str(folder)],
        check=True,
    )
    try:
        yield
    finally:
        # Who has just ended may hold it a moment longer.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def _served(folder: Path, clock: Path | None) -> Iterator[Estate]:
    port = free_port()
    environment = {
        **without_onemap(), **UNLIMITED, "ONEMAP_DATA_DIR": str(folder),
        "ONEMAP_WORKERS": str(PROCESSES),
        "ONEMAP_LANGUAGE": "en",
    }  # fmt: skip
    if clock is not None:
        clock.write_bytes(_CLOCK.pack(0))
        clock.chmod(0o644)
        environment |= {"LD_PRELOAD": str(_clock_library(folder)), "PROOF_CLOCK": str(clock)}
    log = folder / "served.log"
    command = [sys.executable, "-m", "onemap", "demo", "--port", str(port)]
    try:
        with process(command, environment, log, patience_s=60) as pid:
            address = answering(f"http://127.0.0.1:{port}", "/readyz", log, patience_s=180)
            yield Estate(folder, address, pid, clock)
    finally:
        cluster.stop(folder)


def _clock_library(folder: Path) -> Path:
    made = folder / "clock.so"
    source = Path(__file__).with_name("clock.c")
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-o", str(made), str(source), "-ldl"]
    subprocess.run(command, check=True)
    made.chmod(0o755)
    return made


def _rows(estate: Estate) -> list[int]:
    items = f"{estate.address}/ogc/collections/{LAYER}/items"
    found = httpx.get(items, params={"limit": ROWS, "f": "json"}, timeout=30).raise_for_status()
    return [int(each["id"]) for each in found.json()["features"]]


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kill_server(estate: Estate, outcome: Outcome, _number: int) -> float:
    """Kill one of the serving processes; the one above starts another, which is waited for.

    Each listens for changes with a connection of its own once it serves.
    """
    serving = [
        each
        for each in _children(estate.pid)
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
        "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE %s", (f"LISTEN%{CHANNEL}%",)
    ).fetchone()
    assert row is not None
    return int(row[0])


def _kill_postgres(estate: Estate, _outcome: Outcome, _number: int) -> float:
    """Kill all of the database at once, as a failing machine would."""
    for each in postgres.processes_in(estate.cluster.data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
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
    except OSError:
        time.sleep(4)
    finally:
        filler.unlink()
    return time.monotonic()


def _jump_clock(estate: Estate, _outcome: Outcome, number: int) -> float:
    """Set the clock of service and database a day ahead, an hour back, and so on."""
    assert estate.clock is not None
    with estate.clock.open("r+b") as file:
        file.write(_CLOCK.pack(JUMPS_S[number % len(JUMPS_S)]))
    return time.monotonic()


def _kill_import(estate: Estate, outcome: Outcome, number: int) -> float:
    """Kill an import in the middle; what it would have added is either all there or not at all."""
    source = f"fault-{number}"
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
        _wait_amid(link)
        running.kill()
        running.wait()
        struck = time.monotonic()
        outcome.lost += _half(link, source)
        subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        outcome.lost += _half(link, source, whole=True)
    return struck


def _kill_worker(estate: Estate, outcome: Outcome, number: int) -> float:
    """Kill the worker and what it does amid a job; the job is taken up again, and done once."""
    source = f"fault-{number}"
    asked = httpx.post(
        f"{estate.address}/jobs/imports",
        params={
            "kind": "buildings", "name": f"{source}.geojson", "source": source, "crs": "EPSG:4326",
        },
        headers={"Origin": estate.address, "Content-Type": "application/octet-stream"},
        content=json.dumps(_buildings(IMPORTED)), timeout=60,
    ).raise_for_status()  # fmt: skip
    job = f"{estate.address}/jobs/{asked.json()['id']}"
    with psycopg.connect(estate.url(), autocommit=True) as link:
        _wait_amid(link)
        for each in _below(estate.pid, b"onemap", b"worker"):
            os.kill(each, signal.SIGKILL)
        struck = time.monotonic()
        deadline = struck + 180
        while (state := httpx.get(job, timeout=60).json()["state"]) not in {"done", "failed"}:
            outcome.lost += _half(link, source)
            if time.monotonic() > deadline:
                outcome.lost.append(f"the job of {source} is {state} after three minutes")
                break
            time.sleep(0.1)
        outcome.replaced_s.append(time.monotonic() - struck)
        outcome.lost += _half(link, source, whole=True)
    return struck


def _below(pid: int, *words: bytes) -> list[int]:
    """Return the processes started by `pid` whose command line has all of the words."""
    found = []
    for each in _children(pid):
        line = Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0")
        if all(word in line for word in words):
            found.append(each)
    return found


def _wait_amid(link: psycopg.Connection) -> None:
    """Wait until somebody with the owner's rights writes, and then a moment left to chance."""
    deadline = time.monotonic() + 60
    while not _writing(link):
        if time.monotonic() > deadline:
            raise AssertionError("no import began to write")
        time.sleep(0.005)
    time.sleep(random.uniform(0, 0.6))


def _half(link: psycopg.Connection, source: str, *, whole: bool = False) -> list[str]:
    """Return what is wrong with an import: only none of it or all of it may be seen."""
    row = link.execute("SELECT count(*) FROM building WHERE source = %s", (source,)).fetchone()
    assert row is not None
    right = {IMPORTED} if whole else {0, IMPORTED}
    return [] if row[0] in right else [f"{row[0]} of {IMPORTED} rows of {source} are seen"]


def _writing(link: psycopg.Connection) -> bool:
    row = link.execute(
        "SELECT 1 FROM pg_stat_activity WHERE usename = 'onemap_owner' AND backend_xid IS NOT NULL"
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


FAULTS: dict[str, Callable[[Estate, Outcome, int], float]] = {
    "server": _kill_server,
    "import": _kill_import,
    "worker": _kill_worker,
    "postgres": _kill_postgres,
    "restart": _restart_postgres,
    "disk": _fill_disk,
    "clock": _jump_clock,
}
"""Each makes its fault and gives the moment from which the time to come back counts."""
