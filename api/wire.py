"""A kept tile answered where its request arrives: without a task, and without parsing twice.

The server's own parser reads each block of headers once; browsers and programs send the same block
with every tile of a connection, so that afterwards it is only looked up. Everything that is not
one whole plain request for a tile that is kept goes the server's usual way.
"""

from __future__ import annotations

from typing import Any, Protocol

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from api.callers import credential_in
from api.patience import PatientProtocol

_START, _END = b"GET /tiles/", b"\r\n\r\n"
_VERSION = b" HTTP/1.1"
_MOST_BLOCKS = 4_096
_PLAIN = (b"accept-encoding", b"if-none-match", b"x-forwarded-for")
_NOT_HERE = frozenset(
    (b"content-length", b"transfer-encoding", b"upgrade", b"expect")
)  # fmt: skip


class Kept(Protocol):
    """Gives the answer of a tile that is kept."""

    def wire(
        self,
        path: str,
        coding: bytes,
        known: bytes | None,
        forwarded: bytes | None = None,
        peer: str | None = None,
    ) -> tuple[bytes, bytes] | None:
        """Return head and body, the head without its last empty line; None: ask the usual way."""


def head(message: dict[str, Any]) -> bytes:
    """Return the head of an answer as it is sent, without the date and the empty line."""
    lines = [name + b": " + value + b"\r\n" for name, value in message["headers"]]
    return bytes(STATUS_LINE[message["status"]]) + b"".join(lines)


class TileProtocol(PatientProtocol):
    """The server's protocol for HTTP/1.1, with kept tiles before everything else."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        app: Any = self.app
        while not hasattr(app, "kept_tiles") and hasattr(app, "app"):
            app = app.app
        plain = not self.access_log and not self.root_path and self.limit_concurrency is None
        self._kept: Kept | None = getattr(app, "kept_tiles", None) if plain else None
        self._between = True  # no request has begun that has not been read to its end
        self._last = 0.0
        self._defaults: list[tuple[bytes, bytes]] | None = None
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """Take what arrives."""
        if self._kept is None or not data.startswith(_START) or not self._answered(data):
            super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """A request has been read to its end."""
        self._between = True
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for so long: kept tiles do not set its clock anew."""
        left = self._last + self.timeout_keep_alive - self.loop.time()
        if left > 0 and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(
                left, self.timeout_keep_alive_handler
            )
        else:
            super().timeout_keep_alive_handler()

    def _answered(self, data: bytes) -> bool:
        line = data.find(b"\r\n")
        earlier: RequestResponseCycle | None = self.cycle
        if (
            not self._between
            or data.find(_END) != len(data) - 4
            or data[line - 9 : line] != _VERSION
            or (earlier is not None and not earlier.response_complete)
            or self.flow.write_paused
            or self.transport.is_closing()
        ):
            return False
        block = data[line:]
        asked = _blocks[block] if block in _blocks else _read(block)
        if asked is None or self._kept is None:
            return False
        peer = self.client[0] if self.client else None
        found = self._kept.wire(data[4 : line - 9].decode("latin-1"), *asked, peer)
        if found is None:
            return False
        defaults = self.server_state.default_headers
        if defaults is not self._defaults:  # another list each second, for the date
            self._defaults = defaults
            self._rest = b"".join(n + b": " + v + b"\r\n" for n, v in defaults) + b"\r\n"
        self.transport.write(b"".join((found[0], self._rest, found[1])))
        self.server_state.total_requests += 1
        self._last = self.loop.time()
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        return True


_Asked = tuple[bytes, bytes | None, bytes | None]
_blocks: dict[bytes, _Asked | None] = {}


class _Headers:
    """What the server's parser finds in a block of headers."""

    def __init__(self) -> None:
        self.found: list[tuple[bytes, bytes]] = []
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.found.append((name.lower(), value))

    def on_message_complete(self) -> None:
        self.complete = True


def _read(block: bytes) -> _Asked | None:
    """Return the coding that a block of headers accepts, the tags it knows and for whom it asks.

    None: it says something that the usual way must see to.
    """
    heard = _Headers()
    try:
        httptools.HttpRequestParser(heard).feed_data(b"GET / HTTP/1.1" + block)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    names = [name for name, _ in heard.found]
    asked = None
    once = all(names.count(name) <= 1 for name in _PLAIN)
    values = dict(heard.found)
    known = credential_in(heard.found) is not None
    if heard.complete and once and not known and not _NOT_HERE & set(names):
        coding, connection = values.get(b"accept-encoding"), values.get(b"connection", b"")
        if coding is not None and connection.lower() in (b"", b"keep-alive"):
            asked = coding, values.get(b"if-none-match"), values.get(b"x-forwarded-for")
    if len(_blocks) >= _MOST_BLOCKS:
        _blocks.clear()
    if not known:  # no secret is kept
        _blocks[block] = asked
    return asked
