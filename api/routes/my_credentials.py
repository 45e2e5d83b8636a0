"""What one signs in with and holds oneself: sessions, and tokens for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.account_schemas import NEW_TOKEN, SESSIONS, TOKENS
from api.answers import DONE, documented, private
from api.callers import Caller, refuse_wanting
from api.entrance import Entrance, EntranceOf
from api.schemas import STATUS
from layers import credentials
from layers.accounts import Ended, TokenScope
from layers.problems import BadRequest, NotFound
from layers.registry import layer as layer_named

router = APIRouter(tags=["me"])
_MOMENT = "2026-10-12T09:00:00+08:00"
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
RowKey = Annotated[int, Path(ge=1, le=2**63 - 1, description="编号 | id", examples=[5])]


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
        lambda connection: credentials.sessions(connection, rules, now, key), counted=False
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
    await entrance.write(lambda c: credentials.end_session(c, key, Ended.BY_HOLDER, now, of=own))
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
    found = await entrance.write(lambda c: credentials.tokens(c, key), counted=False)
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
        return credentials.make_token(
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
    credentials.check_expiry(expires_at, now)


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
    await entrance.write(lambda c: credentials.revoke_token(c, key, now, of=own))
    return private(DONE)
