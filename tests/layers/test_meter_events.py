"""What is not plain in readings, derived when they are imported; every number is worked by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from importers.pipeline import run as import_files
from layers.base import table_of
from layers.energy import Meter, MeterEvent, Reading
from layers.meter_events import rebuild
from tests.layers.support import put

ZONE = ZoneInfo("Asia/Shanghai")


def at(month, day, hour=0, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE)


class World:
    """Meters, whose readings are put in by plain statements."""

    def __init__(self, engine):
        self.engine = engine

    def meter(self, readings, **values):
        """Put in a meter and its readings: ``time: value``, or rows."""
        rows = (
            [{"time": time, "value": value} for time, value in readings.items()]
            if isinstance(readings, dict)
            else readings
        )
        with self.engine.begin() as c:
            made = put(c, Meter, source_key=str(len(rows)) + str(values), kind="electricity",
                       unit="kWh", **values)  # fmt: skip
            times = [row["time"] for row in rows]
            c.execute(sa.select(sa.func.onemap_partition("reading", min(times), max(times))))
            c.execute(sa.insert(table_of(Reading)), [
                {"meter_id": made, "start": None, "closing_value": None, **row} for row in rows
            ])  # fmt: skip
            rebuild(c, [made])
        return made

    def events(self, meter):
        t = table_of(MeterEvent)
        columns = (t.c.kind, t.c.start, t.c.time, t.c.consumption, t.c.correction)
        with self.engine.connect() as c:
            found = c.execute(sa.select(*columns).where(t.c.meter_id == meter).order_by(t.c.time))
            return [tuple(row) for row in found]


@pytest.fixture
def world(database):
    return World(database.engine)


def test_plain_readings_make_no_event(world):
    assert world.events(world.meter({at(9, day): 10.0 * day for day in range(1, 31)})) == []


def test_a_roll_over_lacks_a_hundred_thousand_steps(world):
    readings = {at(6, 17): 99837, at(6, 18): 99942, at(6, 19): 47, at(6, 20): 152}
    meter = world.meter(readings, multiplier=40, digits=5)
    # 47 + 100,000 − 99,942 = 105 steps of 40 kWh.
    assert world.events(meter) == [("roll_over", at(6, 18), at(6, 19), 4200.0, 100_000.0)]


def test_an_exchange_lacks_what_the_old_meter_showed_over_the_new_one(world):
    rows = [
        {"time": at(3, 13), "value": 48_100.0},
        {"time": at(3, 14), "value": 48_190.5},
        {"time": at(3, 14, 11, 20), "value": 12.3, "closing_value": 48_210.5},
        {"time": at(3, 15), "value": 62.3},
        {"time": at(3, 16), "value": 152.3},
    ]
    meter = world.meter(rows, multiplier=10, digits=6)
    # 48,210.5 − 48,190.5 = 20 steps of 10 kWh; the difference lacks 48,210.5 − 12.3.
    assert world.events(meter) == [
        ("replaced", at(3, 14), at(3, 14, 11, 20), pytest.approx(200), pytest.approx(48_198.2)),
    ]


def test_an_exchange_that_nobody_read_has_no_consumption(world):
    rows = [
        {"time": at(3, 13), "value": 500.0},
        {"time": at(3, 14), "value": 0.0, "closing_value": 400.0},
        {"time": at(3, 15), "value": 10.0},
    ]
    assert world.events(world.meter(rows)) == [("replaced", at(3, 13), at(3, 14), None, 0.0)]


def test_days_without_readings_keep_their_total_and_correct_nothing(world):
    readings = {at(7, 30): 0.0, at(7, 31): 30.0, at(8, 1): 60.0, at(8, 2): 90.0}
    readings |= {at(8, 7): 284.0, at(8, 8): 310.0}
    meter = world.meter(readings, multiplier=100)
    assert world.events(meter) == [("gap", at(8, 2), at(8, 7), 19_400.0, 0.0)]


def test_a_zero_among_hourly_readings_is_told_at_its_own_time_and_daily_ones_are_no_gaps(world):
    readings = {at(4, 1) + timedelta(days=day): 24.0 * day for day in range(90)}
    readings |= {
        at(5, 1) + timedelta(hours=hour): 720.0 + hour for hour in range(31 * 24) if hour % 24
    }
    readings[at(5, 6, 3)] = 0.0
    meter = world.meter(readings, digits=6)
    assert world.events(meter) == [
        ("spurious_zero", at(5, 6, 2), at(5, 6, 3), None, 0.0),
    ]


def test_a_fall_that_nothing_explains_has_no_consumption(world):
    meter = world.meter({at(6, 18): 50_000, at(6, 19): 40_000, at(6, 20): 40_010}, digits=5)
    assert world.events(meter) == [("decreased", at(6, 18), at(6, 19), None, 0.0)]


def test_a_bill_that_overlaps_another_is_told_with_its_own_days(world):
    rows = [
        {"start": at(9, 1), "time": at(9, 11), "value": 100.0},
        {"start": at(9, 5), "time": at(9, 20), "value": 900.0},
        {"start": at(9, 11), "time": at(10, 1), "value": 200.0},
    ]
    meter = world.meter(rows, reading_form="interval")
    assert world.events(meter) == [("overlap", at(9, 5), at(9, 20), None, 0.0)]


def test_registers_and_corrections_give_the_consumption_of_any_window(world):
    readings = {at(6, 1) + timedelta(days=day): (99_800 + 12 * day) % 100_000 for day in range(60)}
    del readings[at(6, 25)], readings[at(6, 26)]
    readings[at(7, 4)] = 0
    meter = world.meter(readings, digits=5)
    kinds = [kind for kind, *_ in world.events(meter)]
    assert kinds == ["roll_over", "gap", "spurious_zero"]
    good = sorted(set(readings) - {at(7, 4)})
    for start in good[::7]:
        for end in good[3::9]:
            if start < end:
                corrections = sum(
                    correction
                    for _, first, last, _, correction in world.events(meter)
                    if first >= start and last <= end
                )
                used = readings[end] - readings[start] + corrections
                assert used == pytest.approx(12 * (end - start).days)


def sheet(folder, text, name="readings.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


METERS = "表号,能源种类,倍率,表位数\nE-1,电,40,5\nE-2,电,1,5\n"


def test_an_import_derives_events_and_one_that_corrects_a_reading_takes_them_back(
    world, tmp_path, database
):
    def load(path):
        import_files("meters", [path], engine=database.engine, source="m")

    load(sheet(tmp_path, METERS, "meters.csv"))
    head = "表号,抄表时间,读数\n"
    load(sheet(tmp_path, head + "E-1,2026-06-18,99942\nE-1,2026-06-19,47\nE-2,2026-06-18,5\n"))
    with database.engine.connect() as c:
        first = c.scalar(sa.select(Meter.id).where(Meter.number == "E-1"))
    assert [each[3:] for each in world.events(first)] == [(4200.0, 100_000.0)]
    # The multiplier was wrong: the sheet of meters alone changes what the readings mean.
    load(sheet(tmp_path, METERS.replace(",40,", ",30,"), "meters.csv"))
    assert [each[3:] for each in world.events(first)] == [(3150.0, 100_000.0)]
    load(sheet(tmp_path, head + "E-1,2026-06-19,99999\n"))
    assert world.events(first) == []


def test_a_trial_import_derives_nothing_that_stays(world, tmp_path, database):
    text = "表号,抄表时间,读数\nE-1,2026-06-18,99942\nE-1,2026-06-19,47\n"
    paths = [sheet(tmp_path, METERS, "meters.csv"), sheet(tmp_path, text)]
    import_files("meters", paths, engine=database.engine, dry_run=True)
    with database.engine.connect() as c:
        assert c.scalar(sa.select(sa.func.count()).select_from(table_of(MeterEvent))) == 0


def test_all_meters_can_be_derived_anew(world, database):
    meter = world.meter({at(6, 18): 50_000, at(6, 19): 40_000}, digits=5)
    events = world.events(meter)
    with database.engine.begin() as c:
        c.execute(sa.delete(table_of(MeterEvent)))
        assert rebuild(c) == 1
    assert world.events(meter) == events
