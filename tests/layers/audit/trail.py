"""Records that wait, sealed, for tests."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from layers.audit import Kind, note
from layers.audit.keys import SealKeys
from layers.audit.sealing import Sealed, seal
from layers.audit.verifying import Fault, Verified, Verifier


def noted(engine: sa.Engine, *outcomes: str, **details: Any) -> None:
    """Record some acts, and commit."""
    with engine.begin() as connection:
        for each in outcomes:
            note(connection, Kind.READ, each, layer="persons", **details)


def sealed(engine: sa.Engine, keys: SealKeys, *batches: int) -> list[Sealed]:
    """Record and seal batches of so many records."""
    made = []
    for count in batches:
        noted(engine, *(f"n{each}" for each in range(count)), text="甲'\"\\", number=7)
        with engine.begin() as connection:
            one = seal(connection, keys)
        assert one is not None
        made.append(one)
    return made


def verified(engine: sa.Engine, keys: SealKeys, head: Any = None) -> tuple[list[Fault], Verified]:
    """Verify all that is recorded."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        verifier = Verifier(connection, keys, head)
        return list(verifier.faults()), verifier.seen


def numbers(engine: sa.Engine) -> list[int]:
    """Return the numbers of the sealed records."""
    with engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT number FROM audit_record ORDER BY number")))
