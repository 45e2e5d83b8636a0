"""Transactions of a restored estate are numbered above those that it brought"""

from __future__ import annotations

from layers.migrations.operations import run_sql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql('history.sql')


def downgrade() -> None:
    # The trigger goes on numbering as it did: an estate that was restored needs that, and another
    # one is numbered as before.
    pass
