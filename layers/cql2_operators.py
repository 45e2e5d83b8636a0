"""The operations of CQL2 and their SQL, one table each.

Temporal relations are Allen's, on spans that include both ends; an open end (``..``) is None and
lies beyond every moment.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, and_, false, func, literal_column, or_, true
from sqlalchemy.sql.elements import ColumnElement

Condition = ColumnElement[bool]
Binary = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Bounds:
    """The two ends of a span as SQL, None where it is open; `point` where they are one moment."""

    start: ColumnElement[Any] | None
    end: ColumnElement[Any] | None
    point: bool = False


def _spatial(name: str) -> Binary:
    def compare(a: Any, b: Any) -> Any:
        return getattr(func, name)(a, b, type_=Boolean)

    return compare


SPATIAL: dict[str, Binary] = {
    f"s_{name.lower()}": _spatial(f"ST_{name}")
    for name in (
        "Intersects",
        "Within",
        "Contains",
        "Disjoint",
        "Equals",
        "Touches",
        "Crosses",
        "Overlaps",
    )
}

COMPARISON: dict[str, Binary] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _without_accents(text: Any) -> Any:
    # Decompose, then drop the combining marks: what `unaccent` does, without the extension.
    return func.normalize(
        func.regexp_replace(func.normalize(text, _form("NFD")), "[\u0300-\u036f]", "", "g"),
        _form("NFC"),
    )


def _form(name: str) -> Any:
    return literal_column(name)


TEXTUAL: dict[str, Callable[[Any], Any]] = {"casei": func.lower, "accenti": _without_accents}


def _whole(a: Any, b: Any) -> Any:
    return func.trunc(a / func.nullif(b, 0))


def _rest(a: Any, b: Any) -> Any:
    return a - b * _whole(a, b)


# Dividing by zero is unknown, as in every measure, and no error of the whole question.
ARITHMETIC: dict[str, Binary] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / func.nullif(b, 0),
    "div": _whole,
    "%": _rest,
    "^": func.power,
}


def _before(end: Any, start: Any) -> Condition:
    """`end` < `start`, where an open end is later and an open start earlier than everything."""
    return false() if end is None or start is None else end < start


def _earlier(a: Any, b: Any) -> Condition:
    """Start `a` < start `b`."""
    if b is None:
        return false()
    return true() if a is None else a < b


def _later(a: Any, b: Any) -> Condition:
    """End `a` > end `b`."""
    if b is None:
        return false()
    return true() if a is None else a > b


def _same(a: Any, b: Any) -> Condition:
    if a is None or b is None:
        return true() if a is b else false()
    return a == b  # type: ignore[no-any-return]


def _meets(a: Bounds, b: Bounds) -> Condition:
    return false() if a.end is None or b.start is None else a.end == b.start


def _overlaps(a: Bounds, b: Bounds) -> Condition:
    inside = true() if a.end is None or b.start is None else a.end > b.start
    return and_(_earlier(a.start, b.start), inside, _later(b.end, a.end))


def _disjoint(a: Bounds, b: Bounds) -> Condition:
    return or_(_before(a.end, b.start), _before(b.end, a.start))


def _intersects(a: Bounds, b: Bounds) -> Condition:
    parts = []
    if a.start is not None and b.end is not None:
        parts.append(a.start <= b.end)
    if a.end is not None and b.start is not None:
        parts.append(a.end >= b.start)
    known = [_known(a), _known(b)]
    return and_(*parts, *(known if not parts else []), true())


def _known(a: Bounds) -> Condition:
    end = a.start if a.start is not None else a.end
    return true() if end is None else end.is_not(None)


def _during(a: Bounds, b: Bounds) -> Condition:
    return and_(_earlier(b.start, a.start), _later(b.end, a.end))


def _starts(a: Bounds, b: Bounds) -> Condition:
    return and_(_same(a.start, b.start), _later(b.end, a.end))


def _finishes(a: Bounds, b: Bounds) -> Condition:
    return and_(_earlier(b.start, a.start), _same(a.end, b.end))


def _equals(a: Bounds, b: Bounds) -> Condition:
    if a.point != b.point:
        # A time against a day: the same as far as the day tells.
        return _intersects(a, b)
    return and_(_same(a.start, b.start), _same(a.end, b.end))


TEMPORAL: dict[str, Callable[[Bounds, Bounds], Condition]] = {
    "t_after": lambda a, b: _before(b.end, a.start),
    "t_before": lambda a, b: _before(a.end, b.start),
    "t_contains": lambda a, b: _during(b, a),
    "t_disjoint": _disjoint,
    "t_during": _during,
    "t_equals": _equals,
    "t_finishedby": lambda a, b: _finishes(b, a),
    "t_finishes": _finishes,
    "t_intersects": _intersects,
    "t_meets": _meets,
    "t_metby": lambda a, b: _meets(b, a),
    "t_overlappedby": lambda a, b: _overlaps(b, a),
    "t_overlaps": _overlaps,
    "t_startedby": lambda a, b: _starts(b, a),
    "t_starts": _starts,
}


def compare_times(name: str, a: Bounds, b: Bounds) -> Condition:
    """Return ``a name b`` for times; a day against a time column is the whole of that day."""
    if a.point and b.point:
        return COMPARISON[name](a.start, b.start)  # type: ignore[no-any-return]
    made = {
        "=": lambda: _intersects(a, b),
        "<>": lambda: _disjoint(a, b),
        "<": lambda: _before(a.end, b.start),
        ">": lambda: _before(b.end, a.start),
        "<=": lambda: a.start <= b.end if a.start is not None and b.end is not None else true(),
        ">=": lambda: a.end >= b.start if a.end is not None and b.start is not None else true(),
    }
    return made[name]()


def arity(name: str) -> int | None:
    """Return how many arguments the predicate `name` takes; None: there is no such predicate."""
    if name in COMPARISON or name in SPATIAL or name in TEMPORAL or name == "like":
        return 2
    return {"isnull": 1, "between": 3}.get(name)


KNOWN = ", ".join(
    [
        *("AND", "OR", "NOT", "LIKE", "BETWEEN", "IN", "IS NULL", "CASEI", "ACCENTI"),
        *COMPARISON,
        *(name.upper() for name in SPATIAL),
        *(name.upper() for name in TEMPORAL),
        *ARITHMETIC,
    ]
)
__all__ = [
    "ARITHMETIC",
    "COMPARISON",
    "KNOWN",
    "SPATIAL",
    "TEMPORAL",
    "TEXTUAL",
    "Bounds",
    "arity",
    "compare_times",
]
