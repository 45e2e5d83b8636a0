"""How large a request may be and how long its content may take: the rest is not read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import on_http

MOST_BYTES = 20_000_000
"""Ten thousand rows with their shapes; what is larger is imported from a file."""
CONTENT_S = 120.0
"""How long a content may take to arrive, in seconds."""
UPLOAD_S = 3600.0
"""How long a file may take, in seconds: 512 MB in that time need 1.2 Mbit/s."""
SILENCE_S = 60.0
"""How long nothing of a file may arrive, in seconds."""


class BodyLimit:
    """Refuse requests whose content is larger than `MOST_BYTES`, told or not, or does not come.

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
        read, whole = 0, False
        upload = self._uploads.get(scope["path"])
        most, in_all, between = (
            (MOST_BYTES, CONTENT_S, CONTENT_S) if upload is None else (upload, UPLOAD_S, SILENCE_S)
        )
        now = asyncio.get_running_loop().time
        until = now() + in_all

        async def counted() -> Message:
            nonlocal read, whole
            if whole:  # what is waited for now is that the caller leaves
                return await receive()
            try:
                async with asyncio.timeout_at(min(until, now() + between)):
                    message = await receive()
            except TimeoutError as late:
                raise HTTPException(408) from late
            read += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if read > most:
                raise HTTPException(413)
            return message

        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told) > most:
            response = await on_http(Request(scope), HTTPException(413))
            await response(scope, receive, send)
            return
        await self.app(scope, counted, send)
