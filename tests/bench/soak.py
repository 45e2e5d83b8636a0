"""Ten minutes at full load: the memory stays flat, nothing fails, no connection is left behind.

``python -m tests.bench.soak --minutes 10``. Beside tiles, pages of features and edits, as in the
mixed load, it asks measures, searches, lists, histories and past moments, and open pages come and
go on ``/events``. Ends with 1 where something failed, was left behind, or grew.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psycopg

from tests.bench import data, estate, live, mixed, servers
from tests.bench.tiles import square

PAGES = 20
STAYS_S = 3.0
WARM_S = 30.0
WARM = 0.2
"""The share of the run after which everything has been asked for often, and memory is compared."""
GROWTH = 1.1


@dataclass
class Left:
    """What a service holds: files and sockets of its process, and sessions of the database."""

    files: int
    sessions: int


@dataclass
class Pages:
    """Open pages that come and go while the block runs."""

    address: str
    opened: int = 0
    told: int = 0
    failed: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Open and close pages until the block ends."""
        thread = threading.Thread(target=lambda: asyncio.run(self._all()))
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    async def _all(self) -> None:
        limits = httpx.Limits(max_connections=PAGES + 4)
        async with httpx.AsyncClient(base_url=self.address, limits=limits, timeout=60) as client:
            await asyncio.gather(*(self._page(client, n) for n in range(PAGES)))

    async def _page(self, client: httpx.AsyncClient, number: int) -> None:
        chance = random.Random(number)
        while not self._ended.is_set():
            self.opened += 1
            try:
                async with asyncio.timeout(chance.uniform(0.2, 2 * STAYS_S)):
                    async with client.stream("GET", "/events") as answer:
                        answer.raise_for_status()
                        async for line in answer.aiter_lines():
                            self.told += line.startswith("event: change")
            except TimeoutError:
                continue  # this page was closed
            except httpx.HTTPError as failed:
                self.failed.append(repr(failed))


def main() -> None:
    """Run the soak and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--count", type=int, default=data.COUNT, help="how many buildings")
    parser.add_argument("--keep", type=Path, help="keep the database in this folder")
    asked = parser.parse_args()
    with estate.bench(asked.count, asked.keep) as bench:
        sys.exit(run(bench, asked.minutes * 60))


def run(bench: estate.Bench, seconds: float) -> int:
    """Load one process for so long; 1 where something failed, was left behind, or grew."""
    token = live.editor(estate.filled(bench))
    with servers.started(bench, cache_mb=64) as (address, pid):
        lines = [*mixed.requests(token), *others(bench)]
        random.Random(data.SEED).shuffle(lines)
        mixed.loaded(address, lines, WARM_S)  # pools open connections as they are needed
        before = left(bench, pid)
        pages = Pages(address)
        with mixed.Memory(pid) as memory, pages.running():
            found = mixed.loaded(address, lines, seconds)
        after = settled(bench, pid, before)
    live.tidied(bench)
    growth = risen(memory.mib)
    print(
        f"{found['requests']:,.0f} requests in {found['seconds']:.0f} s "
        f"({found['requests'] / found['seconds']:,.0f}/s, p95 {found['p95_ms']:.1f} ms), "
        f"{found['failed']:.0f} failed; {pages.opened} pages opened, told {pages.told} changes, "
        f"{len(pages.failed)} failed {pages.failed[:3]}"
    )
    print(memory.told().partition(", ")[2])
    print(f"memory of the last fifth over that of the second: {growth:.3f}")
    print(
        f"files and sockets: {before.files} before, {after.files} after; "
        f"sessions of the database: {before.sessions} before, {after.sessions} after"
    )
    whole = found["failed"] == 0 and not pages.failed and growth <= GROWTH
    kept = after.files <= before.files and after.sessions <= before.sessions
    return 0 if whole and kept else 1


def risen(mib: list[float]) -> float:
    """Return the median of the last fifth over that of the second fifth."""
    fifth = max(1, int(len(mib) * WARM))
    return float(np.median(mib[-fifth:]) / np.median(mib[fifth : 2 * fifth]))


def others(bench: estate.Bench) -> Iterator[str]:
    """Yield what is asked beside tiles, features and edits."""
    chosen = random.Random(data.SEED)
    with psycopg.connect(bench.url()) as link:
        ids = [row[0] for row in link.execute("SELECT id FROM building ORDER BY id LIMIT 1000")]
        (past,) = link.execute("SELECT max(recorded_at) FROM change_set").fetchone() or ("",)
    at = httpx.QueryParams({"at": past.isoformat()})
    for each in chosen.sample(ids, 5):
        yield f"GET\t/features/buildings/{each}"
        yield f"GET\t/features/buildings/{each}?{at}"
        yield f"GET\t/history/buildings/{each}"
    yield "GET\t/search?q=%E6%A5%BC&limit=10"
    yield "GET\t/lists/buildings?limit=50"
    yield "GET\t/changes?limit=20"
    x, y = next(iter(square(14).addresses()))
    yield f"GET\t/tiles/buildings/14/{x}/{y}?{at}"


def left(bench: estate.Bench, pid: int) -> Left:
    """Count what the service holds."""
    with psycopg.connect(bench.cluster.url("postgres")) as link:
        (sessions,) = link.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [estate.ESTATE]
        ).fetchone() or (0,)
    return Left(len(list(Path(f"/proc/{pid}/fd").iterdir())), sessions)


def settled(bench: estate.Bench, pid: int, before: Left, patience_s: float = 30) -> Left:
    """Return what the service holds once what was asked has ended, or patience has."""
    found = left(bench, pid)
    ended = threading.Event()
    for _ in range(int(patience_s)):
        if found.files <= before.files and found.sessions <= before.sessions:
            break
        ended.wait(1)
        found = left(bench, pid)
    return found


if __name__ == "__main__":
    main()
