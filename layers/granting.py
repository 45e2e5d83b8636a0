"""Roles that are granted to accounts and revoked again.

Nothing is deleted. Each function runs in a transaction of the caller's, who commits it with
`committing`, so that what was taken away ends with the next request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from layers import signing_in
from layers.administering import ACCOUNT, GRANT, found, not_ones_own, not_the_last, noted
from layers.policy import Role
from layers.problems import Forbidden, Impossible, NotFound

APART = frozenset((Role.ADMINISTRATOR, Role.AUDITOR))
"""Duties that nobody has together: who gives access is watched by somebody else."""


@dataclass(frozen=True)
class Wanted:
    """A grant that is to be given; without a body it is over the whole estate."""

    role: Role
    body_id: int | None = None
    layers: Sequence[str] | None = None
    valid_until: datetime | None = None

    @property
    def names(self) -> list[str] | None:
        """The layers in one order; None: all."""
        return None if self.layers is None else sorted(set(self.layers))


def grant(
    connection: sa.Connection,
    account: int | str,
    wanted: Wanted,
    now: datetime,
    *,
    by: str | None = None,
    origin: str = "hand",
) -> int:
    """Grant a role to an account; return the grant's id.

    Raises
    ------
    Forbidden : it is one's own account, or the role may not stand beside another that it has.
    Impossible : it has the same grant already, or the grant would have ended before it began.
    """
    row = found(connection, account, lock=True)
    not_ones_own(row.login, by)
    _check(connection, row, wanted, now)
    made = connection.execute(
        sa.insert(GRANT)
        .values(
            account_id=row.id,
            role=wanted.role.value,
            whole_estate=wanted.body_id is None,
            body_id=wanted.body_id,
            layers=wanted.names,
            valid_until=wanted.valid_until,
            origin=origin,
            granted_by=by,
            granted_at=now,
        )
        .returning(GRANT.c.id)
    )
    key = int(made.scalar_one())
    noted(
        connection,
        "grant",
        (row.id, row.login),
        grant=key,
        role=wanted.role.value,
        body_id=wanted.body_id,
        layers=wanted.names,
        until=wanted.valid_until and wanted.valid_until.isoformat(),
        origin=origin,
    )
    return key


def _check(connection: sa.Connection, row: Any, wanted: Wanted, now: datetime) -> None:
    """Refuse a grant that may not be, or is there already, beside those of an account's row."""
    roles = signing_in.roles_of(connection, row.id, now) | {wanted.role}
    if roles >= APART:
        raise Forbidden(
            f"{row.login}：系统管理员与安全审计员不能由同一账号担任；请先撤销其一",
            f"{row.login}: nobody administers and audits at the same time; revoke the one "
            "before the other is granted",
            field="role",
        )
    if wanted.role in APART and (wanted.body_id is not None or wanted.layers is not None):
        raise Impossible(
            "系统管理员与安全审计员不限机构与图层；请不要选择机构或图层",
            "Who administers or audits does so for the whole service; choose no body and no layers",
            field="body_id",
        )
    if wanted.valid_until is not None and wanted.valid_until <= now:
        raise Impossible(
            "有效期已过；请选择以后的时间",
            "It would have ended already; choose a later time",
            field="valid_until",
        )
    same = connection.scalar(
        sa.select(GRANT.c.id).where(
            GRANT.c.account_id == row.id,
            GRANT.c.revoked_at.is_(None),
            GRANT.c.role == wanted.role.value,
            GRANT.c.body_id.is_not_distinct_from(wanted.body_id),
            GRANT.c.layers.is_not_distinct_from(wanted.names),
            GRANT.c.valid_until.is_not_distinct_from(wanted.valid_until),
        )
    )
    if same is not None:
        raise Impossible(
            f"{row.login} 已有同样的授权", f"{row.login} has the same grant already", field="role"
        )


def revoke(
    connection: sa.Connection, grant_id: int, now: datetime, *, by: str | None = None
) -> int:
    """Revoke a grant; return the id of its account.

    Raises
    ------
    NotFound : there is no such grant, or it was revoked before.
    Forbidden : it is one's own, or that of the last one who administers.
    """
    row = connection.execute(
        sa.select(GRANT, ACCOUNT.c.login)
        .join(ACCOUNT, ACCOUNT.c.id == GRANT.c.account_id)
        .where(GRANT.c.id == grant_id, GRANT.c.revoked_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(
            f"没有编号为 {grant_id} 的有效授权", f"There is no grant {grant_id} that holds"
        )
    not_ones_own(row.login, by)
    if row.role == Role.ADMINISTRATOR:
        not_the_last(connection, row.account_id)
    connection.execute(
        sa.update(GRANT).where(GRANT.c.id == grant_id).values(revoked_at=now, revoked_by=by)
    )
    noted(
        connection,
        "revoke",
        (row.account_id, row.login),
        grant=grant_id,
        role=row.role,
        body_id=row.body_id,
    )
    return int(row.account_id)


def grants(connection: sa.Connection, account_id: int | None = None) -> list[Any]:
    """Return the grants that were not revoked, also those that ended by the clock."""
    query = sa.select(GRANT).where(GRANT.c.revoked_at.is_(None)).order_by(GRANT.c.id)
    if account_id is not None:
        query = query.where(GRANT.c.account_id == account_id)
    return list(connection.execute(query))
