"""Whole answers that stand until something is recorded: a measure of 100,000 rooms, say.

Working one out reads every room and everybody in them; asked again by the next page it is the
same. So the finished bytes are kept under what they depend on - who sees what, the moment, the
day, and what is recorded last, which is looked up each time: an answer is never older than the
last edit, and none of the past outlives what is forgotten (`layers.pruning`). What observations
go into is not kept, since those are not in the log.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.session import Session
from layers.history import last_recorded
from tiles.compress import etag, gzip_accepted, packed

MOST_BYTES = 48_000_000


@dataclass(frozen=True)
class Answer:
    """An answer in JSON, plain and packed, with the tag of its content."""

    plain: bytes
    small: bytes
    tag: str

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.plain) + len(self.small)


class Answers:
    """The answers that one process keeps; each is worked out once at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._making: dict[Hashable, asyncio.Task[Answer]] = {}
        self._bytes = 0

    async def of(
        self, session: Session, question: Hashable, make: Callable[[], Awaitable[bytes]]
    ) -> Answer:
        """Return the answer to `question` as it is after the last recorded change.

        Parameters
        ----------
        question : what is asked, beside who asks and of which moment.
        make : works the answer out.
        """
        # Read before the rows are: what is kept under it may be newer, and never older.
        last = await session.fetchrow(last_recorded())
        key = (question, session.actor.scope_key, session.at, last and tuple(last))
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.ensure_future(_made(make))
            task.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(task)

    def _keep(self, key: Hashable, task: asyncio.Task[Answer]) -> None:
        del self._making[key]
        if task.cancelled() or task.exception() is not None:
            return
        made = task.result()
        self._kept[key] = made
        self._bytes += made.size
        while self._bytes > MOST_BYTES and self._kept:
            _, old = self._kept.popitem(last=False)
            self._bytes -= old.size


async def _made(make: Callable[[], Awaitable[bytes]]) -> Answer:
    plain = await make()
    return Answer(plain, await asyncio.to_thread(packed, plain), etag(plain))


def response_of(request: Request, answer: Answer, headers: dict[str, str]) -> Response:
    """Return an answer as it is accepted: packed, plain, or known already."""
    small = gzip_accepted(request.headers.get("accept-encoding", ""))
    # Weak, since the packed bytes are others and mean the same.
    told: dict[str, Any] = {**headers, "ETag": f"W/{answer.tag}"}
    told["Vary"] = f"{headers['Vary']}, Accept-Encoding"
    if answer.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=told)
    if small:
        told["Content-Encoding"] = "gzip"
    return Response(
        answer.small if small else answer.plain, media_type="application/json", headers=told
    )
