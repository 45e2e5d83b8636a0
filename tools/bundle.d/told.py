"""What the maker of the bundle says."""

from __future__ import annotations

import sys
from typing import NoReturn


class Refused(Exception):
    """The bundle cannot be made; the text says why and what to do, in both languages."""


def refuse(zh: str, en: str) -> NoReturn:
    """End with a reason."""
    raise Refused(f"{zh}\n✗ {en}")


def say(text: str) -> None:
    """Tell what is done now, or what it came to."""
    sys.stderr.write(f"· {text}\n")
    sys.stderr.flush()


def mb(size: float) -> str:
    """Return a number of bytes in megabytes."""
    return f"{size / 1e6:,.1f} MB"
