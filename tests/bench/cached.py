"""Tiles from memory over HTTP against nginx that serves the same gzip bytes from files."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from tests.bench import estate, load, servers
from tests.bench.report import Figures
from tests.bench.tiles import square

CONFIGURATION = """
worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  open_file_cache max=4000 inactive=1h; open_file_cache_valid 1h;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
    default_type application/vnd.mapbox-vector-tile;
    add_header Content-Encoding gzip;
    add_header Cache-Control "private, no-cache";
  }}
}}
"""


def run(bench: estate.Bench, seconds: float, rounds: int) -> Iterator[Figures]:
    """Measure both zooms, two processes each; they take turns."""
    estate.filled(bench)
    if shutil.which("nginx") is None:
        raise SystemExit("nginx is not installed (apt-get install nginx-light)")
    two = {"ONEMAP_TILE_CACHE_MB": "64", "ONEMAP_WORKERS": "2"}
    with servers.onemap(bench, **two) as ours:
        for z in (14, 16):
            asked = square(z)
            paths = [f"/tiles/buildings/{z}/{x}/{y}" for x, y in asked.addresses()]
            files = fetched(ours, paths)
            folder = bench.folder / f"nginx-{z}"
            with nginx(folder, files) as theirs:
                figures = Figures(f"z{z} tile, kept")
                # Until every process has them all.
                load.http(ours, list(files), max(2, seconds), {"Accept-Encoding": "gzip"})
                for _ in range(rounds):
                    for who, address in (("nginx", theirs), ("onemap", ours)):
                        gzip = {"Accept-Encoding": "gzip"}
                        figures.add(who, load.http(address, list(files), seconds, gzip))
                yield figures
            shutil.rmtree(folder, ignore_errors=True)


def fetched(address: str, paths: list[str]) -> Mapping[str, bytes]:
    """Return the tiles that hold something, as the gzip bytes that are sent."""
    files = {}
    with httpx.Client(base_url=address, headers={"Accept-Encoding": "gzip"}) as client:
        for path in paths:
            with client.stream("GET", path) as answer:
                if answer.status_code == 200:
                    files[path] = b"".join(answer.iter_raw())
    return files


@contextlib.contextmanager
def nginx(folder: Path, files: Mapping[str, bytes]) -> Iterator[str]:
    """Serve files with nginx, two processes, and give its address."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, data in files.items():
        file = folder / "files" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    port = servers.free_port()
    file = folder / "nginx.conf"
    user = "user root;\n" if os.geteuid() == 0 else ""
    file.write_text(user + CONFIGURATION.format(folder=folder, port=port))
    log = folder / "nginx.log"
    with servers.process(["nginx", "-c", str(file), "-p", str(folder)], dict(os.environ), log):
        yield servers.answering(f"http://127.0.0.1:{port}", next(iter(files)), log)
