"""`NamedFilter`: a counted question, and the one set of rows that answers it everywhere.

"Over the area standard: 2" is a count on the first screen, a list, marks on the map, an export and
a permalink; all of them ask the same statement, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Select

from layers.labels import Text, heading
from layers.measures.base import Question, Rows

Tone = Literal["bad", "attention", "neutral"]
Found = Mapping[str, Rows]
Needs = Callable[[Question], Mapping[str, Select[Any]]]
Ask = Callable[[Question, Found], Select[Any]]


def nothing(_question: Question) -> Mapping[str, Select[Any]]:
    """Need no rows beforehand."""
    return {}


@dataclass(frozen=True)
class Column:
    """A column that a named filter adds to the rows it selects: why a row is among them.

    Attributes
    ----------
    name : of the column in the statement; no name of a column of the layer.
    type : as in `layers.fields.Field`: ``string``, ``integer``, ``number``, ``date``,
        ``date-time``.
    unit : a sign, or a word of `layers.labels.UNITS`.
    choices : the list of `layers.labels.CHOICES` whose codes it holds.
    summed : whether its sum over the list means something.
    """

    name: str
    title: Text
    type: str
    unit: str | None = None
    choices: str | None = None
    summed: bool = False

    @property
    def heading(self) -> Text:
        """The title as it heads the column."""
        return heading(self.title)


@dataclass(frozen=True)
class NamedFilter:
    """A counted question.

    Attributes
    ----------
    name : unique, the word of addresses and permalinks.
    layer : whose rows it selects.
    title : as it stands beside the count.
    description : the rule in a sentence, so that a reader can check it by hand.
    unit : what is counted (人, 间, 辆).
    tone : whether a count above zero is bad, wants attention, or is a plain fact.
    needs : statements whose rows `ask` must know first (a network is walked, not joined).
    ask : the statement of the rows: ``id`` and the added columns; each id once.
    columns : the added columns, in the order of the list.
    order : how the list is sorted at first: column names, ``-`` before one that falls.
    group : by what the list is summed up at first: ``building``, ``level`` or ``body``.
    citation : the regulation it follows, where there is one.
    rests : what it is made of beside its own layer: layers, and columns (``persons.rank``) that
        must be seen as they are. Who does not see all of it is not answered.
    """

    name: str
    layer: str
    title: Text
    description: Text
    unit: Text
    ask: Ask
    tone: Tone = "attention"
    needs: Needs = nothing
    columns: tuple[Column, ...] = field(default=())
    order: str = ""
    group: str | None = None
    citation: Text | None = None
    rests: tuple[str, ...] = ()
