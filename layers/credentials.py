"""What accounts sign in with and hold: sessions and tokens, and how they end.

Nothing is deleted. Each function runs in a transaction of the caller's, who commits it with
`committing`, so that what was taken away ends with the next request.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from layers.accounts import ApiToken, Ended, SignInSession, TokenScope, hash_token, new_token
from layers.administering import ACCOUNT, found, noted
from layers.base import table_of
from layers.labels import Text
from layers.problems import Impossible, NotFound
from layers.signing_in import Rules

SESSION, TOKEN = table_of(SignInSession), table_of(ApiToken)
LONGEST_TOKEN = timedelta(days=366)


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
    noted(connection, "make_token", whom, token=key, name=name, scope=scope.value, layers=layers)
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
    noted(connection, "revoke_token", (owner, found(connection, owner).login), token=token_id)


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
    noted(connection, "end_session", whom, session=session_id, why=why.value)


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
