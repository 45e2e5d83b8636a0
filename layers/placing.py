"""Where a row of a list is marked on the map, and why another is not on it.

A row is marked at the newest position of what moves, else at its own geometry, else at the
innermost container that has one: a place to look at, not a position of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy import Text as Text_
from sqlalchemy.sql.elements import False_
from sqlalchemy.sql.selectable import FromClause

from layers.access import Actor, latest_rows, rows
from layers.base import TILE_SRID, Layer, Series, table_of
from layers.housing import INNERMOST_FIRST, Housed, direct, housed, outward
from layers.labels import Text
from layers.places import CONTAINERS
from layers.registry import LAYERS, layer

REASONS: dict[str, Text] = {
    "no_place": Text("此类数据没有位置", "this kind of data has no place"),
    "of_its_thing": Text(
        "读数附于计量表，表的位置在“计量表”图层", "readings are told at their meter, which is drawn"
    ),
    "older": Text("只画每辆车的最新位置", "only the newest position of each car is drawn"),
    "no_shape": Text("原文件没有给出图形或坐标", "its file gave neither a shape nor coordinates"),
    "not_located": Text("没有登记所在位置", "nobody recorded where it is"),
    "container_without_shape": Text(
        "登记了所在房间或建筑，但它没有图形", "its room or building is recorded but has no shape"
    ),
}


class Placing:
    """The places of some rows of a layer.

    Parameters
    ----------
    shown : the layer.
    t : its rows, as `layers.access.rows` gives them, narrowed as one likes.
    on : the day on which occupancies count.
    """

    def __init__(
        self,
        shown: Layer,
        t: FromClause,
        actor: Actor,
        at: datetime | None = None,
        on: date | None = None,
    ) -> None:
        self._shown, self._t, self._actor, self._at, self._on = shown, t, actor, at, on
        self._newest = self._newest_of()

    def totals(self, sums: Sequence[str]) -> Select[Any] | CompoundSelect[Any]:
        """Return ``reason, count`` and the sums of columns: one line for each reason.

        The reason is a code of `REASONS`, and NULL for the rows that are marked on the map.
        """
        t = self._t
        if self._shown.series is not None:
            return self._totals_of_series(self._shown.series)
        source, own = self._own()
        added = [func.sum(t.c[name]).label(name) for name in sums]
        alone = or_(*(shape.is_not(None) for shape in own)) if own else false()
        if not self._contained:
            reason = case((alone, None), else_="no_shape") if own else literal("no_place")
            named = reason.label("reason")
            query = select(named, func.count().label("count"), *added)
            return query.select_from(source).group_by(named)
        gathered = self._gathered(source, alone, added)
        whole, shapes = self._shapes_of(gathered)
        marked = or_(gathered.c.alone, *(shape.is_not(None) for shape in shapes))
        inside = or_(*(gathered.c[kind].is_not(None) for kind in self._direct.ids))
        reason = case((marked, None), (inside, "container_without_shape"), else_="not_located")
        named = reason.label("reason")
        return (
            select(
                named,
                cast(func.sum(gathered.c.count), BigInteger).label("count"),
                *(func.sum(gathered.c[name]).label(name) for name in sums),
            )
            .select_from(whole)
            .group_by(named)
        )

    def spread(self, bounds: ColumnElement[Any]) -> Select[Any] | None:
        """Return ``n, first, geom`` (EPSG:3857): places within `bounds`, how many rows each holds.

        All rows are gone through once; those in one container are one place. None: no places.
        """
        if self._shown.series is not None:
            found = self.within(bounds)
            if found is None:
                return None
            one = found.subquery("one")
            return select(literal(1).label("n"), one.c.id.label("first"), one.c.geom)
        source, own = self._own()
        parts: list[Select[Any]] = []
        if own:
            shape = func.coalesce(*own) if len(own) > 1 else own[0]
            one_by_one = select(
                literal(1).label("n"), self._t.c.id.label("first"), shape.label("geom")
            )
            parts.append(one_by_one.select_from(source).where(shape.op("&&")(bounds)))
        if self._contained:
            alone = or_(*(shape.is_not(None) for shape in own)) if own else false()
            gathered = self._gathered(source, alone, [func.min(self._t.c.id).label("first")])
            whole, shapes = self._shapes_of(gathered)
            shape = func.coalesce(*shapes) if len(shapes) > 1 else shapes[0]
            many = select(gathered.c.count.label("n"), gathered.c.first, shape.label("geom"))
            parts.append(many.select_from(whole).where(~gathered.c.alone, shape.op("&&")(bounds)))
        return select(union_all(*parts).subquery("spread")) if parts else None

    def within(self, bounds: ColumnElement[Any]) -> Select[Any] | None:
        """Return ``id, geom`` (EPSG:3857) of the rows whose place meets `bounds`; None: no places.

        The bounds hold a small part of the estate: each way to a place is asked by itself, so that
        each is found by its spatial index.
        """
        t = self._t
        if self._shown.series is not None:
            latest = self._newest
            if latest is None:
                return None
            key = t.c[self._shown.series.thing_key]
            shape = _projected(latest)
            return (
                select(latest.c.id, shape.label("geom"))
                .join(t, and_(key == latest.c.id, t.c.time == latest.c.time))
                .where(shape.op("&&")(bounds))
            )
        parts: list[Select[Any]] = []
        source, own = self._own()
        missing: list[Any] = []
        for shape in own:
            found = select(t.c.id, shape.label("geom")).select_from(source)
            parts.append(found.where(*missing, shape.op("&&")(bounds)))
            missing.append(shape.is_(None))
        if self._contained:
            parts += self._in_containers(source, missing, bounds)
        return select(union_all(*parts).subquery("placed")) if parts else None

    @property
    def _contained(self) -> bool:
        """Whether a row can be shown at what contains it: a container is not, it is itself."""
        return self._shown.table.name not in CONTAINERS and bool(self._direct.ids)

    @cached_property
    def _direct(self) -> Housed:
        return direct(self._shown, self._t, self._at, self._on)

    def _gathered(
        self, source: FromClause, alone: ColumnElement[bool], added: list[Any]
    ) -> FromClause:
        """Return one line for the rows in the same containers: ``alone``, their ids, ``count``.

        What holds the containers need then be found once for each of them, not once for each row.
        """
        keys: list[Any] = [key.label(kind) for kind, key in self._direct.ids.items()]
        # A constant cannot be grouped by.
        by = keys if isinstance(alone, False_) else [*keys, alone]
        return (
            select(*keys, alone.label("alone"), func.count().label("count"), *added)
            .select_from(_joined(source, self._direct.source, self._t))
            .group_by(*by)
            .subquery("gathered")
        )

    def _shapes_of(self, gathered: FromClause) -> tuple[FromClause, list[ColumnElement[Any]]]:
        """Return the lines joined with their containers, and the shapes from the nearest on."""
        keys = {kind: gathered.c[kind] for kind in self._direct.ids}
        found = outward(Housed(gathered, keys), self._at)
        whole, shapes = found.source, []
        for kind in INNERMOST_FIRST:
            if kind in found.ids:
                held = rows(layer(CONTAINERS[kind]), self._actor, self._at).alias()
                whole = whole.outerjoin(held, held.c.id == found.ids[kind])
                shapes.append(_projected(held))
        return whole, shapes

    def _in_containers(
        self, source: FromClause, missing: list[Any], bounds: ColumnElement[Any]
    ) -> list[Select[Any]]:
        t = self._t
        housing = housed(self._shown, t, self._at, self._on)
        kinds = [kind for kind in INNERMOST_FIRST if kind in housing.ids]
        parts = []
        for place, kind in enumerate(kinds):
            whole = _joined(source, housing.source, t)
            held = rows(layer(CONTAINERS[kind]), self._actor, self._at).alias()
            whole = whole.join(held, held.c.id == housing.ids[kind])
            empty = list(missing)
            for inner in kinds[:place]:
                nearer = rows(layer(CONTAINERS[inner]), self._actor, self._at).alias()
                whole = whole.outerjoin(nearer, nearer.c.id == housing.ids[inner])
                empty.append(nearer.c.geom.is_(None))
            found = select(t.c.id, _projected(held).label("geom")).select_from(whole)
            parts.append(found.where(*empty, _projected(held).op("&&")(bounds)))
        return parts

    def _own(self) -> tuple[FromClause, list[ColumnElement[Any]]]:
        """Return the rows with their newest positions, and the shapes that are their own."""
        source, shapes = self._t, []
        if self._newest is not None:
            source = source.outerjoin(self._newest, self._newest.c.id == self._t.c.id)
            shapes.append(_projected(self._newest))
        if "geom" in self._t.c:
            shapes.append(_projected(self._t))
        return source, shapes

    def _newest_of(self) -> FromClause | None:
        """Return the newest position of each thing, where the layer's rows move (for now alone)."""
        if self._at is not None:
            return None
        for each in LAYERS:
            model = each.series
            if model is None or model.latest is None:
                continue
            if "geom" in table_of(model.latest).c and self._shown.model in (model, model.thing):
                return latest_rows(model, self._actor).alias()
        return None

    def _totals_of_series(self, model: type[Series]) -> Select[Any] | CompoundSelect[Any]:
        t, latest = self._t, self._newest
        total = select(func.count()).select_from(t).scalar_subquery()
        if "geom" not in t.c or latest is None:
            reason = "older" if "geom" in t.c else "of_its_thing"
            return select(literal(reason).label("reason"), total.label("count"))
        # A hash of all observations would be built only to find the newest few.
        same = and_(t.c[model.thing_key] == latest.c.id, t.c.time == latest.c.time)
        marked = select(func.count()).select_from(latest.join(t, same)).scalar_subquery()
        counted = select(total.label("total"), marked.label("marked")).subquery("counted")
        return union_all(
            select(cast(null(), Text_).label("reason"), counted.c.marked.label("count")),
            select(literal("older"), counted.c.total - counted.c.marked),
        )


def _projected(t: FromClause) -> ColumnElement[Any]:
    """Return the geometry of `t` in EPSG:3857: the kept copy where there is one."""
    if "geom_3857" in t.c:
        return t.c.geom_3857
    return func.ST_Transform(t.c.geom, TILE_SRID, type_=Geometry)


def _joined(source: FromClause, housing: FromClause, t: FromClause) -> FromClause:
    """Return both sets of joins round the same rows `t`."""
    if housing is t:
        return source
    if source is t:
        return housing
    # Both begin with `t`: hang the joins of the second onto the first.
    chain: list[Any] = []
    step: Any = source
    while step is not t:
        chain.append((step.right, step.onclause))
        step = step.left
    whole = housing
    for right, condition in reversed(chain):
        whole = whole.outerjoin(right, condition)
    return whole
