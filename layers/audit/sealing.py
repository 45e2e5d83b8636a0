"""Sealing: what waits is numbered, put under its codes, and moved, in one short transaction.

Moving is what makes it robust: a transaction that was open for an hour commits its record late, and
it is sealed when it can be seen. Only who holds the lock seals, so that numbers leave no gap.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from layers.audit.keys import Head, Reached, SealKey, SealKeys, joined
from layers.audit.tables import AuditRecord, AuditSeal, AuditWaiting
from layers.base import table_of

WAITING, RECORD, SEAL = table_of(AuditWaiting), table_of(AuditRecord), table_of(AuditSeal)
LOCK = "onemap.audit.seal"
MOST = 2_000
"""Records of one batch."""
NOTHING = "0" * 64
"""The code before the first batch."""
TOLD = (
    "at", "kind", "account_id", "account", "address", "request", "route", "layer", "outcome",
    "details",
)  # fmt: skip
"""The columns that a record brings along, in the order in which its code covers them."""
_COVERED = ("number", "batch", *TOLD)


def canonical(*values: Any) -> bytes:
    """Return values in one form: JSON with sorted keys, times in UTC to the microsecond."""
    return json.dumps(
        values, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain
    ).encode("utf-8", "surrogatepass")


def _plain(value: Any) -> str:
    assert isinstance(value, datetime)
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def record_mac(key: SealKey, record: Mapping[Any, Any]) -> str:
    """Return the code of a record: over its number, its batch and all that it tells."""
    return key.mac(b"record", canonical(*(record[name] for name in _COVERED)))


def seal_head(seal: Mapping[Any, Any]) -> bytes:
    """Return what the code of a batch covers beside the codes of its records."""
    names = ("batch", "first", "last", "count", "sealed_at", "key", "previous")
    return b"batch" + canonical(*(seal[name] for name in names))


def mark_mac(key: SealKey, seal: Mapping[Any, Any], pruned_at: datetime) -> str:
    """Return the code of the mark that all up to a batch was pruned: over all of its seal."""
    return key.mac(b"pruned", seal_head(seal), canonical(seal["mac"], pruned_at))


@dataclass(frozen=True)
class Sealed:
    """A batch that was sealed."""

    batch: int
    first: int
    last: int
    mac: str

    @property
    def count(self) -> int:
        """How many records it has."""
        return self.last - self.first + 1

    @property
    def reached(self) -> Reached:
        """How far the record reaches with it."""
        return Reached(self.batch, self.mac)


def try_lock(connection: sa.Connection) -> bool:
    """Become the sealer for as long as the connection lasts; False: another one is."""
    lock = sa.func.pg_try_advisory_lock(sa.func.hashtext(LOCK))
    return bool(connection.scalar(sa.select(lock)))


def waits(connection: sa.Connection) -> bool:
    """Whether anything waits to be sealed."""
    return bool(connection.scalar(sa.select(sa.exists().select_from(WAITING))))


def last_seal(connection: sa.Connection) -> Any:
    """Return the row of the newest seal; None before the first."""
    return connection.execute(sa.select(SEAL).order_by(SEAL.c.batch.desc()).limit(1)).one_or_none()


def seal(connection: sa.Connection, keys: SealKeys) -> Sealed | None:
    """Seal what waits, one batch of it, in the caller's transaction.

    Returns
    -------
    The batch; None where nothing waits or another one seals.
    """
    # The one who holds it for longer gets it again; for everybody else the sealer is busy.
    lock = sa.func.pg_try_advisory_xact_lock(sa.func.hashtext(LOCK))
    if not connection.scalar(sa.select(lock)):
        return None
    oldest = sa.select(WAITING.c.id).order_by(WAITING.c.id).limit(MOST)
    moved = connection.execute(
        sa.delete(WAITING).where(WAITING.c.id.in_(oldest)).returning(WAITING)
    ).mappings()
    waiting = sorted(moved, key=lambda each: int(each["id"]))
    if not waiting:
        return None
    before, key = last_seal(connection), keys.sealing()
    batch = 1 if before is None else before.batch + 1
    first = 1 if before is None else before.last + 1
    records = []
    for number, each in enumerate(waiting, first):
        record = {"number": number, "batch": batch, **{name: each[name] for name in TOLD}}
        record["mac"] = record_mac(key, record)
        records.append(record)
    made: dict[str, Any] = {
        "batch": batch,
        "first": first,
        "last": first + len(records) - 1,
        "count": len(records),
        "sealed_at": connection.scalar(sa.select(sa.func.clock_timestamp())),
        "key": key.name,
        "previous": NOTHING if before is None else before.mac,
    }
    made["mac"] = key.mac(seal_head(made), joined(each["mac"] for each in records))
    connection.execute(sa.insert(RECORD), records)
    connection.execute(sa.insert(SEAL).values(made))
    return Sealed(batch, first, made["last"], made["mac"])


def seal_all(engine: sa.Engine, keys: SealKeys, head: Head | None) -> int:
    """Seal all that waits, a transaction for each batch; return how many records were sealed."""
    count = 0
    while True:
        with engine.begin() as connection:
            done = seal(connection, keys)
        if done is None:
            return count
        if head is not None:
            head.write(done.reached)
        count += done.count
