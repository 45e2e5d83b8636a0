"""Any past moment is what was there: every column, every byte of every shape, every tile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import mapbox_vector_tile
import pytest
import shapely
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from geoalchemy2 import Geometry
from shapely import LineString

from geo.tiling import tile_bounds_3857
from layers.access import ESTATE, rows
from layers.base import Base, table_of
from layers.history import dated
from layers.migrations import operations
from layers.registry import layer
from tests.support.life import LAT, MODELS, Life, last_moment
from tiles.vector import tile_query


def said(source: Any, table: sa.Table) -> list[Any]:
    """Every column as text without loss; shapes by their bytes."""
    return [
        sa.func.encode(sa.func.ST_AsEWKB(source.c[c.name]), "hex").label(c.name)
        if isinstance(c.type, Geometry)
        else sa.cast(source.c[c.name], sa.Text).label(c.name)
        for c in table.c
    ]


def state(connection: sa.Connection, model: Any, at: datetime | None = None) -> set[Any]:
    """All rows of a table: those that stand there, or the past as it is told."""
    table = table_of(model)
    source = table if at is None else rows(model, ESTATE, at)
    return {tuple(row) for row in connection.execute(sa.select(*said(source, table)))}


def drawn(connection: sa.Connection, name: str, at: datetime | None = None) -> Any:
    """What the tiles of a layer hold, by id."""
    found = {}
    shown = layer(name)
    zoom = max(15, shown.zooms[0])
    middle = 2 ** (zoom - 1)
    y = int((1 - math.asinh(math.tan(math.radians(LAT))) / math.pi) * middle)
    for x in (middle - 1, middle):
        bounds = tile_bounds_3857(zoom, x, y)
        sides = dict(zip(("west", "south", "east", "north"), bounds, strict=True))
        tile = bytes(connection.scalar(tile_query(shown, zoom, ESTATE, at), sides) or b"")
        for part, content in mapbox_vector_tile.decode(tile).items():
            for each in content["features"]:
                found[x, part, each["id"]] = (each["properties"], each["geometry"])
    return found


@pytest.mark.parametrize("seed", range(4))
def test_every_column_of_every_row_is_what_it_was(database: Any, seed: int) -> None:
    life = Life(seed)
    kept = []
    for _ in range(40):
        with database.engine.begin() as connection:
            life.step(connection)
        if life.random.random() < 0.4:
            with database.engine.connect() as connection:
                then = {model: state(connection, model) for model in MODELS}
                tiles = {name: drawn(connection, name) for name in ("buildings", "rooms")}
                kept.append((last_moment(connection), then, tiles))
    assert len(kept) > 5
    assert any(tiles["buildings"] and tiles["rooms"] for _, _, tiles in kept)
    with database.engine.connect() as connection:
        for at, then, tiles in kept:
            for model in MODELS:
                assert state(connection, model, at) == then[model], (seed, model, at)
            for name, content in tiles.items():
                assert drawn(connection, name, at) == content, (seed, name, at)


def _gauge(name: str, *more: sa.Column[Any]) -> sa.Table:
    """Describe the throw-away table under the metadata that `dated` looks in."""
    return sa.Table(
        "gauge",
        Base.metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("revision", sa.BigInteger, server_default=sa.text("1"), nullable=False),
        sa.Column(name, sa.Text),
        sa.Column("size", sa.Integer),
        *more,
        sa.Column("geom", Geometry("POINTZM", 4326, 4, spatial_index=False)),
        sa.Column("twice", sa.Integer, sa.Computed("id * 2", persisted=True)),
    )


@pytest.fixture
def forget() -> Iterator[Callable[[], None]]:
    """Take the throw-away table out of the metadata again."""

    def forgotten() -> None:
        for name in ("gauge", "gauge_history"):
            if name in Base.metadata.tables:
                Base.metadata.remove(Base.metadata.tables[name])

    yield forgotten
    forgotten()


def test_the_past_goes_with_a_table_whose_columns_change(database: Any, forget: Any) -> None:
    def migrate(change: Callable[[], None]) -> None:
        with database.engine.begin() as connection:
            with Operations.context(MigrationContext.configure(connection)):
                change()

    def write(*statements: str) -> None:
        with database.engine.begin() as connection:
            for each in statements:
                connection.execute(sa.text(each))

    def seen(table: sa.Table, at: datetime | None = None) -> dict[int, dict[str, Any]]:
        source = dated(table, at)
        if at is None:
            source = table
        with database.engine.connect() as connection:
            found = connection.execute(sa.select(*said(source, table)))
            return {int(row.id): dict(row._mapping) for row in found}

    def moment() -> datetime:
        with database.engine.connect() as connection:
            return last_moment(connection)

    first = _gauge("label", sa.Column("spare", sa.Text))
    parts = [sa.Column(c.name, c.type, *_how(c), nullable=c.nullable, primary_key=c.primary_key)
             for c in first.c]  # fmt: skip
    migrate(lambda: operations.create_tracked("gauge", *parts))
    point = "ST_GeomFromEWKT('SRID=4326;POINT ZM({} 51 {} 1791681240.123)')"
    insert = "INSERT INTO gauge (label, size, spare, geom) VALUES ('n{0}', {0}, 's', {1})"
    write(*(insert.format(i, point.format(i / 3e7, i / 7)) for i in range(1, 7)))
    kept = [(moment(), seen(first))]
    write("UPDATE gauge SET label = 'changed', geom = ST_Translate(geom, 1e-9, 0) WHERE id < 4")
    kept.append((moment(), seen(first)))
    write("DELETE FROM gauge WHERE id = 2", "UPDATE gauge SET size = 9 WHERE id = 5")
    kept.append((moment(), seen(first)))

    def change() -> None:
        operations.rename_tracked_column("gauge", "label", "title")
        operations.add_tracked_column("gauge", sa.Column("note", sa.Text, server_default="—"))
        operations.drop_tracked_column("gauge", "spare")
        operations.alter_tracked_column("gauge", "size", sa.BigInteger())

    migrate(change)
    forget()
    now = _gauge("title", sa.Column("note", sa.Text))
    write("UPDATE gauge SET title = 'new', note = NULL WHERE id IN (1, 6)",
          "DELETE FROM gauge WHERE id = 3")  # fmt: skip
    for at, then in kept:
        wanted = {
            key: {("title" if n == "label" else n): v for n, v in row.items() if n != "spare"}
            | {"note": "—"}
            for key, row in then.items()
        }
        assert seen(now, at) == wanted, at
    assert seen(now, moment()) == seen(now)


def _how(column: sa.Column[Any]) -> list[Any]:
    if column.identity is not None:
        return [sa.Identity()]
    if column.computed is not None:
        return [sa.Computed(str(column.computed.sqltext), persisted=True)]
    return [] if column.server_default is None else [sa.DefaultClause("1")]


def test_the_shapes_of_this_test_are_hard_ones() -> None:
    life = Life(1)
    track = shapely.from_wkt(life.track().partition(";")[2])
    assert isinstance(track, LineString)
    assert track.has_m
    west, _, east, _ = life.square().bounds
    assert min(abs(west), abs(east)) < 1e-3
