"""Measures over HTTP: the list, and the columnar answer of one of them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Select, select
from starlette.responses import Response

from api.answered import Answers, response_of
from api.answers import HEADERS, answer_of, documented, written
from api.parameters import MeasureName
from api.records import earliest_of
from api.schemas import MEASURE, MEASURED
from api.schemas import rows as listed
from api.session import Session, SessionOf, parse_window
from layers.access import answering, rows
from layers.filter import Filter, parse_bbox
from layers.labels import CHOICES
from layers.measures import MEASURES, Classes, Measure, Question, Values, Window, classify, measure
from layers.problems import BadRequest
from layers.registry import layer

router = APIRouter(tags=["measures"])

_EXAMPLE_LIST = [
    {
        "name": "over_quota",
        "layer": "rooms",
        "title": {"zh": "超面积", "en": "Area over the standard"},
        "description": {"zh": "…", "en": "…"},
        "unit": {"zh": "m²", "en": "m²"},
        "kind": "sequential",
        "direction": "high_is_bad",
        "windowed": False,
        "citation": {"zh": "发改投资〔2014〕2674号", "en": "发改投资〔2014〕2674号"},
    }
]
_EXAMPLE_ANSWER = {
    "measure": "over_quota",
    "layer": "rooms",
    "ids": [412, 415],
    "values": [14.4, 0.0],
    "numerator": [14.4, 0.0],
    "denominator": [1.0, 1.0],
    "coverage": [1.0, 1.0],
    "unit": {"zh": "m²", "en": "m²"},
    "breaks": [0.0],
    "colors": ["#ffffb2", "#bd0026"],
    "colors_dark": ["#4a3b1f", "#ff9d8a"],
    "editions": [{"layer": "area_standards", "edition": "2014", "valid_from": "2014-11-24"}],
    "at": "2026-10-12T09:00:00+08:00",
    "window": None,
}


@router.get(
    "/measures",
    summary="指标一览 | Every measure: its layer, unit and meaning",
    response_class=Response,
    responses=documented(listed(MEASURE), _EXAMPLE_LIST, 401, 503),
)
async def list_measures(session: SessionOf) -> Response:
    """Return what the caller can have measured, and on which layer."""
    actor = session.actor
    able = (each for each in MEASURES if actor.able(each.layer, *each.rests) is not None)
    return answer_of([_described(each) for each in able])


@router.get(
    "/measures/{name}",
    summary="一个指标的全部数值 | A measure of every thing the caller may see, in columns",
    response_class=Response,
    responses=documented(MEASURED, _EXAMPLE_ANSWER, 400, 401, 403, 404, 503),
)
async def answer_measure(
    request: Request,
    session: SessionOf,
    name: MeasureName,
    window: Annotated[
        str | None,
        Query(
            description="观测时间窗 [起, 止) | window of observations [from, to); "
            "default the last full month (energy) or 7 days (vehicles)",
            examples=["2026-09-01/2026-10-01"],
        ),
    ] = None,
    bbox: Annotated[
        str | None,
        Query(
            description="只返回范围内的对象，分级不变 | only things within west,south,east,north "
            "(EPSG:4326); the classes stay those of everything the caller may see",
            examples=["119.5,38.8,119.7,39.0"],
        ),
    ] = None,
) -> Response:
    """Return ids, values, numerators, denominators and coverage, with breaks and colours."""
    wanted = measure(name)
    question = Question(
        answering(session.actor, wanted.title, wanted.layer, *wanted.rests),
        session.at,
        session.config.now(),
        session.config.zone,
        _window(session, wanted, window),
    )
    area = parse_bbox(bbox) if bbox else None
    if wanted.windowed or area is not None:
        return answer_of(await _measured(session, wanted, question, area))
    answers: Answers = request.app.state.answers

    async def make() -> bytes:
        return written(await _measured(session, wanted, question, None))

    return response_of(
        request, await answers.of(session, (wanted.name, question.day), make), HEADERS
    )


async def _measured(
    session: Session, wanted: Measure, question: Question, area: BaseGeometry | None
) -> dict[str, Any]:
    statements = wanted.ask(question)
    found = await asyncio.gather(*(session.fetch(each) for each in statements.values()))
    given = dict(zip(statements, found, strict=True))
    # A year of readings takes a moment to add up: other requests go on meanwhile.
    values = await asyncio.to_thread(wanted.read, question, given)
    classes = classify(wanted, values, layer(wanted.layer))
    if area is not None:
        inside = await session.fetch(_within(session, wanted, Filter(area=area)))
        values = values.keep({row["id"] for row in inside})
    document = _answer(wanted, question, values, classes)
    first = await earliest_of(session, layer(wanted.layer))
    if first is not None:
        document["earliest"] = first.astimezone(session.config.zone)
    return document


def _described(wanted: Measure) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "layer": wanted.layer,
        "title": wanted.title._asdict(),
        "description": wanted.description._asdict(),
        "unit": wanted.unit._asdict(),
        "kind": wanted.kind,
        "direction": wanted.direction,
        "windowed": wanted.windowed,
        "citation": wanted.citation._asdict() if wanted.citation else None,
    }


def _answer(
    wanted: Measure, question: Question, values: Values, classes: Classes
) -> dict[str, Any]:
    zone, span = question.zone, question.window
    document: dict[str, Any] = {
        "measure": wanted.name,
        "layer": wanted.layer,
        "ids": values.ids,
        "values": values.values,
        "numerator": values.numerator,
        "denominator": values.denominator,
        "coverage": values.coverage,
        "unit": wanted.unit._asdict(),
        "breaks": classes.breaks,
        "colors": classes.colors,
        "colors_dark": classes.colors_dark,
        "editions": values.editions,
        "at": (question.at or question.now).astimezone(zone),
        "window": [span.start.astimezone(zone), span.end.astimezone(zone)] if span else None,
    }
    if classes.categories is not None:
        labels = CHOICES[wanted.states or ""]
        document["categories"] = classes.categories
        document["labels"] = {code: labels[code]._asdict() for code in classes.categories}
    return document


def _window(session: Session, wanted: Measure, text: str | None) -> Window | None:
    if wanted.default_window is None:
        if text:
            raise BadRequest(
                zh=f"指标“{wanted.name}”与时间窗无关；记录时刻用 at",
                en=f"The measure '{wanted.name}' has no window; use at for the moment of record",
                field="window",
                value=text,
            )
        return None
    if not text:
        return wanted.default_window(session.config.now(), session.config.zone)
    return parse_window(text, session.config.zone)


def _within(session: Session, wanted: Measure, asked: Filter) -> Select[Any]:
    shown = layer(wanted.layer)
    thing = rows(shown, session.actor, session.at)
    return select(thing.c.id).where(asked.condition(shown, thing))
