"""Edits by hand: who may make them, what they take back, and what the files said"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from layers.migrations.operations import run_sql
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('actor', sa.Column('may_edit', sa.Boolean(), server_default='false', nullable=False, comment='可编辑 | may change what is in scope'))
    op.add_column('change_set', sa.Column('undoes', sa.BigInteger(), nullable=True, comment='所撤销的序号 | the change set that this one takes back'))
    run_sql('history.sql')
    op.create_table('hand_edit',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('layer', sa.Text(), nullable=False, comment='表 | table'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('row_id', sa.BigInteger(), nullable=False, comment='行编号 | id of the row'),
    sa.Column('field', sa.Text(), nullable=False, comment='字段；空为整行删除 | field; empty: the row was deleted'),
    sa.Column('imported', postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment='文件原值 | what the file said last'),
    sa.Column('offered', postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment='待定新值 | what a newer file says, to be decided'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hand_edit')),
    sa.UniqueConstraint('layer', 'source', 'source_key', 'field', name=op.f('uq_hand_edit_layer_source_source_key_field'))
    )


def downgrade() -> None:
    op.drop_table('hand_edit')
    run_sql('history_0002.sql')
    op.drop_column('change_set', 'undoes')
    op.drop_column('actor', 'may_edit')
