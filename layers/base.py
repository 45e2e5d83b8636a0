"""The three bases of what is on the map, and `Layer`: how a thing is seen.

Columns say what a thing *is*: type, key, a comment in both languages and ``info`` (unit, list of
choices). `Layer` says how it is *seen*. Nothing of the one is repeated in the other: tables,
history, API schemas, queryables, tiles, style, search and the notebook client read both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from geoalchemy2 import Geometry
from sqlalchemy import (
    REAL,
    BigInteger,
    Computed,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
    and_,
    any_,
    false,
    or_,
    text,
)
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import TypeEngine

from layers.labels import CHOICES, Text
from layers.sharing import Sharing

SRID = 4326
TILE_SRID = 3857


class Base(DeclarativeBase):
    """The declarative base of every table of the service."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, TypeEngine[Any]]] = {
        datetime: DateTime(timezone=True),
        str: TextType(),
    }


def table_of(model: type[Base]) -> Table:
    """Return the `Table` of a model (typed; ``__table__`` is only a `FromClause`)."""
    table = model.__table__
    if not isinstance(table, Table):  # pragma: no cover - a model without a table is a mistake
        raise TypeError(f"{model.__name__} has no table")
    return table


def column(
    kind: TypeEngine[Any] | type[TypeEngine[Any]],
    zh: str,
    en: str,
    *args: Any,
    unit: str | None = None,
    example: str | None = None,
    summed: bool | None = None,
    edited: bool = True,
    sharing: Sharing | None = None,
    **options: Any,
) -> Any:
    """Return a mapped column that carries its comment in both languages.

    Parameters
    ----------
    kind : the SQLAlchemy type.
    zh, en : what the column means, as the heading of a sheet or a form.
    unit : the unit of the number, as it is shown (``"m²"``, ``"kWh"``).
    example : a believable value, for templates and API examples.
    summed : whether its sum over a list means something; by default the unit decides.
    edited : whether people may set it by hand.
    sharing : how sensitive it is; None: whoever sees the row sees it.
    """
    info: dict[str, Any] = {"title": Text(zh, en)}
    if unit:
        info["unit"] = unit
    if example:
        info["example"] = example
    if summed is not None:
        info["summed"] = summed
    if not edited:
        info["edited"] = False
    if sharing is not None:
        info["sharing"] = sharing
    return mapped_column(kind, *args, comment=f"{zh} | {en}", info=info, **options)


def choice(choices: str, zh: str, en: str, **options: Any) -> Any:
    """Return a text column held to the list `choices` of `layers.labels.CHOICES` by a check."""
    kind = Enum(
        *CHOICES[choices], name=choices, native_enum=False, create_constraint=True, length=40
    )
    made = column(kind, zh, en, **options)
    made.column.info["choices"] = choices
    return made


def reference(target: str, zh: str, en: str, *, index: bool = True, **options: Any) -> Any:
    """Return a bigint key to ``target`` (``"room.id"``); deleting the target empties it."""
    ondelete = options.pop("ondelete", "SET NULL")
    # Deferrable: one change set may bring a row and the row it points to in any order.
    key = ForeignKey(target, ondelete=ondelete, deferrable=True, initially="IMMEDIATE")
    made = column(BigInteger, zh, en, key, index=index, **options)
    made.column.info["reference"] = target.split(".")[0]
    return made


class Tracked(Base):
    """A row that people manage: a key, a revision that never decreases, and a history."""

    __abstract__ = True
    # Whether people write its rows: what is derived from telemetry or files they do not.
    managed: ClassVar[bool] = True
    # Whether single rows are made and deleted by hand; what stands in a tree is imported whole.
    made_by_hand: ClassVar[bool] = True

    id: Mapped[int] = mapped_column(
        BigInteger, Identity(), primary_key=True, comment="编号 | id", sort_order=-100
    )
    revision: Mapped[int] = mapped_column(
        BigInteger, server_default=text("1"), comment="修订 | revision", sort_order=-99
    )

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """Return the condition under which a row `t` may be seen with the scope `bodies`.

        A table that has no body of its own is judged by what it links; see the subclasses.
        """
        return false()


