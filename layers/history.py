"""The recorded past: the log of changes, the typed history beside each table, and `dated`.

`change` says which row changed in which transaction; ``<table>_history`` holds the row as it was
before. So the state at a moment is: every row that has not changed since, and for each row that
has, the image before its first change since - unless that change was its birth. Order and time
are given at commit (`layers/sql/history.sql`), so that no reader meets a gap. `record_start` says
where the record of each table begins: at its first change, or at the oldest one that is kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    Select,
    String,
    Table,
    cast,
    exists,
    func,
    literal,
    literal_column,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import UserDefinedType

from layers.base import SRID, Base, Tracked


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in DDL."""
        return "XID8"


class ChangeRecord(Base):
    """One committed transaction: its place in the order of commits, its time and its actor."""

    __tablename__ = "change_set"
    tx: Mapped[int] = mapped_column(Xid8, primary_key=True, comment="事务 | transaction")
    seq: Mapped[int | None] = mapped_column(
        BigInteger, unique=True, comment="序号 | order of commit"
    )
    recorded_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), index=True, comment="记录时间 | recorded at"
    )
    actor: Mapped[str | None] = mapped_column(TextType, comment="操作者 | actor")
    reason: Mapped[str | None] = mapped_column(TextType, comment="原因 | reason")
    undoes: Mapped[int | None] = mapped_column(
        BigInteger, comment="所撤销的序号 | the change set that this one takes back"
    )


class Change(Base):
    """One row changed by one transaction, with its extents before and after in EPSG:4326."""

    __tablename__ = "change"
    # The sets that touched a layer are told from the index alone.
    __table_args__ = (Index("ix_change_tx_layer", "tx", "layer"),)
    layer: Mapped[str] = mapped_column(TextType, primary_key=True, comment="表 | table")
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, comment="编号 | id")
    tx: Mapped[int] = mapped_column(Xid8, primary_key=True, comment="事务 | transaction")
    operation: Mapped[str] = mapped_column(CHAR(1), comment="操作 | I, U or D: the first one")
    before: Mapped[Any] = mapped_column(
        Geometry("POLYGON", SRID, spatial_index=False), nullable=True, comment="前范围 | old extent"
    )
    after: Mapped[Any] = mapped_column(
        Geometry("POLYGON", SRID, spatial_index=False), nullable=True, comment="后范围 | new extent"
    )


class RecordStart(Base):
    """The transaction with which the record of a table begins; of several, the first to commit.

    Two may write a table first at the same time: neither waits for the other, both stand here.
    """

    __tablename__ = "record_start"
    layer: Mapped[str] = mapped_column(TextType, primary_key=True, comment="表 | table")
    tx: Mapped[int] = mapped_column(
        Xid8,
        ForeignKey("change_set.tx", ondelete="CASCADE"),
        primary_key=True,
        comment="事务 | transaction",
    )


_SUFFIX = "_history"
_metadata: MetaData = Base.metadata


def history_columns(columns: list[Column[Any]]) -> list[Column[Any]]:
    """Return the columns of a history: the stored ones, without keys or checks, and `tx`."""
    stored = [c for c in columns if c.computed is None]
    return [
        *(
            Column(
                c.name,
                String(c.type.length) if isinstance(c.type, Enum) else c.type,
                comment=c.comment,
                nullable=c.name != "id",
            )
            for c in stored
        ),
        Column("tx", Xid8(), nullable=False, comment="变更事务 | the transaction that ended it"),
    ]


def history_table(table: Table) -> Table:
    """Return the table of before-images of `table`: its stored columns and the transaction.

    It carries no keys or checks: it says what was, also where that is no longer allowed.
    """
    name = table.name + _SUFFIX
    if name in _metadata.tables:
        return _metadata.tables[name]
    columns = list(table.columns)
    return Table(
        name,
        _metadata,
        *history_columns(columns),
        *(
            Index(index, *names, **options)
            for index, names, options in history_indexes(name, columns)
        ),
        info={"history_of": table.name},
    )


def history_indexes(
    name: str, columns: list[Column[Any]]
) -> list[tuple[str, list[str], dict[str, Any]]]:
    """Return name, columns and options of the indexes of the history called `name`.

    A map of the past finds what stood in a place by the geometry it had then.
    """
    found: list[tuple[str, list[str], dict[str, Any]]] = [
        (f"pk_{name}", ["id", "tx"], {"unique": True})
    ]
    if any(c.name == "geom" for c in columns):
        found.append((f"ix_{name}_geom", ["geom"], {"postgresql_using": "gist"}))
    return found


