"""The built page as files: packed once for the wire, and kept by browsers as long as is right."""

from __future__ import annotations

import gzip
import os
from functools import lru_cache
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from tiles.compress import gzip_accepted

# What is already packed (pictures, fonts) gains nothing.
_PACKED = frozenset({".css", ".html", ".js", ".json", ".mjs", ".svg"})
# The build names these files by their content: another content is another name.
_FOREVER = "public, max-age=31536000, immutable"


def beneath(app: FastAPI, folder: Path) -> None:
    """Let `app` answer with the page's files where none of its own addresses fits.

    Mounted at "/", they would take a GET of an address that has other methods alone: what the
    router then says is 404, not 405.
    """
    app.router.default = PageFiles(directory=folder, html=True)


class PageFiles(StaticFiles):
    """Static files of a build whose ``assets`` are named by their content."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Return the file, packed where the browser takes that."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        path = Path(full_path)
        kept = _FOREVER if path.parent.name == "assets" else "no-cache"
        response.headers["Cache-Control"] = kept
        if path.suffix not in _PACKED:
            return response
        response.headers["Vary"] = "Accept-Encoding"
        takes = Headers(scope=scope).get("Accept-Encoding", "")
        if isinstance(response, NotModifiedResponse) or not gzip_accepted(takes):
            return response
        packed = Response(_pack(str(path), stat_result.st_mtime_ns), status_code)
        for name in ("Content-Type", "Cache-Control", "Vary", "Last-Modified"):
            packed.headers[name] = response.headers[name]
        # Weak: the same content in another coding.
        packed.headers["ETag"] = f"W/{response.headers['ETag']}"
        packed.headers["Content-Encoding"] = "gzip"
        return packed


@lru_cache(maxsize=64)
def _pack(path: str, _changed_ns: int) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)
