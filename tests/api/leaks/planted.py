"""An estate in which every text says whose it is: each field of each row of each body is a canary.

Four bodies in a tree and nobody own one row of every layer, apart from each other. A canary is a
word that stands nowhere else; where it turns up in an answer, the answer told that field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from layers import assets, basemap, energy, estate, fleet, network, people, space, standards
from layers.base import Base, Layer, table_of
from layers.labels import CHOICES
from layers.records import HandEdit, ImportBatch, Quarantine
from layers.registry import LAYERS
from layers.search_entries import refresh

OWNERS = ("top", "mid", "low", "sib", None)
"""The county, a body below it, one below that, and a sibling; None is nobody's: public."""
ABOVE = {"mid": "top", "low": "mid", "sib": "top"}
DAY = datetime(2026, 10, 12, tzinfo=UTC)
WORD = "zq"
# What has a meaning that other parts of the service read.
_PLAIN = {("meter", "unit"): "kWh", ("factor", "unit"): "kgce/kWh"}


class Canary(NamedTuple):
    """What a canary is: a field of a row of a layer that a body owns.

    `owner` is ``"estate"`` for what only who keeps the whole of a layer may see.
    """

    layer: str
    owner: str | None
    field: str


@dataclass
class Planted:
    """The rows and the canaries.

    Attributes
    ----------
    bodies : ids by owner.
    ids : of the rows, by layer and owner; of a series those of its things.
    canaries : what each canary tells.
    secret : longitude (EPSG:4326) at which each owner's car is and was, where nothing else is.
    before : a moment of record before the rows were changed.
    seq : the change set that touched a row of each owner.
    """

    bodies: dict[str, int] = field(default_factory=dict)
    ids: dict[tuple[str, str | None], int] = field(default_factory=dict)
    canaries: dict[str, Canary] = field(default_factory=dict)
    secret: dict[str | None, float] = field(default_factory=dict)
    before: datetime = DAY
    seq: dict[str | None, int] = field(default_factory=dict)

    def canary(self, layer: str, owner: str | None, name: str) -> str:
        """Return a fresh canary."""
        made = f"{WORD}{len(self.canaries):06x}"
        self.canaries[made] = Canary(layer, owner, name)
        return made

    def place(self, owner: str | None) -> tuple[float, float]:
        """Return where the rows of an owner lie (EPSG:4326)."""
        return 119.6 + 0.1 * OWNERS.index(owner), 38.9


