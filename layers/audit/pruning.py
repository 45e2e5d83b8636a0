"""Forgetting records that were kept as long as they must be, batch by batch.

The seal of the last batch that goes stays, with a mark under the key: verifying begins there, and
nobody without the key can make what he removed look pruned.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from layers.audit.keys import SealKeys
from layers.audit.noting import note
from layers.audit.sealing import RECORD, SEAL, mark_mac
from layers.audit.tables import Kind
from layers.problems import Impossible

LOCK = "onemap.audit.prune"
SHORTEST = timedelta(days=180)
"""What is younger is never pruned."""


@dataclass(frozen=True)
class Forgotten:
    """How much was pruned: batches, records, and the number up to which nothing is left."""

    batches: int = 0
    records: int = 0
    last: int | None = None


def prune(connection: sa.Connection, keys: SealKeys, before: datetime, now: datetime) -> Forgotten:
    """Drop the batches that were sealed before a moment, in the caller's transaction, as the owner.

    Raises
    ------
    Impossible : they would be kept for less than 180 days, or the key is not the one that sealed.
    """
    if before > now - SHORTEST:
        raise Impossible(
            "审计记录至少保留 180 天", "Records are kept for at least 180 days", field="before"
        )
    # Sealing goes on meanwhile: it counts from the newest seal, which stays.
    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtext(LOCK))
    connection.execute(sa.select(lock))
    newest = sa.select(sa.func.max(SEAL.c.batch)).scalar_subquery()
    last = connection.execute(
        sa.select(SEAL)
        # The newest stays: the next one counts from it.
        .where(SEAL.c.sealed_at < before, SEAL.c.batch < newest)
        .order_by(SEAL.c.batch.desc())
        .limit(1)
    ).mappings().one_or_none()  # fmt: skip
    if last is None or last["mark"] is not None:
        return Forgotten()
    key = keys.known().get(last["key"])
    if key is None:
        raise Impossible(
            "钥匙文件中没有封存这些记录的钥匙；请恢复原来的 audit.key 后再清理",
            "The key file lacks the key that sealed these records; put the former audit.key back "
            "before pruning",
        )
    records = connection.execute(sa.delete(RECORD).where(RECORD.c.number <= last["last"])).rowcount
    seals = connection.execute(sa.delete(SEAL).where(SEAL.c.batch < last["batch"])).rowcount
    pruned_at = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    connection.execute(
        sa.update(SEAL)
        .where(SEAL.c.batch == last["batch"])
        .values(pruned_at=pruned_at, mark=mark_mac(key, last, pruned_at))
    )
    note(connection, Kind.PRUNE, batches=seals + 1, records=records, up_to=last["last"],
         before=before.isoformat())  # fmt: skip
    return Forgotten(seals + 1, records, last["last"])
