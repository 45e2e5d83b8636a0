"""The tile archive of a service: what it answers, and to whom.

An archive holds what was public at its moment. It answers only requests that see public rows
and no more: without a token, without a unit, and of no other moment of record. For everybody
else the same address is answered from the database.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request

from api.callers import credential_of
from api.session import Config
from layers.problems import Problem
from tiles.archive import Archive
from tiles.vector import Tile

log = logging.getLogger("onemap.archives")


@dataclass(frozen=True)
class _State:
    inode: int
    size: int
    changed_ns: int


class Archives:
    """The archive that the settings name; a file that takes its place is noticed at once."""

    def __init__(self, path: str | None) -> None:
        self.path = Path(path) if path else None
        self._open: Archive | None = None
        self._state: _State | None = None

    def present(self) -> Archive | None:
        """Return the archive as it lies there now; None where there is none that can be read."""
        if self.path is None:
            return None
        try:
            found = self.path.stat()
        except OSError:
            return None
        state = _State(found.st_ino, found.st_size, found.st_mtime_ns)
        if state != self._state:
            self._state, self._open = state, self._opened(self.path)
        return self._open

    def of(self, request: Request, config: Config, layer: str) -> Archive | None:
        """Return the archive when it holds `layer` and the request may be answered from it."""
        found = self.present()
        if found is None or layer not in found.snapshot.zooms:
            return None
        plain = config.anonymous == "public" and credential_of(request) is None
        query = request.scope["query_string"]
        if not plain or (query and {"at", "unit"} & request.query_params.keys()):
            return None
        return found

    def tile(self, request: Request, config: Config, layer: str, tile: Tile) -> bytes | None:
        """Return the layer's tile from the archive, None where the database is to be asked."""
        found = self.of(request, config, layer)
        if found is None:
            return None
        first, last = found.snapshot.zooms[layer]
        return found.layer(layer, tile.z, tile.x, tile.y) if first <= tile.z <= last else None

    def told(self, request: Request, config: Config, layer: str, service: str) -> dict[str, Any]:
        """Return what TileJSON adds for a layer that is answered from the archive."""
        found = self.of(request, config, layer)
        if found is None:
            return {}
        first, last = found.snapshot.zooms[layer]
        return {
            "snapshot": {
                "moment": found.snapshot.moment.astimezone(config.zone),
                "minzoom": first,
                "maxzoom": last,
                "archive": f"{service}/archives/{found.path.name}",
            }
        }

    def _opened(self, path: Path) -> Archive | None:
        try:
            return Archive(path)
        except Problem as problem:
            log.error("%s / %s", problem.text.zh, problem.text.en)
            return None
