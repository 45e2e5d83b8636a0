"""JSON Schemas of what the routes of the recorded past answer; see `api.schemas`."""

from __future__ import annotations

from api.schemas import (
    ANYTHING,
    BOOLEAN,
    BOUNDS,
    FREE,
    INTEGER,
    MOMENT,
    REFERENCE,
    STRING,
    TEXT,
    Schema,
    by_name,
    feature,
    feature_collection,
    maybe,
    one_of,
    record,
    rows,
)

KIND = one_of("added", "altered", "gone")
SIDE = maybe(record(value=ANYTHING, label=maybe(STRING), reference=maybe(REFERENCE)))
_BY_WHOM: dict[str, Schema] = {
    "actor": maybe(STRING),
    "reason": maybe(STRING),
    "undoes": maybe(INTEGER),
}
VERSION = record(
    ("geometry",),
    seq=INTEGER,
    recorded_at=MOMENT,
    **_BY_WHOM,
    operation=KIND,
    revision=INTEGER,
    fields=rows(record(field=STRING, title=TEXT, unit=maybe(STRING), before=SIDE, after=SIDE)),
    moved=BOOLEAN,
    bbox_before=BOUNDS,
    bbox_after=BOUNDS,
    geometry=maybe(FREE),
)
HISTORY = record(
    layer=STRING,
    id=INTEGER,
    title=maybe(STRING),
    since=maybe(MOMENT),
    versions=rows(VERSION),
    next=maybe(INTEGER),
)
CHANGE_SET = record((), seq=INTEGER, at=MOMENT, **_BY_WHOM, counts=by_name(INTEGER), bbox=BOUNDS)
CHANGE_SETS = record(sets=rows(CHANGE_SET), next=maybe(INTEGER))
_DIFFERING = feature(
    STRING,
    maybe(FREE),
    record(
        kind=KIND,
        layer=STRING,
        id=INTEGER,
        title=maybe(STRING),
        at=MOMENT,
        moved=BOOLEAN,
    ),
)
DIFFERENCE = feature_collection(
    _DIFFERING,
    **{
        "from": MOMENT,
        "to": MOMENT,
        "truncated": BOOLEAN,
        "counts": by_name(record(added=INTEGER, altered=INTEGER, gone=INTEGER)),
        "earliest": by_name(MOMENT),
    },
)
