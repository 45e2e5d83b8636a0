"""An edit, written whole or not at all: scope, revisions, values, rules, keys."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from layers.access import Actor, rows
from layers.base import Entity, Layer, table_of
from layers.changes import ChangeSet
from layers.editing.conflicts import image_columns, stale
from layers.editing.edit import (
    MOST,
    Delete,
    Done,
    Edit,
    Fault,
    Put,
    Written,
    made_by_hand,
    managed,
    refuse,
)
from layers.editing.keys import check_references, key_faults
from layers.editing.links import Linked, link
from layers.editing.rules import check_deletes, check_rules
from layers.editing.scope import check_editor, check_fields, check_layer
from layers.editing.values import values_of
from layers.fields import editable
from layers.hand_edits import BY_HAND
from layers.labels import Text
from layers.problems import BadRequest, NotFound, Unconditional


class _Held(NamedTuple):
    """A row as it is recorded, and as the editor sees it: some fields masked."""

    row: Mapping[str, Any]
    seen: Mapping[str, Any]


@dataclass
class _Work:
    """One part of the edit with the row it is about.

    Attributes
    ----------
    row : the row as it is, None for a new one.
    seen : the row as the editor sees it: some fields may be masked.
    values : what is to be written, ready for JSON.
    id : of a new row, once it is written.
    """

    where: str
    part: Put | Delete
    model: type[Entity]
    row: Mapping[str, Any] | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    id: int = 0


def apply(connection: sa.Connection, actor: Actor, edit: Edit, *, zone: ZoneInfo) -> Done:
    """Write an edit inside the caller's transaction; the caller commits at once.

    Parameters
    ----------
    connection : a synchronous connection with an open transaction.
    actor : who edits; recorded with the change, and only what is in the actor's scope is changed.
    zone : in which times without an offset are read.

    Raises
    ------
    Forbidden : the actor may not change these rows, or nobody may.
    NotFound : a row is not there, or not the actor's to see.
    Unconditional : a part names no revision.
    Stale : a row was changed since that revision; says by whom and which fields differ.
    Impossible : a value, a key or a rule is broken; each is told with its field.
    """
    _check_size(edit)
    check_editor(actor)
    work = [_Work(where, part, managed(part.layer)) for where, part in edit.named()]
    for each in work:
        check_layer(actor, each.part.layer, each.where)
        _check_kind(each)
    _read(connection, actor, work)
    _check_revisions(connection, actor, work)
    for each in work:
        if isinstance(each.part, Put):
            each.values = _values(actor, each, zone)
            _check_scope(actor, each)
    puts = [w for w in work if isinstance(w.part, Put)]
    refuse(check_references(connection, actor, [(w.where, w.model, w.values) for w in puts]))
    changes = ChangeSet(connection, actor.name, edit.reason, by_hand=True)
    return _written(connection, actor, changes, work)


def _check_size(edit: Edit) -> None:
    count = len(edit.puts) + len(edit.deletes)
    if not 0 < count <= MOST:
        raise BadRequest(
            zh=f"一次修改应含 1 到 {MOST} 项，收到 {count} 项；更多请用导入",
            en=f"An edit has 1 to {MOST} parts; got {count}. Import what is larger",
            value=count,
        )


def _check_kind(each: _Work) -> None:
    """Refuse to make or delete what comes from files alone, and a row that is two things."""
    part = each.part
    if isinstance(part, Delete) or part.id is None:
        made_by_hand(part.layer)
    elif part.like is not None:
        raise BadRequest(
            zh="like 只用于新对象；修改已有对象时请去掉 like",
            en="`like` is for a new row; leave it out where `id` names the row to change",
            pointer="/" + each.where,
        )


def _read(connection: sa.Connection, actor: Actor, work: Sequence[_Work]) -> None:
    """Lock the rows that the edit names, in one order everywhere, and hand each part its own."""
    layers = {each.part.layer.table.name: each.part.layer for each in work}
    for name in sorted(layers):
        mine = [w for w in work if w.part.layer is layers[name]]
        wanted = sorted({w.part.read_from for w in mine if w.part.read_from is not None})
        deleting = any(isinstance(w.part, Delete) for w in mine)
        found = locked(connection, actor, layers[name], wanted, whole=deleting) if wanted else {}
        _hand_out(mine, found)


def _hand_out(mine: Sequence[_Work], found: Mapping[int, _Held]) -> None:
    taken: set[int] = set()
    for each in mine:
        part = each.part
        key = part.read_from
        if key is None:
            continue
        if key not in found:
            raise NotFound(
                zh=f"图层“{part.layer.title.zh}”中没有编号为 {key} 的对象，或您无权查看",
                en=f"There is no {key} in '{part.layer.name}', or it is not yours to see",
                pointer="/" + each.where,
            )
        each.row, each.seen = found[key]
        if part.id is None:
            continue
        if part.id in taken:
            raise BadRequest(
                zh=f"编号 {key} 在同一次修改中出现两次",
                en=f"{part.layer.name}/{key} stands twice in one edit",
                pointer="/" + each.where,
            )
        taken.add(part.id)


def locked(
    connection: sa.Connection, actor: Actor, layer: Layer, ids: Sequence[int], *, whole: bool
) -> dict[int, _Held]:
    """Return the rows of `layer` that `actor` may see among `ids`, locked, by their ids.

    Parameters
    ----------
    whole : whether they may be deleted: then nobody may point to them meanwhile either.
    """
    table, source = layer.table, rows(layer, actor)
    wanted = sa.literal(list(ids), sa.ARRAY(sa.BigInteger))
    held = (
        sa.select(*image_columns(table))
        .where(table.c.id == sa.func.any(wanted))
        .order_by(table.c.id)
        .with_for_update(key_share=not whole)
    )
    found = {row["id"]: dict(row) for row in connection.execute(held).mappings()}
    seen = sa.select(*image_columns(table, source)).where(source.c.id == sa.func.any(wanted))
    return {
        row["id"]: _Held(found[row["id"]], dict(row))
        for row in connection.execute(seen).mappings()
        if row["id"] in found
    }


def _check_revisions(connection: sa.Connection, actor: Actor, work: Sequence[_Work]) -> None:
    for each in work:
        part = each.part
        if part.id is None or each.row is None:
            continue
        if part.revision is None:
            raise Unconditional(
                zh="请注明所依据的修订号（revision，或请求头 If-Match），以免覆盖他人的修改",
                en="Say on which revision the change is based (revision, or the header If-Match), "
                "so that nobody's change is lost",
                pointer="/" + each.where,
            )
    late = [
        (w.where, w.part, w.seen)
        for w in work
        if w.part.id is not None and w.row is not None and w.part.revision != w.row["revision"]
    ]
    if late:
        raise stale(connection, actor, late)


def _values(actor: Actor, each: _Work, zone: ZoneInfo) -> dict[str, Any]:
    """Return what is to be written of a put: a whole row for a new one, else what is named."""
    put = each.part
    assert isinstance(put, Put)
    given = values_of(_without_copies(actor, each), each.model, each.where, zone)
    columns = [c for c in table_of(each.model).c if editable(each.model, c)]
    if put.id is not None:
        if put.replace:
            # A body that is not named stays: without one the row would be everybody's.
            empty = {c.name: None for c in columns if c.name not in (*given, "body_id")}
            given = {
                k: v
                for k, v in empty.items()
                # What the editor could not set is not emptied either.
                if _may_be_empty(each.model, k) and _may_write(actor, each, k)
            } | given
        return given
    made: dict[str, Any] = {}
    if put.like is not None and each.row is not None:
        # What the editor does not see as it is, or may not set, is not taken over.
        names = [c.name for c in columns] + (["geom"] if "geom" in each.row else [])
        layer = put.layer
        made = {
            name: each.row[name]
            for name in names
            if actor.opens(layer, name) and any(w.covers(name) for w in actor.edited(layer))
        }
    made |= given
    missing = [
        Fault(
            f"{each.where}/properties/{c.name}", c.name,
            Text(f"{c.info['title'].zh}：必填", f"{c.info['title'].en}: is required"),
        )
        for c in columns
        if not c.nullable and c.server_default is None and made.get(c.name) is None
    ]  # fmt: skip
    refuse(missing)
    # What is not said keeps the default of its column.
    return {k: v for k, v in made.items() if v is not None} | {
        "source": BY_HAND,
        "source_key": uuid.uuid4().hex,
    }


def _without_copies(actor: Actor, each: _Work) -> Put:
    """Return a put without the members that the editor may not set, where they are sent as read."""
    put = each.part
    assert isinstance(put, Put)
    if put.id is None or each.row is None:
        return put
    columns = table_of(each.model).c
    # Of a replacement all is sent back; a change of some fields says what it names.
    kept = {
        name: value
        for name, value in put.properties.items()
        if not (
            name in each.seen
            and _as_read(each.seen[name], value)
            and (
                put.replace
                if name not in columns or not editable(each.model, columns[name])
                else not _may_write(actor, each, name)
            )
        )
    }
    return replace(put, properties=kept)


def _as_read(held: Any, given: Any) -> bool:
    """Whether a value in JSON is the one that was read."""
    if isinstance(held, datetime) and isinstance(given, str):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(given) == held
    if isinstance(held, Decimal) and isinstance(given, int | float):
        return float(held) == given
    if isinstance(held, date):
        return bool(given == held.isoformat())
    return bool(given == held)


def _may_write(actor: Actor, each: _Work, name: str) -> bool:
    return each.row is not None and actor.may_write(each.part.layer, name, each.row["body_id"])


def _may_be_empty(model: type[Entity], name: str) -> bool:
    return bool(table_of(model).c[name].nullable)


def _check_scope(actor: Actor, each: _Work) -> None:
    """Refuse what the editor's roles do not change, and what does not stay within the bodies."""
    part, bodies = each.part, []
    if each.row is not None and part.id is not None:
        bodies.append(each.row["body_id"])
    fields: list[str | None] = [None]
    if isinstance(part, Put):
        if "body_id" in each.values or part.id is None:
            bodies.append(each.values.get("body_id"))
        fields = [n for n in each.values if n not in ("source", "source_key")]
        if part.id is None or part.links:
            fields.append(None)
    check_fields(actor, part.layer, each.where, fields, *bodies)


