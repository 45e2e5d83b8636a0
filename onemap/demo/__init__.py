"""The demo: a fictional district authority, written as files and imported like anybody's."""

from __future__ import annotations

from onemap.demo.builder import VERSION, build

__all__ = ["VERSION", "build"]
