"""`ChangeSet`: the one way in which rows that people manage are written.

In bulk, rows arrive as frames, travel by binary COPY and are merged by one statement. A row whose
values are the same is not touched; one that differs gains a revision.
Edits by hand (`layers.editing`) insert, update and delete rows by their ids. The triggers of
``layers/sql/history.sql`` record who (`actor`) and why (`reason`).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
import sqlalchemy as sa
from geoalchemy2 import Geometry
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy.dialects.postgresql import JSONB, REGCLASS, insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from layers import hand_edits
from layers.base import Base, Entity, Series, Tracked, table_of
from layers.copy import copy_rows
from layers.history import history_table, tracked_tables
from layers.links import Link
from layers.registry import LAYERS
from layers.search import refresh
from layers.types import AnyGeometry

Step = Callable[[float], None]


@dataclass(frozen=True)
class Counts:
    """What a write did to the rows of one table, exactly.

    Attributes
    ----------
    inserted, updated, unchanged : numbers of rows.
    ids : the ids of the rows that were inserted or updated (empty for series).
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def with_edited(self, other: Counts) -> Counts:
        """Return these counts with those of rows that people had edited."""
        return replace(
            self,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
        )


class ChangeSet:
    """Writes of one actor for one reason, inside the caller's transaction.

    Parameters
    ----------
    connection : a synchronous connection with an open transaction; the caller commits.
    actor, reason : recorded with the change.
    undoes : the place of the change set that this one takes back.
    by_hand : whether a person changes what files brought: what these said last is kept then.
    """

    def __init__(
        self,
        connection: sa.Connection,
        actor: str | None = None,
        reason: str | None = None,
        undoes: int | None = None,
        *,
        by_hand: bool = False,
    ) -> None:
        self.by_hand = by_hand
        self.connection = connection
        self.written: dict[type[Base], list[NDArray[np.int64]]] = {}
        told = {"actor": actor, "reason": reason, "undoes": undoes and str(undoes)}
        set_config = (sa.func.set_config(f"onemap.{n}", v or "", True) for n, v in told.items())
        connection.execute(sa.select(*set_config))

    def lock(self, name: str) -> None:
        """Let other change sets wait until this one ends before they write `name`."""
        self.connection.execute(
            sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"onemap.source.{name}")))
        )

    def upsert(
        self,
        model: type[Entity],
        frame: pd.DataFrame,
        columns: Sequence[str] | None = None,
        progress: Step | None = None,
    ) -> Counts:
        """Insert or update entities by (source, source_key), which are unique in the frame.

        Parameters
        ----------
        frame : one column per name in `columns`, with the dtypes `layers.copy.copy_rows` takes;
            it always has ``source`` and ``source_key``; an ``id`` is used for new rows only.
        columns : what to write; by default every column of the frame that the table has.
            Columns that are not written keep what they have.
        """
        table = table_of(model)
        names = list(columns) if columns is not None else _writable(table, frame)
        for needed in ("source", "source_key"):
            if needed not in names:
                names.insert(0, needed)
        if frame.empty:
            return Counts()
        sources = [str(each) for each in pd.unique(frame["source"])]
        for each in sources:
            self.lock(f"{table.name}.{each}")
        counts = self._first(table, frame, names, sources, progress)
        if counts is None:
            keys = [table.c.source, table.c.source_key]
            counts = self._merge(table, frame, names, keys, ("id",), progress)
        self.written.setdefault(model, []).append(counts.ids)
        return counts

    def insert(self, model: type[Tracked], rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Insert rows of one set of columns and return their ids, in the order of the rows.

        Parameters
        ----------
        rows : values as JSON has them; ``geom`` as hexadecimal EWKB.
        """
        table = table_of(model)
        names = list(rows[0])
        given, order = _recordset(table, names, rows)
        made = (
            insert(table)
            .from_select(names, sa.select(*(given.c[n] for n in names)).order_by(order))
            .returning(table.c.id)
        )
        ids = [int(each) for each in self.connection.scalars(made)]
        self._note(model, ids)
        return ids

    def update(self, model: type[Tracked], rows: Sequence[Mapping[str, Any]]) -> None:
        """Set the values of rows of one set of columns, ``id`` among them; see `insert`.

        A row that has these values already is not touched.
        """
        table = table_of(model)
        names = [name for name in rows[0] if name != "id"]
        given, _ = _recordset(table, ["id", *names], rows)
        if self.by_hand:
            hand_edits.note(self.connection, table, given, names, table.c.id == given.c.id)
        differs = sa.tuple_(*(_compared(table.c[n]) for n in names)).is_distinct_from(
            sa.tuple_(*(_compared(given.c[n]) for n in names))
        )
        done = self.connection.scalars(
            sa.update(table)
            .values({n: given.c[n] for n in names} | {"revision": table.c.revision + 1})
            .where(table.c.id == given.c.id, differs)
            .returning(table.c.id)
        )
        self._note(model, [int(each) for each in done])

    def touch(self, model: type[Tracked], ids: Sequence[int]) -> None:
        """Give rows a new revision: something that belongs to them was written."""
        table = table_of(model)
        self.connection.execute(
            sa.update(table)
            .where(table.c.id == _any(ids))
            .values({table.c.revision: table.c.revision + 1})
        )

    def delete(self, rows: Sequence[tuple[type[Tracked], int]]) -> None:
        """Delete rows; what points to them and may be empty is emptied, with a new revision."""
        going: dict[type[Tracked], list[int]] = {}
        for model, key in rows:
            going.setdefault(model, []).append(key)
        ids_of = {table_of(model).name: ids for model, ids in going.items()}
        for model, ids in going.items():
            if self.by_hand:
                hand_edits.note_deleted(self.connection, table_of(model), ids)
            self._let_go(table_of(model), ids, ids_of)
        # Links first: a thing takes its own along.
        for model in sorted(going, key=lambda each: not issubclass(each, Link)):
            table = table_of(model)
            self.connection.execute(sa.delete(table).where(table.c.id == _any(going[model])))
            self._note(model, going[model])

    def _let_go(
        self, table: sa.Table, ids: Sequence[int], going: Mapping[str, Sequence[int]]
    ) -> None:
        """Empty the keys to rows that go, but of those that go too."""
        for other in tracked_tables():
            for column in other.c:
                if not any(
                    k.column.table is table and k.ondelete == "SET NULL"
                    for k in column.foreign_keys
                ):
                    continue
                mine = sa.and_(
                    column == _any(ids), sa.not_(other.c.id == _any(going.get(other.name, [])))
                )
                if self.by_hand:
                    nothing = sa.cast(sa.null(), column.type).label(column.name)
                    none = sa.select(nothing).subquery("none")
                    hand_edits.note(self.connection, other, none, [column.name], mine)
                self.connection.execute(
                    sa.update(other)
                    .where(mine)
                    .values({column: None, other.c.revision: other.c.revision + 1})
                )

    def bring_back(self, model: type[Tracked], tx: Any, ids: Sequence[int]) -> None:
        """Insert rows again as they were before the transaction `tx` deleted them."""
        table = table_of(model)
        past = history_table(table)
        names = _kept(table)
        hand_edits.forget_deleted(self.connection, table, ids)
        self.connection.execute(
            insert(table).from_select(
                [*names, "revision"],
                sa.select(*(past.c[n] for n in names), past.c.revision + 1).where(
                    past.c.tx == tx, past.c.id == _any(ids)
                ),
            )
        )
        self._note(model, ids)

    def revert(self, model: type[Tracked], tx: Any, ids: Sequence[int]) -> None:
        """Give rows the values that they had before the transaction `tx`."""
        table = table_of(model)
        past = history_table(table)
        values: dict[str, Any] = {n: past.c[n] for n in _kept(table) if n != "id"}
        mine = sa.and_(table.c.id == past.c.id, past.c.tx == tx, past.c.id == _any(ids))
        if self.by_hand:
            hand_edits.note(self.connection, table, past, list(values), mine)
        self.connection.execute(
            sa.update(table).values(values | {"revision": table.c.revision + 1}).where(mine)
        )
        self._note(model, ids)

    def defer(self) -> None:
        """Let rows point to each other in any order until `seal`."""
        self.connection.execute(_KeysChecked("DEFERRED"))

    def seal(self) -> tuple[int, datetime] | None:
        """Check all keys and give the change set its place; the caller commits at once.

        Returns
        -------
        The place in the order of commits and its time; None where nothing was written.
        """
        # The place last: nobody else can commit from then on, and a key may have to wait for a row.
        self.connection.execute(_KeysChecked("IMMEDIATE"))
        self.connection.execute(sa.text("SET CONSTRAINTS onemap_seal IMMEDIATE"))
        record = Base.metadata.tables["change_set"]
        found = self.connection.execute(
            sa.select(record.c.seq, record.c.recorded_at).where(record.c.tx == sa.func.onemap_tx())
        ).one_or_none()
        return None if found is None else (found.seq, found.recorded_at)

    def _note(self, model: type[Base], ids: Sequence[int]) -> None:
        self.written.setdefault(model, []).append(np.asarray(ids, dtype=np.int64))

    def link(self, model: type[Link], frame: pd.DataFrame) -> Counts:
        """Insert the links that are not there yet; further columns of a known link are updated."""
        table = table_of(model)
        keys = _unique_key(table)
        names = [c for c in _writable(table, frame) if c != "id"]
        rows = frame[names].drop_duplicates(subset=[c.name for c in keys if c.name in names])
        if rows.empty:
            return Counts()
        counts = self._merge(table, rows, names, keys, ("id",), None)
        self.written.setdefault(model, []).append(counts.ids)
        return counts

    def append(
        self, model: type[Series], frame: pd.DataFrame, progress: Step | None = None
    ) -> Counts:
        """Insert or correct observations by (thing, time); partitions are made as needed.

        Of several rows for one moment the last one counts. The latest row of each thing is kept
        in the model's `latest` table.
        """
        if frame.empty:
            return Counts()
        table = table_of(model)
        key = model.thing_key
        rows = frame.drop_duplicates(subset=[key, "time"], keep="last")
        self.lock(table.name)
        self._partitions(table.name, model.partition, rows["time"])
        names = _writable(table, rows)
        known = sa.select(
            sa.exists().where(
                table.c[key] == sa.func.any(sa.literal(_list(rows[key]), sa.ARRAY(sa.BigInteger))),
                table.c.time.between(rows["time"].min(), rows["time"].max()),
            )
        )
        if self.connection.scalar(known):
            counts = self._merge(table, rows, names, [table.c[key], table.c.time], (), progress)
        else:
            copy_rows(self._raw(), table.name, [table.c[n] for n in names], rows, progress)
            counts = Counts(inserted=len(rows))
        if model.latest is not None:
            self._latest(table_of(model.latest), key, rows)
        return counts

    def ids(self, model: type[Entity], source: str) -> pd.Series[Any]:
        """Return the id of every row of a source, indexed by its source key."""
        table = table_of(model)
        found = self.connection.execute(
            sa.select(table.c.source_key, table.c.id).where(table.c.source == source)
        ).all()
        return pd.Series([r.id for r in found], index=[r.source_key for r in found], dtype="Int64")

    def reserve(self, model: type[Entity], source: str, keys: pd.Series[Any]) -> pd.Series[Any]:
        """Return the id each row has or will have, so that rows may point at each other."""
        self.lock(f"{table_of(model).name}.{source}")
        made = keys.map(self.ids(model, source)).astype("Int64")
        missing = made.isna()
        if missing.any():
            sequence = sa.func.pg_get_serial_sequence(table_of(model).name, "id")
            numbers = sa.select(sa.func.nextval(sa.cast(sequence, REGCLASS))).select_from(
                sa.func.generate_series(1, int(missing.sum())).alias("n")
            )
            made.loc[missing] = pd.array(list(self.connection.scalars(numbers)), dtype="Int64")
        return made

    def refresh_search(self) -> None:
        """Write the search entries of everything this change set has written."""
        for layer in LAYERS:
            ids = [part for part in self.written.get(layer.model, []) if len(part)]
            if ids:
                refresh(self.connection, layer, np.concatenate(ids).tolist())

    def _first(
        self,
        table: sa.Table,
        frame: pd.DataFrame,
        names: list[str],
        sources: list[str],
        progress: Step | None,
    ) -> Counts | None:
        """Copy straight into the table when it holds nothing of these sources yet, else None."""
        if any(_as_text(table.c[name].type) for name in names):
            return None
        mine = table.c.source.in_(sources)
        if self.connection.scalar(sa.select(sa.exists().where(mine))):
            return None
        copy_rows(self._raw(), table.name, [table.c[n] for n in names], frame, progress)
        ids = self.connection.scalar(sa.select(sa.func.array_agg(table.c.id)).where(mine))
        return Counts(inserted=len(frame), ids=np.asarray(ids or [], dtype=np.int64))

    def _merge(
        self,
        table: sa.Table,
        frame: pd.DataFrame,
        names: list[str],
        keys: Sequence[sa.Column[Any]],
        insert_only: tuple[str, ...],
        progress: Step | None,
    ) -> Counts:
        staging = self._stage(table, names, frame, progress)
        matches = sa.and_(*(staging.c[k.name].is_not_distinct_from(table.c[k.name]) for k in keys))
        if all(not k.nullable for k in keys):
            matches = sa.and_(*(staging.c[k.name] == table.c[k.name] for k in keys))
        existing = self.connection.scalar(
            sa.select(sa.func.count()).select_from(staging.join(table, matches))
        )
        statement = insert(table).from_select(
            names, sa.select(*(sa.cast(staging.c[n], table.c[n].type) for n in names))
        )
        key_names = [k.name for k in keys]
        changing = [n for n in names if n not in key_names and n not in insert_only]
        if changing:
            new = statement.excluded
            values: dict[str, Any] = {n: new[n] for n in changing}
            if "revision" in table.c:
                values["revision"] = table.c.revision + 1
            differs = sa.tuple_(*(table.c[n] for n in changing)).is_distinct_from(
                sa.tuple_(*(new[n] for n in changing))
            )
            statement = statement.on_conflict_do_update(
                index_elements=key_names, set_=values, where=differs
            )
        else:
            statement = statement.on_conflict_do_nothing(index_elements=key_names)
        touched, ids = self._run(statement, table)
        staging.drop(self.connection)
        inserted = len(frame) - int(existing or 0)
        updated = touched - inserted
        return Counts(inserted, updated, int(existing or 0) - updated, ids)

    def _run(self, statement: Any, table: sa.Table) -> tuple[int, NDArray[np.int64]]:
        if "id" not in table.c:
            kept = {"preserve_rowcount": True}  # SQLAlchemy forgets it for inserts
            done = self.connection.execute(statement, execution_options=kept)
            return done.rowcount, np.empty(0, dtype=np.int64)
        done = statement.returning(table.c.id).cte("done")
        ids = self.connection.scalar(sa.select(sa.func.array_agg(done.c.id)))
        return len(ids or []), np.asarray(ids or [], dtype=np.int64)

    def _stage(
        self, table: sa.Table, names: Sequence[str], frame: pd.DataFrame, progress: Step | None
    ) -> sa.Table:
        staging = sa.Table(
            f"staging_{uuid.uuid4().hex[:12]}",
            sa.MetaData(),
            *(sa.Column(n, _staged(table.c[n].type)) for n in names),
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DROP",
        )
        self.connection.execute(CreateTable(staging))
        copy_rows(self._raw(), staging.name, list(staging.c), frame, progress)
        # A fresh table has no statistics, and the merge would be planned for a few rows.
        self._raw().execute(sql.SQL("ANALYZE {}").format(sql.Identifier(staging.name)))
        return staging

    def _partitions(self, series: str, step: str, times: pd.Series[Any]) -> None:
        utc = pd.to_datetime(times, utc=True).dt.tz_localize(None)
        periods = utc.dt.to_period("D" if step == "day" else "M").drop_duplicates()
        starts = [each.tz_localize("UTC").to_pydatetime() for each in periods.dt.start_time]
        moment = (
            sa.func.unnest(sa.literal(starts, sa.ARRAY(sa.DateTime(timezone=True))))
            .table_valued(sa.column("t", sa.DateTime(timezone=True)))
            .render_derived()
        )
        made = sa.func.onemap_partition(series, moment.c.t, moment.c.t)
        self.connection.execute(sa.select(sa.func.sum(made)).select_from(moment))

    def _latest(self, latest: sa.Table, key: str, rows: pd.DataFrame) -> None:
        newest = rows.sort_values("time").drop_duplicates(subset=[key], keep="last")
        names = _writable(latest, newest)
        staging = self._stage(latest, names, newest, None)
        statement = insert(latest).from_select(names, sa.select(*(staging.c[n] for n in names)))
        changing = [n for n in names if n != key]
        new = statement.excluded
        values: dict[str, Any] = {n: new[n] for n in changing}
        for column in latest.c:
            if column.name not in names:  # of an older moment, unless that one is corrected
                same = latest.c.time == new["time"]
                values[column.name] = sa.case((same, column), else_=sa.null())
        # A moment ahead of the clock came of a wrong one; it must not hold the thing for ever.
        wrong = latest.c.time > sa.func.onemap_now() + sa.text("interval '1 day'")
        self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=[key],
                set_=values,
                where=sa.and_(
                    sa.or_(latest.c.time <= new["time"], wrong),
                    sa.tuple_(*(latest.c[n] for n in changing)).is_distinct_from(
                        sa.tuple_(*(new[n] for n in changing))
                    ),
                ),
            )
        )
        staging.drop(self.connection)

    def _raw(self) -> Any:
        return self.connection.connection.driver_connection


class _KeysChecked(sa.schema.ExecutableDDLElement):
    """``SET CONSTRAINTS`` of the keys between managed rows: checked at once, or at the end."""

    def __init__(self, when: Literal["DEFERRED", "IMMEDIATE"]) -> None:
        self.when = when


@compiles(_KeysChecked)
def _keys_checked(element: _KeysChecked, compiler: Any, **_: Any) -> str:
    keys = {
        compiler.preparer.format_constraint(key.constraint)
        for table in tracked_tables()
        for key in table.foreign_keys
        if key.deferrable
    }
    return " ".join(("SET CONSTRAINTS", ", ".join(sorted(keys)), element.when))


def _kept(table: sa.Table) -> list[str]:
    """Return the columns of a table that its history keeps, but for the revision."""
    return [c.name for c in table.c if c.computed is None and c.name != "revision"]


def _recordset(
    table: sa.Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> tuple[Any, sa.ColumnElement[int]]:
    """Return rows as one JSON value that the database reads by the types of the table, in order.

    One statement takes any number of rows: the triggers of history work once for a statement.
    """
    columns = [sa.column(n, AnyGeometry() if n == "geom" else table.c[n].type) for n in names]
    numbered = [{**{n: row[n] for n in names}, "position_": i} for i, row in enumerate(rows)]
    given = (
        sa.func.jsonb_to_recordset(
            sa.cast(sa.literal(json.dumps(numbered, default=str), sa.Text), JSONB)
        )
        .table_valued(*columns, sa.column("position_", sa.Integer))
        .render_derived(with_types=True)
    )
    return given, given.c.position_


def _compared(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a value as it is compared: geometries by their bytes, not by their boxes."""
    if isinstance(column.type, Geometry | AnyGeometry):
        return sa.func.ST_AsEWKB(column)
    return column


def _any(ids: Sequence[int]) -> Any:
    return sa.func.any(sa.literal([int(each) for each in ids], sa.ARRAY(sa.BigInteger)))


def _as_text(kind: TypeEngine[Any]) -> bool:
    """Tell whether a type has no vectorised binary form and is cast from text instead."""
    return isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float)


def _staged(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type a column has in the staging table."""
    if isinstance(kind, Geometry):
        return AnyGeometry()
    if isinstance(kind, sa.Enum) or _as_text(kind):
        return sa.Text()
    return kind


def _writable(table: sa.Table, frame: pd.DataFrame) -> list[str]:
    return [c.name for c in table.c if c.name in frame.columns and c.computed is None]


def _unique_key(table: sa.Table) -> list[sa.Column[Any]]:
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            return list(constraint.columns)
    for index in table.indexes:
        if index.unique:
            return list(index.columns)
    raise TypeError(f"{table.name} has no unique key")


def _list(values: pd.Series[Any]) -> list[int]:
    return [int(each) for each in pd.unique(values)]


__all__ = ["ChangeSet", "Counts"]
