"""Alembic's environment: the models are the truth, and a connection is always handed in."""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.autogenerate import rewriter
from alembic.operations import ops
from geoalchemy2 import alembic_helpers
from sqlalchemy.dialects.postgresql.base import ischema_names

import layers.accounts
import layers.audit
import layers.jobs
import layers.records
import layers.registry
from layers.base import Base
from layers.history import Xid8, history_table, tracked_tables
from layers.migrations.operations import (
    AddTrackedColumn,
    CreateTracked,
    DropTracked,
    DropTrackedColumn,
)
from layers.types import Ltree

# The models register themselves by being imported.
MODELS = (layers.accounts, layers.audit, layers.jobs, layers.records, layers.registry)

for table in tracked_tables():  # those of classes made since too
    history_table(table)

GEO: Any = alembic_helpers  # carries no types

# Reflection knows the types of PostgreSQL itself alone.
ischema_names.update(ltree=Ltree, xid8=Xid8)

writer = rewriter.Rewriter()


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Leave out what is made at run time (partitions) and what extensions own."""
    if kind == "table" and reflected and other is None:
        parent = (name or "").rpartition("_")
        if parent[0] in ("position", "reading") and parent[2].isdigit():
            return False
    return bool(GEO.include_object(thing, name, kind, reflected, other))


def render_item(kind: str, thing: Any, context_: Any) -> Any:
    """Write our own column types with their import."""
    module = type(thing).__module__
    if kind == "type" and module in ("layers.types", "layers.history"):
        context_.imports.add(f"import {module}")
        return f"{module}.{type(thing).__name__}()"
    return GEO.render_item(kind, thing, context_)


def _belongs_to_history(table: str) -> bool:
    tracked = {t.name for t in tracked_tables()}
    return table.removesuffix("_history") in tracked and table not in tracked


@writer.rewrites(ops.CreateTableOp)
def created(_context: Any, _revision: Any, made: ops.CreateTableOp) -> Any:
    """Create a tracked table by the one operation that makes its history too."""
    if _belongs_to_history(made.table_name):
        return []
    if made.table_name in {t.name for t in tracked_tables()}:
        return CreateTracked(made.table_name, made.columns, **made.kw)
    return made


@writer.rewrites(ops.DropTableOp)
def dropped(_context: Any, _revision: Any, made: ops.DropTableOp) -> Any:
    """Drop a tracked table with its history."""
    if _belongs_to_history(made.table_name):
        return []
    if made.table_name in {t.name for t in tracked_tables()}:
        return DropTracked(made.table_name)
    return made


@writer.rewrites(ops.AddColumnOp)
def column_added(_context: Any, _revision: Any, made: ops.AddColumnOp) -> Any:
    """Add a column of a tracked table by the one operation that adds it to the history too."""
    if _belongs_to_history(made.table_name):
        return []
    if made.table_name in {t.name for t in tracked_tables()}:
        return AddTrackedColumn(made.table_name, made.column)
    return made


@writer.rewrites(ops.DropColumnOp)
def column_dropped(_context: Any, _revision: Any, made: ops.DropColumnOp) -> Any:
    """Drop a column of a tracked table with that of its history."""
    if _belongs_to_history(made.table_name):
        return []
    if made.table_name in {t.name for t in tracked_tables()}:
        return DropTrackedColumn(made.table_name, made.column_name)
    return made


@writer.rewrites(ops.CreateIndexOp)
def index_created(_context: Any, _revision: Any, made: ops.CreateIndexOp) -> Any:
    """Leave the index of a history to the operation that makes the history."""
    return [] if _belongs_to_history(made.table_name) else made


@writer.rewrites(ops.DropIndexOp)
def index_dropped(_context: Any, _revision: Any, made: ops.DropIndexOp) -> Any:
    """Indexes go with their tables."""
    return [] if _belongs_to_history(made.table_name or "") else made


def directives(migration: Any, revision: Any, found: Any) -> None:
    """Rewrite what autogenerate found into our own operations."""
    writer.process_revision_directives(migration, revision, found)


def run() -> None:
    """Run the migrations on the connection of the caller, who owns the transaction."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=include_object,
        render_item=render_item,
        process_revision_directives=directives,
        compare_server_default=False,
    )
    context.run_migrations()


run()
