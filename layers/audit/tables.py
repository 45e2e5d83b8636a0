"""What is recorded: the records that wait, those that are sealed, and the seals."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from layers.base import Base


class Kind(StrEnum):
    """What kind of act a record is about."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    REFUSAL = "refusal"
    READ = "read"
    EXPORT = "export"
    CHANGE = "change"
    ADMINISTRATION = "administration"
    IMPORT = "import"
    BACKUP = "backup"
    RESTORE = "restore"
    PRUNE = "prune"
    VERIFY = "verify"
    DROPPED = "dropped"


def _text(comment: str) -> Any:
    return mapped_column(TextType, comment=comment)


_TEXTS = ("kind", "account", "address", "request", "route", "layer", "outcome")


class _Told:
    """The columns that a record has from the beginning."""

    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=sa.func.clock_timestamp(), comment="时间 | time"
    )
    kind: Mapped[str] = _text("种类 | kind of act")
    account_id: Mapped[int | None] = mapped_column(BigInteger, comment="账号编号 | id of account")
    account: Mapped[str | None] = _text("账号 | account, as it was called then")
    address: Mapped[str | None] = _text("来源地址 | address from which it came")
    request: Mapped[str | None] = _text("请求编号 | id of the request")
    route: Mapped[str | None] = _text("接口或命令 | route or command")
    layer: Mapped[str | None] = _text("图层 | layer")
    outcome: Mapped[str] = _text("结果 | outcome")
    details: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default="{}", comment="详情 | details"
    )


class AuditWaiting(_Told, Base):
    """A record that was committed and is not sealed yet.

    Whoever serves may add what he likes, so that the table itself refuses what no sealer could
    read: times without end, texts and details without measure.
    """

    __tablename__ = "audit_waiting"
    __table_args__ = (
        CheckConstraint(
            "at >= '1970-01-01 00:00:00+00' AND at < '2200-01-01 00:00:00+00'", name="at"
        ),
        CheckConstraint(
            " AND ".join(f"octet_length({each}) <= 2000" for each in _TEXTS), name="texts"
        ),
        CheckConstraint(
            "octet_length(details::text) <= 32000 "
            "AND NOT jsonb_path_exists(details, 'strict $.**{12}')",
            name="details",
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="编号 | id")


class AuditRecord(_Told, Base):
    """A sealed record."""

    __tablename__ = "audit_record"
    __table_args__ = (
        Index("ix_audit_record_at", "at"),
        Index("ix_audit_record_account_number", "account", "number"),
        Index("ix_audit_record_kind_number", "kind", "number"),
    )
    number: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="序号，无间断 | without a gap"
    )
    batch: Mapped[int] = mapped_column(BigInteger, index=True, comment="批次 | batch")
    mac: Mapped[str] = _text("校验码 | HMAC-SHA256 of the record")


class AuditSeal(Base):
    """The seal of a batch; that of the last one pruned stays, as the mark where records begin."""

    __tablename__ = "audit_seal"
    batch: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="批次，无间断 | without a gap"
    )
    first: Mapped[int] = mapped_column(BigInteger, comment="首个序号 | first number")
    last: Mapped[int] = mapped_column(BigInteger, comment="末个序号 | last number")
    count: Mapped[int] = mapped_column(BigInteger, comment="条数 | how many")
    sealed_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), index=True, comment="封存时间 | sealed at"
    )
    key: Mapped[str] = _text("钥匙编号 | which key")
    previous: Mapped[str] = _text("前一批校验码 | code of the batch before")
    mac: Mapped[str] = _text("校验码 | HMAC-SHA256 of the batch and of all before it")
    pruned_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="清理时间 | when all up to here was pruned"
    )
    mark: Mapped[str | None] = _text("清理校验码 | HMAC-SHA256 of that")


WAITING: Final = AuditWaiting.__tablename__
RECORD: Final = AuditRecord.__tablename__
SEAL: Final = AuditSeal.__tablename__
TABLES: Final = (WAITING, RECORD, SEAL)
