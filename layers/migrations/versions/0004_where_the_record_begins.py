"""Where the record of each table begins, what stood in a place, and triggers with rights of their own"""

from __future__ import annotations

import layers.history
import sqlalchemy as sa
from alembic import op
from layers.migrations.operations import run_sql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    run_sql("history.sql")


def downgrade() -> None:
    for history in _placed():
        op.drop_index(f'ix_{history}_geom', table_name=history, if_exists=True)
    op.create_index('ix_change_tx', 'change', ['tx'], unique=False)
    op.drop_index('ix_change_tx_layer', table_name='change')
    run_sql('history_0003.sql')
    op.drop_table('record_start')


def _placed() -> list[str]:
    """Return the histories of what has a place: those made before this have no index of it."""
    found = sa.inspect(op.get_bind())
    return [
        name for name in found.get_table_names()
        if name.endswith('_history') and 'geom' in {c['name'] for c in found.get_columns(name)}
    ]
