"""A small estate whose every number is stated here, for tests of what is read from the tables.

One site with building B03 (levels 0 and 1, seven rooms) and building B57 (no plan); the people,
meters, vehicles and nodes of the stories that the measures are held to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from geoalchemy2.shape import from_shape
from shapely import LineString, MultiPolygon, Point, box
from sqlalchemy import Connection, Engine, insert, text

from layers import assets, energy, estate, fleet, network, people, records, space, standards
from layers.access import ESTATE
from layers.base import table_of
from layers.registry import LAYERS
from layers.search_entries import refresh

LON, LAT = 119.6, 38.9
QUOTA = {
    ("county", "county_chief"): 30.0,
    ("county", "section_chief"): 18.0,
    ("county", "section_deputy"): 12.0,
    ("county", "staff"): 9.0,
}
CITATION = "发改投资〔2014〕2674号"


@dataclass
class Estate:
    """Ids by the keys the tests use (``estate["rooms", "B03-412"]``)."""

    ids: dict[tuple[str, str], int] = field(default_factory=dict)

    def __getitem__(self, key: tuple[str, str]) -> int:
        return self.ids[key]


def square(x: int, y: int, size_deg: float = 0.0001) -> Any:
    """Return a square of about 9 m by 11 m, `x` and `y` squares away from the origin."""
    west, south = LON + x * 0.0002, LAT + y * 0.0002
    return from_shape(
        MultiPolygon([box(west, south, west + size_deg, south + size_deg)]), srid=4326
    )


def point(x: int, y: int) -> Any:
    """Return a point in the middle of the square there."""
    return from_shape(Point(LON + x * 0.0002 + 0.00005, LAT + y * 0.0002 + 0.00005), srid=4326)


class _Writer:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.made = Estate()

    def put(self, model: Any, layer: str, key: str, **values: Any) -> int:
        values = {"source": "test", "source_key": key} | values
        found = self.connection.execute(
            insert(table_of(model)).values(**values).returning(table_of(model).c.id)
        ).scalar_one()
        self.made.ids[layer, key] = found
        return int(found)

    def link(self, model: Any, **values: Any) -> None:
        self.connection.execute(insert(table_of(model)).values(**values))


def fill(engine: Engine) -> Estate:
    """Write the small estate into a fresh database and return its ids."""
    with engine.begin() as connection:
        writer = _Writer(connection)
        _bodies(writer)
        _space(writer)
        _people(writer)
        _things(writer)
        _meters(writer)
        _trips(writer)
        _standards(writer)
        for layer in LAYERS:
            refresh(connection, layer)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return writer.made


def _bodies(w: _Writer) -> None:
    top = w.put(people.Body, "bodies", "001", name="云汀区机关事务管理局", code="001",
                tier="county", path="0")  # fmt: skip
    w.connection.execute(text("UPDATE body SET path = id::text::ltree WHERE id = :id"), {"id": top})
    for key, name in (("012", "区教育局"), ("017", "区审计局")):
        made = w.put(people.Body, "bodies", key, name=name, code=key, tier="county",
                     parent_id=top, path="0")  # fmt: skip
        w.connection.execute(
            text("UPDATE body SET path = (:top || '.' || :id)::ltree WHERE id = :id"),
            {"id": made, "top": str(top)},
        )


ROOMS = (
    # key, use, state, usable m², capacity, level, owner
    ("B03-408", "office", "in_use", 11.2, 1, 1, "012"),
    ("B03-411", "office", "vacant", 20.0, 2, 1, "012"),
    ("B03-412", "office", "in_use", 26.4, 2, 1, "012"),
    ("B03-415", "office", "in_use", 26.1, 4, 1, "017"),
    ("B03-101", "meeting", "in_use", 60.0, 20, 0, None),
    ("B03-102", "office", "in_use", 28.0, 1, 0, "017"),
    ("B03-103", "office", "in_use", None, None, 0, "012"),
)


def _space(w: _Writer) -> None:
    site = w.put(estate.Site, "sites", "S01", name="云汀区政府大院", address="云汀路1号",
                 geom=square(-1, -1, 0.004))  # fmt: skip
    b03 = w.put(estate.Building, "buildings", "B03", name="3号楼", code="B03", site_id=site,
                built_area_m2=500.0, usable_area_m2=300.0, use="office",
                names={"en": "Building Three"}, geom=square(0, 0, 0.002))  # fmt: skip
    w.put(estate.Building, "buildings", "B57", name="租用楼", code="B57", site_id=site,
          tenure="leased", built_area_m2=260.0, geom=square(12, 0, 0.001))  # fmt: skip
    levels = []
    for ordinal in (0, 1):
        level = w.put(estate.Level, "levels", f"B03-{ordinal}", ordinal=ordinal,
                      short_name=f"{ordinal + 1}F", name=f"{ordinal + 1}层",
                      geom=square(0, 0, 0.002))  # fmt: skip
        w.link(estate.LevelBuilding, level_id=level, building_id=b03)
        levels.append(level)
    for x, (key, use, state, area, capacity, ordinal, body) in enumerate(ROOMS):
        room = w.put(space.Room, "rooms", key, number=key, use=use, state=state,
                     name="第一会议室" if use == "meeting" else None,
                     category="conferenceroom" if use == "meeting" else "office",
                     usable_area_m2=area, capacity=capacity, geom=square(x, ordinal),
                     body_id=w.made["bodies", body] if body else None)  # fmt: skip
        w.link(space.RoomLevel, room_id=room, level_id=levels[ordinal])


PEOPLE = (
    # key, name, rank, body, rooms with shares
    ("P1", "周试一", "section_deputy", "012", (("B03-412", 1.0),)),
    ("P2", "吴县正", "county_chief", "017", (("B03-102", 1.0),)),
    ("P3", "钱甲", "staff", "017", (("B03-415", 1 / 3),)),
    ("P4", "钱乙", "staff", "017", (("B03-415", 1 / 3),)),
    ("P5", "钱丙", "staff", "017", (("B03-415", 1 / 3),)),
    ("P6", "孙正科", "section_chief", "012", (("B03-408", 1.0), ("B11-203", 1.0))),
    ("P7", "李未测", "staff", "012", (("B03-103", 1.0),)),
)


def _people(w: _Writer) -> None:
    b11 = w.put(estate.Building, "buildings", "B11", name="11号楼", code="B11",
                site_id=w.made["sites", "S01"], built_area_m2=240.0,
                geom=square(12, 8, 0.001))  # fmt: skip
    level = w.put(estate.Level, "levels", "B11-1", ordinal=1, short_name="2F",
                  geom=square(12, 8, 0.001))  # fmt: skip
    w.link(estate.LevelBuilding, level_id=level, building_id=b11)
    room = w.put(space.Room, "rooms", "B11-203", number="B11-203", use="office", state="in_use",
                 category="office", usable_area_m2=9.6, capacity=1, geom=square(12, 8),
                 body_id=w.made["bodies", "012"])  # fmt: skip
    w.link(space.RoomLevel, room_id=room, level_id=level)
    for key, name, rank, body, held in PEOPLE:
        body_id = w.made["bodies", body]
        person = w.put(people.Person, "persons", key, name=name, rank=rank, number=f"YT{key}",
                       state="active", body_id=body_id)  # fmt: skip
        for number, share in held:
            w.put(space.Occupancy, "occupancies", f"{key}-{number}", body_id=body_id,
                  room_id=w.made["rooms", number], person_id=person, share=share,
                  valid_from=date(2026, 1, 1))  # fmt: skip
    # He moved out before anything is asked.
    w.put(space.Occupancy, "occupancies", "past", body_id=w.made["bodies", "012"],
          room_id=w.made["rooms", "B03-411"], person_id=w.made["persons", "P1"], share=1.0,
          valid_from=date(2025, 1, 1), valid_to=date(2026, 1, 1))  # fmt: skip


def _things(w: _Writer) -> None:
    w.put(assets.Asset, "assets", "ZC-2023-003417", name="笔记本电脑", number="ZC-2023-003417",
          tag="E28011700000020A1B2C3D4E", state="in_use", room_id=w.made["rooms", "B03-412"],
          scanned_room_id=w.made["rooms", "B03-415"], custodian_id=w.made["persons", "P1"],
          value_cny=5600, body_id=w.made["bodies", "012"])  # fmt: skip
    w.put(assets.Asset, "assets", "ZC-2023-000002", name="办公桌", number="ZC-2023-000002",
          state="idle", room_id=w.made["rooms", "B03-412"], geom=point(2, 1),
          body_id=w.made["bodies", "012"])  # fmt: skip
    for key, state in (("SW-1", "up"), ("SW-2", "down"), ("SW-3", "unknown")):
        w.put(network.NetworkNode, "network_nodes", key, name=key, state=state, kind="switch",
              room_id=w.made["rooms", "B03-101"],
              geom=None if key == "SW-3" else point(4, 0))  # fmt: skip


def _standards(w: _Writer) -> None:
    for (tier, rank), area in QUOTA.items():
        w.put(standards.AreaStandard, "area_standards", f"2014-{tier}-{rank}", tier=tier,
              rank=rank, area_m2=area, edition="2014", valid_from=date(2014, 11, 24),
              citation=CITATION)  # fmt: skip
    # The trap: the table of 1999 gave a head of county 20 m².
    w.put(standards.AreaStandard, "area_standards", "1999-county-chief", tier="county",
          rank="county_chief", area_m2=20.0, edition="1999", valid_from=date(1999, 1, 1),
          valid_to=date(2014, 11, 24), citation="计投资〔1999〕2250号")  # fmt: skip
    coal = {"quantity": "standard_coal", "region": "全国", "valid_from": date(2020, 1, 1)}
    w.put(standards.Factor, "factors", "coal-electricity", carrier="electricity", value=0.1229,
          method="calorific", unit="kgce/kWh", edition="2020", **coal)  # fmt: skip
    w.put(standards.Factor, "factors", "coal-electricity-eq", carrier="electricity", value=0.3,
          method="equivalent", unit="kgce/kWh", edition="2020", **coal)  # fmt: skip
    w.put(standards.Factor, "factors", "coal-gas", carrier="gas", value=1.33,
          method="calorific", unit="kgce/m³", edition="2020", **coal)  # fmt: skip
    grid = ((2022, 0.5366, date(2024, 12, 1)), (2023, 0.5306, date(2025, 12, 1)))
    for year, value, since in grid:
        w.put(standards.Factor, "factors", f"grid-{year}", quantity="co2", carrier="electricity",
              region="全国", value=value, method="direct", unit="kgCO2/kWh",
              edition=f"数据年份 {year}", valid_from=since)  # fmt: skip


METERS = (
    # key, kind, item, parent, multiplier, digits, form, scope
    ("E-01", "electricity", "total", None, 40.0, 5, "register", "building_id buildings B03"),
    ("E-02", "electricity", "lighting", "E-01", 1.0, 6, "register", "level_id levels B03-0"),
    ("G-01", "gas", "total", None, 1.0, 6, "register", "building_id buildings B03"),
    ("E-57", "electricity", "total", None, 1.0, None, "interval", "building_id buildings B57"),
)  # fmt: skip


def _meters(w: _Writer) -> None:
    for key, kind, item, parent, multiplier, digits, form, scope in METERS:
        column, layer, of = scope.split()
        meter = w.put(energy.Meter, "meters", key, name=f"{key} 表", number=key, kind=kind,
                      item=item, unit="kWh" if kind == "electricity" else "m³",
                      parent_id=w.made["meters", parent] if parent else None,
                      multiplier=multiplier, digits=digits, reading_form=form,
                      geom=point(1, 0))  # fmt: skip
        w.link(energy.MeterScope, meter_id=meter, **{column: w.made[layer, of]})
    beijing = timedelta(hours=8)
    first = datetime(2026, 8, 31, tzinfo=UTC) - beijing  # midnight of 31 August there
    readings: list[dict[str, Any]] = []
    for day in range(32):  # … to midnight of 1 October
        time = first + timedelta(days=day)
        # E-01 rolls over: 30 steps of 10 × 40 kWh from 1 September on.
        readings.append(_reading(w, "E-01", time, (99_890 + 10 * day) % 100_000))
        readings.append(_reading(w, "E-02", time, 1_000 + 100.0 * day))
        if day <= 16:  # the gas meter falls silent half-way, on 16 September
            readings.append(_reading(w, "G-01", time, 500 + 5.0 * day))
        if day:
            readings.append(_reading(w, "E-57", time, 20.0, start=time - timedelta(days=1)))
    w.connection.execute(
        text("SELECT onemap_partition('reading', :a, :b)"),
        {"a": first, "b": first + timedelta(days=40)},
    )
    w.connection.execute(insert(table_of(energy.Reading)), readings)


def _reading(
    w: _Writer, meter: str, time: datetime, value: float, start: datetime | None = None
) -> dict[str, Any]:
    return {"meter_id": w.made["meters", meter], "time": time, "start": start, "value": value}


TRIPS = (
    # vehicle, start (Beijing), minutes, km, minutes moving
    ("D0017", "2026-10-11T09:14", 458, 41.6, 150),
    ("D0042", "2026-10-09T08:00", 120, 45.3, 90),
    ("D0066", "2026-10-08T23:40", 105, 52.0, 100),
)


def _trips(w: _Writer) -> None:
    body = w.made["bodies", "001"]
    for number in ("D0009", "D0017", "D0042", "D0055", "D0066"):
        vehicle = w.put(fleet.Vehicle, "vehicles", number, name=f"轿车 {number}",
                        plate=f"演A·{number}", vehicle_class="general", state="in_service",
                        geom=point(3, 3), body_id=body)  # fmt: skip
        w.link(fleet.PositionLatest, vehicle_id=vehicle, geom=point(6, 6), speed_kmh=0.0,
               time=datetime(2026, 10, 12, 0, 55, tzinfo=UTC))  # fmt: skip
    for number, started, minutes, km, moving in TRIPS:
        start = datetime.fromisoformat(started + "+08:00")
        end = start + timedelta(minutes=minutes)
        middle = start + timedelta(minutes=20)
        line = LineString(
            [(LON, LAT, start.timestamp()), (LON + 0.01, LAT, middle.timestamp()),
             (LON + 0.02, LAT, end.timestamp())]
        )  # fmt: skip
        w.put(fleet.Trip, "trips", f"{number}-1", vehicle_id=w.made["vehicles", number],
              started_at=start, ended_at=end, length_km=km, moving_s=moving * 60, fixes=3,
              body_id=body,
              geom="SRID=4326;" + line.wkt.replace("LINESTRING Z", "LINESTRING M"))  # fmt: skip
    # D0009 drifts on its parking place all week; D0055 was never heard from.
    w.put(fleet.Stop, "stops", "D0009-1", vehicle_id=w.made["vehicles", "D0009"], body_id=body,
          started_at=datetime(2026, 10, 4, tzinfo=UTC), geom=point(3, 3), duration_s=691_200,
          ended_at=datetime(2026, 10, 12, tzinfo=UTC))  # fmt: skip


__all__ = ["ESTATE", "Estate", "fill", "records"]
