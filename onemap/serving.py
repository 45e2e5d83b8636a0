"""Run the HTTP service: one or more processes over one database."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

import httpx
import uvicorn
from uvicorn.config import STARTUP_FAILURE

from api.wire import TileProtocol
from onemap.clock import Clock
from onemap.database import Database
from onemap.handing import HANDED_ON, OWNER_ADDRESS, handed_on
from onemap.settings import Settings
from onemap.trouble import ExitCode, Trouble, say

if TYPE_CHECKING:
    from fastapi import FastAPI


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


def run(
    settings: Settings,
    database: Database,
    clock: Clock,
    *,
    demo: bool,
    demo_logins: Sequence[str] = (),
) -> None:
    """Serve until interrupted; prints the address once it answers.

    Parameters
    ----------
    demo_logins : accounts of the demo, which its page offers.

    Raises
    ------
    Trouble : it ended without ever having answered.
    """
    os.environ[HANDED_ON] = json.dumps(
        handed_on(settings, database, clock, demo=demo, demo_logins=demo_logins)
    )
    # Serving processes that are started from here do without it.
    owner = os.environ.pop(OWNER_ADDRESS, None)
    answered, ended = threading.Event(), threading.Event()
    threading.Thread(target=_announce, args=(settings, answered, ended), daemon=True).start()
    try:
        uvicorn.run(
            "onemap.serving:application",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            # At "info" uvicorn only tells that it runs; the address is announced here.
            log_level="warning" if settings.log_level == "info" else settings.log_level,
            http=TileProtocol,
            access_log=settings.log_level == "debug",
            server_header=False,
            timeout_graceful_shutdown=settings.stop_seconds,
        )
    except KeyboardInterrupt:
        return  # the usual way to end it, and uvicorn has closed in good order by now
    except SystemExit as left:
        if left.code != STARTUP_FAILURE:
            raise
    finally:
        ended.set()
        del os.environ[HANDED_ON]
        if owner is not None:
            os.environ[OWNER_ADDRESS] = owner
    # With several processes uvicorn returns as if all were well when none of them could start.
    if not answered.is_set():
        raise Trouble(
            ExitCode.FAILED,
            "服务在应答之前就结束了；原因见上。",
            "The service ended before it answered; the reason stands above.",
        )


def application() -> FastAPI:
    """Make the application in a serving process; one that cannot is not started again."""
    try:
        from onemap.application import create  # noqa: PLC0415 - its faults are told here

        return create()
    except Exception:  # noqa: BLE001 - whatever it is, it is told and would come again
        traceback.print_exc()
        sys.exit(STARTUP_FAILURE)


def _announce(settings: Settings, answered: threading.Event, ended: threading.Event) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    url = f"http://{host}:{settings.port}/"
    with httpx.Client(trust_env=False, timeout=2) as client:
        while not ended.is_set():
            try:
                client.get(f"{url}healthz")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                answered.set()
                sys.stdout.write(say(f"一张图：{url}\n", f"The map is at {url}\n"))
                sys.stdout.flush()
                return
