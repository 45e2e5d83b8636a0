"""What the columns of a layer are, said once for catalogue, schemas, sheets and client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB

from layers import registry
from layers.base import Base, Entity, Layer
from layers.labels import CHOICES, Text, heading

_JSON_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    Decimal: "number",
    datetime: "date-time",
    date: "date",
}


@dataclass(frozen=True)
class Field:
    """A column as people and programs read about it.

    Attributes
    ----------
    type : ``string``, ``integer``, ``number``, ``boolean``, ``date``, ``date-time`` or ``object``.
    unit : as it is recorded, see `layers.labels.UNITS`; None for what has none.
    choices : code → label, for a column that is held to a list.
    reference : the layer whose row this column names by its id.
    editable : whether people may set it by hand.
    """

    name: str
    title: Text
    type: str
    unit: str | None = None
    choices: Mapping[str, Text] = field(default_factory=dict)
    reference: str | None = None
    required: bool = False
    editable: bool = False


def title_of(column: Column[Any]) -> Text:
    """Return the heading of a column: its comment, in both languages."""
    title = column.info.get("title")
    if not isinstance(title, Text):
        zh, _, en = (column.comment or column.name).partition(" | ")
        title = Text(zh, en or zh)
    return heading(title)


def type_of(column: Column[Any]) -> str:
    """Return the JSON type of a column's values; text where nothing else fits."""
    if isinstance(column.type, JSONB):
        return "object"
    try:
        kind = column.type.python_type
    except NotImplementedError:  # a type of PostgreSQL's own, read as text
        return "string"
    return _JSON_TYPES.get(kind, "string")


def editable(model: type[Base], column: Column[Any]) -> bool:
    """Return whether people may set a column by hand: not keys, copies or what is computed."""
    if not (issubclass(model, Entity) and model.managed) or column.computed is not None:
        return False
    titled = "title" in column.info  # `id`, `revision` and a body's `path` have no heading
    return titled and bool(column.info.get("edited", True))


def fields_of(layer: Layer) -> list[Field]:
    """Return the fields of `layer` in the order of its table, geometry left out."""
    by_table = {each.table.name: each.name for each in registry.LAYERS}
    return [
        Field(
            name=name,
            title=title_of(column),
            type=type_of(column),
            unit=column.info.get("unit"),
            choices=CHOICES.get(column.info.get("choices", ""), {}),
            reference=by_table.get(column.info.get("reference", "")),
            required=not column.nullable and column.server_default is None,
            editable=editable(layer.model, column),
        )
        for name, column in layer.fields().items()
    ]
