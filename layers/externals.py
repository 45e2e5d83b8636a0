"""Accounts of a single sign-on: made when somebody comes in first, granted what the groups say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from layers import administering, granting
from layers.accounts import Account, folded
from layers.administering import ACCOUNT, GRANT
from layers.audit import Kind, note
from layers.base import table_of
from layers.granting import Wanted
from layers.problems import Forbidden

_LOGIN = re.compile(r"[^\w.@-]")


def account_of(connection: sa.Connection, issuer: str, subject: str, login: str, name: str) -> int:
    """Return the account of somebody whom a provider knows, made where there is none yet.

    It is known by the provider's own number alone: an account of the same name that signs in by
    password is another one, and stays so.

    Raises
    ------
    Forbidden : the account is disabled.
    """
    # Two windows of a newcomer may come back at the same moment.
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(subject))))
    row = connection.execute(
        sa.select(ACCOUNT).where(ACCOUNT.c.issuer == issuer, ACCOUNT.c.subject == subject)
    ).one_or_none()
    if row is not None:
        if row.disabled_at is not None:
            raise Forbidden(
                "账号已停用；请联系系统管理员", "The account is disabled; ask an administrator"
            )
        connection.execute(
            sa.update(ACCOUNT).where(ACCOUNT.c.id == row.id).values(display_name=name)
        )
        return int(row.id)
    key = administering.create(connection, _free(connection, login), name, by=issuer)
    connection.execute(
        sa.update(table_of(Account))
        .where(ACCOUNT.c.id == key)
        .values(issuer=issuer, subject=subject)
    )
    return key


def _free(connection: sa.Connection, login: str) -> str:
    wanted = _LOGIN.sub("-", folded(login))[:56] or "user"
    taken = set(
        connection.scalars(sa.select(ACCOUNT.c.login).where(ACCOUNT.c.login.startswith(wanted)))
    )
    numbers = (f"{wanted}-{n}" for n in range(2, len(taken) + 3))
    return next(each for each in (wanted, *numbers) if each not in taken)


def follow_groups(
    connection: sa.Connection, account_id: int, wanted: Iterable[Wanted], now: datetime
) -> None:
    """Give an account what its groups are granted, and take back what they no longer are.

    What was granted by hand stays.

    Raises
    ------
    Forbidden : the groups give duties that nobody has together.
    """
    held = {
        _key(Wanted(each.role, each.body_id, each.layers)): each.id
        for each in granting.grants(connection, account_id)
        if each.origin == "group" and each.valid_until is None
    }
    due = {_key(each): each for each in wanted}
    for key in held.keys() - due.keys():
        connection.execute(
            sa.update(GRANT)
            .where(GRANT.c.id == held[key])
            .values(revoked_at=now, revoked_by="group")
        )
        whom = administering.found(connection, account_id).login
        note(
            connection, Kind.ADMINISTRATION, act="revoke", whom=whom, whom_id=account_id,
            grant=held[key], role=key[0], origin="group",
        )  # fmt: skip
    by_hand = {
        _key(Wanted(each.role, each.body_id, each.layers))
        for each in granting.grants(connection, account_id)
        if each.origin == "hand" and each.valid_until is None
    }
    for key in sorted(due.keys() - held.keys() - by_hand):
        granting.grant(connection, account_id, due[key], now, origin="group")


def _key(each: Wanted) -> tuple[str, int, tuple[str, ...]]:
    return str(each.role), each.body_id or 0, tuple(sorted(each.layers or ()))
