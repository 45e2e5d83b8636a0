"""Asking named filters and insights of a database, as the routes do."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from layers.access import ESTATE, Actor
from layers.insights import INSIGHTS, Line, Told
from layers.measures.base import Question
from layers.named import named

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 10, 12, 9, tzinfo=ZONE)


def selected(
    engine: sa.Engine,
    name: str,
    actor: Actor = ESTATE,
    now: datetime = NOW,
    at: datetime | None = None,
) -> dict[int, dict[str, Any]]:
    """Return the rows that a named filter selects, by id; an id that stands twice is an error."""
    wanted, question = named(name), Question(actor, at, now, ZONE)
    with engine.connect() as connection:

        def rows(statement: sa.Select[Any]) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.execute(statement).mappings()]

        found = {key: rows(statement) for key, statement in wanted.needs(question).items()}
        answer = rows(wanted.ask(question, found))
    made = {row.pop("id"): row for row in answer}
    assert len(made) == len(answer), f"{name} selects an id twice"
    names = [column.name for column in wanted.columns]
    assert all(list(row) == names for row in made.values()), f"{name} has other columns"
    return made


def told(
    engine: sa.Engine,
    layer: str,
    name: str,
    key: int,
    actor: Actor = ESTATE,
    now: datetime = NOW,
    at: datetime | None = None,
) -> Told | None:
    """Return what an insight says of one thing."""
    (wanted,) = [each for each in INSIGHTS if (each.layer, each.name) == (layer, name)]
    question = Question(actor, at, now, ZONE)
    with engine.connect() as connection:
        found = {
            part: [dict(row) for row in connection.execute(statement).mappings()]
            for part, statement in wanted.ask(question, key).items()
        }
    return wanted.read(question, key, found)


def lines(said: Told | None, name: str) -> list[Line]:
    """Return the lines of that name."""
    assert said is not None
    return [line for line in said.lines if line.name == name]


def value(said: Told | None, name: str) -> Any:
    """Return the value of the one line of that name."""
    (line,) = lines(said, name)
    return line.value
