"""`Layer`: how a thing is seen, with what it is painted, lined and named by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table

from layers.base.area import DRAWN
from layers.base.tables import Entity, Series, table_of
from layers.labels import Text


@dataclass(frozen=True)
class Words:
    """How the names of a layer are set.

    Attributes
    ----------
    size : CSS pixels; a little larger nearby.
    strong : whether they are set semi-bold.
    color, dark : by day and by night, where they are not those of all names.
    rank : the smaller, the sooner a name is placed where several have no room.
    until : the zoom from which names are no longer drawn: one is inside then.
    close : the zoom from which the whole name is drawn.
    short : the column drawn before that, in place of the name.
    tail : the sign after which the name is drawn before that: ``412`` of ``B03-412``.
    more : the column that then stands below the name.
    """

    size: float = 12
    strong: bool = False
    color: str | None = None
    dark: str | None = None
    rank: int = 50
    until: float = 24
    close: float = 0
    short: str | None = None
    tail: str | None = None
    more: str | None = None


@dataclass(frozen=True)
class Stroke:
    """How the lines of one value of `Paint.by` are drawn, and from which zoom they are named.

    Attributes
    ----------
    edge, edge_dark : the colour of the casing.
    width : CSS pixels at zoom 16.
    zoom, label_zoom : the first zoom at which they are drawn, and named.
    """

    color: str
    dark: str
    edge: str
    edge_dark: str
    width: float
    zoom: int
    label_zoom: int


@dataclass(frozen=True)
class Paint:
    """How a layer looks before a measure colours it: MapLibre's own words, light and dark.

    Attributes
    ----------
    kind : ``fill``, ``line`` or ``circle``.
    color, dark : the colour by day and by night (CSS).
    outline, outline_dark : the edge of a fill or a circle.
    width : line width or circle radius in CSS pixels at zoom 16.
    label : the column whose text is drawn, from zoom `label_zoom` on.
    words : how that text is set.
    by : a choice column whose values have colours of their own (`colors`: code → CSS colour),
        or, of lines, a look of their own (`lines`).
    empty : the column and the value of what stands empty: it has a dashed inner edge.
    """

    kind: str
    color: str
    dark: str
    outline: str | None = None
    outline_dark: str | None = None
    width: float = 1.0
    opacity: float = 1.0
    label: str | None = None
    label_zoom: int = 17
    by: str | None = None
    colors: Mapping[str, str] = field(default_factory=dict)
    words: Words = Words()
    lines: Mapping[str, Stroke] = field(default_factory=dict)
    empty: tuple[str, str] | None = None


@dataclass(frozen=True, eq=False)
class Layer:
    """How a thing is seen. A column is never repeated here.

    Attributes
    ----------
    name : the identifier in addresses, plural (``"rooms"``).
    model : the class: an `Entity`, a `Feature` or a `Series`.
    title, description : in both languages.
    group : a key of `layers.labels.GROUPS`.
    zooms : the first and the last zoom at which the layer has tiles (drawn beyond the last).
    max_features : the most features one tile carries; the largest stay.
    tiled : the columns that travel in tiles, beside the id.
    searchable : the columns that the search box looks in.
    paint : None for a layer without geometry.
    shown : whether a map that was just opened draws it.
    """

    name: str
    model: type[Entity] | type[Series]
    title: Text
    description: Text
    group: str
    zooms: tuple[int, int] = (0, 16)
    max_features: int = 20_000
    tiled: tuple[str, ...] = ("name",)
    searchable: tuple[str, ...] = ("name",)
    paint: Paint | None = None
    shown: bool = True

    @property
    def table(self) -> Table:
        """The table of the layer's class."""
        return table_of(self.model)

    @property
    def spatial(self) -> bool:
        """True where the layer's rows have a `geom`."""
        return "geom" in self.table.c

    @property
    def series(self) -> type[Series] | None:
        """The class, when it is a `Series`; else None."""
        return self.model if issubclass(self.model, Series) else None

    def fields(self) -> dict[str, Any]:
        """Return the columns people read, by name: everything but the generated geometry."""
        return {c.name: c for c in self.table.c if c.name != "geom" and c.name not in DRAWN}
