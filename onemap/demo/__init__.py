"""The demo: a fictional district authority, written as files and imported like anybody's."""

from __future__ import annotations

from onemap.demo.builder import build

__all__ = ["build"]
