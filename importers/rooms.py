"""Rooms, who is in them, and the floors they need, from a sheet with a row per occupant.

A room known from a plan is found by building and room number and gets what the sheet says of it;
one that no plan shows is made, on the floor the sheet names, without a shape.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa

from geo.levels import level_label, parse_levels
from importers import sheets
from importers.base import (
    ATTRIBUTE,
    FILE,
    ROW,
    Found,
    Importer,
    Issue,
    Options,
    Refusal,
    Target,
)
from importers.columns import fields_of, guess
from importers.references import References
from importers.stale import drop_stale_links, end_occupancies
from importers.values import as_text, cell, positions
from layers.base import Base, table_of
from layers.changes import ChangeSet
from layers.estate import Level, LevelBuilding
from layers.labels import Text
from layers.people import Person
from layers.space import Occupancy, Room, RoomLevel

WORDS: Final[dict[str, tuple[str, ...]]] = {
    "building": ("楼号", "楼栋", "楼栋号", "建筑", "建筑编号", "建筑编码", "所在建筑",
                 "building", "building code"),
    "level": ("楼层", "层", "所在楼层", "floor", "level"),
    "person": ("人员工号", "工号", "使用人工号", "人员", "使用人", "姓名", "person",
               "staff number"),
    "occupant": ("使用机构", "使用单位", "占用机构", "占用单位", "occupant", "occupying body"),
    "share": ("占用份额", "份额", "share"),
    "valid_from": ("起始日期", "入驻日期", "启用日期", "valid from"),
    "valid_to": ("截止日期", "退出日期", "valid to"),
}  # fmt: skip
_TITLES: Final = {
    "building": Text("楼号", "building code"),
    "level": Text("楼层", "floor"),
    "person": Text("人员工号", "staff number"),
    "occupant": Text("使用机构", "occupying body"),
}
_EXAMPLES: Final = {"building": "B01", "level": "3层"}
_STAY: Final = ("share", "valid_from", "valid_to")


class Rooms(Importer):
    """Rooms, occupants and bodies, joined on building and room number."""

    kind, title = "rooms", Text("房间与占用", "Rooms and occupants")
    description = Text(
        "房间表，每个使用人一行；按楼号和房间号对应",
        "rooms with a row per occupant, joined on building and room number",
    )
    layers, aliases = ("rooms", "levels", "occupancies"), ("occupants", "occupancies")
    suffixes = sheets.SUFFIXES

    def __init__(self) -> None:
        self._timezone = "UTC"
        self._stays: Target | None = None
        self._since: dict[int, date] = {}

    def read(self, files: Sequence[Path], options: Options) -> Found:
        """Read the sheets; the targets are made by `expand`, which knows what is loaded."""
        self._timezone = options.timezone
        found = Found([])
        frames = []
        for path in files:
            frame, issues = sheets.read(path, options)
            headings = [h for h in frame.columns if h not in (ROW, FILE)]
            mapping = guess(headings, Room, options.mapping, WORDS)
            found.issues += issues
            found.mapping |= {n: h for n, h in mapping.fields.items() if n not in ("lon", "lat")}
            found.unmapped += mapping.rest
            named = {n: frame[h] for n, h in mapping.fields.items() if n not in ("lon", "lat")}
            named |= {ATTRIBUTE + h: frame[h] for h in mapping.rest if frame[h].notna().any()}
            frames.append(pd.DataFrame(named | {ROW: frame[ROW], FILE: frame[FILE]}))
        found.rows = pd.concat(frames, ignore_index=True)
        return found

    def expand(self, found: Found, changes: ChangeSet, references: References) -> list[Target]:
        """Return levels, rooms, their links and the occupancies."""
        assert found.rows is not None
        rows = _Rows(found.rows, changes.connection, references)
        self._stays = rows.occupancies()
        return [*rows.levels(), rows.rooms(), *rows.rooms_on_levels(), self._stays]

    def resolve(self, target: Target, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        """Write to the plan's own row where one shows the room; the occupant's body is its own."""
        if target.model is Room:
            return _onto_known(frame, target, changes)
        if target.model is RoomLevel:
            drop_stale_links(changes, RoomLevel, frame)
        if target.model is Occupancy and "person_id" in frame:
            frame = _bodies_of(frame, changes)
            known = changes.ids(Occupancy, target.extra["source"]).index
            self._since = _beginnings(frame[~frame["source_key"].isin(known)])
        return frame

    def finish(self, changes: ChangeSet, source: str) -> Sequence[Issue]:
        """End the stays of this dataset that the sheet no longer holds.

        A sheet with a column of occupants says who sits where now; one without says nothing.
        """
        if self._stays is None or not self._stays.extra["said"]:
            return ()
        keys, files = self._stays.frame["source_key"], self._stays.extra["file"]
        today = changes.connection.execute(
            sa.select(sa.cast(sa.func.timezone(self._timezone, sa.func.onemap_now()), sa.Date))
        ).scalar_one()
        return end_occupancies(changes, source, set(keys.map(str)), self._since, today, files)

    def sheet(self) -> list[sheets.Field]:
        """Return the columns of the template."""
        needed = ("building", "number", "level")
        lead = [
            sheets.Field(n, _TITLES[n], example=_EXAMPLES.get(n), required=n in needed)
            for n in ("building", "level")
        ]
        own = [
            sheets.Field(f.name, f.title, f.unit, f.choices, f.example, f.name in needed)
            for f in sheets.fields(Room, left_out=("vacant_since",))
        ]
        stay = [f for f in sheets.fields(Occupancy) if f.name in _STAY]
        blank = [sheets.Field(n, _TITLES[n]) for n in ("person", "occupant")]
        return [*lead, *own, *blank, *stay]


class _Rows:
    """The rows of the sheet, with the buildings, floors and rooms they mean."""

    def __init__(
        self, rows: pd.DataFrame, connection: sa.Connection, references: References
    ) -> None:
        self.rows, self.references, self.connection = rows, references, connection
        self.building = self._text("building")
        self.number = self._text("number")
        self.building_id = references.natural("building", self.building)
        self.key = self.building.fillna("") + "/" + self.number.fillna("")
        self.first = (~self.key.duplicated() | self.number.isna()).to_numpy(dtype=bool)
        self.known = references.rooms(self.building_id, self.number)
        said = self._text("level")
        self.unreadable = np.zeros(len(rows), dtype=bool)
        self.ordinal = said.map(_ordinal, na_action="ignore").astype("Int64")
        self.unreadable = (said.notna() & self.ordinal.isna()).to_numpy(dtype=bool)
        self.said_level = said
        self.level_of = _levels_of_buildings(connection)
        self._other_level = self._levels_elsewhere()

    def _text(self, name: str) -> pd.Series[Any]:
        if name not in self.rows:
            return pd.Series(pd.NA, index=self.rows.index, dtype="str")
        return as_text(self.rows[name])

    def _levels_elsewhere(self) -> pd.Series[Any]:
        """Return the id of the level that another source has for the row's floor."""
        index = pd.MultiIndex.from_arrays([self.building_id, self.ordinal])
        others = self.level_of[self.level_of["source"] != self.references.source]
        ids = others.drop_duplicates(["building", "ordinal"]).set_index(["building", "ordinal"])[
            "id"
        ]
        return pd.Series(ids.reindex(index).to_numpy(), index=self.rows.index).astype("Int64")

    @property
    def _placeable(self) -> pd.Series[Any]:
        """Rooms that no other source shows and whose floor is said."""
        good = self.building_id.notna() & (self.building_id > 0) & self.ordinal.notna()
        return good & self.number.notna() & self.first & ~self._from_plan

    @property
    def _from_plan(self) -> pd.Series[Any]:
        room = Base.metadata.tables["room"]
        others = set(
            self.connection.scalars(
                sa.select(room.c.id).where(room.c.source != self.references.source)
            )
        )
        return self.known.isin(others)

    def levels(self) -> list[Target]:
        """Return the floors that are needed and that no other source has."""
        mine = self._placeable & self._other_level.isna()
        floors = pd.DataFrame(
            {
                "source_key": self._level_key(),
                "ordinal": self.ordinal,
                "building_id": self.building_id,
                ROW: self.rows[ROW],
                FILE: self.rows[FILE],
            }
        )[mine].drop_duplicates("source_key")
        said = self.level_of.dropna(subset="short_name").groupby("building")["short_name"]
        like = {int(str(building)): list(names) for building, names in said}
        label = pd.Series(
            [
                level_label(float(number), like.get(int(building), ()))
                for number, building in zip(floors["ordinal"], floors["building_id"], strict=True)
            ],
            index=floors.index,
            dtype="str",
        )
        floors["short_name"] = label
        floors["name"] = self.building[floors.index].str.cat(label, sep=" ")
        links = floors.rename(columns={"source_key": "level_id"})
        rule = Text("楼号 + 楼层", "building code + floor")
        return [
            Target(Level, floors.drop(columns="building_id"), key_rule=rule),
            Target(
                LevelBuilding, links[["level_id", "building_id", ROW, FILE]],
                references={"level_id": "source_key", "building_id": "id"},
            ),
        ]  # fmt: skip

    def _level_key(self) -> pd.Series[Any]:
        return self.building.str.cat(self.ordinal.astype("str"), sep="/")

    def rooms(self) -> Target:
        """Return one row per room."""
        columns = [n for n in self.rows.columns if n in fields_of(Room) or n in (ROW, FILE)]
        more = [n for n in self.rows.columns if str(n).startswith(ATTRIBUTE)]
        frame = self.rows[columns + more].assign(source_key=self.key)
        frame = frame.assign(_known=self.known)
        refused = []
        placed = self._placeable | self.known.notna()
        for position in positions(self.first):
            refusal = self._refusal(position, bool(cell(placed, position)))
            if refusal is not None:
                refused.append(refusal)
        kept = positions(self.first)
        order = {int(old): new for new, old in enumerate(kept)}
        refused = [Refusal(order[r.position], r.field, r.reason, r.value, r.title) for r in refused]
        target = Target(
            Room, frame.iloc[kept].drop(columns="_known"), required=("number",), refused=refused,
            key_rule=Text("楼号 + 房间号", "building code + room number"), complete=True,
        )  # fmt: skip
        target.extra["source"] = self.references.source
        target.extra["known"] = pd.Series(
            self.known.iloc[kept].to_numpy(), index=self.key.iloc[kept]
        )
        return target

    def _refusal(self, position: int, placed: bool) -> Refusal | None:
        building = cell(self.building, position)
        if pd.isna(building):
            return Refusal(position, "building", "missing_value", None, _TITLES["building"])
        found = cell(self.building_id, position)
        if pd.isna(found) or found < 0:
            reason = "unknown_reference" if pd.isna(found) else "ambiguous_reference"
            return Refusal(position, "building", reason, building, _TITLES["building"])
        if placed:
            return None
        if self.unreadable[position]:
            said = cell(self.said_level, position)
            return Refusal(position, "level", "not_a_level", said, _TITLES["level"])
        if pd.notna(cell(self.number, position)):
            return Refusal(position, "level", "missing_value", None, _TITLES["level"])
        return None

    def rooms_on_levels(self) -> list[Target]:
        """Return which room is on which floor, for floors of another source and of this one."""
        links = pd.DataFrame({"room_id": self.key, ROW: self.rows[ROW], FILE: self.rows[FILE]})
        elsewhere = self._placeable & self._other_level.notna()
        here = self._placeable & self._other_level.isna()
        return [
            Target(
                RoomLevel, links[elsewhere].assign(level_id=self._other_level[elsewhere]),
                references={"room_id": "source_key", "level_id": "id"},
            ),
            Target(
                RoomLevel, links[here].assign(level_id=self._level_key()[here]),
                references={"room_id": "source_key", "level_id": "source_key"},
            ),
        ]  # fmt: skip

    def occupancies(self) -> Target:
        """Return one row per occupant: a person, or a body that holds the room as such."""
        person, body = self._text("person"), self._text("occupant")
        taken = person.notna() | body.notna()
        frame = pd.DataFrame(
            {
                "room_id": self.number,
                "room_id.building": self.building,
                "person_id": person,
                "body_id": body,
                ROW: self.rows[ROW],
                FILE: self.rows[FILE],
            }
        )
        for name in _STAY:
            if name in self.rows:
                frame[name] = self.rows[name]
        since = self._text("valid_from").fillna("")
        frame["source_key"] = self.key + "/" + person.fillna(body).fillna("") + "/" + since
        said = "person" in self.rows or "occupant" in self.rows
        rule = Text("楼号 + 房间号 + 使用人 + 起始", "building + room + occupant + start")
        return Target(
            Occupancy, frame[taken], key_rule=rule, complete=False,
            extra={
                "said": said, "file": str(self.rows[FILE].iloc[0]),
                "source": self.references.source,
            },
        )  # fmt: skip


