"""The demo's accounts: one for each role, with a password that everybody knows.

So they are for this machine alone, and none is ever made in an estate.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from layers import administering, granting, passwords, signing_in
from layers.accounts import Account
from layers.audit import Kind, note
from layers.base import table_of
from layers.granting import Wanted
from layers.people import Body
from layers.policy import ROLES, Role

PASSWORD = "Yunting-Demo-1"  # noqa: S105 - everybody knows it
LOGINS = {
    "admin": Role.ADMINISTRATOR,
    "auditor": Role.AUDITOR,
    "assets": Role.ASSET_MANAGER,
    "dispatch": Role.DISPATCHER,
    "space": Role.PLANNER,
    "energy": Role.ENERGY_MANAGER,
    "network": Role.NETWORK_OPERATOR,
    "analyst": Role.ANALYST,
    "viewer": Role.VIEWER,
    "device": Role.DEVICE,
}
_ONE_BODY = frozenset((Role.VIEWER, Role.PLANNER))
"""Roles that see one body and what is below it; all others see the whole estate."""
BODY = "012"
ACCOUNT = table_of(Account)


def ensure(connection: sa.Connection, now: datetime) -> None:
    """Make the accounts that are missing, and let all of them in again with the known password.

    What was granted or revoked while trying the demo stays.
    """
    body_id = connection.scalar(sa.select(Body.id).where(Body.source_key == BODY))
    for login, role in LOGINS.items():
        row = connection.execute(sa.select(ACCOUNT).where(ACCOUNT.c.login == login)).one_or_none()
        if row is None:
            key = administering.create(connection, login, ROLES[role].zh)
            scope = body_id if role in _ONE_BODY else None
            granting.grant(connection, key, Wanted(role, scope), now)
            row = administering.found(connection, key)
        _let_in(connection, row, now)


def _let_in(connection: sa.Connection, row: Any, now: datetime) -> None:
    kept = row.password_hash
    if kept is None or not passwords.matches(PASSWORD, kept):
        kept = passwords.hashed(PASSWORD)
    connection.execute(
        sa.update(ACCOUNT)
        .where(ACCOUNT.c.id == row.id)
        .values(
            password_hash=kept,
            password_changed_at=now,
            must_change=False,
            disabled_at=None,
            totp_secret=None,
            totp_confirmed_at=None,
            totp_step=None,
        )
    )
    signing_in.unlock(connection, row.login)
    note(connection, Kind.ADMINISTRATION, act="demo", whom=row.login, whom_id=row.id)


def told() -> list[tuple[str, str, str]]:
    """Return login, role in Chinese and role in English of each account."""
    return [(login, ROLES[role].zh, ROLES[role].en) for login, role in LOGINS.items()]
