"""Edits by hand, what the files said, where each record begins, and triggers with rights of their own"""

from __future__ import annotations

import layers.history
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
    op.create_table('record_start',
    sa.Column('layer', sa.Text(), nullable=False, comment='表 | table'),
    sa.Column('tx', layers.history.Xid8(), nullable=False, comment='事务 | transaction'),
    sa.ForeignKeyConstraint(['tx'], ['change_set.tx'], name=op.f('fk_record_start_tx'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('layer', 'tx', name=op.f('pk_record_start'))
    )
    op.execute("""
        INSERT INTO record_start (layer, tx)
        SELECT DISTINCT ON (c.layer) c.layer, c.tx FROM change c JOIN change_set s ON s.tx = c.tx
         ORDER BY c.layer, s.seq
    """)
    op.create_index('ix_change_tx_layer', 'change', ['tx', 'layer'], unique=False)
    op.drop_index('ix_change_tx', table_name='change')
    for history in _placed():
        op.create_index(f'ix_{history}_geom', history, ['geom'], postgresql_using='gist', if_not_exists=True)
    run_sql('history.sql')


def downgrade() -> None:
    for history in _placed():
        op.drop_index(f'ix_{history}_geom', table_name=history, if_exists=True)
    op.create_index('ix_change_tx', 'change', ['tx'], unique=False)
    op.drop_index('ix_change_tx_layer', table_name='change')
    run_sql('history_0002.sql')
    op.drop_table('record_start')
    op.drop_table('hand_edit')
    op.drop_column('change_set', 'undoes')
    op.drop_column('actor', 'may_edit')


def _placed() -> list[str]:
    """Return the histories of what has a place: those made before this have no index of it."""
    found = sa.inspect(op.get_bind())
    return [
        name for name in found.get_table_names()
        if name.endswith('_history') and 'geom' in {c['name'] for c in found.get_columns(name)}
    ]
