"""The service with the page, as people meet it, on a free port of this machine."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from api.app import create_app
from api.session import Config
from onemap.clock import demo_clock
from onemap.page import beneath

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
BUILT = WEB / "test-results" / "page"


def build_page() -> Path:
    """Build the page for tests (it shows its map to them), unless its sources are unchanged."""
    BUILT.parent.mkdir(exist_ok=True)
    with (BUILT.parent / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = BUILT.parent / "built", _sources()
        if (BUILT / "index.html").is_file() and stamp.is_file() and stamp.read_text() == wanted:
            return BUILT
        path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        ran = subprocess.run(
            ["npm", "run", "--silent", "build:test"],
            cwd=WEB,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, f"the page could not be built:\n{ran.stdout}\n{ran.stderr}"
        stamp.write_text(wanted)
    return BUILT


def _sources() -> str:
    found = hashlib.sha256()
    files = [WEB / name for name in ("index.html", "vite.config.ts", "package-lock.json")]
    for file in sorted([*files, *WEB.glob("src/**/*"), *WEB.glob("public/**/*")]):
        if file.is_file():
            found.update(str(file.relative_to(WEB)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


@contextlib.contextmanager
def served(database_url: str, page: Path, *, edits: bool = False, **more: Any) -> Iterator[str]:
    """Serve the estate of a database, with the demo's clock; yields the address.

    Parameters
    ----------
    edits : whether anyone may edit, as in a demo on one's own machine.
    more : what else the service is told (`api.session.Config`).
    """
    config: dict[str, Any] = {
        "anonymous": "estate",
        "anonymous_edits": edits,
        "now": demo_clock(datetime.now(UTC)).now,
        "demo": True,
        **more,
    }
    app = create_app(Config(database_url, **config))
    beneath(app, page)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        until = time.monotonic() + 30
        while not server.started:
            assert thread.is_alive(), "the service did not start"
            assert time.monotonic() < until, "the service did not start in time"
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
