"""Sealing: what waits is numbered, put under its codes, and moved, in one short transaction.

Moving is what makes it robust: a transaction that was open for an hour commits its record late, and
it is sealed when it can be seen. Only who holds the lock seals, so that numbers leave no gap.
Before each batch it is looked whether what was sealed before is still there: else that is recorded,
and the head keeps it, so that what is sealed afterwards does not hide that the end was cut off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from layers.audit.keys import Head, Reached, SealKey, SealKeys, joined
from layers.audit.noting import LONGEST, Origin, values_of
from layers.audit.tables import AuditRecord, AuditSeal, AuditWaiting, Kind
from layers.base import table_of

WAITING, RECORD, SEAL = table_of(AuditWaiting), table_of(AuditRecord), table_of(AuditSeal)
LOCK = "onemap.audit.seal"
MOST = 500
"""Records of one batch: few enough that the largest there may be do not fill the memory."""
MOST_ALONE = 100
"""Records of a batch in which one cannot be sealed as it is: each is moved by itself."""
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
    """A batch that was sealed.

    Attributes
    ----------
    cut : how far had been sealed before, where that was no longer there.
    """

    batch: int
    first: int
    last: int
    mac: str
    cut: Reached | None = None

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


def cut_off(connection: sa.Connection, keys: SealKeys, head: Head, newest: Any) -> Reached | None:
    """Return how far was sealed by the head, where the database no longer has that; else None.

    Parameters
    ----------
    newest : the row of the newest seal; None: there is none.
    """
    reached = head.read()
    if reached is None:
        return None
    if newest is not None and newest.batch >= reached.batch:
        mine = sa.select(SEAL.c.mac).where(SEAL.c.batch == reached.batch)
        found = newest.mac if newest.batch == reached.batch else connection.scalar(mine)
        if found == reached.mac:
            return None
        if found is None and _pruned_past(connection, keys, reached.batch):
            return None
    return reached


def _pruned_past(connection: sa.Connection, keys: SealKeys, batch: int) -> bool:
    """Whether all up to a batch and past it was pruned by who has the key."""
    first = connection.execute(sa.select(SEAL).order_by(SEAL.c.batch).limit(1)).mappings().one()
    key = keys.known().get(first["key"])
    if key is None or first["pruned_at"] is None or first["batch"] <= batch:
        return False
    return bool(first["mark"] == mark_mac(key, first, first["pruned_at"]))


def seal(connection: sa.Connection, keys: SealKeys, head: Head | None = None) -> Sealed | None:
    """Seal what waits, one batch of it, in the caller's transaction.

    Parameters
    ----------
    head : how far was sealed before; once the transaction is committed the caller has it advance.

    Returns
    -------
    The batch; None where nothing waits or another one seals.
    """
    # The one who holds it for longer gets it again; for everybody else the sealer is busy.
    lock = sa.func.pg_try_advisory_xact_lock(sa.func.hashtext(LOCK))
    if not connection.scalar(sa.select(lock)):
        return None
    before = last_seal(connection)
    cut = None if head is None else cut_off(connection, keys, head, before)
    if cut is None and not waits(connection):
        return None  # and no key is made where there is none yet
    key = keys.sealing()
    batch = 1 if before is None else before.batch + 1
    first = 1 if before is None else before.last + 1
    told = [] if cut is None else [_told_cut(connection, cut)]
    macs = _moved(connection, key, batch, first, told)
    if not macs:
        return None
    made: dict[str, Any] = {
        "batch": batch,
        "first": first,
        "last": first + len(macs) - 1,
        "count": len(macs),
        "sealed_at": connection.scalar(sa.select(sa.func.clock_timestamp())),
        "key": key.name,
        "previous": NOTHING if before is None else before.mac,
    }
    made["mac"] = key.mac(seal_head(made), joined(macs))
    connection.execute(sa.insert(SEAL).values(made))
    return Sealed(batch, first, made["last"], made["mac"], cut)


def _told_cut(connection: sa.Connection, cut: Reached) -> dict[str, Any]:
    """Return the record of a cut that was found in sealing."""
    details = {"faults": 1, "found": "cut", "batch": cut.batch, "mac": cut.mac}
    told = values_of(Origin(), Kind.VERIFY, "faults", None, details)
    return told | {"at": connection.scalar(sa.select(sa.func.clock_timestamp()))}


def _moved(
    connection: sa.Connection, key: SealKey, batch: int, first: int, told: list[dict[str, Any]]
) -> list[str]:
    """Move what waits behind what is told already; return the codes of all, in their order."""
    oldest = sa.select(WAITING.c.id).order_by(WAITING.c.id).limit(MOST)
    take = sa.delete(WAITING).where(WAITING.c.id.in_(oldest)).returning(WAITING)
    try:
        with connection.begin_nested():
            moved = connection.execute(take).mappings().all()
            waiting: list[Mapping[Any, Any]] = [*told]
            waiting += sorted(moved, key=lambda each: int(each["id"]))
            return _put(connection, key, batch, first, waiting)
    except Exception as broken:
        if not _is_of_a_record(broken):
            raise
    # One of them cannot be read, covered or written: by one they are found.
    macs = _put(connection, key, batch, first, told)
    for each in connection.scalars(oldest.limit(MOST_ALONE)).all():
        macs += _one(connection, key, batch, first + len(macs), each)
    return macs


def _one(connection: sa.Connection, key: SealKey, batch: int, number: int, id: int) -> list[str]:
    """Move one record that waits, or in its place what can be told of it."""
    mine = WAITING.c.id == id
    try:
        with connection.begin_nested():
            taken = connection.execute(sa.delete(WAITING).where(mine).returning(WAITING))
            return _put(connection, key, batch, number, [taken.mappings().one()])
    except Exception as broken:
        if not _is_of_a_record(broken):
            raise
        why = type(getattr(broken, "orig", None) or broken).__name__
    shown = [sa.func.left(sa.cast(WAITING.c[name], sa.Text), LONGEST).label(name) for name in TOLD]
    row = connection.execute(sa.delete(WAITING).where(mine).returning(*shown)).mappings().one()
    raw = {name: value for name, value in row.items() if value is not None}
    told = values_of(Origin(), Kind.DROPPED, "failed", None, {"count": 1, "why": why, "raw": raw})
    told["at"] = connection.scalar(sa.select(sa.func.clock_timestamp()))
    return _put(connection, key, batch, number, [told])


def _is_of_a_record(broken: Exception) -> bool:
    """Whether it is what a record holds that fails, and not the database."""
    if isinstance(broken, sa.exc.DBAPIError):
        too_large = str(getattr(broken.orig, "sqlstate", None)).startswith("54")
        return too_large or isinstance(broken, sa.exc.DataError | sa.exc.IntegrityError)
    return not isinstance(broken, sa.exc.SQLAlchemyError | OSError)


def _put(
    connection: sa.Connection,
    key: SealKey,
    batch: int,
    first: int,
    waiting: Sequence[Mapping[Any, Any]],
) -> list[str]:
    """Write records under their numbers and codes; return the codes."""
    records = []
    for number, each in enumerate(waiting, first):
        record = {"number": number, "batch": batch, **{name: each[name] for name in TOLD}}
        record["mac"] = record_mac(key, record)
        records.append(record)
    if records:
        connection.execute(sa.insert(RECORD), records)
    return [each["mac"] for each in records]


def seal_all(engine: sa.Engine, keys: SealKeys, head: Head | None) -> int:
    """Seal all that waits, a transaction for each batch; return how many records were sealed."""
    count = 0
    while True:
        with engine.begin() as connection:
            done = seal(connection, keys, head)
        if done is None:
            return count
        if head is not None:
            head.advance(done.reached, done.cut)
        count += done.count
