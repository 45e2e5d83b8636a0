"""Administration of accounts: who is there, what is granted to whom, what is taken away again.

Nothing is deleted: accounts are disabled, grants and tokens revoked, sessions ended. Each function
runs in a transaction of the caller's, who commits it with `committing`, so that what was taken
away ends with the next request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from layers import passwords, signing_in
from layers.accounts import (
    Account,
    ApiToken,
    Ended,
    Kind,
    RoleGrant,
    SignInFailure,
    SignInSession,
    TokenScope,
    folded,
    hash_token,
    new_token,
)
from layers.audit import Kind as Act
from layers.audit import note
from layers.base import table_of
from layers.labels import Text
from layers.policy import Role
from layers.problems import BadRequest, Forbidden, Impossible, NotFound
from layers.signing_in import Rules

ACCOUNT, GRANT = table_of(Account), table_of(RoleGrant)
SESSION, TOKEN = table_of(SignInSession), table_of(ApiToken)
LONGEST_TOKEN = timedelta(days=366)
_LOGIN = re.compile(r"[\w.@-]{1,64}")
APART = frozenset((Role.ADMINISTRATOR, Role.AUDITOR))
"""Duties that nobody has together: who gives access is watched by somebody else."""


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
    _noted(connection, "create", (key, name), of=kind.value)
    return key


def _noted(connection: sa.Connection, act: str, whom: tuple[int, str], **details: Any) -> None:
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
) -> str:
    """Give an account a new password, end its sessions and its lock-out; return the password.

    Parameters
    ----------
    password : default a random one.
    must_change : whether it must be changed at the next sign-in.
    """
    row = found(connection, account, lock=True)
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
    _noted(connection, "reset", (row.id, row.login))
    return secret


def forget_second_factor(connection: sa.Connection, account: int | str, now: datetime) -> None:
    """Take the second factor off an account, whose device is lost; its sessions end."""
    row = found(connection, account, lock=True)
    connection.execute(
        sa.update(ACCOUNT)
        .where(ACCOUNT.c.id == row.id)
        .values(totp_secret=None, totp_confirmed_at=None, totp_step=None)
    )
    signing_in.end_sessions(connection, row.id, Ended.BY_ADMINISTRATOR, now)
    _noted(connection, "forget_second_factor", (row.id, row.login))


def disable(
    connection: sa.Connection, account: int | str, now: datetime, *, by: str | None = None
) -> None:
    """Let nobody in by an account any more: its sessions end, its tokens are refused.

    Raises
    ------
    Forbidden : it is one's own, or the last one that administers.
    """
    row = found(connection, account, lock=True)
    _not_ones_own(row.login, by)
    if Role.ADMINISTRATOR in signing_in.roles_of(connection, row.id, now):
        _not_the_last(connection, row.id, now)
    connection.execute(
        sa.update(ACCOUNT)
        .where(ACCOUNT.c.id == row.id, ACCOUNT.c.disabled_at.is_(None))
        .values(disabled_at=now)
    )
    signing_in.end_sessions(connection, row.id, Ended.DISABLED, now)
    _noted(connection, "disable", (row.id, row.login))


def enable(connection: sa.Connection, account: int | str) -> None:
    """Let an account that was disabled in again, with the grants that it still has."""
    row = found(connection, account, lock=True)
    connection.execute(sa.update(ACCOUNT).where(ACCOUNT.c.id == row.id).values(disabled_at=None))
    _noted(connection, "enable", (row.id, row.login))


def unlock(connection: sa.Connection, account: int | str) -> None:
    """Let a locked name be tried again."""
    row = found(connection, account)
    signing_in.unlock(connection, row.login)
    _noted(connection, "unlock", (row.id, row.login))


@dataclass(frozen=True)
class Wanted:
    """A grant that is to be given; without a body it is over the whole estate."""

    role: Role
    body_id: int | None = None
    layers: Sequence[str] | None = None
    valid_until: datetime | None = None


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
    _not_ones_own(row.login, by)
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
    layers = None if wanted.layers is None else sorted(set(wanted.layers))
    same = connection.scalar(
        sa.select(GRANT.c.id).where(
            GRANT.c.account_id == row.id,
            GRANT.c.revoked_at.is_(None),
            GRANT.c.role == wanted.role.value,
            GRANT.c.body_id.is_not_distinct_from(wanted.body_id),
            GRANT.c.layers.is_not_distinct_from(layers),
            GRANT.c.valid_until.is_not_distinct_from(wanted.valid_until),
        )
    )
    if same is not None:
        raise Impossible(
            f"{row.login} 已有同样的授权", f"{row.login} has the same grant already", field="role"
        )
    made = connection.execute(
        sa.insert(GRANT)
        .values(
            account_id=row.id,
            role=wanted.role.value,
            whole_estate=wanted.body_id is None,
            body_id=wanted.body_id,
            layers=layers,
            valid_until=wanted.valid_until,
            origin=origin,
            granted_by=by,
            granted_at=now,
        )
        .returning(GRANT.c.id)
    )
    key = int(made.scalar_one())
    _noted(
        connection,
        "grant",
        (row.id, row.login),
        grant=key,
        role=wanted.role.value,
        body_id=wanted.body_id,
        layers=layers,
        until=wanted.valid_until and wanted.valid_until.isoformat(),
        origin=origin,
    )
    return key


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
    _not_ones_own(row.login, by)
    if row.role == Role.ADMINISTRATOR:
        _not_the_last(connection, row.account_id, now)
    connection.execute(
        sa.update(GRANT).where(GRANT.c.id == grant_id).values(revoked_at=now, revoked_by=by)
    )
    _noted(
        connection,
        "revoke",
        (row.account_id, row.login),
        grant=grant_id,
        role=row.role,
        body_id=row.body_id,
    )
    return int(row.account_id)


def _not_ones_own(login: str, by: str | None) -> None:
    if by is not None and login == by:
        raise Forbidden(
            "不能更改自己的权限或停用自己；请另一位管理员操作",
            "Nobody changes his own rights or disables himself; ask another administrator",
        )


def _not_the_last(connection: sa.Connection, account_id: int, now: datetime) -> None:
    others = connection.scalar(
        sa.select(sa.func.count())
        .select_from(GRANT.join(ACCOUNT, ACCOUNT.c.id == GRANT.c.account_id))
        .where(
            GRANT.c.role == Role.ADMINISTRATOR.value,
            GRANT.c.revoked_at.is_(None),
            sa.or_(GRANT.c.valid_until.is_(None), GRANT.c.valid_until > now),
            GRANT.c.account_id != account_id,
            ACCOUNT.c.disabled_at.is_(None),
        )
    )
    if not others:
        raise Forbidden(
            "这是最后一个系统管理员；请先授予另一个账号",
            "This is the last administrator; grant the role to another account first",
        )


def make_token(
    connection: sa.Connection,
    account_id: int,
    name: str,
    scope: TokenScope,
    now: datetime,
    *,
    layers: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[int, str]:
    """Make a token of an account; return its id and the secret, which is kept nowhere."""
    secret = new_token()
    made = connection.execute(
        sa.insert(TOKEN)
        .values(
            account_id=account_id,
            name=name,
            token_hash=hash_token(secret),
            scope=scope.value,
            layers=None if layers is None else sorted(set(layers)),
            created_at=now,
            expires_at=expires_at,
        )
        .returning(TOKEN.c.id)
    )
    key = int(made.scalar_one())
    whom = account_id, found(connection, account_id).login
    _noted(connection, "make_token", whom, token=key, name=name, scope=scope.value, layers=layers)
    return key, secret


def check_expiry(expires_at: datetime, now: datetime) -> None:
    """Check when a personal token is to expire.

    Raises
    ------
    Impossible : in the past, or in more than a year.
    """
    if not now < expires_at <= now + LONGEST_TOKEN:
        raise Impossible(
            "令牌必须有有效期：从现在起一年以内",
            "A token must expire: within a year from now",
            field="expires_at",
            value=expires_at.isoformat(),
        )


def revoke_token(
    connection: sa.Connection, token_id: int, now: datetime, *, of: int | None = None
) -> None:
    """Revoke a token, of one account alone where `of` names it.

    Raises
    ------
    NotFound : there is none that could still be used.
    """
    query = sa.update(TOKEN).where(TOKEN.c.id == token_id, TOKEN.c.revoked_at.is_(None))
    if of is not None:
        query = query.where(TOKEN.c.account_id == of)
    done = query.values(revoked_at=now).returning(TOKEN.c.account_id)
    owner = connection.scalar(done)
    if owner is None:
        raise NotFound(
            f"没有编号为 {token_id} 的有效令牌", f"There is no token {token_id} that is valid"
        )
    _noted(connection, "revoke_token", (owner, found(connection, owner).login), token=token_id)


def end_session(
    connection: sa.Connection, session_id: int, why: Ended, now: datetime, *, of: int | None = None
) -> None:
    """End one session, of one account alone where `of` names it.

    Raises
    ------
    NotFound : there is none that still goes on.
    """
    query = sa.update(SESSION).where(SESSION.c.id == session_id, SESSION.c.ended_at.is_(None))
    if of is not None:
        query = query.where(SESSION.c.account_id == of)
    done = query.values(ended_at=now, ended_why=why.value).returning(SESSION.c.account_id)
    owner = connection.scalar(done)
    if owner is None:
        raise NotFound(
            f"没有编号为 {session_id} 的会话", f"There is no session {session_id} that goes on"
        )
    whom = owner, found(connection, owner).login
    _noted(connection, "end_session", whom, session=session_id, why=why.value)


def sessions(
    connection: sa.Connection, rules: Rules, now: datetime, account_id: int | None = None
) -> list[Any]:
    """Return the sessions that go on, of one account or of all, the latest used first."""
    lasting = rules.session
    query = (
        sa.select(SESSION, ACCOUNT.c.login, ACCOUNT.c.display_name)
        .join(ACCOUNT, ACCOUNT.c.id == SESSION.c.account_id)
        .where(
            SESSION.c.ended_at.is_(None),
            SESSION.c.created_at > now - lasting.longest,
            SESSION.c.seen_at > now - lasting.idle,
        )
        .order_by(SESSION.c.seen_at.desc(), SESSION.c.id.desc())
    )
    if account_id is not None:
        query = query.where(SESSION.c.account_id == account_id)
    return list(connection.execute(query))


def tokens(connection: sa.Connection, account_id: int | None = None) -> list[Any]:
    """Return the tokens, of one account or of all, revoked ones last."""
    query = (
        sa.select(TOKEN, ACCOUNT.c.login, ACCOUNT.c.display_name)
        .join(ACCOUNT, ACCOUNT.c.id == TOKEN.c.account_id)
        .order_by(TOKEN.c.revoked_at.desc().nulls_first(), TOKEN.c.id.desc())
    )
    if account_id is not None:
        query = query.where(TOKEN.c.account_id == account_id)
    return list(connection.execute(query))


def grants(connection: sa.Connection, account_id: int | None = None) -> list[Any]:
    """Return the grants that were not revoked, also those that ended by the clock."""
    query = sa.select(GRANT).where(GRANT.c.revoked_at.is_(None)).order_by(GRANT.c.id)
    if account_id is not None:
        query = query.where(GRANT.c.account_id == account_id)
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


WHY: dict[Ended, Text] = {
    Ended.SIGNED_OUT: Text("您已退出登录", "You have signed out"),
    Ended.IDLE: Text(
        "长时间未操作或会话到期，已自动退出",
        "The session was unused or has lasted as long as it may, and has ended",
    ),
    Ended.REPLACED: Text(
        "该账号在别处登录，超出同时会话数，此处已退出",
        "The account signed in elsewhere more often than it may at a time, and this session ended",
    ),
    Ended.BY_HOLDER: Text("此会话已由您在别处结束", "You ended this session from elsewhere"),
    Ended.BY_ADMINISTRATOR: Text("此会话已由管理员结束", "An administrator ended this session"),
    Ended.PASSWORD: Text("口令已更改，请重新登录", "The password was changed; sign in again"),
    Ended.DISABLED: Text(
        "账号已停用；请联系管理员", "The account is disabled; ask an administrator"
    ),
}
"""What somebody is told whose session has ended."""
