"""What the statements that write single rows are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles

from layers.history import tracked_tables
from layers.types import AnyGeometry


class KeysChecked(sa.schema.ExecutableDDLElement):
    """``SET CONSTRAINTS`` of the keys between managed rows: checked at once, or at the end."""

    def __init__(self, when: Literal["DEFERRED", "IMMEDIATE"]) -> None:
        self.when = when


@compiles(KeysChecked)
def _keys_checked(element: KeysChecked, compiler: Any, **_: Any) -> str:
    keys = {
        compiler.preparer.format_constraint(key.constraint)
        for table in tracked_tables()
        for key in table.foreign_keys
        if key.deferrable
    }
    return " ".join(("SET CONSTRAINTS", ", ".join(sorted(keys)), element.when))


def kept(table: sa.Table) -> list[str]:
    """Return the columns of a table that its history keeps, but for the revision."""
    return [c.name for c in table.c if c.computed is None and c.name != "revision"]


def recordset(
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


def compared(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a value as it is compared: geometries by their bytes, not by their boxes."""
    if isinstance(column.type, Geometry | AnyGeometry):
        return sa.func.ST_AsEWKB(column)
    return column


def any_of(ids: Sequence[int]) -> Any:
    """Return what an id is compared with to be one of some."""
    return sa.func.any(sa.literal([int(each) for each in ids], sa.ARRAY(sa.BigInteger)))
