"""The servers that are measured, each a process of its own: onemap and tipg."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import httpx

from onemap.cluster import PORT
from onemap.database import OWNER
from tests.bench.estate import ESTATE, Bench

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".bench" / "venv"


@contextlib.contextmanager
def onemap(bench: Bench, **settings: str) -> Iterator[str]:
    """Serve the bench's estate with `onemap serve` and give its address: one process, no cache."""
    port = free_port()
    environment = {
        **without_onemap(),
        "ONEMAP_DATABASE_URL": bench.url(),
        "ONEMAP_APP_DATABASE_URL": bench.url(role="onemap_app"),
        "ONEMAP_ANONYMOUS": "estate",
        "ONEMAP_TILE_CACHE_MB": "0",
        "ONEMAP_DATA_DIR": str(bench.folder),
        **settings,
    }
    command = [sys.executable, "-m", "onemap", "serve", "--port", str(port)]
    log = bench.folder / "onemap.log"
    with process(command, environment, log):
        yield answering(f"http://127.0.0.1:{port}", "/healthz", log)


@contextlib.contextmanager
def tipg(bench: Bench) -> Iterator[str]:
    """Serve the same tables with tipg, one process of uvicorn, and give its address.

    It is set up for speed rather than by its defaults: it knows the one table only, its tiles have
    the narrow buffer of ours, and its pool is as large as the number of connections of the load.
    """
    port = free_port()
    host = quote(str(bench.cluster.socket_dir), safe="")
    environment = {
        **without_onemap(),
        "DATABASE_URL": f"postgresql://{OWNER}@{host}:{PORT}/{ESTATE}",
        "DB_MIN_CONN_SIZE": "1",
        "DB_MAX_CONN_SIZE": "8",
        "TIPG_DB_SCHEMAS": '["public"]',
        "TIPG_DB_TABLES": '["public.building"]',
        "TIPG_CATALOG_TTL": "86400",
        "TIPG_TILE_BUFFER": "64",
    }
    command = [
        str(PEERS / "bin" / "python"), "-m", "uvicorn", "tipg.main:app",
        "--port", str(port), "--no-access-log", "--log-level", "warning",
    ]  # fmt: skip
    log = bench.folder / "tipg.log"
    with process(command, environment, log):
        yield answering(f"http://127.0.0.1:{port}", "/collections", log)


def without_onemap() -> dict[str, str]:
    """Return the environment without what would change a measured server."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("ONEMAP_", "PG", "TIPG_"))}


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """Run a server while the block runs."""
    with log.open("w") as output:
        running = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=ROOT)
        try:
            yield
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(15)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def answering(address: str, path: str, log: Path, patience_s: float = 60) -> str:
    """Wait until the server answers `path` with 200."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(address + path, timeout=10).status_code == 200:
                return address
        time.sleep(0.2)
    raise SystemExit(f"{address}{path} does not answer; its log ends:\n{log.read_text()[-2000:]}")
