"""Run the HTTP service: one or more processes over one database."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import httpx
import uvicorn
from uvicorn.config import STARTUP_FAILURE

from api.logs import configuration
from api.wire import TileProtocol
from onemap.clock import Clock
from onemap.database import Database
from onemap.handing import HANDED_ON, OWNER_ADDRESS, handed_on
from onemap.settings import Settings
from onemap.trouble import ExitCode, Trouble, say

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger("onemap.serving")

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all good."""


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


def refuse_wrong_certificate(settings: Settings) -> None:
    """Fail early when the certificate or its key cannot be used."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.tls_certificate,
            settings.tls_key,
            password=lambda: "",  # or it would be asked for on the terminal
        )
    except (OSError, ValueError) as wrong:
        raise Trouble(
            ExitCode.USAGE,
            f"TLS 证书或私钥无法使用：{wrong}。请检查 ONEMAP_TLS_CERTIFICATE 与 ONEMAP_TLS_KEY："
            "PEM 格式、私钥与证书相配且不加口令、服务可读。",
            f"The TLS certificate or its key cannot be used: {wrong}. See that "
            "ONEMAP_TLS_CERTIFICATE and ONEMAP_TLS_KEY are PEM files that belong together, "
            "without a password, and that the service may read them.",
        ) from wrong


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
    refuse_wrong_certificate(settings)
    os.environ[HANDED_ON] = json.dumps(
        handed_on(settings, database, clock, demo=demo, demo_logins=demo_logins)
    )
    # Of several processes whichever is asked adds up the numbers of all.
    shared = tempfile.mkdtemp(prefix="onemap-metrics-") if settings.workers > 1 else None
    if shared:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
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
            log_config=configuration(settings.log_level),
            log_level=None,
            http=TileProtocol,
            ws="none",
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
            ssl_ciphers=CIPHERS,
            access_log=False,  # it would tell whole addresses; `api.request_log` tells routes
            proxy_headers=False,  # `api.app` heeds them
            server_header=False,
            timeout_graceful_shutdown=settings.stop_seconds,
            # A process that is slow to begin on a busy machine is no dead one: killed after the
            # usual five seconds it would begin again for ever.
            timeout_worker_healthcheck=60,
        )
    except KeyboardInterrupt:
        return  # the usual way to end it, and uvicorn has closed in good order by now
    except SystemExit as left:
        if left.code != STARTUP_FAILURE:
            raise
    finally:
        ended.set()
        del os.environ[HANDED_ON]
        if shared:
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]
            shutil.rmtree(shared, ignore_errors=True)
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
    except Exception:
        # Whatever it is, it is told and would come again.
        log.exception("the service cannot be made")
        sys.exit(STARTUP_FAILURE)


def _announce(settings: Settings, answered: threading.Event, ended: threading.Event) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104  # nosec B104
    scheme = "https" if settings.tls_certificate else "http"
    url = f"{scheme}://{host}:{settings.port}/"
    # Of itself it asks whether it answers: its certificate names another host.
    with httpx.Client(trust_env=False, timeout=2, verify=False) as client:  # noqa: S501  # nosec B501
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
