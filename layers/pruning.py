"""Forgetting: what of the log and of the histories is older than people want to keep.

Each table keeps the change set that last touched it before the limit as the place where its record
begins (`layers.history.RecordStart`), though no longer what that set did. So every moment from the
limit on is answered as before, and an earlier one by the earliest state that is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from layers.base import Base
from layers.history import history_table, tracked_tables


@dataclass(frozen=True)
class Pruned:
    """How much was forgotten: lines of the log, former rows, whole change sets."""

    changes: int = 0
    images: int = 0
    sets: int = 0


def prune(connection: sa.Connection, before: datetime) -> Pruned:
    """Delete history and log of what was recorded before a moment; the caller commits."""
    change, record, start = (
        Base.metadata.tables[name] for name in ("change", "change_set", "record_start")
    )
    # Two at once would each take the other's beginnings for what is left of old ones.
    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtext("onemap.prune"))
    connection.execute(sa.select(lock))
    changes = images = 0
    for table in tracked_tables():
        touched = sa.exists().where(change.c.tx == record.c.tx, change.c.layer == table.name)
        last = connection.execute(
            sa.select(sa.cast(record.c.tx, sa.Text).label("tx"), record.c.recorded_at)
            .where(record.c.recorded_at < before, touched)
            .order_by(record.c.recorded_at.desc())
            .limit(1)
        ).one_or_none()
        if last is None:
            continue
        old = record.c.recorded_at <= last.recorded_at
        past = history_table(table)
        images += _deleted(connection, past, past.c.tx == record.c.tx, old)
        changes += _deleted(
            connection, change, change.c.tx == record.c.tx, change.c.layer == table.name, old
        )
        begins = sa.cast(sa.literal(last.tx, sa.Text), start.c.tx.type)
        connection.execute(sa.delete(start).where(start.c.layer == table.name))
        connection.execute(sa.insert(start).values(layer=table.name, tx=begins))
    newest = sa.select(sa.func.max(record.c.seq)).scalar_subquery()
    sets = _deleted(
        connection,
        record,
        record.c.recorded_at < before,
        record.c.seq < newest,  # from which the next one counts
        ~sa.exists().where(change.c.tx == record.c.tx),
        ~sa.exists().where(start.c.tx == record.c.tx),
    )
    return Pruned(changes, images, sets)


def _deleted(connection: sa.Connection, table: sa.Table, *conditions: Any) -> int:
    return connection.execute(sa.delete(table).where(*conditions)).rowcount


__all__ = ["Pruned", "prune"]
