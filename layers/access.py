"""The only door for reads: `rows(layer, actor, at)`, and who is asking (`Actor`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.sql.elements import ColumnElement, True_
from sqlalchemy.sql.selectable import FromClause

from layers import policy, registry
from layers.base import Layer, Series, Tracked, table_of
from layers.history import dated, first_record
from layers.labels import Text
from layers.masks import shown
from layers.people import Body
from layers.policy import Grant, Reach, Writes
from layers.problems import Forbidden
from layers.sharing import Form


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

    @cached_property
    def normal(self) -> tuple[Grant, ...]:
        """The grants, each role once, in one order."""
        return policy.normal(self.grants)

    @cached_property
    def scope_key(self) -> str:
        """A short name of all that is seen: who has the same may be given the same tiles."""
        if not self.normal:
            return "public"
        if self.normal == ESTATE.normal:
            return "all"
        return _digest(self.normal)

    @cached_property
    def pattern(self) -> Actor:
        """The actor who stands for all whose questions are the same statement with other bodies.

        Statements that are kept are made for it, and are given the `scope` of who asks.
        """
        return _pattern(self.normal)

    @property
    def scope(self) -> Mapping[str, list[int]]:
        """The values of the statements of `pattern`: bodies by the name of the value."""
        return _scope_of(self.normal, registry.LAYERS)

    def reaches(self, layer: Layer) -> tuple[Reach, ...]:
        """Return by which ways the actor sees rows of a layer; none: nothing is seen of it."""
        return policy.reaches(self.normal, layer)

    def sees(self, layer: Layer) -> bool:
        """Whether the actor may see rows of a layer at all."""
        return bool(self.reaches(layer))

    def sees_all(self, layer: Layer) -> bool:
        """Whether the actor sees every row of a layer, and each field as it is."""
        ways = self.reaches(layer)
        return len(ways) == 1 and ways[0].slots is None and not ways[0].masks

    @property
    def sees_everything(self) -> bool:
        """Whether the actor sees every row of every layer, and each field as it is."""
        return all(self.sees_all(layer) for layer in registry.LAYERS)

    def opens(self, layer: Layer, column: str) -> bool:
        """Whether the actor sees a column as it is in every row that is seen."""
        return all(column not in dict(way.masks) for way in self.reaches(layer))

    def owned(self, layer: Layer, body: int | None) -> bool:
        """Whether the actor sees the rows of a layer because of the body that owns them."""
        bodies = policy.slots_of(self.normal)
        return any(
            way.slots is None or body is None or body in _joined(bodies, way.slots)
            for way in self.reaches(layer)
        )

    @property
    def edits(self) -> bool:
        """Whether the actor may change anything at all."""
        return any(self.edited(layer) for layer in registry.LAYERS)

    def edited(self, layer: Layer) -> tuple[Writes, ...]:
        """Return what the actor may change of rows of a layer, each of some bodies."""
        return tuple(what for _, what in self._writing(layer))

    def may_write(self, layer: Layer, field: str | None, body: int | None) -> bool:
        """Whether the actor may change a field of a row of `layer`.

        What is public belongs to the estate: who holds all of it changes that.

        Parameters
        ----------
        field : a column; None is to make and delete rows, and to set their links.
        body : who owns the row; None is public.
        """
        return any(
            (bodies is None or (body is not None and body in bodies)) and what.covers(field)
            for bodies, what in self._writing(layer)
        )

    def _writing(self, layer: Layer) -> list[tuple[tuple[int, ...] | None, Writes]]:
        if self.read_only:
            return []
        found = ((g.bodies, policy.writes(g.role, layer)) for g in self.normal if g.names(layer))
        return [(bodies, what) for bodies, what in found if what is not None]

    def within(self, bodies: set[int]) -> Actor:
        """Return the actor with no more in scope than some bodies."""
        return replace(self, grants=policy.narrowed(self.grants, bodies))

    def _evenly(self, layer: Layer, column: str | None) -> bool:
        """Whether all rows of a layer that are seen are seen by one way, with the column open."""
        ways = self.reaches(layer)
        return len(ways) == 1 and column not in dict(ways[0].masks)

    def able(self, *rests: str) -> Actor | None:
        """Return the actor with those grants alone that show all a question rests on, as it is.

        A number made of masked values would be wrong: where no grant shows them there is None.

        Parameters
        ----------
        rests : names of layers, and of columns that may not be masked (``"trips.geom"``).
        """
        parts = (each.partition(".") for each in rests)
        asked = tuple((registry.layer(name), column or None) for name, _, column in parts)
        if all(self._evenly(layer, column) for layer, column in asked):
            return self
        grants = tuple(each for each in self.grants if policy.answers(each, asked))
        if not grants and not policy.answers(None, asked):
            return None
        return self if grants == self.grants else replace(self, grants=grants)


def answering(actor: Actor, title: Text, *rests: str) -> Actor:
    """Return the actor as whom a question is asked: see `Actor.able`.

    Raises
    ------
    Forbidden : none of the actor's roles sees all that the question rests on.
    """
    found = actor.able(*rests)
    if found is None:
        raise Forbidden(
            zh=f"“{title.zh}”需要您的角色看不到或只能脱敏查看的数据；请向管理员申请相应角色",
            en=f"'{title.en}' rests on data that your role does not see, or not as it is; ask the "
            "administrator for a role that does",
        )
    return found


EVERYONE = Actor("anonymous")
ESTATE = Actor("estate", policy.all_business(None), read_only=True)
VISITOR = Actor("demo", policy.all_business(None))
"""Who changes the demo estate without a token."""


def _digest(grants: tuple[Grant, ...]) -> str:
    said = repr([(str(g.role), g.bodies, g.layers and sorted(g.layers)) for g in grants])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@lru_cache(maxsize=4096)
def _pattern(grants: tuple[Grant, ...]) -> Actor:
    slots = {bodies: (place,) for place, bodies in enumerate(policy.slots_of(grants))}
    made = (replace(g, bodies=None if g.bodies is None else slots[g.bodies]) for g in grants)
    return Actor("pattern", tuple(made))


@lru_cache(maxsize=4096)
def _scope_of(grants: tuple[Grant, ...], layers: tuple[Layer, ...]) -> Mapping[str, list[int]]:
    bodies = policy.slots_of(grants)
    ways = {way.slots for layer in layers for way in policy.reaches(grants, layer)}
    return {_name(slots): _joined(bodies, slots) for slots in ways if slots}


def _name(slots: frozenset[int]) -> str:
    return "scope_" + "_".join(map(str, sorted(slots)))


def _joined(bodies: list[tuple[int, ...]], slots: frozenset[int]) -> list[int]:
    return sorted({body for slot in slots for body in bodies[slot]})


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
    and sees nothing beneath it: a field that the actor's roles see masked is masked here, so that
    nobody can filter by it, sort by it or count it. For now (`at` is None) it stays a plain
    subquery, which the planner flattens, so that the spatial indexes serve.

    Parameters
    ----------
    layer : a `Layer`, or a class (links too).
    actor : who asks; each set of bodies travels as one array.
    at : the moment of record; None is now. Series are not recorded: `at` does not touch them,
        except through the thing they belong to.
    """
    model = layer.model if isinstance(layer, Layer) else layer
    table = table_of(model)
    if issubclass(model, Series):
        return _narrowed(model, table, actor, at).subquery(f"{table.name}_rows")
    if at is not None and actor.sees_all(layer_of(model)):
        return dated(table, at)
    return _narrowed(model, dated(table, at), actor, at).subquery(f"{table.name}_rows")


