"""The service's clock: the real one, or the demo estate's, which begins with its first Monday.

The demo's database keeps the offset of its clock (`onemap.demo.mark`) and dates by it what is
recorded there, so that what was observed and what was recorded tell one story.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

DEMO_START = datetime(2026, 10, 12, 9, tzinfo=timezone(timedelta(hours=8)))
"""Monday morning, when the demo estate's observations end and its clock begins to run."""


@dataclass(frozen=True)
class Clock:
    """A clock that runs as fast as the real one, set forward or back by a fixed offset."""

    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Return the present moment of this clock, in UTC."""
        return datetime.now(UTC) + self.offset

    @property
    def is_real(self) -> bool:
        """Whether this clock shows the real time."""
        return not self.offset


def demo_clock(built_at: datetime) -> Clock:
    """Return the clock that showed ``DEMO_START`` at the moment ``built_at``."""
    if built_at.tzinfo is None:
        raise ValueError("built_at needs a time zone")
    return Clock(DEMO_START - built_at)
