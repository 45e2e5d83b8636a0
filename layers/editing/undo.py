"""Taking a change set back: the reverse of what it did, as a change set of its own.

A row that nobody has touched since gets its former image back in one statement, exact in every
column. Of one that was changed since, only the fields are taken back that still have what the
change set gave them; where they do not, nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from layers.access import Actor
from layers.access import layer_of as shown_by
from layers.base import Base, Entity, Tracked, table_of
from layers.changes import ChangeSet
from layers.editing.conflicts import image_columns
from layers.editing.edit import MOST, Done, Written, refuse
from layers.editing.keys import key_faults, layer_of, seen
from layers.editing.rules import check_deletes, check_rules
from layers.editing.scope import check_editor, check_fields, check_layer
from layers.fields import title_of
from layers.history import history_table
from layers.links import Link
from layers.problems import BadRequest, Forbidden, NotFound, Stale


@dataclass(frozen=True)
class _Row:
    """A row of the change set: what was done, and whether another has touched it since."""

    model: type[Tracked]
    id: int
    operation: str
    touched: bool


def undo(connection: sa.Connection, actor: Actor, seq: int, reason: str | None = None) -> Done:
    """Take the change set `seq` back inside the caller's transaction; the caller commits at once.

    Parameters
    ----------
    reason : why; needed for what another did. It stands behind "undo of #seq" in the log.

    Raises
    ------
    NotFound : there is no such change set.
    Forbidden : the actor may not change these rows.
    Stale : a row was changed since in the same fields, or is gone; `conflicts` names both.
    Impossible : things made since depend on what would be deleted, or a rule is broken.
    """
    check_editor(actor)
    record = Base.metadata.tables["change_set"]
    found = connection.execute(sa.select(record).where(record.c.seq == seq)).one_or_none()
    if found is None:
        raise _unknown(seq)
    _lock(connection, seq)
    rows = _rows(connection, seq)
    _check_scope(connection, actor, seq, rows)
    if found.actor != actor.name and not (reason or "").strip():
        raise BadRequest(
            zh=f"第 {seq} 号修改由 {found.actor or '—'} 所作；撤销他人的修改须写明原因",
            en=f"Change set {seq} was made by {found.actor or '—'}; give a reason to undo it",
            field="reason",
        )
    said = f"撤销 #{seq}" + (f"：{reason.strip()}" if reason and reason.strip() else "")
    changes = ChangeSet(connection, actor.name, said, undoes=seq, by_hand=True)
    return _reversed(connection, actor, changes, seq, rows)


def _unknown(seq: int) -> NotFound:
    return NotFound(
        zh=f"没有序号为 {seq} 的修改，或您无权查看",
        en=f"There is no change set {seq}, or it is not yours to see",
    )


def _lock(connection: sa.Connection, seq: int) -> None:
    """Lock what is left of the rows of a change set, in the order in which all edits lock."""
    change = Base.metadata.tables["change"]
    mine = sa.select(change.c.id).where(change.c.tx == _tx(seq))
    models = {table_of(m).name: m for m in _tracked()}
    touched = sa.select(change.c.layer).distinct().where(change.c.tx == _tx(seq))
    for name in sorted(connection.scalars(touched)):
        if not models[name].managed:  # nobody edits those, and the set is not undone
            continue
        table = table_of(models[name])
        rows = mine.where(change.c.layer == name)
        held = sa.select(table.c.id).where(table.c.id.in_(rows)).order_by(table.c.id)
        connection.execute(held.with_for_update())


def _rows(connection: sa.Connection, seq: int) -> list[_Row]:
    change, record = Base.metadata.tables["change"], Base.metadata.tables["change_set"]
    later, then = change.alias("later"), record.alias("then")
    touched = (
        sa.exists()
        .where(later.c.layer == change.c.layer, later.c.id == change.c.id)
        .where(later.c.tx == then.c.tx, then.c.seq > seq)
    )
    found = connection.execute(
        sa.select(change.c.layer, change.c.id, change.c.operation, change.c.after, touched)
        .join(record, record.c.tx == change.c.tx)
        .where(record.c.seq == seq)
        .order_by(change.c.layer, change.c.id)
        .limit(MOST + 1)
    ).all()
    models = {table_of(m).name: m for m in _tracked()}
    rows = [_Row(models[row[0]], row[1], row[2], row[4]) for row in found]
    return [_reborn(connection, row) for row in rows]


def _check_size(rows: Sequence[_Row]) -> None:
    if len(rows) > MOST:
        raise BadRequest(
            zh=f"该修改涉及 {MOST} 行以上，不能整体撤销；请重新导入原文件",
            en=f"The change set has more than {MOST} rows and is not undone as a whole; "
            "import the former file again",
        )


def _reborn(connection: sa.Connection, row: _Row) -> _Row:
    """Return a row that was deleted and made again in one change set as what it is: altered."""
    if row.operation != "D" or row.touched:
        return row
    table = table_of(row.model)
    there = connection.scalar(sa.select(sa.exists().where(table.c.id == row.id)))
    return replace(row, operation="U") if there else row


def _tracked() -> list[type[Tracked]]:
    mapped = (each.class_ for each in Base.registry.mappers)
    return [each for each in mapped if issubclass(each, Tracked)]


def _check_scope(connection: sa.Connection, actor: Actor, seq: int, rows: Sequence[_Row]) -> None:
    """Refuse what is derived, and what the actor may not change; what is not seen is not there."""
    # Who changes all of a layer need not be asked about each row.
    doubtful = [r for r in rows if not actor.may_write(shown_by(r.model), None, None)]
    owners = _bodies(connection, seq, doubtful)
    if rows and len(doubtful) == len(rows) and not _any_seen(connection, actor, owners):
        raise _unknown(seq)
    _check_size(rows)
    derived = next((r.model for r in rows if not r.model.managed), None)
    if derived is not None:
        title = layer_of(table_of(derived).name).title
        raise Forbidden(
            zh=f"该修改含由观测生成的{title.zh}，不能撤销",
            en=f"It holds {title.en}, which are made of observations: it cannot be undone",
        )
    fields = _fields(connection, seq, doubtful)
    for row, bodies in owners.items():
        layer = shown_by(row.model)
        check_layer(actor, layer, "")
        check_fields(actor, layer, "", fields[row], *bodies)


def _any_seen(
    connection: sa.Connection, actor: Actor, owners: Mapping[_Row, set[int | None]]
) -> bool:
    """Whether one of some rows is, or was, the actor's to see."""
    ids: dict[str, list[int]] = {}
    for row, bodies in owners.items():
        layer = shown_by(row.model)
        if not actor.sees(layer):
            continue
        if any(body is not None and actor.owned(layer, body) for body in bodies):
            return True
        if layer.model is row.model:
            ids.setdefault(layer.table.name, []).append(row.id)
    return any(seen(connection, actor, table, keys) for table, keys in ids.items())


