"""From which moment on the past of a layer is recorded."""

from __future__ import annotations

from datetime import datetime

from api.session import Session
from layers.access import earliest
from layers.base import Layer


async def earliest_of(session: Session, *layers: Layer) -> datetime | None:
    """Return the first recorded moment of some layers where the request's `at` lies before it.

    Then the answer is the earliest known state, and must say so. None in all other cases.
    """
    if session.at is None:
        return None
    found = [await session.fetchrow(earliest(each)) for each in layers]
    known = [row[0] for row in found if row is not None and row[0] is not None]
    first: datetime | None = min(known, default=None)
    return first if first is not None and first > session.at else None
