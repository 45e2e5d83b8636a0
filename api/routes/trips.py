"""The replay of a trip: where the car was, when, and how fast."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.answers import answer_of, documented
from api.parameters import RowId
from api.schemas import TRIP_PATH
from api.session import SessionOf
from layers import replay
from layers.problems import NotFound

router = APIRouter(tags=["map"])
_EXAMPLE: dict[str, Any] = {
    "id": 187,
    "vehicle": {"id": 17, "title": "演A·D0017"},
    "started_at": "2026-10-11T09:14:00+08:00",
    "ended_at": "2026-10-11T09:48:25+08:00",
    "length_km": 20.8,
    "coordinates": [[119.5979594, 38.8965028], [119.5978463, 38.8966387]],
    "times": [1791681240.0, 1791681250.0],
    "speeds_kmh": [0.0, 6.5],
}


@router.get(
    "/trips/{key}/path",
    summary="行程回放 | The fixes of a trip, with the time and the speed of each",
    response_class=Response,
    responses=documented(TRIP_PATH, _EXAMPLE, 400, 401, 404, 503),
)
async def trip_path(session: SessionOf, key: RowId) -> Response:
    """Return the fixes in the order of time: degrees (EPSG:4326), seconds since 1970, km/h.

    A speed is what the terminal said; where it said none, it follows from the fix before.
    """
    row = await session.fetchrow(replay.trip(session.actor, key, session.at))
    if row is None:
        raise NotFound(
            zh=f"没有编号为 {key} 的行程，或您无权查看",
            en=f"There is no trip {key}, or it is not yours to see",
        )
    span = row["started_at"], row["ended_at"]
    said = await session.fetch(replay.speeds(session.actor, row["vehicle_id"], *span, session.at))
    zone = session.config.zone
    return answer_of(
        {
            "id": row["id"],
            "vehicle": {"id": row["vehicle_id"], "title": row["vehicle"]},
            "started_at": row["started_at"].astimezone(zone),
            "ended_at": row["ended_at"].astimezone(zone),
            "length_km": row["length_km"],
            **replay.path(row, said)._asdict(),
        }
    )
