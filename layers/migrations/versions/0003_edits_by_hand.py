"""Edits by hand: who may make them, and which change set another takes back"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from layers.migrations.operations import run_sql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('actor', sa.Column('may_edit', sa.Boolean(), server_default='false', nullable=False, comment='可编辑 | may change what is in scope'))
    op.add_column('change_set', sa.Column('undoes', sa.BigInteger(), nullable=True, comment='所撤销的序号 | the change set that this one takes back'))
    run_sql('history.sql')


def downgrade() -> None:
    run_sql('history_0002.sql')
    op.drop_column('change_set', 'undoes')
    op.drop_column('actor', 'may_edit')