def tracked_tables(base: type[Tracked] = Tracked) -> list[Table]:
    """Return the table of every tracked class known now, sorted by name."""
    found: dict[str, Table] = {}
    pending = list(base.__subclasses__())
    while pending:
        model = pending.pop()
        pending.extend(model.__subclasses__())
        table = model.__dict__.get("__table__")
        if isinstance(table, Table):
            found[table.name] = table
    return [found[name] for name in sorted(found)]


def dated(table: Table, at: datetime | None) -> FromClause:
    """Return `table` as it was recorded at `at`; None is now and is the bare table.

    Before the first record of the table the answer is its earliest known state, never an empty
    map; `layers.access.earliest` tells the caller.
    """
    if at is None or not _tracked(table):
        return table
    # Said as conditions on each row: a few rows of a tile or a panel are judged through the keys
    # of the log, a whole layer by joins, as the planner finds cheaper.
    now = select(*(c.label(c.name) for c in table.c)).where(~changed_since(table, table.c.id, at))
    return union_all(now, formerly(table, at)).subquery()


def changed_since(table: Table, key: Any, at: datetime) -> ColumnElement[bool]:
    """Return the condition that the row `key` of a table was changed after a moment."""
    return exists(_since(table, key, at)[0])


def formerly(table: Table, at: datetime) -> Select[Any]:
    """Return the statement for the rows changed since `at`, as they were then."""
    past = history_table(table)
    first, change, record = _since(table, past.c.id, at)
    earlier, _, before = _since(table, change.c.id, at)
    return select(*(_past_column(c, past) for c in table.c)).where(
        exists(
            first.where(
                change.c.tx == past.c.tx,
                change.c.operation != "I",
                ~exists(earlier.where(before.c.recorded_at < record.c.recorded_at)),
            )
        )
    )


def first_record(table: str) -> Select[Any]:
    """Return the query for the moment at which the record of a table begins (NULL: not yet)."""
    record, start = (_metadata.tables[name] for name in ("change_set", "record_start"))
    return (
        select(func.min(record.c.recorded_at))
        .join(start, start.c.tx == record.c.tx)
        .where(start.c.layer == table)
    )


def last_recorded() -> Select[Any]:
    """Return the query for what answers rest on: whatever is recorded or forgotten moves it.

    The last change moves all answers of now; those of a past moment, where a record begins.
    """
    start = RecordStart
    begins = func.string_agg(
        cast(start.tx, TextType), aggregate_order_by(literal_column("','"), start.layer, start.tx)
    )
    return select(
        select(func.max(ChangeRecord.seq)).scalar_subquery().label("last"),
        select(begins).scalar_subquery().label("begins"),
    )


def _since(table: Table, key: Any, at: datetime) -> tuple[Select[Any], FromClause, FromClause]:
    """Return the changes of the row `key` after a moment, with log and change sets to ask on."""
    begins = first_record(table.name).scalar_subquery()
    change, record = table_of_change().alias(), _metadata.tables["change_set"].alias()
    found: Select[Any] = (
        select(literal_column("1"))
        .select_from(change.join(record, record.c.tx == change.c.tx))
        .where(
            change.c.layer == table.name,
            change.c.id == key,
            # Two conditions rather than the later of both: the planner can tell how many are after
            # a moment that it is given.
            record.c.recorded_at > literal(at, DateTime(timezone=True)),
            record.c.recorded_at > begins,
        )
    )
    return found, change, record


def table_of_change() -> Table:
    """Return the log's table."""
    return _metadata.tables["change"]


def _tracked(table: Table) -> bool:
    return "revision" in table.c and "id" in table.c


def _past_column(c: Column[Any], past: Table) -> Any:
    if c.name in past.c:
        return type_coerce(past.c[c.name], c.type).label(c.name)
    if c.computed is not None:
        # Generated columns are not stored with the history: say them again over the old row,
        # which stands alone there, so that its bare names mean it. Stored they have the precision
        # of their column.
        said: ColumnElement[Any] = literal_column(str(c.computed.sqltext))
        exact = isinstance(c.type, Geometry)
        return (type_coerce(said, c.type) if exact else cast(said, c.type)).label(c.name)
    return null().label(c.name)
