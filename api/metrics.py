"""What a monitor asks of the service, in the words of Prometheus.

With several processes each writes its numbers to files of its own (the library's way, in the
folder that PROMETHEUS_MULTIPROC_DIR names), and whichever is asked adds them up. What stands in
variables already – connections, cache, feed – is looked at when somebody asks, and by other
processes every few seconds.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    multiprocess,
)
from starlette.types import Scope

from api.database import Connections
from api.feed import NEVER

if TYPE_CHECKING:
    from fastapi import FastAPI

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_EVERY_S = 5.0
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
# Whoever asks may write any word for a method: each would be a series of its own.
_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"))


Listener = Callable[[Scope, str | None, int, float], None]
"""Is told each request: its scope, the template of its route, the status and the seconds."""


class Metrics:
    """The numbers of one process."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.in_flight = 0
        self.listeners: list[Listener] = []
        self.registry = registry = CollectorRegistry()
        self._requests = Histogram(
            "onemap_request_seconds",
            "Time until requests are answered, by route, without tiles that are kept in memory",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._children: dict[tuple[str, str, int], Histogram] = {}

        def gauge(name: str, about: str, *labels: str) -> Gauge:
            return Gauge(
                f"onemap_{name}", about, labels, multiprocess_mode="livesum", registry=registry
            )

        self._now = gauge("requests_in_flight", "Requests that are being answered")
        self._in_use = gauge("database_connections_in_use", "Connections that work", "pool")
        self._open = gauge("database_connections_open", "Connections that are open", "pool")
        self._kept = gauge("tiles_kept", "Vector tiles in memory")
        self._kept_bytes = gauge("tiles_kept_bytes", "Bytes of vector tiles in memory")
        self._hits = gauge("tiles_from_memory", "Vector tiles that came from memory, since start")
        self._misses = gauge("tiles_made", "Vector tiles that were made, since start")
        self._behind = gauge("feed_commits_behind", "Commits on this host not read from the log")
        self._deaf = gauge("feed_deaf", "Processes that do not hear of commits")
        self._memory = gauge("process_peak_bytes", "Most memory that processes ever held")
        self._cpu = gauge("process_cpu_used_seconds", "Processor time of processes")
        if FOLDER not in os.environ:
            ProcessCollector(registry=registry)

    def note(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Note a request that was answered."""
        key = (method if method in _METHODS else "other", route or "other", status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._requests.labels(key[0], key[1], str(status))
        child.observe(seconds)

    def look(self) -> None:
        """Look at what stands in variables."""
        state = self.app.state
        self._now.set(self.in_flight)
        for name in ("connections", "tile_connections"):
            held: Connections | None = getattr(state, name, None)
            if held is not None:
                opened, idle = held.counts
                self._open.labels(name).set(opened)
                self._in_use.labels(name).set(opened - idle)
        kept = state.tiles_kept
        if kept is not None:
            self._kept.set(len(kept.tiles))
            self._kept_bytes.set(kept.tiles.size)
            self._hits.set(kept.tiles.hits)
            self._misses.set(kept.tiles.misses)
        feed = state.feed
        deaf = feed.seen == NEVER
        self._deaf.set(int(deaf))
        self._behind.set(0 if deaf else max(0, feed.ticks.read() - feed.seen))
        used = resource.getrusage(resource.RUSAGE_SELF)
        self._memory.set(used.ru_maxrss * 1024)
        self._cpu.set(used.ru_utime + used.ru_stime)

    def told(self) -> bytes:
        """Return the numbers of all processes as text."""
        self.look()
        folder = os.environ.get(FOLDER)
        if folder is None:
            return bytes(generate_latest(self.registry))
        for file in Path(folder).glob("gauge_live*_*.db"):
            number = int(re.sub(r"\D", "", file.stem.rpartition("_")[2]) or 0)
            if not Path(f"/proc/{number}").exists():
                multiprocess.mark_process_dead(number, folder)  # type: ignore[no-untyped-call]
        whole = CollectorRegistry()
        multiprocess.MultiProcessCollector(whole, folder)  # type: ignore[no-untyped-call]
        return bytes(generate_latest(whole))

    async def keep_looking(self) -> None:
        """Look every few seconds, for another process that may be asked."""
        while FOLDER in os.environ:
            self.look()
            await asyncio.sleep(_EVERY_S)
