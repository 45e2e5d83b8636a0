"""Registers roll over, meters are replaced, data has gaps: the consumption stays honest."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.registers import Replacement, allocate, consumption

CHINA = ZoneInfo("Asia/Shanghai")


def at(month, day, hour=0, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=CHINA)


def days(month, first, last):
    return [at(month, day) for day in range(first, last + 1)]


def test_a_register_of_five_digits_rolls_over_from_99942_to_00047():
    answer = consumption([at(6, 18), at(6, 19)], [99942, 47], multiplier=40, digits=5)
    assert answer.value.tolist() == [4200]
    assert answer.label.tolist() == ["measured"]
    assert answer.reason.tolist() == ["roll_over"]


def test_without_known_digits_a_fall_is_unknown_and_never_negative():
    answer = consumption([at(6, 18), at(6, 19)], [99942, 47], multiplier=40)
    assert np.isnan(answer.value[0])
    assert (answer.label[0], answer.reason[0]) == ("unknown", "decreased")


def test_a_fall_that_no_roll_over_explains_is_unknown():
    answer = consumption([at(6, 18), at(6, 19)], [50000, 40000], digits=5)
    assert answer.reason[0] == "decreased"
    answer = consumption([at(6, 18), at(6, 19)], [99942, 47], multiplier=40, digits=5, max_rate=100)
    assert answer.reason[0] == "decreased"  # 4,200 kWh in a day is more than 100 an hour
    answer = consumption([at(6, 18), at(6, 19)], [99942, 47], multiplier=40, digits=5, max_rate=175)
    assert answer.reason[0] == "roll_over"  # exactly 175 an hour


def test_a_replaced_meter_counts_to_the_old_end_and_from_the_new_start():
    times = [at(3, 13), at(3, 14), at(3, 15), at(3, 16)]
    exchange = Replacement(at(3, 14, 11, 20), 48_210.5, 12.3)
    answer = consumption(times, [48_100.0, 48_190.5, 62.3, 152.3], replacements=[exchange])
    # 48,210.5 − 48,190.5 = 20 on the old meter, 62.3 − 12.3 = 50 on the new.
    assert answer.value == pytest.approx([90.5, 70, 90])
    assert answer.reason.tolist() == ["", "replaced", ""]
    assert answer.label.tolist() == ["measured"] * 3


def test_the_last_and_first_value_may_stand_among_the_readings():
    times = [at(3, 14), at(3, 14, 11, 20), at(3, 14, 11, 20), at(3, 15)]
    values = [48_190.5, 12.3, 48_210.5, 62.3]  # not even in order
    exchange = Replacement(at(3, 14, 11, 20), 48_210.5, 12.3)
    answer = consumption(times, values, replacements=[exchange])
    assert np.nansum(answer.value) == pytest.approx(70)
    assert len(answer.ignored) == 0


def test_a_replacement_whose_values_nobody_noted_is_unknown():
    exchange = Replacement(at(3, 14, 11, 20), None, 12.3)
    answer = consumption([at(3, 14), at(3, 15)], [48_190.5, 62.3], replacements=[exchange])
    assert np.isnan(answer.value[0])
    assert (answer.label[0], answer.reason[0]) == ("unknown", "replaced")


@pytest.fixture
def silent():
    """E-0144 reads 3,800 a day, is silent 2–6 August and then stands 19,400 higher."""
    times = [*days(7, 29, 31), at(8, 1), at(8, 2), at(8, 7), at(8, 8), at(8, 9)]
    start = 100_000.0
    steps = np.cumsum([0, 3800, 3800, 3800, 3800, 19_400, 3900, 3900])
    return consumption(times, start + steps)


def test_a_silent_week_has_a_total_and_unknown_days(silent):
    gap = int(np.flatnonzero(silent.reason == "gap")[0])
    assert silent.value[gap] == 19_400
    assert silent.label[gap] == "unknown"
    assert (silent.label == "unknown").sum() == 1


def test_no_day_of_the_silence_is_given_a_share(silent):
    windows = [(at(8, day), at(8, day + 1)) for day in range(1, 9)]
    answer = allocate(silent, windows)
    np.testing.assert_array_equal(answer.value, [3800, *[np.nan] * 5, 3900, 3900])
    np.testing.assert_array_equal(answer.coverage, [1, 0, 0, 0, 0, 0, 1, 1])


def test_a_window_round_the_silence_has_the_whole_total(silent):
    answer = allocate(silent, [(at(8, 1), at(8, 9)), (at(8, 4), at(8, 9))])
    assert answer.value.tolist() == [3800 + 19_400 + 3900 + 3900, 7800]
    assert answer.coverage == pytest.approx([1.0, 2 / 5])
    assert answer.unknown_share == pytest.approx([5 / 8, 0])


def test_one_zero_at_three_in_the_morning_is_set_aside():
    times = [at(5, 6, hour) for hour in range(6)]
    answer = consumption(times, [500.0, 500.2, 500.3, 0.0, 500.6, 500.8])
    assert answer.ignored.tolist() == [3]
    assert answer.ignored_reason.tolist() == ["spurious_zero"]
    assert answer.value == pytest.approx([0.2, 0.1, 0.3, 0.2])
    assert answer.reason.tolist() == ["", "", "spurious_zero", ""]
    assert answer.label.tolist() == ["measured", "measured", "unknown", "measured"]
    # … and with the digits known it is no roll-over either.
    again = consumption(times, [500.0, 500.2, 500.3, 0.0, 500.6, 500.8], digits=5)
    assert np.nansum(again.value) == pytest.approx(0.8)


def test_zeros_in_a_row_dips_and_spikes_are_set_aside():
    hours = [at(5, 6, hour) for hour in range(6)]
    zeros = consumption(hours, [500, 0, 0, 503, 504, 505])
    assert zeros.ignored.tolist() == [1, 2]
    assert np.nansum(zeros.value) == 5
    dip = consumption(hours, [500, 501, 101, 503, 504, 505])
    assert dip.ignored_reason.tolist() == ["spurious_dip"]
    spike = consumption(hours, [500, 501, 99_502, 503, 504, 505], digits=5)
    assert spike.ignored.tolist() == [2]
    assert spike.ignored_reason.tolist() == ["spurious_spike"]
    assert np.nansum(spike.value) == 5


def test_a_first_reading_of_zero_is_no_consumption_of_a_lifetime():
    hours = [at(5, 6, hour) for hour in range(6)]
    answer = consumption(hours, [0, 48_000, 48_001, 48_002, 48_003, 48_004])
    assert np.isnan(answer.value[0])
    assert answer.reason[0] == "too_fast"
    fresh = consumption(hours, [0, 1, 2, 3, 4, 5])
    assert np.nansum(fresh.value) == 5


def test_faster_than_possible_is_unknown():
    answer = consumption([at(5, 6, 0), at(5, 6, 1)], [0, 1000], max_rate=100)
    assert np.isnan(answer.value[0])
    assert answer.reason[0] == "too_fast"


def test_the_same_time_twice_counts_once():
    times = [at(5, 6, 0), at(5, 6, 1), at(5, 6, 1), at(5, 6, 1), at(5, 6, 2)]
    answer = consumption(times, [1, 2, 2, 2.5, 3])
    assert answer.value.tolist() == [1, 1]
    assert answer.ignored.tolist() == [2, 3]
    assert answer.ignored_reason.tolist() == ["duplicate_reading", "conflict"]


def test_readings_that_are_no_numbers_are_named():
    answer = consumption([at(5, 6, h) for h in range(4)], [1, np.nan, 3, 123_456], digits=5)
    assert answer.ignored_reason.tolist() == ["no_value", "too_many_digits"]


def test_monthly_bills_of_28_to_31_days_are_no_gaps():
    times = [at(month, 1) for month in range(1, 8)]
    answer = consumption(times, np.arange(7) * 1000.0)
    assert set(answer.label.tolist()) == {"measured"}
    # A day of a month has no share of the bill.
    assert np.isnan(allocate(answer, [(at(2, 3), at(2, 4))]).value[0])
    assert allocate(answer, [(at(2, 1), at(4, 1))]).value.tolist() == [2000]


def test_no_reading_and_one_reading_are_no_interval():
    assert len(consumption([], []).value) == 0
    one = consumption([at(5, 6)], [5])
    assert len(one.value) == 0
    empty = allocate(one, [(at(5, 6), at(5, 7))])
    assert np.isnan(empty.value[0])
    assert empty.coverage[0] == 0


def test_a_time_without_zone_and_a_backward_window_are_errors():
    with pytest.raises(ValueError, match="time zone"):
        consumption([at(5, 6).replace(tzinfo=None), at(5, 7).replace(tzinfo=None)], [1, 2])
    with pytest.raises(ValueError, match="window"):
        allocate(consumption([], []), [(at(5, 7), at(5, 6))])
    with pytest.raises(ValueError, match="length"):
        consumption([at(5, 6)], [1, 2])


@given(
    steps=st.lists(st.integers(0, 900), min_size=1, max_size=60),
    start=st.integers(0, 99_999),
)
def test_a_rolling_register_adds_up_to_what_went_through_it(steps, start):
    """The truth is the running total; the register shows it modulo 100,000."""
    total = start + np.cumsum([0, *steps])
    times = [at(1, 1) + timedelta(hours=n) for n in range(len(total))]
    answer = consumption(times, total % 100_000, digits=5, max_rate=900)
    assert np.sum(answer.value) == sum(steps)
    assert (answer.label == "measured").all()


def test_a_year_of_quarter_hours_adds_up():
    times = np.datetime64("2026-01-01") + np.arange(35_040) * np.timedelta64(15, "m")
    answer = consumption(times, np.cumsum(np.ones(35_040)))
    allocate(answer, np.column_stack([times[:-1], times[1:]]))
    assert answer.value.sum() == 35_039


def test_days_beside_a_month_of_hours_are_no_gaps_and_a_missed_day_is():
    daily = [at(4, 1) + timedelta(days=day) for day in range(90)]
    hourly = [at(5, 1) + timedelta(hours=hour) for hour in range(31 * 24)]
    times = sorted({*daily, *hourly} - {at(6, 10)})
    answer = consumption(times, np.arange(len(times), dtype=float))
    gaps = answer.start[answer.reason == "gap"]
    # 9 June, 00:00 in China.
    assert gaps.tolist() == [datetime(2026, 6, 8, 16)]  # noqa: DTZ001 - UTC, as datetime64 is