def _fields(
    connection: sa.Connection, seq: int, rows: Sequence[_Row]
) -> dict[_Row, list[str | None]]:
    """Return which fields of rows a change set wrote; None where it made, deleted or linked."""
    found: dict[_Row, list[str | None]] = {}
    for model, ids in _by_model(rows):
        mine = [row for row in rows if row.model is model]
        if issubclass(model, Link):
            found |= {row: [None] for row in mine}
            continue
        before, after, now = _images(connection, seq, model, ids)
        for row in mine:
            was, made = before.get(row.id), after.get(row.id) or now.get(row.id)
            if row.operation != "U" or was is None or made is None:
                found[row] = [None]
                continue
            found[row] = [n for n in was if n != "revision" and was[n] != made[n]]
    return found


def _bodies(
    connection: sa.Connection, seq: int, rows: Sequence[_Row]
) -> dict[_Row, set[int | None]]:
    """Return who owned rows before the change set and who does now; of a link, its subject."""
    found: dict[_Row, set[int | None]] = {}
    for model, ids in _by_model(rows):
        table = table_of(model)
        subjects: dict[int, set[int]] = {key: {key} for key in ids}
        if issubclass(model, Link):
            subject = next(c for c in table.c if c.foreign_keys)
            subjects = _told(connection, seq, table, subject.name, ids)
            table = next(iter(subject.foreign_keys)).column.table
        keys = sorted({each for held in subjects.values() for each in held})
        owners = _told(connection, seq, table, "body_id", keys)
        for row in (r for r in rows if r.model is model):
            held = subjects.get(row.id, set())
            found[row] = {body for key in held for body in owners.get(key, set())}
    return found


