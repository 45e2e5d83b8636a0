"""What one state of the code costs against another: the same loads on both, in turns.

Each tree serves the bench's buildings from a database of its own. A round asks both for the same
tiles and pages, one right after the other and in changing order, so that both see the same machine;
the ratio of a round is what counts. The bound is the 95 % one of the mean ratio, by bootstrap.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.bench import features, load, tiles
from tests.bench.servers import ROOT, without_onemap

SEED = 20261012
RESAMPLED = 10_000
PACKED = {"Accept-Encoding": "gzip"}
"""As browsers ask."""
_SERVER = """
import sys
from pathlib import Path
from tests.bench import estate, servers
with estate.bench(int(sys.argv[1]), Path(sys.argv[2])) as bench:
    estate.filled(bench)
    with servers.started(bench, cache_mb=int(sys.argv[3])) as (address, _):
        print(address, flush=True)
        sys.stdin.read()
"""


def run(before: Path, rounds: int, seconds: float, count: int) -> int:
    """Measure the tree `before` beside this one; return how many loads cost more than a tenth.

    Parameters
    ----------
    before : another checkout of this project, with what it needs to run.
    count : buildings of the bench's estate.
    """
    too_dear = 0
    for name, cache_mb, paths in _loads():
        with _served(before, count, cache_mb) as old, _served(ROOT, count, cache_mb) as new:
            for address in (old, new):
                load.http(address, paths, 2, PACKED)
            ratios = []
            for number in range(rounds):
                pair = [old, new] if number % 2 else [new, old]
                speed = {each: load.http(each, paths, seconds, PACKED).per_second for each in pair}
                ratios.append(speed[new] / speed[old])
            low = _bound(ratios)
            too_dear += low < 0.9
            print(
                f"{name:14} {rounds} rounds: {np.exp(np.mean(np.log(ratios))):.3f} of the speed "
                f"before, at least {low:.3f} at the 95 % bound "
                f"(single rounds {min(ratios):.3f}-{max(ratios):.3f})",
                flush=True,
            )
    return too_dear


def _loads() -> Iterator[tuple[str, int, list[str]]]:
    for z in (14, 16):
        asked = [f"/tiles/buildings/{z}/{x}/{y}" for x, y in tiles.square(z).addresses()]
        yield f"z{z} tile", 0, asked
        yield f"z{z} kept tile", 256, asked
    pages = "/ogc/collections/buildings/items?bbox={}&limit=1000"
    yield "feature page", 0, [pages.format(each) for each in features.boxes()]


@contextlib.contextmanager
def _served(tree: Path, count: int, cache_mb: int) -> Iterator[str]:
    """Serve the bench's estate by the code of a tree; its database is kept beside the tree."""
    folder = tree / ".prove" / "cost"
    folder.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(count), str(folder), str(cache_mb)],
        cwd=tree, env=without_onemap() | {"PYTHONPATH": str(tree)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stdin is not None
        assert running.stdout is not None
        address = running.stdout.readline().strip()
        if not address:
            raise SystemExit(f"nothing is served by {tree}")
        try:
            yield address
        finally:
            running.stdin.close()
            running.wait(60)


def _bound(ratios: list[float]) -> float:
    """Return the lower 95 % bound of the mean of the ratios' logarithms, as a ratio."""
    chosen = np.random.default_rng(SEED).choice(np.log(ratios), (RESAMPLED, len(ratios)))
    return float(np.exp(np.quantile(chosen.mean(axis=1), 0.05)))
