"""Alembic's environment: the models are the truth, and a connection is always handed in."""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.autogenerate import rewriter
from alembic.operations import ops
from geoalchemy2 import alembic_helpers

import layers.access
import layers.records
import layers.registry
from layers.base import Base
from layers.history import history_table, tracked_tables

assert layers.registry and layers.records and layers.access
for table in tracked_tables():
    history_table(table)

writer = rewriter.Rewriter()


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Leave out what is made at run time (partitions) and what extensions own."""
    if kind == "table" and reflected and other is None:
        parent = (name or "").rpartition("_")
        if parent[0] in ("position", "reading") and parent[2].isdigit():
            return False
    return bool(alembic_helpers.include_object(thing, name, kind, reflected, other))


def render_item(kind: str, thing: Any, context_: Any) -> Any:
    """Write our own column types with their import."""
    module = type(thing).__module__
    if kind == "type" and module in ("layers.types", "layers.history"):
        context_.imports.add(f"import {module}")
        return f"{module}.{type(thing).__name__}()"
    return alembic_helpers.render_item(kind, thing, context_)


@writer.rewrites(ops.CreateTableOp)
def tracked_with_history(context_: Any, revision: Any, made: ops.CreateTableOp) -> Any:
    """A tracked table gets its triggers in the same migration."""
    tracked = {t.name for t in tracked_tables()}
    extra: list[ops.MigrateOperation] = []
    if made.table_name in tracked:
        extra.append(ops.ExecuteSQLOp(f"SELECT onemap_track_table('{made.table_name}')"))
    extra.append(ops.ExecuteSQLOp(f"SELECT onemap_grant('{made.table_name}')"))
    return [made, *extra]


def run() -> None:
    """Run the migrations on the connection of the caller, who owns the transaction."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=include_object,
        render_item=render_item,
        process_revision_directives=lambda c, r, d: (
            writer.process_revision_directives(c, r, d),
            alembic_helpers.writer.process_revision_directives(c, r, d),
        ),
        compare_server_default=False,
    )
    context.run_migrations()


run()
