"""Administration: accounts, grants and bodies, for whoever administers or audits."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.account_schemas import (
    ACCOUNTS,
    MADE,
    NEW_ACCOUNT,
    RESET,
    TREE,
)
from api.answers import DONE, documented, private
from api.entrance import Entrance, EntranceOf
from api.routes.my_credentials import (
    RowKey,
    known_layers,
)
from api.schemas import STATUS
from layers import administering, granting, signing_in
from layers.access import ESTATE, rows
from layers.accounts import Kind
from layers.granting import Wanted
from layers.people import BODIES
from layers.policy import ROLES, Role
from layers.problems import BadRequest

router = APIRouter(prefix="/administration", tags=["administration"])
_MOMENT = "2026-10-12T09:00:00+08:00"
_ACCOUNT: dict[str, Any] = {
    "id": 3,
    "login": "zhangsan",
    "name": "张三",
    "kind": "person",
    "password": True,
    "must_change": False,
    "second_factor": True,
    "external": False,
    "locked_until": None,
    "disabled_at": None,
    "created_at": _MOMENT,
    "created_by": "admin",
    "seen_at": _MOMENT,
    "grants": [
        {
            "id": 8,
            "role": "planner",
            "body": {"id": 17, "name": "财政局"},
            "layers": None,
            "valid_until": None,
            "origin": "hand",
            "granted_by": "admin",
            "granted_at": _MOMENT,
            "over": False,
        }
    ],
}


class AccountBody(BaseModel):
    """An account that is to be made."""

    model_config = ConfigDict(extra="forbid")
    login: str = Field(min_length=1, max_length=64, examples=["zhangsan"])
    name: str = Field(min_length=1, max_length=100, examples=["张三"])
    kind: Literal["person", "service"] = "person"


class GrantBody(BaseModel):
    """A grant that is to be given."""

    model_config = ConfigDict(extra="forbid")
    role: Role = Field(examples=["planner"])
    body_id: int | None = Field(
        None, ge=1, le=2**63 - 1,
        description="机构编号，空为全部范围 | id of a body; null: the whole estate",
    )  # fmt: skip
    layers: list[str] | None = Field(
        None, min_length=1, description="限于图层；空为全部 | some layers alone; null: all"
    )
    valid_until: AwareDatetime | None = Field(None, examples=[_MOMENT])


Act = Literal["reset", "disable", "enable", "unlock", "forget-second-factor"]


@router.get(
    "/accounts",
    summary="全部账号 | All accounts with their grants",
    response_class=Response,
    responses=documented(
        ACCOUNTS,
        {
            "accounts": [_ACCOUNT],
            "roles": {"planner": {"zh": "办公用房管理员", "en": "Space planner"}},
            "may_change": True,
        },
        400, 401, 403, 503,
    ),
)  # fmt: skip
async def list_accounts(entrance: EntranceOf) -> Response:
    """List the accounts, with what was granted to them and not revoked."""
    caller = await entrance.overseer()
    now = entrance.now

    def act(connection: sa.Connection) -> tuple[list[Any], list[Any], dict[str, Any]]:
        found = administering.accounts(connection)
        return found, granting.grants(connection), administering.locked(connection, now)

    accounts, grants, locked = await entrance.write(act, counted=False)
    names = await entrance.names(each.body_id for each in grants)
    held: dict[int, list[dict[str, Any]]] = {}
    for each in grants:
        held.setdefault(each.account_id, []).append(_grant(entrance, each, names))
    return private(
        {
            "accounts": [
                _account(entrance, each, held.get(each.id, []), locked) for each in accounts
            ],
            "roles": {role.value: {"zh": text.zh, "en": text.en} for role, text in ROLES.items()},
            "may_change": Role.ADMINISTRATOR in caller.bearer.roles(now),
        }
    )


def _grant(entrance: Entrance, row: Any, names: dict[int, str]) -> dict[str, Any]:
    over = row.valid_until is not None and row.valid_until <= entrance.now
    return {
        "id": row.id,
        "role": row.role,
        "body": None if row.whole_estate else {"id": row.body_id, "name": names.get(row.body_id)},
        "layers": row.layers,
        "valid_until": entrance.local(row.valid_until),
        "origin": row.origin,
        "granted_by": row.granted_by,
        "granted_at": entrance.local(row.granted_at),
        "over": over,
    }


def _account(
    entrance: Entrance, row: Any, grants: list[dict[str, Any]], locked: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": row.id,
        "login": row.login,
        "name": row.display_name,
        "kind": row.kind,
        "password": row.has_password,
        "must_change": row.must_change,
        "second_factor": row.totp_confirmed_at is not None,
        "external": row.subject is not None,
        "locked_until": entrance.local(locked.get(signing_in.digest_of(row.login))),
        "disabled_at": entrance.local(row.disabled_at),
        "created_at": entrance.local(row.created_at),
        "created_by": row.created_by,
        "seen_at": entrance.local(row.seen_at),
        "grants": grants,
    }


@router.post(
    "/accounts",
    summary="新建账号 | Make an account",
    response_class=Response,
    responses=documented(
        NEW_ACCOUNT,
        {"id": 3, "login": "zhangsan", "password": "…"},
        400, 401, 403, 422, 503,
    ),
)  # fmt: skip
async def make_account(entrance: EntranceOf, body: AccountBody) -> Response:
    """Make an account; that of a person has a password that is told this once and must be changed.

    An account of a service has none: give it a token.
    """
    by = (await entrance.administrator()).bearer.login
    rules, now, kind = entrance.config.sign_in, entrance.now, Kind(body.kind)

    def act(connection: sa.Connection) -> dict[str, Any]:
        key = administering.create(connection, body.login, body.name, kind=kind, by=by)
        secret = None
        if kind is Kind.PERSON:
            secret = administering.reset(connection, key, rules, now)
        return {
            "id": key,
            "login": administering.found(connection, key).login,
            "password": secret,
        }

    return private(await entrance.write(act, counted=False))


@router.post(
    "/accounts/{key}/grants",
    summary="授权 | Grant a role",
    response_class=Response,
    responses=documented(MADE, {"id": 8}, 400, 401, 403, 404, 422, 503),
)
async def give_grant(entrance: EntranceOf, key: RowKey, body: GrantBody) -> Response:
    """Grant a role over a body and all below it, or over the whole estate."""
    by = (await entrance.administrator()).bearer.login
    known_layers(body.layers)
    if body.body_id is not None and not await entrance.names([body.body_id]):
        raise BadRequest(
            f"没有编号为 {body.body_id} 的机构",
            f"There is no body {body.body_id}",
            field="body_id",
            value=body.body_id,
        )
    wanted = Wanted(body.role, body.body_id, body.layers, body.valid_until)
    made = await entrance.write(
        partial(granting.grant, account=key, wanted=wanted, now=entrance.now, by=by)
    )
    return private({"id": made})


@router.delete(
    "/grants/{key}",
    summary="撤销授权 | Revoke a grant",
    response_class=Response,
    responses=documented(STATUS, DONE, 400, 401, 403, 404, 503),
)
async def take_grant(entrance: EntranceOf, key: RowKey) -> Response:
    """Revoke a grant; the next request has it no more."""
    by = (await entrance.administrator()).bearer.login
    await entrance.write(partial(granting.revoke, grant_id=key, now=entrance.now, by=by))
    return private(DONE)


@router.post(
    "/accounts/{key}/{act}",
    summary="重置、停用、恢复、解锁 | Reset, disable, enable, unlock, take the second factor off",
    response_class=Response,
    responses=documented(RESET, {"password": None}, 400, 401, 403, 404, 503),
)
async def act_on_account(
    entrance: EntranceOf,
    key: RowKey,
    act: Annotated[Act, Path(description="所为 | what is done", examples=["reset"])],
) -> Response:
    """Do one thing to an account; a new password is told this once and must be changed."""
    by = (await entrance.administrator()).bearer.login
    rules, now = entrance.config.sign_in, entrance.now

    def done(connection: sa.Connection) -> str | None:
        if act == "reset":
            return administering.reset(connection, key, rules, now, by=by)
        if act == "disable":
            administering.disable(connection, key, now, by=by)
        elif act == "enable":
            administering.enable(connection, key)
        elif act == "unlock":
            administering.unlock(connection, key)
        else:
            administering.forget_second_factor(connection, key, now, by=by)
        return None

    return private({"password": await entrance.write(done)})


@router.get(
    "/bodies",
    summary="机构树 | The tree of bodies",
    response_class=Response,
    responses=documented(
        TREE,
        {"bodies": [{"id": 17, "name": "财政局", "code": "017", "parent": 1, "grants": 2}]},
        400, 401, 403, 503,
    ),
)  # fmt: skip
async def list_bodies(entrance: EntranceOf) -> Response:
    """List all bodies, from the root down, with how many grants name each of them."""
    await entrance.overseer()
    body = rows(BODIES, ESTATE)
    found = await entrance.connections.fetch(
        sa.select(body.c.id, body.c.name, body.c.code, body.c.parent_id).order_by(
            sa.func.nlevel(body.c.path), body.c.code, body.c.id
        )
    )
    grants = await entrance.write(granting.grants, counted=False)
    held: dict[int, int] = {}
    for each in grants:
        if each.body_id is not None and (
            each.valid_until is None or each.valid_until > entrance.now
        ):
            held[each.body_id] = held.get(each.body_id, 0) + 1
    return private(
        {
            "bodies": [
                {
                    "id": row["id"],
                    "name": row["name"] or str(row["id"]),
                    "code": row["code"],
                    "parent": row["parent_id"],
                    "grants": held.get(row["id"], 0),
                }
                for row in found
            ]
        }
    )
