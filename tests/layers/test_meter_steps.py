"""What one meter used by calendar days and months; every number is worked by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from layers import meter_steps
from layers.measures import Window
from layers.measures.metered import Meter

ZONE = ZoneInfo("Asia/Shanghai")
REGISTER = Meter(1, "electricity", "total", "kWh", None, 10.0, 5, register=True)
BILLS = Meter(1, "electricity", "total", "kWh", None, 1.0, None, register=False)


def at(month, day, hour=0, year=2026):
    return datetime(year, month, day, hour, tzinfo=ZONE)


def window(start, end):
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def read(time, value, start=None, closing=None):
    return {"time": time, "value": value, "start": start, "closing_value": closing}


def asked(rows, start, end, step="day", meter=REGISTER):
    span = window(start, end)
    return meter_steps.course(meter, rows, span, meter_steps.bounds(span, step, ZONE))


def days(first, last, **values):
    """Read at every midnight, one step a day."""
    count = (last - first).days + 1
    return [read(first + timedelta(days=k), 100.0 + k, **values) for k in range(count)]


def test_days_within_a_gap_are_unknown_and_its_total_is_in_the_sum():
    rows = [r for r in days(at(7, 25), at(8, 15)) if not at(8, 2) < r["time"] < at(8, 7)]
    found = asked(rows, at(8, 1), at(8, 9))
    assert [each.label for each in found.steps] == [
        "measured", *["unknown"] * 5, "measured", "measured",
    ]  # fmt: skip
    assert [each.value for each in found.steps] == [10.0, *[None] * 5, 10.0, 10.0]
    assert (found.total, found.coverage) == (80.0, 1.0)
    # August as a whole is measured: readings lie at both its ends.
    rows = [r for r in days(at(7, 25), at(9, 5)) if not at(8, 2) < r["time"] < at(8, 7)]
    month = asked(rows, at(8, 1), at(9, 1), "month")
    assert [(each.value, each.label) for each in month.steps] == [(310.0, "measured")]


def test_a_window_inside_a_gap_is_unknown_and_not_missing():
    rows = [r for r in days(at(7, 25), at(8, 15)) if not at(8, 2) < r["time"] < at(8, 7)]
    found = asked(rows, at(8, 4), at(8, 5))
    assert [each.label for each in found.steps] == ["unknown"]
    assert (found.total, found.coverage) == (None, 0.0)


def test_before_the_first_reading_and_after_the_last_nothing_is_known():
    found = asked(days(at(9, 10), at(9, 12)), at(9, 9), at(9, 14))
    assert [each.label for each in found.steps] == [
        "missing", "measured", "measured", "missing", "missing",
    ]  # fmt: skip
    assert (found.total, found.coverage) == (20.0, pytest.approx(0.4))
    nothing = asked([], at(9, 9), at(9, 11))
    assert [each.label for each in nothing.steps] == ["missing", "missing"]
    assert (nothing.total, nothing.coverage) == (None, 0.0)


def test_a_month_begun_in_the_middle_is_no_months_consumption():
    found = asked(days(at(9, 10), at(10, 1)), at(9, 1), at(10, 1), "month")
    assert [(each.value, each.label) for each in found.steps] == [(None, "unknown")]
    assert (found.total, found.coverage) == (210.0, pytest.approx(21 / 30))


def test_readings_at_eight_tell_the_month_but_no_calendar_day():
    rows = [
        {**each, "time": each["time"] + timedelta(hours=8)} for each in days(at(8, 25), at(10, 5))
    ]
    month = asked(rows, at(9, 1), at(10, 1), "month")
    assert [(each.value, each.label) for each in month.steps] == [(300.0, "measured")]
    assert {each.label for each in asked(rows, at(9, 1), at(9, 5)).steps} == {"unknown"}


def test_a_roll_over_is_a_day_like_any_other_and_a_fall_is_not():
    rolled = [read(at(6, 17), 99_990), read(at(6, 18), 99_995), read(at(6, 19), 5)]
    assert [each.value for each in asked(rolled, at(6, 17), at(6, 19)).steps] == [50.0, 100.0]
    fell = [read(at(6, 17), 60_000), read(at(6, 18), 50_000), read(at(6, 19), 50_001)]
    found = asked(fell, at(6, 17), at(6, 19))
    assert [(each.value, each.label) for each in found.steps] == [
        (None, "unknown"), (10.0, "measured"),
    ]  # fmt: skip


def test_bills_with_a_hole_between_leave_the_hole_missing():
    rows = [read(at(9, 1), 70.0, at(8, 1)), read(at(11, 1), 80.0, at(10, 1))]
    found = asked(rows, at(8, 1), at(11, 1), "month", BILLS)
    assert [(each.value, each.label) for each in found.steps] == [
        (70.0, "measured"), (None, "missing"), (80.0, "measured"),
    ]  # fmt: skip


def test_months_are_those_of_the_calendar_and_the_window_cuts_the_last():
    span = meter_steps.default_window("month", at(10, 12, 9), ZONE)
    edges = meter_steps.bounds(span, "month", ZONE)
    assert len(edges) == 13
    assert edges[0] == (at(10, 1, year=2025), at(11, 1, year=2025))
    assert edges[-1] == (at(10, 1), at(10, 12))
    assert len(meter_steps.bounds(meter_steps.default_window("month", at(10, 1, 9), ZONE),
                                  "month", ZONE)) == 12  # fmt: skip
    month = meter_steps.default_window("day", at(10, 12, 9), ZONE)
    assert (month.start, month.end) == (at(9, 1), at(10, 1))
    assert len(meter_steps.bounds(month, "day", ZONE)) == 30


def test_a_day_is_as_long_as_the_clocks_there_make_it():
    berlin = ZoneInfo("Europe/Berlin")
    span = Window(datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 30, 22, tzinfo=UTC))
    edges = meter_steps.bounds(span, "day", berlin)
    hours = [(b.astimezone(UTC) - a.astimezone(UTC)) / timedelta(hours=1) for a, b in edges]
    assert hours == [23.0, 24.0]
