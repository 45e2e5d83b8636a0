"""Opening a folder or a zip of GeoJSON files without trusting it.

Nothing is unpacked to disk. Refused: names that climb out of the archive, links, encrypted
members, and more bytes than a plan can need (a zip bomb), counted while they are read, since the
sizes in a zip's directory are only a claim.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Final

from layers.problems import BadInput

MAX_MEMBERS: Final = 2_000
MAX_FILE_BYTES: Final = 256 * 2**20
MAX_TOTAL_BYTES: Final = 512 * 2**20
_CHUNK: Final = 2**20
_UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError,
    ValueError,
)  # fmt: skip


def read_members(path: Path, suffixes: tuple[str, ...]) -> dict[str, bytes]:
    """Return the files of a folder or zip by their bare name, those with one of `suffixes`.

    Raises
    ------
    BadInput : not a zip, damaged, dangerous or too large.
    """
    return _read_folder(path, suffixes) if path.is_dir() else _read_zip(path, suffixes)


def check_unpacked(path: Path) -> None:
    """Refuse a zip (an XLSX is one) that unpacks to more than an import can need.

    The sizes of its directory are a claim, but one that binds `zipfile`, which reads no member
    beyond it. A file that is no zip is passed: its reader says what is wrong with it.

    Raises
    ------
    BadInput : more than `MAX_TOTAL_BYTES` or `MAX_MEMBERS`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except _UNREADABLE:
        return
    if len(infos) > MAX_MEMBERS or sum(each.file_size for each in infos) > MAX_TOTAL_BYTES:
        raise _too_large(path)


def widest_row(path: Path) -> int:
    """Return the most cells that a row of a workbook's sheets has, as they stand in its XML.

    The library makes a thing of every cell before a row can be looked at. What cannot be read is
    left to it.
    """
    widest = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.filename.endswith(".xml"):
                    with archive.open(info) as stream:
                        widest = max(widest, _widest(stream))
    except _UNREADABLE:
        return widest
    return widest


def _widest(stream: IO[bytes]) -> int:
    widest, cells, within = 0, 0, False
    rest = b""
    while piece := stream.read(_CHUNK):
        text = rest + piece
        # A mark may be cut in two by the end of the piece.
        cut = text.rfind(b"<")
        text, rest = (text[:cut], text[cut:]) if cut > 0 else (text, b"")
        first, *rows = re.split(rb"<(?:\w+:)?row\b", text)
        cells += len(_CELL.findall(first)) if within else 0
        for row in rows:
            widest, cells, within = max(widest, cells), len(_CELL.findall(row)), True
        widest = max(widest, cells)
    return widest


_CELL: Final = re.compile(rb"<(?:\w+:)?c\b")


def _read_folder(path: Path, suffixes: tuple[str, ...]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    total = 0
    for member in sorted(path.iterdir()):
        if member.suffix.lower() not in suffixes:
            continue
        if member.is_symlink() or not member.is_file():
            raise _dangerous(
                path, member.name, "是链接或不是普通文件", "is a link or no plain file"
            )
        total += member.stat().st_size
        if total > MAX_TOTAL_BYTES:
            raise _too_large(path)
        found[member.name] = member.read_bytes()
    return found


def _read_zip(path: Path, suffixes: tuple[str, ...]) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            return _members(path, archive, suffixes)
    except _UNREADABLE as error:
        raise BadInput(
            zh=f"“{path.name}”不是可读的 zip 文件，或已损坏、不完整；请重新导出后再导入",
            en=f"'{path.name}' is not a readable zip file, or is damaged or cut off: "
            "export it again and import that",
            file=path.name,
            cause=str(error),
        ) from error


def _members(path: Path, archive: zipfile.ZipFile, suffixes: tuple[str, ...]) -> dict[str, bytes]:
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise _too_large(path)
    found: dict[str, bytes] = {}
    total = 0
    for info in infos:
        name = PurePosixPath(info.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in (name.parts or ("",))[0]:
            raise _dangerous(path, info.filename, "指向压缩包之外", "points outside the archive")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise _dangerous(path, info.filename, "是链接", "is a link")
        if info.is_dir() or name.suffix.lower() not in suffixes or "__MACOSX" in name.parts:
            continue
        if info.flag_bits & 0x1:
            raise BadInput(
                zh=f"“{path.name}”已加密，请提供未加密的压缩包",
                en=f"'{path.name}' is encrypted: provide it without a password",
                file=path.name,
            )
        data = _read_member(path, archive, info, MAX_TOTAL_BYTES - total)
        total += len(data)
        if name.name in found:
            raise BadInput(
                zh=f"“{path.name}”含有多个“{name.name}”；请每个压缩包只放一份平面图",
                en=f"'{path.name}' holds '{name.name}' more than once: put one plan into each zip",
                file=path.name,
            )
        found[name.name] = data
    return found


def _read_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int) -> bytes:
    limit = min(left, MAX_FILE_BYTES)
    if info.file_size > limit:
        raise _too_large(path)
    pieces, size = [], 0
    with archive.open(info) as stream:
        while piece := stream.read(_CHUNK):
            size += len(piece)
            if size > limit:
                raise _too_large(path)
            pieces.append(piece)
    return b"".join(pieces)


def _dangerous(path: Path, member: str, zh: str, en: str) -> BadInput:
    return BadInput(
        zh=f"“{path.name}”中的“{member}”{zh}，出于安全不予读取",
        en=f"'{member}' in '{path.name}' {en}: refused for safety",
        file=path.name,
        member=member,
    )


def _too_large(path: Path) -> BadInput:
    return BadInput(
        zh=f"“{path.name}”解压后过大（上限 {MAX_TOTAL_BYTES // 2**20} MiB、{MAX_MEMBERS} 个文件），"
        "出于安全不予读取",
        en=f"'{path.name}' unpacks to more than {MAX_TOTAL_BYTES // 2**20} MiB or "
        f"{MAX_MEMBERS} files: refused for safety",
        file=path.name,
    )
