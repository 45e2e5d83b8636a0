"""How large a request may be: what is larger is refused before it is read whole."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import on_http

MOST_BYTES = 20_000_000
"""Ten thousand rows with their shapes; what is larger is imported from a file."""


class BodyLimit:
    """Refuse requests whose content is larger than `MOST_BYTES`, told or not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BYTES:
                raise HTTPException(413)
            return message

        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told) > MOST_BYTES:
            response = await on_http(Request(scope), HTTPException(413))
            await response(scope, receive, send)
            return
        await self.app(scope, counted, send)
