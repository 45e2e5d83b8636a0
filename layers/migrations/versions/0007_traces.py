"""Traces: what is recorded and waits, what is sealed, and the seals; change sets leave theirs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from layers.migrations.operations import run_sql
from sqlalchemy.dialects import postgresql

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def _told() -> list[sa.Column]:
    return [
        sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False, comment='时间 | time'),
        sa.Column('kind', sa.Text(), nullable=False, comment='种类 | kind of act'),
        sa.Column('account_id', sa.BigInteger(), nullable=True, comment='账号编号 | id of account'),
        sa.Column('account', sa.Text(), nullable=True, comment='账号 | account, as it was called then'),
        sa.Column('address', sa.Text(), nullable=True, comment='来源地址 | address from which it came'),
        sa.Column('request', sa.Text(), nullable=True, comment='请求编号 | id of the request'),
        sa.Column('route', sa.Text(), nullable=True, comment='接口或命令 | route or command'),
        sa.Column('layer', sa.Text(), nullable=True, comment='图层 | layer'),
        sa.Column('outcome', sa.Text(), nullable=False, comment='结果 | outcome'),
        sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False, comment='详情 | details'),
    ]


def upgrade() -> None:
    op.create_table('audit_waiting',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    *_told(),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_waiting'))
    )
    op.create_table('audit_record',
    sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False, comment='序号，无间断 | without a gap'),
    sa.Column('batch', sa.BigInteger(), nullable=False, comment='批次 | batch'),
    *_told(),
    sa.Column('mac', sa.Text(), nullable=False, comment='校验码 | HMAC-SHA256 of the record'),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_audit_record'))
    )
    op.create_index('ix_audit_record_at', 'audit_record', ['at'], unique=False)
    op.create_index('ix_audit_record_account_number', 'audit_record', ['account', 'number'], unique=False)
    op.create_index('ix_audit_record_kind_number', 'audit_record', ['kind', 'number'], unique=False)
    op.create_index(op.f('ix_audit_record_batch'), 'audit_record', ['batch'], unique=False)
    op.create_table('audit_seal',
    sa.Column('batch', sa.BigInteger(), autoincrement=False, nullable=False, comment='批次，无间断 | without a gap'),
    sa.Column('first', sa.BigInteger(), nullable=False, comment='首个序号 | first number'),
    sa.Column('last', sa.BigInteger(), nullable=False, comment='末个序号 | last number'),
    sa.Column('count', sa.BigInteger(), nullable=False, comment='条数 | how many'),
    sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=False, comment='封存时间 | sealed at'),
    sa.Column('key', sa.Text(), nullable=False, comment='钥匙编号 | which key'),
    sa.Column('previous', sa.Text(), nullable=False, comment='前一批校验码 | code of the batch before'),
    sa.Column('mac', sa.Text(), nullable=False, comment='校验码 | HMAC-SHA256 of the batch and of all before it'),
    sa.Column('pruned_at', sa.DateTime(timezone=True), nullable=True, comment='清理时间 | when all up to here was pruned'),
    sa.Column('mark', sa.Text(), nullable=True, comment='清理校验码 | HMAC-SHA256 of that'),
    sa.PrimaryKeyConstraint('batch', name=op.f('pk_audit_seal'))
    )
    op.create_index(op.f('ix_audit_seal_sealed_at'), 'audit_seal', ['sealed_at'], unique=False)
    run_sql('audit.sql')


def downgrade() -> None:
    op.execute('DROP TRIGGER onemap_trace ON change_set')
    op.execute('DROP FUNCTION onemap_audit()')
    for table in ('audit_seal', 'audit_record', 'audit_waiting'):
        op.drop_table(table)
