"""The way in: what the routes of signing in, of one's own account and of administration share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

import sqlalchemy as sa
from fastapi import Depends, Query, Request
from starlette.responses import Response

from api.callers import COOKIE, SECURE_COOKIE, Caller, Callers, needs
from api.database import Connections
from api.session import Config, language_of
from api.tracing import routed
from api.writing import Writer
from layers.access import ESTATE, rows
from layers.bearers import Held
from layers.labels import Text
from layers.people import BODIES
from layers.policy import Role
from layers.problems import Unauthorized, Unavailable
from layers.second_factor import Keys
from layers.signing_in import Given

T = TypeVar("T")
Guard = Callable[[Request], Awaitable[None]]
"""Looks at a sign-in before anything is compared, and raises where it is one too many."""


@dataclass(frozen=True)
class Entrance:
    """One request at the way in."""

    request: Request
    config: Config
    connections: Connections
    callers: Callers
    keys: Keys
    writer: Writer | None
    language: str

    @property
    def now(self) -> datetime:
        """The true time."""
        return self.config.clock()

    def say(self, text: Text) -> str:
        """Return `text` in the caller's language."""
        return text.in_language(self.language)

    def local(self, moment: datetime | None) -> str | None:
        """Return a moment as it is told: in the estate's time zone."""
        return None if moment is None else moment.astimezone(self.config.zone).isoformat()

    async def write(self, act: Callable[[sa.Connection], T], *, counted: bool = True) -> T:
        """Run `act` as the role that lets people in, and return what it returns, once committed.

        Raises
        ------
        Unavailable : the service was given no such role, or the database is away.
        """
        if self.writer is None:
            raise Unavailable(
                zh="本服务未配置登录：请运行者设置 ONEMAP_ACCOUNTS_DATABASE_URL",
                en="Nobody can sign in to this service: whoever runs it must set "
                "ONEMAP_ACCOUNTS_DATABASE_URL",
            )
        return await self.writer.write(act, counted=counted)

    async def caller(self) -> Caller | None:
        """Return who asks; None: nobody known."""
        return await self.callers.of(self.request, self.connections)

    async def signed_in(self) -> Caller:
        """Return who asks, by a session.

        Raises
        ------
        Unauthorized : by none, or by a token.
        """
        caller = await self.caller()
        if caller is None or caller.cookie is None:
            raise Unauthorized("请先登录", "Sign in first", reason="sign_in")
        return caller

    async def administrator(self) -> Caller:
        """Return who asks and administers.

        Raises
        ------
        Unauthorized, Forbidden : nobody known, or somebody else.
        """
        return needs(await self.caller(), self.now, Role.ADMINISTRATOR)

    async def auditor(self) -> Caller:
        """Return who asks and audits.

        Raises
        ------
        Unauthorized, Forbidden : nobody known, or somebody else.
        """
        return needs(await self.caller(), self.now, Role.AUDITOR)

    async def overseer(self) -> Caller:
        """Return who asks and administers or audits: who looks at accounts and grants.

        Raises
        ------
        Unauthorized, Forbidden : nobody known, or somebody else.
        """
        return needs(await self.caller(), self.now, Role.ADMINISTRATOR, Role.AUDITOR)

    def given(self, login: str, password: str, code: str | None = None) -> Given:
        """Return what somebody gives to come in, and from where."""
        client = self.request.client
        return Given(
            login,
            password,
            code,
            address=client.host if client else None,
            agent=self.request.headers.get("user-agent"),
        )

    @property
    def is_secure(self) -> bool:
        """Whether the browser speaks TLS, to this service or to the proxy before it."""
        public = self.config.public_url
        return public.startswith("https:") if public else self.request.url.scheme == "https"

    def set_cookie(self, response: Response, cookie: str) -> None:
        """Hand the session to the browser, for this host alone and for no script."""
        response.set_cookie(
            SECURE_COOKIE if self.is_secure else COOKIE,
            cookie,
            max_age=int(self.config.sign_in.session.longest.total_seconds()),
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="strict",
        )

    def forget_cookie(self, response: Response) -> None:
        """Take the session off the browser, and what it kept of the answers."""
        for name in (COOKIE, *((SECURE_COOKIE,) if self.is_secure else ())):
            response.delete_cookie(
                name, path="/", secure=self.is_secure, httponly=True, samesite="strict"
            )
        if self.is_secure:  # browsers heed it over TLS alone
            response.headers["Clear-Site-Data"] = '"cache"'

    async def names(self, bodies: Iterable[int | None]) -> dict[int, str]:
        """Return the names of bodies by id."""
        wanted = sorted({each for each in bodies if each is not None})
        if not wanted:
            return {}
        body = rows(BODIES, ESTATE)
        found = await self.connections.fetch(
            sa.select(body.c.id, body.c.name).where(
                body.c.id == sa.any_(sa.literal(wanted, sa.ARRAY(sa.BigInteger)))
            )
        )
        return {row["id"]: row["name"] or str(row["id"]) for row in found}

    async def told_grants(self, held: Iterable[Held]) -> list[dict[str, Any]]:
        """Return grants as they are told: role, body with its name, layers, until when."""
        listed = list(held)
        names = await self.names(each.body_id for each in listed)
        return [
            {
                "role": each.role.value,
                "body": None
                if each.body_id is None
                else {"id": each.body_id, "name": names.get(each.body_id)},
                "layers": None if each.layers is None else sorted(each.layers),
                "valid_until": self.local(each.valid_until),
            }
            for each in listed
        ]


def open_entrance(
    request: Request,
    lang: Annotated[  # noqa: ARG001 - declared for the description; `language_of` reads it
        str | None, Query(description="语言 | language of texts", examples=["zh", "en"])
    ] = None,
) -> Entrance:
    """Return the way in for one request."""
    routed(request.scope)
    state = request.app.state
    return Entrance(
        request,
        state.config,
        state.connections,
        state.callers,
        state.keys,
        state.accounts_writer,
        language_of(request),
    )


EntranceOf = Annotated[Entrance, Depends(open_entrance)]
