"""Who asks, in which language, about which recorded moment: one `Session` per request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import asyncpg
from fastapi import Depends, Query, Request
from sqlalchemy.sql.base import Executable

from api.callers import Callers, actor_from
from api.database import Connections
from api.tracing import routed
from layers.access import ESTATE, EVERYONE, VISITOR, Actor, subtree
from layers.audit.keys import Trail
from layers.cql2_values import moment_in_utc
from layers.labels import Text
from layers.measures.base import Window
from layers.prepared import Prepared
from layers.problems import BadRequest, Unauthorized
from layers.signing_in import Rules

TIMEZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Oidc:
    """The provider of single sign-on.

    Attributes
    ----------
    url : of its discovery document.
    name : what the button of the page is called.
    claim : of the identity token, which lists groups.
    groups : by group what its members are granted: role, code of a body (None: the whole
        estate), names of layers (None: all).
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str = "单点登录"
    claim: str = "groups"
    groups: Mapping[str, tuple[tuple[str, str | None, tuple[str, ...] | None], ...]] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class Config:
    """What the application is told by the front door.

    Attributes
    ----------
    database_url : address for the serving role, a plain ``postgresql://`` one.
    pool_size : database connections of this process.
    anonymous : what a request without a token sees: public rows, the whole estate, or refusal.
    language : of messages, where the request names none (``"zh"`` or ``"en"``).
    timezone : in which days are counted.
    now : the service's clock (the demo estate has its own); it dates what is observed.
    demo : whether this is the demo estate, labelled so everywhere.
    anonymous_edits : whether a request without a token may change what it sees (the demo's may).
    data_dir : the data folder, where pictures lie.
    ticks : the file of the counter of commits; None counts in this process alone.
    tile_cache_mb : memory for vector tiles; 0 keeps none.
    tile_archive : a file of tiles (`tiles.archive`) that answers what anybody may see.
    accounts_url : address for the role that lets people in; None: tokens alone are known.
    sign_in : the rules of signing in.
    clock : the true time, by which sessions, grants and tokens end (a demo has another `now`).
    key_file : of the key that encrypts second factors; None: a key of this process alone.
    public_url : at which browsers reach the service, where requests do not say.
    oidc : the provider of single sign-on.
    trail, sealing_url : files of the traces, and address for the role that seals them; without
        either this process seals nothing.
    demo_logins : the accounts of the demo, which its page offers to whoever tries it.
    trusted_proxies : addresses and networks, separated by commas, of proxies that say for whom
        they ask (X-Forwarded-For, X-Forwarded-Proto).
    log_all : whether every request is told in the log.
    metrics_from : addresses and networks, separated by commas, that may ask for metrics.
    limits, limits_file : how often somebody may ask, and where that is counted (`api.rates`).
    upload_mb : how large a file to be imported may be.
    jobs : whether a worker of this service does the jobs that are asked for.
    """

    database_url: str
    pool_size: int = 4
    anonymous: Literal["public", "estate", "refuse"] = "public"
    language: str = "zh"
    timezone: str = TIMEZONE
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    demo: bool = False
    anonymous_edits: bool = False
    data_dir: str = "."
    ticks: Path | None = None
    tile_cache_mb: int = 0
    tile_archive: str | None = None
    accounts_url: str | None = None
    sign_in: Rules = field(default_factory=Rules)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    key_file: Path | None = None
    public_url: str | None = None
    oidc: Oidc | None = None
    trail: Trail | None = None
    sealing_url: str | None = None
    demo_logins: tuple[str, ...] = ()
    trusted_proxies: str = "127.0.0.1,::1"
    log_all: bool = False
    metrics_from: str = "127.0.0.1,::1"
    limits: Mapping[str, str] = field(default_factory=dict)
    limits_file: Path | None = None
    upload_mb: int = 512
    jobs: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which days are counted."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class Session:
    """One request: its actor, its moment of record, its language, and the door to the database.

    `unit` is the body as which the estate is seen; it has narrowed the actor already.
    """

    actor: Actor
    at: datetime | None
    language: str
    connections: Connections
    config: Config
    unit: int | None = None

    async def fetch(
        self, statement: Executable | Prepared, values: Mapping[str, Any] | None = None
    ) -> list[asyncpg.Record]:
        """Return the rows of a statement; see `api.database.Connections.fetch`."""
        return await self.connections.fetch(statement, values)

    async def fetchrow(
        self, statement: Executable | Prepared, values: Mapping[str, Any] | None = None
    ) -> asyncpg.Record | None:
        """Return the first row of a statement, or None."""
        return await self.connections.fetchrow(statement, values)

    def say(self, text: Text) -> str:
        """Return `text` in the caller's language."""
        return text.in_language(self.language)


