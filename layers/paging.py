"""Order and place in a list: ``sortby`` and keyset tokens.

A token holds the sort values and the key of the last row of a page; the next page is what comes
after it. So rows that are added or removed meanwhile never shift a page: nothing that stays is
lost or given twice, and the last page costs what the first one does.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import (
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Numeric,
    and_,
    bindparam,
    cast,
    false,
    or_,
)
from sqlalchemy import Text as TextType
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.base import Layer
from layers.cql2 import kind_of, queryables
from layers.cql2_values import moment_in_utc
from layers.problems import BadRequest
from layers.types import Ltree

AFTER = "after_"


@dataclass(frozen=True)
class Order:
    """Columns to sort by, each with its direction; the layer's key always comes last."""

    columns: tuple[tuple[str, bool], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, the key's included."""
        return tuple(name for name, _ in self.columns)

    def terms(self, source: FromClause) -> list[Any]:
        """Return the ORDER BY terms; rows without a value come last in either direction."""
        return [
            (source.c[name].desc() if down else source.c[name].asc()).nulls_last()
            if _may_be_empty(source.c[name])
            else (source.c[name].desc() if down else source.c[name].asc())
            for name, down in self.columns
        ]

    def after(self, source: FromClause, values: tuple[Any, ...]) -> ColumnElement[bool]:
        """Return the condition of the rows that follow the one with `values`."""
        condition: ColumnElement[bool] = false()
        for i in reversed(range(len(self.columns))):
            name, down = self.columns[i]
            column, value = source.c[name], values[i]
            if value is None:
                # Nothing follows an empty value but other empty ones.
                condition = and_(column.is_(None), condition)
                continue
            last = _bound(f"{AFTER}{i}", value, column.type)
            beyond = column < last if down else column > last
            if _may_be_empty(column):
                beyond = or_(beyond, column.is_(None))
            condition = or_(beyond, and_(column == last, condition))
        return condition


def _may_be_empty(column: ColumnElement[Any]) -> bool:
    return getattr(column, "nullable", True) is not False


def key_of(layer: Layer) -> tuple[str, ...]:
    """Return the columns that name one row: ``id``, or a series' thing and time."""
    return tuple(c.name for c in layer.table.primary_key)


def parse_order(
    layer: Layer,
    text: str | None,
    *,
    field: str = "sortby",
    others: Mapping[str, ColumnElement[Any]] = MappingProxyType({}),
) -> Order:
    """Return the order that ``sortby`` (``+name,-capacity``) asks for.

    Parameters
    ----------
    field : the parameter's name, for messages.
    others : columns beside the layer's own that can be sorted by.

    Raises
    ------
    BadRequest : a name that cannot be sorted by.
    """
    known = {n: c for n, c in queryables(layer).items() if kind_of(c) != "geometry"} | dict(others)
    columns: list[tuple[str, bool]] = []
    for part in (text or "").split(","):
        # A "+" that was not escaped arrives as a space.
        name = part.strip().lstrip("+-").strip()
        if not name and not text:
            continue
        if name not in known:
            raise BadRequest(
                zh=f"{field}：不能按“{name}”排序；可用：{', '.join(known)}（前加 - 为降序）",
                en=f"{field}: '{name}' cannot be sorted by; use {', '.join(known)} "
                "(with - in front to descend)",
                field=field,
                value=text,
            )
        if name not in dict(columns):
            columns.append((name, part.strip().startswith("-")))
    columns += [(name, False) for name in key_of(layer) if name not in dict(columns)]
    return Order(tuple(columns))


def write_token(order: Order, row: Any) -> str:
    """Return the token of the page that follows `row`."""
    values = [[name, down, _said(row[name])] for name, down in order.columns]
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def read_token(
    layer: Layer,
    order: Order,
    token: str,
    *,
    others: Mapping[str, ColumnElement[Any]] = MappingProxyType({}),
) -> tuple[Any, ...]:
    """Return the values in a token; `others` as in `parse_order`.

    Raises
    ------
    BadRequest : it is no token of this list.
    """
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        found = orjson.loads(packed)
        if [(name, down) for name, down, _ in found] != list(order.columns):
            raise ValueError("another order")
        columns = {**layer.table.c, **others}
        return tuple(_meant(columns[name], value) for name, _, value in found)
    except (ValueError, TypeError, ArithmeticError, binascii.Error) as wrong:
        raise BadRequest(
            zh="token 不是此列表的分页标记；请从第一页的 next 链接继续，且不要改变 sortby",
            en="token is not a place in this list; follow the next links from the first page "
            "and keep sortby the same",
            field="token",
            value=token,
        ) from wrong


def _said(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _meant(column: ColumnElement[Any], value: Any) -> Any:
    if value is None:
        return None
    kind = column.type
    if isinstance(kind, DateTime):
        return moment_in_utc(datetime.fromisoformat(value), ZoneInfo("UTC"))
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    if isinstance(kind, Numeric) and not isinstance(kind, Float):
        return Decimal(value)
    if isinstance(kind, Float):
        return float(value)
    wanted = int if isinstance(kind, Integer) else (bool if kind_of(column) == "boolean" else str)
    if not isinstance(value, wanted):
        raise TypeError(f"{value!r} is no {wanted.__name__}")
    return value


def _bound(name: str, value: Any, kind: Any) -> Any:
    if isinstance(kind, Ltree):
        return cast(bindparam(name, value, TextType()), kind)
    # Lists of choices are text: what a token holds is compared, not checked again.
    return bindparam(name, value, TextType() if isinstance(kind, Enum) else kind)
