"""Tables beside the estate: settings of the database, imports with their issues, and search."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    UniqueConstraint,
    func,
)
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from layers.base import Base


class Meta(Base):
    """Facts about this database: the demo's mark and clock, the seed, the edition of the schema."""

    __tablename__ = "meta"
    key: Mapped[str] = mapped_column(TextType, primary_key=True, comment="键 | key")
    value: Mapped[Any] = mapped_column(JSONB, comment="值 | value")


class ImportBatch(Base):
    """One run of an importer over one source: what was read, decided and done."""

    __tablename__ = "import_batch"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="编号 | id")
    kind: Mapped[str] = mapped_column(TextType, comment="种类 | kind")
    source: Mapped[str] = mapped_column(TextType, comment="数据来源 | source")
    files: Mapped[list[Any]] = mapped_column(JSONB, comment="文件 | files with size and digest")
    crs: Mapped[str | None] = mapped_column(TextType, comment="坐标系 | coordinate system")
    crs_decided: Mapped[str | None] = mapped_column(
        TextType, comment="如何确定 | how the system was decided"
    )
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="数量 | counts of the report")
    actor: Mapped[str | None] = mapped_column(TextType, comment="操作者 | actor")
    started_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="开始时间 | started at"
    )
    finished_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="结束时间 | finished at"
    )


class ImportIssue(Base):
    """Something about one row of a file, and what was done about it."""

    __tablename__ = "import_issue"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="编号 | id")
    batch_id: Mapped[int] = mapped_column(
        ForeignKey("import_batch.id", ondelete="CASCADE"), index=True, comment="批次 | batch"
    )
    file: Mapped[str] = mapped_column(TextType, comment="文件 | file")
    row: Mapped[int | None] = mapped_column(Integer, comment="行 | row in the file, from 1")
    field: Mapped[str | None] = mapped_column(TextType, comment="字段 | field")
    value: Mapped[str | None] = mapped_column(TextType, comment="值 | value")
    reason: Mapped[str] = mapped_column(TextType, comment="原因代码 | reason code")
    zh: Mapped[str] = mapped_column(TextType, comment="说明 | message in Chinese")
    en: Mapped[str] = mapped_column(TextType, comment="英文说明 | message in English")
    action: Mapped[str] = mapped_column(TextType, comment="处理 | what was done")


class Quarantine(Base):
    """A row that could not be loaded, kept whole until it is mended and imported again."""

    __tablename__ = "quarantine"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="编号 | id")
    batch_id: Mapped[int] = mapped_column(
        ForeignKey("import_batch.id", ondelete="CASCADE"), index=True, comment="批次 | batch"
    )
    layer: Mapped[str] = mapped_column(TextType, comment="图层 | layer")
    file: Mapped[str] = mapped_column(TextType, comment="文件 | file")
    row: Mapped[int | None] = mapped_column(Integer, comment="行 | row in the file, from 1")
    values: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="原值 | the row as it was read")
    geometry: Mapped[str | None] = mapped_column(TextType, comment="几何 | geometry as WKT")
    reasons: Mapped[list[Any]] = mapped_column(JSONB, comment="原因 | reasons")


class HandEdit(Base):
    """What a file last said of a value that was changed by hand since, or of a row deleted so.

    Kept for these values alone: of every other one the row itself says what its file said last.
    """

    __tablename__ = "hand_edit"
    __table_args__ = (UniqueConstraint("layer", "source", "source_key", "field"),)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="编号 | id")
    layer: Mapped[str] = mapped_column(TextType, comment="表 | table")
    source: Mapped[str] = mapped_column(TextType, comment="数据来源 | source")
    source_key: Mapped[str] = mapped_column(TextType, comment="来源键 | source key")
    row_id: Mapped[int] = mapped_column(BigInteger, comment="行编号 | id of the row")
    field: Mapped[str] = mapped_column(
        TextType, comment="字段；空为整行删除 | field; empty: the row was deleted"
    )
    imported: Mapped[Any] = mapped_column(
        JSONB, nullable=True, comment="文件原值 | what the file said last"
    )
    offered: Mapped[Any] = mapped_column(
        JSONB, nullable=True, comment="待定新值 | what a newer file says, to be decided"
    )


class SearchEntry(Base):
    """What the search box looks in: one narrow row per searchable text.

    `text` is folded (case, width, the dot of a plate); pinyin and initials are made by a library.
    Chinese words of two characters have no usable trigrams, so this table is simply scanned and
    carries no index that every import would have to feed.
    """

    __tablename__ = "search_entry"
    layer: Mapped[str] = mapped_column(TextType, primary_key=True, comment="图层 | layer")
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, comment="编号 | id")
    field: Mapped[str] = mapped_column(TextType, primary_key=True, comment="字段 | field")
    text: Mapped[str] = mapped_column(TextType, comment="文本 | folded text")
    pinyin: Mapped[str | None] = mapped_column(TextType, comment="拼音 | pinyin")
    initials: Mapped[str | None] = mapped_column(TextType, comment="首字母 | initials")
