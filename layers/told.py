"""What a set of changes tells someone: by layer the rows that they see now or saw before it.

Tables stay inside: a fact between two things (a room's level) is told as a change of its subject,
and where rows of other tables decide what a layer shows, all of that layer is told to have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Float,
    Select,
    bindparam,
    cast,
    func,
    null,
    select,
    union,
    union_all,
)
from sqlalchemy.sql.selectable import FromClause

from layers import registry
from layers.access import Actor, layer_of, rows, seen_by
from layers.base import Base, Layer, Tracked, table_of
from layers.committed import Box, Committed, Touched
from layers.history import history_table, table_of_change
from layers.links import Link
from layers.prepared import Prepared, prepare

MOST_IDS = 1_000
MOST_EXTENTS = 200

Fetch = Callable[[Prepared, Mapping[str, Any]], Any]


@dataclass
class Part:
    """What is told of one layer; `everything` is that any of its rows may look different."""

    ids: set[int] | None = field(default_factory=set)
    extents: list[Box] = field(default_factory=list)
    everything: bool = False

    def add(self, row: int | None, boxes: Iterable[Box | None]) -> None:
        """Add a row, or rows that are not named, with its extents."""
        if row is None:
            self.ids = None
        elif self.ids is not None:
            self.ids.add(row)
        self.extents += [box for box in boxes if box is not None]

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is sent."""
        if self.everything:
            return {"ids": None, "bbox": None, "extents": None}
        boxes = list(dict.fromkeys(self.extents))
        columns = list(zip(*boxes, strict=True))
        bbox = [*map(min, columns[:2]), *map(max, columns[2:])] if boxes else None
        named = self.ids is not None and len(self.ids) <= MOST_IDS
        return {
            "ids": sorted(self.ids or ()) if named else None,
            "bbox": bbox,
            "extents": boxes if len(boxes) <= MOST_EXTENTS else None,
        }


async def told(
    committed: Committed,
    actor: Actor,
    depends: Callable[[Layer, Actor], Mapping[str, frozenset[str]]],
    fetch: Fetch,
) -> dict[str, Any] | None:
    """Return what a set tells `actor`, None when it is nothing.

    Parameters
    ----------
    depends : tells of which columns of further tables a layer's picture depends.
    fetch : runs a prepared statement with values.
    """
    parts: dict[str, Part] = {}
    by_table: dict[str, list[Touched]] = {}
    for each in committed.changes:
        by_table.setdefault(each.table, []).append(each)
    for table, changes in by_table.items():
        await _own(parts, committed.seq, table, changes, actor, fetch)
    seen = bool(parts)
    for layer in registry.LAYERS:
        if not actor.sees(layer):
            continue
        read, whole = depends(layer, actor), actor.sees_all(layer)
        for table, changes in by_table.items():
            # What a link says of its subject was told with the subject's own id.
            if table not in read or (whole and _subject(table) == layer.table.name):
                continue
            if any(each.changed is None or each.changed & read[table] for each in changes):
                parts.setdefault(layer.name, Part()).everything = True
    if not parts:
        return None
    return {
        "seq": committed.seq,
        "at": committed.recorded_at.isoformat(),
        # Who sees none of the rows learns only that the picture is another.
        "actor": committed.actor if seen else None,
        "reason": committed.reason if seen else None,
        "layers": {name: part.as_dict() for name, part in parts.items()},
    }


async def _own(
    parts: dict[str, Part],
    seq: int,
    table: str,
    changes: Sequence[Touched],
    actor: Actor,
    fetch: Fetch,
) -> None:
    model = _models().get(table)
    shown = _subject(table) if model and issubclass(model, Link) else table
    layer = next((each for each in registry.LAYERS if each.table.name == shown), None)
    if model is None or layer is None or not actor.sees(layer):
        return
    if actor.sees_all(layer) and shown == table:
        part = parts.setdefault(layer.name, Part())
        for each in changes:
            part.add(each.id, (each.before, each.after))
        return
    found = await fetch(_seen(table, actor.pattern), {"seq": seq, **actor.scope})
    if not found:
        return
    part = parts.setdefault(layer.name, Part())
    for row in found:
        boxes = [tuple(row)[first : first + 4] for first in (1, 5)]
        part.add(row[0], (None if box[0] is None else box for box in boxes))
    if len(found) > MOST_IDS:
        part.everything = True


@lru_cache(maxsize=1024)
def _seen(table: str, actor: Actor) -> Prepared:
    """Return the statement of the changed rows that are, or were, seen: id and both extents."""
    model = _models()[table]
    query = _linked(model, actor) if issubclass(model, Link) else _changed(model, actor)
    found = query.subquery("seen")
    return prepare(select(found).limit(MOST_IDS + 1))


def _changed(model: type[Tracked], actor: Actor) -> CompoundSelect[Any] | Select[Any]:
    change, past = table_of_change(), history_table(table_of(model))
    now = rows(model, actor)
    known = "geom" not in now.c or actor.opens(layer_of(model), "geom")
    # Where a thing is or was does not come by the log to who sees its place not as it is.
    boxes = [*_boxes(change.c.before), *_boxes(change.c.after)] if known else [_no_side()] * 8
    boxes = [box.label(f"side_{n}") for n, box in enumerate(boxes)]
    mine = (change.c.layer == table_of(model).name) & (change.c.tx == _tx())
    # What it was is judged by its own old values, and by what stands around it now.
    was = seen_by(model, past, actor)
    return union(
        select(change.c.id, *boxes).where(mine, change.c.id.in_(select(now.c.id))),
        select(change.c.id, *boxes)
        .join(past, (past.c.id == change.c.id) & (past.c.tx == change.c.tx))
        .where(mine, was),
    )


def _linked(model: type[Tracked], actor: Actor) -> Select[Any]:
    """Return the subjects of changed links, and where they are."""
    change, links = table_of_change(), table_of(model)
    past = history_table(links)
    key = _key(links)
    changed = select(change.c.id).where(change.c.layer == links.name, change.c.tx == _tx())
    subjects = union_all(
        select(links.c[key]).where(links.c.id.in_(changed)),
        select(past.c[key]).where(past.c.tx == _tx(), past.c.id.in_(changed)),
    )
    target = _models()[str(_subject(links.name))]
    seen = rows(target, actor)
    boxes = _boxes(seen.c.geom) if "geom" in seen.c else [null()] * 4
    return select(
        seen.c.id,
        *(c.label(f"b{n}") for n, c in enumerate(boxes)),
        *(null().label(f"a{n}") for n in range(4)),
    ).where(seen.c.id.in_(subjects))


def _no_side() -> Any:
    return cast(null(), Float)


def _tx() -> Any:
    record = Base.metadata.tables["change_set"]
    seq = bindparam("seq", 0, type_=BigInteger, unique=False)
    return select(record.c.tx).where(record.c.seq == seq).scalar_subquery()


def _boxes(shape: Any) -> list[Any]:
    return [f(shape) for f in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)]


@lru_cache(maxsize=1)
def _models() -> dict[str, type[Tracked]]:
    found: dict[str, type[Tracked]] = {}
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Tracked):
            found[table_of(mapper.class_).name] = mapper.class_
    return found


def _key(links: FromClause) -> str:
    return str(next(c for c in links.c if c.foreign_keys).name)


@lru_cache(maxsize=256)
def _subject(table: str) -> str | None:
    """Return the table of a link's subject; None of any other table."""
    model = _models().get(table)
    if model is None or not issubclass(model, Link):
        return None
    links = table_of(model)
    return str(next(iter(links.c[_key(links)].foreign_keys)).column.table.name)
