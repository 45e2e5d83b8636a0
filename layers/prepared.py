"""Statements compiled once for asyncpg: SQLAlchemy Core composes, the driver runs the text.

Compiling costs more than a small query, so what is asked often is kept as `Prepared` under the
*shape* of the question and given fresh values each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.sql.base import Executable

DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Prepared:
    """A compiled statement: its text with ``$1``…, the names of its values, and their defaults."""

    sql: str
    names: tuple[str, ...]
    values: Mapping[str, Any]

    def bind(self, given: Mapping[str, Any] | None = None) -> list[Any]:
        """Return the values in order; `given` goes before those the statement was made with."""
        if not given:
            return [self.values[name] for name in self.names]
        values = self.values
        return [given[name] if name in given else values[name] for name in self.names]

    def about(self, moments: Mapping[datetime, datetime]) -> Prepared:
        """Return the same statement about other moments than those it was made with."""
        return replace(
            self,
            values={
                name: moments.get(value, value) if isinstance(value, datetime) else value
                for name, value in self.values.items()
            },
        )


def prepare(statement: Executable) -> Prepared:
    """Compile a Core statement for asyncpg.

    Use ``= ANY(array)`` rather than ``IN``: a list that grows would be a new statement each time.
    """
    compiled = statement.compile(  # type: ignore[attr-defined]
        dialect=DIALECT, compile_kwargs={"render_postcompile": True}
    )
    values: dict[str, Any] = {}
    for name, value in compiled.params.items():
        bind = compiled.binds.get(name)
        convert = None
        if bind is not None:
            convert = bind.type.dialect_impl(DIALECT).bind_processor(DIALECT)
        values[name] = convert(value) if convert is not None and value is not None else value
    return Prepared(compiled.string, tuple(compiled.positiontup or ()), values)
