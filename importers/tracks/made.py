"""Vehicles that tracks made, and how a register imported later takes them over.

A vehicle known only from tracks bears ``made_from: tracks`` in its attributes. When a register
brings a vehicle of the same plate, that very row becomes the registered one: it takes the
register's source and key and loses the mark, and its positions, trips and stops stay with it. The
other way round, tracks of a plate that is known go to the vehicle that bears it. Plates are
compared without spaces, dots and case (`layers.search_entries.fold`).
"""

from __future__ import annotations

from typing import Final

import pandas as pd
import sqlalchemy as sa

from layers.base import table_of
from layers.changes import ChangeSet
from layers.fleet import Stop, Trip, Vehicle
from layers.search_entries import fold

MADE_FROM: Final = "made_from"
TRACKS: Final = "tracks"


def adopt(changes: ChangeSet, source: str, frame: pd.DataFrame) -> list[int]:
    """Give the vehicles that tracks made the source and key of the register's rows; their ids.

    A row that the register has already is not matched, nor a plate that several vehicles made
    from tracks bear.
    """
    t = table_of(Vehicle)
    rows = changes.connection.execute(
        sa.select(t.c.id, t.c.source_key).where(
            t.c.source != source, t.c.attributes[MADE_FROM].astext == TRACKS
        )
    ).all()
    made: dict[str, list[int]] = {}
    for row in rows:
        made.setdefault(fold(row.source_key), []).append(row.id)
    if not made or "plate" not in frame:
        return []
    known = set(map(str, changes.ids(Vehicle, source).index))
    adopted = []
    for key, plate in zip(frame["source_key"], frame["plate"], strict=True):
        ids = made.pop(fold(str(plate)), []) if pd.notna(plate) else []
        if len(ids) == 1 and str(key) not in known:
            taken = {
                "source": source,
                "source_key": str(key),
                "attributes": t.c.attributes.op("-")(MADE_FROM),
            }
            changes.update_where(Vehicle, t.c.id == ids[0], taken)
            adopted.append(ids[0])
    return adopted


def hand_over(changes: ChangeSet, vehicles: list[int]) -> None:
    """Let the trips and stops of adopted vehicles bear their source, key and body."""
    if not vehicles:
        return
    of = table_of(Vehicle)
    for model in (Trip, Stop):
        t = table_of(model)
        moment = sa.func.regexp_replace(t.c.source_key, "^.*~", "~")
        theirs = sa.and_(t.c.vehicle_id == of.c.id, of.c.id.in_(vehicles))
        taken = {
            "source": of.c.source,
            "source_key": of.c.source_key + moment,
            "body_id": of.c.body_id,
        }
        changes.update_where(model, theirs, taken)
