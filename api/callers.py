"""Who a request comes from: the session of a browser, the token of a program, or nobody known.

What the database said of a session or token is remembered until this host's counter of commits
moves: whatever takes a right away is committed through it, so that the right ends with the next
request in every process. What ends by the clock is judged by the clock each time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa
from starlette.requests import HTTPConnection

from api.database import Connections
from api.feed import NEVER, Feed
from api.rates import Rates, address_of
from layers import bearers
from layers.access import Actor
from layers.accounts import ApiToken, SignInSession, TokenScope, csrf_of, hash_token
from layers.audit import ORIGIN
from layers.base import table_of
from layers.bearers import Bearer
from layers.policy import ROLES, Role
from layers.problems import Forbidden, Problem, Unauthorized
from layers.signing_in import Rules

if TYPE_CHECKING:
    from api.writing import Writer

log = logging.getLogger("onemap.callers")

COOKIE, SECURE_COOKIE = "onemap_session", "__Host-onemap_session"
_COOKIE = COOKIE.encode()  # it is part of the secure one's name
CSRF = "x-csrf-token"
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
REMEMBERED_S = 10.0
"""How long somebody is taken for who it was where nobody counts the commit that ends it."""
MOST = 10_000
_By = Literal["session", "token"]
_NOTED = timedelta(minutes=1)
"""The last use of a session or token is written down no more often."""


def cookie_of(request: HTTPConnection) -> str | None:
    """Return the secret of the session that a request bears."""
    found = request.cookies
    return found.get(SECURE_COOKIE) or found.get(COOKIE) or None


def credential_in(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return what a request shows for itself, of its raw headers; None: it comes from anybody."""
    cookies = None
    for name, value in headers:
        if name == b"authorization":
            return value
        if name == b"cookie" and _COOKIE in value:
            cookies = value
    return cookies


def credential_of(request: HTTPConnection) -> bytes | None:
    """Return what a request shows for itself; None: it comes from anybody."""
    return credential_in(request.scope["headers"])


@dataclass(frozen=True)
class Caller:
    """Who asks, and what is still wanting before anything else is answered.

    Attributes
    ----------
    cookie : the session's secret, for a caller with a session.
    ends_at : when the session ends if it is not used from now on.
    wanting : a password that must be changed, or a second factor that must be set up first.
    """

    bearer: Bearer
    cookie: str | None
    ends_at: datetime | None
    wanting: Literal["password", "second_factor"] | None = None

    @property
    def csrf(self) -> str | None:
        """What the page sends with each write."""
        return None if self.cookie is None else csrf_of(self.cookie)


