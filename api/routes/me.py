"""One's own account: who one is and may do, password, second factor, tokens and sessions."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import segno
import sqlalchemy as sa
from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.account_schemas import ENROLMENT, ME, NEW_TOKEN, SESSIONS, TOKENS
from api.answers import documented, written
from api.callers import Caller, cookie_of, refuse_wanting
from api.entrance import Entrance, EntranceOf
from api.routes.sign_in import refuse
from api.schemas import STATUS
from layers import administering, second_factor, signing_in
from layers.accounts import Ended, TokenScope
from layers.audit import Kind as Act
from layers.audit import note
from layers.policy import ROLES, Role
from layers.problems import BadRequest, Forbidden, Impossible, NotFound, Unauthorized
from layers.registry import layer as layer_named
from layers.signing_in import ACCOUNT, Answer, Outcome

router = APIRouter(tags=["me"])
ISSUER = "onemap"
_MOMENT = "2026-10-12T09:00:00+08:00"
_NOBODY: dict[str, Any] = {
    "account": None,
    "roles": [],
    "grants": [],
    "wanting": None,
    "csrf": None,
    "session": None,
    "may": {"administer": False, "audit": False},
    "ended": None,
    "anonymous": "public",
    "sign_in": {
        "password": True,
        "single_sign_on": None,
        "demo": [],
        "rules": {"length": 10, "classes": 3, "passphrase": 20, "remembered": 5},
    },
}
_SESSION: dict[str, Any] = {
    "id": 31,
    "method": "password",
    "created_at": _MOMENT,
    "seen_at": _MOMENT,
    "address": "10.1.2.3",
    "agent": "Mozilla/5.0",
    "current": True,
}
TOKEN_EXAMPLE: dict[str, Any] = {
    "id": 5,
    "name": "每月报表",
    "scope": "read",
    "layers": None,
    "created_at": _MOMENT,
    "expires_at": "2027-01-01T00:00:00+08:00",
    "revoked_at": None,
    "used_at": None,
}
DONE = {"status": "done"}
RowKey = Annotated[int, Path(ge=1, le=2**63 - 1, description="编号 | id", examples=[5])]


class PasswordBody(BaseModel):
    """The present password and the new one."""

    model_config = ConfigDict(extra="forbid")
    current: str = Field(max_length=1000)
    password: str = Field(max_length=1000)


class ConfirmBody(BaseModel):
    """The present password, to show that it is still the holder who asks."""

    model_config = ConfigDict(extra="forbid")
    password: str = Field(max_length=1000)


class CodeBody(BaseModel):
    """A code of the second factor."""

    model_config = ConfigDict(extra="forbid")
    code: str = Field(max_length=20, examples=["492039"])


class TokenBody(BaseModel):
    """A token that is to be made."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=100, examples=["每月报表"])
    scope: Literal["read", "edit"] = "read"
    layers: list[str] | None = Field(
        None, min_length=1, description="限于图层；空为全部 | some layers alone; null: all"
    )
    expires_at: AwareDatetime = Field(
        description="有效期，一年以内 | when it expires, within a year", examples=[_MOMENT]
    )


@router.get(
    "/me",
    summary="我是谁 | Who asks, and what may be done",
    response_class=Response,
    responses=documented(ME, _NOBODY, 401, 503),
)
async def me(entrance: EntranceOf) -> Response:
    """Tell who asks, with roles and grants, what is still wanting, and the token for writes.

    A session that has ended is no error here: `ended` says why it did.
    """
    told = dict(_NOBODY)
    told["anonymous"] = entrance.config.anonymous
    told["sign_in"] = _ways(entrance)
    try:
        caller = await entrance.caller()
    except Unauthorized:
        cookie = cookie_of(entrance.request)
        if cookie is None or "authorization" in entrance.request.headers:
            raise
        told["ended"] = await _ended(entrance, cookie)
        caller = None
    if caller is not None:
        told.update(await _known(entrance, caller))
    return private(told)


