"""The key of the seals, and how far the sealer of this host has come; both outside the database."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, text.encode())
        os.fsync(file)
    finally:
        os.close(file)
    draft.replace(path)


@dataclass(frozen=True)
class SealKey:
    """A key, and the name by which a seal says which one it was made with."""

    secret: bytes

    @property
    def name(self) -> str:
        """Which key it is, without telling it."""
        return hashlib.sha256(b"onemap audit key:" + self.secret).hexdigest()[:16]

    def mac(self, *parts: bytes) -> str:
        """Return the HMAC-SHA256 of some parts that are joined."""
        return hmac.new(self.secret, b"".join(parts), hashlib.sha256).hexdigest()

    def running(self, first: bytes) -> hmac.HMAC:
        """Return an HMAC-SHA256 that is still to be given the rest."""
        return hmac.new(self.secret, first, hashlib.sha256)


class SealKeys:
    """The keys of a file: one a line, of 64 hexadecimal digits; the last one seals.

    Parameters
    ----------
    path : its file, made with a new key when something is to be sealed and there is none. None
        keeps a key in memory alone.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._own = SealKey(secrets.token_bytes(32)) if path is None else None

    def known(self) -> dict[str, SealKey]:
        """Return all keys by name; none where there is no file.

        Raises
        ------
        ValueError : the file holds something else.
        """
        if self._own is not None:
            return {self._own.name: self._own}
        assert self.path is not None
        try:
            lines = self.path.read_text("ascii").split()
        except FileNotFoundError:
            return {}
        found = [SealKey(bytes.fromhex(line)) for line in lines]
        if any(len(each.secret) != 32 for each in found):
            raise ValueError(f"{self.path}: a key has 64 hexadecimal digits")
        return {each.name: each for each in found}

    def sealing(self) -> SealKey:
        """Return the key that seals, made now where there is none yet."""
        known = self.known()
        if not known:
            assert self.path is not None
            _write_new(self.path)
            known = self.known()
        return list(known.values())[-1]


def _write_new(path: Path) -> None:
    """Write a new key; who comes second takes the first's."""
    draft = path.with_name(f"{path.name}.new.{os.getpid()}")
    _write(draft, secrets.token_hex(32) + "\n")
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


@dataclass(frozen=True)
class Reached:
    """The last batch that was sealed here."""

    batch: int
    mac: str


def _reached(told: Mapping[str, Any]) -> Reached:
    return Reached(int(told["batch"]), str(told["mac"]))


@dataclass(frozen=True)
class _Kept:
    """What the file of a head says."""

    reached: Reached | None = None
    cuts: tuple[Reached, ...] = ()


class Head:
    """How far the sealer has come, in a file: records cut off the end are found by it.

    Beside that the file keeps each end that was found to be cut off, until somebody who answers
    for it says that he knows: what is sealed afterwards must not hide it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Reached | None:
        """Return the last batch that was sealed here; None where none was.

        Raises
        ------
        ValueError : the file holds something else.
        """
        return self._kept().reached

    def cuts(self) -> tuple[Reached, ...]:
        """Return the batches up to which was sealed and that were no longer there later.

        Raises
        ------
        ValueError : the file holds something else.
        """
        return self._kept().cuts

    def write(self, reached: Reached | None) -> None:
        """Set the last batch, be it lower, of a database that was restored; None: it has none."""
        with self._alone():
            self._keep(_Kept(reached, self._kept().cuts))

    def forget(self) -> None:
        """Begin anew, for a database whose own command has emptied it."""
        self.path.unlink(missing_ok=True)

    def advance(self, reached: Reached, cut: Reached | None = None) -> None:
        """Note a batch that was sealed just now; the head never goes back but over a cut.

        Parameters
        ----------
        cut : how far had been sealed before, where the database no longer had that.
        """
        with self._alone():
            kept = self._kept()
            known, cuts = kept.reached, kept.cuts
            if cut is not None and cut not in cuts:
                cuts = (*cuts, cut)
            # Another process of this host may have come further meanwhile.
            if known is None or known == cut or known.batch < reached.batch:
                known = reached
            self._keep(_Kept(known, cuts))

    def acknowledge(self, known: Iterable[Reached]) -> None:
        """Forget cuts of which somebody has said that he knows."""
        with self._alone():
            kept, gone = self._kept(), set(known)
            self._keep(_Kept(kept.reached, tuple(c for c in kept.cuts if c not in gone)))

    def _kept(self) -> _Kept:
        try:
            told = json.loads(self.path.read_text("utf-8"))
            cuts = tuple(_reached(each) for each in told.get("cuts", ()))
            # Cuts alone are of a database that was restored from before its first batch.
            return _Kept(_reached(told) if "batch" in told or not cuts else None, cuts)
        except FileNotFoundError:
            return _Kept()
        except (KeyError, TypeError, AttributeError) as wrong:
            raise ValueError(f"{self.path} is no head of an audit") from wrong

    def _keep(self, kept: _Kept) -> None:
        told: dict[str, Any] = {} if kept.reached is None else asdict(kept.reached)
        if kept.cuts:
            told["cuts"] = [asdict(each) for each in kept.cuts]
        if told:
            _write(self.path, json.dumps(told) + "\n")
        else:
            self.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder, so that of two processes one reads what the other wrote."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


@dataclass(frozen=True)
class Trail:
    """The files of the traces of one database."""

    keys: SealKeys
    head: Head | None

    @classmethod
    def of(cls, key_file: Path, database: str) -> Trail:
        """Return the files beside a key: each database has its own head."""
        name = "".join(c if c.isalnum() or c in "-_" else "_" for c in database)
        head = key_file.with_name(f"{key_file.stem}-head-{name}.json")
        return cls(SealKeys(key_file), Head(head))


def joined(macs: Iterable[str]) -> bytes:
    """Return the codes of records as a seal covers them."""
    return b"".join(each.encode() for each in macs)
