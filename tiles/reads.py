"""Which tables the tiles of a layer are read from, found from their very statement.

A tile shows rows of its layer, and what other rows say of them: the levels of a room, whether a
body occupies it. A change of the layer's own row touches the tiles under it; a change of another
row may touch any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Alias, Column, Table
from sqlalchemy.sql import visitors

from layers import registry
from layers.access import ESTATE, Actor
from layers.base import Layer
from layers.policy import all_business
from tiles.vector import drawable, tile_query


@dataclass(frozen=True)
class Reads:
    """What the tiles of a layer depend on.

    Attributes
    ----------
    own : the layer's table, where its rows are concerned.
    others : what is read of further rows, by table: the columns.
    dated : whether the day matters.
    tracked : whether the log of changes tells of all of it.
    """

    own: str
    others: Mapping[str, frozenset[str]]
    dated: bool
    tracked: bool


# Who sees all, and who sees what belongs to bodies: nobody's tiles are read from more than these.
_PATTERNS = (ESTATE.pattern, Actor("", all_business(())).pattern)


@lru_cache(maxsize=4096)
def reads(layer: Layer, actor: Actor) -> Reads:
    """Return what the tiles of `layer` depend on.

    Parameters
    ----------
    actor : the `pattern` of whoever sees them.
    """
    own = layer.table
    others: dict[str, set[str]] = {}
    dated, tracked = False, True
    for zoom in sorted({*layer.zooms}):
        query = tile_query(layer, zoom, actor, None)
        dated = dated or "onemap_now" in str(query)
        for part in visitors.iterate(query):
            if isinstance(part, Table):
                tracked = tracked and "revision" in part.c
                if part is not own:
                    others.setdefault(part.name, set())
            elif isinstance(part, Alias) and isinstance(part.element, Table):
                others.setdefault(part.element.name, set())
            elif isinstance(part, Column) and part.table is not own:
                table = part.table.element if isinstance(part.table, Alias) else part.table
                if isinstance(table, Table):
                    others.setdefault(table.name, set()).add(part.name)
    return Reads(own.name, {k: frozenset(v) for k, v in others.items()}, dated, tracked)


def watched() -> dict[str, tuple[str, ...]]:
    """Return by table the columns that tiles read of rows that are not their own."""
    found: dict[str, set[str]] = {}
    for layer in registry.LAYERS:
        # Newest positions are never kept, and no log tells of them.
        if drawable(layer) and layer.series is None:
            for actor in _PATTERNS:
                for table, columns in reads(layer, actor).others.items():
                    if "revision" in registry_table(table).c:
                        found.setdefault(table, set()).update(columns - {"id"})
    return {table: tuple(sorted(columns)) for table, columns in sorted(found.items())}


def registry_table(name: str) -> Table:
    """Return the table of that name."""
    return registry.LAYERS[0].table.metadata.tables[name]
