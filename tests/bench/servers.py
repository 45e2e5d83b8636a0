"""The servers that are measured, each a process of its own: onemap, tipg, MapServer and nginx."""

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
PLACE = Path(__file__).parent
UNLIMITED = {
    f"ONEMAP_LIMIT_{each}": "1000000000 per minute"
    for each in ("WRITES", "EXPORTS", "SEARCHES", "FILTERS", "REQUESTS")
}
"""All is counted as always, but nobody is refused: no person asks as often as a load does."""


@contextlib.contextmanager
def onemap(bench: Bench) -> Iterator[str]:
    """Serve the bench's estate with `onemap serve`, one process, and give its address."""
    with started(bench) as (address, _pid):
        yield address


@contextlib.contextmanager
def started(bench: Bench, name: str = ESTATE, cache_mb: int = 0) -> Iterator[tuple[str, int]]:
    """Serve one of the bench's databases; give the address and the process.

    Parameters
    ----------
    cache_mb : memory for tiles; by default each is made anew.
    """
    port = free_port()
    environment = {
        **without_onemap(),
        "ONEMAP_DATABASE_URL": bench.url(name),
        "ONEMAP_APP_DATABASE_URL": bench.url(name, "onemap_app"),
        "ONEMAP_ANONYMOUS": "estate",
        "ONEMAP_TILE_CACHE_MB": str(cache_mb),
        "ONEMAP_DATA_DIR": str(bench.folder),
        **UNLIMITED,
    }
    command = [sys.executable, "-m", "onemap", "serve", "--port", str(port)]
    log = bench.folder / "onemap.log"
    with process(command, environment, log) as pid:
        yield answering(f"http://127.0.0.1:{port}", "/healthz", log), pid


@contextlib.contextmanager
def nginx(bench: Bench, locations: str, probe: str) -> Iterator[str]:
    """Run nginx with one worker over the given locations, and give its address."""
    port = free_port()
    file, log = bench.folder / "nginx.conf", bench.folder / "nginx.log"
    file.write_text(
        (PLACE / "nginx.conf")
        .read_text("utf-8")
        .replace("@user@", "user root;" if os.geteuid() == 0 else "")
        .replace("@folder@", str(bench.folder))
        .replace("@port@", str(port))
        .replace("@locations@", locations)
    )
    with process(["nginx", "-c", str(file)], os.environ, log):
        yield answering(f"http://127.0.0.1:{port}", probe, log)


@contextlib.contextmanager
def mapserver(bench: Bench, probe: str) -> Iterator[str]:
    """Serve the buildings with MapServer: four FastCGI processes behind nginx."""
    folder = bench.folder
    host = str(bench.cluster.socket_dir)
    map_file, door = folder / "buildings.map", folder / "mapserver.sock"
    map_file.write_text(
        (PLACE / "buildings.map")
        .read_text("utf-8")
        .replace("@connection@", f"host={host} port={PORT} dbname={ESTATE} user={OWNER}")
    )
    settings = folder / "mapserver.settings"
    settings.write_text('CONFIG\n  ENV\n    MS_MAP_PATTERN "."\n  END\nEND\n')
    door.unlink(missing_ok=True)
    pids = folder / "mapserver.pids"
    subprocess.run(
        ["spawn-fcgi", "-s", str(door), "-M", "0666", "-F", "4", "-P", str(pids),
         "--", "/usr/lib/cgi-bin/mapserv"],
        env={**os.environ, "MAPSERVER_CONFIG_FILE": str(settings)},
        check=True, capture_output=True,
    )  # fmt: skip
    try:
        locations = (PLACE / "mapserver.conf").read_text("utf-8")
        locations = locations.replace("@door@", str(door)).replace("@map@", str(map_file))
        with nginx(bench, locations, probe) as address:
            yield address
    finally:
        for pid in pids.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)


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
def process(
    command: list[str], environment: Mapping[str, str], log: Path, patience_s: float = 15
) -> Iterator[int]:
    """Run a server while the block runs, and give its process id.

    Parameters
    ----------
    patience_s : how long it may take to end when it is told to.
    """
    with log.open("w") as output:
        running = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=ROOT)
        try:
            yield running.pid
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(patience_s)
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
