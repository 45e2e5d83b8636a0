"""Rules that a row must keep beyond its columns: where it lies, and what depends on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geography

from layers.access import Actor
from layers.access import layer_of as shown_by
from layers.assets import Asset
from layers.base import Base, Entity, Tracked, table_of
from layers.editing.edit import Fault
from layers.editing.keys import layer_of, seen
from layers.labels import Text
from layers.links import Link
from layers.space import Room, RoomLevel

OVERLAP_M2 = 0.5
"""How much two rooms of a level may lie over each other: walls are drawn by hand."""
REACH_M = 0.5
"""How far outside its room a thing may stand: it may be fixed to the wall."""

Written = tuple[str, type[Entity], int]


def check_rules(connection: sa.Connection, actor: Actor, written: Sequence[Written]) -> list[Fault]:
    """Return the faults of rows that were just written, in the transaction that wrote them."""
    found: list[Fault] = []
    for model, rule in _RULES:
        mine = {key: where for where, each, key in written if each is model}
        if mine:
            found += rule(connection, actor, mine)
    return found


def check_deletes(connection: sa.Connection, actor: Actor, gone: Sequence[Written]) -> list[Fault]:
    """Return a fault for each row on which others depend, or that others' rows point to.

    What would be deleted along with it is deleted first, by name. Others' rows that merely point
    to it would be changed by deleting it: who has no right to change them may not.
    """
    going: dict[str, set[int]] = {}
    for _, model, key in gone:
        going.setdefault(table_of(model).name, set()).add(key)
    faults: list[Fault] = []
    for where, model, key in gone:
        for other in _tracked():
            for column, on_delete in _keys_to(other, model):
                held = _holders(connection, other, column, key, going)
                if on_delete == "CASCADE" and issubclass(other, Entity) and other.managed:
                    faults += _depending(connection, actor, where, other, held)
                elif other.managed:
                    faults += _others(actor, where, other, column.name, held)
    return faults


def _tracked() -> list[type[Tracked]]:
    mapped = (each.class_ for each in Base.registry.mappers)
    return [each for each in mapped if issubclass(each, Tracked)]


def _keys_to(other: type[Tracked], model: type[Entity]) -> list[tuple[sa.Column[Any], str]]:
    """Return the keys of `other` to rows of `model`, and what becomes of them with those."""
    target = table_of(model)
    return [
        (c, k.ondelete or "")
        for c in table_of(other).c
        for k in c.foreign_keys
        # A link is its subject's own and goes with it.
        if k.column.table is target and not (issubclass(other, Link) and c is _subject(other))
    ]


def _subject(link: type[Link]) -> sa.Column[Any]:
    return next(c for c in table_of(link).c if c.foreign_keys)


def _holders(
    connection: sa.Connection,
    other: type[Tracked],
    column: sa.Column[Any],
    key: int,
    going: dict[str, set[int]],
) -> list[tuple[int, int | None]]:
    """Return id and owner of the rows that hold a key; of a link the owner of its subject."""
    table = table_of(other)
    if issubclass(other, Link):
        subject = _subject(other)
        thing = next(iter(subject.foreign_keys)).column.table
        query = sa.select(table.c.id, thing.c.body_id).join(thing, thing.c.id == subject)
    else:
        query = sa.select(table.c.id, table.c.body_id)
    found = connection.execute(query.where(column == key)).all()
    return [(row[0], row[1]) for row in found if row[0] not in going.get(table.name, set())]


def _depending(
    connection: sa.Connection,
    actor: Actor,
    where: str,
    other: type[Entity],
    held: Sequence[tuple[int, int | None]],
) -> list[Fault]:
    if not held:
        return []
    table = table_of(other).name
    title = layer_of(table).title
    there = seen(connection, actor, table, [key for key, _ in held])
    if not there:
        text = Text("还有其他机构的对象属于它", "Things of other bodies belong to it")
        return [Fault(where, "", text)]
    text = Text(
        f"还有 {len(there)} 条{title.zh}属于它；请先删除或移走",
        f"{len(there)} of {title.en} belong to it; delete or move them first",
    )
    return [Fault(where, table, text, len(there))]


def _others(
    actor: Actor,
    where: str,
    other: type[Tracked],
    field: str,
    held: Sequence[tuple[int, int | None]],
) -> list[Fault]:
    """Refuse to empty keys of rows that the actor may not change, or not in this field."""
    shown = shown_by(other)
    name = None if issubclass(other, Link) else field
    if all(actor.may_write(shown, name, body) for _, body in held):
        return []
    text = Text(
        "还有您无权修改的对象指向它；请有权者先改正，或由其删除",
        "Things that are not yours to change point to it; let those change them, or delete it, who "
        "may",
    )
    return [Fault(where, "", text)]


def _rooms_apart(connection: sa.Connection, actor: Actor, rooms: dict[int, str]) -> list[Fault]:
    """Rooms of one level do not lie over each other, or no more than they did before the edit."""
    room, on = table_of(Room), table_of(RoomLevel)
    _one_at_a_time(connection, list(rooms))
    mine, theirs = room.alias("mine"), room.alias("theirs")
    my_level, their_level = on.alias("my_level"), on.alias("their_level")
    shared = sa.cast(sa.func.ST_Intersection(mine.c.geom, theirs.c.geom), Geography)
    area = sa.func.ST_Area(shared)
    changed = _before(room)
    query = (
        sa.select(mine.c.id, theirs.c.id, sa.func.coalesce(theirs.c.number, theirs.c.name), area)
        .join(my_level, my_level.c.room_id == mine.c.id)
        .join(their_level, their_level.c.level_id == my_level.c.level_id)
        .join(theirs, sa.and_(theirs.c.id == their_level.c.room_id, theirs.c.id != mine.c.id))
        .outerjoin(changed, changed.c.id == mine.c.id)
        .where(
            mine.c.id == sa.func.any(sa.literal(list(rooms), sa.ARRAY(sa.BigInteger))),
            mine.c.geom.op("&&")(theirs.c.geom),
            area
            > OVERLAP_M2
            + sa.func.coalesce(
                sa.func.ST_Area(
                    sa.cast(sa.func.ST_Intersection(changed.c.geom, theirs.c.geom), Geography)
                ),
                0,
            ),
        )
    )
    found = connection.execute(query).all()
    known = seen(connection, actor, "room", [row[1] for row in found])
    return [
        _overlap(f"{rooms[key]}/geometry", name if other in known else None, m2)
        for key, other, name, m2 in found
    ]


def _one_at_a_time(connection: sa.Connection, rooms: list[int]) -> None:
    """Let others who write rooms of the same levels wait: two would not see each other's."""
    on = table_of(RoomLevel)
    wanted = sa.func.any(sa.literal(rooms, sa.ARRAY(sa.BigInteger)))
    for level in connection.scalars(
        sa.select(on.c.level_id).distinct().where(on.c.room_id == wanted).order_by(on.c.level_id)
    ):
        lock = sa.func.hashtextextended(f"onemap.level.{level}", 0)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))


