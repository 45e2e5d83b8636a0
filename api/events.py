"""Changes as they are told to open pages: one queue for each, one look at the database per scope.

A page that reads slowly is not waited for: when its queue is full it is told to begin anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from layers.access import Actor
from layers.base import Layer
from layers.committed import MOST, Committed
from layers.told import Fetch, told
from tiles.reads import reads
from tiles.vector import drawable

log = logging.getLogger("onemap.events")

WAITING = 64
"""So many events may wait for one page."""


class Viewer:
    """One open page.

    Attributes
    ----------
    after : the place of the last set that it knows otherwise.
    """

    def __init__(self, after: int) -> None:
        self.after = after
        self.ended = False
        self._queue: deque[bytes] = deque()
        self._filled = asyncio.Event()

    def put(self, event: bytes) -> None:
        """Let an event wait, or all that wait give place to one that says so."""
        if len(self._queue) >= WAITING:
            self._queue.clear()
            event = resync()
        self._queue.append(event)
        self._filled.set()

    def end(self) -> None:
        """Let nobody wait for it any more."""
        self.ended = True
        self._filled.set()

    async def next(self, patience_s: float) -> bytes | None:
        """Return the next event, None when there was none for so long or there will be none."""
        if not self._queue and not self.ended:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._filled.wait(), patience_s)
        if self._queue:
            event = self._queue.popleft()
            if not self._queue and not self.ended:
                self._filled.clear()
            return event
        return None


class _Group:
    """The viewers of one scope, and what is still to be told them."""

    def __init__(self, actor: Actor, fetch: Fetch) -> None:
        self.actor = actor
        self.viewers: set[Viewer] = set()
        self._fetch = fetch
        self._waiting: deque[Committed | None] = deque()
        self._filled = asyncio.Event()
        self.task = asyncio.create_task(self._work())

    def put(self, committed: Committed | None) -> None:
        """Let a set be told; None: begin anew."""
        if len(self._waiting) >= MOST:
            self._waiting.clear()
            committed = None
        self._waiting.append(committed)
        self._filled.set()

    async def _work(self) -> None:
        while True:
            await self._filled.wait()
            while self._waiting:
                await self._tell(self._waiting.popleft())
            self._filled.clear()

    async def _tell(self, committed: Committed | None) -> None:
        event: bytes | None = resync()
        if committed is not None:
            try:
                event = await event_of(committed, self.actor, self._fetch)
            except Exception as failed:  # noqa: BLE001 - the pages ask anew, whatever it was
                log.warning("a change cannot be told: %s", failed)
        if event is not None:
            for each in self.viewers:
                if committed is None or committed.seq > each.after:
                    each.put(event)


class Hub:
    """Who is told of changes; it follows the feed."""

    def __init__(self, fetch: Fetch) -> None:
        self.fetch = fetch
        self.closing = False
        self._groups: dict[str, _Group] = {}

    def committed(self, sets: Sequence[Committed]) -> None:
        """Tell the sets to every scope."""
        for group in self._groups.values():
            for each in sets:
                group.put(each)

    def clock_set(self) -> None:
        """Nothing that is told depends on the day."""

    def broken(self) -> None:
        """Tell everybody to begin anew."""
        for group in self._groups.values():
            group.put(None)

    def join(self, actor: Actor, after: int) -> Viewer:
        """Return a new viewer, who is told every set after that place."""
        viewer = Viewer(after)
        group = self._groups.get(actor.scope_key)
        if group is None:
            group = self._groups[actor.scope_key] = _Group(actor, self.fetch)
        group.viewers.add(viewer)
        if self.closing:
            viewer.end()
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer, and a scope that nobody is left of."""
        for key, group in list(self._groups.items()):
            group.viewers.discard(viewer)
            if not group.viewers:
                group.task.cancel()
                del self._groups[key]

    def close(self) -> None:
        """End all streams: a server that ends waits for them."""
        self.closing = True
        for group in self._groups.values():
            for each in group.viewers:
                each.end()


async def event_of(committed: Committed, actor: Actor, fetch: Fetch) -> bytes | None:
    """Return the event of a set for one scope, None when it tells it nothing."""
    document = await told(committed, actor, depends, fetch)
    return None if document is None else event("change", document, committed.seq)


def depends(layer: Layer, actor: Actor) -> Mapping[str, frozenset[str]]:
    """Tell of which columns of further tables the tiles of a layer depend."""
    return reads(layer, actor.pattern).others if drawable(layer) and not layer.series else {}


def event(name: str, document: Any, seq: int | None = None) -> bytes:
    """Return an event as it is sent; with its place a page that comes back asks from there on."""
    place = b"" if seq is None else b"id: %d\n" % seq
    return place + b"event: " + name.encode() + b"\ndata: " + orjson.dumps(document) + b"\n\n"


def resync() -> bytes:
    """Return the event that tells a page to forget all that it knows."""
    return event("resync", {})


@contextlib.contextmanager
def heard_signals(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` as soon as the process is told to end, before the server waits for its streams."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def handle(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(end)
        earlier = before[number]
        if callable(earlier):
            earlier(number, frame)

    for number in (int(signal.SIGTERM), int(signal.SIGINT)):
        earlier = signal.getsignal(number)
        if callable(earlier):
            before[number] = earlier
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, earlier in before.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, earlier)
