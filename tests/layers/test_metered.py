"""The energy of places that are metered in part, twice, or by meters that are not to be seen."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from layers.access import ESTATE, EVERYONE, Actor
from layers.base import table_of
from layers.energy import Meter, MeterScope, Reading
from layers.estate import Building, Level, LevelBuilding, Site
from layers.measures import Question, Window, measure
from layers.policy import all_business
from layers.space import Room, RoomLevel
from layers.standards import Factor
from tests.layers.support import SQUARE, body, put

ZONE = ZoneInfo("Asia/Shanghai")
FIRST, LAST = datetime(2026, 9, 1, tzinfo=ZONE), datetime(2026, 10, 1, tzinfo=ZONE)
NOW = datetime(2026, 10, 12, 9, tzinfo=ZONE)
KGCE = 0.1229  # a kWh, calorific


class World:
    """One site; buildings with two levels of one size, and two rooms on each."""

    def __init__(self, engine):
        self.engine, self.ids = engine, {}
        with engine.begin() as c:
            self.audit, self.education = body(c, "audit"), body(c, "education")
            self.site = put(c, Site, name="S", geom=SQUARE)
            put(c, Factor, name="coal", quantity="standard_coal", carrier="electricity",
                method="calorific", unit="kgce/kWh", value=KGCE, edition="2020",
                valid_from=date(2020, 1, 1))  # fmt: skip
            c.execute(sa.text("SELECT onemap_partition('reading', '2026-08-31', '2026-10-02')"))

    def building(self, name, area, room_m2=None, **values):
        with self.engine.begin() as c:
            made = put(c, Building, name=name, built_area_m2=area, site_id=self.site,
                       geom=SQUARE, **values)  # fmt: skip
            self.ids[name] = made
            for n in (1, 2):
                level = put(c, Level, source_key=f"{name}-{n}", ordinal=n, geom=SQUARE)
                self.ids[f"{name}-{n}"] = level
                put(c, LevelBuilding, level_id=level, building_id=made)
                for m in (1, 2):
                    key = f"{name}-{n}0{m}"
                    self.ids[key] = put(c, Room, source_key=key, built_area_m2=room_m2)
                    put(c, RoomLevel, room_id=self.ids[key], level_id=level)

    def meter(self, name, kwh, parent=None, item="total", owner=None, kind="electricity", **serves):
        with self.engine.begin() as c:
            made = put(c, Meter, name=name, kind=kind, item=item, unit="kWh",
                       reading_form="interval", parent_id=self.ids.get(parent),
                       body_id=owner)  # fmt: skip
            self.ids[name] = made
            for column, places in serves.items():
                for place in [places] if isinstance(places, str) else places:
                    key = self.site if place == "S" else self.ids[place]
                    put(c, MeterScope, meter_id=made, **{f"{column}_id": key})
            c.execute(
                sa.insert(table_of(Reading)).values(
                    meter_id=made, start=FIRST, time=LAST, value=kwh
                )
            )

    def ask(self, name="kgce_per_m2", actor=ESTATE):
        """Return name → (value, coverage)."""
        wanted = measure(name)
        window = Window(FIRST.astimezone(UTC), LAST.astimezone(UTC))
        question = Question(actor, None, NOW, ZONE, window)
        with self.engine.connect() as c:
            found = {k: c.execute(s).mappings().all() for k, s in wanted.ask(question).items()}
        values = wanted.read(question, found)
        names = {k: name for name, k in self.ids.items() if name[:2] == "B0" and "-" not in name}
        names = names if wanted.layer == "buildings" else {self.site: "S"}
        shown = zip(values.ids, values.values, values.coverage, strict=True)
        return {names[key]: (value, share) for key, value, share in shown}


@pytest.fixture
def world(database):
    return World(database.engine)


def test_the_meter_of_one_room_covers_that_rooms_share_of_the_building(world):
    world.building("B01", 1000, room_m2=50)
    world.meter("R", 200, room="B01-101")
    assert world.ask()["B01"] == pytest.approx((200 * KGCE / 1000, 0.05))


def test_a_room_whose_area_nobody_knows_makes_no_number_of_its_building(world):
    world.building("B01", 1000)
    world.meter("R", 200, room="B01-101")
    assert world.ask()["B01"] == (None, None)


def test_a_room_beside_the_meter_of_its_building_is_counted_once_without_a_parent(world):
    world.building("B02", 500, room_m2=50)
    world.meter("B", 1000, building="B02")
    world.meter("R", 200, room="B02-101")
    assert world.ask()["B02"] == pytest.approx((1000 * KGCE / 500, 1.0))


def test_a_level_hides_its_own_rooms_and_not_those_of_another_level(world):
    world.building("B03", 800, room_m2=80)
    world.meter("L1", 300, level="B03-1")
    world.meter("R101", 40, room="B03-101")
    world.meter("R201", 60, room="B03-201")
    # Half of the building by its level, a tenth by the room above.
    assert world.ask()["B03"] == pytest.approx((360 * KGCE / 800, 0.6))


def test_two_feeds_of_one_building_add_up_and_cover_it_once(world):
    world.building("B04", 400)
    world.meter("A", 100, building="B04")
    world.meter("B", 300, building="B04")
    assert world.ask()["B04"] == pytest.approx((400 * KGCE / 400, 1.0))


def test_an_item_beside_the_whole_is_part_of_it(world):
    world.building("B05", 100)
    world.meter("whole", 100, building="B05", item=None)
    world.meter("light", 30, building="B05", item="lighting")
    assert world.ask()["B05"] == pytest.approx((100 * KGCE / 100, 1.0))


def test_items_are_the_whole_only_all_together(world):
    world.building("B05", 100)
    for item, kwh in (("lighting", 30), ("hvac", 50), ("power", 15)):
        world.meter(item, kwh, building="B05", item=item)
    assert world.ask()["B05"] == (None, None)
    world.meter("special", 5, building="B05", item="special")
    assert world.ask()["B05"] == pytest.approx((100 * KGCE / 100, 1.0))


def test_a_meter_of_two_buildings_counts_for_their_site_alone(world):
    world.building("B06", 300)
    world.building("B07", 100)
    world.meter("both", 800, building=["B06", "B07"])
    world.meter("one", 500, building="B06")
    assert world.ask()["B07"] == (None, 0.0)
    assert world.ask("site_kgce_per_m2")["S"] == pytest.approx((800 * KGCE / 400, 1.0))


def test_a_site_is_covered_by_the_area_of_what_is_metered_in_it(world):
    world.building("B01", 1000, room_m2=50)
    world.building("B02", 500, room_m2=50)
    world.meter("R1", 200, room="B01-101")
    world.meter("B2", 1000, building="B02")
    world.meter("R2", 200, room="B02-101")
    # 50 m² of the one and all 500 m² of the other, of 1,500 m².
    found = world.ask("site_kgce_per_m2")["S"]
    assert found == pytest.approx((1200 * KGCE / 1500, 550 / 1500), abs=1e-9)


def test_a_site_whose_buildings_burn_different_fuels_is_covered_where_each_is_metered(world):
    world.building("B01", 300)
    world.building("B02", 100)
    world.meter("E1", 100, building="B01")
    world.meter("E2", 100, building="B02")
    world.meter("G1", 100, building="B01", kind="gas")
    # The gas has no factor: half of B01 is known and all of B02.
    found = world.ask("site_kgce_per_m2")["S"]
    assert found == pytest.approx((200 * KGCE / 400, (0.5 * 300 + 100) / 400))
    world.meter("H", 50, site="S", kind="heat")
    # Nor has the heat of the whole site: a third of B01 and half of B02.
    found = world.ask("site_kgce_per_m2")["S"]
    assert found == pytest.approx((200 * KGCE / 400, (100 + 50) / 400))


def test_rooms_larger_than_their_building_make_no_number(world):
    world.building("B08", 100, room_m2=60)
    world.meter("R1", 10, room="B08-101")
    world.meter("R2", 10, room="B08-102")
    assert world.ask()["B08"] == (None, None)


def test_the_owner_of_a_sub_meter_does_not_take_it_for_the_whole(world):
    world.building("B01", 1000)
    world.meter("top", 900, building="B01", owner=world.audit)
    world.meter("below", 100, parent="top", building="B01", owner=world.education)
    education = Actor("education", all_business((world.education,)))
    assert world.ask(actor=education)["B01"] == (None, None)
    assert world.ask("site_kgce_per_m2", education)["S"] == (None, None)
    audit = Actor("audit", all_business((world.audit,)))
    assert world.ask(actor=audit)["B01"] == pytest.approx((0.9 * KGCE, 1.0))


def test_a_site_with_a_building_that_is_not_to_be_seen_has_no_number(world):
    world.building("B01", 1000)
    world.building("B02", 500, body_id=world.audit)
    world.meter("A", 900, building="B01")
    world.meter("B", 600, building="B02")
    education, audit = (
        Actor("e", all_business((world.education,))),
        Actor("a", all_business((world.audit,))),
    )
    assert world.ask("site_kgce_per_m2", education)["S"] == (None, None)
    assert world.ask(actor=education) == {"B01": pytest.approx((0.9 * KGCE, 1.0))}
    assert world.ask("site_kgce_per_m2", audit)["S"] == pytest.approx((KGCE, 1.0))


def test_a_site_that_is_not_to_be_seen_is_not_in_the_answer(world):
    world.building("B01", 1000)
    world.meter("A", 900, building="B01")
    with world.engine.begin() as c:
        c.execute(sa.update(table_of(Site)).values(body_id=world.audit))
    assert world.ask("site_kgce_per_m2", EVERYONE) == {}
    assert world.ask("site_kgce_per_m2")["S"] == pytest.approx((0.9 * KGCE, 1.0))


def test_a_bill_that_overlaps_the_days_is_not_added_to_them(world):
    world.building("B01", 100)
    world.meter("A", 900, building="B01")
    middle = datetime(2026, 9, 16, tzinfo=ZONE)
    with world.engine.begin() as c:
        c.execute(
            sa.insert(table_of(Reading)).values(
                meter_id=world.ids["A"], start=FIRST, time=middle, value=400
            )
        )
    # Half of the window by the shorter interval; the one it overlaps is set aside.
    assert world.ask()["B01"] == pytest.approx((400 * KGCE / 100, 0.5))
