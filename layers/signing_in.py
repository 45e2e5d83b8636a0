"""Coming in and going out: what is decided at a sign-in, and how sessions end.

Each function runs in a transaction of the caller's, who commits it also where a sign-in is
refused: failures are counted.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from layers import passwords, second_factor
from layers.accounts import (
    Account,
    Ended,
    FormerPassword,
    RoleGrant,
    SessionRules,
    SignInFailure,
    SignInSession,
    folded,
    hash_token,
    new_cookie,
)
from layers.audit import Kind, note
from layers.base import table_of
from layers.labels import Text
from layers.passwords import PasswordRules
from layers.policy import Role
from layers.problems import Impossible
from layers.second_factor import Keys

ACCOUNT, SESSION, GRANT = table_of(Account), table_of(SignInSession), table_of(RoleGrant)
FORMER, FAILURE = table_of(FormerPassword), table_of(SignInFailure)
_FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True)
class Rules:
    """What is asked of whoever comes in.

    Attributes
    ----------
    failures, locked : after so many failures in a row a name is locked for so long.
    password_age : an older password must be changed; None: it holds for ever.
    second_factor : roles whose holders must have one.
    """

    password: PasswordRules = field(default_factory=PasswordRules)
    session: SessionRules = field(default_factory=SessionRules)
    failures: int = 5
    locked: timedelta = timedelta(minutes=15)
    password_age: timedelta | None = None
    second_factor: frozenset[Role] = frozenset((Role.ADMINISTRATOR, Role.AUDITOR))


class Outcome(StrEnum):
    """How a sign-in ended."""

    IN = "in"
    WRONG = "wrong"
    LOCKED = "locked"
    CODE_NEEDED = "code_needed"
    CODE_WRONG = "code_wrong"


@dataclass(frozen=True)
class Answer:
    """What came of a sign-in.

    Attributes
    ----------
    cookie : the session's secret, told once; None where nobody came in.
    replaced : how many older sessions gave way.
    locked_until : when the name may be tried again.
    """

    outcome: Outcome
    account_id: int | None = None
    cookie: str | None = None
    replaced: int = 0
    locked_until: datetime | None = None


@dataclass(frozen=True)
class Given:
    """What somebody gives to come in, and from where."""

    login: str
    password: str
    code: str | None = None
    address: str | None = None
    agent: str | None = None


def sign_in(
    connection: sa.Connection, given: Given, rules: Rules, keys: Keys, now: datetime
) -> Answer:
    """Compare password and second factor, count the failure or begin a session.

    A name that there is not takes as long as a wrong password, writes as much and is locked like
    one that there is. The attempt is counted before the password is compared, and the row that
    counts is held until the end: many at the same moment have no more attempts than one after
    another.
    """
    answer = _compared(connection, given, rules, keys, now)
    if answer.outcome is not Outcome.IN:  # `begin` has recorded that
        _noted(connection, given, answer, now)
    return answer


def _noted(connection: sa.Connection, given: Given, answer: Answer, now: datetime) -> None:
    """Record that a name was tried in vain: an account's as it is, another as a digest alone."""
    digest = digest_of(given.login)
    account = connection.execute(
        sa.select(ACCOUNT.c.id, ACCOUNT.c.login).where(ACCOUNT.c.login == folded(given.login))
    ).one_or_none()
    until = connection.scalar(
        sa.select(FAILURE.c.locked_until).where(FAILURE.c.login_hash == digest)
    )
    note(
        connection,
        Kind.SIGN_IN,
        answer.outcome.value,
        account=(None, None) if account is None else (account.id, account.login),
        name_digest=digest[:16] if account is None else None,
        locked_until=until.isoformat() if until is not None and until > now else None,
    )


def _compared(
    connection: sa.Connection, given: Given, rules: Rules, keys: Keys, now: datetime
) -> Answer:
    digest = digest_of(given.login)
    locked = _count(connection, digest, rules, now)
    if locked is not None:
        return Answer(Outcome.LOCKED, locked_until=locked)
    account = connection.execute(
        sa.select(ACCOUNT).where(
            ACCOUNT.c.login == folded(given.login), ACCOUNT.c.disabled_at.is_(None)
        )
    ).one_or_none()
    kept = account.password_hash if account is not None else None
    right = passwords.matches(given.password[: passwords.LONGEST + 1], kept or passwords.nobodys())
    if account is None or kept is None or not right:
        return Answer(Outcome.WRONG)
    if account.totp_confirmed_at is not None:
        if not given.code:
            # Half of it is right: that is no failure yet.
            _uncount(connection, digest)
            return Answer(Outcome.CODE_NEEDED, account.id)
        if not take_code(connection, account, given.code, keys, now):
            return Answer(Outcome.CODE_WRONG, account.id)
    connection.execute(sa.delete(FAILURE).where(FAILURE.c.login_hash == digest))
    if passwords.outdated(kept):
        connection.execute(
            sa.update(ACCOUNT)
            .where(ACCOUNT.c.id == account.id)
            .values(password_hash=passwords.hashed(given.password))
        )
    return begin(connection, account.id, given, rules.session, now)


