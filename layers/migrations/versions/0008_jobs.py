"""Jobs: what is told of them, and the queue in a schema of its own"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from layers.migrations.operations import run_sql

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql('queue.sql')
    op.create_table('job',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('kind', sa.Text(), nullable=False, comment='种类 | kind'),
    sa.Column('account_id', sa.BigInteger(), nullable=True, comment="账号 | who asked; none: the operator, or a demo's visitor"),
    sa.Column('token_id', sa.BigInteger(), nullable=True, comment='令牌 | token that it was asked for with'),
    sa.Column('by_operator', sa.Boolean(), server_default='false', nullable=False, comment='由运行者提交 | asked for on the server itself'),
    sa.Column('arguments', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='参数 | what is asked for'),
    sa.Column('state', sa.Text(), server_default='waiting', nullable=False, comment='状态 | state'),
    sa.Column('phase', sa.Text(), nullable=True, comment='阶段 | what is being done'),
    sa.Column('done', sa.BigInteger(), nullable=True, comment='已完成 | done of it'),
    sa.Column('total', sa.BigInteger(), nullable=True, comment='总数 | of how many'),
    sa.Column('attempt', sa.Integer(), server_default='0', nullable=False, comment='第几次 | how often it was taken up'),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment='结果 | result'),
    sa.Column('error', postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment='错误 | why it failed'),
    sa.Column('folder', sa.Text(), nullable=False, comment='文件夹 | its folder of uploads and results'),
    sa.Column('scope', sa.Text(), nullable=True, comment='范围 | whose eyes the result is for'),
    sa.Column('queue_id', sa.BigInteger(), nullable=True, comment='队列编号 | id in the queue'),
    sa.Column('asked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False, comment='提交时间 | asked at'),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True, comment='开始时间 | started at'),
    sa.Column('cancel_asked_at', sa.DateTime(timezone=True), nullable=True, comment='要求取消 | cancelling asked at'),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True, comment='结束时间 | finished at'),
    sa.CheckConstraint("kind IN ('import', 'archive', 'report')", name=op.f('ck_job_kind')),
    sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name=op.f('ck_job_state')),
    sa.CheckConstraint('NOT (by_operator AND account_id IS NOT NULL)', name=op.f('ck_job_by_operator')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_job_account_id')),
    sa.ForeignKeyConstraint(['token_id'], ['api_token.id'], name=op.f('fk_job_token_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job')),
    sa.UniqueConstraint('folder', name=op.f('uq_job_folder'))
    )
    op.create_index('ix_job_account_id', 'job', ['account_id', 'id'])
    op.create_index('ix_job_open', 'job', ['state'], postgresql_where=sa.text('finished_at IS NULL'))


def downgrade() -> None:
    op.drop_table('job')
    op.execute('DROP SCHEMA queue CASCADE')
