"""`Measure`: a question about each thing of a layer that has a number (or a state) for an answer.

A measure asks through `rows` alone. It yields a numerator and a denominator for each thing, so
that aggregates are sums first and quotients last, and a coverage: how much of what the answer
should rest on is known. What is not known is None, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Select

from layers.access import Actor
from layers.labels import Text
from layers.problems import BadRequest

Kind = Literal["sequential", "diverging", "categorical", "neutral"]
Direction = Literal["high_is_bad", "low_is_bad", "neutral"]
Rows = Sequence[Mapping[str, Any]]
LONGEST_WINDOW = timedelta(days=366 * 5)


@dataclass(frozen=True)
class Window:
    """When observations happened: [start, end), in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise BadRequest(
                zh="window 的起点应早于终点，例如 2026-09-01/2026-10-01",
                en="window: the start must come before the end, as in 2026-09-01/2026-10-01",
                field="window",
            )
        if self.end - self.start > LONGEST_WINDOW:
            raise BadRequest(zh="window 最长五年", en="window: five years at most", field="window")

    @property
    def seconds(self) -> float:
        """Its length in seconds."""
        return (self.end - self.start).total_seconds()

    @property
    def days(self) -> float:
        """Its length in days of 24 hours."""
        return self.seconds / 86_400

    def dates(self, zone: ZoneInfo) -> tuple[date, date]:
        """Return the first day it touches and the last, as counted in `zone`."""
        last = self.end - timedelta(microseconds=1)
        return self.start.astimezone(zone).date(), last.astimezone(zone).date()


def last_days(now: datetime, zone: ZoneInfo, days: int = 7) -> Window:
    """Return the last full days before `now`, as counted in `zone`."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    start = (today.replace(tzinfo=None) - timedelta(days=days)).replace(tzinfo=zone)
    return Window(start.astimezone(UTC), today.astimezone(UTC))


def last_month(now: datetime, zone: ZoneInfo) -> Window:
    """Return the last full calendar month before `now`, as counted in `zone`."""
    first = now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    before = first.replace(tzinfo=None) - timedelta(days=1)
    start = before.replace(day=1, tzinfo=zone)
    return Window(start.astimezone(UTC), first.astimezone(UTC))


@dataclass(frozen=True)
class Question:
    """Who asks, about which recorded moment, and about which window of observations.

    Attributes
    ----------
    now : the service's clock; it dates what holds "today" when `at` is None.
    """

    actor: Actor
    at: datetime | None
    now: datetime
    zone: ZoneInfo
    window: Window | None = None

    @property
    def day(self) -> date:
        """The day whose occupancies and standards count: that of `at`, else today."""
        return (self.at or self.now).astimezone(self.zone).date()

    @property
    def span(self) -> Window:
        """The window of a windowed measure."""
        assert self.window is not None, "a windowed measure is always given its window"
        return self.window


@dataclass
class Values:
    """The answer before it is classed: columns of equal length, one entry for each thing."""

    ids: list[int] = field(default_factory=list)
    values: list[float | str | None] = field(default_factory=list)
    numerator: list[float | None] = field(default_factory=list)
    denominator: list[float | None] = field(default_factory=list)
    coverage: list[float | None] = field(default_factory=list)
    editions: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        key: int,
        numerator: float | None,
        denominator: float | None = 1.0,
        coverage: float | None = None,
    ) -> None:
        """Add a thing; without a numerator or with a denominator of 0 or None it has no value."""
        known = numerator is not None and denominator is not None and denominator > 0
        self.ids.append(key)
        self.values.append(numerator / denominator if known else None)  # type: ignore[operator]
        self.numerator.append(numerator)
        self.denominator.append(denominator)
        self.coverage.append(coverage)

    def keep(self, wanted: set[int]) -> Values:
        """Return the answer for some ids only."""
        places = [i for i, key in enumerate(self.ids) if key in wanted]
        return Values(
            [self.ids[i] for i in places],
            [self.values[i] for i in places],
            [self.numerator[i] for i in places],
            [self.denominator[i] for i in places],
            [self.coverage[i] for i in places],
            self.editions,
        )


Ask = Callable[[Question], Mapping[str, Select[Any]]]
Read = Callable[[Question, Mapping[str, Rows]], Values]


def quotients(_question: Question, found: Mapping[str, Rows]) -> Values:
    """Read the rows ``id, numerator, denominator, coverage`` of the statement ``values``."""
    rows = found["values"]
    numerators = [row["numerator"] for row in rows]
    denominators = [row["denominator"] for row in rows]
    return Values(
        [row["id"] for row in rows],
        [
            n / d if n is not None and d else None
            for n, d in zip(numerators, denominators, strict=True)
        ],
        numerators,
        denominators,
        [row["coverage"] for row in rows],
    )


def states(_question: Question, found: Mapping[str, Rows]) -> Values:
    """Read the rows ``id, state`` of the statement ``values``."""
    rows = found["values"]
    nothing: list[float | None] = [None] * len(rows)
    return Values(
        [row["id"] for row in rows],
        [row["state"] for row in rows],
        nothing,
        list(nothing),
        [None if row["state"] is None else 1.0 for row in rows],
    )


@dataclass(frozen=True)
class Measure:
    """A question with a number for an answer.

    Attributes
    ----------
    name : unique among all measures, the last part of its address.
    layer : the layer whose things it is about.
    unit : as it is shown after the number; empty where the number is a share.
    kind : how it is coloured; ``neutral`` is a number that is neither good nor bad.
    direction : which end is bad.
    windowed : whether it is about what happened in a window.
    citation : the regulation or standard it follows, where there is one.
    ask : the statements it needs, by name.
    read : the answer in their rows.
    default_window : the window where none is given, from the service's clock.
    states : the list of `layers.labels.CHOICES` that a categorical measure answers in.
    rests : what it is made of beside its own layer: layers, and columns (``persons.rank``) that
        must be seen as they are. Who does not see all of it is not answered.
    """

    name: str
    layer: str
    title: Text
    description: Text
    unit: Text
    kind: Kind
    direction: Direction
    ask: Ask
    read: Read = quotients
    citation: Text | None = None
    default_window: Callable[[datetime, ZoneInfo], Window] | None = None
    states: str | None = None
    rests: tuple[str, ...] = ()

    @property
    def windowed(self) -> bool:
        """Whether the measure is about what happened in a window."""
        return self.default_window is not None