def latest_rows(model: type[Series], actor: Actor) -> FromClause:
    """Return the newest row of each thing of a series, scoped and masked like `rows`.

    It carries the thing's id as `id`, which is the id of the map feature.
    """
    assert model.latest is not None
    latest = table_of(model.latest)
    key = latest.c[model.thing_key]
    query = _narrowed(model, latest, actor, None).add_columns(key.label("id"))
    things = table_of(model.thing)
    # Also for who sees all: a thing that was deleted leaves its newest row behind.
    if actor.sees_all(layer_of(model)):
        query = query.where(key.in_(select(things.c.id)))
    return query.subquery(f"{latest.name}_rows")


def seen_by(
    model: type[Tracked], source: FromClause, actor: Actor, at: datetime | None = None
) -> ColumnElement[bool]:
    """Return the condition that the actor sees a row of `source`, be it a row of the history."""
    ways = actor.reaches(layer_of(model))
    return _any([_seen(model, source, way, actor, at) for way in ways])


def open_ids(layer: Layer, column: str, actor: Actor, at: datetime | None = None) -> Select[Any]:
    """Return the query for the ids of the rows of which the actor sees a column as it is."""
    model = layer.model
    source = dated(table_of(model), at)
    ways = [
        _seen(model, source, way, actor, at)
        for way in actor.reaches(layer)
        if column not in dict(way.masks)
    ]
    return select(source.c.id).where(_any(ways))


