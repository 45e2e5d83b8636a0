"""The only door for reads: `rows(layer, actor, at)`, and who is asking (`Actor`)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, and_, bindparam, func, or_, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.base import Layer, Series, Tracked, table_of
from layers.history import dated, first_record
from layers.people import Body
from layers.policy import Grant, all_business


@dataclass(frozen=True)
class Actor:
    """Who asks, and what that person or program was granted.

    Attributes
    ----------
    name : as the log of changes records it.
    grants : roles over bodies; without one, what is public is seen.
    account_id : the account, where there is one.
    read_only : whether nothing is to be changed, whatever the roles may (a token may say so).
    """

    name: str
    grants: tuple[Grant, ...] = ()
    account_id: int | None = None
    read_only: bool = False

    @property
    def bodies(self) -> tuple[int, ...] | None:
        """The bodies of all grants together; None is the whole estate."""
        if any(grant.bodies is None for grant in self.grants):
            return None
        return tuple(sorted({body for grant in self.grants for body in grant.bodies or ()}))

    @property
    def edits(self) -> bool:
        """Whether anything may be changed at all."""
        return bool(self.grants) and not self.read_only

    @property
    def scope_key(self) -> str:
        """A short name of what is seen: who has the same may be given the same tiles."""
        if self.bodies is None:
            return "all"
        if not self.bodies:
            return "public"
        return hashlib.sha256(",".join(map(str, self.bodies)).encode()).hexdigest()[:16]


EVERYONE = Actor("anonymous")
ESTATE = Actor("estate", all_business(None), read_only=True)


def subtree(body_id: int) -> Select[Any]:
    """Return the query for the ids of `body_id` and every body below it, sorted."""
    root = select(Body.path).where(Body.id == body_id).scalar_subquery()
    # Everything lies below an empty path: a body without one has nothing below it.
    below = and_(func.nlevel(root) > 0, Body.path.op("<@")(root))
    return select(Body.id).where(or_(Body.id == body_id, below)).order_by(Body.id)


def rows(
    layer: Layer | type[Tracked] | type[Series], actor: Actor, at: datetime | None = None
) -> FromClause:
    """Return the rows of `layer` that `actor` may see, as they were recorded at `at`.

    Everything that reads - filter, search, counts, measures, tiles, exports, events - starts here
    and sees nothing beneath it. For now (`at` is None) it stays a plain subquery, which the
    planner flattens, so that the spatial indexes serve.

    Parameters
    ----------
    layer : a `Layer`, or a class (links too).
    actor : who asks; the scope travels as one array of body ids.
    at : the moment of record; None is now. Series are not recorded: `at` does not touch them,
        except through the thing they belong to.
    """
    model = layer.model if isinstance(layer, Layer) else layer
    if issubclass(model, Series):
        return _series_rows(model, actor, at)
    table = table_of(model)
    source = dated(table, at)
    if actor.bodies is None:
        return source if at is not None else select(table).subquery(f"{table.name}_rows")
    if at is None:
        source = table
    return (
        select(source)
        .where(model.visible(source, _scope(actor), at))
        .subquery(f"{table.name}_rows")
    )


def latest_rows(model: type[Series], actor: Actor) -> FromClause:
    """Return the newest row of each thing of a series, scoped like `rows`.

    It carries the thing's id as `id`, which is the id of the map feature.
    """
    assert model.latest is not None
    latest = table_of(model.latest)
    key = latest.c[model.thing_key]
    # Also for who sees all: a thing that was deleted leaves its newest row behind.
    things = rows(model.thing, actor)
    query = select(key.label("id"), latest).where(key.in_(select(things.c.id)))
    return query.subquery(f"{latest.name}_rows")


def _series_rows(model: type[Series], actor: Actor, at: datetime | None) -> FromClause:
    table = table_of(model)
    query = select(table)
    if actor.bodies is not None:
        things = rows(model.thing, actor, at)
        query = query.where(table.c[model.thing_key].in_(select(things.c.id)))
    return query.subquery(f"{table.name}_rows")


def _scope(actor: Actor) -> ColumnElement[Any]:
    return bindparam("scope", list(actor.bodies or ()), type_=ARRAY(BigInteger), unique=False)


def earliest(layer: Layer) -> Select[Any]:
    """Return the query for the first recorded moment of `layer`: before it, `at` means it."""
    return first_record(layer.table.name)
