"""Whether anybody is served an older state than one that was acknowledged, under a load of edits.

A writer raises a counter in the name of a feature and notes it once that is acknowledged. Readers
note what has been acknowledged *before* they ask one of several serving processes, and no answer
may show less. How is written is a function handed in.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import socket
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import mapbox_vector_tile
import sqlalchemy as sa

from geo.tiling import tile_at
from layers import db
from layers.base import table_of
from layers.committing import committing
from layers.estate import Building
from layers.ticks import Ticks
from tests.layers.support import put

ZOOM = 16
LON, LAT, STEP = 119.6, 38.9, 0.002

Write = Callable[[int, int], None]
"""Gives a feature (by its number) a new counter, and returns once that is acknowledged."""


@dataclass
class Features:
    """The features that are edited: where each is, its id, and the counter last acknowledged."""

    ids: list[int]
    acknowledged: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.acknowledged = [0] * len(self.ids)

    def tile(self, number: int) -> str:
        """Return the address of the tile that a feature lies in."""
        x, y = tile_at(LON + number * STEP + STEP / 4, LAT + STEP / 4, ZOOM)
        return f"/tiles/buildings/{ZOOM}/{int(x)}/{int(y)}"


@dataclass
class Outcome:
    """What a run saw.

    Attributes
    ----------
    stale : answers that showed less than what had been acknowledged before they were asked for.
    waits_s : how long each acknowledgement took.
    """

    edits: int = 0
    tiles: int = 0
    features: int = 0
    refused: int = 0
    stale: list[str] = field(default_factory=list)
    hits: int = 0
    misses: int = 0
    waits_s: list[float] = field(default_factory=list)

    @property
    def hit_ratio(self) -> float:
        """The share of tile answers that came from memory."""
        return self.hits / max(1, self.hits + self.misses)

    def line(self) -> str:
        """Return the outcome in one line."""
        waits = statistics.quantiles(self.waits_s or [0.0, 0.0], n=100)
        return (
            f"{self.edits} edits (acknowledged in {waits[49] * 1e3:.1f} ms, p99 "
            f"{waits[98] * 1e3:.1f}), {self.tiles} tiles ({self.hit_ratio:.1%} from memory), "
            f"{self.features} features, {self.refused} refused, {len(self.stale)} stale"
        )


def features(engine: sa.Engine, count: int) -> Features:
    """Plant buildings in a row, each in a tile of its own or nearly so."""
    ids = []
    with committing(engine) as link:
        for number in range(count):
            west, half = LON + number * STEP, STEP / 2
            box = sa.func.ST_MakeEnvelope(west, LAT, west + half, LAT + half, 4326)
            ids.append(put(link, Building, name=f"{number}#0", geom=sa.func.ST_Multi(box)))
    return Features(ids)


def by_sql(owner_url: str, ticks: Ticks, known: Features) -> Write:
    """Return a way of writing: an update through `committing`."""
    engine = db.engine(owner_url, pool_size=8)
    table = table_of(Building)

    def write(number: int, counter: int) -> None:
        with committing(engine, ticks) as link:
            link.execute(
                sa.update(table)
                .where(table.c.id == known.ids[number])
                .values(name=f"{number}#{counter}")
            )

    return write


class _Client:
    """One kept-alive connection to one process.

    The standard library's client takes ten times as long for an answer as the server does, and
    then the run measures itself: here an answer is a head, and as many bytes as the head says.
    """

    def __init__(self, address: str) -> None:
        self.place = urlsplit(address).netloc
        self._socket: socket.socket | None = None

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body; 0 where nobody answers, also over a fresh connection."""
        request = f"GET {path} HTTP/1.1\r\nHost: {self.place}\r\nAccept-Encoding: gzip\r\n\r\n"
        for _ in range(2):
            try:
                if self._socket is None:
                    host, _, port = self.place.partition(":")
                    self._socket = socket.create_connection((host, int(port)), timeout=30)
                self._socket.sendall(request.encode())
                return self._answer(self._socket)
            except (OSError, EOFError):  # one that was idle for long is closed by the server
                if self._socket is not None:
                    self._socket.close()
                self._socket = None
        return 0, b""

    @staticmethod
    def _answer(link: socket.socket) -> tuple[int, bytes]:
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += _more(link)
        head, body = data[:end].lower(), data[end + 4 :]
        status = int(head[9:12])
        length = _LENGTH.search(head)
        if length is None and status != 204:
            raise EOFError("an answer of unknown length")
        while length is not None and len(body) < int(length[1]):
            body += _more(link)
        return status, gzip.decompress(body) if b"content-encoding: gzip" in head else body


