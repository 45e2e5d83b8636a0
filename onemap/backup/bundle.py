"""The file of a backup: a ZIP archive with a manifest, and a digest of all of it at its end.

Any ZIP program opens it. Its members are the dump of the database (``database.dump``, PostgreSQL's
custom format), the files of the data folder under ``files/``, and ``manifest.json``. The archive's
comment is the SHA-256 of every byte before it, so that a changed byte is found wherever it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from onemap.trouble import ExitCode, Trouble

FORMAT = 1
DUMP = "database.dump"
FILES = "files/"
_MANIFEST = "manifest.json"
_DIGEST_BYTES = 64  # as hexadecimal digits
_CHUNK = 1 << 20
_HEX = re.compile(rb"[0-9a-f]{64}")

Report = Callable[[str, int, int | None], None]


class Member(BaseModel):
    """Size and SHA-256 of one member of the archive."""

    model_config = ConfigDict(frozen=True)
    bytes: int
    sha256: str


class Manifest(BaseModel):
    """What a backup says of itself.

    Attributes
    ----------
    format : edition of this layout.
    onemap, postgresql, postgis, server_version : versions of the program and of the server.
    revision : revision of the tables.
    made_at : moment of the snapshot, in UTC.
    seq : place of the last change set in the order of commits; None where nothing was recorded.
    last_tx : the highest number of a recorded transaction; 0 where there is none.
    demo : whether it is the demo's database.
    size_bytes : size of the database on its server.
    tables : rows of each table, by ``schema.table``.
    guarded : functions that not everybody may call, as ``name(types)``.
    members : size and digest of each member, by its name in the archive.
    missing : files that the database names and the data folder lacked.
    """

    model_config = ConfigDict(frozen=True)
    format: int
    onemap: str
    postgresql: str
    postgis: str
    server_version: int
    revision: str
    made_at: datetime
    seq: int | None
    last_tx: int
    demo: bool
    size_bytes: int
    tables: dict[str, int]
    guarded: list[str]
    members: dict[str, Member]
    missing: list[str]

    @property
    def files(self) -> dict[str, Member]:
        """The files of the data folder, by their path in it."""
        return {n.removeprefix(FILES): m for n, m in self.members.items() if n.startswith(FILES)}


class Readable(Protocol):
    """Whatever gives its bytes piece by piece."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


