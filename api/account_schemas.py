"""JSON Schemas of what is told of accounts, sessions, tokens and grants."""

from __future__ import annotations

from api.schemas import (
    BOOLEAN,
    INTEGER,
    MOMENT,
    STRING,
    TEXT,
    by_name,
    maybe,
    one_of,
    record,
    rows,
)
from layers.policy import Role

ROLE = one_of(*Role)
BODY = maybe(record(id=INTEGER, name=maybe(STRING)))
_LAYERS = maybe(rows(STRING))
GRANT = record(role=ROLE, body=BODY, layers=_LAYERS, valid_until=maybe(MOMENT))
SIGNED_IN = record(
    step={
        **one_of("in", "code"),
        "description": "code：还须动态口令 | the second factor is wanted",
    },
    replaced=INTEGER,
)
ME = record(
    account=maybe(
        record(
            id=INTEGER,
            login=STRING,
            name=STRING,
            kind=one_of("person", "service"),
            password=BOOLEAN,
            second_factor=BOOLEAN,
        )
    ),
    roles=rows(record(name=ROLE, title=TEXT)),
    grants=rows(GRANT),
    wanting=maybe(one_of("password", "second_factor")),
    csrf=maybe(STRING),
    session=maybe(record(id=INTEGER, ends_at=MOMENT, over_s=INTEGER, idle_s=INTEGER, since=MOMENT)),
    may=record(administer=BOOLEAN, audit=BOOLEAN),
    ended=maybe(record(why=STRING, text=STRING)),
    anonymous=one_of("public", "estate", "refuse"),
    sign_in=record(
        password=BOOLEAN,
        single_sign_on=maybe(STRING),
        demo=rows(STRING),
        rules=record(length=INTEGER, classes=INTEGER, passphrase=INTEGER, remembered=INTEGER),
    ),
)
SESSIONS = record(
    sessions=rows(
        record(
            ("login", "name"),
            id=INTEGER,
            method=STRING,
            created_at=MOMENT,
            seen_at=MOMENT,
            address=maybe(STRING),
            agent=maybe(STRING),
            current=BOOLEAN,
            login=STRING,
            name=STRING,
        )
    )
)
TOKENS = record(
    tokens=rows(
        record(
            ("login", "account"),
            id=INTEGER,
            name=STRING,
            scope=one_of("read", "edit"),
            layers=_LAYERS,
            created_at=MOMENT,
            expires_at=maybe(MOMENT),
            revoked_at=maybe(MOMENT),
            used_at=maybe(MOMENT),
            login=STRING,
            account=STRING,
        )
    )
)
NEW_TOKEN = record(id=INTEGER, token=STRING)
ENROLMENT = record(uri=STRING, secret=STRING, picture=STRING)
NEW_ACCOUNT = record(id=INTEGER, login=STRING, password=maybe(STRING))
RESET = record(password=maybe(STRING))
MADE = record(id=INTEGER)
ACCOUNTS = record(
    accounts=rows(
        record(
            id=INTEGER,
            login=STRING,
            name=STRING,
            kind=one_of("person", "service"),
            password=BOOLEAN,
            must_change=BOOLEAN,
            second_factor=BOOLEAN,
            external=BOOLEAN,
            locked_until=maybe(MOMENT),
            disabled_at=maybe(MOMENT),
            created_at=MOMENT,
            created_by=maybe(STRING),
            seen_at=maybe(MOMENT),
            grants=rows(
                record(
                    id=INTEGER,
                    role=ROLE,
                    body=BODY,
                    layers=_LAYERS,
                    valid_until=maybe(MOMENT),
                    origin=one_of("hand", "group"),
                    granted_by=maybe(STRING),
                    granted_at=MOMENT,
                    over=BOOLEAN,
                )
            ),
        )
    ),
    roles=by_name(TEXT),
    may_change=BOOLEAN,
)
TREE = record(
    bodies=rows(
        record(id=INTEGER, name=STRING, code=maybe(STRING), parent=maybe(INTEGER), grants=INTEGER)
    )
)