def confirm(
    connection: sa.Connection, account_id: int, password: str, rules: Rules, now: datetime
) -> Answer:
    """Compare the password of somebody who is in already; failures count as at the sign-in."""
    account = connection.execute(sa.select(ACCOUNT).where(ACCOUNT.c.id == account_id)).one()
    digest = digest_of(account.login)
    locked = _count(connection, digest, rules, now)
    if locked is not None:
        note(connection, Kind.SIGN_IN, "locked", act="confirm")
        return Answer(Outcome.LOCKED, account_id, locked_until=locked)
    kept = account.password_hash or passwords.nobodys()
    if not passwords.matches(password[: passwords.LONGEST + 1], kept):
        note(connection, Kind.SIGN_IN, "wrong", act="confirm")
        return Answer(Outcome.WRONG, account_id)
    connection.execute(sa.delete(FAILURE).where(FAILURE.c.login_hash == digest))
    return Answer(Outcome.IN, account_id)


def digest_of(login: str) -> str:
    """Return the digest under which failures of a name are counted."""
    return hashlib.sha256(folded(login).encode()).hexdigest()


def _count(connection: sa.Connection, digest: str, rules: Rules, now: datetime) -> datetime | None:
    """Count an attempt; return until when the name is locked where it is locked already."""
    connection.execute(sa.delete(FAILURE).where(FAILURE.c.failed_at < now - _FORGOTTEN))
    first = insert(FAILURE).values(login_hash=digest, failures=0, failed_at=now)
    connection.execute(first.on_conflict_do_nothing())
    mine = FAILURE.c.login_hash == digest
    known = connection.execute(sa.select(FAILURE).where(mine).with_for_update()).one()
    if known.locked_until is not None and now < known.locked_until:
        return known.locked_until  # type: ignore[no-any-return]
    failures = 1 if known.locked_until is not None else known.failures + 1
    until = now + rules.locked if failures >= rules.failures else None
    connection.execute(
        sa.update(FAILURE).where(mine).values(failures=failures, failed_at=now, locked_until=until)
    )
    return None


def _uncount(connection: sa.Connection, digest: str) -> None:
    connection.execute(
        sa.update(FAILURE)
        .where(FAILURE.c.login_hash == digest)
        .values(failures=sa.func.greatest(FAILURE.c.failures - 1, 0), locked_until=None)
    )


def unlock(connection: sa.Connection, login: str) -> bool:
    """Let a name be tried again; False when nothing was counted."""
    done = connection.execute(sa.delete(FAILURE).where(FAILURE.c.login_hash == digest_of(login)))
    return done.rowcount > 0


def take_code(
    connection: sa.Connection, account: Any, code: str, keys: Keys, now: datetime
) -> bool:
    """Whether a code of the second factor is right; each one is taken once."""
    secret = account.totp_secret and keys.decrypt(account.totp_secret)
    step = second_factor.step_of(secret, code, now, account.totp_step) if secret else None
    if step is None:
        return False
    taken = connection.execute(
        sa.update(ACCOUNT)
        .where(
            ACCOUNT.c.id == account.id,
            sa.or_(ACCOUNT.c.totp_step.is_(None), ACCOUNT.c.totp_step < step),
        )
        .values(totp_step=step)
    )
    return taken.rowcount == 1


def begin(
    connection: sa.Connection,
    account_id: int,
    given: Given,
    rules: SessionRules,
    now: datetime,
    method: str = "password",
) -> Answer:
    """Begin a session; where there are too many the oldest end."""
    # One at a time for each account, so that their number holds.
    login = connection.scalar(
        sa.select(ACCOUNT.c.login).where(ACCOUNT.c.id == account_id).with_for_update()
    )
    mine = (SESSION.c.account_id == account_id, SESSION.c.ended_at.is_(None))
    over = sa.or_(
        SESSION.c.created_at <= now - rules.longest, SESSION.c.seen_at <= now - rules.idle
    )
    connection.execute(
        sa.update(SESSION).where(*mine, over).values(ended_at=now, ended_why=Ended.IDLE.value)
    )
    old = (
        sa.select(SESSION.c.id)
        .where(*mine)
        .order_by(SESSION.c.seen_at.desc(), SESSION.c.id.desc())
        .offset(rules.most - 1)
    )
    replaced = connection.execute(
        sa.update(SESSION)
        .where(SESSION.c.id.in_(old.scalar_subquery()))
        .values(ended_at=now, ended_why=Ended.REPLACED.value)
    )
    cookie = new_cookie()
    connection.execute(
        sa.insert(SESSION).values(
            account_id=account_id,
            cookie_hash=hash_token(cookie),
            method=method,
            created_at=now,
            seen_at=now,
            address=given.address,
            agent=(given.agent or "")[:300] or None,
        )
    )
    note(
        connection,
        Kind.SIGN_IN,
        Outcome.IN.value,
        account=(account_id, login),
        method=method,
        replaced=replaced.rowcount or None,
    )
    return Answer(Outcome.IN, account_id, cookie, replaced.rowcount)


