"""Access tokens: made, listed and revoked by whoever runs the service."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from layers.access import Account, hash_token, new_token
from layers.people import Body
from onemap.trouble import ExitCode, Trouble


def create(connection: sa.Connection, name: str, *, body: str | None, edit: bool = False) -> str:
    """Make a token for the subtree of one body, or for the whole estate, and return it.

    Parameters
    ----------
    body : str, optional
        The source key of a body; None gives the whole estate.
    edit : whether it may change what these bodies own.
    """
    taken = connection.scalar(sa.select(Account.id).where(Account.name == name))
    if taken is not None:
        raise Trouble(
            ExitCode.USAGE,
            f"名称 {name} 已用过。请另取一个。",
            f"The name {name} was used before. Choose another.",
        )
    body_id = None if body is None else _body_id(connection, body)
    secret = new_token()
    connection.execute(
        sa.insert(Account).values(
            name=name,
            token_hash=hash_token(secret),
            body_id=body_id,
            whole_estate=body is None,
            may_edit=edit,
        )
    )
    return secret


def _body_id(connection: sa.Connection, key: str) -> int:
    found = connection.scalars(sa.select(Body.id).where(Body.source_key == key)).all()
    if len(found) != 1:
        raise Trouble(
            ExitCode.USAGE,
            f"代码为 {key} 的机构有 {len(found)} 个，应为 1 个。请先导入机构，或检查代码。",
            f"There are {len(found)} bodies with the code {key}, not one. Import the bodies "
            "first, or check the code.",
        )
    return int(found[0])


def listed(connection: sa.Connection) -> list[dict[str, Any]]:
    """List all tokens, revoked ones too; the secrets are not kept anywhere."""
    query = (
        sa.select(
            Account.name,
            Body.source_key.label("body"),
            Account.whole_estate,
            Account.may_edit,
            Account.created_at,
            Account.revoked_at,
        )
        .outerjoin(Body, Body.id == Account.body_id)
        .order_by(Account.created_at)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def revoke(connection: sa.Connection, name: str) -> None:
    """Revoke a token; requests that bear it are refused from the commit on."""
    ended = connection.execute(
        sa.update(Account)
        .where(Account.name == name, Account.revoked_at.is_(None))
        .values(revoked_at=sa.func.now())
    )
    if ended.rowcount == 0:
        raise Trouble(
            ExitCode.USAGE,
            f"没有名为 {name} 的有效令牌。见 onemap token list。",
            f"There is no valid token called {name}. See onemap token list.",
        )