def language_of(request: Request) -> str:
    """Return ``zh`` or ``en``: ``?lang=``, else Accept-Language, else the configured one."""
    asked = request.query_params.get("lang", "").lower()
    if asked[:2] in ("zh", "en"):
        return asked[:2]
    best, weight = "", 0.0
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, rest = part.strip().partition(";")
        quality = re.search(r"q=([\d.]+)", rest)
        try:
            this = float(quality.group(1)) if quality else 1.0
        except ValueError:
            continue
        if tag[:2].lower() in ("zh", "en") and this > weight:
            best, weight = tag[:2].lower(), this
    config: Config | None = getattr(request.app.state, "config", None)
    return best or (config.language if config else "zh")


def parse_moment(text: str, zone: ZoneInfo, *, field: str) -> datetime:
    """Return the moment that `text` (RFC 3339, or a bare date: its first instant) names, in UTC.

    A time without an offset is read in `zone`.

    Raises
    ------
    BadRequest : it is no time, or one that has no year of four digits in UTC or in `zone`; names
        `field` and a valid example.
    """
    # An unescaped "+08:00" in an address arrives as " 08:00".
    mended = re.sub(r"(T\S+) (\d\d:?\d\d)$", r"\1+\2", text.strip())
    try:
        return moment_in_utc(datetime.fromisoformat(mended), zone)
    except ValueError as wrong:
        raise BadRequest(
            zh=f"{field} 的值“{text}”不是有效时间；例如 2026-10-12T09:00:00+08:00 或 2026-10-12",
            en=f"{field}: '{text}' is not a time; write 2026-10-12T09:00:00+08:00 or 2026-10-12",
            field=field,
            value=text,
        ) from wrong


def parse_window(text: str, zone: ZoneInfo) -> Window:
    """Return the window of observations that ``from/to`` names.

    Raises
    ------
    BadRequest : it is no pair of times, or its end is not after its start.
    """
    start, slash, end = text.partition("/")
    if not slash:
        raise BadRequest(
            zh=f"window 应为“起/止”，例如 2026-09-01/2026-10-01，收到“{text}”",
            en=f"window: write from/to, as in 2026-09-01/2026-10-01; got '{text}'",
            field="window",
            value=text,
        )
    return Window(
        parse_moment(start, zone, field="window"), parse_moment(end, zone, field="window")
    )


async def open_session(
    request: Request,
    at: Annotated[
        str | None,
        Query(
            description="记录时刻：按当时的记录回答（默认现在）；车辆位置、读数等观测不随之变化"
            " | moment of record: the estate as it was recorded then (default now); "
            "observations (positions, also their tiles, and readings) are the same at any moment "
            "of record",
            examples=["2026-10-12T09:00:00+08:00"],
        ),
    ] = None,
    unit: Annotated[
        int | None,
        Query(
            ge=1,
            le=2**63 - 1,
            description="机构编号：只看该机构及其下级所见的范围 | id of a body: the estate as that "
            "body and those below it see it",
            examples=[17],
        ),
    ] = None,
    lang: Annotated[  # noqa: ARG001 - declared for the description; `language_of` reads it
        str | None, Query(description="语言 | language of texts", examples=["zh", "en"])
    ] = None,
) -> Session:
    """Return the request's session; the dependency of every route that reads."""
    routed(request.scope)
    config: Config = request.app.state.config
    actor = await actor_of(request, request.app.state.connections, config)
    return await session_as(request, actor, at, unit)


async def session_as(request: Request, actor: Actor, at: str | None, unit: int | None) -> Session:
    """Return the session of a request in the name of an actor who is known."""
    config: Config = request.app.state.config
    connections: Connections = request.app.state.connections
    moment = parse_moment(at, config.zone, field="at") if at else None
    if unit is not None:
        actor = await narrowed(actor, unit, connections)
    return Session(actor, moment, language_of(request), connections, config, unit)


async def actor_of(
    request: Request, connections: Connections, config: Config, *, used: bool = True
) -> Actor:
    """Return who asks: the account of the session or token, or what anonymous requests may be.

    Parameters
    ----------
    used : whether the request counts as a use of the session (`api.callers.Callers.of`).
    """
    callers: Callers = request.app.state.callers
    caller = await callers.of(request, connections, used=used)
    if caller is not None:
        return actor_from(caller, request.method, config.clock())
    if config.anonymous == "estate":
        return VISITOR if config.anonymous_edits else ESTATE
    if config.anonymous == "public":
        return EVERYONE
    raise Unauthorized(
        zh="请先登录；程序请在请求头加上 Authorization: Bearer <令牌>",
        en="Sign in first; a program sends the header Authorization: Bearer <token>",
        reason="sign_in",
    )


async def narrowed(actor: Actor, unit: int, connections: Connections) -> Actor:
    """Return the actor with no more in scope than the body `unit` and those below it.

    Raises
    ------
    BadRequest : there is no such body, or it is not in the actor's scope.
    """
    below = {row[0] for row in await connections.fetch(subtree(unit))}
    within = actor.within(below)
    if not within.grants:
        raise BadRequest(
            zh=f"unit：没有编号为 {unit} 的机构，或不在您的范围内",
            en=f"unit: there is no body {unit}, or it is not in your scope",
            field="unit",
            value=unit,
        )
    return within


SessionOf = Annotated[Session, Depends(open_session)]