def end_sessions(
    connection: sa.Connection,
    account_id: int,
    why: Ended,
    now: datetime,
    *,
    only: int | None = None,
    but: int | None = None,
) -> int:
    """End the sessions of an account, or one of them, or all but one; return how many ended."""
    query = sa.update(SESSION).where(
        SESSION.c.account_id == account_id, SESSION.c.ended_at.is_(None)
    )
    if only is not None:
        query = query.where(SESSION.c.id == only)
    if but is not None:
        query = query.where(SESSION.c.id != but)
    return connection.execute(query.values(ended_at=now, ended_why=why.value)).rowcount


def why_ended(
    connection: sa.Connection, cookie: str, rules: SessionRules, now: datetime
) -> Ended | None:
    """Return why the session of a cookie ended; None when it never was, or goes on."""
    found = connection.execute(
        sa.select(SESSION).where(SESSION.c.cookie_hash == hash_token(cookie))
    ).one_or_none()
    if found is None:
        return None
    if found.ended_why is not None:
        return Ended(found.ended_why)
    return Ended.IDLE if rules.ends_at(found.created_at, found.seen_at) <= now else None


class Wrong(Impossible):
    """A password that may not be taken, or that is not the present one; says which field."""


def set_password(
    connection: sa.Connection,
    account: Any,
    password: str,
    rules: PasswordRules,
    now: datetime,
    *,
    must_change: bool = False,
) -> None:
    """Give an account a password, if it satisfies the rules.

    Raises
    ------
    Wrong : with every rule that it breaks.
    """
    told = passwords.faults(password, (account.login, account.display_name), rules)
    if not told and _was_used(connection, account.id, password, rules.remembered):
        told = [
            Text(
                f"与最近 {rules.remembered} 次用过的口令相同",
                f"it is one of the last {rules.remembered} passwords",
            )
        ]
    if told:
        raise Wrong(
            "新口令不符合要求：" + "；".join(each.zh for each in told),
            "The new password cannot be taken: " + "; ".join(each.en for each in told),
            field="password",
        )
    kept = passwords.hashed(password)
    connection.execute(
        sa.update(ACCOUNT)
        .where(ACCOUNT.c.id == account.id)
        .values(password_hash=kept, password_changed_at=now, must_change=must_change)
    )
    connection.execute(
        sa.insert(FORMER).values(account_id=account.id, password_hash=kept, set_at=now)
    )
    note(connection, Kind.ADMINISTRATION, act="password", whom=account.login, whom_id=account.id)
    newest = (
        sa.select(FORMER.c.id)
        .where(FORMER.c.account_id == account.id)
        .order_by(FORMER.c.set_at.desc(), FORMER.c.id.desc())
        .limit(rules.remembered)
    )
    connection.execute(
        sa.delete(FORMER).where(
            FORMER.c.account_id == account.id, FORMER.c.id.not_in(newest.scalar_subquery())
        )
    )


def _was_used(connection: sa.Connection, account_id: int, password: str, most: int) -> bool:
    former = connection.scalars(
        sa.select(FORMER.c.password_hash)
        .where(FORMER.c.account_id == account_id)
        .order_by(FORMER.c.set_at.desc(), FORMER.c.id.desc())
        .limit(most)
    )
    return any(passwords.matches(password, each) for each in former)


def roles_of(connection: sa.Connection, account_id: int, now: datetime) -> frozenset[Role]:
    """Return the roles that an account holds at a moment."""
    found = connection.scalars(
        sa.select(GRANT.c.role).where(
            GRANT.c.account_id == account_id,
            GRANT.c.revoked_at.is_(None),
            sa.or_(GRANT.c.valid_until.is_(None), GRANT.c.valid_until > now),
        )
    )
    return frozenset(Role(each) for each in found)
