"""Accounts: who may come in, what was granted to them, their sessions and their tokens.

These tables are no layers: nobody sees them on the map, and the role that serves the map may read
them without the secrets and write none of them.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, ForeignKey, Identity, Index
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from layers.base import Base
from layers.policy import Role

SECRETS = {"account": ("password_hash", "totp_secret"), "former_password": ("password_hash",)}
"""Columns that the serving role may not even read."""
_CASCADE = "CASCADE"


class Kind(StrEnum):
    """Whose an account is."""

    PERSON = "person"
    SERVICE = "service"


class TokenScope(StrEnum):
    """What may be done with a token, of what its account may do."""

    READ = "read"
    EDIT = "edit"


class Ended(StrEnum):
    """Why a session ended."""

    SIGNED_OUT = "signed_out"
    IDLE = "idle"
    REPLACED = "replaced"
    BY_HOLDER = "by_holder"
    BY_ADMINISTRATOR = "by_administrator"
    PASSWORD = "password"  # noqa: S105 - a reason
    DISABLED = "disabled"


def _in(column: str, values: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(
        sa.column(column).in_([sa.literal_column(f"'{each}'") for each in values]), name=column
    )


def _time(comment: str, **options: Any) -> Any:
    return mapped_column(DateTime(timezone=True), comment=comment, **options)


class Account(Base):
    """Somebody, or something, that may come in."""

    __tablename__ = "account"
    __table_args__ = (_in("kind", Kind), sa.UniqueConstraint("issuer", "subject"))
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="编号 | id")
    login: Mapped[str] = mapped_column(TextType, unique=True, comment="账号名 | name to sign in")
    display_name: Mapped[str] = mapped_column(TextType, comment="姓名 | name that is shown")
    kind: Mapped[str] = mapped_column(
        TextType, server_default=Kind.PERSON.value, comment="种类 | kind"
    )
    password_hash: Mapped[str | None] = mapped_column(
        TextType, comment="口令摘要 | argon2id of the password; none: no sign-in by password"
    )
    password_changed_at: Mapped[datetime | None] = _time("口令更改时间 | password changed at")
    must_change: Mapped[bool] = mapped_column(
        Boolean, server_default="false", comment="须改口令 | must change the password first"
    )
    totp_secret: Mapped[str | None] = mapped_column(
        TextType, comment="动态口令密钥（加密）| secret of the second factor, encrypted"
    )
    totp_confirmed_at: Mapped[datetime | None] = _time("动态口令启用时间 | second factor since")
    totp_step: Mapped[int | None] = mapped_column(
        BigInteger, comment="已用的时间步 | step of the last code that was used"
    )
    issuer: Mapped[str | None] = mapped_column(TextType, comment="身份提供者 | OIDC issuer")
    subject: Mapped[str | None] = mapped_column(TextType, comment="外部标识 | OIDC subject")
    created_at: Mapped[datetime] = _time("创建时间 | created at", server_default=sa.func.now())
    created_by: Mapped[str | None] = mapped_column(TextType, comment="创建者 | created by")
    disabled_at: Mapped[datetime | None] = _time("停用时间 | disabled at")


class FormerPassword(Base):
    """The hash of a password that was in use, which may not come again for a while."""

    __tablename__ = "former_password"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="编号 | id")
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete=_CASCADE), index=True, comment="账号 | account"
    )
    password_hash: Mapped[str] = mapped_column(TextType, comment="口令摘要 | argon2id")
    set_at: Mapped[datetime] = _time("启用时间 | set at", nullable=False)


class RoleGrant(Base):
    """A role over a subtree of bodies or the whole estate, and perhaps some layers alone.

    The body is no key: who deletes a body need not know who was granted it, and a grant over a
    body that is gone gives nothing (an id never comes back but by undoing the deletion).
    """

    __tablename__ = "role_grant"
    __table_args__ = (
        _in("role", Role),
        CheckConstraint("whole_estate = (body_id IS NULL)", name="scope"),
        CheckConstraint("origin IN ('hand', 'group')", name="origin"),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="编号 | id")
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete=_CASCADE), index=True, comment="账号 | account"
    )
    role: Mapped[str] = mapped_column(TextType, comment="角色 | role")
    whole_estate: Mapped[bool] = mapped_column(
        Boolean, server_default="false", comment="全部范围 | over the whole estate"
    )
    body_id: Mapped[int | None] = mapped_column(
        BigInteger, comment="机构范围 | body whose subtree is in scope"
    )
    layers: Mapped[list[str] | None] = mapped_column(
        ARRAY(TextType), comment="限于图层 | some layers alone"
    )
    valid_until: Mapped[datetime | None] = _time("有效期至 | valid until")
    origin: Mapped[str] = mapped_column(
        TextType, server_default="hand", comment="来历 | by hand, or by a group of the sign-on"
    )
    granted_by: Mapped[str | None] = mapped_column(TextType, comment="授予者 | granted by")
    granted_at: Mapped[datetime] = _time("授予时间 | granted at", server_default=sa.func.now())
    revoked_at: Mapped[datetime | None] = _time("撤销时间 | revoked at")
    revoked_by: Mapped[str | None] = mapped_column(TextType, comment="撤销者 | revoked by")


class SignInSession(Base):
    """A browser that somebody signed in with; the cookie itself is kept nowhere."""

    __tablename__ = "sign_in_session"
    __table_args__ = (
        Index(
            "ix_sign_in_session_open", "account_id", postgresql_where=sa.text("ended_at IS NULL")
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="编号 | id")
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete=_CASCADE), comment="账号 | account"
    )
    cookie_hash: Mapped[str] = mapped_column(
        TextType, unique=True, comment="凭据摘要 | SHA-256 of the cookie"
    )
    method: Mapped[str] = mapped_column(TextType, comment="登录方式 | password or oidc")
    created_at: Mapped[datetime] = _time("登录时间 | signed in at", nullable=False)
    seen_at: Mapped[datetime] = _time("最近使用 | last used at, within a minute", nullable=False)
    address: Mapped[str | None] = mapped_column(TextType, comment="地址 | address")
    agent: Mapped[str | None] = mapped_column(TextType, comment="浏览器 | browser")
    ended_at: Mapped[datetime | None] = _time("结束时间 | ended at")
    ended_why: Mapped[str | None] = mapped_column(TextType, comment="结束原因 | why it ended")


class ApiToken(Base):
    """A secret with which a program comes in as an account, with no more than its scope."""

    __tablename__ = "api_token"
    __table_args__ = (_in("scope", TokenScope),)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="编号 | id")
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete=_CASCADE), index=True, comment="账号 | account"
    )
    name: Mapped[str] = mapped_column(TextType, comment="名称 | name")
    token_hash: Mapped[str] = mapped_column(
        TextType, unique=True, comment="令牌摘要 | SHA-256 of the token"
    )
    scope: Mapped[str] = mapped_column(TextType, comment="权限 | read, or edit too")
    layers: Mapped[list[str] | None] = mapped_column(
        ARRAY(TextType), comment="限于图层 | some layers alone"
    )
    created_at: Mapped[datetime] = _time("创建时间 | created at", server_default=sa.func.now())
    expires_at: Mapped[datetime | None] = _time("有效期至 | expires at")
    revoked_at: Mapped[datetime | None] = _time("撤销时间 | revoked at")
    used_at: Mapped[datetime | None] = _time("最近使用 | last used at, within a minute")


class SignInFailure(Base):
    """How often a name was tried in vain, whether or not there is such an account.

    So that a lock-out does not tell which names there are. The name is kept as a digest alone:
    people type passwords into the field of the name.
    """

    __tablename__ = "sign_in_failure"
    login_hash: Mapped[str] = mapped_column(
        TextType, primary_key=True, comment="账号名摘要 | SHA-256 of the name that was given"
    )
    failures: Mapped[int] = mapped_column(sa.Integer, comment="次数 | how often in a row")
    failed_at: Mapped[datetime] = _time("最近一次 | last at", nullable=False, index=True)
    locked_until: Mapped[datetime | None] = _time("锁定至 | locked until")


TABLES = tuple(
    each.__tablename__
    for each in (Account, FormerPassword, RoleGrant, SignInSession, ApiToken, SignInFailure)
)

CLEARED = (FormerPassword.__tablename__, SignInFailure.__tablename__)
"""Of these alone rows are deleted; all others stay, ended or revoked."""


def folded(login: str) -> str:
    """Return a login as it is kept and compared: width and case make no difference."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def new_token() -> str:
    """Return a fresh secret token (256 bits)."""
    return "om_" + secrets.token_urlsafe(32)


def new_cookie() -> str:
    """Return a fresh secret of a session (256 bits)."""
    return secrets.token_urlsafe(32)


def hash_token(secret: str) -> str:
    """Return the digest under which a token or a session is kept.

    A plain SHA-256 is enough: the secret is 256 random bits and cannot be guessed.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_of(cookie: str) -> str:
    """Return what a page must send with each write to show that it could read its own answers."""
    return hashlib.sha256(b"csrf:" + cookie.encode()).hexdigest()


@dataclass(frozen=True)
class SessionRules:
    """How long a session lasts, and how many there may be.

    Attributes
    ----------
    idle : without use for so long it ends.
    longest : it ends in any case.
    most : of one account at the same time; the oldest gives way.
    """

    idle: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=12)
    most: int = 3

    def ends_at(self, since: datetime, seen_at: datetime) -> datetime:
        """Return when a session ends if it is not used from now on."""
        return min(since + self.longest, seen_at + self.idle)
