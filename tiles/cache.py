"""Tiles kept in memory, and which of them a change drops.

A plain data structure: it asks no database and no clock. What is dropped is decided by
`tiles.reads`: a change of the layer's own row drops the tiles that its old and its new extent
reach, one of another row drops every tile that reads what has changed in it. A tile that is being
made meanwhile is marked, so that it is neither kept nor given to whoever asks later.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from layers.committed import Box, Committed, Touched
from tiles.reads import Reads
from tiles.vector import BUFFER, EXTENT

OVERHEAD = 1_500
"""Bytes that a kept tile takes beside its own: headers, key and indexes."""
SLACK_M = 4.0
"""Indexes of the database hold boxes in single precision: at 20,000 km that is 2 m either side."""
_HALF = math.pi * 6378137.0
_MAX_LAT = 89.9

Key = Hashable
Group = tuple[str, Hashable]


@dataclass(frozen=True)
class Place:
    """Where a tile belongs: its layer, the pattern of who sees it, and its address."""

    layer: str
    pattern: Hashable
    z: int
    x: int
    y: int


@dataclass(eq=False, slots=True)
class Entry:
    """A tile that is kept, with everything that its answers need ready-made.

    Attributes
    ----------
    data : the bytes as gzip; empty when nothing lies in the tile.
    tags : of the plain and of the packed bytes.
    start, body, unchanged : messages of the answer, as the server takes them.
    heads : of the answer and of the one that it is unchanged, as they are sent.
    since, until : between which moments it holds, where the day matters.
    """

    data: bytes
    tags: tuple[bytes, bytes] = (b"", b"")
    start: Any = None
    body: Any = None
    unchanged: Any = None
    heads: tuple[bytes, bytes] = (b"", b"")
    since: float = -math.inf
    until: float = math.inf


@dataclass(eq=False)
class Flight:
    """A tile that is being made.

    Attributes
    ----------
    stale : something that it may show has changed since it was begun.
    task : whatever makes it, for those who join.
    """

    key: Key
    place: Place
    stale: bool = False
    task: Any = None


@dataclass(eq=False)
class TileCache:
    """Tiles by key, the ones used longest ago dropped first; and what changes drop.

    Parameters
    ----------
    limit : bytes that may be kept.
    reads : tells what the tiles of a layer depend on, by the pattern of who sees them.
    """

    limit: int
    reads: Callable[[str, Any], Reads]
    hits: int = 0
    misses: int = 0
    size: int = 0
    _entries: OrderedDict[Key, tuple[Entry, Place]] = field(default_factory=OrderedDict)
    _flights: dict[Key, Flight] = field(default_factory=dict)
    _places: dict[Group, dict[int, dict[tuple[int, int], set[Key]]]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many tiles are kept."""
        return len(self._entries)

    def held(self) -> list[Key]:
        """Return the keys of the tiles that are kept, the one used longest ago first."""
        return list(self._entries)

    def get(self, key: Key) -> Entry | None:
        """Return the tile and count it as used."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def flight(self, key: Key) -> Flight | None:
        """Return the making of the tile that one who asks now may join."""
        return self._flights.get(key)

    def begin(self, key: Key, place: Place) -> Flight:
        """Note that a tile is being made, before the database is asked for it."""
        self._drop(key)
        flight = self._flights[key] = Flight(key, place)
        self._index(key, place)
        return flight

    def end(self, flight: Flight, entry: Entry | None) -> bool:
        """Keep what was made, unless it may be out of date by now; None gives up."""
        if self._flights.get(flight.key) is not flight:
            return False
        del self._flights[flight.key]
        weight = 0 if entry is None else len(entry.data) + OVERHEAD
        if entry is None or flight.stale or weight > self.limit:
            self._unindex(flight.key, flight.place)
            return False
        self._entries[flight.key] = entry, flight.place
        self.size += weight
        while self.size > self.limit:
            self._drop(next(iter(self._entries)))
        return True

    def committed(self, sets: Sequence[Committed]) -> None:
        """Drop what the changes touch."""
        for each in sets:
            for touched in each.changes:
                self._touch(touched)

    def broken(self) -> None:
        """Drop everything."""
        for flight in self._flights.values():
            flight.stale = True
        self._entries.clear()
        self._flights.clear()
        self._places.clear()
        self.size = 0

    def clock_set(self) -> None:
        """Drop everything: tiles that depend on the day are not told from others."""
        self.broken()

    def _touch(self, touched: Touched) -> None:
        for group in list(self._places):
            read = self.reads(*group)
            columns = read.others.get(touched.table)
            if columns is not None and (touched.changed is None or touched.changed & columns):
                self._drop_all(self._all(group))
            elif touched.table == read.own:
                for box in {touched.before, touched.after} - {None}:
                    self._drop_all(self._under(group, box))

    def _all(self, group: Group) -> Iterator[Key]:
        for columns in self._places.get(group, {}).values():
            for keys in columns.values():
                yield from keys

    def _under(self, group: Group, box: Box | None) -> Iterator[Key]:
        for z, places in self._places.get(group, {}).items():
            reached = reach(box, z) if box else None
            if reached is None:
                continue
            west, north, east, south = reached
            if (east - west + 1) * (south - north + 1) > len(places):
                for (x, y), keys in places.items():
                    if west <= x <= east and north <= y <= south:
                        yield from keys
            else:
                for x in range(west, east + 1):
                    for y in range(north, south + 1):
                        yield from places.get((x, y), ())

    def _drop_all(self, keys: Iterable[Key]) -> None:
        for key in list(keys):
            self._drop(key)

    def _drop(self, key: Key) -> None:
        flight = self._flights.pop(key, None)
        if flight is not None:
            flight.stale = True
            self._unindex(key, flight.place)
        found = self._entries.pop(key, None)
        if found is not None:
            entry, place = found
            self.size -= len(entry.data) + OVERHEAD
            self._unindex(key, place)

    def _index(self, key: Key, place: Place) -> None:
        zooms = self._places.setdefault((place.layer, place.pattern), {})
        zooms.setdefault(place.z, {}).setdefault((place.x, place.y), set()).add(key)

    def _unindex(self, key: Key, place: Place) -> None:
        group = (place.layer, place.pattern)
        zooms = self._places.get(group, {})
        places = zooms.get(place.z, {})
        keys = places.get((place.x, place.y), set())
        keys.discard(key)
        if not keys:
            places.pop((place.x, place.y), None)
        if not places:
            zooms.pop(place.z, None)
        if not zooms:
            self._places.pop(group, None)


def reach(box: Box, z: int) -> tuple[int, int, int, int] | None:
    """Return the first and last column and row of the tiles that may show what lies in `box`.

    Returns
    -------
    First column, first row, last column, last row; None where no tile does.
    """
    west, south, east, north = box
    if not all(map(math.isfinite, box)):
        return 0, 0, (1 << z) - 1, (1 << z) - 1
    count = 1 << z
    width = 2 * _HALF / count
    # A coordinate is rounded to the tile's grid before it is cut off.
    margin = width * (BUFFER + 1) / EXTENT + SLACK_M
    first_x = math.floor((_x(west) - margin + _HALF) / width)
    last_x = math.floor((_x(east) + margin + _HALF) / width)
    first_y = math.floor((_HALF - _y(north) - margin) / width)
    last_y = math.floor((_HALF - _y(south) + margin) / width)
    if last_x < 0 or last_y < 0 or first_x >= count or first_y >= count:
        return None
    return max(first_x, 0), max(first_y, 0), min(last_x, count - 1), min(last_y, count - 1)


def _x(lon: float) -> float:
    return lon / 180 * _HALF


def _y(lat: float) -> float:
    clipped = math.radians(max(-_MAX_LAT, min(_MAX_LAT, lat)))
    return math.log(math.tan(math.pi / 4 + clipped / 2)) * 6378137.0