class _Planter:
    def __init__(self, connection: sa.Connection) -> None:
        self.c = connection
        self.made = Planted()

    def row(self, layer: Layer, owner: str | None, **given: Any) -> int:
        """Insert a row whose texts are canaries, but those that are given."""
        table = layer.table
        values: dict[str, Any] = {"source": "planted"}
        for column in table.c:
            if column.computed is not None or column.name in ("id", "revision", *given, *values):
                continue
            known = _PLAIN.get((table.name, column.name))
            if known is not None:
                values[column.name] = known
            elif isinstance(column.type, JSONB):
                key = "en" if column.name == "names" else "电话"
                values[column.name] = {key: self.made.canary(layer.name, owner, column.name)}
            elif choices := column.info.get("choices"):
                if not column.nullable and column.server_default is None:
                    values[column.name] = next(iter(CHOICES[choices]))
            elif isinstance(column.type, sa.Text) and not isinstance(column.type, sa.Enum):
                values[column.name] = self.made.canary(layer.name, owner, column.name)
        if "body_id" in table.c and owner is not None:
            values["body_id"] = self.made.bodies.get(owner)
        values |= given
        statement = sa.insert(table).values(**values).returning(table.c.id)
        key = int(self.c.execute(statement).scalar_one())
        self.made.ids[layer.name, owner] = key
        return key

    def link(self, model: type[Base], **values: Any) -> None:
        self.c.execute(sa.insert(table_of(model)).values(**values))

    def body(self, owner: str) -> None:
        parent = self.made.bodies.get(ABOVE.get(owner, ""))
        key = self.row(people.BODIES, owner, parent_id=parent, tier="county", path="0")
        self.made.bodies[owner] = key
        table, above = people.BODIES.table, ""
        if parent is not None:
            above = f"{self.c.scalar(sa.select(table.c.path).where(table.c.id == parent))}."
        path = {"path": f"{above}{key}", "body_id": key}
        self.c.execute(sa.update(table).where(table.c.id == key).values(**path))

    def owner(self, owner: str | None) -> None:
        """Insert one row of every other layer."""
        lon, lat = self.made.place(owner)
        square = (
            f"SRID=4326;MULTIPOLYGON((({lon} {lat},{lon + 0.001} {lat},{lon + 0.001} {lat + 0.001},"
            f"{lon} {lat + 0.001},{lon} {lat})))"
        )
        line = f"SRID=4326;LINESTRING({lon} {lat},{lon + 0.001} {lat + 0.001})"
        many = f"SRID=4326;MULTILINESTRING(({lon} {lat},{lon + 0.001} {lat + 0.001}))"
        point = f"SRID=4326;POINT({lon + 0.0005} {lat + 0.0005})"
        for each in (basemap.BLOCKS, basemap.GREENS, basemap.WATERS, basemap.IMAGERY):
            self.row(each, owner, geom=square)
        self.row(basemap.ROADS, owner, geom=many, road_class="primary")
        site = self.row(estate.SITES, owner, geom=square)
        building = self.row(estate.BUILDINGS, owner, geom=square, site_id=site, built_area_m2=100.0)
        level = self.row(estate.LEVELS, owner, geom=square, ordinal=0)
        self.link(estate.LevelBuilding, level_id=level, building_id=building)
        room = self.row(space.ROOMS, owner, geom=square, use="office", state="vacant",
                        category="office", usable_area_m2=20.0, capacity=2)  # fmt: skip
        self.link(space.RoomLevel, room_id=room, level_id=level)
        self.row(space.OPENINGS, owner, geom=line, level_id=level)
        person = self.row(people.PERSONS, owner, rank="staff", state="active")
        self.row(space.OCCUPANCIES, owner, room_id=room, person_id=person, share=1.0,
                 valid_from=date(2026, 1, 1))  # fmt: skip
        self.row(assets.ASSETS, owner, geom=point, room_id=room, custodian_id=person,
                 scanned_room_id=room, state="idle")  # fmt: skip
        self.row(assets.PURCHASE_REQUESTS, owner, quantity=1)
        self._networks(owner, point, line, room)
        self._meters(owner, point, building)
        self._cars(owner, point)
        self.row(standards.FACTORS, owner, value=1.0, valid_from=date(2020, 1, 1))
        self.row(standards.AREA_STANDARDS, owner, tier="county", rank="staff", area_m2=9.0,
                 valid_from=date(2020, 1, 1))  # fmt: skip

    def _networks(self, owner: str | None, point: str, line: str, room: int) -> None:
        ends = [
            self.row(network.NETWORK_NODES, owner, geom=point, room_id=room, kind=kind,
                     state=state, root=kind == "core")
            for kind, state in (("core", "up"), ("gateway", "down"))
        ]  # fmt: skip
        self.link(network.NodeRoom, node_id=ends[1], room_id=room)
        link = self.row(
            network.NETWORK_LINKS, owner, geom=line, a_node_id=ends[0], b_node_id=ends[1]
        )
        duct = self.row(network.DUCTS, owner, geom=line)
        self.link(network.LinkDuct, link_id=link, duct_id=duct)

    def _meters(self, owner: str | None, point: str, building: int) -> None:
        meter = self.row(energy.METERS, owner, geom=point, kind="electricity", item="total")
        self.link(energy.MeterScope, meter_id=meter, building_id=building)
        self.made.ids["readings", owner] = meter
        for day in range(40):
            self.link(energy.Reading, meter_id=meter, value=100.0 * day,
                      time=DAY - timedelta(days=day))  # fmt: skip
        self.link(
            energy.MeterEvent, meter_id=meter, time=DAY - timedelta(days=3), kind="roll_over",
            start=DAY - timedelta(days=4), consumption=1.0,
        )  # fmt: skip

    def _cars(self, owner: str | None, point: str) -> None:
        # The middle of its cell is 4 thousandths of a degree away.
        lon = self.made.secret[owner] = 121.00123 + 0.1 * OWNERS.index(owner)
        away = f"SRID=4326;POINT({lon} 37.50123)"
        car = self.row(fleet.VEHICLES, owner, geom=point, state="in_service")
        self.made.ids["positions", owner] = car
        self.link(fleet.PositionLatest, vehicle_id=car, geom=away, time=DAY, speed_kmh=0.0)
        self.link(fleet.Position, vehicle_id=car, geom=away, time=DAY, speed_kmh=0.0)
        span = {"started_at": DAY - timedelta(hours=9), "ended_at": DAY - timedelta(hours=8)}
        seconds = span["started_at"].timestamp()
        course = f"{lon} 37.50123 {seconds},{lon + 0.0001} 37.50133 {seconds + 3600}"
        self.row(fleet.TRIPS, owner, vehicle_id=car, length_km=1.0, moving_s=1, fixes=2,
                 geom=f"SRID=4326;LINESTRINGM({course})", **span)  # fmt: skip
        self.row(fleet.STOPS, owner, vehicle_id=car, geom=away, duration_s=36_000, **span)