def _ordinal(said: str) -> int | None:
    """Read a floor as Chinese sheets write it: a bare number counts from 1, −1 is B1."""
    text = said.strip()
    try:
        if text.lstrip("+-").isdigit():
            number = int(text)
            return number - 1 if number > 0 else number if number < 0 else None
        return int(parse_levels(text)[0] // 1)
    except ValueError:
        return None  # reported as "not_a_level"


def _levels_of_buildings(connection: sa.Connection) -> pd.DataFrame:
    level, link = table_of(Level), table_of(LevelBuilding)
    found = connection.execute(
        sa.select(
            link.c.building_id, level.c.ordinal, level.c.id, level.c.source, level.c.short_name
        )
        .join(level, level.c.id == link.c.level_id)
        .order_by(level.c.id)
    ).all()
    made = pd.DataFrame(found, columns=["building", "ordinal", "id", "source", "short_name"])
    return made.astype({"building": "Int64", "ordinal": "Int64", "id": "Int64"})


def _onto_known(frame: pd.DataFrame, target: Target, changes: ChangeSet) -> pd.DataFrame:
    """Aim rows at the room another source brought, keeping what the sheet leaves empty."""
    room = table_of(Room)
    known = frame["source_key"].map(target.extra["known"]).astype("Int64")
    columns = [
        n for n in frame.columns if n in room.c and n not in ("source", "source_key", "geom")
    ]
    ids = [int(each) for each in known.dropna()]
    wanted = sa.literal(ids, sa.ARRAY(sa.BigInteger))
    query = sa.select(room.c.source, room.c.source_key, room.c.id, *(room.c[n] for n in columns))
    others = query.where(room.c.id == sa.func.any(wanted), room.c.source != target.extra["source"])
    found = changes.connection.execute(others).mappings()
    before: dict[int, Any] = {row["id"]: row for row in found}
    if not before:
        return frame
    frame = frame.copy()
    for position, key in enumerate(known.fillna(-1)):
        row = before.get(int(key))
        if row is None:
            continue
        for name in ("source", "source_key", *columns):
            here = list(frame.columns).index(name)
            if name in ("source", "source_key") or pd.isna(cell(frame[name], position)):
                frame.iloc[position, here] = _plain(row[name])
    return frame


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return value


def _beginnings(frame: pd.DataFrame) -> dict[int, date]:
    """Return from when each person sits in a new room; the last one's, if in several."""
    if "valid_from" not in frame:
        return {}
    given = frame[frame["person_id"].notna() & frame["valid_from"].notna()]
    days = pd.to_datetime(given["valid_from"]).groupby(given["person_id"].astype("int64")).max()
    return {int(str(person)): day.date() for person, day in days.items()}


def _bodies_of(frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
    """Fill the body of an occupancy with its person's own."""
    person = table_of(Person)
    rows = changes.connection.execute(sa.select(person.c.id, person.c.body_id)).all()
    bodies = pd.Series([r.body_id for r in rows], index=[r.id for r in rows], dtype="Int64")
    own = frame["person_id"].map(bodies).astype("Int64")
    frame = frame.copy(deep=False)
    given = frame["body_id"] if "body_id" in frame else pd.Series(pd.NA, index=frame.index)
    frame["body_id"] = own.fillna(given.astype("Int64"))
    return frame
