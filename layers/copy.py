"""Rows in PostgreSQL's binary COPY format, made column by column without a Python loop over rows.

Format: https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format"). Each column
becomes an Arrow array of bytes; Arrow joins them row by row in C++, and the joined buffer *is*
the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import shapely
import sqlalchemy as sa
from geoalchemy2 import Geometry
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from layers.types import AnyGeometry, Ltree

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
_TRAILER = b"\xff\xff"
_CHUNK = 50_000
_LONGEST = 2**31 - 1
_HAS_SRID = 0x20000000
_SRID = (4326).to_bytes(4, "little")
_EPOCH_DAYS = 10_957  # 1970-01-01 to PostgreSQL's 2000-01-01
_EPOCH_US = 946_684_800_000_000

_NUMBERS: tuple[tuple[type[TypeEngine[Any]], pa.DataType, str], ...] = (
    (sa.Boolean, pa.bool_(), ">i1"),
    (sa.BigInteger, pa.int64(), ">i8"),
    (sa.Integer, pa.int32(), ">i4"),
    (sa.Float, pa.float64(), ">f8"),
)

Wire = tuple[NDArray[np.int32], pa.Array]
"""Per row the length of the field (-1 is NULL), and the bytes (empty where NULL)."""


def copy_rows(
    connection: psycopg.Connection[Any],
    table: str,
    columns: Sequence[sa.Column[Any]],
    frame: pd.DataFrame,
    progress: Callable[[float], None] | None = None,
) -> int:
    """Write `frame` into `table` by binary COPY and return the number of rows.

    Parameters
    ----------
    connection : the raw psycopg connection, inside the caller's transaction.
    columns : the columns to fill; the frame has one of each name, of a fitting dtype: nullable
        integers, floats, text, datetime64 with a zone, dates, shapely geometries in EPSG:4326,
        and for JSONB its text.
    """
    command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(c.name) for c in columns)
    )
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.write(_SIGNATURE)
        for done, stream in _streams(frame, columns):
            copy.write(stream)
            if progress is not None:
                progress(done)
        copy.write(_TRAILER)
    return len(frame)


def _streams(
    frame: pd.DataFrame, columns: Sequence[sa.Column[Any]]
) -> Iterator[tuple[float, memoryview]]:
    """Give the stream in pieces, each with the share that is done after it.

    While the server takes one piece, the next is made.
    """
    starts = range(0, len(frame), _CHUNK)
    with ThreadPoolExecutor(1) as pool:

        def begin(start: int) -> Future[memoryview]:
            return pool.submit(_stream, frame.iloc[start : start + _CHUNK], columns)

        coming = begin(0) if starts else None
        for start in starts:
            assert coming is not None
            piece = coming.result()
            beyond = start + _CHUNK
            coming = begin(beyond) if beyond < len(frame) else None
            yield min(1.0, beyond / len(frame)), piece


def _stream(frame: pd.DataFrame, columns: Sequence[sa.Column[Any]]) -> memoryview:
    count = len(frame)
    head = pa.array([len(columns).to_bytes(2, "big")], pa.binary()).take(
        pa.array(np.zeros(count, dtype=np.int64))
    )
    pieces = [head]
    for each in columns:
        lengths, payload = wire(each, frame[each.name])
        pieces += [_fixed(lengths.astype(">i4")), payload]
    joined = pc.binary_join_element_wise(*pieces, b"")
    _, offsets, data = joined.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[joined.offset : joined.offset + count + 1]
    return memoryview(data)[int(ends[0]) : int(ends[-1])]


def wire(column: sa.Column[Any], values: pd.Series[Any]) -> Wire:
    """Return the lengths and bytes of one column in the wire format of its type."""
    kind = column.type
    if isinstance(kind, Geometry | AnyGeometry):
        return _geometry(values)
    if isinstance(kind, JSONB | Ltree):
        return _text(values, prefix=b"\x01")
    if isinstance(kind, sa.String):
        return _text(values)
    numbers, form = _as_numbers(kind, values)
    return _numbers(numbers, form)


def _as_numbers(kind: TypeEngine[Any], values: pd.Series[Any]) -> tuple[pa.Array, str]:
    """Return the numbers that stand for a type, and their form in the stream."""
    if isinstance(kind, sa.DateTime):
        stamps = _arrow(values, pa.timestamp("us", "UTC")).cast(pa.int64())
        return pc.subtract(stamps, _EPOCH_US), ">i8"
    if isinstance(kind, sa.Date):
        days = _arrow(values, pa.date32()).cast(pa.int32())
        return pc.subtract(days, _EPOCH_DAYS), ">i4"
    for known, arrow, form in _NUMBERS:
        if isinstance(kind, known):
            return _arrow(values, arrow), form
    raise TypeError(f"no binary form for {kind!r}")


def _arrow(values: pd.Series[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_date(kind) and values.dtype == object:
        made = pa.array(values.to_numpy(), kind, from_pandas=True)
    else:
        made = pa.array(values, from_pandas=True)
    if isinstance(made, pa.ChunkedArray):
        made = made.combine_chunks()
    if pa.types.is_null(made.type):
        return pa.nulls(len(made), kind)
    return made if made.type == kind else made.cast(kind)


def _fixed(values: NDArray[Any]) -> pa.Array:
    """Return numbers of one width as an Arrow array of bytes."""
    width, count = values.dtype.itemsize, len(values)
    offsets = np.arange(count + 1, dtype=np.int32) * width
    return pa.Array.from_buffers(
        pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(values.tobytes())]
    )


def _numbers(values: pa.Array, form: str) -> Wire:
    valid = values.is_valid().to_numpy(zero_copy_only=False)
    width = np.dtype(form).itemsize
    lengths = np.where(valid, width, -1).astype(np.int32)
    dense = values.drop_null().to_numpy(zero_copy_only=False).astype(form)
    offsets = np.zeros(len(valid) + 1, dtype=np.int32)
    np.cumsum(np.where(valid, width, 0), out=offsets[1:])
    payload = pa.Array.from_buffers(
        pa.binary(), len(valid), [None, pa.py_buffer(offsets), pa.py_buffer(dense.tobytes())]
    )
    return lengths, payload


def _text(values: pd.Series[Any], prefix: bytes = b"") -> Wire:
    return _bytes(_arrow(values, pa.string()).cast(pa.binary()), prefix)


def _bytes(values: pa.Array, prefix: bytes = b"") -> Wire:
    if prefix:
        values = pc.binary_join_element_wise(pa.scalar(prefix, pa.binary()), values, b"")
    lengths = pc.fill_null(pc.binary_length(values), -1).to_numpy(zero_copy_only=False)
    return lengths.astype(np.int32), pc.fill_null(values, b"")


def _geometry(values: pd.Series[Any]) -> Wire:
    shapes = np.asarray(values.array, dtype=object)
    encoded = shapely.to_wkb(shapes, flavor="extended", output_dimension=4, byte_order=1)
    return _bytes(_in_4326(pa.array(encoded, pa.binary(), from_pandas=True)))


def _in_4326(wkb: pa.Array) -> pa.Array:
    """Say in little-endian EWKB that it is in EPSG:4326 (shapely would copy every shape for it).

    After the byte of the order stands the type, in which a bit tells that the SRID follows.
    """
    heads = pc.binary_slice(wkb, 0, 5).dictionary_encode()
    tagged = [
        head[:1] + (int.from_bytes(head[1:], "little") | _HAS_SRID).to_bytes(4, "little") + _SRID
        for head in heads.dictionary.to_pylist()
    ]
    head = pa.array(tagged, pa.binary()).take(heads.indices)
    return pc.binary_join_element_wise(head, pc.binary_slice(wkb, 5, _LONGEST), b"")
