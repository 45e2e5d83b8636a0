"""Answers decoded: the canaries in them, and the secret places."""

from __future__ import annotations

import gzip
import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any

import httpx
import mapbox_vector_tile
import openpyxl

from tests.api.leaks.planted import WORD, Planted

_CANARY = re.compile(WORD + "[0-9a-f]{6}")
_NUMBER = re.compile(r"-?\d+\.\d+")
_EXTENT = 4096
NEAR = 0.0005
"""Degrees: a coarse place lies eight times as far away."""


def text_of(answer: httpx.Response) -> str:
    """Return everything that an answer says, as one text: headers too."""
    headers = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    return headers + "\n" + _body(answer)


def _body(answer: httpx.Response) -> str:
    kind, data = answer.headers.get("content-type", ""), answer.content
    if not data or kind.startswith("image/"):
        return ""
    if "mapbox-vector-tile" in kind:
        z, x, y = (int(each) for each in _address(str(answer.request.url)))
        return tile_text(data, z, x, y)
    if "spreadsheet" in kind:
        book = openpyxl.load_workbook(io.BytesIO(data))
        rows = (row for sheet in book for row in sheet.iter_rows(values_only=True))
        return "\n".join(str(cell) for row in rows for cell in row if cell is not None)
    if kind.startswith(("application/", "text/")):
        return data.decode("utf-8")
    raise AssertionError(f"nobody reads {kind}: say here how it is decoded")


def _address(url: str) -> tuple[str, str, str]:
    """Return zoom, column and row of a tile's address."""
    found = re.search(r"/tiles/(?:[^/]+/)?(\d+)/(\d+)/(\d+)", url)
    assert found is not None, url
    one, two, three = found.groups()
    # OGC writes the row before the column.
    return (one, three, two) if "/ogc/" in url else (one, two, three)


def tile_text(data: bytes, z: int, x: int, y: int) -> str:
    """Return the attributes and the longitudes in a vector tile."""
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    said = []
    for name, layer in mapbox_vector_tile.decode(data).items():
        for feature in layer["features"]:
            said.append(f"{name} {json.dumps(feature['properties'], ensure_ascii=False)}")
            said += [f"{_longitude(u, z, x):.7f}" for u in _columns(feature["geometry"])]
    del y
    return "\n".join(said)


def _columns(geometry: Any) -> Iterator[float]:
    pending = [geometry["coordinates"]]
    while pending:
        each = pending.pop()
        if each and isinstance(each[0], int | float):
            yield each[0]
        else:
            pending += each


def _longitude(u: float, z: int, x: int) -> float:
    return (x + u / _EXTENT) / (1 << z) * 360 - 180


def tile_of(lon: float, lat: float, z: int) -> tuple[int, int]:
    """Return column and row of the tile at a place."""
    across = math.radians(lat)
    down = (1 - math.asinh(math.tan(across)) / math.pi) / 2
    return int((lon + 180) / 360 * (1 << z)), int(down * (1 << z))


def canaries(text: str) -> set[str]:
    """Return the canaries in a text, in whatever case."""
    return set(_CANARY.findall(text.lower()))


def places(text: str, planted: Planted) -> set[str | None]:
    """Return the owners whose secret place is told in a text."""
    numbers = [float(each) for each in _NUMBER.findall(text)]
    return {
        owner
        for owner, lon in planted.secret.items()
        if any(abs(each - lon) < NEAR for each in numbers)
    }
