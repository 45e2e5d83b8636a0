"""Services in processes of their own, as tests need them: several over one database and counter.

What they need is imported once, before they part.

It tells at ``/-/kept`` how many tiles came from memory. ``--unguarded`` leaves the counter of
commits out of account, so that a test of the guard can be seen to fail without it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Serve until ended."""
    import uvicorn

    from api.app import create_app
    from api.session import Config
    from api.wire import TileProtocol
    from layers.ticks import Ticks

    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("ports", type=int, nargs="+")
    parser.add_argument("--unguarded", action="store_true")
    asked = parser.parse_args()
    if asked.unguarded:
        Ticks.read = lambda _: 1
    given: dict[str, Any] = json.loads(asked.config)
    for name in ("ticks", "limits_file"):
        given[name] = Path(given[name]) if given.get(name) else None

    def serve(port: int) -> None:
        app = create_app(Config(**given))

        @app.get("/-/kept")
        async def kept() -> dict[str, int]:
            tiles, fresh = app.state.tiles_kept.tiles, app.state.feed.fresh
            return {"hits": tiles.hits, "misses": tiles.misses, "fresh": fresh}

        uvicorn.run(
            app, port=port, log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=8, http=TileProtocol, proxy_headers=False,
        )  # fmt: skip

    if len(asked.ports) == 1:
        serve(asked.ports[0])
        return
    children = [multiprocessing.get_context("fork").Process(target=serve, args=(port,))
                for port in asked.ports]  # fmt: skip
    for each in children:
        each.start()
    signal.signal(signal.SIGTERM, lambda *_: [each.terminate() for each in children])
    for each in children:
        each.join()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in probes:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in probes]


@contextlib.contextmanager
def services(
    database_url: str, count: int, *flags: str, **config: Any
) -> Iterator[tuple[Sequence[str], subprocess.Popen[bytes]]]:
    """Run services while the block runs; gives their addresses and the process above them."""
    options = {"anonymous": "estate", "pool_size": 2, "tile_cache_mb": 16, **config}
    told = json.dumps({"database_url": database_url, **options})
    ports = free_ports(count)
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.support.service", told, *map(str, ports), *flags],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("PG")},
    )
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        for each in addresses:
            _answering(each)
        yield addresses, running
    finally:
        running.terminate()
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _answering(address: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(f"{address}/-/kept", trust_env=False)
            if answer.status_code == 200 and answer.json()["fresh"]:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{address} does not answer")


if __name__ == "__main__":
    main()
