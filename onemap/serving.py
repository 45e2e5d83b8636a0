"""Run the HTTP service: one or more processes over one database."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import threading
import time

import httpx
import uvicorn

from onemap.clock import Clock
from onemap.database import Database
from onemap.settings import Settings
from onemap.trouble import ExitCode, Trouble, say

HANDED_ON = "ONEMAP_SERVING"
"""What `run` hands on to `onemap.application.create` in each serving process."""


def refuse_taken_port(host: str, port: int) -> None:
    """Fail early, before anything is started, when the port cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as refused:
            if refused.errno == errno.EADDRINUSE:
                raise Trouble(
                    ExitCode.PORT_IN_USE,
                    f"端口 {port} 已被占用。请用 --port 或 ONEMAP_PORT 另选一个。",
                    f"Port {port} is taken. Choose another with --port or ONEMAP_PORT.",
                ) from refused
            raise Trouble(
                ExitCode.USAGE,
                f"无法监听 {host}:{port}：{refused.strerror}。请更改 --host 或 --port。",
                f"Cannot listen on {host}:{port}: {refused.strerror}. Change --host or --port.",
            ) from refused


def run(settings: Settings, database: Database, clock: Clock, *, demo: bool) -> None:
    """Serve until interrupted; prints the address once it answers."""
    os.environ[HANDED_ON] = json.dumps(
        {
            "settings": settings.model_dump(mode="json"),
            "database_url": database.app_url,
            "offset_s": clock.offset.total_seconds(),
            "demo": demo,
        }
    )
    ended = threading.Event()
    threading.Thread(target=_announce, args=(settings, ended), daemon=True).start()
    try:
        uvicorn.run(
            "onemap.application:create",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            # At "info" uvicorn only tells that it runs; the address is announced here.
            log_level="warning" if settings.log_level == "info" else settings.log_level,
            access_log=settings.log_level == "debug",
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    except KeyboardInterrupt:
        pass  # the usual way to end it, and uvicorn has closed in good order by now
    finally:
        ended.set()
        del os.environ[HANDED_ON]


def _announce(settings: Settings, ended: threading.Event) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    url = f"http://{host}:{settings.port}/"
    deadline = time.monotonic() + 60
    with httpx.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < deadline and not ended.is_set():
            try:
                client.get(f"{url}healthz")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                sys.stdout.write(say(f"一张图：{url}\n", f"The map is at {url}\n"))
                sys.stdout.flush()
                return