See = Callable[[type[Tracked]], FromClause]


class Entity(Tracked):
    """What people manage: it has an owner, a source and a name."""

    __abstract__ = True

    body_id: Mapped[int | None] = reference(
        "body.id", "所属机构", "owning body", sort_order=-98, ondelete="RESTRICT"
    )
    source: Mapped[str] = column(TextType, "数据来源", "source", sort_order=-97, edited=False)
    source_key: Mapped[str] = column(TextType, "来源键", "source key", sort_order=-96, edited=False)
    name: Mapped[str | None] = column(TextType, "名称", "name", sort_order=-95)
    names: Mapped[dict[str, str]] = column(
        JSONB,
        "各语言名称",
        "names by language",
        server_default=text("'{}'"),
        sort_order=-94,
        edited=False,
    )
    attributes: Mapped[dict[str, Any]] = column(
        JSONB,
        "其他属性",
        "what the file said beyond the columns",
        server_default=text("'{}'"),
        sort_order=100,
        edited=False,
    )

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (UniqueConstraint("source", "source_key"),)

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """Public (no body), or owned by a body of the scope."""
        return or_(t.c.body_id.is_(None), t.c.body_id == any_(bodies))


class Feature(Entity):
    """An entity with a place: `geom` in EPSG:4326, and a generated copy in EPSG:3857 for tiles."""

    __abstract__ = True
    geometry_type: ClassVar[str] = "GEOMETRY"
    dimension: ClassVar[int] = 2

    @classmethod
    def derived(
        cls, _t: FromClause, _at: datetime | None, _see: See
    ) -> dict[str, ColumnElement[Any]]:
        """Return what travels in tiles beside the columns: facts of linked rows, by name.

        Parameters
        ----------
        see : gives what the viewer sees of a class (`layers.access.rows`).
        """
        return {}

    @declared_attr
    @classmethod
    def geom(cls) -> Mapped[Any]:
        """The place in EPSG:4326; NULL where it is not known (no position is invented)."""
        return mapped_column(
            Geometry(cls.geometry_type, SRID, cls.dimension, spatial_index=False),
            comment="几何 | geometry",
            nullable=True,
            sort_order=200,
        )

    @declared_attr
    @classmethod
    def geom_3857(cls) -> Mapped[Any]:
        """The same in EPSG:3857, kept by the database: transforming per tile costs a quarter."""
        return mapped_column(
            Geometry(cls.geometry_type, TILE_SRID, cls.dimension, spatial_index=False),
            Computed("ST_Transform(geom, 3857)", persisted=True),
            comment="瓦片几何 | tile geometry",
            nullable=True,
            sort_order=201,
        )

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return _spatial(cls.__tablename__)


# The middle of the extent on the grid of zoom 24 (2.4 m at the equator), and its stretch there.
_SHRINK = "cos(radians(least(85.05, greatest(-85.05, (ST_YMin(geom) + ST_YMax(geom)) / 2))))"
_COLUMN = (
    "floor(16777216 * least(0.99999999, greatest(0, "
    "(ST_XMin(geom) + ST_XMax(geom)) / 720 + 0.5)))::bigint"
)
_ROW = (
    "floor(16777216 * (0.5 - asinh(tan(radians(least(85.05, greatest(-85.05, "
    "(ST_YMin(geom) + ST_YMax(geom)) / 2))))) / 6.283185307179586))::bigint"
)
_SPOT = "(" + _ROW + " >> 14 << 38) | (" + _COLUMN + " << 14) | (" + _ROW + " & 16383)"
_AREA = "ST_Area(geom) * 12392029030.5 / " + _SHRINK
_SPAN = (
    "111319.490793 * greatest(ST_XMax(geom) - ST_XMin(geom), "
    "(ST_YMax(geom) - ST_YMin(geom)) / " + _SHRINK + ")"
)
WIDE_M = 64
"""What is at least so wide has an index of its own: few of a town's buildings are."""


