"""How large a request may be: what is larger is refused before it is read whole."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import on_http

MOST_BYTES = 20_000_000
"""Ten thousand rows with their shapes; what is larger is imported from a file."""


class BodyLimit:
    """Refuse requests whose content is larger than `MOST_BYTES`, told or not.

    Parameters
    ----------
    uploads : addresses that take files, and how many bytes each takes.
    """

    def __init__(self, app: ASGIApp, uploads: Mapping[str, int] | None = None) -> None:
        self.app = app
        self._uploads = uploads or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        read = 0
        most = self._uploads.get(scope["path"], MOST_BYTES)

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413)
            return message

        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told) > most:
            response = await on_http(Request(scope), HTTPException(413))
            await response(scope, receive, send)
            return
        await self.app(scope, counted, send)
