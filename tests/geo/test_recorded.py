"""Consumption recorded by interval: in order, once."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from geo.recorded import recorded
from geo.registers import allocate

CHINA = ZoneInfo("Asia/Shanghai")


def day(number):
    return datetime(2026, 9, number, tzinfo=CHINA)


def test_intervals_in_any_order_are_all_counted():
    answer = recorded([day(3), day(1), day(2)], [day(4), day(2), day(3)], [30, 10, 20])
    assert answer.value.tolist() == [10, 20, 30]
    assert len(answer.ignored) == 0
    found = allocate(answer, [(day(1), day(4)), (day(2), day(3))])
    assert found.value.tolist() == [60, 20]
    assert found.coverage.tolist() == [1, 1]


def test_of_two_that_overlap_the_one_that_began_first_counts_and_the_other_is_named():
    # 1–11, 10–12 and 11–21 September: the second would count 10 and 11 September twice.
    answer = recorded([day(1), day(10), day(11)], [day(11), day(12), day(21)], [100, 20, 100])
    assert answer.value.tolist() == [100, 100]
    assert answer.ignored.tolist() == [1]
    assert answer.ignored_reason.tolist() == ["overlap"]
    found = allocate(answer, [(day(1), day(21))])
    assert (found.value[0], found.coverage[0]) == (200, 1)


def test_days_within_a_bill_that_began_with_them_count_and_the_bill_does_not():
    starts, ends = [day(1), day(1), day(2)], [day(30), day(2), day(3)]
    answer = recorded(starts, ends, [2900, 90, 110])
    assert answer.value.tolist() == [90, 110]
    found = allocate(answer, [(day(1), day(30)), (day(1), day(3))])
    assert found.value.tolist() == [200, 200]
    assert found.coverage.tolist() == pytest.approx([2 / 29, 1])


def test_an_interval_without_length_or_value_is_set_aside():
    answer = recorded(
        [day(1), day(2), day(3), day(5)], [day(2), day(3), day(3), day(6)], [1, np.nan, 3, -4]
    )
    assert answer.value.tolist() == [1]
    assert answer.ignored.tolist() == [1, 2, 3]
    assert set(answer.ignored_reason.tolist()) == {"no_value"}


def test_the_multiplier_counts_and_nothing_recorded_is_no_interval():
    assert recorded([day(1)], [day(2)], [7], multiplier=40).value.tolist() == [280]
    assert len(recorded([], [], []).value) == 0
    with pytest.raises(ValueError, match="length"):
        recorded([day(1)], [day(2)], [1, 2])
