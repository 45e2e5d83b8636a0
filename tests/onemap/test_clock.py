"""The demo's clock starts on its Monday and runs on; the real one is the real one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from onemap import clock


def test_the_demo_starts_on_monday_the_12th_of_october_2026_at_nine_in_beijing() -> None:
    assert clock.DEMO_START == datetime(2026, 10, 12, 1, tzinfo=UTC)
    assert clock.DEMO_START.weekday() == 0


def test_an_hour_after_the_demo_was_built_its_clock_shows_ten() -> None:
    built = datetime.now(UTC) - timedelta(hours=1)
    shown = clock.demo_clock(built).now()
    assert abs(shown - datetime(2026, 10, 12, 2, tzinfo=UTC)) < timedelta(seconds=5)


def test_the_real_clock_shows_the_real_time() -> None:
    assert clock.Clock().is_real
    assert abs(clock.Clock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        clock.demo_clock(datetime(2027, 1, 2))  # noqa: DTZ001
