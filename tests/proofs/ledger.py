"""Writers that remember what was acknowledged, and the check that all of it is there.

Each writer has rows of its own and gives them new values one after another. An attempt that was
not acknowledged may have been written or not; one that was must be there: whenever a row is read
again, when a later edit of it is refused as stale, and at the end, with its change set in the log.
"""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

LAYER, FIELD = "rooms", "name"
TIMEOUT_S = 10.0
PAUSE_S = 0.4
"""After each edit: a machine that has nothing left would be measured, and not what it runs."""


@dataclass
class Row:
    """What is known of one row: the last value acknowledged, and those tried since."""

    id: int
    acknowledged: str | None = None
    tried: list[str] = field(default_factory=list)
    revision: int | None = None
    """Of the last value acknowledged, if nothing was tried since."""

    @property
    def possible(self) -> set[str | None]:
        """What the row may hold."""
        return {self.acknowledged, *self.tried}


class Load:
    """Writers over HTTP, until ended."""

    def __init__(self, address: str, rows: list[int], writers: int = 4) -> None:
        self.address = address
        self.rows = [Row(each) for each in rows]
        self.acknowledged = 0
        self.refused = 0
        self.gone: list[str] = []
        """Acknowledged values that were found not to be there while others were written."""
        self.sets: list[int] = []
        """Numbers of the change sets that were acknowledged."""
        self.reason = ""
        """Why an edit was refused, the last time."""
        self.done: list[list[tuple[float, float]]] = [[] for _ in range(writers)]
        """When each writer began and was acknowledged each edit, by the monotonic clock."""
        # A value that a row has already would be no change, and leave none in the log.
        self._name = secrets.token_hex(3)
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(n, self.rows[n::writers]), daemon=True)
            for n in range(writers)
        ]

    def __enter__(self) -> Load:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in self._threads:
            each.join()

    def _write(self, writer: int, rows: list[Row]) -> None:
        number = 0
        origin = {"Origin": self.address}  # as the page sends it
        with httpx.Client(
            base_url=self.address, headers=origin, timeout=TIMEOUT_S, trust_env=False
        ) as client:
            while not self._over.is_set():
                row = rows[number % len(rows)]
                number += 1
                began = time.monotonic()
                if self._acknowledged(client, row, f"{self._name}-{writer}-{number}"):
                    self.acknowledged += 1
                    self.done[writer].append((began, time.monotonic()))
                else:
                    self.refused += 1
                self._over.wait(PAUSE_S)

    def _acknowledged(self, client: httpx.Client, row: Row, value: str) -> bool:
        try:
            known = row.revision is not None
            if row.revision is None and not self._read(client, row):
                return False
            put = {
                "layer": LAYER, "id": row.id, "revision": row.revision,
                "properties": {FIELD: value},
            }  # fmt: skip
            row.revision = None  # until it is told
            row.tried.append(value)
            answer = client.post("/changes", json={"puts": [put]})
        except httpx.HTTPError:
            return False
        if answer.status_code != 200:
            if answer.status_code == 412 and known:
                self.gone.append(f"{LAYER} {row.id}: its revision is not as acknowledged")
            self.reason = answer.text
            return False
        done = answer.json()
        row.acknowledged, row.tried = value, []
        row.revision = done["puts"][0]["revision"]
        self.sets.append(done["seq"])
        return True

    def _read(self, client: httpx.Client, row: Row) -> bool:
        """Read a row whose state is not known; whether it was answered."""
        revision = client.get(f"/features/{LAYER}/{row.id}")
        holds = client.get(f"/ogc/collections/{LAYER}/items/{row.id}", params={"f": "json"})
        if revision.status_code != 200 or holds.status_code != 200:
            return False
        row.revision = revision.json()["source"]["revision"]
        self._compare(row, holds.json()["properties"][FIELD])
        return True

    def _compare(self, row: Row, value: str) -> None:
        if row.acknowledged is not None and value not in row.possible:
            self.gone.append(f"{LAYER} {row.id}: {value}, not {row.acknowledged}")

    def back_after(self, moment: float, patience_s: float = 120) -> float:
        """Wait until each writer was acknowledged what it began after a moment.

        Returns
        -------
        Seconds from that moment until the last of them was.
        """
        deadline = time.monotonic() + patience_s
        while True:
            firsts = [
                next((ended for began, ended in list(each) if began > moment), None)
                for each in self.done
            ]
            if None not in firsts:
                return max(each for each in firsts if each is not None) - moment
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing acknowledged within {patience_s:g} s: {self.reason}")
            time.sleep(0.01)

    def lost(self) -> list[str]:
        """Read every row again, once the load has ended; return what is not as acknowledged."""
        with httpx.Client(base_url=self.address, timeout=TIMEOUT_S, trust_env=False) as client:
            for row in self.rows:
                if row.acknowledged is None:
                    continue
                path = f"/ogc/collections/{LAYER}/items/{row.id}"
                holds: Any = client.get(path, params={"f": "json"}).raise_for_status().json()
                self._compare(row, holds["properties"][FIELD])
        return self.gone