def _ways(entrance: Entrance) -> dict[str, Any]:
    config, rules = entrance.config, entrance.config.sign_in.password
    return {
        "password": entrance.writer is not None,
        "single_sign_on": config.oidc.name if config.oidc and entrance.writer else None,
        "demo": list(config.demo_logins),
        "rules": {
            "length": rules.length,
            "classes": rules.classes,
            "passphrase": rules.passphrase,
            "remembered": rules.remembered,
        },
    }


async def _ended(entrance: Entrance, cookie: str) -> dict[str, str]:
    why = None
    if entrance.writer is not None:
        rules, now = entrance.config.sign_in.session, entrance.now
        why = await entrance.write(
            partial(signing_in.why_ended, cookie=cookie, rules=rules, now=now), counted=False
        )
    # A cookie of a database that was made anew is known to nobody.
    found = why or Ended.SIGNED_OUT
    return {"why": found.value, "text": entrance.say(administering.WHY[found])}


async def _known(entrance: Entrance, caller: Caller) -> dict[str, Any]:
    bearer, now = caller.bearer, entrance.now
    held = bearer.held_at(now)
    roles = bearer.roles(now)
    session = None
    if caller.cookie is not None:
        session = {
            "id": bearer.key,
            "since": entrance.local(bearer.since),
            "ends_at": entrance.local(caller.ends_at),
            "idle_s": int(entrance.config.sign_in.session.idle.total_seconds()),
        }
    return {
        "account": {
            "id": bearer.account_id,
            "login": bearer.login,
            "name": bearer.display_name,
            "kind": bearer.kind.value,
            "password": bearer.has_password,
            "second_factor": bearer.second_factor,
        },
        "roles": [
            {"name": role.value, "title": {"zh": ROLES[role].zh, "en": ROLES[role].en}}
            for role in Role
            if role in roles
        ],
        "grants": await entrance.told_grants(held),
        "wanting": caller.wanting,
        "csrf": caller.csrf,
        "session": session,
        "may": {
            "administer": session is not None and Role.ADMINISTRATOR in roles,
            "audit": session is not None and Role.AUDITOR in roles,
        },
    }


@router.post(
    "/me/password",
    summary="更改口令 | Change the password",
    response_class=Response,
    responses=documented(STATUS, DONE, 400, 401, 403, 422, 429, 503),
)
async def change_password(entrance: EntranceOf, body: PasswordBody) -> Response:
    """Change one's password; all other sessions of the account end."""
    caller = await entrance.signed_in()
    rules, now = entrance.config.sign_in, entrance.now

    def act(connection: sa.Connection) -> Answer:
        answer = signing_in.confirm(connection, caller.bearer.account_id, body.current, rules, now)
        if answer.outcome is Outcome.IN:
            row = administering.found(connection, caller.bearer.account_id)
            signing_in.set_password(connection, row, body.password, rules.password, now)
            signing_in.end_sessions(connection, row.id, Ended.PASSWORD, now, but=caller.bearer.key)
        return answer

    await _confirmed(entrance, act)
    return private(DONE)


def _noted(connection: sa.Connection, act: str) -> None:
    """Record what somebody does to his own account."""
    note(connection, Act.ADMINISTRATION, act=act)


async def _confirmed(entrance: Entrance, act: Any) -> None:
    answer: Answer = await entrance.write(act)
    if answer.outcome is Outcome.WRONG:
        raise Impossible("当前口令不正确", "The present password is wrong", field="current")
    refuse(entrance, answer)


