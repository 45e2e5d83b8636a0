"""`Insight`: what a rule says of one thing, as the panel shows it beside the recorded facts.

A fact is what a file said; an insight is what follows from facts by a rule that it names: the
area a person may have, what a dead switch takes with it, how long a car has been silent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Select

from layers.labels import Text
from layers.measures.base import Question, Rows

Status = Literal["ok", "attention", "bad", "neutral"]
Found = Mapping[str, Rows]


@dataclass(frozen=True)
class Line:
    """One line of an insight.

    Attributes
    ----------
    title : what the value is.
    value : a number, a text, a moment (tz-aware) or a date; None where it is not known.
    unit : a sign, or a word of `layers.labels.UNITS`.
    link : ``(layer, id)`` of the thing it speaks of.
    name : the word by which tests and the page know the line.
    """

    name: str
    title: Text
    value: Any
    unit: str | None = None
    link: tuple[str, int] | None = None


@dataclass(frozen=True)
class Told:
    """What an insight says of one thing: the verdict in a sentence, and the lines it rests on."""

    status: Status
    headline: Text
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Insight:
    """A rule asked about one thing.

    Attributes
    ----------
    name : unique among the insights of a layer.
    layer : of the thing.
    ask : the statements, by name, for the thing's id.
    read : what they say; None where the rule does not apply to the thing.
    citation : the rule's source, where it is a regulation or a standard.
    rests : what it is made of beside its own layer: layers, and columns (``persons.rank``) that
        must be seen as they are. Who does not see all of it is not answered.
    """

    name: str
    layer: str
    title: Text
    ask: Callable[[Question, int], Mapping[str, Select[Any]]]
    read: Callable[[Question, int, Found], Told | None]
    citation: Text | None = None
    rests: tuple[str, ...] = ()
