"""Keys of an edit: what a row points to is seen, and what the database refuses is told."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg import errors

from layers.access import Actor, rows
from layers.base import Base, Entity, Layer, Tracked, table_of
from layers.editing.edit import Fault, refuse
from layers.fields import title_of
from layers.labels import Text
from layers.registry import LAYERS

Given = tuple[str, type[Entity], Mapping[str, Any]]


def layer_of(table: str) -> Layer:
    """Return the layer whose rows stand in `table`."""
    return next(each for each in LAYERS if each.table.name == table)


def seen(connection: sa.Connection, actor: Actor, table: str, ids: Sequence[int]) -> set[int]:
    """Return those of `ids` that are rows of `table` and the actor's to see."""
    found = rows(layer_of(table), actor)
    wanted = sa.func.any(sa.literal(sorted(set(ids)), sa.ARRAY(sa.BigInteger)))
    return set(connection.scalars(sa.select(found.c.id).where(found.c.id == wanted)))


def check_references(
    connection: sa.Connection, actor: Actor, given: Sequence[Given]
) -> list[Fault]:
    """Return a fault for every key of a put that names nothing the actor may see."""
    wanted: dict[str, list[tuple[str, str, int]]] = {}
    for where, model, values in given:
        for name, value in values.items():
            target = table_of(model).c[name].info.get("reference")
            if target is not None and value is not None:
                wanted.setdefault(target, []).append((where, name, value))
    faults = []
    for target, uses in wanted.items():
        there = seen(connection, actor, target, [key for _, _, key in uses])
        title = layer_of(target).title
        faults += [
            Fault(
                f"{where}/properties/{name}",
                name,
                Text(f"没有编号为 {key} 的{title.zh}", f"There is no {key} among {title.en}"),
                key,
            )
            for where, name, key in uses
            if key not in there
        ]
    return faults


@contextlib.contextmanager
def key_faults() -> Iterator[None]:
    """Tell what the database refuses as faults of fields.

    Raises
    ------
    Impossible : a check, a key or a unique key is broken, or a number is out of range.
    """
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.DataError) as refused:
        cause = refused.orig
        if not isinstance(cause, errors.IntegrityError | errors.DataError):
            raise
        refuse([_fault(cause)])


def _fault(cause: Any) -> Fault:
    name, table = cause.diag.constraint_name or "", cause.diag.table_name or ""
    model = next((m for m in _models() if table_of(m).name == table), None)
    if isinstance(cause, errors.UniqueViolation):
        return Fault("", "", Text("已有相同的键，不能重复", "The same key is there already"))
    if isinstance(cause, errors.ForeignKeyViolation):
        text = Text("仍有对象引用它，或所引用的对象不存在", "Others point to it, or it to nothing")
        return Fault("", "", text)
    check = _check(model, name) if model is not None else None
    if check is None:
        said = (str(cause).splitlines() or [""])[0]
        return Fault("", "", Text(f"数据库拒绝了该值：{said}", f"The database refused it: {said}"))
    columns = [c for c in check.table.c if re.search(rf"\b{c.name}\b", str(check.sqltext))]
    zh, en = (_in_words(str(check.sqltext), columns, lang) for lang in ("zh", "en"))
    first = columns[0].name if columns else ""
    return Fault("", first, Text(f"须满足：{zh}", f"This must hold: {en}"))


def _models() -> list[type[Tracked]]:
    mapped = (each.class_ for each in Base.registry.mappers)
    return [each for each in mapped if issubclass(each, Tracked)]


def _check(model: type[Tracked], name: str) -> sa.CheckConstraint | None:
    table = table_of(model)
    return next(
        (
            c
            for c in table.constraints
            if isinstance(c, sa.CheckConstraint)
            and name in (str(c.name), f"ck_{table.name}_{c.name}")
        ),
        None,
    )


def _in_words(condition: str, columns: Sequence[sa.Column[Any]], language: str) -> str:
    for column in columns:
        title = title_of(column).in_language(language)
        condition = re.sub(rf"\b{column.name}\b", title, condition)
    return condition
