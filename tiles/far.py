"""Areas seen from afar: what is too small to be told apart travels as boxes of the same area.

At a low zoom a tile of a town holds a hundred thousand buildings of less than a pixel each. Left
out, the town would vanish; sent, they are megabytes that draw as a grey. So the ground that small
areas cover is added up in cells of two by two pixels, and each cell holds one box of that area,
where the middle of it lies: the tile has the same tone at the same places. What can be told apart
is sent as it is, with its id: whatever is a pixel wide, and of too many the widest.

Nothing is stored for this beside the rows. The index of `layers.base.Area` gives place, area and
width of each row without the row; it is read through `rows`, so that scope, moment and the last
edit hold here as everywhere. Adding up and encoding is done on arrays: in the database the same
takes six times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Select,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.sql.elements import ColumnElement

from geo.tiling import HALF_WORLD_M
from layers.access import Actor, rows
from layers.base import Area, Layer

EXTENT = 4096
PIXELS = 512
CELL = 2 * EXTENT // PIXELS
"""The side of a cell in units of the tile."""
SHOWN = 5_000
"""So many areas of a tile are sent as they are, where the layer has more there."""
# The grid of `Area.tile_spot`: zoom 24, in ranges of zoom 10.
_GRID, _RANGE = 24, 10
_INNER = _GRID - _RANGE
_ROW = np.dtype([("spot", ">i8"), ("area", ">f4"), ("span", ">f4")])
_MOVE, _LINES, _CLOSE = 9, 3 << 3 | 2, 15


@dataclass(frozen=True)
class Small:
    """The areas whose middle lies in a tile.

    Attributes
    ----------
    u, v : the middle, in units of the tile from its north-western corner.
    area : in squares of that unit.
    span : the longer side, metres of EPSG:3857.
    """

    u: NDArray[np.floating[Any]]
    v: NDArray[np.floating[Any]]
    area: NDArray[np.float64]
    span: NDArray[np.float32]


def summed(layer: Layer) -> bool:
    """Whether the rows of the layer can be added up from afar."""
    return issubclass(layer.model, Area) and layer.paint is not None and layer.paint.kind == "fill"


def far_query(layer: Layer, zoom: int, actor: Actor, at: datetime | None) -> Select[Any]:
    """Return the statement of place, area and width of the rows in a tile, as packed bytes.

    Its values are those of `far_values`.
    """
    source = rows(layer, actor, at)
    spot = source.c.tile_spot
    packed: ColumnElement[Any] = func.int8send(spot, type_=BYTEA)
    for column in (source.c.tile_area, source.c.tile_span):
        # Of past rows the expression is computed again, and is wider than the column.
        packed = packed.op("||")(func.float4send(cast(column, REAL), type_=BYTEA))
    found = select(func.string_agg(packed, literal_column("''::bytea")))
    if zoom < _RANGE:
        ends = (bindparam(name, [], type_=ARRAY(BigInteger)) for name in ("first", "last"))
        reach = func.unnest(*ends).table_valued("first", "last", name="reach").render_derived()
        return found.select_from(source).join(
            reach, and_(spot >= reach.c.first, spot < reach.c.last)
        )
    found = found.where(spot >= _value("first"), spot < _value("last"))
    if zoom == _RANGE:
        return found
    row = spot.op("&")(literal_column(str((1 << _INNER) - 1)))
    return found.where(row >= _value("top"), row < _value("bottom"))


def far_values(z: int, x: int, y: int) -> dict[str, Any]:
    """Return where the rows of a tile stand in the index."""
    if z < _RANGE:
        side = 1 << (_RANGE - z)
        west, east = x * side << _INNER, (x + 1) * side << _INNER
        lines = [line << _GRID + _INNER for line in range(y * side, (y + 1) * side)]
        return {
            "first": [line | west << _INNER for line in lines],
            # The last column of all is followed by the next line's first.
            "last": [line + (east << _INNER) for line in lines],
        }
    inner = _GRID - z
    line = y >> (z - _RANGE) << _GRID + _INNER
    values = {
        "first": line | x << inner + _INNER,
        "last": line + ((x + 1) << inner + _INNER),
    }
    if z > _RANGE:
        top = (y << inner) & ((1 << _INNER) - 1)
        values |= {"top": top, "bottom": top + (1 << inner)}
    return values


def _value(name: str) -> Any:
    return bindparam(name, 0, type_=BigInteger)


def small_areas(found: bytes | None, z: int, x: int, y: int) -> Small:
    """Read what `far_query` gave for a tile."""
    given = np.frombuffer(found or b"", dtype=_ROW)
    spot = given["spot"].astype(np.int64)
    column = (spot >> _INNER) & ((1 << _GRID) - 1)
    row = (spot >> _GRID + _INNER << _INNER) | (spot & ((1 << _INNER) - 1))
    scale = EXTENT / (1 << (_GRID - z))
    unit = 2 * HALF_WORLD_M / (1 << z) / EXTENT
    return Small(
        (column - (x << (_GRID - z)) + 0.5) * scale,
        (row - (y << (_GRID - z)) + 0.5) * scale,
        given["area"].astype(np.float64) / unit**2,
        given["span"].astype(np.float32),
    )


def least_span(small: Small, z: int) -> float:
    """Return the width in metres from which areas are sent as they are.

    It is a pixel; where more than `SHOWN` are that wide, it is that of the last to be sent.
    """
    pixel = 2 * HALF_WORLD_M / (1 << z) / PIXELS
    wide = small.span[small.span >= pixel]
    if len(wide) <= SHOWN:
        return pixel
    return float(np.partition(wide, len(wide) - SHOWN)[len(wide) - SHOWN])


def with_boxes(tile: bytes, name: str, small: Small, least: float) -> bytes:
    """Return a tile whose first layer also holds the areas narrower than `least`.

    Parameters
    ----------
    tile : as `ST_AsMVT` makes it; empty where nothing was wide enough.
    name : of the layer, where it must be made.
    """
    feature = _feature(_boxes(small, small.span < least))
    if not feature:
        return tile
    if not tile:
        text = name.encode()
        body = b"\x0a" + _number(len(text)) + text + feature
        # Extent and version, which the specification asks of every layer.
        return _message(0x1A, body + b"\x28" + _number(EXTENT) + b"\x78\x02")
    length, start = _read_number(tile, 1)
    body = tile[start : start + length] + feature
    return _message(0x1A, body) + tile[start + length :]


def _boxes(small: Small, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return left, top, width and height of one box for each cell that small areas cover."""
    chosen = chosen & (small.area > 0)
    u, v, area = small.u[chosen], small.v[chosen], small.area[chosen]
    if not len(u):
        return np.empty((0, 4), np.int64)
    side = EXTENT // CELL
    cell = (v // CELL).astype(np.int64) * side + (u // CELL).astype(np.int64)
    count = side * side
    whole = np.bincount(cell, area, count)
    covered = np.flatnonzero(whole)
    middle = (np.bincount(cell, at * area, count)[covered] / whole[covered] for at in (u, v))
    ground = np.minimum(whole[covered], CELL * CELL)
    width = np.clip(np.rint(np.sqrt(ground)), 1, CELL)
    height = np.clip(np.rint(ground / width), 1, CELL)
    # Within its cell, so that boxes of neighbours never lie upon each other.
    corner = ((covered % side) * CELL, (covered // side) * CELL)
    left, top = (
        np.clip(np.rint(at - size / 2), first, first + CELL - size)
        for at, size, first in zip(middle, (width, height), corner, strict=True)
    )
    return np.column_stack([left, top, width, height]).astype(np.int64)


def _feature(boxes: NDArray[np.int64]) -> bytes:
    """Return the boxes as one feature of many polygons, without id or attributes."""
    if not len(boxes):
        return b""
    left, top, width, height = boxes.T
    # Each ring starts where the one before had its last corner: bottom left.
    dx = np.diff(left, prepend=0)
    dy = np.diff(top, prepend=0) - np.concatenate([[0], height[:-1]])
    zero = np.zeros_like(left)
    steps = np.stack([dx, dy, width, zero, zero, height, -width, zero], axis=1)
    numbers = (steps << 1) ^ (steps >> 63)  # zigzag
    made = np.empty((len(boxes), 11), np.int64)
    made[:, 0], made[:, 3], made[:, 10] = _MOVE, _LINES, _CLOSE
    made[:, 1:3], made[:, 4:10] = numbers[:, :2], numbers[:, 2:]
    return _message(0x12, b"\x18\x03" + _message(0x22, _numbers(made.ravel())))


def _numbers(values: NDArray[np.int64]) -> bytes:
    """Return numbers below 2^21 as protobuf's variable-length integers."""
    size = 1 + (values >= 1 << 7) + (values >= 1 << 14)
    end = np.cumsum(size)
    made = np.empty(int(end[-1]), np.uint8)
    start = end - size
    for place in range(3):
        there = size > place
        more = np.where(size[there] > place + 1, 0x80, 0)
        made[start[there] + place] = (values[there] >> 7 * place & 0x7F) | more
    return made.tobytes()


def _message(tag: int, body: bytes) -> bytes:
    return bytes([tag]) + _number(len(body)) + body


def _number(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number and where what follows it begins."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
