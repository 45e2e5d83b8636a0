"""Rows for tests, put in by plain statements and never by the code under test."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from layers.base import Base, table_of

SQUARE = (
    "SRID=4326;MULTIPOLYGON(((119.6 38.9,119.601 38.9,119.601 38.901,119.6 38.901,119.6 38.9)))"
)


def put(connection: sa.Connection, model: type[Base], **values: Any) -> int:
    """Insert one row and return its id; source and key are filled in where they are asked for."""
    table = table_of(model)
    if "source" in table.c:
        values.setdefault("source", "test")
        values.setdefault("source_key", values.get("name") or str(sorted(values.items())))
    made = connection.execute(sa.insert(table).values(values).returning(table.c.id)).scalar_one()
    return int(made)


def body(connection: sa.Connection, name: str, parent: int | None = None, **values: Any) -> int:
    """Insert a body below `parent` with the path that its place in the tree gives."""
    from layers.people import Body

    table = table_of(Body)
    made = put(connection, Body, name=name, parent_id=parent, **values)
    above = (
        connection.execute(sa.select(table.c.path).where(table.c.id == parent)).scalar_one() + "."
        if parent
        else ""
    )
    connection.execute(
        sa.update(table).where(table.c.id == made).values(path=f"{above}{made}", body_id=made)
    )
    return made
