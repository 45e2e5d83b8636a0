"""Access tokens of services: made, listed and revoked by whoever runs the service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from layers import administering, credentials, granting
from layers.accounts import Account, ApiToken, Kind, RoleGrant, TokenScope, folded
from layers.audit import Kind as Act
from layers.audit import note
from layers.base import table_of
from layers.granting import Wanted
from layers.people import Body
from layers.policy import BUSINESS
from onemap.trouble import ExitCode, Trouble

ACCOUNT, TOKEN, GRANT = table_of(Account), table_of(ApiToken), table_of(RoleGrant)


def create(connection: sa.Connection, name: str, *, body: str | None, edit: bool = False) -> str:
    """Make a service account with a token over one body or the whole estate; return the token.

    Parameters
    ----------
    body : str, optional
        The source key of a body; None gives the whole estate.
    edit : whether it may change what these bodies own.
    """
    taken = connection.scalar(sa.select(ACCOUNT.c.id).where(ACCOUNT.c.login == folded(name)))
    if taken is not None:
        raise Trouble(
            ExitCode.USAGE,
            f"名称 {name} 已用过。请另取一个。",
            f"The name {name} was used before. Choose another.",
        )
    now = datetime.now(UTC)
    body_id = None if body is None else body_of(connection, body)
    account = administering.create(connection, name, name, kind=Kind.SERVICE)
    for role in BUSINESS:
        granting.grant(connection, account, Wanted(role, body_id), now)
    scope = TokenScope.EDIT if edit else TokenScope.READ
    return credentials.make_token(connection, account, name, scope, now)[1]


def body_of(connection: sa.Connection, key: str) -> int:
    """Return the id of the one body with a code.

    Raises
    ------
    Trouble : there is none, or more than one.
    """
    found = connection.scalars(sa.select(Body.id).where(Body.source_key == key)).all()
    if len(found) != 1:
        raise Trouble(
            ExitCode.USAGE,
            f"代码为 {key} 的机构有 {len(found)} 个，应为 1 个。请先导入机构，或检查代码。",
            f"There are {len(found)} bodies with the code {key}, not one. Import the bodies "
            "first, or check the code.",
        )
    return int(found[0])


def body_codes(connection: sa.Connection) -> dict[int, str]:
    """Return the code (source key) of each body by its id."""
    rows = connection.execute(sa.select(Body.id, Body.source_key))
    return {row.id: row.source_key or str(row.id) for row in rows}


def listed(connection: sa.Connection) -> list[dict[str, Any]]:
    """List all tokens, revoked ones too; the secrets are not kept anywhere."""
    body = table_of(Body)
    bodies = (
        sa.select(sa.func.string_agg(sa.distinct(body.c.source_key), sa.literal(",")))
        .select_from(GRANT.join(body, body.c.id == GRANT.c.body_id))
        .where(GRANT.c.account_id == ACCOUNT.c.id, GRANT.c.revoked_at.is_(None))
        .scalar_subquery()
    )
    whole = sa.exists().where(
        GRANT.c.account_id == ACCOUNT.c.id, GRANT.c.revoked_at.is_(None), GRANT.c.whole_estate
    )
    query = (
        sa.select(
            TOKEN.c.name,
            ACCOUNT.c.login.label("account"),
            bodies.label("body"),
            whole.label("whole_estate"),
            (TOKEN.c.scope == TokenScope.EDIT.value).label("may_edit"),
            TOKEN.c.created_at,
            TOKEN.c.expires_at,
            sa.func.coalesce(TOKEN.c.revoked_at, ACCOUNT.c.disabled_at).label("revoked_at"),
        )
        .join(ACCOUNT, ACCOUNT.c.id == TOKEN.c.account_id)
        .order_by(TOKEN.c.created_at, TOKEN.c.id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def revoke(connection: sa.Connection, name: str) -> None:
    """Revoke the tokens of a service; requests that bear one are refused from the commit on."""
    account = sa.select(ACCOUNT.c.id).where(
        ACCOUNT.c.login == folded(name), ACCOUNT.c.kind == Kind.SERVICE.value
    )
    ended = connection.execute(
        sa.update(TOKEN)
        .where(TOKEN.c.account_id.in_(account.scalar_subquery()), TOKEN.c.revoked_at.is_(None))
        .values(revoked_at=sa.func.now())
    )
    if ended.rowcount == 0:
        raise Trouble(
            ExitCode.USAGE,
            f"没有名为 {name} 的有效令牌。见 onemap token list。",
            f"There is no valid token called {name}. See onemap token list.",
        )
    note(connection, Act.ADMINISTRATION, act="revoke_token", whom=folded(name))
