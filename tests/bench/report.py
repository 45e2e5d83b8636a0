"""Figures of several rounds, their ratios against the goals, and the table at the end."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.load import Speed

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Rate:
    """Rows per second of one import."""

    per_second: float
    seconds: float


@dataclass
class Figures:
    """What each contender gave in each round."""

    subject: str
    rounds: dict[str, list[Speed | Rate]] = field(default_factory=dict)

    def add(self, who: str, one: Speed | Rate) -> None:
        """Note one round of one contender."""
        self.rounds.setdefault(who, []).append(one)

    def ratio(self, who: str, base: str, what: str = "per_second") -> list[float]:
        """Return the ratio of two contenders, round by round."""
        pairs = zip(self.rounds[who], self.rounds[base], strict=True)
        return [getattr(a, what) / getattr(b, what) for a, b in pairs]


@dataclass(frozen=True)
class Goal:
    """One ratio that a goal was set for."""

    subject: str
    base: str
    bound: float
    what: str = "per_second"

    @property
    def at_most(self) -> bool:
        """Whether less is better."""
        return self.what != "per_second"

    def line(self, figures: Figures) -> dict[str, Any]:
        """Return the median over the rounds, the spread, the bound and whether it was met."""
        ratios = figures.ratio("onemap", self.base, self.what)
        middle = median(ratios)
        return {
            "subject": self.subject,
            "against": self.base,
            "of": "rate" if self.what == "per_second" else self.what,
            "ratio": middle,
            "low": min(ratios),
            "high": max(ratios),
            "goal": f"{'≤' if self.at_most else '≥'} {self.bound:g}",
            "met": middle <= self.bound if self.at_most else middle >= self.bound,
        }


GOALS = (
    Goal("z14 tile", "raw", 0.95),
    Goal("z14 tile", "raw", 0.6, "p95_ms"),
    Goal("z16 tile", "raw", 0.50),
    Goal("z14 tile", "tipg", 1.6),
    Goal("z16 tile", "tipg", 5),
    Goal("z14 tile, kept", "nginx", 0.85),
    Goal("z16 tile, kept", "nginx", 0.85),
    Goal("feature page", "tipg", 25),
    Goal("import", "copy", 0.35),
    Goal("import", "to_postgis", 3),
    Goal("new rows", "off", 1.5, "seconds"),
    Goal("changed rows", "off", 3, "seconds"),
)
NAMES = {
    "raw": "raw SQL (pgbench)",
    "nginx": "nginx, static files",
    "copy": "COPY BINARY, server-side",
    "to_postgis": "geopandas.to_postgis",
    "off": "triggers of history off",
}


def ratios(measured: list[Figures]) -> list[dict[str, Any]]:
    """Return the lines of the table for what was measured."""
    by_subject = {each.subject: each for each in measured}
    return [g.line(by_subject[g.subject]) for g in GOALS if g.subject in by_subject]


def as_json(measured: list[Figures], where: dict[str, Any]) -> dict[str, Any]:
    """Return everything, for a script."""
    return {
        "where": where,
        "ratios": ratios(measured),
        "rounds": {
            each.subject: {w: [vars(r) for r in rounds] for w, rounds in each.rounds.items()}
            for each in measured
        },
    }


def as_text(measured: list[Figures], where: dict[str, Any]) -> str:
    """Return the table: ratios first, then the figures behind them, then where."""
    lines = [
        "",
        f"{'ratio':>7}  {'(spread)':<15} {'goal':<8} {'':<3} {'subject':<14} against",
    ]
    for each in ratios(measured):
        against = NAMES.get(each["against"], each["against"])
        if each["of"] == "p95_ms":
            against += ", p95"
        lines.append(
            f"{each['ratio']:7.2f}  "
            + f"({each['low']:.2f}–{each['high']:.2f})".ljust(15)
            + f" {each['goal']:<8} {'✓' if each['met'] else '✗':<3} {each['subject']:<14} {against}"
        )
    lines += ["", f"{'per second':>10} {'p50 ms':>9} {'p95 ms':>9} {'KiB':>7}  (medians of rounds)"]
    for figures in measured:
        for who, rounds in figures.rounds.items():
            lines.append(_figures(figures.subject, NAMES.get(who, who), rounds))
    lines += ["", *(f"{name}: {value}" for name, value in where.items())]
    return "\n".join(lines)


def _figures(subject: str, who: str, rounds: list[Speed | Rate]) -> str:
    def middle(name: str) -> float | None:
        values = [getattr(each, name, None) for each in rounds]
        known = [value for value in values if value is not None]
        return median(known) if known else None

    cells = [f"{middle('per_second'):10,.0f}"]
    for name, width in (("p50_ms", 9), ("p95_ms", 9), ("kib", 7)):
        value = middle(name)
        cells.append(" " * width if value is None else f"{value:{width}.1f}")
    return f"{' '.join(cells)}  {subject}: {who}"


def where(
    server: str, postgis: str, count: int, rounds: int, seconds: float, load_before: float
) -> dict[str, Any]:
    """Name the machine, the versions and the commit."""
    return {
        "commit": _git("rev-parse", "--short=12", "HEAD") + (" (changed)" if _changed() else ""),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        "system": platform.platform(),
        "versions": ", ".join(
            [
                f"Python {platform.python_version()}",
                f"PostgreSQL {server}",
                f"PostGIS {postgis}",
                f"tipg {_peer()}",
                *(f"{n} {version(n)}" for n in ("geopandas", "asyncpg", "uvicorn", "starlette")),
            ]
        ),
        "load": f"wrk and pgbench, 8 connections, {rounds} rounds of {seconds:g} s in turns",
        "rows": f"{count:,} buildings",
        "load average before": f"{load_before:.1f}",
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _changed() -> bool:
    return bool(_git("status", "--porcelain", "--untracked-files=no").removeprefix("unknown"))


def _peer() -> str:
    for file in (ROOT / ".bench" / "venv").glob("lib/python*/site-packages/tipg-*.dist-info"):
        return file.name.removeprefix("tipg-").removesuffix(".dist-info")
    return "absent"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
