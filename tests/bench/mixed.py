"""Two minutes of what a day brings: 95 % tiles, 4 % features, 1 % edits; memory and errors."""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.bench import data, estate, features, live, load, servers
from tests.bench.report import Figures, Value
from tests.bench.tiles import square

SECONDS = 120
SCRIPT = Path(__file__).parent / "mixed.lua"
EVERY_S = 2.0


def run(bench: estate.Bench, seconds: float, _rounds: int) -> Iterator[Figures]:
    """Load one process, and follow its memory."""
    token = live.editor(estate.filled(bench))
    lasts = SECONDS if seconds > 1 else 12
    with servers.started(bench, cache_mb=64) as (address, pid), Memory(pid) as memory:
        found = loaded(address, requests(token), lasts)
    live.tidied(bench)
    figures = Figures("mixed load", note=memory.told())
    figures.add(
        "onemap",
        load.Speed(
            found["requests"] / found["seconds"],
            found["p50_ms"],
            found["p95_ms"],
            found["bytes"] / found["requests"] / 1024,
        ),
    )
    yield figures
    for name, value in (
        ("mixed load, errors", float(found["failed"])),
        ("mixed load, memory at the end over that after 20 s", memory.growth()),
    ):
        one = Figures(name)
        one.add("onemap", Value(value))
        yield one


def loaded(address: str, lines: Iterable[str], seconds: float) -> dict[str, float]:
    """Ask for all lines again and again, as fast as they are answered, and say how it went."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(lines))
        listed.flush()
        done = subprocess.run(
            ["wrk", "-t1", f"-c{load.CONNECTIONS}", f"-d{seconds:g}s", "--timeout", "60s",
             "-s", str(SCRIPT), address, "--", listed.name],
            capture_output=True, text=True, check=True, timeout=seconds + 60,
        )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def requests(token: str) -> Iterator[str]:
    """Yield a thousand requests in random order: method, address, token, body, tabs between."""
    chosen = random.Random(data.SEED)
    tiles = [(z, *each) for z in (14, 16) for each in square(z).addresses()]
    tiles += [
        (z, x >> (14 - z), y >> (14 - z)) for z in (10, 12) for x, y in square(14).addresses()
    ]
    address = "/ogc/collections/buildings/items?limit=100&bbox="
    pages = features.boxes()
    lines = [
        *(f"GET\t/tiles/buildings/{z}/{x}/{y}" for z, x, y in chosen.choices(tiles, k=950)),
        *(f"GET\t{address}{box}" for box in chosen.choices(pages, k=40)),
        *(f"POST\t/changes\t{token}\t{json.dumps(live.edit(n))}" for n in range(10)),
    ]
    chosen.shuffle(lines)
    yield from lines


class Memory:
    """The resident memory of a process and those below it, every two seconds."""

    def __init__(self, pid: int) -> None:
        self.mib: list[float] = []
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def growth(self) -> float:
        """Return the memory at the end over that when it had warmed up."""
        warm = self.mib[min(len(self.mib) - 1, int(20 / EVERY_S))]
        return self.mib[-1] / warm

    def told(self) -> str:
        """Say how it went."""
        step = max(1, len(self.mib) // 8)
        path = " ".join(f"{each:.0f}" for each in self.mib[::step])
        return f"mixed load, memory in MiB over time: {path} (at most {max(self.mib):.0f})"

    def _follow(self) -> None:
        while True:
            self.mib.append(resident_mib(self._pid))
            if self._ended.wait(EVERY_S):
                self.mib.append(resident_mib(self._pid))
                return


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