def plant(engine: sa.Engine) -> Planted:
    """Write the estate, change one field of each of its rows, and set some rows aside."""
    with engine.begin() as c:
        for table, days in (("reading", 60), ("position", 3)):
            c.execute(
                sa.text("SELECT onemap_partition(:table, :first, :last)"),
                {"table": table, "first": DAY - timedelta(days=days), "last": DAY + timedelta(2)},
            )
        planter = _Planter(c)
        for owner in OWNERS:
            if owner is not None:
                planter.body(owner)
        for owner in OWNERS:
            planter.owner(owner)
        _set_aside(c, planter.made)
    made = planter.made
    record = Base.metadata.tables["change_set"]
    with engine.connect() as c:
        made.before = c.execute(sa.select(sa.func.max(record.c.recorded_at))).scalar_one()
    for owner in OWNERS:
        with engine.begin() as c:
            c.execute(
                sa.select(sa.func.set_config("onemap.reason", made.canary(
                    "reason", owner, "reason"), True))
            )  # fmt: skip
            for layer, name in _renamed():
                key = made.ids.get((layer.name, owner))
                if key is None:  # no body is nobody's
                    continue
                changed = sa.update(layer.table).where(layer.table.c.id == key)
                c.execute(changed.values({name: made.canary(layer.name, owner, name)}))
        with engine.connect() as c:
            made.seq[owner] = c.execute(sa.select(sa.func.max(record.c.seq))).scalar_one()
    with engine.begin() as c:
        for layer in LAYERS:
            refresh(c, layer)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.execute(sa.text("ANALYZE"))
    return made


def _renamed() -> Iterator[tuple[Layer, str]]:
    """Yield the layers with a name and, of people, their number, so that both have a past."""
    for layer in LAYERS:
        if layer.series is None:
            yield layer, "name"
    yield people.PERSONS, "number"
    yield fleet.VEHICLES, "plate"


def _set_aside(c: sa.Connection, made: Planted) -> None:
    """Put a row of each of some layers into quarantine, and a value of one to be decided."""
    batch = c.scalar(
        sa.insert(table_of(ImportBatch))
        .values(kind="assets", source="planted", files=[], counts={})
        .returning(table_of(ImportBatch).c.id)
    )
    for layer in (assets.ASSETS, people.PERSONS, fleet.VEHICLES):
        word = made.canary(layer.name, "estate", "quarantine")
        c.execute(
            sa.insert(table_of(Quarantine)).values(
                batch_id=batch, layer=layer.table.name, file="f.csv", row=1,
                values={"name": word}, reasons=[{"field": "name", "value": word, "reason": "x",
                                                 "zh": word, "en": word}],
            )
        )  # fmt: skip
        c.execute(
            sa.insert(table_of(HandEdit)).values(
                layer=layer.table.name, source="planted", source_key=f"k{layer.name}",
                row_id=made.ids[layer.name, "sib"], field="name",
                imported=made.canary(layer.name, "estate", "imported"),
                offered={"value": made.canary(layer.name, "estate", "offered")},
            )
        )  # fmt: skip
