"""The server's protocol for HTTP/1.1, with an end to its patience and to what it takes in.

A connection that sends no whole head, or does not take its answer, is closed: it holds memory and
perhaps a connection of the database. How long a content may take is `api.limits`'s.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_URL = 60_000
"""Bytes of an address: a filter of the greatest length, if it is not all of it escaped."""
MOST_HEAD = 100_000
"""Bytes of an address and its headers."""
HEAD_S = 20.0
"""How long a head may take that has begun, or a first one that has not."""
TAKE_S = 60.0
"""How long a reader may take nothing of an answer that waits for it."""

_BAD = (400, "Bad Request", "请求无法解析 | The request cannot be parsed")
_URL = (
    414,
    "URI Too Long",
    f"地址超过 {MOST_URL} 字节 | The address has more than that many bytes",
)
_HEAD = (
    431,
    "Request Header Fields Too Large",
    f"请求头超过 {MOST_HEAD} 字节 | The headers have more than that many bytes",
)
_LATE = (408, "Request Timeout", "请求头迟迟未发完 | The headers did not come in time")


class _Refused(Exception):
    """The parser need not go on."""


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 with limits for heads and for time."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_head = True
        self._taken = 0  # bytes of the head that is being read
        self._refusal = _BAD
        self._waiting: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connects."""
        super().connection_made(transport)
        self._waiting = self.loop.call_later(HEAD_S, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        for each in (self._waiting, self._stalled):
            if each is not None:
                each.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what arrives; a head that has no end is refused before it has one."""
        if self._in_head:
            self._taken += len(data)
        super().data_received(data)
        if self._in_head and self._taken > MOST_HEAD and not self.transport.is_closing():
            self._refusal = _HEAD
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_S, self._too_late)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head has been read."""
        self._in_head, self._taken = False, 0
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if len(self.url) > MOST_URL:
            self._refusal = _URL
            raise _Refused
        if len(self.url) + sum(len(n) + len(v) + 4 for n, v in self.headers) > MOST_HEAD:
            self._refusal = _HEAD
            raise _Refused
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request has been read to its end."""
        self._in_head = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the server's words are English
        """Refuse what cannot be taken, and close."""
        status, name, said = self._refusal
        content = said.encode()
        self.transport.write(
            f"HTTP/1.1 {status} {name}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode()
            + content
        )
        self.transport.close()

    def pause_writing(self) -> None:
        """The reader does not take what is sent."""
        if self._stalled is None:
            self._stalled = self.loop.call_later(TAKE_S, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        """The reader took it, or will never."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        super().resume_writing()

    def _too_late(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            if self._taken:
                self._refusal = _LATE
                self.send_400_response("")
            else:
                self.transport.close()
