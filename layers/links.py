"""`Link`: a fact between two entities, seen by whoever sees the first of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.base import Base, Tracked, table_of
from layers.history import dated


class Link(Tracked):
    """A fact between two entities (a room's level, a link's duct), with a history of its own.

    The first key is its subject: who may see the subject may see the fact.
    """

    __abstract__ = True

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """Return the condition that the subject is visible."""
        key = next(c for c in table_of(cls).c if c.foreign_keys)
        target = next(iter(key.foreign_keys)).column.table
        model = next(m.class_ for m in Base.registry.mappers if m.local_table is target)
        subject = dated(target, at).alias()
        return t.c[key.name].in_(select(subject.c.id).where(model.visible(subject, bodies, at)))
