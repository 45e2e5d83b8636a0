"""What an edit is: puts and deletes with the revision they are based on, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from layers.base import Base, Entity, Layer, table_of
from layers.labels import Text
from layers.links import Link
from layers.problems import Forbidden, Impossible

MOST = 10_000
"""The most rows that one edit names: what is larger is an import."""


@dataclass(frozen=True)
class Put:
    """A row to make or to change; what is not named stays as it is.

    Attributes
    ----------
    id, revision : the row and the revision that was read; both None for a new row.
    like : the id of the row that a new one takes after: its values and links, unless given here.
    properties : values by column, as JSON has them.
    geometry : GeoJSON in EPSG:4326 (longitude, latitude), None for none; only where `placed`.
    placed : whether a geometry is given.
    links : ids of the linked rows by their layer, whole sets (``{"levels": [3]}``).
    replace : whether columns that are not named are emptied (PUT of OGC API - Features).
    """

    layer: Layer
    id: int | None = None
    revision: int | None = None
    like: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    geometry: Mapping[str, Any] | None = None
    placed: bool = False
    links: Mapping[str, Sequence[int]] = field(default_factory=dict)
    replace: bool = False

    @property
    def read_from(self) -> int | None:
        """The id of the row that must be there: the one to change, or the one to take after."""
        return self.like if self.id is None else self.id


@dataclass(frozen=True)
class Delete:
    """A row to delete, and the revision that was read."""

    layer: Layer
    id: int
    revision: int | None = None

    @property
    def read_from(self) -> int:
        """The id of the row that must be there."""
        return self.id


@dataclass(frozen=True)
class Edit:
    """Several puts and deletes over several layers, all or nothing."""

    puts: Sequence[Put] = ()
    deletes: Sequence[Delete] = ()
    reason: str | None = None

    def named(self) -> Iterator[tuple[str, Put | Delete]]:
        """Yield each part with its place in the edit (``puts/0``)."""
        for i, put in enumerate(self.puts):
            yield f"puts/{i}", put
        for i, gone in enumerate(self.deletes):
            yield f"deletes/{i}", gone


class Written(NamedTuple):
    """A row that was written, with the revision it has now."""

    layer: str
    id: int
    revision: int


@dataclass(frozen=True)
class Done:
    """What was committed: its place in the order of commits (None where nothing differed)."""

    seq: int | None
    recorded_at: datetime | None
    puts: tuple[Written, ...] = ()
    deletes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Fault:
    """Why a part of an edit cannot be: where (``puts/0/properties/use``), what, and the remedy."""

    pointer: str
    field: str
    text: Text
    value: Any = None

    def told(self, language: str) -> dict[str, Any]:
        """Return the fault as an answer tells it."""
        return {
            "pointer": "/" + self.pointer,
            "field": self.field,
            "message": self.text.in_language(language),
            "value": self.value,
        }


def refuse(faults: Sequence[Fault]) -> None:
    """Refuse an edit that has faults.

    Raises
    ------
    Impossible : it has; each is told.
    """
    if not faults:
        return
    raise Impossible(
        zh="；".join(fault.text.zh for fault in faults[:5]),
        en="; ".join(fault.text.en for fault in faults[:5]),
        errors=list(faults),
    )


def managed(layer: Layer) -> type[Entity]:
    """Return the class of a layer whose rows people write.

    Raises
    ------
    Forbidden : its rows are observed or derived.
    """
    model = layer.model
    if issubclass(model, Entity) and model.managed:
        return model
    raise Forbidden(
        zh=f"图层“{layer.title.zh}”由观测或文件生成，不能手工修改",
        en=f"'{layer.name}' is made of observations or files and is not edited by hand",
        layer=layer.name,
    )


def made_by_hand(layer: Layer) -> None:
    """Refuse to make or delete rows of a layer that come from files alone.

    Raises
    ------
    Forbidden : they do.
    """
    if not managed(layer).made_by_hand:
        raise Forbidden(
            zh=f"{layer.title.zh}成树状，由名录整体导入，不能逐个新增或删除",
            en=f"{layer.title.en} stand in a tree and are imported whole, not made or deleted "
            "one by one",
            layer=layer.name,
        )


def by_hand(layer: Layer) -> bool:
    """Whether rows of a layer are made and deleted one by one."""
    model = layer.model
    return issubclass(model, Entity) and model.managed and model.made_by_hand


def links_of(model: type[Base]) -> dict[str, type[Link]]:
    """Return the links whose subject is `model` and whose object is one table, by that table.

    A link with several possible objects (what a meter serves) is told once for each of them.
    """
    found: dict[str, type[Link]] = {}
    own = table_of(model).name
    for link in Link.__subclasses__():
        subject, *objects = [c for c in table_of(link).c if c.foreign_keys]
        if subject.info.get("reference") == own:
            found |= {str(each.info["reference"]): link for each in objects}
    return found
