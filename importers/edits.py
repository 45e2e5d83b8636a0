"""Where a file meets edits by hand: what it did not change stays, where both changed it is asked.

Of the rows that people have edited, `hand_edit` keeps what their file said last (see
`layers.hand_edits`). The newer file's value is compared with that: the same means that the file
did not change it, and the person's value stays; what the person set too means that both agree;
anything else is a conflict, told as an issue and kept to be decided on the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa
from geoalchemy2 import Geometry

from importers.base import FILE, ROW, Issue
from layers.base import SRID, Entity, table_of
from layers.changes import ChangeSet, Counts
from layers.fields import title_of
from layers.hand_edits import as_json
from layers.records import HandEdit

_EDIT = table_of(HandEdit)
Row = Mapping[Any, Any]


@dataclass
class Met:
    """What became of the rows of a file that people had edited.

    Attributes
    ----------
    rest : the rows that nobody edited; they are merged as ever.
    counts : of the edited ones.
    """

    rest: pd.DataFrame
    counts: Counts = field(default_factory=Counts)
    issues: list[Issue] = field(default_factory=list)


def meet(
    changes: ChangeSet,
    model: type[Entity],
    source: str,
    rows: pd.DataFrame,
    read: pd.DataFrame,
) -> Met:
    """Write those of `rows` that people have edited, and hand the rest back.

    Parameters
    ----------
    rows : checked rows of one source, references resolved, as `ChangeSet.upsert` takes them.
    read : the rows as they were read, under the same index: it says where each stands.
    """
    table = table_of(model)
    if rows.empty:
        return Met(rows)
    _hold(changes, table, source, rows["source_key"].astype(str).tolist())
    known: dict[str, dict[str, Any]] = {}
    for each in changes.connection.execute(
        sa.select(_EDIT).where(_EDIT.c.layer == table.name, _EDIT.c.source == source)
    ):
        known.setdefault(each.source_key, {})[each.field] = each
    if not known:
        return Met(rows)
    mine = rows["source_key"].astype(str).isin(list(known))
    met = Met(rows[~mine])
    if not mine.any():
        return met
    names = [c.name for c in table.c if c.name in rows.columns and c.computed is None]
    names = [n for n in names if n not in ("id", "source", "source_key")]
    held = _held(changes, table, source, list(known))
    written: list[dict[str, Any]] = []
    stands = read[[FILE, ROW]].reindex(rows.index)
    for row in rows.assign(**{FILE: stands[FILE], ROW: stands[ROW]})[mine].to_dict("records"):
        said = {n: plain(row[n]) for n in names}
        edits = known[str(row["source_key"])]
        if "" in edits:
            _deleted(changes, met, table, row, said, edits[""])
        else:
            written += _compared(changes, met, table, row, said, edits, held)
    for values in written:
        changes.update(model, [values])
    met.counts = Counts(updated=len(written), unchanged=int(mine.sum()) - len(written))
    return met


def deleted_keys(connection: sa.Connection, table: sa.Table, source: str) -> set[str]:
    """Return the keys of a source's rows that people deleted: an import does not bring them."""
    query = sa.select(_EDIT.c.source_key).where(
        _EDIT.c.layer == table.name, _EDIT.c.source == source, _EDIT.c.field == ""
    )
    return set(connection.scalars(query))


def _hold(changes: ChangeSet, table: sa.Table, source: str, keys: list[str]) -> None:
    """Keep people from changing these rows until the import is committed.

    What they changed before is in `hand_edit` by then; what they want to change waits and is told
    of the newer revision.
    """
    wanted = sa.func.any(sa.literal(keys, sa.ARRAY(sa.Text)))
    held = (
        sa.select(table.c.id)
        .where(table.c.source == source, table.c.source_key == wanted)
        .order_by(table.c.id)
        .with_for_update(key_share=True)
        .subquery()
    )
    changes.connection.execute(sa.select(sa.func.count()).select_from(held))


def _held(
    changes: ChangeSet, table: sa.Table, source: str, keys: list[str]
) -> dict[str, dict[str, Any]]:
    """Return the rows as they are, each value as JSON keeps it, by their source key."""
    stored = [c for c in table.c if c.computed is None]
    wanted = sa.func.any(sa.literal(keys, sa.ARRAY(sa.Text)))
    found = changes.connection.execute(
        sa.select(table.c.source_key, *(as_json(c).label(f"_{c.name}") for c in stored)).where(
            table.c.source == source, table.c.source_key == wanted
        )
    ).mappings()
    return {
        row["source_key"]: {c.name: row[f"_{c.name}"] for c in stored} | {"id": row["_id"]}
        for row in found
    }


