"""Where a row of a list is marked on the map, and why another is not on it.

A row is marked at the newest position of what moves, else at its own geometry, else at the
innermost container that has one: a place to look at, not a position of its own.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, union_all
from sqlalchemy.sql.selectable import FromClause

from layers.access import Actor, latest_rows, rows
from layers.base import TILE_SRID, Layer, Series, table_of
from layers.housing import INNERMOST_FIRST, Housed, housed
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

    def reason(self) -> tuple[FromClause, ColumnElement[Any]]:
        """Return a FROM-item with one line for each row, and why it is not on the map.

        The reason is a code of `REASONS`, and NULL for a row that is marked.
        """
        if self._shown.series is not None:
            return self._reason_in_series(self._shown.series)
        source, own = self._own()
        ids = {k: i for k, i in self._housing.ids.items() if k != self._shown.table.name}
        if not own and not ids:
            return self._t, literal("no_place")
        source, shapes = self._all_shapes(source, own)
        whens: list[Any] = [(or_(*(shape.is_not(None) for shape in shapes)), None)]
        if self._shown.table.name in CONTAINERS or not ids:
            return source, case(*whens, else_="no_shape")
        inside = or_(*(key.is_not(None) for key in ids.values()))
        whens.append((inside, "container_without_shape"))
        return source, case(*whens, else_="not_located")

    def newest_in_series(self) -> ColumnElement[Any] | None:
        """Return how many of the rows are the newest of their thing, and so marked.

        None where that is not the question: the rows are no series, or none that has places.
        """
        model, latest, t = self._shown.series, self._newest, self._t
        if model is None or latest is None or "geom" not in t.c:
            return None
        same = and_(t.c[model.thing_key] == latest.c.id, t.c.time == latest.c.time)
        count = select(func.count()).select_from(latest.join(t, same))
        return count.scalar_subquery()

    def within(self, bounds: ColumnElement[Any], *, narrow: bool) -> Select[Any] | None:
        """Return ``id, geom`` (EPSG:3857) of the rows whose place meets `bounds`; None: no places.

        Parameters
        ----------
        narrow : whether the bounds hold a small part of the estate. Then each way to a place is
            asked by itself, so that each is found by its spatial index; else all rows are gone
            through once, which finds many sooner.
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
        if not narrow:
            source, shapes = self._all_shapes(source, own)
            if not shapes:
                return None
            shape = func.coalesce(*shapes) if len(shapes) > 1 else shapes[0]
            found = select(t.c.id, shape.label("geom")).select_from(source)
            return found.where(shape.op("&&")(bounds))
        missing: list[Any] = []
        for shape in own:
            found = select(t.c.id, shape.label("geom")).select_from(source)
            parts.append(found.where(*missing, shape.op("&&")(bounds)))
            missing.append(shape.is_(None))
        if self._shown.table.name not in CONTAINERS:
            parts += self._in_containers(source, missing, bounds)
        return select(union_all(*parts).subquery("placed")) if parts else None

    def _all_shapes(
        self, source: FromClause, own: list[ColumnElement[Any]]
    ) -> tuple[FromClause, list[ColumnElement[Any]]]:
        """Return the rows joined with their containers, and every shape from the nearest on."""
        # A container is itself: only what lies in one is shown at it.
        if self._shown.table.name in CONTAINERS:
            return source, own
        housing = self._housing
        whole = _joined(source, housing.source, self._t)
        shapes = list(own)
        for kind in INNERMOST_FIRST:
            if kind in housing.ids:
                held = rows(layer(CONTAINERS[kind]), self._actor, self._at).alias()
                whole = whole.outerjoin(held, held.c.id == housing.ids[kind])
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

    @cached_property
    def _housing(self) -> Housed:
        """The rows and their containers, joined once: ids of another join would multiply them."""
        return housed(self._shown, self._t, self._at, self._on)

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

    def _reason_in_series(self, model: type[Series]) -> tuple[FromClause, ColumnElement[Any]]:
        t, latest = self._t, self._newest
        if "geom" not in t.c:
            return t, literal("of_its_thing")
        if latest is None:
            return t, literal("older")
        source = t.outerjoin(
            latest, and_(latest.c.id == t.c[model.thing_key], latest.c.time == t.c.time)
        )
        return source, case((latest.c.id.is_not(None), None), else_="older")


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
