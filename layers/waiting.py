"""Rows that wait in quarantine: statements for whoever keeps the whole of their layer.

A row that could not be loaded belongs to nobody yet: its body may be the very thing that is wrong.
So it is no layer, has no scope, and is shown whole or not at all.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, collate, false, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import ColumnElement

from layers import registry
from layers.access import Actor
from layers.base import Layer, table_of
from layers.problems import Forbidden
from layers.records import ImportBatch, Quarantine

_ROW = table_of(Quarantine)
_BATCH = table_of(ImportBatch)


def keeps(actor: Actor, layer: Layer) -> bool:
    """Whether an actor keeps the whole of a layer: sees each row as it is, and makes rows of it."""
    return actor.sees_all(layer) and (actor.may_write(layer, None, None) or actor.sees_everything)


def mended_by(actor: Actor) -> tuple[str, ...]:
    """Return the tables whose waiting rows an actor may see: those of layers that he imports.

    Such a row may belong to any body and hold any field, so that the actor must see the whole
    layer, each field as it is, and may make rows of it.

    Raises
    ------
    Forbidden : there is none.
    """
    found = tuple(layer.table.name for layer in registry.LAYERS if keeps(actor, layer))
    if not found:
        raise Forbidden(
            zh="待修的行可能属于任何机构，只有负责该图层全部范围的账号可以查看；请向管理员申请，"
            "或去掉 unit",
            en="Rows in quarantine may belong to any body: only who keeps the whole of their "
            "layer may read them; ask the administrator, or leave unit out",
        )
    return found


def _of(
    kind: str | None, batch: int | None, among: Collection[str] | None
) -> list[ColumnElement[bool]]:
    wanted = []
    if kind is not None:
        wanted.append(_BATCH.c.kind == kind)
    if batch is not None:
        wanted.append(_BATCH.c.id == batch)
    if among is not None:
        wanted.append(_ROW.c.layer.in_(sorted(among)))
    return wanted


def waiting(
    kind: str | None = None,
    batch: int | None = None,
    after: int | None = None,
    until: int | None = None,
    limit: int | None = None,
    among: Collection[str] | None = None,
) -> Select[Any]:
    """Return the rows in the order in which they came.

    Parameters
    ----------
    kind, batch : of this kind of import, of this import alone.
    after : the id of the last row of the page before.
    until : the id of the last row that is wanted.
    among : of these tables alone, see `mended_by`.
    """
    query = (
        select(
            _ROW.c.id,
            _BATCH.c.kind,
            _BATCH.c.source,
            _ROW.c.file,
            _ROW.c.row,
            _ROW.c["values"],
            _ROW.c.geometry,
            _ROW.c.reasons,
            func.coalesce(_BATCH.c.finished_at, _BATCH.c.started_at).label("batch_at"),
        )
        .join(_BATCH, _BATCH.c.id == _ROW.c.batch_id)
        .where(*_of(kind, batch, among))
        .order_by(_ROW.c.id)
        .limit(limit)
    )
    if until is not None:
        query = query.where(_ROW.c.id <= until)
    return query if after is None else query.where(_ROW.c.id > after)


def extent(
    kind: str | None = None, batch: int | None = None, among: Collection[str] | None = None
) -> Select[Any]:
    """Return ``last``, the id of the last row (0: none waits), and whether any has a shape."""
    return (
        select(
            func.coalesce(func.max(_ROW.c.id), 0).label("last"),
            func.coalesce(func.bool_or(_ROW.c.geometry.is_not(None)), false()).label("shapes"),
        )
        .join_from(_ROW, _BATCH, _BATCH.c.id == _ROW.c.batch_id)
        .where(*_of(kind, batch, among))
    )


def headings(
    until: int,
    kind: str | None = None,
    batch: int | None = None,
    among: Collection[str] | None = None,
) -> Select[Any]:
    """Return ``name``: what the rows up to an id hold, in the order in which it comes up."""
    held = (
        select(_ROW.c.id, func.jsonb_object_keys(_ROW.c["values"]).label("name"))
        .join(_BATCH, _BATCH.c.id == _ROW.c.batch_id)
        .where(_ROW.c.id <= until, *_of(kind, batch, among))
        .subquery("held")
    )
    name = held.c.name
    return (
        select(name)
        .group_by(name)
        # Within a row JSONB keeps the shorter name first.
        .order_by(func.min(held.c.id), func.octet_length(name), collate(name, "C"))
    )


def total(kind: str | None = None, among: Collection[str] | None = None) -> Select[Any]:
    """Return how many rows wait."""
    return (
        select(func.count().label("total"))
        .join_from(_ROW, _BATCH, _BATCH.c.id == _ROW.c.batch_id)
        .where(*_of(kind, None, among))
    )


def by_reason(kind: str | None = None, among: Collection[str] | None = None) -> Select[Any]:
    """Return ``reason, count``: the rows that wait for each reason; one may wait for several."""
    said = (
        select(
            _ROW.c.id,
            func.jsonb_array_elements(_ROW.c.reasons, type_=JSONB)["reason"].astext.label("reason"),
        )
        .join(_BATCH, _BATCH.c.id == _ROW.c.batch_id)
        .where(*_of(kind, None, among))
        .subquery("said")
    )
    count = func.count(said.c.id.distinct())
    return (
        select(said.c.reason, count.label("count"))
        .group_by(said.c.reason)
        .order_by(count.desc(), said.c.reason)
    )


def batches() -> Select[Any]:
    """Return the imports of which rows wait, and how many."""
    return (
        select(
            _BATCH.c.id.label("batch"),
            _BATCH.c.kind,
            _BATCH.c.source,
            _BATCH.c.started_at,
            func.count().label("rows"),
        )
        .join_from(_ROW, _BATCH, _ROW.c.batch_id == _BATCH.c.id)
        .group_by(_BATCH.c.id)
        .order_by(_BATCH.c.id)
    )
