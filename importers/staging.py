"""Where the files of jobs lie: what was uploaded, and what was made, in a folder for each job."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from importers.files import described
from importers.messages import bad_input
from layers.durable import keep
from layers.problems import BadInput

_LONGEST_BYTES = 150
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\\/:*?\"<>|]+")


class Kept(NamedTuple):
    """A file as it was kept: its name in the folder of its job, its size and its SHA-256."""

    name: str
    size: int
    sha256: str


def new_folder() -> str:
    """Return a random name for the folder of a job."""
    return secrets.token_hex(16)


def uploads(data_dir: Path | str, folder: str) -> Path:
    """Return where the files of a job lie that were uploaded."""
    return Path(data_dir) / "uploads" / folder


def results(data_dir: Path | str, folder: str) -> Path:
    """Return where the files lie that a job made."""
    return Path(data_dir) / "results" / folder


def made(folder: Path) -> Path:
    """Make a folder that its owner alone may enter, and return it."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def safe_name(name: str) -> str:
    """Return the name under which a file is kept: without folders, short, with its ending.

    The name is kept because the dataset is named by it, and reports and rows to mend name it.
    """
    last = PureWindowsPath(PurePosixPath(name).name).name
    plain = _NOT_IN_NAMES.sub("_", last).strip().lstrip(".")
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        stem, ending = plain, ""
    ending = ending.encode()[:20].decode(errors="ignore")
    room = _LONGEST_BYTES - len(ending.encode()) - 1
    short = stem.encode()[:room].decode(errors="ignore") or "file"
    return f"{short}.{ending}" if ending else short


def settle(path: Path) -> None:
    """Wait until a file is on the disk, with its name and those of the folders of jobs."""
    for each in (path, *path.parents[:3]):
        keep(each)


def kept(folder: Path, names: Sequence[str]) -> list[Kept]:
    """Return files as they lie in a folder, once they are on the disk."""
    paths = [folder / name for name in names]
    for path in paths:
        settle(path)
    return [Kept(each["name"], each["size"], each["sha256"]) for each in described(paths)]


def named(files: Sequence[Kept]) -> dict[str, Any]:
    """Return how the arguments of a job name its files."""
    return {
        "names": [each.name for each in files],
        "files": [each.name for each in files],
        "sums": [{"size": each.size, "sha256": each.sha256} for each in files],
    }


def uploaded(folder: Path, arguments: dict[str, Any]) -> list[Path]:
    """Return the files that the arguments of a job name, once they are seen to be as they were.

    Raises
    ------
    BadInput : one is gone, or is not what was kept.
    """
    paths = [folder / name for name in arguments["files"]]
    if not all(path.is_file() for path in paths):
        raise BadInput(
            zh="上传的文件已不在（可能恢复过备份）；请重新上传",
            en="The uploaded file is gone (the estate may have been restored); upload it again",
        )
    # What an earlier version took in has no sums.
    for path, sums in zip(paths, arguments.get("sums", ()), strict=False):
        found = described([path])[0]
        if (found["size"], found["sha256"]) != (sums["size"], sums["sha256"]):
            raise bad_input(
                path,
                f"与收到时不同（收到 {sums['size']} 字节，现有 {found['size']} 字节），可能因断电或"
                "磁盘故障而损坏；未写入任何内容，请重新上传",
                f"it is not as it was received ({sums['size']} bytes then, {found['size']} now): "
                "a power cut or the disk may have broken it. Nothing was loaded; upload it again",
                reason="broken_upload",
            )
    return paths


def clear(*folders: Path) -> None:
    """Remove folders with all that is in them; those that are gone already are no matter."""
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
