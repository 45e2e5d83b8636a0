"""What a meter serves: a room, a level, a building or a site; exactly one of them."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import sqlalchemy as sa

from geo.levels import parse_levels
from importers.base import FILE, ROW, Issue, Target
from importers.references import References
from importers.values import as_text
from layers.base import table_of
from layers.changes import ChangeSet
from layers.energy import Meter, MeterScope
from layers.estate import Building, Level, LevelBuilding

_COLUMNS: Final = ("meter_id", "site_id", "building_id", "level_id", "room_id")
_UNKNOWN: Final = -1


def scopes(
    changes: ChangeSet, source: str, target: Target, frame: pd.DataFrame
) -> tuple[pd.DataFrame, list[Issue], list[int]]:
    """Return the links of the meters in `frame`, and an issue for each that serves nothing known.

    Last come the ids of the meters whose place the sheet says or their point gives: what these
    served before is out of date. A meter of which it says nothing keeps what it serves.

    The finest place named counts: room, level, building, site; ``place`` (a property of the
    Portfolio Manager) is a building or a site of that name. Without any, the building that the
    meter's point lies in.
    """
    if "id" not in frame:
        frame["id"] = changes.reserve(Meter, source, frame["source_key"])
    words: pd.DataFrame = target.extra["scope"].reindex(frame.index)
    text = {name: as_text(words[name]) for name in words.columns}
    blank = pd.Series(pd.NA, index=frame.index, dtype="str")
    known = References(changes.connection, source)

    def ids(table: str, name: str) -> pd.Series[Any]:
        found = known.natural(table, text.get(name, blank))
        return found.mask(found == _UNKNOWN)

    building = ids("building", "building")
    building = building.fillna(ids("building", "place"))
    site = ids("site", "site").fillna(ids("site", "place"))
    room = known.rooms(building, text.get("room", blank))
    alone = ids("room", "room")
    room = room.mask(room == _UNKNOWN).fillna(alone.where(building.isna()))
    level = _levels(changes, building, text.get("level", blank))
    nothing = pd.DataFrame(text, index=frame.index).isna().all(axis=1)
    building = building.fillna(_by_place(changes, frame).where(nothing))
    links = pd.DataFrame(index=frame.index, columns=list(_COLUMNS), dtype="Int64")
    links["meter_id"] = frame["id"].astype("Int64")
    left = pd.Series(True, index=frame.index)
    for column, found in (
        ("room_id", room), ("level_id", level), ("building_id", building), ("site_id", site),
    ):  # fmt: skip
        links[column] = found.where(left & found.notna()).astype("Int64")
        left &= found.isna()
    links[FILE] = target.frame[FILE].reindex(frame.index)
    links[ROW] = target.frame[ROW].reindex(frame.index)
    told = [int(each) for each in links["meter_id"][~(nothing & left)]]
    silent = left & nothing & links["meter_id"].isin(_served(changes))
    lost = frame.index[left & ~silent]
    issues = [_unknown(target, text, index, "without_scope") for index in lost]
    coarse = ~left & text.get("room", blank).notna() & room.isna()
    issues += [_unknown(target, text, index, "coarser_scope") for index in frame.index[coarse]]
    return links[~left], issues, told


def _served(changes: ChangeSet) -> list[int]:
    t = table_of(MeterScope)
    return list(changes.connection.scalars(sa.select(t.c.meter_id).distinct()))


def _levels(changes: ChangeSet, buildings: pd.Series[Any], names: pd.Series[Any]) -> pd.Series[Any]:
    """Return a building's level by its short name, else by an ordinal that only one has."""
    made = pd.Series(pd.NA, index=names.index, dtype="Int64")
    wanted = names.notna() & buildings.notna()
    if not wanted.any():
        return made
    level, link = table_of(Level), table_of(LevelBuilding)
    rows = changes.connection.execute(
        sa.select(link.c.building_id, level.c.id, level.c.short_name, level.c.ordinal).join(
            level, level.c.id == link.c.level_id
        )
    ).all()
    for index in names.index[wanted]:
        here = [row for row in rows if row.building_id == buildings[index]]
        same = [row.id for row in here if row.short_name == names[index]]
        if not same:
            try:
                ordinals = {int(number // 1) for number in parse_levels(str(names[index]))}
            except ValueError:
                continue  # the meter is told as serving the building, not the level
            same = [row.id for row in here if row.ordinal in ordinals]
        if len(same) == 1:
            made[index] = same[0]
    return made


def _by_place(changes: ChangeSet, frame: pd.DataFrame) -> pd.Series[Any]:
    made: dict[Any, int] = {}
    if "geom" not in frame:
        return pd.Series(pd.NA, index=frame.index, dtype="Int64")
    t = table_of(Building)
    for index, shape in frame["geom"].items():
        if shape is None or shape.is_empty:
            continue
        point = sa.func.ST_SetSRID(sa.func.ST_MakePoint(shape.x, shape.y), 4326)
        found = changes.connection.scalars(
            sa.select(t.c.id).where(sa.func.ST_Intersects(t.c.geom, point)).order_by(t.c.id)
        ).all()
        if len(found) == 1:
            made[index] = int(found[0])
    return pd.Series(made, dtype="Int64").reindex(frame.index)


def _unknown(target: Target, text: dict[str, pd.Series[Any]], index: Any, reason: str) -> Issue:
    said = " / ".join(str(v[index]) for v in text.values() if pd.notna(v[index]))
    row = target.frame[ROW].get(index)
    if reason == "coarser_scope":
        zh = f"房间“{said}”不在图上，该表只归到其上一级"
        en = f"The room of '{said}' is not on the map: the meter is tied to what holds it"
    else:
        zh = f"所服务的“{said or '（未填）'}”不在图上：表已导入，但不归属任何院落、建筑或房间"
        en = (
            f"What it serves ('{said or 'not given'}') is not on the map: "
            "the meter is loaded, tied to nothing"
        )
    return Issue(
        str(target.frame[FILE].get(index)), None if pd.isna(row) else int(row), "scope",
        said or None, reason, zh, en, "noted",
    )  # fmt: skip
