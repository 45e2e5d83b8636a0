"""What a floor plan says, before it meets the database: plain rows, one list for each thing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import pandas as pd

from importers.base import FILE, ROW, Action, Issue, Refusal
from layers.labels import Text

Row = dict[str, Any]


@dataclass
class Plan:
    """The rows of one plan. Every row has ``source_key``, ``_file`` and ``_row``.

    Attributes
    ----------
    sites, buildings, levels, rooms, openings : rows whose columns are those of the models;
        ``geom`` is a shapely geometry in degrees, longitude first, or None.
        A building has ``site_key``; an opening has ``level_id`` (a level's key).
    level_buildings, room_levels : pairs of keys (level, building) and (room, level).
    refused : rows that cannot be loaded, by list: rooms without a level, doors without a wall.
    issues : what the reader noticed.
    """

    sites: list[Row] = field(default_factory=list)
    buildings: list[Row] = field(default_factory=list)
    levels: list[Row] = field(default_factory=list)
    rooms: list[Row] = field(default_factory=list)
    openings: list[Row] = field(default_factory=list)
    level_buildings: list[Row] = field(default_factory=list)
    room_levels: list[Row] = field(default_factory=list)
    refused: dict[str, list[Refusal]] = field(default_factory=lambda: defaultdict(list))
    issues: list[Issue] = field(default_factory=list)

    def refuse(
        self, name: str, field_name: str, reason: str, value: str | None, title: Text | None = None
    ) -> None:
        """Set aside the row that is about to be added to the list `name`."""
        position = len(getattr(self, name))
        self.refused[name].append(Refusal(position, field_name, reason, value, title))

    def refuse_room(self, reason: str, value: str | None) -> None:
        """Set aside the room that is about to be added: it is on no level."""
        self.refuse("rooms", "level", reason, value, Text("楼层", "the level"))

    def note(
        self,
        row: Row | None,
        reason: str,
        zh: str,
        en: str,
        *,
        action: Action = "noted",
        field_name: str | None = None,
        value: object = None,
        file: str = "",
    ) -> None:
        """Add an issue about `row` (or about the file)."""
        self.issues.append(
            Issue(
                file=row[FILE] if row else file,
                row=row[ROW] if row else None,
                field=field_name,
                value=None if value is None else str(value),
                reason=reason,
                zh=zh,
                en=en,
                action=action,
            )
        )

    def merge(self, other: Plan) -> None:
        """Add the rows of another plan of the same import."""
        for name, refusals in other.refused.items():
            shift = len(getattr(self, name))
            self.refused[name] += [replace(r, position=r.position + shift) for r in refusals]
        for name in self.__dataclass_fields__:
            if name != "refused":
                getattr(self, name).extend(getattr(other, name))


def frame_of(rows: list[Row], columns: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the rows as a frame (WGS 84 where they have places); `columns` exist even if empty."""
    # Objects throughout: text that looks like a number must stay text, and None must stay None.
    frame = pd.DataFrame(rows, columns=None if rows else [*columns, FILE, ROW], dtype=object)
    for name in columns:
        if name not in frame:
            frame[name] = None
    frame = frame.where(frame.notna(), None)
    if "geom" not in frame:
        return frame
    made: pd.DataFrame = gpd.GeoDataFrame(frame, geometry="geom", crs="EPSG:4326")
    return made
