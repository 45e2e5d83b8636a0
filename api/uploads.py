"""Files that are uploaded: written to the data folder as they come."""

from __future__ import annotations

import asyncio
import errno
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from importers import staging
from importers.staging import Kept
from layers.problems import BadRequest, Unavailable

_PIECE = 2**20


async def received(data_dir: str, folder: str, name: str, parts: AsyncIterator[bytes]) -> Kept:
    """Write an upload into the folder of its job and return it as it lies there, on the disk.

    Nothing is left of one that does not arrive whole.

    Raises
    ------
    BadRequest : it is empty.
    Unavailable : the disk is full.
    """
    place = staging.uploads(data_dir, folder)
    try:
        await asyncio.to_thread(staging.made, place)
        kept = await _written(place / staging.safe_name(name), parts)
    except OSError as failed:
        await asyncio.to_thread(staging.clear, place)
        if failed.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unavailable(
                zh="服务器磁盘已满，未收下文件；请联系运行者腾出空间",
                en="The server's disk is full and the file was not kept; ask whoever runs the "
                "service to make room",
            ) from failed
        raise
    except BaseException:
        await asyncio.to_thread(staging.clear, place)
        raise
    if not kept.size:
        await asyncio.to_thread(staging.clear, place)
        raise BadRequest(
            zh=f"{name}：文件是空的（0 字节）；请重新取得",
            en=f"{name}: the file is empty (0 bytes); get it anew",
            field="name",
            value=name,
        )
    return kept


async def _written(path: Path, parts: AsyncIterator[bytes]) -> Kept:
    size, digest = 0, hashlib.sha256()
    waiting = bytearray()

    def write(file: IO[bytes]) -> None:
        digest.update(waiting)
        file.write(waiting)

    def finish(file: IO[bytes]) -> None:
        write(file)
        file.flush()
        staging.settle(path)

    with await asyncio.to_thread(path.open, "xb") as file:
        async for part in parts:
            waiting += part
            size += len(part)
            if len(waiting) >= _PIECE:
                await asyncio.to_thread(write, file)
                waiting.clear()
        await asyncio.to_thread(finish, file)
    return Kept(path.name, size, digest.hexdigest())