def _deleted(changes: ChangeSet, met: Met, table: sa.Table, row: Row, said: Row, edit: Any) -> None:
    """A row that a person deleted stays away; where the file changed it since, it is asked."""
    before = edit.imported or {}
    if all(same(table.c[n], before.get(n), said[n]) for n in said):
        return
    _offer(changes, edit, dict(said))
    key = str(row["source_key"])
    met.issues.append(
        _issue(
            row,
            None,
            key,
            f"“{key}”已由人工删除，而文件中的内容有变；仍保持删除，请在页面的“待定”中决定",
            f"'{key}' was deleted by hand, and the file says something new of it; it stays "
            "deleted until somebody decides on the page",
        )
    )


def _compared(
    changes: ChangeSet,
    met: Met,
    table: sa.Table,
    row: Row,
    said: Row,
    edits: Mapping[str, Any],
    held: Mapping[str, Row],
) -> list[dict[str, Any]]:
    """Return what is to be written of a row: the file's values but for those that people set."""
    now = held.get(str(row["source_key"]))
    if now is None:
        return []
    values = dict(said)
    for name, edit in edits.items():
        if name not in values:
            continue
        column = table.c[name]
        if same(column, said[name], now[name]) or same(column, edit.imported, now[name]):
            # Both agree, or the person went back to what the file had said.
            changes.connection.execute(sa.delete(_EDIT).where(_EDIT.c.id == edit.id))
            continue
        value = values.pop(name)
        if same(column, value, edit.imported):
            continue
        _offer(changes, edit, value)
        met.issues.append(_conflict(column, row, value, now[name]))
    values = {n: v for n, v in values.items() if not same(table.c[n], v, now[n])}
    return [{"id": now["id"], **values}] if values else []


def _offer(changes: ChangeSet, edit: Any, value: Any) -> None:
    changes.connection.execute(
        sa.update(_EDIT).where(_EDIT.c.id == edit.id).values(offered={"value": value})
    )


def _conflict(column: sa.Column[Any], row: Row, value: Any, now: Any) -> Issue:
    title = title_of(column)
    place = isinstance(column.type, Geometry)
    theirs, ours = ("…", "…") if place else (value, now)
    return _issue(
        row,
        column.name,
        None if place else str(value),
        f"“{title.zh}”已由人工改为“{ours}”，文件新值为“{theirs}”；保留人工值，请在页面的“待定”中决定",
        f"{title.en} was set by hand to '{ours}' and the file now says '{theirs}'; the former "
        "stays until somebody decides on the page",
    )


def _issue(row: Row, name: str | None, value: str | None, zh: str, en: str) -> Issue:
    number: Any = row.get(ROW, pd.NA)
    return Issue(
        str(row.get(FILE, "")),
        None if pd.isna(number) else int(number),
        name,
        value,
        "conflict_with_edit",
        zh,
        en,
        "noted",
    )


def plain(value: Any) -> Any:
    """Return a value of a frame as JSON keeps it; geometry as hexadecimal EWKB in EPSG:4326."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, shapely.Geometry):
        placed = shapely.set_srid(value, SRID)
        return str(shapely.to_wkb(placed, hex=True, include_srid=True)).lower()
    if isinstance(value, dict | list):
        return value
    if value is None or pd.isna(value):
        return None
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def same(column: sa.Column[Any], one: Any, other: Any) -> bool:
    """Tell whether two values, as JSON keeps them, are the same value of a column."""
    if one is None or other is None:
        return one is None and other is None
    if isinstance(column.type, sa.DateTime):
        return _moment(one) == _moment(other)
    if isinstance(column.type, sa.Date):
        return str(one)[:10] == str(other)[:10]
    if isinstance(column.type, sa.Numeric | sa.Integer) and not isinstance(one, bool):
        return Decimal(str(one)) == Decimal(str(other))
    if isinstance(column.type, Geometry):
        return str(one).lower() == str(other).lower()
    return bool(one == other)


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(str(value))
