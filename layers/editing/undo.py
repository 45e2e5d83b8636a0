"""Taking a change set back: the reverse of what it did, as a change set of its own.

A row that nobody has touched since gets its former image back in one statement, exact in every
column. Of one that was changed since, only the fields are taken back that still have what the
change set gave them; where they do not, nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from layers.access import Actor
from layers.base import Base, Entity, Tracked, table_of
from layers.changes import ChangeSet
from layers.editing.conflicts import image_columns
from layers.editing.edit import MOST, Done, Written, refuse
from layers.editing.keys import key_faults, layer_of
from layers.editing.rules import check_deletes, check_rules
from layers.editing.scope import check_editor
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
        raise NotFound(zh=f"没有序号为 {seq} 的修改", en=f"There is no change set {seq}")
    if found.actor != actor.name and not (reason or "").strip():
        raise BadRequest(
            zh=f"第 {seq} 号修改由 {found.actor or '—'} 所作；撤销他人的修改须写明原因",
            en=f"Change set {seq} was made by {found.actor or '—'}; give a reason to undo it",
            field="reason",
        )
    rows = _rows(connection, seq)
    _check_scope(connection, actor, seq, rows)
    said = f"撤销 #{seq}" + (f"：{reason.strip()}" if reason and reason.strip() else "")
    changes = ChangeSet(connection, actor.name, said, undoes=seq, by_hand=True)
    return _reversed(connection, changes, seq, rows)


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
    if len(found) > MOST:
        raise BadRequest(
            zh=f"该修改涉及 {MOST} 行以上，不能整体撤销；请重新导入原文件",
            en=f"The change set has more than {MOST} rows and is not undone as a whole; "
            "import the former file again",
        )
    models = {table_of(m).name: m for m in _tracked()}
    return [_Row(models[row[0]], row[1], row[2], row[4]) for row in found]


def _tracked() -> list[type[Tracked]]:
    mapped = (each.class_ for each in Base.registry.mappers)
    return [each for each in mapped if issubclass(each, Tracked)]


def _check_scope(connection: sa.Connection, actor: Actor, seq: int, rows: Sequence[_Row]) -> None:
    """Refuse what is derived, and what does not belong to the bodies of the actor."""
    derived = next((r.model for r in rows if not r.model.managed), None)
    if derived is not None:
        title = layer_of(table_of(derived).name).title
        raise Forbidden(
            zh=f"该修改含由观测生成的{title.zh}，不能撤销",
            en=f"It holds {title.en}, which are made of observations: it cannot be undone",
        )
    if actor.bodies is None:
        return
    for row in rows:
        bodies = _bodies(connection, seq, row) if issubclass(row.model, Entity) else set()
        if not bodies <= set(actor.bodies):
            raise Forbidden(
                zh="该修改含不属于本机构及下级机构的对象",
                en="It holds rows that do not belong to your body or those below it",
            )


def _bodies(connection: sa.Connection, seq: int, row: _Row) -> set[int | None]:
    table = table_of(row.model)
    past = history_table(table)
    return {
        *connection.scalars(sa.select(table.c.body_id).where(table.c.id == row.id)),
        *connection.scalars(
            sa.select(past.c.body_id).where(past.c.id == row.id, past.c.tx == _tx(seq))
        ),
    }


def _tx(seq: int) -> sa.ScalarSelect[Any]:
    record = Base.metadata.tables["change_set"]
    return sa.select(record.c.tx).where(record.c.seq == seq).scalar_subquery()


def _reversed(
    connection: sa.Connection, changes: ChangeSet, seq: int, rows: Sequence[_Row]
) -> Done:
    born = [r for r in rows if r.operation == "I"]
    gone = [r for r in rows if r.operation == "D"]
    altered = [r for r in rows if r.operation == "U"]
    _refuse_touched([r for r in born + gone if r.touched])
    merged = _merged(connection, seq, [r for r in altered if r.touched])
    refuse(check_deletes(connection, _entities(born)))
    with key_faults(connection):
        connection.execute(sa.text("SET CONSTRAINTS ALL DEFERRED"))
        for model, ids in _by_model(gone):
            changes.bring_back(model, _tx(seq), ids)
        for model, ids in _by_model([r for r in altered if not r.touched]):
            changes.revert(model, _tx(seq), ids)
        for row, values in merged:
            changes.update(row.model, [{"id": row.id, **values}])
        # Links before the things they belong to, which would take them along.
        for model, ids in sorted(_by_model(born), key=lambda each: not issubclass(each[0], Link)):
            changes.delete(model, ids)
        back = _entities([r for r in rows if r.operation != "I"])
        refuse(check_rules(connection, back))
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


def _refuse_touched(rows: Sequence[_Row]) -> None:
    """Refuse to delete what was changed since it was made, or to make again what is there."""
    if rows:
        raise _conflict([(row, []) for row in rows])


def _merged(
    connection: sa.Connection, seq: int, rows: Sequence[_Row]
) -> list[tuple[_Row, dict[str, Any]]]:
    """Return the fields to take back of rows changed since, where nobody else set them."""
    found: list[tuple[_Row, dict[str, Any]]] = []
    clashes: list[tuple[_Row, list[str]]] = []
    for row in rows:
        before, after, now = _images(connection, seq, row)
        if now is None:
            clashes.append((row, []))
            continue
        mine = [n for n in before if n not in ("id", "revision") and before[n] != after[n]]
        lost = [n for n in mine if now[n] != after[n]]
        if lost:
            clashes.append((row, lost))
        elif mine:
            found.append((row, {n: before[n] for n in mine}))
    if clashes:
        raise _conflict(clashes)
    return found


def _images(
    connection: sa.Connection, seq: int, row: _Row
) -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any] | None]:
    """Return a row before the change set, after it, and as it is now (None where it is gone)."""
    table = table_of(row.model)
    past, record = history_table(table), Base.metadata.tables["change_set"]
    images = (
        connection.execute(
            sa.select(*image_columns(past))
            .join(record, record.c.tx == past.c.tx)
            .where(past.c.id == row.id, record.c.seq >= seq)
            .order_by(record.c.seq)
            .limit(2)
        )
        .mappings()
        .all()
    )
    stored = image_columns(table)
    now = connection.execute(
        sa.select(*stored).where(table.c.id == row.id).with_for_update()
    ).mappings()
    return dict(images[0]), dict(images[1]), next(map(dict, now), None)


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