def _told(
    connection: sa.Connection, seq: int, table: sa.Table, name: str, keys: Sequence[int]
) -> dict[int, set[Any]]:
    """Return the values of a column that rows have now, or had before the change set."""
    past = history_table(table)
    wanted = sa.func.any(sa.literal(list(keys), sa.ARRAY(sa.BigInteger)))
    both = sa.union_all(
        sa.select(table.c.id, table.c[name]).where(table.c.id == wanted),
        sa.select(past.c.id, past.c[name]).where(past.c.id == wanted, past.c.tx == _tx(seq)),
    )
    found: dict[int, set[Any]] = {}
    for key, value in connection.execute(both):
        found.setdefault(key, set()).add(value)
    return found


def _tx(seq: int) -> sa.ScalarSelect[Any]:
    record = Base.metadata.tables["change_set"]
    return sa.select(record.c.tx).where(record.c.seq == seq).scalar_subquery()


def _reversed(
    connection: sa.Connection, actor: Actor, changes: ChangeSet, seq: int, rows: Sequence[_Row]
) -> Done:
    born = [r for r in rows if r.operation == "I"]
    gone = [r for r in rows if r.operation == "D"]
    altered = [r for r in rows if r.operation == "U"]
    _refuse_touched(_changed_since(connection, seq, [r for r in born + gone if r.touched]))
    merged = _merged(connection, seq, [r for r in altered if r.touched])
    refuse(check_deletes(connection, actor, _entities(born)))
    with key_faults():
        changes.defer()
        for model, ids in _by_model(gone):
            changes.bring_back(model, _tx(seq), ids)
        for model, ids in _by_model([r for r in altered if not r.touched]):
            changes.revert(model, _tx(seq), ids)
        for model, group in merged:
            changes.update(model, group)
        changes.delete([(r.model, r.id) for r in born])
        back = _entities([r for r in rows if r.operation != "I"])
        refuse(check_rules(connection, actor, back))
        changes.refresh_search()
        sealed = changes.seal()
    seq_, at = sealed or (None, None)
    return Done(
        seq_,
        at,
        puts=tuple(_written(connection, back)),
        deletes=tuple((layer_of(table_of(m).name).name, key) for _, m, key in _entities(born)),
    )


def _entities(rows: Sequence[_Row]) -> list[tuple[str, type[Entity], int]]:
    return [("", r.model, r.id) for r in rows if issubclass(r.model, Entity)]


def _by_model(rows: Sequence[_Row]) -> list[tuple[type[Tracked], list[int]]]:
    found: dict[type[Tracked], list[int]] = {}
    for row in rows:
        found.setdefault(row.model, []).append(row.id)
    return list(found.items())


def _written(
    connection: sa.Connection, rows: Sequence[tuple[str, type[Entity], int]]
) -> list[Written]:
    made = []
    for model in dict.fromkeys(m for _, m, _ in rows):
        table = table_of(model)
        ids = [key for _, m, key in rows if m is model]
        wanted = sa.func.any(sa.literal(ids, sa.ARRAY(sa.BigInteger)))
        query = sa.select(table.c.id, table.c.revision).where(table.c.id == wanted)
        name = layer_of(table.name).name
        made += [Written(name, key, revision) for key, revision in connection.execute(query)]
    return made


