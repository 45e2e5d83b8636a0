"""The demo's stories of meters, as the questions, the panel and the routes tell them.

Expected values stand in `stories.toml`, which the generator reads too, and in its files.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import sqlalchemy as sa

from layers import meter_steps
from layers.access import ESTATE
from layers.base import table_of
from layers.energy import Meter as MeterRow
from layers.energy import MeterEvent, Reading
from layers.insights import INSIGHTS
from layers.measures import Question, Window, measure
from layers.measures.base import last_month
from layers.measures.metered import Meter
from layers.named import named
from onemap.clock import DEMO_START
from onemap.demo.energy import CHINA
from onemap.demo.stories import stories

pytestmark = pytest.mark.slow
ZONE = ZoneInfo("Asia/Shanghai")
QUESTION = Question(ESTATE, None, DEMO_START, ZONE)
STORY = stories()["meters"]


def midnight(day):
    return datetime.combine(day, datetime.min.time(), CHINA)


@pytest.fixture(scope="module")
def fetch(demo):
    def rows(statement):
        with demo.database.engine.connect() as link:
            return link.execute(statement).mappings().all()

    return rows


@pytest.fixture(scope="module")
def numbers(fetch):
    t = table_of(MeterRow)
    return {row["id"]: row["number"] for row in fetch(sa.select(t.c.id, t.c.number))}


def ask(fetch, numbers, name):
    """Return number → the columns of a named filter."""
    found = [dict(row) for row in fetch(named(name).ask(QUESTION, {}))]
    return {numbers[row.pop("id")]: row for row in found}


def tell(fetch, numbers, name, number):
    insight = next(each for each in INSIGHTS if (each.name, each.layer) == (name, "meters"))
    key = next(key for key, each in numbers.items() if each == number)
    found = {name: fetch(statement) for name, statement in insight.ask(QUESTION, key).items()}
    return insight.read(QUESTION, key, found)


def test_four_meters_are_odd_and_each_for_the_reason_of_its_story(fetch, numbers):
    found = ask(fetch, numbers, "meter_anomalies")
    told = {number: (row["last_kind"], row["last_at"]) for number, row in found.items()}
    assert told == {
        "E-0113": ("roll_over", midnight(STORY["E-0113"]["rollover"][1][0])),
        "E-0208": ("replaced", STORY["E-0208"]["replaced"]),
        # Silent from 2 to 6 August: heard again at the midnight after.
        "E-0144": ("gap", midnight(STORY["E-0144"]["silent"][1]) + timedelta(days=1)),
        "W-0031": ("spurious_zero", STORY["W-0031"]["zero"]),
    }
    assert {row["events"] for row in found.values()} == {1}
    assert found["E-0113"]["last_consumption"] == STORY["E-0113"]["rollover_kwh"]
    assert found["E-0144"]["last_consumption"] == STORY["E-0144"]["kwh"]
    assert found["W-0031"]["last_consumption"] is None


def test_every_meter_was_heard_at_midnight(fetch, numbers):
    assert ask(fetch, numbers, "silent_meters") == {}


def test_one_main_meter_is_unexplained_by_just_what_its_story_says(fetch, numbers):
    story = stories()["unmetered"]
    rest = story["main_kwh"] - story["sub_kwh"]
    assert ask(fetch, numbers, "unexplained_meters") == {
        story["main"]: pytest.approx({
            "main_kwh": story["main_kwh"], "sub_kwh": story["sub_kwh"],
            "unexplained_kwh": rest, "unexplained_share": story["unexplained_percent"],
        })
    }  # fmt: skip


def test_the_map_shows_the_same_share_and_judges_every_main_meter(fetch, numbers):
    wanted = measure("unexplained_share")
    question = Question(ESTATE, None, DEMO_START, ZONE, last_month(DEMO_START, ZONE))
    found = {name: fetch(each) for name, each in wanted.ask(question).items()}
    values = wanted.read(question, found)
    shares = {numbers[key]: share for key, share in zip(values.ids, values.values, strict=True)}
    assert shares.pop("E-0113") == pytest.approx(0.22)
    assert len(shares) > 10
    assert all(0 <= share < 0.1 for share in shares.values())
    assert set(values.coverage) == {1.0}


def test_the_panel_names_the_unmetered_server_room_as_a_possible_cause(fetch, numbers):
    told = tell(fetch, numbers, "balance", "E-0113")
    assert "22.0 %" in told.headline.zh
    assert [line.value for line in told.lines if line.name == "possible_cause"] == [
        stories()["unmetered"]["room"]
    ]
    (line,) = tell(fetch, numbers, "events", "E-0113").lines
    assert line.title.zh.endswith("06-18 99942 → 06-19 00047")
    assert (line.value, line.unit) == (4200.0, "kWh")
    (line,) = tell(fetch, numbers, "events", "E-0208").lines
    assert "旧表止数 48210.5，新表起数 12.3" in line.title.zh


def test_registers_and_events_give_the_sum_of_the_files_for_any_window(fetch, demo):
    """From the daily sheet as pandas reads it: sums of daily differences, mended by hand."""
    reading, event, meter = table_of(Reading), table_of(MeterEvent), table_of(MeterRow)
    frame = pd.DataFrame(
        fetch(
            sa.select(meter.c.number, reading.c.time, reading.c.value, reading.c.closing_value)
            .join(meter, meter.c.id == reading.c.meter_id)
            .where(meter.c.number.in_(["E-0113", "E-0144", "E-0208", "W-0031"]))
            .order_by(meter.c.number, reading.c.time)
        )
    )
    events = pd.DataFrame(fetch(sa.select(event, meter.c.number).join(
        meter, meter.c.id == event.c.meter_id)))  # fmt: skip
    for number, rows in frame.groupby("number"):
        good = rows[~((rows["value"] == 0) & (number == "W-0031"))]
        step = good["value"].diff()
        if number == "E-0113":
            step = step.where(step >= 0, step + 100_000)
        if number == "E-0208":
            step = step.where(good["closing_value"].isna(), good["closing_value"]
                              - good["value"].shift())  # fmt: skip
        assert (step.dropna() >= 0).all()
        mine = events[events["number"] == number]
        for first, last in ((0, len(good) - 1), (100, 300), (200, 330)):
            a, b = good.iloc[first], good.iloc[last]
            inside = mine[(mine["start"] >= a["time"]) & (mine["time"] <= b["time"])]
            told = b["value"] - a["value"] + inside["correction"].sum()
            assert told == pytest.approx(step.iloc[first + 1 : last + 1].sum())


def test_the_days_of_the_gap_are_unknown_and_its_total_is_not_spread(fetch, numbers):
    key = next(key for key, each in numbers.items() if each == "E-0144")
    first, last = (midnight(day) for day in STORY["E-0144"]["silent"])
    span = Window(first, last + timedelta(days=1))
    (row,) = fetch(meter_steps.meter(ESTATE, key, None))
    known = Meter(**{name: value for name, value in row.items() if name != "title"})
    found = fetch(meter_steps.readings(ESTATE, key, span, None))
    course = meter_steps.course(known, found, span, meter_steps.bounds(span, "day", ZONE))
    assert [(each.value, each.label) for each in course.steps] == [(None, "unknown")] * 5
    assert course.total == pytest.approx(STORY["E-0144"]["kwh"])
