"""The operands of CQL2: properties, literals, and the complaints about them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Float,
    Integer,
    Numeric,
    cast,
    false,
    literal,
    true,
    type_coerce,
)
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.base import DRAWN, Layer
from layers.cql2_values import OPEN, Part, Span, bound_geometry, parse_geometry, parse_time
from layers.crs import CRS84, Coordinates
from layers.labels import CHOICES, Text
from layers.problems import BadRequest
from layers.types import Ltree

MAX_DEPTH, MAX_NODES = 60, 2_000
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Operand:
    """One side of a comparison: what kind of value it is, and its SQL or its literal.

    Attributes
    ----------
    kind : text, number, boolean, date, instant, span or geometry.
    sql : the value as SQL; None for a literal that waits for the type of its partner.
    value : the literal.
    field : the property's name, where it is one.
    choices : the list of `layers.labels.CHOICES` its values come from.
    """

    kind: str
    sql: Any = None
    value: Any = None
    field: str | None = None
    choices: str | None = None
    exact: bool = False


def queryables(layer: Layer) -> dict[str, ColumnElement[Any]]:
    """Return the columns a filter may name: all but JSON and what is computed for tiles."""
    return {
        c.name: c for c in layer.table.c if not isinstance(c.type, JSONB) and c.name not in DRAWN
    }


def kind_of(column: ColumnElement[Any]) -> str:
    """Return the kind of value a column holds; see `Operand`."""
    kinds: tuple[tuple[Any, str], ...] = (
        (Geometry, "geometry"),
        (Boolean, "boolean"),
        (DateTime, "instant"),
        (Date, "date"),
        ((Integer, Numeric, Float), "number"),
    )
    return next((name for kind, name in kinds if isinstance(column.type, kind)), "text")


def refuse(zh: str, en: str, **details: Any) -> BadRequest:
    """Return the refusal of a filter, to be raised."""
    return BadRequest(zh=zh, en=en, **{"field": "filter", **details})


def too_deep() -> BadRequest:
    """Return the refusal of a filter nested too deep, to be raised."""
    return refuse(
        f"filter 嵌套超过 {MAX_DEPTH} 层；请简化",
        f"The filter is nested more than {MAX_DEPTH} deep; simplify it",
    )


class Operands:
    """Reads the values of one filter over the columns of `source`.

    Parameters
    ----------
    layer : tells the columns' names, types and choices.
    source : what `layers.access.rows` gave.
    zone : in which a bare date is a day.
    crs : the system of the coordinates in the filter.
    text : the filter as it was written, to tell places in it.
    """

    def __init__(
        self,
        layer: Layer,
        source: FromClause,
        *,
        zone: ZoneInfo,
        crs: Coordinates = CRS84,
        text: str | None = None,
    ) -> None:
        self.layer, self.source, self.zone, self.crs, self.text = layer, source, zone, crs, text
        self.columns = queryables(layer)
        self.nodes = 0

    def fail(
        self, zh: str, en: str, path: str, *, field: str = "filter", value: Any = None
    ) -> BadRequest:
        """Return the refusal of the filter with its place: a character, else a JSON pointer."""
        position: int | str = path or "/"
        where = Text(f"（位置 {position}）", f" (at {position})")
        if self.text is not None:
            position = self._position(value, field)
            where = Text(f"（第 {position} 个字符）", f" (at character {position})")
        shown = {} if value is None else {"value": value}
        return refuse(zh + where.zh, en + where.en, field=field, position=position, **shown)

    def _position(self, value: Any, field: str) -> int:
        """Return where in the text (from 1) the value stands, else the property, else the start."""
        said = [f"'{value}'", str(value)] if isinstance(value, str) else []
        if isinstance(value, float):
            said = [f"{value:g}"]
        for needle in (*said, field):
            found = re.search(rf"(?<!\w){re.escape(needle)}(?!\w)", self.text or "")
            if found:
                return found.start() + 1
        return 1

    def operand(  # noqa: PLR0911 - one return for each kind of value
        self, node: Any, path: str, depth: int
    ) -> Operand:
        """Return what `node` is: a property, a literal or something computed."""
        self.count(depth)
        if isinstance(node, bool):
            return Operand("boolean", value=node)
        if isinstance(node, int | float):
            return Operand("number", value=node)
        if isinstance(node, str):
            return Operand("text", value=node)
        if isinstance(node, Mapping):
            if "property" in node:
                return self._property(node["property"], path)
            for key in ("date", "timestamp", "interval"):
                if key in node:
                    return self._time(key, node[key], path, depth)
            if "bbox" in node or "type" in node:
                return self._geometry(dict(node), path)
            if "op" in node:
                return self.computed(str(node["op"]).lower(), node, path, depth)
        raise self.fail(
            f"此处的值无效：{str(node)[:60]}", f"not a usable value: {str(node)[:60]}", path
        )

    def _property(self, name: Any, path: str) -> Operand:
        column = self.columns.get(name) if isinstance(name, str) else None
        if column is None:
            known = ", ".join(self.columns)
            raise self.fail(
                f"图层“{self.layer.name}”没有可查询属性“{name}”；可用：{known}",
                f"'{name}' is not a queryable of the layer '{self.layer.name}'; use: {known}",
                path,
                field=str(name),
                value=str(name),
            )
        kind, sql = kind_of(column), self.source.c[name]
        if kind == "text":
            # An ltree has its own order and no LIKE: it is compared as the text it shows.
            sql = (
                cast(sql, TextType())
                if isinstance(column.type, Ltree)
                else type_coerce(sql, TextType())
            )
        exact = isinstance(column.type, Numeric) and not isinstance(column.type, Float)
        choices = getattr(column, "info", {}).get("choices")
        return Operand(kind, sql, field=name, choices=choices, exact=exact)

    def _time(self, key: str, value: Any, path: str, depth: int) -> Operand:
        if key != "interval":
            when = self._moment(value, path)
            kind = "instant" if isinstance(when, datetime) else "date"
            return Operand(kind, value=when)
        if not isinstance(value, list) or len(value) != 2:
            raise self.fail("INTERVAL 需要两端", "an INTERVAL has two ends", path)
        ends = []
        for i, each in enumerate(value):
            if each in ("..", "", None):
                ends.append(OPEN)
                continue
            if isinstance(each, str):
                when = self._moment(each, path)
                ends.append(Part(value=when))
                continue
            ends.append(self.part(self.operand(each, f"{path}/interval/{i}", depth + 1), path))
        return Operand("span", value=Span(ends[0], ends[1]))

    def _moment(self, value: Any, path: str) -> date | datetime:
        try:
            return parse_time(str(value), self.zone)
        except ValueError as wrong:
            raise self.fail(
                f"“{value}”不是有效时间；例如 DATE('2026-10-12')、"
                "TIMESTAMP('2026-10-12T09:00:00+08:00')",
                f"'{value}' is not a time; write DATE('2026-10-12') or "
                "TIMESTAMP('2026-10-12T09:00:00+08:00')",
                path,
                value=str(value),
            ) from wrong

    def _geometry(self, node: dict[str, Any], path: str) -> Operand:
        try:
            shape = parse_geometry(node)
        except ValueError as wrong:
            raise self.fail(
                f"几何无效：{wrong}；面须闭合且不自交",
                f"the geometry is not usable: {wrong}; "
                "a polygon is closed and does not cross itself",
                path,
            ) from wrong
        return Operand("geometry", bound_geometry(self.crs.to_lonlat(shape)))

    def sql(self, operand: Operand, path: str, partner: Operand | None = None) -> Any:
        """Return an operand as SQL; a literal takes the type that suits its partner."""
        if operand.sql is not None:
            return operand.sql
        value = operand.value
        if operand.kind == "number":
            return number(value, exact=bool(partner and partner.exact))
        if operand.kind == "boolean":
            return true() if value else false()
        if operand.kind == "text":
            return literal(value, TextType())
        raise self.fail("此处不能用该值", "this value cannot stand here", path)

    def part(self, operand: Operand, path: str) -> Part:
        """Return an operand as one end of a span of time; text is read as a time."""
        if operand.kind == "text" and operand.sql is None:
            when = self._moment(operand.value, path)
            return Part(value=when)
        if operand.kind not in ("date", "instant"):
            raise self.fail(
                "此处需要时间：时间属性、DATE('2026-10-12') 或 TIMESTAMP(…)",
                "a time is needed here: a time property, DATE('2026-10-12') or TIMESTAMP(…)",
                path,
                field=operand.field or "filter",
                value=operand.value,
            )
        if operand.sql is None:
            return Part(value=operand.value)
        return Part(operand.sql, family="date" if operand.kind == "date" else "instant")

    def need(self, kind: str, operand: Operand, path: str) -> None:
        """Refuse an operand of another kind."""
        if operand.kind != kind:
            raise self.mismatch(Operand(kind), operand, path)

    def mismatch(self, left: Operand, right: Operand, path: str) -> BadRequest:
        """Return the refusal of two operands that cannot meet, with the kinds of both."""
        field = left.field or right.field or "filter"
        value = right.value if right.sql is None else left.value
        a, b = KINDS[left.kind], KINDS[right.kind]
        return self.fail(
            f"{field}：{a[0]}不能与{b[0]}{_shown(value)}比较；写法："
            "数值 2.5，文本 '甲'，DATE('2026-10-12')，TRUE",
            f"{field}: {a[1]} does not go with {b[1]}{_shown(value)}; "
            "write 2.5, 'text', DATE('2026-10-12') or TRUE",
            path,
            field=field,
            value=value,
        )

    def check_choice(self, left: Operand, right: Operand, path: str) -> None:
        """Refuse a value that the property's list of choices does not hold."""
        for one, other in ((left, right), (right, left)):
            if one.choices and other.sql is None and other.value not in CHOICES[one.choices]:
                codes = ", ".join(f"{k}（{v.zh}）" for k, v in CHOICES[one.choices].items())
                english = ", ".join(CHOICES[one.choices])
                raise self.fail(
                    f"{one.field} 没有取值“{other.value}”；可用：{codes}",
                    f"{one.field} has no value '{other.value}'; use: {english}",
                    path,
                    field=str(one.field),
                    value=other.value,
                )

    def arity(self, name: str, args: list[Any], count: int, path: str) -> None:
        """Refuse a wrong number of arguments."""
        if len(args) != count:
            raise self.fail(
                f"{name} 需要 {count} 个参数，得到 {len(args)} 个",
                f"{name} takes {count} arguments, not {len(args)}",
                path,
                value=name,
            )

    def count(self, depth: int) -> None:
        """Refuse a filter that grows too deep or too large."""
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise too_deep()
        if self.nodes > MAX_NODES:
            raise refuse(
                f"filter 超过 {MAX_NODES} 个节点；请简化",
                f"The filter has more than {MAX_NODES} nodes; simplify it",
            )

    def computed(self, name: str, node: Mapping[str, Any], path: str, depth: int) -> Operand:
        """Return what an operation yields; the translator knows them."""
        raise NotImplementedError


KINDS = {
    "text": ("文本", "text"),
    "number": ("数值", "a number"),
    "boolean": ("布尔值", "true/false"),
    "date": ("日期", "a date"),
    "instant": ("时间", "a time"),
    "span": ("时段", "an interval"),
    "geometry": ("几何", "a geometry"),
}


def _shown(value: Any) -> str:
    return "" if value is None else f" ‘{value}’"


def number(value: int | float, *, exact: bool) -> ColumnElement[Any]:
    """Return a number as SQL, of the type that leaves the column's index usable."""
    if exact:
        return literal(Decimal(str(value)), Numeric())
    if float(value).is_integer() and abs(value) <= _LARGEST:
        # The library reads every number of the text encoding as a float.
        return literal(int(value), BigInteger())
    return literal(float(value), Float())
