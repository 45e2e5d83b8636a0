"""The files of an import: are they there, can they be read, is there anything in them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from importers.messages import bad_input
from layers.problems import BadInput

# Endings that stand before another one: .osm.pbf, .geojson.zip, .csv.zip …
_ENDINGS: Final = frozenset(
    {".osm", ".pbf", ".imdf", ".json", ".geojson", ".gpkg", ".shp", ".csv", ".xlsx", ".gpx"}
)


def gather(paths: Sequence[Path | str]) -> list[Path]:
    """Return the paths, after making sure that each can be read and is not empty.

    Raises
    ------
    BadInput : a file is missing, unreadable or empty; with what to do.
    """
    made = [Path(each) for each in paths]
    if not made:
        raise BadInput(zh="没有给出文件", en="No file was given")
    for each in made:
        _check(each)
    return made


def dataset_of(path: Path) -> str:
    """Return the dataset's name that a file suggests: its name without its known endings.

    ``APB.osm`` and ``APB.osm.pbf`` are editions of one dataset.
    """
    name = path.stem
    while Path(name).suffix.lower() in _ENDINGS:
        name = Path(name).stem
    return name


def _check(path: Path) -> None:
    try:
        if not path.exists():
            raise bad_input(path, "文件不存在；请检查路径", "there is no such file; check the path")
        if path.is_dir():
            if not any(path.iterdir()):
                raise bad_input(path, "文件夹是空的", "the folder is empty")
            return
        with path.open("rb") as file:
            if not file.read(1):
                raise bad_input(
                    path,
                    "文件是空的（0 字节）；请重新取得",
                    "the file is empty (0 bytes); get it anew",
                )
    except PermissionError as error:
        raise bad_input(
            path,
            "没有读取权限；请授予读权限后再导入",
            "no permission to read it; grant it and import again",
        ) from error
    except OSError as error:
        raise bad_input(
            path, f"无法读取：{error.strerror}", f"unreadable: {error.strerror}"
        ) from error


def described(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return name, folder, size and SHA-256 of each file, as the batch records them."""
    made = []
    for each in paths:
        inner = sorted(p for p in each.rglob("*") if p.is_file()) if each.is_dir() else [each]
        digest = hashlib.sha256()
        for file in inner:
            with file.open("rb") as opened:
                while block := opened.read(1 << 20):
                    digest.update(block)
        size = sum(file.stat().st_size for file in inner)
        made.append(
            {
                "name": each.name, "folder": str(each.resolve().parent), "size": size,
                "sha256": digest.hexdigest(),
            }
        )  # fmt: skip
    return made
