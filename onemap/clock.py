"""The service's clock: the real one, or the demo estate's, which runs on from its first Monday.

Only what was *observed* (readings, positions, trips) is asked for by this clock. What was
*recorded* is always dated by the database.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

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


def save_demo(data_dir: Path, built_at: datetime, *, seed: int, scale: float) -> None:
    """Remember when and of what the demo was built."""
    record = {"built_at": built_at.astimezone(UTC).isoformat(), "seed": seed, "scale": scale}
    path = _path(data_dir)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(record) + "\n", encoding="utf-8")
    fresh.replace(path)


def load_demo(data_dir: Path) -> tuple[Clock, int, float] | None:
    """Return the demo's clock, seed and scale, or None when no demo has been built here."""
    path = _path(data_dir)
    if not path.exists():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    clock = demo_clock(datetime.fromisoformat(record["built_at"]))
    return clock, int(record["seed"]), float(record["scale"])


def forget_demo(data_dir: Path) -> None:
    """Forget that a demo was built, as before it is built anew."""
    _path(data_dir).unlink(missing_ok=True)


def _path(data_dir: Path) -> Path:
    return data_dir / "demo.json"
