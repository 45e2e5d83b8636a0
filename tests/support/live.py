"""A service that really listens, for clients that speak HTTP."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

from api.app import create_app
from api.session import Config
from api.wire import TileProtocol


@contextlib.contextmanager
def listening(database_url: str, **config: Any) -> Iterator[str]:
    """Serve the whole estate of a database on a free port, and yield the address."""
    app = create_app(Config(database_url, **{"anonymous": "estate", "pool_size": 2, **config}))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(
                app, log_level="warning", lifespan="on", http=TileProtocol, proxy_headers=False
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the service did not start")
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(20)
