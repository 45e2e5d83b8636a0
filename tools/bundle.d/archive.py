"""One tar archive whose bytes depend on its contents alone."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from told import mb, say

SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Content:
    """One file of the archive.

    Attributes
    ----------
    name : its path below the archive's folder.
    data : where its bytes are, or they themselves.
    program : whether it is run.
    """

    name: str
    data: Path | bytes
    program: bool = False


def sha256(data: Path | bytes) -> str:
    """Return the digest of a file or of bytes, in hex."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    with data.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(path: Path, contents: Iterable[Content], epoch: int) -> Path:
    """Write the archive with the sums of all its files, and beside it its own sum.

    Parameters
    ----------
    path : the archive; its folder is made, and it takes its place when it is whole.
    contents : what is in it, in any order.
    epoch : modification time of every file, in seconds of the epoch.
    """
    say(f"writing {path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = sorted(contents, key=lambda each: each.name)
    sums = "".join(f"{sha256(each.data)}  {each.name}\n" for each in ordered)
    top = path.name.removesuffix(".tar")
    half = path.with_name(f"{path.name}.tmp")
    with tarfile.open(half, "w", format=tarfile.GNU_FORMAT) as tar:
        for each in (*ordered, Content(SUMS, sums.encode())):
            _add(tar, f"{top}/{each.name}", each, epoch)
    half.replace(path)
    own = path.with_name(f"{path.name}.sha256")
    own.write_text(f"{sha256(path)}  {path.name}\n", encoding="utf-8")
    folders: dict[str, int] = {}
    for each in ordered:
        folder = each.name.rpartition("/")[0] or "."
        size = len(each.data) if isinstance(each.data, bytes) else each.data.stat().st_size
        folders[folder] = folders.get(folder, 0) + size
    for folder, size in folders.items():
        say(f"  {mb(size):>12}  {folder}")
    return path


def _add(tar: tarfile.TarFile, name: str, content: Content, epoch: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.mtime = epoch
    entry.mode = 0o755 if content.program else 0o644
    if isinstance(content.data, bytes):
        entry.size = len(content.data)
        tar.addfile(entry, io.BytesIO(content.data))
        return
    entry.size = content.data.stat().st_size
    with content.data.open("rb") as file:
        tar.addfile(entry, file)