_LENGTH = re.compile(rb"content-length: (\d+)")


def _more(link: socket.socket) -> bytes:
    data = link.recv(65_536)
    if not data:
        raise EOFError("the connection was closed")
    return data


def shown_in_tile(body: bytes, number: int) -> int | None:
    """Return the counter of a feature in a tile, None where it is not in it."""
    found = re.search(rb"(?<!\d)%d#(\d+)" % number, body)
    return int(found.group(1)) if found else None


@dataclass
class _Run:
    """One run: its writers and readers, and what they saw."""

    addresses: Sequence[str]
    write: Write
    known: Features
    edits: int
    writers: int
    feature_share: float
    until_stale: bool
    outcome: Outcome = field(default_factory=Outcome)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def read(self, client: _Client, number: int, chance: random.Random) -> None:
        """Read one feature, as it is or in its tile."""
        least = self.known.acknowledged[number]
        tile = chance.random() >= self.feature_share
        path = self.known.tile(number) if tile else f"/features/buildings/{self.known.ids[number]}"
        status, body = client.get(path)
        shown = shown_in_tile(body, number)
        with self.lock:
            self.outcome.tiles += tile
            self.outcome.features += not tile
            if status != 200:
                self.outcome.refused += 1
            elif shown is None or shown < least:
                self.outcome.stale.append(f"{client.place}{path}: {shown} < {least}")

    def reading(self, seed: int) -> None:
        """Read at random from all processes until the writers have ended."""
        chance, clients = random.Random(seed), [_Client(each) for each in self.addresses]
        while not self.ended.is_set():
            self.read(chance.choice(clients), chance.randrange(len(self.known.ids)), chance)

    def writing(self, which: int) -> None:
        """Edit features of one's own, and look at each process twice after each."""
        chance, clients = random.Random(which), [_Client(each) for each in self.addresses]
        mine = range(which, len(self.known.ids), self.writers)
        while self._one_more():
            number = chance.choice(mine)
            counter = self.known.acknowledged[number] + 1
            began = time.perf_counter()
            _settled(self.write, number, counter)
            self.known.acknowledged[number] = counter
            with self.lock:
                self.outcome.waits_s.append(time.perf_counter() - began)
            for client in [*clients, *clients]:
                self.read(client, number, chance)

    def warm(self) -> None:
        """Have every process keep every tile, so that what is counted is the steady state."""
        for client in [_Client(each) for each in self.addresses]:
            for path in dict.fromkeys(map(self.known.tile, range(len(self.known.ids)))):
                client.get(path)

    def _one_more(self) -> bool:
        with self.lock:
            more = self.outcome.edits < self.edits
            more &= not (self.until_stale and self.outcome.stale)
            self.outcome.edits += more
            return more


def run(
    addresses: Sequence[str],
    write: Write,
    known: Features,
    edits: int,
    *,
    writers: int = 2,
    readers: int = 4,
    feature_share: float = 0.05,
    until_stale: bool = False,
) -> Outcome:
    """Edit and read at once, where it is asked for only until an old state is shown.

    Writers look at each process twice right after an acknowledgement, when an old state is most
    likely to be shown; readers read at random all the time.
    """
    made = _Run(addresses, write, known, edits, writers, feature_share, until_stale)
    made.warm()
    before = [_counts(each) for each in addresses]
    with ThreadPoolExecutor(readers + writers) as pool:
        busy = [pool.submit(made.reading, 1000 + n) for n in range(readers)]
        try:
            for each in [pool.submit(made.writing, n) for n in range(writers)]:
                each.result()
        finally:
            made.ended.set()
        for each in busy:
            each.result()
    for (hits, misses), address in zip(before, addresses, strict=True):
        now = _counts(address)
        made.outcome.hits += now[0] - hits
        made.outcome.misses += now[1] - misses
    return made.outcome


def _settled(write: Write, number: int, counter: int, patience_s: float = 60) -> None:
    """Write until it is acknowledged: the database may be away for a while."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            write(number, counter)
        except sa.exc.DBAPIError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _counts(address: str) -> tuple[int, int]:
    status, body = _Client(address).get("/-/kept")
    assert status == 200
    found = json.loads(body)
    return found["hits"], found["misses"]


def decoded(body: bytes, number: int) -> int:
    """Return the counter of a feature as a decoder of tiles reads it."""
    (name,) = (
        each["properties"]["name"]
        for each in mapbox_vector_tile.decode(body)["buildings"]["features"]
        if each["properties"]["name"].startswith(f"{number}#")
    )
    return int(name.partition("#")[2])
