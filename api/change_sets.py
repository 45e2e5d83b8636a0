"""Change sets as a caller sees them: who changed how much of what, when and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shapely.geometry.base import BaseGeometry

from api.session import Session
from layers.base import Layer, Tracked
from layers.past import AFTER, BEFORE, INSTANT, SIDES, Span, seen_in, sets, touched_by
from layers.prepared import Prepared, prepare

# How many change sets one request looks at for a caller who may see few of them.
_MOST_EXAMINED = 300

Counts = dict[str, tuple[int, list[float] | None]]
Models = Mapping[str, tuple[Layer, type[Tracked]]]


async def page_of(
    session: Session,
    span: Span,
    models: Models,
    area: BaseGeometry | None,
    limit: int,
    *,
    any_table: bool,
) -> tuple[list[dict[str, Any]], int | None]:
    """Return a page of change sets, the newest first, and the place before which the next begins.

    Parameters
    ----------
    models : by table, the layer as whose changes its changes are told, and its class.
    any_table : whether all sets are looked through, not only those that touched these tables.
    """
    tables = None if any_table else list(models)
    found: list[dict[str, Any]] = []
    position, examined = span.before, 0
    while len(found) < limit and examined < _MOST_EXAMINED:
        size = min(limit, 100)
        span = replace(span, before=position)
        some = await session.fetch(sets(span, tables, area, size))
        counted = await _counted(session, some, models, area)
        for record, counts in zip(some, counted, strict=True):
            position = record["seq"]
            if counts:
                found.append(_set(session, record, counts))
            if len(found) == limit:
                break
        else:
            examined += len(some)
            if len(some) < size:
                position = None
                break
    return found, position


async def _counted(
    session: Session,
    some: Sequence[Mapping[str, Any]],
    models: Models,
    area: BaseGeometry | None,
) -> list[Counts]:
    """Return for each set how many rows of each layer the caller sees or saw, and their extent."""
    touched: dict[str, list[Mapping[str, Any]]] = {record["tx"]: [] for record in some}
    for row in await session.fetch(touched_by(list(touched), area)) if some else []:
        if row["layer"] in models:
            touched[row["tx"]].append(row)
    if not all(session.actor.sees_all(layer) for layer, _ in models.values()):
        ready: dict[str, Prepared] = {}
        for record in some:
            touched[record["tx"]] = [
                seen
                for row in touched[record["tx"]]
                if (seen := await _seen(session, record, row["layer"], models, area, ready))
            ]
    made: list[Counts] = []
    for record in some:
        counts: Counts = {}
        for row in touched[record["tx"]]:
            name = models[row["layer"]][0].name
            known, box = counts.get(name, (0, None))
            counts[name] = (known + row["count"], _joined(box, _box(row)))
        made.append(counts)
    return made


async def _seen(
    session: Session,
    record: Mapping[str, Any],
    table: str,
    models: Models,
    area: BaseGeometry | None,
    ready: dict[str, Prepared],
) -> Mapping[str, Any] | None:
    if table not in ready:
        ready[table] = prepare(seen_in(models[table][1], session.actor, area))
    moment = record["recorded_at"]
    asked = ready[table].about({BEFORE: moment - INSTANT, AFTER: moment})
    row = await session.fetchrow(asked, {"tx": record["tx"]})
    return {**row, "layer": table} if row is not None and row["count"] else None


def _box(row: Mapping[str, Any]) -> list[float] | None:
    return None if row["west"] is None else [row[side] for side in SIDES]


def _joined(one: list[float] | None, other: list[float] | None) -> list[float] | None:
    if one is None or other is None:
        return one or other
    return [*map(min, one[:2], other[:2]), *map(max, one[2:], other[2:])]


def _set(session: Session, record: Mapping[str, Any], counts: Counts) -> dict[str, Any]:
    box: list[float] | None = None
    for _, part in counts.values():
        box = _joined(box, part)
    return {
        "seq": record["seq"],
        "at": record["recorded_at"].astimezone(session.config.zone),
        "actor": record["actor"],
        "reason": record["reason"],
        "undoes": record["undoes"],
        "counts": {name: count for name, (count, _) in counts.items()},
        "bbox": box,
    }
