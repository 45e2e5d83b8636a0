"""Links of edited rows: a room's level, the rooms that a node serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from layers.access import Actor
from layers.base import Entity, table_of
from layers.changes import ChangeSet
from layers.editing.edit import Fault, links_of, refuse
from layers.editing.keys import layer_of, seen
from layers.labels import Text
from layers.links import Link


@dataclass(frozen=True)
class Linked:
    """A row and the links it is given, whole sets by layer; the others it has from `like`."""

    where: str
    model: type[Entity]
    id: int
    like: int | None
    links: Mapping[str, Sequence[int]]
    new: bool = True


def link(
    connection: sa.Connection, actor: Actor, changes: ChangeSet, given: Sequence[Linked]
) -> None:
    """Write the links of rows: what is missing is added, what is not named is taken away.

    Raises
    ------
    Impossible : there is no such link, or its object is not there.
    """
    for each in given:
        changed = False
        known = links_of(each.model)
        by_layer = {layer_of(target).name: target for target in known}
        for name, ids in each.links.items():
            pointer = f"{each.where}/links/{name}"
            target = by_layer.get(name)
            if target is None:
                offered = "、".join(by_layer) or "—"
                text = Text(
                    f"没有到 {name} 的关联；可用：{offered}",
                    f"No link to '{name}'; there are: {offered}",
                )
                refuse([Fault(pointer, name, text)])
                continue
            there = seen(connection, actor, target, ids)
            refuse([_nothing(pointer, name, target, key) for key in ids if key not in there])
            changed |= _set(connection, changes, known[target], target, each.id, list(ids))
        if changed and not each.new:
            # Who read the row with its former links has read an older revision.
            changes.touch(each.model, [each.id])
        if each.like is not None:
            taken = {by_layer[name] for name in each.links if name in by_layer}
            _take_after(
                connection, changes, each, {t: k for t, k in known.items() if t not in taken}
            )


def _nothing(pointer: str, name: str, target: str, key: int) -> Fault:
    title = layer_of(target).title
    text = Text(f"没有编号为 {key} 的{title.zh}", f"There is no {key} among {title.en}")
    return Fault(pointer, name, text, key)


def _keys(link_model: type[Link], target: str) -> tuple[sa.Column[Any], sa.Column[Any]]:
    """Return the column of the subject and that of the object in `target`."""
    keys = [c for c in table_of(link_model).c if c.foreign_keys]
    return keys[0], next(c for c in keys[1:] if c.info["reference"] == target)


def _set(
    connection: sa.Connection,
    changes: ChangeSet,
    model: type[Link],
    target: str,
    key: int,
    ids: list[int],
) -> bool:
    """Give a row just these links and tell whether any had to be written."""
    table = table_of(model)
    subject, thing = _keys(model, target)
    held = connection.execute(
        sa.select(table.c.id, thing).where(subject == key, thing.is_not(None))
    ).all()
    gone = [row.id for row in held if row[1] not in ids]
    changes.delete([(model, each) for each in gone])
    new = [each for each in dict.fromkeys(ids) if each not in {row[1] for row in held}]
    if new:
        changes.insert(model, [{subject.name: key, thing.name: each} for each in new])
    return bool(gone or new)


def _take_after(
    connection: sa.Connection, changes: ChangeSet, each: Linked, known: Mapping[str, type[Link]]
) -> None:
    for model in set(known.values()):
        table = table_of(model)
        subject = next(c for c in table.c if c.foreign_keys)
        names = [c.name for c in table.c if c.name not in ("id", "revision", subject.name)]
        held = connection.execute(
            sa.select(*(table.c[n] for n in names)).where(subject == each.like)
        ).mappings()
        rows = [{subject.name: each.id, **row} for row in held]
        if rows:
            changes.insert(model, rows)
