"""Administration of accounts: who is there, what is granted to whom, what is taken away again.

Nothing is deleted: accounts are disabled, grants and tokens revoked, sessions ended. Each function
runs in a transaction of the caller's, who commits it with `committing`, so that what was taken
away ends with the next request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from layers import passwords, signing_in
from layers.accounts import (
    Account,
    Ended,
    Kind,
    RoleGrant,
    SignInFailure,
    SignInSession,
    folded,
)
from layers.audit import Kind as Act
from layers.audit import note
from layers.base import table_of
from layers.policy import Role
from layers.problems import BadRequest, Forbidden, Impossible, NotFound
from layers.signing_in import Rules

ACCOUNT, GRANT = table_of(Account), table_of(RoleGrant)
SESSION = table_of(SignInSession)
_LOGIN = re.compile(r"[\w.@-]{1,64}")


def create(
    connection: sa.Connection,
    login: str,
    display_name: str,
    *,
    kind: Kind = Kind.PERSON,
    by: str | None = None,
) -> int:
    """Make an account without password and grants; return its id.

    Raises
    ------
    Impossible : the login is taken, or holds what it may not.
    """
    name = folded(login)
    if not _LOGIN.fullmatch(name):
        raise Impossible(
            f"账号名“{login}”无效：1 至 64 个字母、数字、汉字或 . _ - @，不含空格",
            f"'{login}' is no login: 1 to 64 letters, digits, or . _ - @, without spaces",
            field="login",
            value=login,
        )
    if connection.scalar(sa.select(ACCOUNT.c.id).where(ACCOUNT.c.login == name)) is not None:
        raise Impossible(
            f"账号名 {name} 已存在；请另取一个",
            f"There is an account called {name} already; choose another name",
            field="login",
            value=login,
        )
    made = connection.execute(
        sa.insert(ACCOUNT)
        .values(
            login=name, display_name=display_name.strip() or name, kind=kind.value, created_by=by
        )
        .returning(ACCOUNT.c.id)
    )
    key = int(made.scalar_one())
    noted(connection, "create", (key, name), of=kind.value)
    return key


def noted(connection: sa.Connection, act: str, whom: tuple[int, str], **details: Any) -> None:
    """Record what is done to an account."""
    note(connection, Act.ADMINISTRATION, act=act, whom=whom[1], whom_id=whom[0], **details)


def found(connection: sa.Connection, account: int | str, *, lock: bool = False) -> Any:
    """Return the row of an account, by id or login.

    Raises
    ------
    NotFound : there is none.
    """
    mine = (
        ACCOUNT.c.id == account
        if isinstance(account, int)
        else (ACCOUNT.c.login == folded(account))
    )
    query = sa.select(ACCOUNT).where(mine)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"没有账号 {account}", f"There is no account {account}")
    return row


def reset(
    connection: sa.Connection,
    account: int | str,
    rules: Rules,
    now: datetime,
    *,
    password: str | None = None,
    must_change: bool = True,
    by: str | None = None,
) -> str:
    """Give an account a new password, end its sessions and its lock-out; return the password.

    Parameters
    ----------
    password : default a random one.
    must_change : whether it must be changed at the next sign-in.
    by : who does it over the network; None: whoever runs the service.

    Raises
    ------
    Forbidden : it is one's own, or an auditor's.
    """
    row = found(connection, account, lock=True)
    _others_alone(connection, row, now, by)
    if row.kind != Kind.PERSON:
        raise BadRequest(
            "服务账号没有口令；请用令牌",
            "An account of a service has no password; use a token",
            field="account",
            value=row.login,
        )
    secret = password or passwords.invented()
    signing_in.set_password(connection, row, secret, rules.password, now, must_change=must_change)
    signing_in.end_sessions(connection, row.id, Ended.PASSWORD, now)
    signing_in.unlock(connection, row.login)
    noted(connection, "reset", (row.id, row.login))
    return secret


def forget_second_factor(
    connection: sa.Connection, account: int | str, now: datetime, *, by: str | None = None
) -> None:
    """Take the second factor off an account, whose device is lost; its sessions end.

    Raises
    ------
    Forbidden : it is one's own, or an auditor's.
    """
    row = found(connection, account, lock=True)
    _others_alone(connection, row, now, by)
    connection.execute(
        sa.update(ACCOUNT)
        .where(ACCOUNT.c.id == row.id)
        .values(totp_secret=None, totp_confirmed_at=None, totp_step=None)
    )
    signing_in.end_sessions(connection, row.id, Ended.BY_ADMINISTRATOR, now)
    noted(connection, "forget_second_factor", (row.id, row.login))


def disable(
    connection: sa.Connection, account: int | str, now: datetime, *, by: str | None = None
) -> None:
    """Let nobody in by an account any more: its sessions end, its tokens are refused.

    Raises
    ------
    Forbidden : it is one's own, or the last one that administers.
    """
    row = found(connection, account, lock=True)
    not_ones_own(row.login, by)
    if Role.ADMINISTRATOR in signing_in.roles_of(connection, row.id, now):
        not_the_last(connection, row.id)
    connection.execute(
        sa.update(ACCOUNT)
        .where(ACCOUNT.c.id == row.id, ACCOUNT.c.disabled_at.is_(None))
        .values(disabled_at=now)
    )
    signing_in.end_sessions(connection, row.id, Ended.DISABLED, now)
    noted(connection, "disable", (row.id, row.login))


def enable(connection: sa.Connection, account: int | str) -> None:
    """Let an account that was disabled in again, with the grants that it still has."""
    row = found(connection, account, lock=True)
    connection.execute(sa.update(ACCOUNT).where(ACCOUNT.c.id == row.id).values(disabled_at=None))
    noted(connection, "enable", (row.id, row.login))


def unlock(connection: sa.Connection, account: int | str) -> None:
    """Let a locked name be tried again."""
    row = found(connection, account)
    signing_in.unlock(connection, row.login)
    noted(connection, "unlock", (row.id, row.login))


def not_ones_own(login: str, by: str | None) -> None:
    """Refuse who would change his own rights.

    Raises
    ------
    Forbidden : the account is that of `by`.
    """
    if by is not None and login == by:
        raise Forbidden(
            "不能更改自己的权限或停用自己；请另一位管理员操作",
            "Nobody changes his own rights or disables himself; ask another administrator",
        )


def _others_alone(connection: sa.Connection, row: Any, now: datetime, by: str | None) -> None:
    """Refuse to give out anew, over the network, what one's own account or an auditor's needs.

    A browser that was left open could take its holder's account over, and who administers could
    come in as who audits him.
    """
    not_ones_own(row.login, by)
    if by is not None and Role.AUDITOR in signing_in.roles_of(connection, row.id, now):
        raise Forbidden(
            "安全审计员的口令与动态口令只能在服务器上重置：onemap user reset "
            "账号名，手机丢失时加 --second-factor",
            "What an auditor signs in with is reset on the server alone: onemap user "
            "reset LOGIN, with --second-factor where the phone is lost",
        )


def not_the_last(connection: sa.Connection, account_id: int) -> None:
    """Refuse to take the role of the last account that administers.

    Raises
    ------
    Forbidden : there is no other that could sign in.
    """
    # One at a time: two who take the role from each other would each see the other still there.
    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtext("onemap.administrators"))
    connection.execute(sa.select(lock))
    others = connection.scalar(
        sa.select(sa.func.count())
        .select_from(GRANT.join(ACCOUNT, ACCOUNT.c.id == GRANT.c.account_id))
        .where(
            GRANT.c.role == Role.ADMINISTRATOR.value,
            GRANT.c.revoked_at.is_(None),
            GRANT.c.valid_until.is_(None),  # one that ends by the clock leaves nobody
            GRANT.c.account_id != account_id,
            ACCOUNT.c.disabled_at.is_(None),
            ACCOUNT.c.kind == Kind.PERSON.value,  # a service cannot sign in
        )
    )
    if not others:
        raise Forbidden(
            "这是最后一个系统管理员；请先授予另一个账号",
            "This is the last administrator; grant the role to another account first",
        )


def holders(connection: sa.Connection, roles: Iterable[Role], now: datetime) -> list[Any]:
    """Return login, role, second factor and issuer of the persons who hold one of some roles now.

    Disabled accounts and grants that are over or revoked do not count, nor does an administrator
    whose grant ends by the clock: that one leaves nobody (`not_the_last`).
    """
    in_force = sa.or_(
        GRANT.c.valid_until.is_(None),
        sa.and_(GRANT.c.valid_until > now, GRANT.c.role != Role.ADMINISTRATOR.value),
    )
    query = (
        sa.select(ACCOUNT.c.login, GRANT.c.role, ACCOUNT.c.totp_confirmed_at, ACCOUNT.c.issuer)
        .select_from(GRANT.join(ACCOUNT, ACCOUNT.c.id == GRANT.c.account_id))
        .where(
            GRANT.c.role.in_([role.value for role in roles]),
            GRANT.c.revoked_at.is_(None),
            in_force,
            ACCOUNT.c.disabled_at.is_(None),
            ACCOUNT.c.kind == Kind.PERSON.value,
        )
        .distinct()
        .order_by(ACCOUNT.c.login)
    )
    return list(connection.execute(query))


def accounts(connection: sa.Connection) -> list[Any]:
    """Return all accounts by login, without their secrets, and when each was last seen."""
    seen = (
        sa.select(sa.func.max(SESSION.c.seen_at))
        .where(SESSION.c.account_id == ACCOUNT.c.id)
        .scalar_subquery()
    )
    hidden = {"password_hash", "totp_secret", "totp_step"}
    shown = [c for c in ACCOUNT.columns if c.name not in hidden]
    has = ACCOUNT.c.password_hash.is_not(None).label("has_password")
    return list(
        connection.execute(sa.select(*shown, has, seen.label("seen_at")).order_by(ACCOUNT.c.login))
    )


def locked(connection: sa.Connection, now: datetime) -> dict[str, datetime]:
    """Return until when names are locked, by the digest of the name."""
    failure = table_of(SignInFailure)
    rows = connection.execute(
        sa.select(failure.c.login_hash, failure.c.locked_until).where(failure.c.locked_until > now)
    )
    return {row.login_hash: row.locked_until for row in rows}