class Area(Feature):
    """A feature that covers ground and is seen from afar, where most of it is under a pixel.

    What a tile of a low zoom needs of each row - where, how large, whose - stands in one narrow
    index in the order of the tiles, so that such a tile reads no rows at all (`tiles.far`). The
    database computes it with the row: it is never older than the row, and a past row has it too.
    """

    __abstract__ = True

    @declared_attr
    @classmethod
    def tile_spot(cls) -> Mapped[int | None]:
        """The middle on the grid of zoom 24: row of the tile of zoom 10, column, rest of the row.

        So a tile of zoom 10 is one range of the index, and one of zoom 8 is four.
        """
        return mapped_column(
            BigInteger,
            Computed(_SPOT, persisted=True),
            comment="瓦片位置 | place in the tiles",
            nullable=True,
            sort_order=202,
        )

    @declared_attr
    @classmethod
    def tile_area(cls) -> Mapped[float | None]:
        """The area in EPSG:3857."""
        return mapped_column(
            REAL,
            Computed(_AREA, persisted=True),
            comment="瓦片面积 | area in the tiles' plane",
            nullable=True,
            sort_order=203,
        )

    @declared_attr
    @classmethod
    def tile_span(cls) -> Mapped[float | None]:
        """The longer side of the extent in EPSG:3857."""
        return mapped_column(
            REAL,
            Computed(_SPAN, persisted=True),
            comment="瓦片跨度 | width in the tiles' plane",
            nullable=True,
            sort_order=204,
        )

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        table = cls.__tablename__
        return (
            *_spatial(table),
            Index(
                f"ix_{table}_tile_spot",
                "tile_spot",
                # With what a scope is judged by, so that the index alone answers.
                postgresql_include=["tile_area", "tile_span", "id", "body_id"],
            ),
            Index(
                f"ix_{table}_wide",
                "geom_3857",
                postgresql_using="gist",
                postgresql_where=text(f"tile_span >= {WIDE_M}"),
            ),
        )


def _spatial(table: str) -> tuple[Any, ...]:
    return (
        UniqueConstraint("source", "source_key"),
        Index(f"ix_{table}_geom", "geom", postgresql_using="gist"),
        Index(f"ix_{table}_geom_3857", "geom_3857", postgresql_using="gist"),
    )


DRAWN = frozenset({"geom_3857", "tile_spot", "tile_area", "tile_span"})
"""Columns that the database computes for tiles, and nobody reads."""


class Series(Base):
    """Telemetry: keyed by (thing, time); no id, history, trigger or key to the estate.

    Partitioned by time. The application checks the thing's key on entry; only the latest row of
    each thing is tiled, from `latest`, under the thing's own id.
    """

    __abstract__ = True
    thing: ClassVar[type[Entity]]
    thing_key: ClassVar[str]
    partition: ClassVar[str] = "day"
    latest: ClassVar[type[Base] | None] = None

    @classmethod
    def derived(
        cls, _t: FromClause, _at: datetime | None, _see: See
    ) -> dict[str, ColumnElement[Any]]:
        """Return what travels in tiles beside the columns of the latest row: see `Feature`."""
        return {}


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


__all__ = [
    "DRAWN",
    "SRID",
    "TILE_SRID",
    "WIDE_M",
    "Area",
    "Base",
    "Entity",
    "Feature",
    "Layer",
    "Paint",
    "See",
    "Series",
    "Sharing",
    "Stroke",
    "Text",
    "Tracked",
    "Words",
    "and_",
    "choice",
    "column",
    "reference",
    "table_of",
]
