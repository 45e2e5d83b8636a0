"""Measures: questions about the things of a layer that have a number for an answer.

`MEASURES` is the whole list; the routes, the catalogue, the legend and the notebook client read
it. `base.Measure` says what a measure is.
"""

from __future__ import annotations

from layers.measures import balance, energy, moving, quota, space
from layers.measures.base import Measure, Question, Values, Window
from layers.measures.classes import Classes, classify
from layers.problems import NotFound

MEASURES: tuple[Measure, ...] = (
    *space.MEASURES[:2],
    *quota.MEASURES,
    *space.MEASURES[2:],
    *energy.MEASURES,
    *balance.MEASURES,
    *moving.MEASURES,
)


def measure(name: str) -> Measure:
    """Return the measure called `name`.

    Raises
    ------
    NotFound : no measure has that name; the message lists those there are.
    """
    for each in MEASURES:
        if each.name == name:
            return each
    known = ", ".join(sorted(each.name for each in MEASURES))
    raise NotFound(
        zh=f"没有名为“{name}”的指标；可用的指标：{known}",
        en=f"There is no measure called '{name}'. The measures are: {known}",
    )


__all__ = [
    "MEASURES",
    "Classes",
    "Measure",
    "Question",
    "Values",
    "Window",
    "classify",
    "measure",
]
