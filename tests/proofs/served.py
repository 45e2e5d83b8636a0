"""A demo that is served with two processes over its private database, for faults to strike."""

from __future__ import annotations

import contextlib
import os
import statistics
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from onemap import cluster, postgres
from tests.bench.servers import UNLIMITED, answering, free_port, process, without_onemap
from tests.proofs.ledger import LAYER

DEMO = "onemap_demo"
DISK_MB = 1500
ROWS = 200
PROCESSES = 2
CLOCK = struct.Struct("q")


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


def of_one_run(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in {"run", "postgres.log", "postmaster.pid"}}


def owned(folder: Path) -> None:
    """Give the copied cluster to the user of the server, as the original was."""
    user = postgres.server_user()
    for path in (folder / "postgres", *(folder / "postgres").rglob("*")):
        os.chown(path, user.uid, user.gid, follow_symlinks=False)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
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
def served(folder: Path, clock: Path | None) -> Iterator[Estate]:
    port = free_port()
    environment = {
        **without_onemap(), **UNLIMITED, "ONEMAP_DATA_DIR": str(folder),
        "ONEMAP_WORKERS": str(PROCESSES),
        "ONEMAP_LANGUAGE": "en",
    }  # fmt: skip
    if clock is not None:
        clock.write_bytes(CLOCK.pack(0))
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


def rows_of(estate: Estate) -> list[int]:
    items = f"{estate.address}/ogc/collections/{LAYER}/items"
    found = httpx.get(items, params={"limit": ROWS, "f": "json"}, timeout=30).raise_for_status()
    return [int(each["id"]) for each in found.json()["features"]]
