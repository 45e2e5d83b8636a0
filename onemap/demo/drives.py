"""Driving along the streets: ways through the town become fixes, one every ten seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from pyproj import Geod

from onemap.demo.ground import Floats, to_lonlat
from onemap.demo.streets import SPEED_KMH, Town

EVERY_S = 10
_GEOD = Geod(ellps="WGS84")


@dataclass
class Way:
    """A way as pieces of line with a speed each."""

    town: Town
    node: int
    pieces: list[Floats] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)

    def line(self, line: Floats, speed_kmh: float) -> Way:
        """Go along a line of one's own (a car park)."""
        self.pieces.append(line)
        self.speeds.append(speed_kmh)
        return self

    def to(self, node: int) -> Way:
        """Go to a node by the quickest streets."""
        for index, backwards in self.town.route(self.node, node):
            edge = self.town.edges[index]
            self.line(edge.line[::-1] if backwards else edge.line, SPEED_KMH[edge.road_class])
        self.node = node
        return self

    def out(self, edge: int, metres: float) -> Way:
        """Go some way along an edge that begins at the present node, and halt there."""
        found = self.town.edges[edge]
        line = found.line if found.a == self.node else found.line[::-1]
        return self.line(_first(line, metres), SPEED_KMH[found.road_class])

    def back(self, edge: int, metres: float) -> Way:
        """Return along an edge to its node, from where `out` came to."""
        self.turns.append(sum(len(p) for p in self.pieces))
        found = self.town.edges[edge]
        line = found.line if found.a == self.node else found.line[::-1]
        return self.line(_first(line, metres)[::-1], SPEED_KMH[found.road_class])

    def length_m(self) -> float:
        """Length on the grid."""
        return float(sum(np.hypot(*np.diff(p, axis=0).T).sum() for p in self.pieces))


def _first(line: Floats, metres: float) -> Floats:
    steps = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    metres = min(metres, float(along[-1]))
    keep = along < metres
    end = [np.interp(metres, along, line[:, 0]), np.interp(metres, along, line[:, 1])]
    return np.vstack([line[keep], end])


@dataclass
class Fixes:
    """Fixes of one car: seconds since 1970, WGS 84 degrees, km/h, degrees from north."""

    time: Floats
    lon: Floats
    lat: Floats
    speed: Floats
    heading: Floats

    @staticmethod
    def joined(parts: list[Fixes]) -> Fixes:
        """Return all parts in order of time."""
        names = ("time", "lon", "lat", "speed", "heading")
        made = Fixes(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))
        order = np.argsort(made.time, kind="stable")
        return Fixes(*(getattr(made, n)[order] for n in names))

    def until(self, moment: float) -> Fixes:
        """Return the fixes up to a moment."""
        keep = self.time <= moment
        return Fixes(*(v[keep] for v in (self.time, self.lon, self.lat, self.speed, self.heading)))

    def km(self) -> float:
        """Length on the ellipsoid."""
        lon, lat = np.round(self.lon, 6), np.round(self.lat, 6)
        return float(_GEOD.line_length(lon, lat)) / 1000


def drive(
    way: Way, start: float, rng: np.random.Generator, *, duration: float | None = None
) -> Fixes:
    """Return fixes of a drive that leaves at `start` (seconds since 1970).

    Parameters
    ----------
    duration : the drive takes exactly so many seconds; by default as the streets allow.
    """
    xy = np.vstack(way.pieces)
    steps = np.hypot(*np.diff(xy, axis=0).T)
    pace = np.concatenate([np.full(len(p), s) for p, s in zip(way.pieces, way.speeds, strict=True)])
    mood = np.repeat(rng.uniform(0.72, 1.06, len(way.pieces)), [len(p) for p in way.pieces])
    along = np.concatenate([[0.0], np.cumsum(steps)])
    seconds = np.concatenate([[0.0], np.cumsum(steps / (pace * mood / 3.6)[1:])])
    total = duration if duration is not None else np.ceil(seconds[-1])
    seconds *= total / seconds[-1]
    # A receiver also reports where the car turns round.
    turned = [np.ceil(seconds[k]) for k in way.turns if 0 < k < len(seconds)]
    at = np.unique(np.concatenate([np.arange(0.0, total, EVERY_S), [total], turned]))
    run = np.interp(at, seconds, along)
    x, y = np.interp(run, along, xy[:, 0]), np.interp(run, along, xy[:, 1])
    dx, dy = np.gradient(x), np.gradient(y)
    speed = np.gradient(run, at) * 3.6
    speed[0] = speed[-1] = 0.0
    noise = _noise(rng, len(at))
    lon, lat = to_lonlat(x + noise[0], y + noise[1])
    return Fixes(
        at + start, lon, lat, np.round(speed, 1), np.round(np.degrees(np.arctan2(dx, dy)) % 360)
    )


def _noise(rng: np.random.Generator, count: int) -> Floats:
    """Slow errors of position, 2 m or so, as receivers have them."""
    steps = rng.normal(0, 0.55, (2, count))
    made = np.zeros((2, count))
    for k in range(1, count):
        made[:, k] = 0.96 * made[:, k - 1] + steps[:, k]
    return made


def stand(last: Fixes, start: float, end: float, *, every: float = 600) -> Fixes:
    """Return the heartbeat of a car that stands after its last fix (both ends left out).

    Receivers hold the position while nothing moves, so it is the last one again and again.
    """
    at = np.arange(start + every, end - 1, every)
    still = np.zeros(len(at))
    return Fixes(at, still + last.lon[-1], still + last.lat[-1], still, still + last.heading[-1])


def drift(
    place: tuple[float, float], start: float, end: float, rng: np.random.Generator, limit_m: float
) -> Fixes:
    """Return fixes of a parked car whose receiver wanders, but never beyond `limit_m`."""
    at = np.arange(start, end + 1, 300.0)
    angle = np.cumsum(rng.normal(0, 0.5, len(at)))
    reach = (limit_m - 1) * np.abs(np.sin(np.cumsum(rng.uniform(0.01, 0.12, len(at)))))
    lon, lat = to_lonlat(place[0] + reach * np.cos(angle), place[1] + reach * np.sin(angle))
    return Fixes(at, lon, lat, np.round(rng.uniform(0, 1.2, len(at)), 1), np.zeros(len(at)))


def tuned(
    make: Callable[[float], Fixes], km: float, low: float, high: float
) -> tuple[float, Fixes]:
    """Find the metres for which the fixes are `km` long (2 m, at worst 20), and return both.

    Raises
    ------
    ValueError : no length between `low` and `high` does it.
    """
    shortest, longest = make(low).km(), make(high).km()
    if not shortest <= km <= longest:
        raise ValueError(f"{km} km is not between {shortest:.1f} and {longest:.1f}")
    best: tuple[float, float, Fixes] | None = None
    for _ in range(40):
        middle = (low + high) / 2
        made = make(middle)
        error = made.km() - km
        if best is None or abs(error) < best[0]:
            best = (abs(error), middle, made)
        if abs(error) < 0.002:
            break
        low, high = (middle, high) if error < 0 else (low, middle)
    assert best is not None
    if best[0] > 0.02:
        raise ValueError(f"{km} km cannot be met, only to {best[0]:.3f} km")
    # `make` may keep what it made last: leave it with the best.
    return best[1], make(best[1])