class Writer:
    """Writes the members one after the other; `finish` closes the archive."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = _Hashed(file)
        self._zip = zipfile.ZipFile(self._file, "w", allowZip64=True)  # type: ignore[call-overload]
        self.members: dict[str, Member] = {}

    def add(self, name: str, source: Readable) -> None:
        """Add a member, read to its end."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(zipfile.ZipInfo(name), "w", force_zip64=True) as target:
            while data := source.read(_CHUNK):
                digest.update(data)
                size += len(data)
                target.write(data)
        self.members[name] = Member(bytes=size, sha256=digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, the directory and the digest of all."""
        self._zip.writestr(zipfile.ZipInfo(_MANIFEST), manifest.model_dump_json(indent=1))
        self._zip.comment = b"0" * _DIGEST_BYTES
        self._zip.close()
        self._file.seal()

    def abandon(self) -> None:
        """Write nothing more: what was begun is of no use."""
        self._file.abandon()
        self._zip.close()


class _Hashed:
    """A file that is only written to, with the digest of all but its last digits."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._tail = b""
        self._abandoned = False

    def write(self, data: bytes) -> int:
        if self._abandoned:
            return len(data)
        held = self._tail + data
        ready, self._tail = held[:-_DIGEST_BYTES], held[-_DIGEST_BYTES:]
        self._digest.update(ready)
        self._file.write(ready)
        return len(data)

    def flush(self) -> None:
        if not self._abandoned:
            self._file.flush()

    def abandon(self) -> None:
        """Take what is written from now on for nothing."""
        self._abandoned = True

    def seal(self) -> None:
        """Write the digest in place of the last digits."""
        self._file.write(self._digest.hexdigest().encode())
        self._file.flush()


@dataclass(frozen=True)
class Bundle:
    """A verified backup, open for reading."""

    manifest: Manifest
    _zip: zipfile.ZipFile

    def open(self, name: str) -> IO[bytes]:
        """Open a member."""
        return self._zip.open(name)


@contextlib.contextmanager
def opened(path: Path, progress: Report) -> Iterator[Bundle]:
    """Verify a backup and hold it open.

    Raises
    ------
    Trouble
        There is no such file, it is cut off or no backup, a byte of it was changed, or it was
        made by a newer version.
    """
    try:
        file = path.open("rb")
    except OSError as refused:
        raise Trouble(
            ExitCode.UNUSABLE_INPUT,
            f"无法读取备份 {path}：{refused.strerror}。请检查路径与权限。",
            f"The backup {path} cannot be read: {refused.strerror}. Check its path and "
            "permissions.",
        ) from refused
    with file:
        _check_digest(path, file, progress)
        try:
            with zipfile.ZipFile(file) as archive:
                manifest = _manifest(path, archive)
                _check_members(path, archive, manifest, progress)
                yield Bundle(manifest, archive)
        except zipfile.BadZipFile as broken:
            raise _no_backup(path) from broken


def _check_digest(path: Path, file: IO[bytes], progress: Report) -> None:
    """Compare the digest at the end with the bytes before it, ahead of reading any of them."""
    size = os.fstat(file.fileno()).st_size - _DIGEST_BYTES
    digest, done = hashlib.sha256(), 0
    while done < size:
        data = file.read(min(_CHUNK, size - done))
        digest.update(data)
        done += len(data)
        progress("校验 | verifying", done, size)
    said = file.read()
    if not _HEX.fullmatch(said):
        raise _no_backup(path)
    if digest.hexdigest().encode() != said:
        raise _changed(path, path.name)


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(archive.read(_MANIFEST))
    except (KeyError, ValidationError) as wrong:
        raise Trouble(
            ExitCode.UNUSABLE_INPUT,
            f"{path} 的清单（{_MANIFEST}）缺失或无法识别：它不是 onemap backup 写出的，"
            "或出自更新的版本。",
            f"The manifest of {path} ({_MANIFEST}) is missing or unknown: it was not written by "
            "onemap backup, or by a newer version of it.",
        ) from wrong
    if manifest.format != FORMAT:
        raise Trouble(
            ExitCode.UNUSABLE_INPUT,
            f"{path} 的格式为第 {manifest.format} 版，本程序识别第 {FORMAT} 版。"
            f"请用 onemap {manifest.onemap} 或更新版本恢复。",
            f"{path} has format {manifest.format}; this program knows format {FORMAT}. Restore it "
            f"by onemap {manifest.onemap} or newer.",
        )
    return manifest


def _check_members(
    path: Path, archive: zipfile.ZipFile, manifest: Manifest, progress: Report
) -> None:
    held = set(archive.namelist()) - {_MANIFEST}
    if held != set(manifest.members):
        raise _changed(path, sorted(held ^ set(manifest.members))[0])
    for done, (name, said) in enumerate(manifest.members.items(), 1):
        digest, size = hashlib.sha256(), 0
        with archive.open(name) as member:
            while data := member.read(_CHUNK):
                digest.update(data)
                size += len(data)
        if (size, digest.hexdigest()) != (said.bytes, said.sha256):
            raise _changed(path, name)
        progress("校验内容 | verifying what it holds", done, len(manifest.members))


def _no_backup(path: Path) -> Trouble:
    return Trouble(
        ExitCode.UNUSABLE_INPUT,
        f"{path} 不是备份，或已被截断。请重新复制该文件，或换一份备份。",
        f"{path} is no backup, or was cut off. Copy it anew, or take another one.",
    )


def _changed(path: Path, what: str) -> Trouble:
    return Trouble(
        ExitCode.UNUSABLE_INPUT,
        f"备份 {path} 的内容已损坏或被改动（{what} 与其 SHA-256 不符），未恢复任何内容。"
        "请重新复制该文件，或换一份备份。",
        f"The backup {path} is damaged or was changed ({what} differs from its SHA-256); nothing "
        "was restored. Copy it anew, or take another one.",
    )