def _written(
    connection: sa.Connection, actor: Actor, changes: ChangeSet, work: Sequence[_Work]
) -> Done:
    deletes = [w for w in work if isinstance(w.part, Delete)]
    puts = [w for w in work if isinstance(w.part, Put)]
    for each in deletes:
        _check_scope(actor, each)
    gone = [(w.where, w.model, w.part.id or 0) for w in deletes]
    refuse(check_deletes(connection, actor, gone))
    with key_faults():
        for model, group in _grouped([w for w in puts if w.part.id is None]):
            made = changes.insert(model, [w.values for w in group])
            for each, key in zip(group, made, strict=True):
                each.id = key
        for model, group in _grouped([w for w in puts if w.part.id is not None and w.values]):
            changes.update(model, [{"id": w.part.id, **w.values} for w in group])
        link(connection, actor, changes, [_linked(w) for w in puts])
        changes.delete([(model, key) for _, model, key in gone])
        written = [(w.where, w.model, w.part.id or w.id) for w in puts]
        refuse(check_rules(connection, actor, written))
        changes.refresh_search()
        sealed = changes.seal()
    seq, at = sealed or (None, None)
    return Done(
        seq,
        at,
        puts=tuple(_revisions(connection, puts)),
        deletes=tuple((w.part.layer.name, w.part.id or 0) for w in deletes),
    )


