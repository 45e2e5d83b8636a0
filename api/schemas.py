"""JSON Schemas of what the service answers: for its description, the page's types and the tests.

Nothing is serialised or checked by them when the service answers: answers hold 100,000 numbers.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def record(optional: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """Return the schema of an object that has these properties, each always unless `optional`."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def rows(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def exactly(count: int, items: Schema) -> Schema:
    """Return the schema of a list of so many."""
    return {**rows(items), "minItems": count, "maxItems": count}


def maybe(schema: Schema) -> Schema:
    """Return the schema of what may be null."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(*names: str) -> Schema:
    """Return the schema of one of some words."""
    return {"type": "string", "enum": list(names)}


def by_name(schema: Schema) -> Schema:
    """Return the schema of an object whose keys are not known beforehand."""
    return {"type": "object", "additionalProperties": schema}


def feature(id: Schema, geometry: Schema, properties: Schema) -> Schema:
    """Return the schema of a GeoJSON feature."""
    return record(type=one_of("Feature"), id=id, geometry=geometry, properties=properties)


def feature_collection(features: Schema, **more: Schema) -> Schema:
    """Return the schema of a GeoJSON collection with members of its own."""
    return record((), type=one_of("FeatureCollection"), **more, features=rows(features))


STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
FIRST_RECORD: Schema = {
    **MOMENT,
    "description": "仅当 at 早于首次记录：回答为最早的已知状态 | only where `at` lies before "
    "the first record of the layer: the answer is its earliest known state, of this moment",
}
ANYTHING: Schema = {}
FREE: Schema = {"type": "object", "additionalProperties": True}
TEXT = record(zh=STRING, en=STRING)
POINT = exactly(2, NUMBER)
CENTER = maybe(POINT)
BOUNDS = maybe(exactly(4, NUMBER))
KEY: Schema = {"type": ["integer", "string"]}
ROW = record(layer=STRING, id=INTEGER)
TITLED = record(id=INTEGER, title=maybe(STRING))
PLACE = record(layer=STRING, id=INTEGER, name=maybe(STRING))

STATUS = record(status=STRING)

PARTS = record(parts=rows(record(geometry=FREE, area_m2=NUMBER)))

FIELD_PROPERTIES: dict[str, Schema] = {
    "name": STRING,
    "title": TEXT,
    "type": STRING,
    "unit": maybe(STRING),
    "choices": maybe(by_name(TEXT)),
    "reference": maybe(STRING),
    "editable": BOOLEAN,
    "required": BOOLEAN,
}
DECIDED = record(seq=maybe(INTEGER))
CONFLICTS = record(
    rows=rows(
        record(
            id=INTEGER,
            layer=STRING,
            row=INTEGER,
            revision=maybe(INTEGER),
            name=STRING,
            source=STRING,
            source_key=STRING,
            field=maybe(STRING),
            title=maybe(TEXT),
            mine=ANYTHING,
            file=ANYTHING,
            before=ANYTHING,
        )
    ),
    next=maybe(INTEGER),
)
DONE = record(
    seq=maybe(INTEGER),
    recorded_at=maybe(MOMENT),
    actor=STRING,
    puts=rows(record(layer=STRING, id=INTEGER, revision=INTEGER)),
    deletes=rows(ROW),
)
FIELD = record((), **FIELD_PROPERTIES)
PAINT = record(
    kind=one_of("fill", "line", "circle"),
    color=STRING,
    dark=STRING,
    outline=maybe(STRING),
    outline_dark=maybe(STRING),
    width=NUMBER,
    opacity=NUMBER,
    label=maybe(STRING),
    label_zoom=NUMBER,
    by=maybe(STRING),
    colors=by_name(STRING),
)
LAYER = record(
    name=STRING,
    group=STRING,
    title=TEXT,
    description=TEXT,
    spatial=BOOLEAN,
    geometry=maybe(one_of("polygon", "line", "point")),
    shown=BOOLEAN,
    tiles=maybe(STRING),
    tilejson=maybe(STRING),
    raster=BOOLEAN,
    zooms=exactly(2, INTEGER),
    paint=maybe(PAINT),
    count=INTEGER,
    measures=rows(STRING),
    searchable=rows(STRING),
    items=STRING,
    fields=rows(FIELD),
    makes=BOOLEAN,
    places=BOOLEAN,
)
CATALOGUE = record(
    title=TEXT,
    seq={
        **INTEGER,
        "description": "最近一次变更的序号，供 /events?after= 使用 | the place of the newest "
        "change, for /events?after=",
    },
    demo=BOOLEAN,
    edits=BOOLEAN,
    now=MOMENT,
    timezone=STRING,
    bounds=BOUNDS,
    units={
        **by_name(TEXT),
        "description": "计量单位的两种语言；不在其中的是符号 | units that are words, in both "
        "languages; one that is not here is a sign (m²)",
    },
    groups=rows(record(name=STRING, title=TEXT)),
    layers=rows(LAYER),
)

MEASURE = record(
    name=STRING,
    layer=STRING,
    title=TEXT,
    description=TEXT,
    unit=TEXT,
    kind=one_of("sequential", "diverging", "categorical", "neutral"),
    direction=one_of("high_is_bad", "low_is_bad", "neutral"),
    windowed=BOOLEAN,
    citation=maybe(TEXT),
)
NUMBERS = rows(maybe(NUMBER))
MEASURED = record(
    ("categories", "labels", "earliest"),
    measure=STRING,
    layer=STRING,
    ids=rows(INTEGER),
    values=rows({"type": ["number", "string", "null"]}),
    numerator=NUMBERS,
    denominator=NUMBERS,
    coverage=NUMBERS,
    unit=TEXT,
    breaks=rows(NUMBER),
    colors=rows(STRING),
    colors_dark=rows(STRING),
    editions=rows(FREE),
    at=MOMENT,
    earliest=FIRST_RECORD,
    window=maybe(exactly(2, MOMENT)),
    categories=rows(STRING),
    labels=by_name(TEXT),
)

FOUND = record(
    ("earliest",),
    query=STRING,
    earliest=FIRST_RECORD,
    results=rows(
        record(
            layer=STRING,
            id=INTEGER,
            title=maybe(STRING),
            field=STRING,
            text=STRING,
            path=rows(PLACE),
            center=CENTER,
            bbox=BOUNDS,
        )
    ),
)

REFERENCE = record(layer=STRING, id=INTEGER, title=maybe(STRING))
FACT = record(
    field=STRING,
    title=TEXT,
    value=ANYTHING,
    label=maybe(STRING),
    unit=maybe(STRING),
    reference=maybe(REFERENCE),
)
RELATED = record(
    layer=STRING,
    role=maybe(STRING),
    title=TEXT,
    count=INTEGER,
    items=rows(record(id=KEY, title=maybe(STRING), subtitle=maybe(STRING))),
)
INSIGHT = record(
    name=STRING,
    title=TEXT,
    status=one_of("ok", "attention", "bad", "neutral"),
    headline=TEXT,
    lines=rows(
        record(name=STRING, title=TEXT, value=ANYTHING, unit=maybe(STRING), link=maybe(REFERENCE))
    ),
    citation=maybe(TEXT),
)
FEATURE = record(
    ("earliest",),
    layer=STRING,
    id=INTEGER,
    title=maybe(STRING),
    names=FREE,
    path=rows(PLACE),
    insights=rows(INSIGHT),
    facts=rows(FACT),
    source=record(
        source=maybe(STRING),
        source_key=maybe(STRING),
        revision=INTEGER,
        recorded_at=maybe(MOMENT),
    ),
    earliest=FIRST_RECORD,
    related=rows(RELATED),
    center=CENTER,
    bbox=BOUNDS,
    geometry=maybe(FREE),
)

LEVELS = rows(
    record(
        id=INTEGER,
        ordinal=INTEGER,
        short_name=maybe(STRING),
        name=maybe(STRING),
        room_count=INTEGER,
    )
)

TRIP_PATH = record(
    id=INTEGER,
    vehicle=TITLED,
    started_at=MOMENT,
    ended_at=MOMENT,
    length_km=NUMBER,
    coordinates=rows(POINT),
    times=rows(NUMBER),
    speeds_kmh=rows(maybe(NUMBER)),
)

STACKED_ROOM = feature(
    INTEGER,
    FREE,
    record(
        level_id=INTEGER,
        ordinal=INTEGER,
        base_m=NUMBER,
        top_m=NUMBER,
        number=maybe(STRING),
        name=maybe(STRING),
        use=maybe(STRING),
        state=maybe(STRING),
    ),
)
STACK = record(
    building=TITLED,
    levels=rows(
        record(
            id=INTEGER,
            ordinal=INTEGER,
            short_name=maybe(STRING),
            base_m=NUMBER,
            height_m=NUMBER,
            assumed=BOOLEAN,
        )
    ),
    rooms=feature_collection(STACKED_ROOM),
)

QUARANTINE = record(
    total=INTEGER,
    by_reason=rows(record(reason=STRING, title=TEXT, count=INTEGER)),
    rows=rows(
        record(
            id=INTEGER,
            kind=STRING,
            source=STRING,
            file=STRING,
            row=maybe(INTEGER),
            values=FREE,
            reasons=rows(
                record(
                    field=maybe(STRING),
                    value=maybe(STRING),
                    reason=STRING,
                    zh=STRING,
                    en=STRING,
                )
            ),
            batch_at=MOMENT,
        )
    ),
    next=maybe(INTEGER),
)

METER_CONSUMPTION = record(
    meter=TITLED,
    kind=maybe(STRING),
    unit=maybe(STRING),
    step=one_of("month", "day"),
    steps=rows(
        record(
            start=MOMENT,
            end=MOMENT,
            value={
                **maybe(NUMBER),
                "description": "仅当 label 为 measured | only where label is measured",
            },
            label={
                **one_of("measured", "unknown", "missing"),
                "description": "measured 已知；unknown 落在漏抄、换表或无法解释的区间内，只有总量"
                "或用量不明；missing 没有读数 | measured; unknown: within readings that tell at "
                "most a longer total; missing: nothing was read",
            },
        )
    ),
    events=rows(
        record(
            start=MOMENT,
            end=MOMENT,
            at={
                **maybe(MOMENT),
                "description": "事件是一个不计入的读数时，该读数的时刻（即 end） | the moment "
                "of the one reading that the event is, which does not count: its `end`",
            },
            kind=STRING,
            title=TEXT,
            consumption=maybe(NUMBER),
        )
    ),
    total=maybe(NUMBER),
    coverage={
        **NUMBER,
        "description": "total 所依据的时间占窗口的份额 | "
        "the share of the window that total rests on",
    },
)
