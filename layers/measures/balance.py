"""The share of a main meter that the meters below it do not explain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Float, Select, cast, select

from layers.labels import Text
from layers.measures.base import Measure, Question, last_month
from layers.rules.energy import balances


def ask(question: Question) -> Mapping[str, Select[Any]]:
    """Return ``id, numerator, denominator, coverage`` of each main meter."""
    found = balances(question, question.span).subquery("balance")
    statement = select(
        found.c.id,
        (found.c.main - found.c.subs).label("numerator"),
        found.c.main.label("denominator"),
        (cast(found.c.judged, Float) / found.c.meters).label("coverage"),
    )
    return {"values": statement}


MEASURES = (
    Measure(
        name="unexplained_share",
        layer="meters",
        rests=("readings",),
        title=Text("分项差额", "Unexplained share"),
        description=Text(
            "（总表用量 − 下级分表用量之和）÷ 总表用量；窗口两端附近没有有效读数的表不作判断",
            "The main meter's consumption less that of the meters below it, over its own; not "
            "judged where one of them has no reading near an end of the window",
        ),
        unit=Text("", ""),
        kind="sequential",
        direction="high_is_bad",
        ask=ask,
        default_window=last_month,
    ),
)
