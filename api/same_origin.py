"""Writes come from this service's own page, or from programs with a token.

A browser sends the cookie of a session with every request, also with those that another site
made it send. So whatever is no reading must come from the same origin, as the browser itself says
(Sec-Fetch-Site, Origin), and with a session it must repeat what only a page of this origin could
read (`/me`, in the header X-CSRF-Token). Who shows a bearer token was sent by no other site.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.callers import CSRF, SAFE, cookie_of
from layers.accounts import csrf_of
from layers.problems import Forbidden

OPEN = frozenset(("/sign-in", "/sign-out"))
"""No session is needed to come in, and one that has ended must be put away."""


class SameOrigin:
    """Refuse writes that another site made a browser send.

    Parameters
    ----------
    public_url : at which browsers reach the service, where that is not what requests say.
    """

    def __init__(self, app: ASGIApp, public_url: str | None = None) -> None:
        self.app = app
        self._public = public_url and urlsplit(public_url).netloc.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] not in SAFE:
            request = Request(scope)
            refused = self._refused(request)
            if refused is not None:
                response = await problems.on_problem(request, refused)
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refused(self, request: Request) -> Forbidden | None:
        headers = request.headers
        if "authorization" in headers:
            return None
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if (site is not None and site not in ("same-origin", "none")) or (
            origin is not None and not self._is_ours(origin, request)
        ):
            return Forbidden(
                "该请求来自其他网站，已拒绝；请在本站页面中操作",
                "This request was sent by another site and is refused; use this service's page",
                reason="origin",
            )
        cookie = cookie_of(request)
        if cookie is None or request.url.path in OPEN:
            return None
        if not hmac.compare_digest(headers.get(CSRF, ""), csrf_of(cookie)):
            return Forbidden(
                "请求缺少校验码或校验码已失效；请刷新页面后重试",
                "The header X-CSRF-Token is missing or stale; load the page again and repeat",
                reason="csrf",
            )
        return None

    def _is_ours(self, origin: str, request: Request) -> bool:
        """Whether an origin is this service's: a proxy may speak TLS for it, so hosts count."""
        host = urlsplit(origin).netloc.lower()
        return bool(host) and host in (request.headers.get("host", "").lower(), self._public)
