from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from importers import pipeline
from importers.report import Report
from layers.base import Base
from tests.support.databases import Clone

Run = Callable[..., Report]
Rows = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def run(database: Clone) -> Run:
    """Import files of a kind into the test's database."""

    def made(kind: str, *paths: Path, **options: Any) -> Report:
        return pipeline.run(kind, list(paths), engine=database.engine, **options)

    return made


@pytest.fixture
def rows(database: Clone) -> Rows:
    """Return the rows of a table as dictionaries, geometry as WKT in ``wkt``."""

    def made(table: str, **where: Any) -> list[dict[str, Any]]:
        of = Base.metadata.tables[table]
        columns = [c for c in of.c if not c.name.startswith("geom")]
        if "geom" in of.c:
            columns.append(sa.func.ST_AsText(of.c.geom).label("wkt"))
        query = sa.select(*columns).order_by(of.c[next(iter(of.c)).name])
        for name, value in where.items():
            query = query.where(of.c[name] == value)
        with database.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    return made