def _linked(each: _Work) -> Linked:
    put = each.part
    assert isinstance(put, Put)
    return Linked(each.where, each.model, put.id or each.id, put.like, put.links, put.id is None)


def _grouped(work: Iterable[_Work]) -> list[tuple[type[Entity], list[_Work]]]:
    """Return the parts by their class and the columns they name: each group is one statement."""
    found: dict[tuple[type[Entity], tuple[str, ...]], list[_Work]] = {}
    for each in work:
        found.setdefault((each.model, tuple(sorted(each.values))), []).append(each)
    return [(model, group) for (model, _), group in found.items()]


def _revisions(connection: sa.Connection, puts: Sequence[_Work]) -> list[Written]:
    known: dict[tuple[str, int], int] = {}
    for model in {w.model for w in puts}:
        table = table_of(model)
        ids = [w.part.id or w.id for w in puts if w.model is model]
        wanted = sa.func.any(sa.literal(ids, sa.ARRAY(sa.BigInteger)))
        for key, revision in connection.execute(
            sa.select(table.c.id, table.c.revision).where(table.c.id == wanted)
        ):
            known[table.name, key] = revision
    return [
        Written(w.part.layer.name, key, known[table_of(w.model).name, key])
        for w in puts
        for key in [w.part.id or w.id]
    ]