class Callers:
    """The callers of one process, as they are remembered.

    Parameters
    ----------
    writer : writes who was last seen when; None where nobody signs in.
    clock : the time by which sessions, grants and tokens end.
    rates : how often somebody may ask.
    """

    def __init__(
        self,
        feed: Feed,
        rules: Rules,
        writer: Writer | None,
        clock: Callable[[], datetime],
        rates: Rates,
    ) -> None:
        self.rules, self.clock, self.rates = rules, clock, rates
        self._feed, self._writer = feed, writer
        # By what it is shown as too: a token is no session, whoever sends it as one.
        self._known: dict[tuple[_By, str], tuple[Bearer, int, float]] = {}
        self._seen: dict[str, datetime] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def of(
        self, request: HTTPConnection, connections: Connections, *, used: bool = True
    ) -> Caller | None:
        """Return who a request comes from; None: it shows nothing for itself.

        Parameters
        ----------
        used : whether the request counts as a use of the session. What a page that nobody looks
            at asks by itself does not, or no session would ever end for want of use.

        Raises
        ------
        Unauthorized : what it shows is no good, or no longer.
        TooMany : who asks, asks too often.
        """
        caller = await self._of(request, connections, used=used)
        account = None
        if caller is not None:
            account = request.state.account = caller.bearer.account_id
        if used:
            self.rates.charge(request, account)
        return caller

    async def _of(
        self, request: HTTPConnection, connections: Connections, *, used: bool
    ) -> Caller | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme:
            token = token.strip()
            if ("token", hash_token(token)) in self._known:
                return await self._by_token(scheme, token, connections, used=used)
            # Who tries out tokens is refused before the database is asked.
            self.rates.refuse_spent("tokens", address_of(request))
            try:
                return await self._by_token(scheme, token, connections, used=used)
            except Unauthorized:
                self.rates.take("tokens", address_of(request))
                raise
        cookie = cookie_of(request)
        if cookie is None:
            return None
        bearer = await self._bearer(cookie, "session", connections)
        now = self.clock()
        if bearer is None or bearer.seen_at is None:
            raise session_over()
        _known_as(bearer)
        seen_at = max(bearer.seen_at, self._seen.get(hash_token(cookie), bearer.seen_at))
        if self.rules.session.ends_at(bearer.since, seen_at) <= now:
            raise session_over()
        if used:
            self._note(bearer, hash_token(cookie), seen_at, now)
            seen_at = now
        ends_at = self.rules.session.ends_at(bearer.since, seen_at)
        return Caller(bearer, cookie, ends_at, self._wanting(bearer, now))

    def changes_at(self, request: HTTPConnection) -> datetime | None:
        """Return when what was last said of a request's caller ends by the clock; None: never."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        by: _By = "token" if scheme else "session"
        digest = hash_token(token.strip() if scheme else cookie_of(request) or "")
        known = self._known.get((by, digest))
        if known is None:
            return None
        bearer = known[0]
        moments = [bearer.changes_at(self.clock())]
        if by == "session":
            assert bearer.seen_at is not None
            seen_at = max(bearer.seen_at, self._seen.get(digest, bearer.seen_at))
            moments.append(self.rules.session.ends_at(bearer.since, seen_at))
        return min(filter(None, moments), default=None)

    async def _by_token(
        self, scheme: str, token: str, connections: Connections, *, used: bool
    ) -> Caller:
        bearer = None
        if scheme.lower() == "bearer" and token:
            bearer = await self._bearer(token, "token", connections)
        now = self.clock()
        if bearer is None:
            raise Unauthorized(
                zh="令牌无效或已撤销；请向管理员索取新的令牌，或去掉 Authorization 请求头",
                en="The token is unknown or revoked; ask the administrator for a new one, "
                "or leave the Authorization header out",
                reason="token",
            )
        _known_as(bearer)
        if bearer.expires_at is not None and bearer.expires_at <= now:
            raise Unauthorized(
                zh=f"令牌已于 {bearer.expires_at:%Y-%m-%d %H:%M} UTC 过期；"
                "请在网页的账号菜单中新建一个，或向管理员索取",
                en=f"The token expired at {bearer.expires_at:%Y-%m-%d %H:%M} UTC; make a new one "
                "in the page's account menu, or ask the administrator for one",
                reason="token_expired",
            )
        if used:
            self._note(bearer, hash_token(token), bearer.seen_at, now)
        return Caller(bearer, None, None)

    async def _bearer(self, secret: str, by: _By, connections: Connections) -> Bearer | None:
        digest = hash_token(secret)
        known = self._known.get((by, digest))
        feed = self._feed
        if known is not None:
            bearer, seen, moment = known
            fresh = seen == feed.seen and feed.fresh
            if fresh and time.monotonic() - moment < REMEMBERED_S:
                return bearer
        # The count goes first: what is committed while the database is asked is not missed.
        seen = feed.seen if feed.fresh else NEVER
        statement = bearers.by_session() if by == "session" else bearers.by_token()
        found = bearers.bearer_of(await connections.fetch(statement, {"digest": digest}), by)
        if found is None or seen == NEVER:
            self._known.pop((by, digest), None)
        else:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[by, digest] = found, seen, time.monotonic()
        return found

    def _wanting(
        self, bearer: Bearer, now: datetime
    ) -> Literal["password", "second_factor"] | None:
        if bearer.method != "password":
            return None
        age = self.rules.password_age
        changed = bearer.password_changed_at
        if bearer.must_change or (age and changed and changed + age <= now):
            return "password"
        if not bearer.second_factor and bearer.roles(now) & self.rules.second_factor:
            return "second_factor"
        return None

    def _note(self, bearer: Bearer, digest: str, last: datetime | None, now: datetime) -> None:
        """Write down that a session or token was used, once a minute and beside the request."""
        if self._writer is None:
            return
        last = max(filter(None, (last, self._seen.get(digest))), default=None)
        if last is not None and now - last < _NOTED:
            return
        if len(self._seen) >= MOST:
            self._seen.clear()
        self._seen[digest] = now
        task = asyncio.create_task(self._write_seen(bearer, now))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _write_seen(self, bearer: Bearer, now: datetime) -> None:
        table, column = (
            (table_of(SignInSession), "seen_at")
            if bearer.by == "session"
            else (table_of(ApiToken), "used_at")
        )
        seen = table.c[column]
        query = (
            sa.update(table)
            .where(table.c.id == bearer.key, sa.or_(seen.is_(None), seen < now))
            .values({column: now})
        )
        assert self._writer is not None
        try:
            # Nobody may see or do anything else for it: nothing is counted.
            await self._writer.write(lambda connection: connection.execute(query), counted=False)
        except Problem as away:
            log.warning("the last use of a %s was not written down: %s", bearer.by, away)

    async def settled(self) -> None:
        """Wait until what is being written down is written."""
        while self._noting:
            await asyncio.wait(set(self._noting))


def _known_as(bearer: Bearer) -> None:
    """Let the traces of the present request tell who asks."""
    origin = ORIGIN.get()
    if origin is not None:
        origin.account_id, origin.account = bearer.account_id, bearer.login
        origin.bearer = f"{bearer.by}:{bearer.key}"


def session_over() -> Unauthorized:
    """Return what is told to a session that has ended."""
    return Unauthorized(
        zh="登录已结束；请重新登录",
        en="The session has ended; sign in again",
        reason="session",
    )


def refuse_wanting(caller: Caller) -> None:
    """Refuse whatever is not about the account itself while something is still wanting.

    Raises
    ------
    Forbidden : the password must be changed, or a second factor set up.
    """
    if caller.wanting == "password":
        raise Forbidden(
            "请先更改口令，再使用其他功能",
            "Change the password first; nothing else is answered before",
            reason="must_change",
        )
    if caller.wanting == "second_factor":
        raise Forbidden(
            "您的角色须先启用动态口令，再使用其他功能",
            "Your role needs a second factor; set it up first, nothing else is answered before",
            reason="must_enrol",
        )


def actor_from(caller: Caller, method: str, now: datetime) -> Actor:
    """Return the actor of a caller, read-only where the token is.

    Raises
    ------
    Forbidden : a token that reads alone is used to change something; or see `refuse_wanting`.
    """
    refuse_wanting(caller)
    reads = caller.bearer.scope is TokenScope.READ
    if reads and method not in SAFE:
        raise Forbidden(
            "此令牌只能读取；请新建允许修改的令牌",
            "This token only reads; make one that may edit",
            reason="read_only",
        )
    return replace(caller.bearer.actor(now), read_only=reads)


def needs(caller: Caller | None, now: datetime, *roles: Role) -> Caller:
    """Return the caller who holds one of some roles, and came in by signing in.

    Raises
    ------
    Unauthorized : nobody signed in.
    Forbidden : without any of the roles, or with a token: who administers is a person.
    """
    if caller is None:
        raise Unauthorized("请先登录", "Sign in first", reason="sign_in")
    refuse_wanting(caller)
    if caller.cookie is None or not caller.bearer.roles(now) & set(roles):
        first = ROLES[roles[0]]
        raise Forbidden(
            f"只有{first.zh}登录后可以这样做；请联系他",
            f"This is for a {first.en.lower()} who has signed in; ask one",
            reason="role",
        )
    return caller
