"""Resolving what a file calls things: body codes, building codes, room numbers, plates."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from importers.checks import Inspection
from importers.values import as_text, cell, positions
from layers.base import Base, Series
from layers.links import Link
from layers.search_entries import fold

# What names a row, the surest first. A name counts only where it is the only one.
NATURAL: Final[dict[str, tuple[str, ...]]] = {
    "body": ("code", "name", "source_key"),
    "site": ("name", "source_key"),
    "building": ("code", "name", "source_key"),
    "level": ("name", "short_name"),
    "room": ("number", "name"),
    "person": ("number", "name"),
    "vehicle": ("plate", "name"),
    "meter": ("number", "name"),
    "asset": ("number", "tag"),
    "network_node": ("name", "source_key"),
    "network_link": ("name", "source_key"),
    "duct": ("name", "source_key"),
}
_AMBIGUOUS: Final = -1


class References:
    """Looks up ids by natural key in what is loaded, reading each table once."""

    def __init__(self, connection: sa.Connection, source: str) -> None:
        self.connection = connection
        self.source = source
        self._rows: dict[str, pd.DataFrame] = {}

    def forget(self, table: str) -> None:
        """Read a table anew next time, after it was written."""
        self._rows.pop(table, None)
        if table in ("room_level", "level_building", "room", "level"):
            self._rows.pop("room in building", None)

    def resolve(self, found: Inspection) -> None:
        """Turn the reference columns of a target into ids; what is unknown becomes an issue.

        Rows that point at rows of their own file come last, and until nothing more is found: a
        parent that waits in quarantine takes its children there, each with its reason.
        """
        own: dict[str, pd.Series[Any]] = {}
        for name in list(found.frame.columns):
            column = found.table.c.get(name)
            if column is None:
                continue
            target = column.info.get("reference") or self._thing(found, name)
            if target == found.table.name:
                own[name] = found.frame[name]
            elif target is not None:
                self._resolve(found, name, target)
        said: dict[str, NDArray[np.bool_]] = {}
        bad = -1
        while own and bad < int(found.bad.sum()):
            bad = int(found.bad.sum())
            for name, keys in own.items():
                found.frame[name] = keys
                known = said.get(name)
                said[name] = self._resolve(found, name, found.table.name, known)

    def one(self, table: str, key: str) -> int | None:
        """Return the id of the row that `key` names, or None."""
        made = cell(self.natural(table, pd.Series([key])), 0)
        return None if pd.isna(made) or made == _AMBIGUOUS else int(made)

    def natural(
        self, table: str, keys: pd.Series[Any], extra: pd.DataFrame | None = None
    ) -> pd.Series[Any]:
        """Return the id each key names: NA is unknown, -1 more than one.

        Parameters
        ----------
        extra : rows of the table that are about to be written (`id` and natural columns).
        """
        known = self._table(table)
        if extra is not None:
            fresh = extra.reindex(columns=known.columns)
            known = pd.concat([known[~known["id"].isin(fresh["id"])], fresh], ignore_index=True)
        made = pd.Series(pd.NA, index=keys.index, dtype="Int64")
        folded = keys.map(fold, na_action="ignore") if table == "vehicle" else keys
        for column in NATURAL[table]:
            values = (
                known[column].map(fold, na_action="ignore") if table == "vehicle" else known[column]
            )
            open_ = made.isna() & keys.notna()
            if not open_.any():
                break
            made = made.where(~open_, folded.map(self._index(known["id"], values, known["source"])))
        return made.astype("Int64")

    def rooms(self, buildings: pd.Series[Any], numbers: pd.Series[Any]) -> pd.Series[Any]:
        """Return the room of a number in a building (ids)."""
        pairs = self._room_in_building()
        wanted = pd.MultiIndex.from_arrays([buildings.astype("Int64"), numbers.astype(object)])
        found = pairs.reindex(wanted)
        return pd.Series(found.to_numpy(), index=numbers.index).astype("Int64")

    def _resolve(
        self,
        found: Inspection,
        name: str,
        target: str,
        said: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.bool_]:
        """Resolve one column; return the rows told to be wrong, those of `said` among them."""
        told = np.zeros(len(found.raw), dtype=bool) if said is None else said
        how = found.target.references.get(name, "natural")
        if how == "id":
            found.frame[name] = pd.to_numeric(found.frame[name]).astype("Int64")
            return told
        keys = as_text(found.frame[name])
        part = f"{name}.building"
        if how == "source_key":
            ids = keys.map(self._by_source_key(target)).astype("Int64")
        elif target == "room" and part in found.raw.columns:
            ids = self._room(keys, as_text(found.raw[part]))
        else:
            own = target == found.table.name and "id" in found.frame
            extra = found.good() if own else None
            ids = self.natural(target, keys, extra)
        unknown = (keys.notna() & ids.isna()).to_numpy(dtype=bool)
        several = (ids == _AMBIGUOUS).to_numpy(dtype=bool, na_value=False)
        found.frame[name] = ids.mask(pd.Series(several, index=ids.index))
        self._complain(found, name, keys, unknown & ~told, several & ~told)
        return np.asarray(told | unknown | several, dtype=bool)

    def _complain(
        self, found: Inspection, name: str, keys: pd.Series[Any], unknown: Any, several: Any
    ) -> None:
        by_key = found.target.references.get(name) == "source_key"
        lenient = found.target.lenient and found.table.c[name].nullable
        for position in positions((unknown | several) & ~found.bad):
            if by_key and issubclass(found.target.model, Link):
                # The row it points at is in quarantine with a reason of its own.
                found.bad[position] = True
                continue
            reason = "ambiguous_reference" if several[position] else "unknown_reference"
            found.say(
                position, name, reason, "emptied" if lenient else "quarantined",
                value=cell(keys, position),
            )  # fmt: skip
        required = not found.table.c[name].nullable
        if required or name in found.target.required:
            for position in positions(keys.isna().to_numpy(dtype=bool) & ~found.bad):
                found.say(position, name, "missing_value", "quarantined")

    def _thing(self, found: Inspection, name: str) -> str | None:
        model = found.target.model
        if issubclass(model, Series) and name == model.thing_key:
            return str(model.thing.__tablename__)
        return None

    def _room(self, keys: pd.Series[Any], buildings: pd.Series[Any]) -> pd.Series[Any]:
        named = buildings.notna()
        within = self.rooms(self.natural("building", buildings), keys)
        alone = self.natural("room", keys)
        return within.where(named, alone)

    def _table(self, name: str) -> pd.DataFrame:
        if name not in self._rows:
            table = Base.metadata.tables[name]
            wanted = dict.fromkeys(["id", "source", "source_key", *NATURAL[name]])
            rows = self.connection.execute(sa.select(*(table.c[c] for c in wanted))).all()
            self._rows[name] = pd.DataFrame(rows, columns=list(wanted), dtype=object)
        return self._rows[name]

    def _by_source_key(self, target: str) -> pd.Series[Any]:
        rows = self._table(target) if target in NATURAL else self._keys(target)
        mine = rows[rows["source"] == self.source]
        return pd.Series(mine["id"].to_numpy(), index=mine["source_key"], dtype="Int64")

    def _keys(self, name: str) -> pd.DataFrame:
        table = Base.metadata.tables[name]
        rows = self.connection.execute(
            sa.select(table.c.id, table.c.source, table.c.source_key)
        ).all()
        return pd.DataFrame(rows, columns=["id", "source", "source_key"], dtype=object)

    def _index(
        self, ids: pd.Series[Any], keys: pd.Series[Any], sources: pd.Series[Any]
    ) -> pd.Series[Any]:
        """Return key → id; of several rows the one of this source counts, else it is ambiguous."""
        named = keys.notna()
        made = pd.DataFrame(
            {"id": ids[named], "key": keys[named], "own": sources[named] == self.source}
        )
        made = made.sort_values("own", ascending=False, kind="stable")
        same = made.duplicated(["key", "own"], keep=False)
        first = made.drop_duplicates("key")
        values = first["id"].astype("Int64").mask(same[first.index], _AMBIGUOUS)
        return pd.Series(values.to_numpy(), index=first["key"].to_numpy(), dtype="Int64")

    def _room_in_building(self) -> pd.Series[Any]:
        if "room in building" not in self._rows:
            tables = Base.metadata.tables
            room, on, of = tables["room"], tables["room_level"], tables["level_building"]
            rows = self.connection.execute(
                sa.select(of.c.building_id, room.c.number, room.c.id)
                .join(on, on.c.room_id == room.c.id)
                .join(of, of.c.level_id == on.c.level_id)
                .where(room.c.number.is_not(None))
                .distinct()
            ).all()
            frame = pd.DataFrame(rows, columns=["building", "number", "id"])
            frame["building"] = frame["building"].astype("Int64")
            frame["number"] = frame["number"].astype(object)
            several = frame.duplicated(["building", "number"], keep=False)
            frame["id"] = frame["id"].astype("Int64").mask(several, _AMBIGUOUS)
            self._rows["room in building"] = frame.drop_duplicates(["building", "number"])
        frame = self._rows["room in building"]
        return frame.set_index(["building", "number"])["id"]
