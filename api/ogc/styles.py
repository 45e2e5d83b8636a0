"""The stylesheet of the HTML pages, served from our own host."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from starlette.responses import Response


@lru_cache(maxsize=1)
def _text() -> str:
    return (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def stylesheet() -> Response:
    """Return the stylesheet."""
    return Response(_text(), headers={"Cache-Control": "max-age=300"}, media_type="text/css")
