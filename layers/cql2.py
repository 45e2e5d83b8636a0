"""CQL2 (OGC 21-065r2), text or JSON, as one SQLAlchemy condition over the columns of a layer.

The `cql2` library reads the text into CQL2's own JSON; that JSON is the tree translated here, so
both encodings take one path. What cannot be understood is refused with its place and a remedy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import cql2
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Float,
    Numeric,
    and_,
    any_,
    cast,
    false,
    literal,
    not_,
    or_,
    true,
)
from sqlalchemy import Text as TextType
from sqlalchemy.sql.elements import ColumnElement

from layers import cql2_operators as operators
from layers.cql2_operands import MAX_DEPTH, Operand, Operands, kind_of, queryables, refuse, too_deep
from layers.cql2_values import Span

MAX_LENGTH = 50_000
_NESTING = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|[()]")
_REPEATED = re.compile(r"(?:\bnot\b[\s(]*){60}|(?:-\s*){60}", re.IGNORECASE)

Condition = ColumnElement[bool]

__all__ = ["Condition", "Translator", "kind_of", "parse", "queryables"]


def parse(text: str, lang: str) -> Any:
    """Return the CQL2 JSON tree of `text`, given in ``cql2-text`` or ``cql2-json``.

    Raises
    ------
    BadRequest : bad syntax (with the place), too long, too deep, or an unknown language.
    """
    if len(text) > MAX_LENGTH:
        raise refuse(
            f"filter 长 {len(text)} 字符，上限 {MAX_LENGTH}；请简化几何或拆分请求",
            f"The filter has {len(text)} characters, at most {MAX_LENGTH} are taken; "
            "simplify its geometry or split the request",
        )
    if lang == "cql2-text":
        return _parse_text(text)
    if lang == "cql2-json":
        return _parse_json(text)
    raise refuse(
        f"filter-lang 的值“{lang}”无效；可用 cql2-text 或 cql2-json",
        f"filter-lang: '{lang}' is not known; use cql2-text or cql2-json",
        field="filter-lang",
        value=lang,
    )


def _parse_text(text: str) -> Any:
    depth = deepest = 0
    for match in _NESTING.finditer(text):
        depth += {"(": 1, ")": -1}.get(match.group(), 0)
        deepest = max(deepest, depth)
    # The reader descends by recursion: a hostile text must not reach the end of its stack.
    if deepest > MAX_DEPTH or _REPEATED.search(text):
        raise too_deep()
    try:
        return cql2.parse_text(text).to_json()
    except cql2.ParseError as wrong:
        place = re.search(r"-->\s*(\d+):(\d+)", str(wrong))
        line, position = (int(place.group(1)), int(place.group(2))) if place else (1, 1)
        lines = text.splitlines() or [""]
        position += sum(len(each) + 1 for each in lines[: line - 1])
        near = text[position - 1 : position + 19] or "…"
        raise refuse(
            f"filter 第 {position} 个字符处语法有误（“{near}”）。CQL2 示例："
            "name LIKE '会议%' AND S_INTERSECTS(geom, BBOX(116,39,117,40))；文本用单引号",
            f"The filter has a syntax error at character {position} ('{near}'). Example of CQL2: "
            "name LIKE 'Meet%' AND S_INTERSECTS(geom, BBOX(116,39,117,40)); "
            "text stands in single quotes",
            value=text,
            position=position,
        ) from wrong


def _parse_json(text: str) -> Any:
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise refuse(
            f"filter 第 {wrong.pos + 1} 个字符处不是有效的 JSON（{wrong.msg}）",
            f"The filter is not valid JSON at character {wrong.pos + 1}: {wrong.msg}",
            value=text,
            position=wrong.pos + 1,
        ) from wrong
    except RecursionError as deep:
        raise too_deep() from deep
    if not isinstance(tree, dict | bool):
        raise refuse(
            'filter 应为 CQL2 JSON 对象，例如 {"op":">","args":[{"property":"capacity"},2]}',
            "The filter must be an object of CQL2 JSON, such as "
            '{"op":">","args":[{"property":"capacity"},2]}',
            value=text,
        )
    return tree


class Translator(Operands):
    """Turns one CQL2 JSON tree into a condition; see `Operands` for its parameters."""

    def condition(self, node: Any, path: str = "", depth: int = 0) -> Condition:
        """Return the condition that `node` states."""
        self.count(depth)
        if isinstance(node, bool):
            return true() if node else false()
        if isinstance(node, Mapping) and "property" in node:
            operand = self.operand(node, path, depth)
            if operand.kind == "boolean":
                return operand.sql  # type: ignore[no-any-return]
        if not isinstance(node, Mapping) or not isinstance(node.get("op"), str):
            raise self.fail(
                "此处需要条件（比较或 AND/OR/NOT），例如 capacity > 2",
                "a condition is needed here (a comparison, or AND/OR/NOT), such as capacity > 2",
                path,
            )
        name, args = node["op"].lower(), node.get("args")
        if not isinstance(args, list):
            raise self.fail(
                f"{name} 缺少 args 数组", f"{name} needs a list of args", path, value=name
            )
        if name in ("and", "or"):
            parts = [
                self.condition(each, f"{path}/args/{i}", depth + 1) for i, each in enumerate(args)
            ]
            if not parts:
                raise self.fail(f"{name} 至少需要一项", f"{name} needs at least one part", path)
            return and_(*parts) if name == "and" else or_(*parts)
        if name == "not":
            self.arity(name, args, 1, path)
            return not_(self.condition(args[0], f"{path}/args/0", depth + 1))
        return self._predicate(name, args, path, depth)

    def _predicate(  # noqa: PLR0911 - one return for each family of operations
        self, name: str, args: list[Any], path: str, depth: int
    ) -> Condition:
        if name == "in":
            return self._in(args, path, depth)
        arity = operators.arity(name)
        if arity is None:
            raise self.fail(
                f"不支持运算“{name}”；可用：{operators.KNOWN}",
                f"the operation '{name}' is not supported; use: {operators.KNOWN}",
                path,
                value=name,
            )
        self.arity(name, args, arity, path)
        given = [self.operand(each, f"{path}/args/{i}", depth + 1) for i, each in enumerate(args)]
        if name == "isnull":
            return self.sql(given[0], path).is_(None)  # type: ignore[no-any-return]
        if name == "between":
            return and_(
                self.compare(">=", given[0], given[1], path),
                self.compare("<=", given[0], given[2], path),
            )
        if name == "like":
            return self._like(given[0], given[1], path)
        if name in operators.SPATIAL:
            return self._spatial(name, given, path)
        if name in operators.TEMPORAL:
            left, right = self._spans(given[0], given[1], path)
            return operators.TEMPORAL[name](left, right)
        return self.compare(name, given[0], given[1], path)

    def compare(self, name: str, left: Operand, right: Operand, path: str) -> Condition:
        """Return ``left name right`` with each literal brought to the type of the other side."""
        kinds = {left.kind, right.kind}
        if kinds & {"date", "instant"} and kinds <= {"date", "instant", "text"}:
            return operators.compare_times(name, *self._spans(left, right, path))
        if left.kind != right.kind or left.kind in ("geometry", "span"):
            raise self.mismatch(left, right, path)
        if left.kind == "boolean" and name not in ("=", "<>"):
            raise self.fail("布尔值只能用 = 或 <>", "true and false compare by = or <> alone", path)
        self.check_choice(left, right, path)
        a, b = self.sql(left, path, right), self.sql(right, path, left)
        return operators.COMPARISON[name](a, b)  # type: ignore[no-any-return]

    def computed(self, name: str, node: Mapping[str, Any], path: str, depth: int) -> Operand:
        """Return what CASEI, ACCENTI, arithmetic or a nested condition yields."""
        args = node.get("args")
        if not isinstance(args, list):
            raise self.fail(
                f"{name} 缺少 args 数组", f"{name} needs a list of args", path, value=name
            )
        if name in operators.TEXTUAL:
            self.arity(name, args, 1, path)
            inner = self.operand(args[0], f"{path}/args/0", depth + 1)
            self.need("text", inner, path)
            return Operand(
                "text", operators.TEXTUAL[name](self.sql(inner, path)), field=inner.field
            )
        if name in operators.ARITHMETIC:
            self.arity(name, args, 2, path)
            sides = [self.operand(a, f"{path}/args/{i}", depth + 1) for i, a in enumerate(args)]
            for side in sides:
                self.need("number", side, path)
            a, b = (cast(self.sql(side, path), Float()) for side in sides)
            return Operand("number", operators.ARITHMETIC[name](a, b))
        return Operand("boolean", self.condition(node, path, depth + 1))

    def _like(self, left: Operand, right: Operand, path: str) -> Condition:
        self.need("text", left, path)
        self.need("text", right, path)
        return self.sql(left, path).like(self.sql(right, path))  # type: ignore[no-any-return]

    def _spatial(self, name: str, given: list[Operand], path: str) -> Condition:
        for side in given:
            self.need("geometry", side, path)
        return operators.SPATIAL[name](given[0].sql, given[1].sql)  # type: ignore[no-any-return]

    def _spans(self, left: Operand, right: Operand, path: str) -> tuple[Any, Any]:
        spans = []
        for operand in (left, right):
            if isinstance(operand.value, Span):
                spans.append(operand.value)
            else:
                part = self.part(operand, path)
                spans.append(Span(part, part))
        families = {part.family for span in spans for part in span.parts} - {None}
        if len(families) > 1:
            raise self.fail(
                "日期属性不能与时间属性直接比较",
                "a date property does not go with a time one",
                path,
            )
        family = "date" if "date" in families else "instant"
        a, b = (
            operators.Bounds(
                span.start.resolve(family, self.zone, last=False),  # type: ignore[arg-type]
                span.end.resolve(family, self.zone, last=True),  # type: ignore[arg-type]
                point=span.start is span.end
                and (span.start.column is not None or family == "date" or not span.start.is_day),
            )
            for span in spans
        )
        return a, b

    def _in(self, args: list[Any], path: str, depth: int) -> Condition:
        self.arity("in", args, 2, path)
        left = self.operand(args[0], f"{path}/args/0", depth + 1)
        if not isinstance(args[1], list):
            raise self.fail(
                "IN 需要列表，例如 IN ('a','b')", "IN needs a list, as in IN ('a','b')", path
            )
        if not args[1]:
            return false()
        items = [self.operand(each, f"{path}/args/1", depth + 1) for each in args[1]]
        plain = all(each.sql is None and each.kind == left.kind for each in items)
        if not plain or left.kind not in ("text", "number"):
            return or_(*(self.compare("=", left, each, path) for each in items))
        for each in items:
            self.check_choice(left, each, path)
        values = [self.sql(each, path, left) for each in items]
        kinds: Any = TextType() if left.kind == "text" else BigInteger()
        if left.exact:
            kinds = Numeric()
        elif any(isinstance(value.type, Float) for value in values):
            kinds = Float()
        plain_values = [value.value for value in values]
        if isinstance(kinds, Float):
            plain_values = [float(value) for value in plain_values]
        # One array, not a list of values: the statement stays the same whatever its length.
        return self.sql(left, path) == any_(  # type: ignore[no-any-return]
            literal(plain_values, ARRAY(kinds))
        )
