"""What one meter used, day by day or month by month."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.answers import answer_of, documented
from api.parameters import RowId
from api.schemas import METER_CONSUMPTION
from api.session import Session, SessionOf, parse_window
from layers import meter_steps
from layers.energy import SET_ASIDE
from layers.labels import CHOICES
from layers.measures.base import Window
from layers.measures.metered import Meter
from layers.problems import NotFound

router = APIRouter(tags=["measures"])
_EXAMPLE: dict[str, Any] = {
    "meter": {"id": 113, "title": "E-0113"},
    "kind": "electricity",
    "unit": "kWh",
    "step": "day",
    "steps": [
        {
            "start": "2026-06-18T00:00:00+08:00",
            "end": "2026-06-19T00:00:00+08:00",
            "value": 4200.0,
            "label": "measured",
        },
        {
            "start": "2026-06-19T00:00:00+08:00",
            "end": "2026-06-20T00:00:00+08:00",
            "value": None,
            "label": "missing",
        },
    ],
    "events": [
        {
            "start": "2026-06-18T00:00:00+08:00",
            "end": "2026-06-19T00:00:00+08:00",
            "at": None,
            "kind": "roll_over",
            "title": {"zh": "表码走满归零，已换算", "en": "The register rolled over"},
            "consumption": 4200.0,
        }
    ],
    "total": 4200.0,
    "coverage": 0.5,
}


@router.get(
    "/meters/{key}/consumption",
    summary="用量过程 | What a meter used, by calendar days or months",
    response_class=Response,
    responses=documented(METER_CONSUMPTION, _EXAMPLE, 400, 401, 404, 503),
)
async def meter_consumption(
    session: SessionOf,
    key: RowId,
    window: Annotated[
        str | None,
        Query(
            description="观测时间窗 [起, 止)，至多到今日零时；默认：按月为最近 12 个整月和本月，"
            "按日为上一整月 | window of observations [from, to), no longer than to midnight; "
            "default: by month the last 12 and the present one, by day the last full month",
            examples=["2026-09-01/2026-10-01"],
        ),
    ] = None,
    step: Annotated[
        meter_steps.Step, Query(description="步长 | calendar step", examples=["month", "day"])
    ] = "month",
) -> Response:
    """Return each step with its value where it is measured; a gap's total is told as an event.

    Days and months are those of the service's time zone. Nothing is interpolated or spread.
    """
    zone, at = session.config.zone, session.at
    row = await session.fetchrow(meter_steps.meter(session.actor, key, at))
    if row is None:
        raise NotFound(
            zh=f"没有编号为 {key} 的计量表，或您无权查看",
            en=f"There is no meter {key}, or it is not yours to see",
        )
    asked = _asked(session, window, step)
    spans = meter_steps.bounds(asked, step, zone)
    found, events = await asyncio.gather(
        session.fetch(meter_steps.readings(session.actor, key, asked, at)),
        session.fetch(meter_steps.events(key, asked)),
    )
    known = Meter(**{name: value for name, value in row.items() if name != "title"})
    course = meter_steps.course(known, found, asked, spans)
    return answer_of(
        {
            "meter": {"id": key, "title": row["title"]},
            "kind": row["kind"],
            "unit": row["unit"],
            "step": step,
            "steps": [each._asdict() for each in course.steps],
            "events": [_event(each, zone) for each in events],
            "total": course.total,
            "coverage": course.coverage,
        }
    )


def _asked(session: Session, window: str | None, step: meter_steps.Step) -> Window:
    """Return the window that is asked for, or the usual one; it ends by today's midnight."""
    zone, now = session.config.zone, session.config.now()
    if window:
        return meter_steps.until_today(parse_window(window, zone), now, zone)
    return meter_steps.default_window(step, now, zone)


def _event(event: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    end = event["time"].astimezone(zone)
    return {
        "start": event["start"].astimezone(zone),
        "end": end,
        "at": end if event["kind"] in SET_ASIDE else None,
        "kind": event["kind"],
        "title": CHOICES["reading_event"][event["kind"]]._asdict(),
        "consumption": event["consumption"],
    }
