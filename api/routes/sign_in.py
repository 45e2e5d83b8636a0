"""Coming in and going out: passwords with a second factor, and sessions in cookies."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.account_schemas import SIGNED_IN
from api.answers import documented, written
from api.callers import cookie_of
from api.entrance import Entrance, EntranceOf, Guard
from api.schemas import STATUS
from layers import administering, signing_in
from layers.accounts import Ended, hash_token
from layers.audit import Kind, note
from layers.problems import Locked, Unauthorized
from layers.signing_in import Answer, Outcome

router = APIRouter(tags=["sign-in"])


class SignInBody(BaseModel):
    """Who comes in, with what."""

    model_config = ConfigDict(extra="forbid")
    login: str = Field(max_length=200, examples=["zhangsan"])
    password: str = Field(max_length=1000, examples=["…"])
    code: str | None = Field(
        None, max_length=20, description="动态口令 | code of the second factor", examples=["492039"]
    )


@router.post(
    "/sign-in",
    summary="登录 | Sign in with a password, and a code where there is a second factor",
    response_class=Response,
    responses=documented(SIGNED_IN, {"step": "in", "replaced": 0}, 400, 401, 403, 429, 503),
)
async def sign_in(request: Request, entrance: EntranceOf, body: SignInBody) -> Response:
    """Begin a session, told by a cookie; `step` is `code` where a code is wanted beside.

    A name that there is not is answered like a wrong password, as late and in the same words.
    """
    guards: list[Guard] = request.app.state.before_sign_in
    for guard in guards:
        await guard(request)
    given = entrance.given(body.login, body.password, body.code)
    rules, now = entrance.config.sign_in, entrance.now

    def act(connection: Any) -> Answer:
        return signing_in.sign_in(connection, given, rules, entrance.keys, now)

    answer = await entrance.write(act, counted=False)
    refuse(entrance, answer)
    if answer.replaced:
        # Sessions that gave way are still remembered, here and in other processes.
        request.app.state.ticks.tick()
    step = "in" if answer.outcome is Outcome.IN else "code"
    response = _json({"step": step, "replaced": answer.replaced})
    if answer.cookie is not None:
        entrance.set_cookie(response, answer.cookie)
    return response


def refuse(entrance: Entrance, answer: Answer) -> None:
    """Say why nobody came in.

    Raises
    ------
    Locked : the name is locked for a while.
    Unauthorized : name, password or code are wrong.
    """
    if answer.outcome is Outcome.LOCKED:
        assert answer.locked_until is not None
        wait = int((answer.locked_until - entrance.now).total_seconds()) + 1
        minutes = -(-wait // 60)
        raise Locked(
            f"连续失败次数过多，该账号已锁定；请 {minutes} 分钟后再试，或联系管理员解锁",
            f"Too many failures in a row: the account is locked; try again in {minutes} min, or "
            "ask an administrator",
            reason="locked",
            retry_after_s=wait,
        )
    if answer.outcome is Outcome.CODE_WRONG:
        raise Unauthorized(
            "动态口令不正确或已用过；请输入验证器当前显示的 6 位数字",
            "The code is wrong or was used before; enter the 6 digits that the app shows now",
            reason="code",
        )
    if answer.outcome is Outcome.WRONG:
        raise Unauthorized(
            "账号或口令不正确", "The name or the password is wrong", reason="password"
        )


@router.post(
    "/sign-out",
    summary="退出 | Sign out",
    response_class=Response,
    responses=documented(STATUS, {"status": "signed_out"}, 403, 503),
)
async def sign_out(entrance: EntranceOf) -> Response:
    """End the session of the request, if it still goes on, and take its cookie off the browser."""
    cookie, now = cookie_of(entrance.request), entrance.now
    if cookie is not None and entrance.writer is not None:
        await entrance.write(partial(_end, cookie=cookie, now=now))
    response = _json({"status": "signed_out"})
    entrance.forget_cookie(response)
    return response


def _end(connection: Any, *, cookie: str, now: Any) -> None:
    session = signing_in.SESSION
    ended = connection.execute(
        session.update()
        .where(session.c.cookie_hash == hash_token(cookie), session.c.ended_at.is_(None))
        .values(ended_at=now, ended_why=Ended.SIGNED_OUT.value)
        .returning(session.c.id, session.c.account_id)
    ).one_or_none()
    if ended is not None:
        login = administering.found(connection, ended.account_id).login
        note(connection, Kind.SIGN_OUT, account=(ended.account_id, login), session=ended.id)


def _json(document: Any) -> Response:
    return Response(
        written(document), media_type="application/json", headers={"Cache-Control": "no-store"}
    )
