"""A counter of committed changes that the processes of one host share, and who raises it.

Whoever commits a change raises it after the commit and before telling anyone that it is done. Who
keeps anything in memory compares it with the count it last asked the database under: as long as
the two are equal, nothing that was acknowledged on this host is unknown to it. Reading is one load
from memory, so that it may stand before every answer.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_SIZE = 8


class Ticks:
    """The counter; without a file it counts within this process alone.

    Raises
    ------
    OSError : the file cannot be made, or not be written to.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._count = memoryview(bytearray(_SIZE)).cast("Q")
        self._place: tuple[int, int] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.renewed()

    @classmethod
    def of(cls, path: Path | str | None) -> Ticks:
        """Return the counter in the file at `path`; None is one of this process's own."""
        return cls(None if path is None else Path(path))

    def read(self) -> int:
        """Return the present count."""
        return self._count[0]

    def tick(self) -> int:
        """Add one, whoever else is adding, and return the new count."""
        if self.path is None:
            self._count[0] += 1
            return self._count[0]
        while True:
            self.renewed()
            with _opened(self.path) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # Between opening and locking another file may have taken its place.
                if _place(os.fstat(file)) == _placed(self.path) == self._place:
                    self._count[0] += 1
                    return self._count[0]

    def renewed(self) -> bool:
        """Turn to the file that now stands at the path; True when it is another one.

        A file that was removed is still counted in by those who opened it before, and by no one
        who comes later: whoever reads for long asks this now and then.
        """
        if self.path is None or (self._place and _placed(self.path) == self._place):
            return False
        with _opened(self.path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_size < _SIZE:
                # Later than any file before it, so that the count never goes back.
                os.pwrite(file, time.time_ns().to_bytes(_SIZE, sys.byteorder), 0)
            self._count = memoryview(mmap.mmap(file, _SIZE)).cast("Q")
            self._place = _place(os.fstat(file))
        return True


def _place(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _placed(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(FileNotFoundError):
        return _place(path.stat())
    return None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open the file, making it where it is missing: it belongs to whom its folder belongs to."""
    try:
        # Not with O_CREAT at first: in a shared folder that is refused for others' files.
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        folder = path.parent.stat()
        with contextlib.suppress(PermissionError):
            if os.geteuid() == 0:
                os.fchown(file, folder.st_uid, folder.st_gid)
            os.fchmod(file, folder.st_mode & 0o666)  # whatever the umask
    try:
        yield file
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)  # a mapping holds the file open, and with it a lock
        os.close(file)
