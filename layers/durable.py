"""Files that outlive a power cut: what was told to be kept is on the disk, and so is its name."""

from __future__ import annotations

import os
from pathlib import Path


def keep(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
