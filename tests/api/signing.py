"""A browser at the way in, and a clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.support.accounts import PASSWORD

START = datetime(2026, 10, 12, 1, tzinfo=UTC)


@dataclass
class Clock:
    """The true time, as a test says."""

    moment: datetime = START

    def __call__(self) -> datetime:
        """Return the time."""
        return self.moment

    def pass_(self, **span: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**span)


@dataclass
class Browser:
    """Somebody's browser: it keeps its own cookie and sends what the page would send."""

    client: httpx.AsyncClient
    cookie: str | None = None
    csrf: str | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Accept-Language": "en"})

    async def ask(self, method: str, path: str, body: Any = None, **more: str) -> httpx.Response:
        """Send a request as the page does."""
        headers = dict(self.headers)
        if self.cookie:
            headers["Cookie"] = f"onemap_session={self.cookie}"
        if method != "GET":
            headers |= {"Origin": "http://map.test", "Sec-Fetch-Site": "same-origin"}
            if self.csrf:
                headers["X-CSRF-Token"] = self.csrf
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        self.client.cookies.clear()
        return await self.client.request(method, path, json=body, headers=headers)

    async def sign_in(
        self, login: str, password: str = PASSWORD, code: str | None = None
    ) -> httpx.Response:
        """Sign in, and read the page's token as the page does."""
        body = {"login": login, "password": password} | ({"code": code} if code else {})
        answer = await self.ask("POST", "/sign-in", body)
        if "onemap_session" in answer.cookies:
            self.cookie = answer.cookies["onemap_session"]
            self.csrf = (await self.me())["csrf"]
        return answer

    async def me(self) -> Any:
        """Return who the service takes this browser for."""
        answer = await self.ask("GET", "/me")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def sees(self) -> int:
        """Return the status of a page of rooms."""
        return (await self.ask("GET", "/ogc/collections/rooms/items")).status_code
