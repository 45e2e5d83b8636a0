"""Row checks: types, choices, ranges, required values, duplicates; nothing is dropped silently."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import JSONB

from importers.base import ATTRIBUTE, FILE, NAME_IN, ROW, Action, Issue, Target
from importers.messages import allowed, message
from importers.values import as_text, cell, convert, positions
from layers.base import Entity, Series, table_of
from layers.labels import CHOICES, Text, unit_text

_SKIPPED: Final = {"id", "revision", "source", "source_key", "names", "attributes", "geom", "path"}
_ANY: Final = (-np.inf, np.inf)
_AT_LEAST_ZERO: Final = ("_m2", "_cny", "_l", "_mbps", "_km", "_s", "_kmh")
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "share": (1e-9, 1),
    "height_m": (0, 2_000),
    "levels_above": (0, 300),
    "levels_below": (0, 50),
    "ordinal": (-50, 300),
    "built_year": (1000, 2200),
    "capacity": (0, 1_000_000),
    "headcount": (0, 10_000_000),
    "quantity": (1, 1_000_000_000),
    "digits": (1, 12),
    "multiplier": (1e-12, 1e12),
    "heading_deg": (0, 360),
}


@dataclass
class Inspection:
    """Rows under inspection: what they are now, what is wrong, and which cannot be loaded.

    Attributes
    ----------
    raw : the frame as it was read, for quarantine.
    frame : the columns so far in their types.
    bad : rows that go into quarantine; `reasons` says why, by position.
    """

    target: Target
    raw: pd.DataFrame
    frame: pd.DataFrame
    bad: NDArray[np.bool_]
    issues: list[Issue] = field(default_factory=list)
    reasons: dict[int, list[Issue]] = field(default_factory=dict)
    repaired: int = 0

    @property
    def table(self) -> sa.Table:
        """The table the rows are meant for."""
        return table_of(self.target.model)

    def say(
        self, position: int, column: str | None, reason: str, action: Action, **values: Any
    ) -> None:
        """Record an issue of the row at `position` with a text of the catalogue."""
        title = title_of(self.table, column)
        text = message(reason, field=title, **values)
        self.add(position, column, values.get("value"), reason, text, action)

    def add(
        self,
        position: int,
        column: str | None,
        value: object,
        reason: str,
        text: Text,
        action: Action,
    ) -> None:
        """Record an issue of the row at `position`; ``quarantined`` sets the row aside."""
        row = cell(self.raw[ROW], position)
        issue = Issue(
            str(cell(self.raw[FILE], position)),
            None if pd.isna(row) else int(row),
            column,
            None if value is None else str(value)[:200],
            reason,
            text.zh,
            text.en,
            action,
        )
        self.issues.append(issue)
        if action == "quarantined":
            self.bad[position] = True
            self.reasons.setdefault(position, []).append(issue)

    def good(self) -> pd.DataFrame:
        """Return the rows that can be loaded."""
        return self.frame[~self.bad] if self.bad.any() else self.frame


def title_of(table: sa.Table, column: str | None) -> Text:
    """Return what a column is called, in both languages."""
    if column is None or column not in table.c:
        return Text(column or "", column or "")
    title = table.c[column].info.get("title")
    return title if isinstance(title, Text) else Text(column, column)


def inspect(target: Target, timezone: str) -> Inspection:
    """Bring the columns of a target into their types and check each row by itself.

    References stay natural keys and ``geom`` stays as it is; the pipeline treats them next.

    Raises
    ------
    ValueError : the frame has a column that the table has not (a mistake of the importer).
    """
    raw, table = target.frame, table_of(target.model)
    found = Inspection(target, raw, pd.DataFrame(index=raw.index), np.zeros(len(raw), dtype=bool))
    aside: dict[str, pd.Series[Any]] = {}
    for refusal in target.refused:
        text = message(refusal.reason, field=refusal.title, value=refusal.value)
        found.add(
            refusal.position, refusal.field, refusal.value, refusal.reason, text, refusal.action
        )
    for name in map(str, raw.columns):
        if name in (FILE, ROW) or name.startswith((ATTRIBUTE, NAME_IN)) or _is_part(name, table):
            continue
        if name not in table.c:
            raise ValueError(f"{table.name} has no column {name}")
        column = table.c[name]
        if name in _SKIPPED:
            found.frame[name] = raw[name] if name in ("geom", "id") else as_text(raw[name])
        elif "reference" in column.info or _is_thing(target, name):
            found.frame[name] = raw[name]
        else:
            _convert(found, column, timezone, aside)
    _required(found)
    _duplicates(found)
    _periods(found)
    _gather(found, aside)
    return found


def _is_part(name: str, table: sa.Table) -> bool:
    """``room_id.building`` narrows the natural key in ``room_id``."""
    return "." in name and name.split(".")[0] in table.c


def _is_thing(target: Target, name: str) -> bool:
    return issubclass(target.model, Series) and name == target.model.thing_key


def _convert(
    found: Inspection, column: sa.Column[Any], timezone: str, aside: dict[str, pd.Series[Any]]
) -> None:
    target, name = found.target, column.name
    values = found.raw[name]
    words = dict(target.choices.get(name, {}))
    made = convert(column, values, timezone=timezone, words=words)
    found.frame[name] = made.values
    low, high = _RANGES.get(name, (0.0, np.inf) if name.endswith(_AT_LEAST_ZERO) else _ANY)
    wrong = made.bad.to_numpy(dtype=bool, na_value=False)
    outside = np.zeros(len(wrong), dtype=bool)
    if (low, high) != _ANY:
        numbers = pd.to_numeric(made.values, errors="coerce").astype("float64").to_numpy()
        outside = (numbers < low) | (numbers > high)
    if not (wrong | outside).any():
        return
    action: Action = "emptied" if target.lenient and column.nullable else "quarantined"
    kept = pd.Series(pd.NA, index=values.index, dtype=object)
    known = CHOICES.get(column.info.get("choices", ""), {})
    for position in positions(wrong | outside):
        value = cell(values, position)
        reason = made.reason if wrong[position] else "out_of_range"
        found.say(
            position, name, reason, action,
            value=value, unit=unit_text(column.info.get("unit", "1")), allowed=allowed(low, high),
            choices="、".join(text.zh for text in known.values()),
        )  # fmt: skip
        kept.iloc[position] = value
    if action == "emptied":
        found.frame[name] = made.values.mask(pd.Series(wrong | outside, index=values.index))
        aside[name] = as_text(kept)


def _required(found: Inspection) -> None:
    target, table = found.target, found.table
    needed = [
        c.name
        for c in table.c
        if not c.nullable
        and c.server_default is None
        and c.identity is None
        and c.name not in _SKIPPED
    ]
    for name in dict.fromkeys([*needed, *target.required]):
        if name == "geom":
            continue
        missing = (
            found.frame[name].isna().to_numpy(dtype=bool)
            if name in found.frame
            else np.ones(len(found.raw), dtype=bool)
        )
        for position in positions(missing & ~found.bad):
            found.say(position, name, "missing_value", "quarantined")
    for name in found.frame.columns:
        # A default of the table stands in for an empty cell only when nothing at all is written.
        column = table.c[name]
        default = column.server_default
        if not column.nullable and isinstance(default, sa.DefaultClause) and name not in _SKIPPED:
            found.frame[name] = _filled(found.frame[name], str(default.arg).strip("'"))


def _filled(values: pd.Series[Any], default: str) -> pd.Series[Any]:
    if not values.isna().any():
        return values
    if isinstance(values.dtype, pd.StringDtype):
        return values.fillna(default)
    if pd.api.types.is_bool_dtype(values):
        return values.fillna(default == "true")
    if pd.api.types.is_numeric_dtype(values):
        return values.fillna(float(default))
    return values


def _duplicates(found: Inspection) -> None:
    names = [("duplicate_value", n) for n in found.target.unique if n in found.frame]
    if issubclass(found.target.model, Entity):
        names.insert(0, ("duplicate_key", "source_key"))
    for reason, name in names:
        values = found.frame[name]
        again = (values.duplicated() & values.notna()).to_numpy(dtype=bool)
        if not again.any():
            continue
        first = found.raw[ROW][~again].groupby(values[~again]).first()
        for position in positions(again & ~found.bad):
            value = cell(values, position)
            found.say(position, name, reason, "quarantined", value=value, first=first.get(value))


def _periods(found: Inspection) -> None:
    for start, end in (("valid_from", "valid_to"), ("started_at", "ended_at")):
        if start not in found.frame or end not in found.frame:
            continue
        begins, ends = found.frame[start], found.frame[end]
        both = (begins.notna() & ends.notna()).to_numpy(dtype=bool) & ~found.bad
        for position in positions(both):
            before = cell(ends, position) < cell(begins, position)
            same = cell(ends, position) == cell(begins, position) and start == "valid_from"
            if before or same:
                value = cell(ends, position)
                found.say(position, end, "ends_before_start", "quarantined", value=value)


def _gather(found: Inspection, aside: dict[str, pd.Series[Any]]) -> None:
    """Gather the columns that no field holds into the JSON columns, as JSON text."""
    from importers.documents import documents  # noqa: PLC0415 - kept apart for its size

    table, raw = found.table, found.raw
    for column, prefix in (("names", NAME_IN), ("attributes", ATTRIBUTE)):
        if column not in table.c or not isinstance(table.c[column].type, JSONB):
            continue
        parts = {
            str(name)[len(prefix) :]: raw[name]
            for name in raw.columns
            if str(name).startswith(prefix)
        }
        if column == "attributes":
            parts |= {name: values for name, values in aside.items() if name not in parts}
        if column in raw.columns:
            found.frame[column] = raw[column]
        elif parts:
            found.frame[column] = documents(parts, raw.index)