@router.post(
    "/me/second-factor",
    summary="开始启用动态口令 | Begin to set up a second factor",
    response_class=Response,
    responses=documented(
        ENROLMENT,
        {
            "uri": "otpauth://totp/onemap:zhangsan?secret=JBSWY3DPEHPK3PXP&issuer=onemap",
            "secret": "JBSWY3DPEHPK3PXP",
            "picture": "data:image/svg+xml,%3Csvg…",
        },
        400, 401, 403, 422, 429, 503,
    ),
)  # fmt: skip
async def enrol(entrance: EntranceOf, body: ConfirmBody) -> Response:
    """Make a secret for an authenticator app; it counts once a code of it was confirmed."""
    caller = await entrance.signed_in()
    if caller.bearer.second_factor:
        raise Impossible(
            "动态口令已启用；要换设备请先解除", "There is a second factor already; remove it first"
        )
    secret = second_factor.new_secret()
    rules, now = entrance.config.sign_in, entrance.now

    def act(connection: sa.Connection) -> Answer:
        key = caller.bearer.account_id
        answer = signing_in.confirm(connection, key, body.password, rules, now)
        if answer.outcome is Outcome.IN:
            connection.execute(
                sa.update(ACCOUNT)
                .where(ACCOUNT.c.id == key, ACCOUNT.c.totp_confirmed_at.is_(None))
                .values(totp_secret=entrance.keys.encrypt(secret), totp_step=None)
            )
            _noted(connection, "enrol_second_factor")
        return answer

    await _confirmed(entrance, act)
    uri = second_factor.uri(secret, caller.bearer.login, ISSUER)
    picture = segno.make(uri, error="m").svg_data_uri(scale=5, border=2, light="#fff")
    return private({"uri": uri, "secret": secret, "picture": picture})


@router.post(
    "/me/second-factor/confirm",
    summary="确认动态口令 | Confirm the second factor by a code",
    response_class=Response,
    responses=documented(STATUS, DONE, 400, 401, 403, 422, 503),
)
async def confirm_factor(entrance: EntranceOf, body: CodeBody) -> Response:
    """From now on a code is asked for at each sign-in."""
    caller = await entrance.signed_in()
    now = entrance.now

    def act(connection: sa.Connection) -> bool:
        row = administering.found(connection, caller.bearer.account_id, lock=True)
        right = signing_in.take_code(connection, row, body.code, entrance.keys, now)
        if right:
            connection.execute(
                sa.update(ACCOUNT).where(ACCOUNT.c.id == row.id).values(totp_confirmed_at=now)
            )
            _noted(connection, "confirm_second_factor")
        return right

    if not await entrance.write(act):
        raise Impossible(
            "动态口令不正确；请确认手机时间准确，并输入当前显示的 6 位数字",
            "The code is wrong; check the clock of the device and enter the 6 digits shown now",
            field="code",
        )
    return private(DONE)


@router.post(
    "/me/second-factor/remove",
    summary="解除动态口令 | Remove the second factor",
    response_class=Response,
    responses=documented(STATUS, DONE, 400, 401, 403, 422, 429, 503),
)
async def remove_factor(entrance: EntranceOf, body: ConfirmBody) -> Response:
    """Take the second factor off one's account, where no role asks for it."""
    caller = await entrance.signed_in()
    rules, now = entrance.config.sign_in, entrance.now
    if caller.bearer.roles(now) & rules.second_factor:
        raise Forbidden(
            "您的角色必须使用动态口令；换设备请联系另一位管理员",
            "Your role needs a second factor; to change the device ask another administrator",
        )

    def act(connection: sa.Connection) -> Answer:
        key = caller.bearer.account_id
        answer = signing_in.confirm(connection, key, body.password, rules, now)
        if answer.outcome is Outcome.IN:
            connection.execute(
                sa.update(ACCOUNT)
                .where(ACCOUNT.c.id == key)
                .values(totp_secret=None, totp_confirmed_at=None, totp_step=None)
            )
            _noted(connection, "remove_second_factor")
        return answer

    await _confirmed(entrance, act)
    return private(DONE)


@router.get(
    "/me/sessions",
    summary="我的会话 | One's own sessions",
    response_class=Response,
    responses=documented(SESSIONS, {"sessions": [_SESSION]}, 400, 401, 403, 503),
)
async def my_sessions(entrance: EntranceOf) -> Response:
    """List the sessions of one's account that go on."""
    caller = await entrance.signed_in()
    rules, now, key = entrance.config.sign_in, entrance.now, caller.bearer.account_id
    found = await entrance.write(
        lambda connection: administering.sessions(connection, rules, now, key), counted=False
    )
    return private({"sessions": [told_session(entrance, row, caller) for row in found]})


def told_session(entrance: Entrance, row: Any, caller: Caller) -> dict[str, Any]:
    """Return a session as it is told."""
    return {
        "id": row.id,
        "method": row.method,
        "created_at": entrance.local(row.created_at),
        "seen_at": entrance.local(row.seen_at),
        "address": row.address,
        "agent": row.agent,
        "current": row.id == caller.bearer.key,
    }


