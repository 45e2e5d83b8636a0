"""The forms in which a field is seen, as SQL expressions: coarse, masked, hidden."""

from __future__ import annotations

from typing import Any, Final

from geoalchemy2 import Geometry
from sqlalchemy import (
    Column,
    DateTime,
    Enum,
    String,
    case,
    cast,
    func,
    literal_column,
    null,
    type_coerce,
)
from sqlalchemy.sql.elements import ColumnElement

from layers.sharing import Form, Sharing, sharing_of

CELL: Final = 0.01
"""The side of the cell, in degrees, to whose middle a coarse place is moved: about a kilometre."""
_SHORT: Final = 8
"""Of a number with fewer letters nothing is told: too little would be left to guess."""


def shown(column: Column[Any], value: ColumnElement[Any], form: Form) -> ColumnElement[Any]:
    """Return the value of a column in a form, of the column's own type.

    What cannot be told in the form asked for is hidden: it is NULL.

    Parameters
    ----------
    column : as it is declared, with its sharing class.
    value : the column of the rows that are read.
    """
    if form is Form.OPEN:
        return value
    made = None
    if form is Form.COARSE:
        made = _coarse(column, value)
    elif form is Form.MASKED and isinstance(column.type, String):
        made = None if isinstance(column.type, Enum) else _masked(sharing_of(column), value)
    return cast(null(), column.type) if made is None else type_coerce(made, column.type)


def _coarse(column: Column[Any], value: ColumnElement[Any]) -> ColumnElement[Any] | None:
    if isinstance(column.type, DateTime):
        return func.date_trunc("hour", value)
    if isinstance(column.type, Geometry) and column.type.geometry_type == "POINT":
        side: ColumnElement[float] = literal_column(str(CELL))
        x, y = (
            (func.floor(at(value) / side) + literal_column("0.5")) * side
            for at in (func.ST_X, func.ST_Y)
        )
        return func.ST_SetSRID(func.ST_MakePoint(x, y), literal_column(str(column.type.srid)))
    return None


def _masked(sharing: Sharing | None, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a text with the first of its letters, and the last of a number; NULL stays NULL."""

    def stars(count: int, kept: ColumnElement[Any]) -> ColumnElement[Any]:
        return kept.op("||")(literal_column(f"'{'*' * count}'"))

    def some(end: Any, letters: int) -> ColumnElement[Any]:
        return end(value, literal_column(str(letters)))  # type: ignore[no-any-return]

    if sharing is Sharing.CONTACT:
        told = stars(4, some(func.left, 3)).op("||")(some(func.right, 4))
        return case((func.length(value) < _SHORT, literal_column("'****'")), else_=told)
    if sharing is Sharing.PLATE:
        return stars(4, some(func.left, 2))
    return stars(2, some(func.left, 1))
