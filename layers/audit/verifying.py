"""Verifying: whether what is recorded is what was sealed, and if not, which record of which batch.

Seals and records are walked side by side in one snapshot and in constant memory.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from layers.audit.keys import Head, Reached, SealKey, SealKeys
from layers.audit.sealing import (
    NOTHING,
    RECORD,
    SEAL,
    WAITING,
    mark_mac,
    record_mac,
    seal_head,
)
from layers.labels import Text

_CHUNK = 1_000


class Wrong(StrEnum):
    """What may be wrong."""

    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    SEAL_CHANGED = "seal_changed"
    SEAL_MISSING = "seal_missing"
    MARK_CHANGED = "mark_changed"
    CUT = "cut"
    WAS_CUT = "was_cut"
    KEY = "key"


_SAID = {
    Wrong.CHANGED: Text(
        "第 {first} 条（批次 {batch}）被改动", "record {first} in batch {batch} was changed"
    ),
    Wrong.MISSING: Text(
        "第 {first} 至 {last} 条（批次 {batch}）缺失",
        "records {first} to {last} of batch {batch} are missing",
    ),
    Wrong.ADDED: Text(
        "第 {first} 条（自称批次 {batch}）不属于任何封存批次，是后加的",
        "record {first} (it says of batch {batch}) is of no sealed batch: it was added",
    ),
    Wrong.SEAL_CHANGED: Text(
        "批次 {batch} 的封存记录被改动", "the seal of batch {batch} was changed"
    ),
    Wrong.SEAL_MISSING: Text(
        "批次 {first} 至 {last} 的封存记录缺失",
        "the seals of batches {first} to {last} are missing",
    ),
    Wrong.MARK_CHANGED: Text(
        "批次 {batch} 的清理标记被改动或伪造",
        "the mark of pruning at batch {batch} was changed or forged",
    ),
    Wrong.CUT: Text(
        "末尾被截断：本机曾封存到批次 {batch}，库中没有该批次或与之不符",
        "the end was cut off: this host has sealed up to batch {batch}, which is not there or is "
        "another",
    ),
    Wrong.WAS_CUT: Text(
        "末尾曾被截断：本机曾封存到批次 {batch}，后来封存时库中已没有该批次或与之不符；"
        "查明原因后请运行 onemap audit acknowledge",
        "the end had been cut off: this host had sealed up to batch {batch}, which was not there "
        "or was another when it went on sealing; find out why, then run onemap audit acknowledge",
    ),
    Wrong.KEY: Text(
        "批次 {first} 至 {last} 由另一把钥匙封存，钥匙文件中没有它，无法校验",
        "batches {first} to {last} were sealed with a key that the key file lacks: they cannot be "
        "verified",
    ),
}


@dataclass(frozen=True)
class Fault:
    """Something that is wrong, and where.

    Attributes
    ----------
    batch : of which batch; 0 where it is of none.
    first, last : numbers of records, or of batches where it is about seals and keys.
    """

    wrong: Wrong
    batch: int
    first: int
    last: int

    @property
    def text(self) -> Text:
        """What is wrong, in words."""
        said, values = _SAID[self.wrong], {"batch": self.batch, "first": self.first}
        return Text(
            said.zh.format(**values, last=self.last), said.en.format(**values, last=self.last)
        )


@dataclass
class Verified:
    """How much was looked at.

    Attributes
    ----------
    pruned_to : the number up to which all was pruned.
    headless : whether no file of this host says how far the record reached.
    waiting : how many records are not sealed yet, which nobody can verify.
    """

    batches: int = 0
    records: int = 0
    first: int | None = None
    last: int | None = None
    sealed_at: datetime | None = None
    pruned_to: int | None = None
    headless: bool = False
    waiting: int = 0
    faults: int = 0


@dataclass
class _Walk:
    """The records of a batch as they pass by."""

    key: SealKey | None
    seal: Mapping[Any, Any]
    expected: int
    batch_mac: Any = field(init=False)

    def __post_init__(self) -> None:
        self.batch_mac = self.key.running(seal_head(self.seal)) if self.key else None


class Verifier:
    """Walks all that is recorded, once.

    Parameters
    ----------
    connection : in a transaction of its own, which shows one moment (REPEATABLE READ).

    Attributes
    ----------
    seen : how much was looked at so far.
    """

    def __init__(self, connection: sa.Connection, keys: SealKeys, head: Head | None) -> None:
        self._connection = connection.execution_options(stream_results=True, yield_per=_CHUNK)
        self._keys = keys.known()
        # Before the moment that the transaction shows: then that holds all that the head tells.
        self._reached = head.read() if head is not None else None
        self._cuts = head.cuts() if head is not None else ()
        self._headed = head is not None
        self.seen = Verified()
        self._unknown: tuple[int, int] | None = None
        self._records: Iterator[Any] = iter(())
        self._next: Mapping[Any, Any] | None = None

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong, in the order of the batches."""
        for each in self._walked():
            self.seen.faults += 1
            yield each

    def _walked(self) -> Iterator[Fault]:
        self._records = iter(
            self._connection.execute(sa.select(RECORD).order_by(RECORD.c.number)).mappings()
        )
        self._advance()
        reached, before = self._reached, Reached(0, NOTHING)
        last, found_head, began = 0, reached is None, False
        for seal in self._connection.execute(sa.select(SEAL).order_by(SEAL.c.batch)).mappings():
            marked = seal["mark"] is not None or seal["pruned_at"] is not None
            if marked and not began:
                yield from self._begin(seal)
                self.seen.pruned_to = last = seal["last"]
            else:
                if marked:
                    yield Fault(Wrong.MARK_CHANGED, seal["batch"], seal["batch"], seal["batch"])
                yield from self._batch(seal, before, last)
                last = max(last, seal["last"])
            if reached is not None and seal["batch"] == reached.batch:
                found_head = seal["mac"] == reached.mac
            elif reached is not None and seal["batch"] > reached.batch and not began:
                found_head = True  # what this host has sealed was pruned
            before, began = Reached(seal["batch"], seal["mac"]), True
        yield from self._told_unknown()
        yield from self._rest()
        self.seen.headless = self._headed and reached is None and began
        for cut in self._cuts:
            yield Fault(Wrong.WAS_CUT, cut.batch, cut.batch, cut.batch)
        if not found_head and reached is not None:
            yield Fault(Wrong.CUT, reached.batch, reached.batch, reached.batch)
        waiting = sa.select(sa.func.count()).select_from(WAITING)
        self.seen.waiting = self._connection.scalar(waiting) or 0

    def _begin(self, seal: Mapping[Any, Any]) -> Iterator[Fault]:
        """Begin at the mark where all that was older is pruned."""
        batch, key = seal["batch"], self._keys.get(seal["key"])
        if key is None:
            self._pass(batch)
        elif seal["pruned_at"] is None or seal["mark"] != mark_mac(key, seal, seal["pruned_at"]):
            yield Fault(Wrong.MARK_CHANGED, batch, batch, batch)
        while self._next is not None and self._next["number"] <= seal["last"]:
            yield Fault(Wrong.ADDED, self._next["batch"], self._next["number"], 0)
            self._advance()

    def _batch(self, seal: Mapping[Any, Any], before: Reached, last: int) -> Iterator[Fault]:
        """Compare a batch with its seal, and the seal with the one before."""
        batch = seal["batch"]
        if batch > before.batch + 1:
            yield Fault(Wrong.SEAL_MISSING, batch, before.batch + 1, batch - 1)
        key = self._keys.get(seal["key"])
        if key is None:
            self._pass(batch)
        else:
            yield from self._told_unknown()
        walk = _Walk(key, seal, seal["first"])
        sound = yield from self._through(walk, last)
        self.seen.batches += 1
        self.seen.sealed_at = seal["sealed_at"]
        follows = seal["previous"] == before.mac or batch > before.batch + 1
        fits = seal["first"] == last + 1 or batch > before.batch + 1
        counted = seal["count"] == seal["last"] - seal["first"] + 1
        right = walk.batch_mac is None or walk.batch_mac.hexdigest() == seal["mac"]
        # Where records are wrong, the code of the batch says nothing more.
        if not (follows and fits and counted and (right or not sound)):
            yield Fault(Wrong.SEAL_CHANGED, batch, batch, batch)

    def _through(self, walk: _Walk, last: int) -> Generator[Fault, None, bool]:
        """Walk the records of a batch; return whether all are there as they were."""
        seal, sound = walk.seal, True
        while self._next is not None and self._next["number"] <= seal["last"]:
            record = self._next
            number = record["number"]
            if number < walk.expected:
                sound = sound and number <= last
                yield Fault(Wrong.ADDED, record["batch"], number, 0)
                self._advance()
                continue
            if number > walk.expected:
                sound = False
                yield Fault(Wrong.MISSING, seal["batch"], walk.expected, number - 1)
            walk.expected = number + 1
            if walk.key is not None:
                walk.batch_mac.update(str(record["mac"]).encode())
                if record["mac"] != record_mac(walk.key, record):
                    sound = False
                    yield Fault(Wrong.CHANGED, seal["batch"], number, number)
            self._count(number)
            self._advance()
        if walk.expected <= seal["last"]:
            sound = False
            yield Fault(Wrong.MISSING, seal["batch"], walk.expected, seal["last"])
        return sound

    def _count(self, number: int) -> None:
        seen = self.seen
        seen.records += 1
        seen.first = number if seen.first is None else seen.first
        seen.last = number

    def _pass(self, batch: int) -> None:
        """Pass a batch of an unknown key."""
        first = batch if self._unknown is None else self._unknown[0]
        self._unknown = first, batch

    def _told_unknown(self) -> Iterator[Fault]:
        """Tell the batches of an unknown key that were passed, in one."""
        if self._unknown is not None:
            first, last = self._unknown
            self._unknown = None
            yield Fault(Wrong.KEY, first, first, last)

    def _rest(self) -> Iterator[Fault]:
        """Tell the records after the last seal."""
        while self._next is not None:
            yield Fault(Wrong.ADDED, self._next["batch"], self._next["number"], 0)
            self._advance()

    def _advance(self) -> None:
        self._next = next(self._records, None)
