"""A statement that is kept says what one composed afresh would say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.composed import composed
from api.listed import question_of
from api.routes.facts import _statements
from api.session import Config, Session
from layers.access import ESTATE, Actor
from layers.insights import INSIGHTS
from layers.policy import all_business
from layers.prepared import prepare
from layers.registry import LAYERS

# A day in Shanghai, from its first instant on.
DAY = datetime(2026, 10, 11, 16, tzinfo=UTC)
MINUTES = st.integers(0, 24 * 60 - 1)
SCOPED = Actor("甲", all_business((3, 4)))
ASKED = {
    **{
        f"facts of {shown.name}": lambda session, shown=shown: (
            lambda key, now: _statements(session, shown, key, now)
        )
        for shown in LAYERS
        if shown.series is None
    },
    **{
        f"{each.name} of {each.layer}": lambda session, each=each: (
            lambda key, now: each.ask(replace(question_of(session), now=now), key)
        )
        for each in INSIGHTS
    },
}


def session_at(actor, now, at=None):
    return Session(actor, at, "zh", None, Config("", now=lambda: now))


@pytest.mark.parametrize("asked", ASKED)
@settings(max_examples=1, deadline=None)
@given(first=MINUTES, minute=MINUTES, key=st.integers(1, 2**40))
def test_what_is_kept_equals_what_is_composed_afresh(asked, first, minute, key):
    then, now = (DAY + timedelta(minutes=each) for each in (first, minute))
    shape = (asked, first)
    session = session_at(SCOPED, then)
    composed(session, shape, 7, ASKED[asked](session))
    session = session_at(SCOPED, now)
    make = ASKED[asked](session)
    fresh = {name: prepare(each) for name, each in make(key, now).items()}
    assert composed(session, shape, key, make) == fresh


def test_of_the_past_and_of_another_day_it_is_composed_afresh():
    asked = []

    def make(key, now):
        asked.append((key, now))
        return {}

    for now, at in ((DAY, None), (DAY, None), (DAY, DAY), (DAY - timedelta(seconds=1), None)):
        composed(session_at(ESTATE, now, at), "a shape", 5, make)
    at_present, of_past, of_yesterday = asked[:2], asked[2], asked[3:]
    assert len(at_present) == len(of_yesterday) == 2
    assert of_past == (5, DAY)


def test_what_moves_otherwise_than_its_moment_is_refused():
    import sqlalchemy as sa

    def make(_key, now):
        return {"x": sa.select(sa.literal(DAY + 2 * (now - DAY)))}

    with pytest.raises(ValueError, match="moves otherwise"):
        composed(session_at(ESTATE, DAY), "another shape", 5, make)
