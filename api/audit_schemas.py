"""JSON Schemas of what is told of traces."""

from __future__ import annotations

from api.schemas import INTEGER, MOMENT, STRING, TEXT, by_name, maybe, one_of, record, rows
from layers.audit import Kind

RECORDS = record(
    records=rows(
        record(
            number=INTEGER,
            batch=INTEGER,
            at=MOMENT,
            kind=one_of(*Kind),
            outcome=STRING,
            account=maybe(STRING),
            account_id=maybe(INTEGER),
            address=maybe(STRING),
            request=maybe(STRING),
            route=maybe(STRING),
            layer=maybe(STRING),
            details={"type": "object", "additionalProperties": True},
        )
    ),
    next=maybe(INTEGER),
    kinds=by_name(TEXT),
    outcomes=by_name(TEXT),
    layers=by_name(TEXT),
)
STATE = record(
    last=maybe(INTEGER),
    sealed_at=maybe(MOMENT),
    waiting=INTEGER,
    verified_at=maybe(MOMENT),
    verified=maybe(STRING),
    verified_age_s=maybe(INTEGER),
)
