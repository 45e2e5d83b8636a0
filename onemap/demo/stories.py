"""`stories.toml` read once: what is planted in the demo estate, and where."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Any


@functools.cache
def stories() -> dict[str, Any]:
    """Return the planted facts, as `stories.toml` writes them."""
    text = resources.files("onemap.demo").joinpath("stories.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


LABEL = "虚构演示数据"
"""Stands in every file of the demo, so that nobody takes it for a real authority."""
