"""A filter in plain words, for the notes that go out with a list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import cql2

from layers.base import Layer
from layers.fields import Field, fields_of
from layers.labels import Text, unit_text

Said = tuple[Text, Text]
"""What is narrowed, and to what."""

_OTHER = Text("条件（CQL2）", "Condition (CQL2)")
_BOUNDS = {
    "=": Text("{}", "{}"),
    ">=": Text("不小于 {}", "at least {}"),
    "<=": Text("不大于 {}", "at most {}"),
    ">": Text("大于 {}", "more than {}"),
    "<": Text("小于 {}", "less than {}"),
}
_DAYS = _BOUNDS | {
    ">=": Text("不早于 {}", "not before {}"),
    "<=": Text("不晚于 {}", "not after {}"),
    ">": Text("晚于 {}", "after {}"),
    "<": Text("早于 {}", "before {}"),
}
_FLAGS = {True: Text("是", "yes"), False: Text("否", "no")}


def in_words(layer: Layer, tree: Any) -> Iterator[Said]:
    """Yield what a CQL2 JSON tree asks of the columns of a layer.

    The filters of the page's columns are told in words, anything else as CQL2 text.
    """
    fields = {each.name: each for each in fields_of(layer)}
    for leaf in _leaves(tree):
        yield _of_column(fields, leaf) or (_OTHER, Text(*[_as_text(leaf)] * 2))


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict) and tree.get("op") == "and":
        for each in tree.get("args", ()):
            yield from _leaves(each)
    else:
        yield tree


def _of_column(fields: Mapping[str, Field], leaf: Any) -> Said | None:
    match leaf:
        case {"op": "in", "args": [{"property": str(name)}, list(values)]}:
            shown = [_value(fields.get(name), each) for each in values]
            said = Text("、".join(each.zh for each in shown), ", ".join(each.en for each in shown))
        case {
            "op": "like",
            "args": [
                {"op": "casei", "args": [{"property": str(name)}]},
                {"op": "casei", "args": [str(pattern)]},
            ],
        } if pattern.startswith("%") and pattern.endswith("%"):
            words = pattern[1:-1].replace("\\%", "%").replace("\\_", "_").replace("\\\\", "\\")
            said = Text(f"含“{words}”", f"contains “{words}”")
        case {"op": str(op), "args": [{"property": str(name)}, value]} if op in _BOUNDS:
            of = _DAYS if isinstance(value, dict) else _BOUNDS
            shown_value = _value(fields.get(name), value)
            said = Text(of[op].zh.format(shown_value.zh), of[op].en.format(shown_value.en))
        case _:
            return None
    return (_titled(fields[name]), said) if name in fields else None


def _titled(field: Field) -> Text:
    if field.unit is None:
        return field.title
    unit = unit_text(field.unit)
    return Text(f"{field.title.zh} ({unit.zh})", f"{field.title.en} ({unit.en})")


def _value(field: Field | None, value: Any) -> Text:
    if isinstance(value, bool):
        return _FLAGS[value]
    if isinstance(value, dict):
        value = value.get("date", value.get("timestamp", ""))
    label = field.choices.get(value) if field and isinstance(value, str) else None
    return label or Text(str(value), str(value))


def _as_text(tree: Any) -> str:
    if isinstance(tree, dict):
        return str(cql2.Expr(tree).to_text())
    return json.dumps(tree)
