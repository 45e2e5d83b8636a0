"""`Listing`: which rows of a layer, in one description behind everything that shows them.

The page of a list, its totals, its groups, its marks on the map and its export are statements
over the same `Listing.source`, so that list = drawn + "not on the map, because …" = export.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Integer,
    Select,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy import Text as TextType
from sqlalchemy.sql.elements import ColumnElement, Null
from sqlalchemy.sql.selectable import FromClause

from layers.access import Actor, rows, subtree
from layers.base import Layer
from layers.facts import TITLE_OF, layer_of_key
from layers.filter import Filter
from layers.housing import housed
from layers.named import NamedFilter
from layers.paging import Order, parse_order
from layers.places import CONTAINERS, extent_columns, name_of, place_of, title_of, titled
from layers.placing import Placing
from layers.problems import BadRequest
from layers.registry import LAYERS
from layers.search import entries_saying, told_of
from layers.types import Ltree

SHOWN_TITLE = "shown_title"
SORTED_BY = "sorted_by_"
PLACE, SHAPE = "shown_at", "shape"
PLACE_KINDS = ("level", "building", "site", "body")
MOST_GROUPS = 5_000
# What adds up; a speed or a height does not.
_ADDITIVE = ("m²", "元", "人", "km", "kWh", "m³", "件", "s", "台", "间")


@dataclass(frozen=True)
class Listing:
    """Which rows.

    Attributes
    ----------
    on : the day on which occupancies count.
    filter : bbox, time and CQL2.
    named : the counted question, with `chosen`, its statement (for the columns that it adds); the
        rows it gave stand in `filter`.
    text : words that must stand in the row, or in what it names by a key.
    inside : a container or a body (``("level", 14)``) in which the rows are.
    """

    layer: Layer
    actor: Actor
    at: datetime | None = None
    on: date | None = None
    filter: Filter = field(default_factory=Filter)
    named: NamedFilter | None = None
    chosen: Select[Any] | None = None
    text: str | None = None
    inside: tuple[str, int] | None = None
    sort: str = ""

    @cached_property
    def order(self) -> Order:
        """How the list is sorted; a key to another row sorts by that row's name.

        Raises
        ------
        BadRequest : a name that cannot be sorted by.
        """
        asked = parse_order(self.layer, self.sort or None, field="sort", others=self.extras)
        return Order(
            tuple(
                (SORTED_BY + name if name in self._named_keys else name, down)
                for name, down in asked.columns
            )
        )

    @cached_property
    def extras(self) -> Mapping[str, ColumnElement[Any]]:
        """The columns that the named filter adds, of its statement."""
        if self.named is None or self.chosen is None:
            return {}
        made = self.chosen.subquery("chosen")
        return {column.name: made.c[column.name] for column in self.named.columns}

    @cached_property
    def _named_keys(self) -> dict[str, Layer]:
        """The keys that the list is sorted by, with the layers they lead to."""
        wanted = [part.strip().lstrip("+-").strip() for part in self.sort.split(",")]
        found = {n: layer_of_key(self.layer.table.c[n]) for n in wanted if n in self.layer.table.c}
        return {name: target for name, target in found.items() if target is not None}

    def source(self, *, added: bool = True) -> FromClause:
        """Return the rows: the layer's columns, the added ones, and names that are sorted by.

        Parameters
        ----------
        added : whether the columns of the named filter are wanted; they may be dear.
        """
        t = rows(self.layer, self.actor, self.at).alias("t")
        columns: list[Any] = list(t.c)
        joined: FromClause = t
        conditions: list[Any] = [self.filter.condition(self.layer, t)]
        if self.inside is not None:
            joined, condition = self._inside(t, *self.inside)
            conditions.append(condition)
        if added and self.extras:
            chosen = next(iter(self.extras.values())).table
            joined = joined.outerjoin(chosen, chosen.c.id == t.c.id)
            columns += [column.label(name) for name, column in self.extras.items()]
        if self.text:
            conditions.append(self._says(t, self.text))
        for name, target in self._named_keys.items():
            named = rows(target, self.actor, self.at).alias()
            joined = joined.outerjoin(named, named.c.id == t.c[name])
            columns.append(name_of(target, named).label(SORTED_BY + name))
        return select(*columns).select_from(joined).where(*conditions).subquery("listed")

    def _says(self, t: FromClause, text: str) -> ColumnElement[bool]:
        """Return whether a row, or one that it names by a key, has the words in it."""
        own = self.layer if self.layer.series is None else self._thing
        key = "id" if self.layer.series is None else self.layer.series.thing_key
        # What is looked in, and the column that leads there.
        leads: list[tuple[Layer, str]] = [(own, key)]
        for column in self.layer.table.columns:
            target = layer_of_key(column)
            if target is not None and target is not self.layer and target.searchable:
                leads.append((target, column.name))
        saying = entries_saying(dict.fromkeys(each for each, _ in leads), text)
        ways = []
        for each, name in leads:
            found = select(saying.c.id).where(saying.c.layer == each.name)
            # The words of what may not be seen must not tell by a match that they were guessed.
            if not self.actor.sees_all(each):
                found = found.where(told_of(each, saying, self.actor, seen=each is self.layer))
            ways.append(t.c[name].in_(found))
        return or_(*ways)

    @property
    def _thing(self) -> Layer:
        assert self.layer.series is not None
        model = self.layer.series.thing
        return next(each for each in LAYERS if each.model is model)

    def _inside(self, t: FromClause, kind: str, key: int) -> tuple[FromClause, ColumnElement[bool]]:
        if kind == "body":
            column = "id" if self.layer.table.name == "body" else "body_id"
            if column in t.c:
                return t, t.c[column].in_(subtree(key))
        else:
            housing = housed(self.layer, t, self.at, self.on)
            if kind in housing.ids:
                return housing.source, housing.ids[kind] == key
        raise self._placeless(kind)

    def _placeless(self, kind: str) -> BadRequest:
        return BadRequest(
            zh=f"图层“{self.layer.title.zh}”的行不属于任何“{kind}”，不能按它筛选或汇总",
            en=f"Rows of '{self.layer.name}' belong to no {kind}: they cannot be narrowed or "
            "summed up by it",
            field="place",
            value=kind,
        )

    def place_kinds(self) -> list[str]:
        """Return by what the rows can be narrowed and summed up: ``level``, ``building``, …."""
        t = rows(self.layer, self.actor, self.at).alias()
        known = [
            kind
            for kind in housed(self.layer, t, self.at, self.on).ids
            if kind in PLACE_KINDS and kind != self.layer.table.name
        ]
        if "body_id" in t.c and self.layer.table.name != "body":
            known.append("body")
        return [kind for kind in PLACE_KINDS if kind in known]

    def page(self, limit: int, after: tuple[Any, ...] | None = None) -> Select[Any]:
        """Return the statement of a page: columns, titles of keys, `SHOWN_TITLE` and extents.

        One row more than `limit` tells that there are more.
        """
        listed = self.source()
        query = select(listed).order_by(*self.order.terms(listed)).limit(cast(limit + 1, Integer))
        if after is not None:
            query = query.where(self.order.after(listed, after))
        shown = self._placed(query)
        columns = [*self._readable(shown), *self._titles(shown)]
        if PLACE in shown.c:
            columns += extent_columns(shown.c[PLACE])
        return select(*columns).order_by(*self.order.terms(shown))

    def export(self, *, shapes: bool) -> Select[Any]:
        """Return the statement of all rows for a file, in order.

        Beside the columns: titles of keys, `SHOWN_TITLE`, ``site_name`` … ``room_name`` (those
        containers that a row can have), ``lon, lat`` of the place it is shown at (EPSG:4326), and
        `SHAPE`, its own geometry as GeoJSON, where `shapes` are asked for.
        """
        listed = self.source()
        if self.layer.series is not None:
            columns = [*self._readable(listed), *self._titles(listed)]
            if self.layer.spatial:
                columns += [
                    func.ST_X(listed.c.geom).label("lon"),
                    func.ST_Y(listed.c.geom).label("lat"),
                ]
        else:
            shown = self._placed(select(listed))
            columns = [*self._readable(shown), *self._titles(shown)]
            if PLACE in shown.c:
                columns += extent_columns(shown.c[PLACE])[:2]
            listed = shown
        source: FromClause = listed
        if self.layer.series is None:
            housing = housed(self.layer, listed, self.at, self.on)
            source = housing.source
            for kind, key in housing.ids.items():
                if kind != self.layer.table.name:
                    container = next(e for e in LAYERS if e.name == CONTAINERS[kind])
                    held = rows(container, self.actor, self.at).alias()
                    source = source.outerjoin(held, held.c.id == key)
                    columns.append(name_of(container, held).label(f"{kind}_name"))
        if shapes and self.layer.spatial:
            outline = func.ST_AsGeoJSON(func.ST_Force2D(listed.c.geom), 7, 0, type_=TextType)
            columns.append(outline.label(SHAPE))
        return select(*columns).select_from(source).order_by(*self.order.terms(listed))

    def _placed(self, query: Select[Any]) -> FromClause:
        """Return the rows of `query` with the place each is shown at, worked out once a row."""
        page = query.cte("page").prefix_with("MATERIALIZED", dialect="postgresql")
        if self.layer.series is not None:
            if not self.layer.spatial:
                return page
            place: ColumnElement[Any] = page.c.geom
        else:
            place = place_of(self.layer, page, self.actor, self.at, self.on)
        if isinstance(place, Null):
            return page
        whole = select(page, place.label(PLACE))
        return whole.cte("placed").prefix_with("MATERIALIZED", dialect="postgresql")

    def _readable(self, t: FromClause) -> list[Any]:
        return [
            cast(c, TextType).label(c.name) if isinstance(c.type, Ltree) else c
            for c in t.c
            if not isinstance(c.type, Geometry)
        ]

    def named_layers(self) -> tuple[Layer, ...]:
        """Return the layers whose things the rows name by a key, as far as the actor sees them."""
        keys = map(layer_of_key, self.layer.table.columns)
        return tuple({k.name: k for k in keys if k is not None and self.actor.sees(k)}.values())

    def _titles(self, t: FromClause) -> list[Any]:
        """Return the row's own title, and that of each row it names."""
        made: list[Any] = []
        if self.layer.series is None:
            made.append(titled(self.layer, t, self.actor, self.at).label(SHOWN_TITLE))
        else:
            thing = rows(self._thing, self.actor, self.at).alias()
            title = select(title_of(self._thing, thing)).where(
                thing.c.id == t.c[self.layer.series.thing_key]
            )
            made.append(title.scalar_subquery().label(SHOWN_TITLE))
        for column in self.layer.table.columns:
            target = layer_of_key(column)
            if target is not None:
                named = rows(target, self.actor, self.at).alias()
                title = select(title_of(target, named)).where(named.c.id == t.c[column.name])
                made.append(title.scalar_subquery().label(TITLE_OF + column.name))
        return made

    def summed(self) -> list[str]:
        """Return the columns whose sums mean something."""
        own = [
            name
            for name, column in self.layer.fields().items()
            if column.info.get("summed", column.info.get("unit") in _ADDITIVE)
        ]
        return own + [c.name for c in (self.named.columns if self.named else ()) if c.summed]

    def _summable(self) -> FromClause:
        return self.source(added=bool(self.summed() and set(self.extras) & set(self.summed())))

    def _sums(self, t: FromClause) -> list[Any]:
        return [func.sum(t.c[name]).label(name) for name in self.summed()]

    def totals(self) -> Select[Any] | CompoundSelect[Any]:
        """Return the statement of ``reason, count`` and the sums: a row for each reason.

        The reason of the rows that are marked on the map is NULL.
        """
        placing = Placing(self.layer, self._summable(), self.actor, self.at, self.on)
        return placing.totals(self.summed())

    def groups(self, kind: str) -> Select[Any]:
        """Return the statement of ``id, title, count`` and sums by container or body.

        The rows that are in none, or in one that is not to be seen, have the id NULL.

        Raises
        ------
        BadRequest : the layer's rows cannot be in such a container.
        """
        if kind not in self.place_kinds():
            raise self._placeless(kind)
        listed = self._summable()
        source: FromClause = listed
        key: ColumnElement[Any]
        if kind == "body":
            target = next(each for each in LAYERS if each.table.name == "body")
            key = listed.c.body_id
        else:
            target = next(each for each in LAYERS if each.name == CONTAINERS[kind])
            housing = housed(self.layer, listed, self.at, self.on)
            source, key = housing.source, housing.ids[kind]
        inner = (
            select(key.label("key"), func.count().label("count"), *self._sums(listed))
            .select_from(source)
            .group_by(key)
            .subquery("grouped")
        )
        held = rows(target, self.actor, self.at).alias()
        # What is in containers that are not to be seen is one group with what is in none.
        seen = (
            select(
                held.c.id,
                cast(func.sum(inner.c.count), BigInteger).label("count"),
                *(func.sum(inner.c[name]).label(name) for name in self.summed()),
            )
            .select_from(inner.outerjoin(held, held.c.id == inner.c.key))
            .group_by(held.c.id)
            .order_by(func.sum(inner.c.count).desc(), held.c.id)
            .limit(MOST_GROUPS)
            .subquery("seen")
        )
        shown = rows(target, self.actor, self.at).alias()
        return (
            select(seen, title_of(target, shown).label("title"))
            .select_from(seen.outerjoin(shown, shown.c.id == seen.c.id))
            .order_by(seen.c.count.desc(), seen.c.id)
        )
