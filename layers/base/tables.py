"""The three bases: `Entity`, `Feature` and `Series`; the first two are `Tracked`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Computed,
    DateTime,
    Identity,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
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

from layers.base.columns import column, reference

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
        return keys_and_indexes(cls.__tablename__)


def keys_and_indexes(table: str) -> tuple[Any, ...]:
    """Return the key and the indexes of the table of a feature."""
    return (
        UniqueConstraint("source", "source_key"),
        Index(f"ix_{table}_geom", "geom", postgresql_using="gist"),
        Index(f"ix_{table}_geom_3857", "geom_3857", postgresql_using="gist"),
    )


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
