"""One's own account: who one is and may do, password and second factor."""

from __future__ import annotations

from functools import partial
from typing import Any

import segno
import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.account_schemas import ENROLMENT, ME
from api.answers import DONE, documented, private
from api.callers import Caller, cookie_of
from api.entrance import Entrance, EntranceOf
from api.routes.sign_in import refuse
from api.schemas import STATUS
from layers import administering, credentials, second_factor, signing_in
from layers.accounts import Ended
from layers.audit import Kind as Act
from layers.audit import note
from layers.policy import ROLES, Role
from layers.problems import Forbidden, Impossible, Unauthorized
from layers.signing_in import ACCOUNT, Answer, Outcome

router = APIRouter(tags=["me"])
ISSUER = "onemap"
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
    return {"why": found.value, "text": entrance.say(credentials.WHY[found])}


async def _known(entrance: Entrance, caller: Caller) -> dict[str, Any]:
    bearer, now = caller.bearer, entrance.now
    held = bearer.held_at(now)
    roles = bearer.roles(now)
    session = None
    rules = entrance.config.sign_in.session
    if caller.cookie is not None:
        session = {
            "id": bearer.key,
            "since": entrance.local(bearer.since),
            "ends_at": entrance.local(caller.ends_at),
            "over_s": max(0, int((bearer.since + rules.longest - now).total_seconds())),
            "idle_s": int(rules.idle.total_seconds()),
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
