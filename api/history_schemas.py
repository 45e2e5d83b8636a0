"""JSON Schemas of what the routes of the recorded past answer."""

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
    by_name,
    maybe,
    one_of,
    record,
    rows,
)

KIND = one_of("added", "altered", "gone")
SIDE = maybe(record(value=ANYTHING, label=maybe(STRING), reference=maybe(REFERENCE)))
VERSION = record(
    ("geometry",),
    seq=INTEGER,
    recorded_at=MOMENT,
    actor=maybe(STRING),
    reason=maybe(STRING),
    undoes=maybe(INTEGER),
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
CHANGE_SETS = record(
    sets=rows(
        record(
            seq=INTEGER,
            at=MOMENT,
            actor=maybe(STRING),
            reason=maybe(STRING),
            undoes=maybe(INTEGER),
            counts=by_name(INTEGER),
            bbox=BOUNDS,
        )
    ),
    next=maybe(INTEGER),
)
DIFFERENCE = record(
    (),
    **{
        "type": one_of("FeatureCollection"),
        "from": MOMENT,
        "to": MOMENT,
        "truncated": BOOLEAN,
        "counts": by_name(record(added=INTEGER, altered=INTEGER, gone=INTEGER)),
        "earliest": by_name(MOMENT),
        "features": rows(
            record(
                type=one_of("Feature"),
                id=STRING,
                geometry=maybe(FREE),
                properties=record(
                    kind=KIND,
                    layer=STRING,
                    id=INTEGER,
                    title=maybe(STRING),
                    at=MOMENT,
                    moved=BOOLEAN,
                ),
            )
        ),
    },
)
