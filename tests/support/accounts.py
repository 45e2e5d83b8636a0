"""Accounts that tests need: with a token, or with a password."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from layers import administering, granting, signing_in
from layers.accounts import Account, ApiToken, Kind, TokenScope, hash_token
from layers.base import table_of
from layers.granting import Wanted
from layers.policy import BUSINESS, Role
from layers.signing_in import Rules

PASSWORD = "Correct-Horse-7"


def with_token(
    connection: sa.Connection,
    name: str,
    token: str,
    *,
    body_id: int | None = None,
    whole_estate: bool = False,
    edit: bool = False,
    roles: Iterable[Role] = BUSINESS,
) -> int:
    """Make a service's account with a token; without body and estate nothing is granted."""
    key = administering.create(connection, name, name, kind=Kind.SERVICE)
    another_token(connection, key, token, name, edit=edit)
    if whole_estate or body_id is not None:
        for role in roles:
            granting.grant(connection, key, Wanted(role, body_id), datetime.now(UTC))
    return key


def another_token(
    connection: sa.Connection, account: int, token: str, name: str, *, edit: bool = False
) -> None:
    """Give an account a token; without `edit` it reads alone."""
    connection.execute(
        sa.insert(table_of(ApiToken)).values(
            account_id=account,
            name=name,
            token_hash=hash_token(token),
            scope=(TokenScope.EDIT if edit else TokenScope.READ).value,
        )
    )


def revoke_all(connection: sa.Connection, *, again: bool = False) -> None:
    """Revoke all tokens, or let them be valid again."""
    moment = None if again else sa.func.now()
    connection.execute(sa.update(table_of(ApiToken)).values(revoked_at=moment))


def person(
    connection: sa.Connection,
    login: str,
    *grants: Wanted | Role,
    password: str = PASSWORD,
    must_change: bool = False,
    now: datetime | None = None,
) -> int:
    """Make somebody's account with a password and grants; a role alone is over the whole estate."""
    moment = now or datetime.now(UTC)
    key = administering.create(connection, login, login)
    row: Any = connection.execute(
        sa.select(table_of(Account)).where(table_of(Account).c.id == key)
    ).one()
    signing_in.set_password(
        connection, row, password, Rules().password, moment, must_change=must_change
    )
    for each in grants:
        wanted = each if isinstance(each, Wanted) else Wanted(each)
        granting.grant(connection, key, wanted, moment)
    return key
