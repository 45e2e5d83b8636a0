"""The few forms of protobuf that a vector tile is made of."""

from __future__ import annotations

from collections.abc import Iterator

LAYER, NAME, FEATURE = 0x1A, 0x0A, 0x12
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def number(value: int) -> bytes:
    """Return a number as a variable-length integer."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def message(tag: int, body: bytes) -> bytes:
    """Return a field of bytes."""
    return bytes([tag]) + number(len(body)) + body


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that stands at a place, and where what follows it begins."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def layers_of(tile: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the whole field of each layer of a tile."""
    at = 0
    while at < len(tile):
        length, start = read_number(tile, at + 1)
        end = start + length
        yield _name(tile[start:end]), tile[at:end]
        at = end


def _name(layer: bytes) -> str:
    at = 0
    while at < len(layer):
        tag, at = read_number(layer, at)
        kind = tag & 7
        if kind == _VARINT:
            _, at = read_number(layer, at)
        elif kind == _BYTES:
            length, at = read_number(layer, at)
            if tag == NAME:
                return layer[at : at + length].decode()
            at += length
        else:
            at += 8 if kind == _FIXED64 else 4
    return ""
