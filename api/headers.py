"""The headers that keep a browser to this host, on everything that is answered."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; worker-src 'self'; "
    "connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
_NOT_USED = ("camera", "microphone", "geolocation", "payment", "usb", "serial", "bluetooth", "midi")
PERMISSIONS = ", ".join(f"{each}=()" for each in _NOT_USED)
TILES: list[tuple[bytes, bytes]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
"""What a tile needs, which no browser renders as a document."""
_ALL = [
    *TILES,
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"permissions-policy", PERMISSIONS.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    # What depends on who asks is the rule; a route that answers everybody alike says so.
    (b"cache-control", b"private, no-cache"),
]
# For this host alone: of others in its domain the service knows nothing.
_OVER_TLS = (b"strict-transport-security", b"max-age=31536000")


class BrowserHeaders:
    """Add the content security policy and its companions to everything that `app` answers.

    A header that an answer has already stays as it is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            # A tile is no document, and has what it needs; a problem in its place is one.
            if message["type"] == "http.response.start" and (
                message["status"] >= 400 or not scope["state"].get("is_tile")
            ):
                told = message["headers"]
                known = {name.lower() for name, _ in told}
                more = [each for each in _ALL if each[0] not in known]
                if scope["scheme"] == "https":
                    more.append(_OVER_TLS)
                # A copy: the message of a kept tile is many answers'.
                message = {**message, "headers": [*told, *more]}
            await send(message)

        await self.app(scope, receive, send_with_headers)
