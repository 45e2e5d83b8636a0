"""The recorded past as people ask about it: versions of a thing, change sets, differences.

The log says what changed when. What it was is asked of `rows(layer, actor, at)`, just before and at
the moment of each change, so that nobody learns of a version that he could not see on the map of
its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    ARRAY,
    Select,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy import Text as TextType
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.access import Actor, layer_of, rows
from layers.base import Base, Layer, Tracked, table_of
from layers.history import Xid8, tracked_tables
from layers.places import IDS, title_of, titled
from layers.registry import LAYERS
from layers.types import Ltree

INSTANT = timedelta(microseconds=1)
"""Commits are at least so far apart: an instant before one is the state that it met."""
BEFORE, AFTER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 2, tzinfo=UTC)
"""Stand for the moments of a change in statements that are asked about many (`Prepared.about`)."""
SIDES = ("west", "south", "east", "north")


@dataclass(frozen=True)
class Span:
    """Between which moments of record, and before which place in the order, changes are sought."""

    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


def log_of(shown: Layer, key: int, span: Span, limit: int) -> Select[Any]:
    """Return the statement for the changes of one row, the newest first.

    The one at `span.before` is among them: it says what the next older one led to.
    """
    change, record = _log()
    query = (
        select(
            record.c.seq,
            record.c.recorded_at,
            record.c.actor,
            record.c.reason,
            record.c.undoes,
            change.c.operation,
        )
        .join(record, record.c.tx == change.c.tx)
        .where(change.c.layer == shown.table.name, change.c.id == key, record.c.seq.is_not(None))
    )
    if span.until is not None:
        query = query.where(record.c.recorded_at <= span.until)
    if span.before is not None:
        query = query.where(record.c.seq <= span.before)
    return query.order_by(record.c.seq.desc()).limit(limit)


def image(
    shown: Layer, actor: Actor, key: int, at: datetime | None, *, geometry: bool
) -> Select[Any]:
    """Return the statement for a row as it was at a moment, if the actor may see it so.

    Beside the columns: ``shown_title``, ``shape`` (a digest, NULL without a place), its
    ``west, south, east, north`` and, where it is asked for, ``geojson``.
    """
    thing = rows(shown, actor, at)
    plain = [c for c in thing.c if c.name not in ("geom", "geom_3857")]
    columns: list[Any] = [
        cast(c, TextType).label(c.name) if isinstance(c.type, Ltree) else c for c in plain
    ]
    place: dict[str, ColumnElement[Any]] = dict.fromkeys(("shape", *SIDES), cast(null(), TextType))
    drawn: ColumnElement[Any] = cast(null(), TextType)
    if shown.spatial:
        geom = thing.c.geom
        place = {"shape": func.md5(func.ST_AsEWKB(geom)), **_extent(geom)}
        if geometry:
            drawn = func.ST_AsGeoJSON(func.ST_Force2D(geom), 7)
    return select(
        *columns,
        titled(shown, thing, actor, at).label("shown_title"),
        *(value.label(name) for name, value in place.items()),
        drawn.label("geojson"),
    ).where(thing.c.id == key)


def titles(target: Layer, actor: Actor, ids: Sequence[int], at: datetime | None) -> Select[Any]:
    """Return the statement for the titles of rows that the actor may see at a moment."""
    named = rows(target, actor, at)
    return select(named.c.id, title_of(target, named).label("title")).where(
        named.c.id == func.any(literal(list(ids), IDS))
    )


def recorded_under(layer: Layer) -> dict[str, type[Tracked]]:
    """Return the tables whose changes count as changes of a layer: its own, and its links.

    A link (a room's level) is a change of its subject, which it names first.
    """
    found: dict[str, type[Tracked]] = {}
    if layer.series is not None:
        return found
    own = {each.table.name for each in LAYERS}
    for table in tracked_tables():
        first = next((c for c in table.c if c.foreign_keys), None)
        subject = None
        if table.name not in own and first is not None:
            subject = next(iter(first.foreign_keys)).column.table
        if table is layer.table or subject is layer.table:
            found[table.name] = _model(table)
    return found


def sets(
    span: Span, tables: Iterable[str] | None, area: BaseGeometry | None, limit: int
) -> Select[Any]:
    """Return the statement for change sets, the newest first; who may see them is not asked yet.

    Parameters
    ----------
    tables : only sets that touched one of them; None is any.
    area : only sets that touched something there.
    """
    record = Base.metadata.tables["change_set"]
    change = Base.metadata.tables["change"].alias()
    touched: Select[Any] = select(literal_column("1")).where(change.c.tx == record.c.tx)
    if tables is not None:
        touched = touched.where(change.c.layer == any_(literal(list(tables), _texts())))
    if area is not None:
        touched = touched.where(or_(*(_meets(side, area) for side in _sides(change))))
    query = select(
        cast(record.c.tx, TextType).label("tx"),
        record.c.seq,
        record.c.recorded_at,
        record.c.actor,
        record.c.reason,
        record.c.undoes,
    ).where(record.c.seq.is_not(None), exists(touched))
    if span.since is not None:
        query = query.where(record.c.recorded_at >= span.since)
    if span.until is not None:
        query = query.where(record.c.recorded_at < span.until)
    if span.before is not None:
        query = query.where(record.c.seq < span.before)
    return query.order_by(record.c.seq.desc()).limit(limit)


def touched_by(sets_: Sequence[str], area: BaseGeometry | None) -> Select[Any]:
    """Return the statement for what sets touched: ``tx, layer`` (the table), count and extent.

    Parameters
    ----------
    sets_ : their transactions, as text.
    """
    change = Base.metadata.tables["change"]
    query = select(
        cast(change.c.tx, TextType).label("tx"),
        change.c.layer,
        func.count().label("count"),
        *_extents(*_sides(change)),
    ).where(change.c.tx == any_(cast(literal(list(sets_), _texts()), _xids())))
    if area is not None:
        query = query.where(or_(*(_meets(side, area) for side in _sides(change))))
    return query.group_by(change.c.tx, change.c.layer)


def seen_in(model: type[Tracked], actor: Actor, area: BaseGeometry | None) -> Select[Any]:
    """Return the statement for what an actor may see of a set's changes in one table.

    It counts the rows that he saw an instant before the set (`BEFORE`) or sees with it (`AFTER`),
    and gives their extent; ``tx`` is a value of the statement.
    """
    change = Base.metadata.tables["change"]
    was, became = rows(model, actor, BEFORE).alias(), rows(model, actor, AFTER).alias()
    # Before the first record `rows` gives the earliest known state, in which a new row is.
    known = and_(was.c.id.is_not(None), change.c.operation != "I")
    kept = became.c.id.is_not(None)
    before: Any = case((known, change.c.before))
    after: Any = case((kept, change.c.after))
    shown = layer_of(model)
    if shown.spatial and not actor.opens(shown, "geom"):
        # The log does not tell who sees a place coarsely, or not at all, where it is.
        before = after = cast(null(), change.c.before.type)
    query = (
        select(func.count().label("count"), *_extents(before, after))
        .select_from(
            change.outerjoin(was, was.c.id == change.c.id).outerjoin(
                became, became.c.id == change.c.id
            )
        )
        .where(
            change.c.tx == cast(_value("tx"), _xid()),
            change.c.layer == table_of(model).name,
            or_(known, kept),
        )
    )
    if area is not None:
        query = query.where(or_(_meets(before, area), _meets(after, area)))
    return query


def difference(
    shown: Layer,
    actor: Actor,
    since: datetime,
    until: datetime | None,
    area: BaseGeometry | None,
    limit: int,
) -> Select[Any]:
    """Return the statement for what differs in a layer between two moments of record.

    What was changed and changed back does not. The newest change comes first.

    Parameters
    ----------
    until : None is now.

    Returns
    -------
    Select of ``id, kind`` (added, altered, gone), ``title, at`` (of the last change), ``moved``
    and ``geojson`` (EPSG:4326; of what is gone the former).
    """
    changed = _changed_between(shown, since, until, area).subquery("changed")
    was, now = rows(shown, actor, since).alias("was"), rows(shown, actor, until).alias("became")
    there, here = was.c.id.is_not(None), now.c.id.is_not(None)
    moved, drawn = _moved(shown, was, now)
    title = func.coalesce(titled(shown, now, actor, until), titled(shown, was, actor, since))
    query = (
        select(
            changed.c.id,
            case((~there, "added"), (~here, "gone"), else_="altered").label("kind"),
            title.label("title"),
            changed.c.at,
            and_(there, here, moved).label("moved"),
            drawn.label("geojson"),
        )
        .select_from(
            changed.outerjoin(was, was.c.id == changed.c.id).outerjoin(
                now, now.c.id == changed.c.id
            )
        )
        .where(or_(there, here), or_(~there, ~here, moved, ~_same(shown, was, now)))
    )
    if area is not None:
        query = query.where(or_(*(_meets(t.c.geom, area) for t in (was, now))))
    return query.order_by(changed.c.at.desc(), changed.c.id).limit(limit)


def _changed_between(
    shown: Layer, since: datetime, until: datetime | None, area: BaseGeometry | None
) -> Select[Any]:
    """Return the statement for the rows of which the log tells changes, and when the last was."""
    change, record = _log()
    query = (
        select(change.c.id, func.max(record.c.recorded_at).label("at"))
        .join(record, record.c.tx == change.c.tx)
        .where(change.c.layer == shown.table.name, record.c.recorded_at > since)
        .group_by(change.c.id)
    )
    if until is not None:
        query = query.where(record.c.recorded_at <= until)
    if area is not None:  # what the log knows of places leaves few rows to look up
        near = or_(*(_meets(side, area) for side in _sides(change)))
        query = query.having(func.bool_or(near))
    return query


def _moved(
    shown: Layer, was: FromClause, now: FromClause
) -> tuple[ColumnElement[bool], ColumnElement[Any]]:
    """Return whether a row lies elsewhere, and its place as GeoJSON: of what is gone the former."""
    if not shown.spatial:
        return false(), cast(null(), TextType)
    # By their bytes: boxes that are equal say little, and some shapes have heights or times.
    moved = func.ST_AsEWKB(was.c.geom).is_distinct_from(func.ST_AsEWKB(now.c.geom))
    shape = case((now.c.id.is_not(None), now.c.geom), else_=was.c.geom)
    return moved, func.ST_AsGeoJSON(func.ST_Force2D(shape), 7)


def _same(shown: Layer, was: FromClause, now: FromClause) -> ColumnElement[bool]:
    """Return the condition that nothing but the place and the revision may differ."""
    names = [
        c.name for c in shown.table.c if c.computed is None and c.name not in ("revision", "geom")
    ]
    return and_(*(was.c[name].is_not_distinct_from(now.c[name]) for name in names))


def _log() -> tuple[FromClause, FromClause]:
    return Base.metadata.tables["change"], Base.metadata.tables["change_set"]


def _model(table: Any) -> type[Tracked]:
    return next(m.class_ for m in Base.registry.mappers if m.local_table is table)


def _sides(change: FromClause) -> tuple[Any, Any]:
    return change.c.before, change.c.after


def _meets(shape: Any, area: BaseGeometry) -> ColumnElement[bool]:
    """Return the condition that a shape's box meets that of an area."""
    parts = list(getattr(area, "geoms", [area]))
    boxes = [func.ST_MakeEnvelope(*part.bounds, 4326) for part in parts]
    return or_(*(shape.op("&&")(each) for each in boxes))


def _extent(geom: ColumnElement[Any]) -> dict[str, ColumnElement[Any]]:
    reads = (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)
    return {side: read(geom) for side, read in zip(SIDES, reads, strict=True)}


def _extents(before: Any, after: Any) -> list[ColumnElement[Any]]:
    """Return the extent of all that stood and stands there, as four columns."""
    lower, upper = (func.least, func.min), (func.greatest, func.max)
    reads: tuple[tuple[Any, Any, Any], ...] = (
        (func.ST_XMin, *lower),
        (func.ST_YMin, *lower),
        (func.ST_XMax, *upper),
        (func.ST_YMax, *upper),
    )
    return [
        of_all(of_two(read(before), read(after))).label(side)
        for side, (read, of_two, of_all) in zip(SIDES, reads, strict=True)
    ]


def _value(name: str) -> ColumnElement[str]:
    return bindparam(name, "0", type_=TextType)


def _texts() -> ARRAY[str]:
    return ARRAY(TextType)


def _xid() -> Xid8:
    return Xid8()


def _xids() -> ARRAY[int]:
    return ARRAY(Xid8())