@router.delete(
    "/me/sessions/{key}",
    summary="结束我的会话 | End one of one's own sessions",
    response_class=Response,
    responses=documented(STATUS, DONE, 400, 401, 403, 404, 503),
)
async def end_my_session(entrance: EntranceOf, key: RowKey) -> Response:
    """End a session of one's account, as of a browser that was left open elsewhere."""
    caller = await entrance.signed_in()
    now, own = entrance.now, caller.bearer.account_id
    await entrance.write(lambda c: administering.end_session(c, key, Ended.BY_HOLDER, now, of=own))
    return private(DONE)


@router.get(
    "/me/tokens",
    summary="我的令牌 | One's own tokens",
    response_class=Response,
    responses=documented(TOKENS, {"tokens": [TOKEN_EXAMPLE]}, 400, 401, 403, 503),
)
async def my_tokens(entrance: EntranceOf) -> Response:
    """List the tokens of one's account; the secrets are kept nowhere."""
    caller = await entrance.signed_in()
    key = caller.bearer.account_id
    found = await entrance.write(lambda c: administering.tokens(c, key), counted=False)
    return private({"tokens": [told_token(entrance, row) for row in found]})


def told_token(entrance: Entrance, row: Any) -> dict[str, Any]:
    """Return a token as it is told."""
    return {
        "id": row.id,
        "name": row.name,
        "scope": row.scope,
        "layers": row.layers,
        "created_at": entrance.local(row.created_at),
        "expires_at": entrance.local(row.expires_at),
        "revoked_at": entrance.local(row.revoked_at),
        "used_at": entrance.local(row.used_at),
    }


@router.post(
    "/me/tokens",
    summary="新建令牌 | Make a token for a program",
    response_class=Response,
    responses=documented(NEW_TOKEN, {"id": 5, "token": "om_…"}, 400, 401, 403, 422, 503),
)
async def make_my_token(entrance: EntranceOf, body: TokenBody) -> Response:
    """Make a token with no more rights than one has oneself; its secret is told this once."""
    caller = await entrance.signed_in()
    refuse_wanting(caller)
    now, key = entrance.now, caller.bearer.account_id
    check_token(body.layers, body.expires_at, now)

    def act(connection: sa.Connection) -> tuple[int, str]:
        return administering.make_token(
            connection, key, body.name, TokenScope(body.scope), now,
            layers=body.layers, expires_at=body.expires_at,
        )  # fmt: skip

    made, secret = await entrance.write(act, counted=False)
    return private({"id": made, "token": secret})


def check_token(layers: list[str] | None, expires_at: datetime, now: datetime) -> None:
    """Check the layers and the end of a token that is to be made.

    Raises
    ------
    BadRequest : there is no such layer.
    Impossible : it would not expire within a year.
    """
    known_layers(layers)
    administering.check_expiry(expires_at, now)


def known_layers(layers: list[str] | None) -> None:
    """Check that there are such layers.

    Raises
    ------
    BadRequest : there is not.
    """
    for each in layers or ():
        try:
            layer_named(each)
        except NotFound as unknown:
            raise BadRequest(
                f"没有图层 {each}", f"There is no layer {each}", field="layers", value=each
            ) from unknown


@router.delete(
    "/me/tokens/{key}",
    summary="撤销我的令牌 | Revoke one of one's own tokens",
    response_class=Response,
    responses=documented(STATUS, DONE, 400, 401, 403, 404, 503),
)
async def revoke_my_token(entrance: EntranceOf, key: RowKey) -> Response:
    """Revoke a token of one's account; the next request that bears it is refused."""
    caller = await entrance.signed_in()
    now, own = entrance.now, caller.bearer.account_id
    await entrance.write(lambda c: administering.revoke_token(c, key, now, of=own))
    return private(DONE)


def private(document: Any) -> Response:
    """Return `document` as JSON that is kept nowhere."""
    return Response(
        written(document), media_type="application/json", headers={"Cache-Control": "no-store"}
    )
