"""`ChangeSet`: writes of one actor for one reason.

In bulk, rows arrive as frames, travel by binary COPY and are merged by one statement.
Edits by hand (`layers.editing`) insert, update and delete rows by their ids. The triggers of
``layers/sql/history.sql`` record who (`actor`) and why (`reason`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import REGCLASS, insert

from layers import hand_edits
from layers.audit.noting import ORIGIN, TOLD, cut
from layers.base import Base, Entity, Series, Tracked, table_of
from layers.changes import series
from layers.changes.frames import Counts, Step, copied, merged, unique_key, writable
from layers.changes.rows import KeysChecked, any_of, compared, kept, recordset
from layers.history import history_table, tracked_tables
from layers.links import Link
from layers.registry import LAYERS
from layers.search_entries import refresh


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
        told: dict[str, Any] = {"actor": actor, "reason": reason, "undoes": undoes and str(undoes)}
        origin = ORIGIN.get()
        # The trace of the set is written at its commit (`layers/sql/audit.sql`).
        told |= {name: origin and cut(getattr(origin, name)) for name in TOLD}
        set_config = (
            sa.func.set_config(f"onemap.{n}", str(v or ""), True) for n, v in told.items()
        )
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
        names = list(columns) if columns is not None else writable(table, frame)
        for needed in ("source", "source_key"):
            if needed not in names:
                names.insert(0, needed)
        if frame.empty:
            return Counts()
        sources = [str(each) for each in pd.unique(frame["source"])]
        for each in sources:
            self.lock(f"{table.name}.{each}")
        counts = copied(self.connection, table, frame, names, sources, progress)
        if counts is None:
            keys = [table.c.source, table.c.source_key]
            counts = merged(self.connection, table, frame, names, keys, ("id",), progress)
        self._note(model, counts.ids)
        return counts

    def insert(self, model: type[Tracked], rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Insert rows of one set of columns and return their ids, in the order of the rows.

        Parameters
        ----------
        rows : values as JSON has them; ``geom`` as hexadecimal EWKB.
        """
        table = table_of(model)
        names = list(rows[0])
        given, order = recordset(table, names, rows)
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
        given, _ = recordset(table, ["id", *names], rows)
        if self.by_hand:
            hand_edits.note(self.connection, table, given, names, table.c.id == given.c.id)
        differs = sa.tuple_(*(compared(table.c[n]) for n in names)).is_distinct_from(
            sa.tuple_(*(compared(given.c[n]) for n in names))
        )
        done = self.connection.scalars(
            sa.update(table)
            .values({n: given.c[n] for n in names} | {"revision": table.c.revision + 1})
            .where(table.c.id == given.c.id, differs)
            .returning(table.c.id)
        )
        self._note(model, [int(each) for each in done])

    def update_where(
        self, model: type[Tracked], condition: sa.ColumnElement[bool], values: Mapping[str, Any]
    ) -> None:
        """Set columns of all rows under a condition, by one statement: what an import derives.

        Each of these rows gets a new revision, and its search entries are not written anew.

        Parameters
        ----------
        condition : over the model's table, and over others that the values are taken from.
        values : by column, each a value or an expression over these tables; no searched column.
        """
        # What files said of values that people change is kept row by row: see `update`.
        assert not self.by_hand
        table = table_of(model)
        self.connection.execute(
            sa.update(table).where(condition).values({**values, "revision": table.c.revision + 1})
        )

    def touch(self, model: type[Tracked], ids: Sequence[int]) -> None:
        """Give rows a new revision: something that belongs to them was written."""
        table = table_of(model)
        self.connection.execute(
            sa.update(table)
            .where(table.c.id == any_of(ids))
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
            self.connection.execute(sa.delete(table).where(table.c.id == any_of(going[model])))
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
                    column == any_of(ids), sa.not_(other.c.id == any_of(going.get(other.name, [])))
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
        names = kept(table)
        hand_edits.forget_deleted(self.connection, table, ids)
        self.connection.execute(
            insert(table).from_select(
                [*names, "revision"],
                sa.select(*(past.c[n] for n in names), past.c.revision + 1).where(
                    past.c.tx == tx, past.c.id == any_of(ids)
                ),
            )
        )
        self._note(model, ids)

    def revert(self, model: type[Tracked], tx: Any, ids: Sequence[int]) -> None:
        """Give rows the values that they had before the transaction `tx`."""
        table = table_of(model)
        past = history_table(table)
        values: dict[str, Any] = {n: past.c[n] for n in kept(table) if n != "id"}
        mine = sa.and_(table.c.id == past.c.id, past.c.tx == tx, past.c.id == any_of(ids))
        if self.by_hand:
            hand_edits.note(self.connection, table, past, list(values), mine)
        self.connection.execute(
            sa.update(table).values(values | {"revision": table.c.revision + 1}).where(mine)
        )
        self._note(model, ids)

    def defer(self) -> None:
        """Let rows point to each other in any order until `seal`."""
        self.connection.execute(KeysChecked("DEFERRED"))

    def seal(self) -> tuple[int, datetime] | None:
        """Check all keys and give the change set its place; the caller commits at once.

        Returns
        -------
        The place in the order of commits and its time; None where nothing was written.
        """
        # The place last: nobody else can commit from then on, and a key may have to wait for a row.
        self.connection.execute(KeysChecked("IMMEDIATE"))
        self.connection.execute(sa.text("SET CONSTRAINTS onemap_seal IMMEDIATE"))
        record = Base.metadata.tables["change_set"]
        found = self.connection.execute(
            sa.select(record.c.seq, record.c.recorded_at).where(record.c.tx == sa.func.onemap_tx())
        ).one_or_none()
        return None if found is None else (found.seq, found.recorded_at)

    def _note(self, model: type[Base], ids: Sequence[int] | NDArray[np.int64]) -> None:
        self.written.setdefault(model, []).append(np.asarray(ids, dtype=np.int64))

    def link(self, model: type[Link], frame: pd.DataFrame) -> Counts:
        """Insert the links that are not there yet; further columns of a known link are updated."""
        table = table_of(model)
        keys = unique_key(table)
        names = [c for c in writable(table, frame) if c != "id"]
        rows = frame[names].drop_duplicates(subset=[c.name for c in keys if c.name in names])
        if rows.empty:
            return Counts()
        counts = merged(self.connection, table, rows, names, keys, ("id",), None)
        self._note(model, counts.ids)
        return counts

    def append(
        self, model: type[Series], frame: pd.DataFrame, progress: Step | None = None
    ) -> Counts:
        """Insert or correct observations by (thing, time); see `layers.changes.series`."""
        if frame.empty:
            return Counts()
        self.lock(table_of(model).name)
        return series.append(self.connection, model, frame, progress)

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
