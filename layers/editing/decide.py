"""Deciding between what a person set and what a newer file says of the same value."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa

from layers import hand_edits
from layers.access import Actor
from layers.base import Base, Entity, Layer, table_of
from layers.changes import ChangeSet
from layers.editing.keys import key_faults, layer_of
from layers.editing.scope import check_editor, check_fields
from layers.problems import NotFound, Stale, Unconditional
from layers.records import HandEdit

Take = Literal["file", "mine", "ask"]


def decide(
    connection: sa.Connection, actor: Actor, key: int, take: Take, revision: int | None = None
) -> int | None:
    """Decide one conflict inside the caller's transaction; the caller commits at once.

    Parameters
    ----------
    key : the conflict's id.
    take : the file's value, or the one that was set by hand; ``ask`` takes the latter back.
    revision : of the row as it was shown; needed to take the file's value of a field.

    Returns
    -------
    The place of the change in the order of commits; None where the estate stays as it is.

    Raises
    ------
    NotFound : there is no such conflict, it is decided, or its row is gone.
    Unconditional, Stale : no revision is named, or the row was changed since.
    Forbidden : the actor may not edit, or may decide nothing of that layer.
    """
    check_editor(actor)
    edit = table_of(HandEdit)
    state = hand_edits.was_kept() if take == "ask" else hand_edits.waits()
    found = connection.execute(
        sa.select(edit).where(edit.c.id == key, state).with_for_update()
    ).one_or_none()
    if found is None or not decidable(actor, layer_of(found.layer), found.field):
        raise _nothing(key, take)
    check_fields(actor, layer_of(found.layer), "", [found.field or None], None)
    if take == "mine":
        hand_edits.keep_mine(connection, key)
        return None
    if take == "ask":
        hand_edits.ask_again(connection, key)
        return None
    if found.field:
        _check_row(connection, found, revision)
    reason = f"采用“{found.source}”的新值"
    changes = ChangeSet(connection, actor.name, reason)
    with key_faults():
        _take(changes, found)
        changes.refresh_search()
        sealed = changes.seal()
    hand_edits.forget(connection, key)
    return sealed[0] if sealed else None


def _nothing(key: int, take: Take) -> NotFound:
    if take == "ask":
        return NotFound(
            zh=f"编号为 {key} 的待定项没有可收回的决定：无人保留过人工值，或文件又有了新值",
            en=f"Of {key} there is no decision to take back: nobody kept a value, "
            "or the file says something newer",
        )
    return NotFound(
        zh=f"没有编号为 {key} 的待定项，或已有人决定",
        en=f"There is nothing to decide with the id {key}, or it is decided",
    )


def decidable(actor: Actor, layer: Layer, field: str) -> bool:
    """Whether an actor may see and decide conflicts of a field (empty: of whole rows) of a layer.

    What a file says may be of any body: the actor must see and change the layer in all of them.
    """
    return actor.sees_all(layer) and (
        actor.may_write(layer, field or None, None) or actor.sees_everything
    )


def _check_row(connection: sa.Connection, found: Any, revision: int | None) -> None:
    table = layer_of(found.layer).table
    held = sa.select(table.c.revision).where(table.c.id == found.row_id)
    now = connection.scalar(held.with_for_update(key_share=True))
    if now is None:
        raise NotFound(
            zh="该对象已被删除，无从采用文件的值", en="The row is gone; there is nothing to set"
        )
    if revision is None:
        raise Unconditional(
            zh="请注明所见的修订号（revision）", en="Name the revision that was shown (revision)"
        )
    if revision != now:
        raise Stale(
            zh="该对象又被修改，请刷新后再决定", en="The row was changed since; look again first"
        )


def _take(changes: ChangeSet, found: Any) -> None:
    layer = layer_of(found.layer)
    model = layer.model
    assert issubclass(model, Entity)
    value = found.offered["value"]
    if found.field:
        changes.update(model, [{"id": found.row_id, found.field: value}])
        return
    defaults = Base.metadata.tables[found.layer].c
    row = {n: v for n, v in value.items() if v is not None or defaults[n].server_default is None}
    changes.insert(model, [{**row, "source": found.source, "source_key": found.source_key}])
