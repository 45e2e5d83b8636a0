"""JSON Schemas of lists, named filters and workspaces; see `api.schemas`."""

from __future__ import annotations

from api.schemas import (
    BOOLEAN,
    BOUNDS,
    CENTER,
    FIELD_PROPERTIES,
    FREE,
    INTEGER,
    KEY,
    MOMENT,
    NUMBER,
    REFERENCE,
    ROW,
    STRING,
    TEXT,
    Schema,
    by_name,
    maybe,
    one_of,
    record,
    rows,
)

LIST_COLUMN = record((), **FIELD_PROPERTIES, summed=BOOLEAN, shown=BOOLEAN, added=BOOLEAN)
LIST_ROW = record(
    id=KEY,
    opens=ROW,
    title=maybe(STRING),
    path=STRING,
    center=CENTER,
    bbox=BOUNDS,
    values=FREE,
    refs=by_name(REFERENCE),
)
SUMS = by_name(maybe(NUMBER))
LISTED = record(
    ("total", "sums", "on_map", "off_map"),
    layer=STRING,
    named=maybe(STRING),
    moment=MOMENT,
    columns=rows(LIST_COLUMN),
    places=rows(one_of("level", "building", "site", "body")),
    rows=rows(LIST_ROW),
    next=maybe(STRING),
    total=INTEGER,
    sums=SUMS,
    on_map=INTEGER,
    off_map=rows(record(reason=STRING, title=TEXT, count=INTEGER)),
)
KEYS = record(total=INTEGER, rows=rows(rows(INTEGER)))
GROUPED = record(
    by=STRING,
    groups=rows(
        record(
            layer=STRING,
            id=maybe(INTEGER),
            title=maybe(STRING),
            path=STRING,
            count=INTEGER,
            sums=SUMS,
        )
    ),
)
_NAMED: dict[str, Schema] = {
    "name": STRING,
    "layer": STRING,
    "title": TEXT,
    "description": TEXT,
    "unit": TEXT,
    "tone": one_of("bad", "attention", "neutral"),
    "group": maybe(STRING),
    "citation": maybe(TEXT),
}
NAMED_FILTER = record((), **_NAMED)
COUNTED = record((), **_NAMED, count=INTEGER, moment=MOMENT)
WORKSPACE = record(
    name=STRING,
    title=TEXT,
    description=TEXT,
    filters=rows(STRING),
    more=rows(STRING),
    lists=rows(STRING),
    layers=rows(STRING),
    measures=rows(STRING),
)