def _overlap(pointer: str, name: str | None, m2: float) -> Fault:
    if name is None:  # a room that the editor does not see
        text = Text(
            "与本层另一房间重叠；请缩小范围", "lies over another room of the level; make it smaller"
        )
        return Fault(pointer, "geometry", text)
    text = Text(
        f"与房间 {name} 重叠 {m2:.1f} 平方米；请贴合其边界",
        f"lies over room {name} by {m2:.1f} m²; let it end at that room's edge",
    )
    return Fault(pointer, "geometry", text, round(m2, 2))


def _before(table: sa.Table) -> sa.Subquery:
    """Return the geometries that rows of `table` had before this transaction."""
    past = Base.metadata.tables[table.name + "_history"]
    return (
        sa.select(past.c.id, past.c.geom).where(past.c.tx == sa.func.onemap_tx()).subquery("before")
    )


def _in_its_room(connection: sa.Connection, actor: Actor, things: dict[int, str]) -> list[Fault]:
    """A thing with a place stands in the room that it names."""
    asset, room = table_of(Asset), table_of(Room)
    metres = sa.func.ST_Distance(sa.cast(asset.c.geom, Geography), sa.cast(room.c.geom, Geography))
    query = (
        sa.select(asset.c.id, room.c.id, sa.func.coalesce(room.c.number, room.c.name), metres)
        .join(room, room.c.id == asset.c.room_id)
        .where(
            asset.c.id == sa.func.any(sa.literal(list(things), sa.ARRAY(sa.BigInteger))),
            asset.c.geom.is_not(None),
            room.c.geom.is_not(None),
            metres > REACH_M,
        )
    )
    found = connection.execute(query).all()
    known = seen(connection, actor, "room", [row[1] for row in found])
    return [
        _outside(f"{things[key]}/geometry", name if room_id in known else None, away)
        for key, room_id, name, away in found
    ]


def _outside(pointer: str, name: str | None, away: float) -> Fault:
    if name is None:  # a room that the editor does not see
        text = Text(
            "位置不在其房间内；请一并修改位置，或清空位置",
            "stands outside its room; give a place in it, or none",
        )
        return Fault(pointer, "geometry", text)
    text = Text(
        f"位置在房间 {name} 之外 {away:.0f} 米；请一并修改位置，或清空位置",
        f"stands {away:.0f} m outside room {name}; give a place in it, or none",
    )
    return Fault(pointer, "geometry", text, round(away, 1))


_RULES: tuple[
    tuple[type[Entity], Callable[[sa.Connection, Actor, dict[int, str]], list[Fault]]], ...
] = (
    (Room, _rooms_apart),
    (Asset, _in_its_room),
)
