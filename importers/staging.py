"""Where the files of jobs lie: what was uploaded, and what was made, in a folder for each job."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path, PurePosixPath, PureWindowsPath

_LONGEST_BYTES = 150
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\\/:*?\"<>|]+")


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


def clear(*folders: Path) -> None:
    """Remove folders with all that is in them; those that are gone already are no matter."""
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