def _changed_since(connection: sa.Connection, seq: int, rows: Sequence[_Row]) -> list[_Row]:
    """Return those of rows touched since that are not as the change set left them.

    What was deleted and brought back, or made again and deleted, is as it was.
    """
    changed = []
    for model, ids in _by_model(rows):
        _, after, now = _images(connection, seq, model, ids)
        for row in (r for r in rows if r.model is model):
            held = now.get(row.id)
            left = after.get(row.id) if row.operation == "I" else None
            if _but_revision(held) != _but_revision(left):
                changed.append(row)
    return changed


def _but_revision(image: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if image is None else {k: v for k, v in image.items() if k != "revision"}


def _refuse_touched(rows: Sequence[_Row]) -> None:
    """Refuse to delete what was changed since it was made, or to make again what is there."""
    if rows:
        raise _conflict([(row, []) for row in rows])


def _merged(
    connection: sa.Connection, seq: int, rows: Sequence[_Row]
) -> list[tuple[type[Tracked], list[dict[str, Any]]]]:
    """Return the fields to take back of rows changed since, where nobody else set them.

    Returns
    -------
    Class and values, grouped by the columns that are named: each group is one statement.
    """
    found: dict[tuple[type[Tracked], tuple[str, ...]], list[dict[str, Any]]] = {}
    clashes: list[tuple[_Row, list[str]]] = []
    for model, ids in _by_model(rows):
        before, after, now = _images(connection, seq, model, ids)
        for row in (r for r in rows if r.model is model):
            if row.id not in now:
                clashes.append((row, []))
                continue
            was, made, held = before[row.id], after[row.id], now[row.id]
            mine = [n for n in was if n not in ("id", "revision") and was[n] != made[n]]
            lost = [n for n in mine if held[n] != made[n]]
            if lost:
                clashes.append((row, lost))
            elif mine:
                key = (model, tuple(sorted(mine)))
                found.setdefault(key, []).append({"id": row.id, **{n: was[n] for n in mine}})
    if clashes:
        raise _conflict(clashes)
    return [(model, group) for (model, _), group in found.items()]


_Images = dict[int, Mapping[str, Any]]


def _images(
    connection: sa.Connection, seq: int, model: type[Tracked], ids: Sequence[int]
) -> tuple[_Images, _Images, _Images]:
    """Return rows before the change set, after it, and as they are now, by their ids."""
    table = table_of(model)
    past, record = history_table(table), Base.metadata.tables["change_set"]
    wanted = sa.func.any(sa.literal(list(ids), sa.ARRAY(sa.BigInteger)))

    def image(place: sa.ColumnElement[bool]) -> _Images:
        query = (
            sa.select(*image_columns(past))
            .ext(distinct_on(past.c.id))
            .join(record, record.c.tx == past.c.tx)
            .where(past.c.id == wanted, place)
            .order_by(past.c.id, record.c.seq)
        )
        return {row["id"]: dict(row) for row in connection.execute(query).mappings()}

    now = connection.execute(sa.select(*image_columns(table)).where(table.c.id == wanted))
    held: _Images = {row["id"]: dict(row) for row in now.mappings()}
    return image(record.c.seq == seq), image(record.c.seq > seq), held


def _conflict(rows: Sequence[tuple[_Row, list[str]]]) -> Stale:
    told = []
    for row, fields in rows:
        table = table_of(row.model)
        titles = [title_of(table.c[n]) for n in fields if n != "geom"]
        name = layer_of(table.name).name if issubclass(row.model, Entity) else table.name
        told.append(
            {
                "layer": name,
                "id": row.id,
                "differs": [{"field": n} for n in fields],
                "titles": [t._asdict() for t in titles],
            }
        )
    first = told[0]
    return Stale(
        zh=f"{first['layer']}/{first['id']} 在此之后又被修改，撤销会丢失后来的修改；未作任何改动",
        en=f"{first['layer']}/{first['id']} was changed since, and undoing would lose that; "
        "nothing was done",
        conflicts=told,
    )
