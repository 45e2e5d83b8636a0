"""Classes and colours of a measure: breaks from what the actor may see, ColorBrewer ramps.

Colours: Cynthia Brewer and Mark Harrower, ColorBrewer 2.0 (Apache-2.0). By night the ramps run
from dark to bright, so that the larger number always stands out from the ground.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from layers.base import Layer
from layers.labels import CHOICES
from layers.measures.base import Measure, Values

CLASSES = 5

# Light to dark, five classes, by day; the night's are the same hues on a dark ground.
_RAMPS: dict[str, tuple[list[str], list[str]]] = {
    # YlOrRd: more is worse.
    "high_is_bad": (
        ["#ffffb2", "#fecc5c", "#fd8d3c", "#f03b20", "#bd0026"],
        ["#4a3b1f", "#7f5a1c", "#c2701f", "#f0643a", "#ff9d8a"],
    ),
    # RdYlGn the other way: less is worse, in hues told apart without green against red.
    "low_is_bad": (
        ["#ca0020", "#f4a582", "#f7f7f7", "#92c5de", "#0571b0"],
        ["#ff7d76", "#a3604e", "#56595c", "#4b83a3", "#6bbcf0"],
    ),
    # PuBu without judgement: Purples.
    "neutral": (
        ["#f2f0f7", "#cbc9e2", "#9e9ac8", "#756bb1", "#54278f"],
        ["#332f45", "#504a78", "#7169a8", "#988fd0", "#c9c2f2"],
    ),
}
_OTHER = ("#8a94a0", "#8a94a0")


@dataclass(frozen=True)
class Classes:
    """How values are coloured.

    Attributes
    ----------
    breaks : the upper bound of every class but the last, rising; a value equal to a break
        belongs to the class below it.
    colors, colors_dark : one colour a class (``len(breaks) + 1``), or a category.
    categories : the codes of a categorical measure, in order of the colours.
    """

    breaks: list[float] = field(default_factory=list)
    colors: list[str] = field(default_factory=list)
    colors_dark: list[str] = field(default_factory=list)
    categories: list[str] | None = None


def classify(measure: Measure, values: Values, layer: Layer) -> Classes:
    """Return the classes of all values the actor may see (never of a part of the map)."""
    if measure.kind == "categorical":
        return _categories(measure, layer)
    numbers = np.array([v for v in values.values if isinstance(v, float | int)], dtype=np.float64)
    ramp = _RAMPS[measure.direction if measure.kind != "neutral" else "neutral"]
    breaks = _breaks(numbers)
    count = len(breaks) + 1 if len(numbers) else 0
    return Classes(breaks, _pick(ramp[0], count), _pick(ramp[1], count))


def _breaks(numbers: Any) -> list[float]:
    distinct = np.unique(numbers)
    if len(distinct) <= 1:
        return []
    if len(distinct) <= CLASSES:
        return [float(each) for each in distinct[:-1]]
    # A great many zeros (nothing over its quota) would swallow every class: they are one class.
    share_of_lowest = np.count_nonzero(numbers == distinct[0]) / len(numbers)
    rest = numbers[numbers > distinct[0]] if share_of_lowest > 1 / CLASSES else numbers
    classes = CLASSES - 1 if share_of_lowest > 1 / CLASSES else CLASSES
    first = [float(distinct[0])] if share_of_lowest > 1 / CLASSES else []
    # Quantiles: natural breaks cost quadratic time, and 100,000 rooms are to be classed at once.
    if len(np.unique(rest)) <= classes:
        found = np.unique(rest)
    else:
        found = np.quantile(rest, np.arange(1, classes + 1) / classes)
    return sorted({*first, *(float(each) for each in found[:-1])})


def _pick(ramp: list[str], count: int) -> list[str]:
    """Return `count` colours spread over the ramp, its ends first."""
    if count <= 1:
        return ramp[2:3] * count
    return [ramp[round(i * (len(ramp) - 1) / (count - 1))] for i in range(count)]


def _categories(measure: Measure, layer: Layer) -> Classes:
    paint = layer.paint
    codes = list(CHOICES[measure.states or ""])
    colors = dict(paint.colors) if paint else {}
    light = [colors.get(code, _OTHER[0]) for code in codes]
    return Classes([], light, list(light), codes)
