"""The random life of an estate: every way there is in which rows come, change and go."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import geopandas as gpd
import pandas as pd
import sqlalchemy as sa
from shapely import MultiPolygon, box

from layers.base import Base, table_of
from layers.changes import ChangeSet
from layers.estate import Building, Level, LevelBuilding
from layers.fleet import Trip, Vehicle
from layers.space import Room, RoomLevel

MODELS = (Building, Level, LevelBuilding, Room, RoomLevel, Vehicle, Trip)
SETS = Base.metadata.tables["change_set"]
# The meridian runs through all shapes: near it doubles have the most digits after the point.
LAT = 51.5
SAME = MultiPolygon([box(-1 / 3e4, LAT, 1 / 7e4, LAT + 1e-4)])


def last_moment(connection: sa.Connection) -> datetime:
    found = connection.scalar(sa.select(sa.func.max(SETS.c.recorded_at)))
    assert isinstance(found, datetime)
    return found


@dataclass
class Life:
    """Random writes of an estate: every way there is in which rows come, change and go."""

    seed: int
    number: int = 0
    gone: dict[Any, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def square(self) -> MultiPolygon:
        x, y = self.random.uniform(-1e-3, 1e-3), LAT + self.random.uniform(-1e-3, 1e-3)
        size = self.random.uniform(1e-5, 3e-4)
        return MultiPolygon([box(x, y, x + size, y + size / 3)])

    def track(self) -> str:
        steps = range(self.random.randint(2, 5))
        start = self.random.uniform(1.7e9, 1.8e9)
        points = ", ".join(
            f"{self.random.uniform(-1e-3, 1e-3)!r} {LAT + i / 3e4!r} {start + i / 7!r}"
            for i in steps
        )
        return f"SRID=4326;LINESTRINGM({points})"

    def place(self, model: Any) -> Any:
        if model is Trip:
            return self.track()
        square = self.square()
        return f"SRID=4326;{square.centroid.wkt if model is Vehicle else square.wkt}"

    def ids(self, c: sa.Connection, model: Any) -> list[int]:
        table = table_of(model)
        return list(c.scalars(sa.select(table.c.id).order_by(table.c.id)))

    def some(self, c: sa.Connection, model: Any) -> int | None:
        known = self.ids(c, model)
        return self.random.choice(known) if known else None

    def fresh(self, c: sa.Connection, model: Any) -> dict[str, Any] | None:
        """Values of a new row, or None where what it needs is not there."""
        self.number += 1
        key = {"source": "truth", "source_key": f"n{self.number}", "name": f"名{self.number}"}
        if model in (LevelBuilding, RoomLevel):
            one, other = (Level, Building) if model is LevelBuilding else (Room, Level)
            pair = self.some(c, one), self.some(c, other)
            names = [f"{table_of(m).name}_id" for m in (one, other)]
            return None if None in pair else dict(zip(names, pair, strict=True))
        vehicle = self.some(c, Vehicle)
        if model is Trip and vehicle is None:
            return None
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.number / 7)
        particular: dict[Any, dict[str, Any]] = {
            Building: {"height_m": self.number / 3},
            Level: {"ordinal": self.number % 5},
            Room: {
                "number": f"R{self.number}",
                "state": self.random.choice(["in_use", "vacant", None]),
                "use": "office",
                "usable_area_m2": self.random.uniform(5, 50),
            },
            Vehicle: {"plate": f"演A·{self.number:05d}"},
            Trip: {
                "vehicle_id": vehicle,
                "started_at": start,
                "ended_at": start,
                "length_km": self.number / 9,
                "moving_s": 1,
                "fixes": 2,
            },
        }
        return {**key, **particular[model], "geom": self.place(model)}

    def insert(self, c: sa.Connection, model: Any) -> None:
        values = self.fresh(c, model)
        if values is None:
            return
        table = table_of(model)
        if model in (LevelBuilding, RoomLevel):
            known = sa.select(table.c.id).where(*(table.c[n] == v for n, v in values.items()))
            if c.scalar(known) is not None:
                return
        c.execute(sa.insert(table).values(values))

    def update(self, c: sa.Connection, model: Any) -> None:
        key, table = self.some(c, model), table_of(model)
        self.number += 1
        values: dict[str, Any] = {"revision": table.c.revision + 1}
        if "name" in table.c:
            values["name"] = self.random.choice([None, f"改{self.number}"])
            values["attributes"] = {"n": self.number / 7}
        c.execute(sa.update(table).where(table.c.id == key).values(values))

    def move(self, c: sa.Connection, model: Any) -> None:
        table = table_of(model)
        if "geom" in table.c:
            place = self.random.choice([None, self.place(model), self.place(model)])
            key = self.some(c, model)
            c.execute(sa.update(table).where(table.c.id == key).values(geom=place))

    def delete(self, c: sa.Connection, model: Any) -> None:
        table, key = table_of(model), self.some(c, model)
        names = [each.name for each in table.c if each.computed is None]
        row = c.execute(sa.select(*(table.c[n] for n in names)).where(table.c.id == key)).first()
        if row is not None:
            self.gone.setdefault(model, []).append(dict(row._mapping))
            c.execute(sa.delete(table).where(table.c.id == key))

    def bring_back(self, c: sa.Connection, model: Any) -> None:
        """Insert a row again under the id that it had."""
        known = self.gone.get(model)
        if not known or model in (LevelBuilding, RoomLevel, Trip):
            return
        row = known.pop()
        table = table_of(model)
        key = sa.and_(table.c.source == row["source"], table.c.source_key == row["source_key"])
        if c.scalar(sa.select(table.c.id).where(sa.or_(table.c.id == row["id"], key))) is None:
            row["revision"] += 1
            c.execute(sa.insert(table_of(model)).values(row))

    def upsert(self, c: sa.Connection, model: Any) -> None:
        """Read a file again: some rows are new, some the same, some changed."""
        if model is not Building:
            return self.insert(c, model)
        keys = [f"f{k}" for k in self.random.sample(range(12), 6)]
        frame = gpd.GeoDataFrame(
            {
                "source": "file",
                "source_key": keys,
                "name": [f"{k}-{self.random.randint(0, 1)}" for k in keys],
                "height_m": [self.random.choice([1 / 3, 2 / 3]) for _ in keys],
            },
            geometry=[self.square() if self.random.random() < 0.3 else SAME for _ in keys],
            crs=4326,
        ).rename_geometry("geom")
        ChangeSet(c, "file", "again").upsert(Building, pd.DataFrame(frame))
        return None

    def step(self, c: sa.Connection) -> None:
        """One change set of one to six writes, several of them of one row now and then."""
        ChangeSet(c, f"a{self.number % 3}", f"r{self.number}")
        ways: list[Callable[[sa.Connection, Any], None]] = [
            self.insert, self.insert, self.update, self.update, self.move, self.delete,
            self.bring_back, self.upsert,
        ]  # fmt: skip
        if not self.number:  # before the first record the earliest known state answers
            for model in (Building, Level, Room, Vehicle, Trip, LevelBuilding, RoomLevel):
                self.insert(c, model)
        for _ in range(self.random.randint(1, 6)):
            self.random.choice(ways)(c, self.random.choice(MODELS))
