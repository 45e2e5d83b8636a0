"""Rules that a row must keep beyond its columns: where it lies, and what depends on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geography

from layers.assets import Asset
from layers.base import Base, Entity, Tracked, table_of
from layers.editing.edit import Fault
from layers.editing.keys import layer_of
from layers.history import tracked_tables
from layers.labels import Text
from layers.links import Link
from layers.space import Room, RoomLevel

OVERLAP_M2 = 0.5
"""How much two rooms of a level may lie over each other: walls are drawn by hand."""
REACH_M = 0.5
"""How far outside its room a thing may stand: it may be fixed to the wall."""

Written = tuple[str, type[Entity], int]


def check_rules(connection: sa.Connection, written: Sequence[Written]) -> list[Fault]:
    """Return the faults of rows that were just written, in the transaction that wrote them."""
    found: list[Fault] = []
    for model, rule in _RULES:
        mine = {key: where for where, each, key in written if each is model}
        if mine:
            found += rule(connection, mine)
    return found


def check_deletes(connection: sa.Connection, gone: Sequence[Written]) -> list[Fault]:
    """Return a fault for each row on which things depend that would be deleted with it."""
    going = {(table_of(model).name, key) for _, model, key in gone}
    faults = []
    for where, model, key in gone:
        for other in _dependants(model):
            table = table_of(other)
            keys = _cascading(table, table_of(model))
            ids = connection.scalars(sa.select(table.c.id).where(sa.or_(*(c == key for c in keys))))
            count = sum((table.name, each) not in going for each in ids)
            if count:
                title = layer_of(table.name).title
                text = Text(
                    f"还有 {count} 条{title.zh}属于它；请先删除或移走",
                    f"{count} of {title.en} belong to it; delete or move them first",
                )
                faults.append(Fault(where, table.name, text, count))
    return faults


def _dependants(model: type[Entity]) -> list[type[Tracked]]:
    """Return the classes of things, not mere links, that are deleted with a row of `model`."""
    own = table_of(model)
    tables = {t.name for t in tracked_tables() if _cascading(t, own)}
    mapped = (each.class_ for each in Base.registry.mappers)
    return [
        m for m in mapped
        if issubclass(m, Entity) and not issubclass(m, Link) and table_of(m).name in tables
    ]  # fmt: skip


def _cascading(table: sa.Table, target: sa.Table) -> list[sa.Column[Any]]:
    """Return the keys of `table` whose rows are deleted with what they point to in `target`."""
    return [
        c
        for c in table.c
        if any(k.column.table is target and k.ondelete == "CASCADE" for k in c.foreign_keys)
    ]


def _rooms_apart(connection: sa.Connection, rooms: dict[int, str]) -> list[Fault]:
    """Rooms of one level do not lie over each other, or no more than they did before the edit."""
    room, on = table_of(Room), table_of(RoomLevel)
    mine, theirs = room.alias("mine"), room.alias("theirs")
    my_level, their_level = on.alias("my_level"), on.alias("their_level")
    shared = sa.cast(sa.func.ST_Intersection(mine.c.geom, theirs.c.geom), Geography)
    area = sa.func.ST_Area(shared)
    changed = _before(room)
    query = (
        sa.select(mine.c.id, sa.func.coalesce(theirs.c.number, theirs.c.name), area)
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
    return [
        Fault(
            f"{rooms[key]}/geometry",
            "geometry",
            Text(
                f"与房间 {other} 重叠 {found:.1f} 平方米；请贴合其边界",
                f"lies over room {other} by {found:.1f} m²; let it end at that room's edge",
            ),
            round(found, 2),
        )
        for key, other, found in connection.execute(query)
    ]


def _before(table: sa.Table) -> sa.Subquery:
    """Return the geometries that rows of `table` had before this transaction."""
    past = Base.metadata.tables[table.name + "_history"]
    return (
        sa.select(past.c.id, past.c.geom)
        .where(past.c.tx == sa.func.pg_current_xact_id())
        .subquery("before")
    )


def _in_its_room(connection: sa.Connection, things: dict[int, str]) -> list[Fault]:
    """A thing with a place stands in the room that it names."""
    asset, room = table_of(Asset), table_of(Room)
    metres = sa.func.ST_Distance(sa.cast(asset.c.geom, Geography), sa.cast(room.c.geom, Geography))
    query = (
        sa.select(asset.c.id, sa.func.coalesce(room.c.number, room.c.name), metres)
        .join(room, room.c.id == asset.c.room_id)
        .where(
            asset.c.id == sa.func.any(sa.literal(list(things), sa.ARRAY(sa.BigInteger))),
            asset.c.geom.is_not(None),
            room.c.geom.is_not(None),
            metres > REACH_M,
        )
    )
    return [
        Fault(
            f"{things[key]}/geometry",
            "geometry",
            Text(
                f"位置在房间 {name} 之外 {away:.0f} 米；请一并修改位置，或清空位置",
                f"stands {away:.0f} m outside room {name}; give a place in it, or none",
            ),
            round(away, 1),
        )
        for key, name, away in connection.execute(query)
    ]


_RULES: tuple[tuple[type[Entity], Callable[[sa.Connection, dict[int, str]], list[Fault]]], ...] = (
    (Room, _rooms_apart),
    (Asset, _in_its_room),
)