def layer_of(model: type[Tracked] | type[Series]) -> Layer:
    """Return the layer that shows a class; of a link that of its subject, whose fact it is."""
    for each in registry.LAYERS:
        if each.model is model:
            return each
    subject = next(c for c in table_of(model).c if c.foreign_keys)
    target = next(iter(subject.foreign_keys)).column.table
    return next(each for each in registry.LAYERS if each.table is target)


def _narrowed(
    model: type[Tracked] | type[Series], source: FromClause, actor: Actor, at: datetime | None
) -> Select[Any]:
    """Return the rows of `source` that the actor sees, each field in the form it is seen in."""
    layer = layer_of(model)
    ways = [(dict(way.masks), _seen(model, source, way, actor, at))
            for way in actor.reaches(layer)]  # fmt: skip
    own = layer.model is model  # a link is no column of its subject
    columns = [
        _field(layer.table.c[c.name], c, ways).label(c.name)
        if own and any(c.name in masks for masks, _ in ways)
        else c
        for c in source.c
    ]
    query = select(*columns)
    seen = _any([condition for _, condition in ways])
    return query if isinstance(seen, True_) else query.where(seen)


def _any(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return that one of some conditions holds: TRUE where one always does, FALSE for none."""
    if any(isinstance(each, True_) for each in conditions):
        return true()
    return or_(*conditions) if conditions else false()


def _field(
    column: Column[Any],
    value: ColumnElement[Any],
    ways: Sequence[tuple[Mapping[str, Form], ColumnElement[bool]]],
) -> ColumnElement[Any]:
    """Return a field in the most open form of those in which some way shows its row."""
    forms: dict[Form, list[ColumnElement[bool]]] = {}
    for masks, condition in ways:
        forms.setdefault(masks.get(column.name, Form.OPEN), []).append(condition)
    first, *rest = sorted(forms)
    if not rest:
        return shown(column, value, first)
    whens = [(_any(forms[form]), shown(column, value, form)) for form in (first, *rest[:-1])]
    return case(*whens, else_=shown(column, value, rest[-1]))


def _seen(
    model: type[Tracked] | type[Series],
    source: FromClause,
    way: Reach,
    actor: Actor,
    at: datetime | None,
) -> ColumnElement[bool]:
    """Return the condition under which a row of `source` is seen by one way; TRUE is always."""
    if way.slots is None:
        return true()
    bodies = _bodies(way.slots, actor)
    if issubclass(model, Series):
        thing = dated(table_of(model.thing), at).alias()
        ids = select(thing.c.id).where(model.thing.visible(thing, bodies, at))
        return source.c[model.thing_key].in_(ids)
    found: ColumnElement[bool] = model.visible(source, bodies, at)
    return found


def _bodies(slots: frozenset[int], actor: Actor) -> ColumnElement[Any]:
    if not slots:
        return literal_column("'{}'::bigint[]", ARRAY(BigInteger))
    held = _joined(policy.slots_of(actor.normal), slots)
    return bindparam(_name(slots), held, type_=ARRAY(BigInteger), unique=False)


def earliest(layer: Layer) -> Select[Any]:
    """Return the query for the first recorded moment of `layer`: before it, `at` means it."""
    return first_record(layer.table.name)
