"""Administration: the sessions and tokens of everybody."""

from __future__ import annotations

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.responses import Response

from api.account_schemas import NEW_TOKEN, SESSIONS, TOKENS
from api.answers import DONE, documented, private
from api.entrance import EntranceOf
from api.routes.my_credentials import (
    TOKEN_EXAMPLE,
    RowKey,
    TokenBody,
    check_token,
    told_session,
    told_token,
)
from api.schemas import STATUS
from layers import administering, credentials
from layers.accounts import Ended, Kind, TokenScope
from layers.problems import BadRequest

router = APIRouter(prefix="/administration", tags=["administration"])


@router.get(
    "/sessions",
    summary="全部会话 | All sessions that go on",
    response_class=Response,
    responses=documented(SESSIONS, {"sessions": []}, 400, 401, 403, 503),
)
async def list_sessions(entrance: EntranceOf) -> Response:
    """List the sessions that go on, the latest used first."""
    caller = await entrance.overseer()
    rules, now = entrance.config.sign_in, entrance.now
    found = await entrance.write(lambda c: credentials.sessions(c, rules, now), counted=False)
    return private(
        {
            "sessions": [
                told_session(entrance, row, caller) | {"login": row.login, "name": row.display_name}
                for row in found
            ]
        }
    )


@router.delete(
    "/sessions/{key}",
    summary="结束会话 | End a session",
    response_class=Response,
    responses=documented(STATUS, DONE, 400, 401, 403, 404, 503),
)
async def end_session(entrance: EntranceOf, key: RowKey) -> Response:
    """End somebody's session; the next request of that browser is refused."""
    await entrance.administrator()
    now = entrance.now
    await entrance.write(lambda c: credentials.end_session(c, key, Ended.BY_ADMINISTRATOR, now))
    return private(DONE)


@router.post(
    "/accounts/{key}/tokens",
    summary="为服务账号新建令牌 | Make a token of a service's account",
    response_class=Response,
    responses=documented(NEW_TOKEN, {"id": 5, "token": "om_…"}, 400, 401, 403, 404, 422, 503),
)
async def make_token(entrance: EntranceOf, key: RowKey, body: TokenBody) -> Response:
    """Make a token of a service's account; a person makes his own."""
    await entrance.administrator()
    now = entrance.now
    check_token(body.layers, body.expires_at, now)

    def act(connection: sa.Connection) -> tuple[int, str]:
        row = administering.found(connection, key)
        if row.kind != Kind.SERVICE:
            raise BadRequest(
                "个人令牌只能由本人新建",
                "A person makes his tokens himself",
                field="account",
                value=row.login,
            )
        return credentials.make_token(
            connection, key, body.name, TokenScope(body.scope), now,
            layers=body.layers, expires_at=body.expires_at,
        )  # fmt: skip

    made, secret = await entrance.write(act, counted=False)
    return private({"id": made, "token": secret})


@router.get(
    "/tokens",
    summary="全部令牌 | All tokens",
    response_class=Response,
    responses=documented(
        TOKENS,
        {"tokens": [TOKEN_EXAMPLE | {"login": "zhangsan", "account": "张三"}]},
        400, 401, 403, 503,
    ),
)  # fmt: skip
async def list_tokens(entrance: EntranceOf) -> Response:
    """List the tokens of all accounts; the secrets are kept nowhere."""
    await entrance.overseer()
    found = await entrance.write(credentials.tokens, counted=False)
    return private(
        {
            "tokens": [
                told_token(entrance, row) | {"login": row.login, "account": row.display_name}
                for row in found
            ]
        }
    )


@router.delete(
    "/tokens/{key}",
    summary="撤销令牌 | Revoke a token",
    response_class=Response,
    responses=documented(STATUS, DONE, 400, 401, 403, 404, 503),
)
async def revoke_token(entrance: EntranceOf, key: RowKey) -> Response:
    """Revoke somebody's token; the next request that bears it is refused."""
    await entrance.administrator()
    now = entrance.now
    await entrance.write(lambda c: credentials.revoke_token(c, key, now))
    return private(DONE)
