"""Accounts with passwords and second factors, grants of roles, sessions; tokens become theirs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

ROLES = ('administrator', 'auditor', 'asset_manager', 'dispatcher', 'planner', 'energy_manager', 'network_operator', 'analyst', 'viewer', 'device')
BUSINESS = ('asset_manager', 'dispatcher', 'planner', 'energy_manager', 'network_operator', 'analyst', 'viewer')


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(each) for each in values)})"


def upgrade() -> None:
    op.create_table('account',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('login', sa.Text(), nullable=False, comment='账号名 | name to sign in'),
    sa.Column('display_name', sa.Text(), nullable=False, comment='姓名 | name that is shown'),
    sa.Column('kind', sa.Text(), server_default='person', nullable=False, comment='种类 | kind'),
    sa.Column('password_hash', sa.Text(), nullable=True, comment='口令摘要 | argon2id of the password; none: no sign-in by password'),
    sa.Column('password_changed_at', sa.DateTime(timezone=True), nullable=True, comment='口令更改时间 | password changed at'),
    sa.Column('must_change', sa.Boolean(), server_default='false', nullable=False, comment='须改口令 | must change the password first'),
    sa.Column('totp_secret', sa.Text(), nullable=True, comment='动态口令密钥（加密）| secret of the second factor, encrypted'),
    sa.Column('totp_confirmed_at', sa.DateTime(timezone=True), nullable=True, comment='动态口令启用时间 | second factor since'),
    sa.Column('totp_step', sa.BigInteger(), nullable=True, comment='已用的时间步 | step of the last code that was used'),
    sa.Column('issuer', sa.Text(), nullable=True, comment='身份提供者 | OIDC issuer'),
    sa.Column('subject', sa.Text(), nullable=True, comment='外部标识 | OIDC subject'),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False, comment='创建时间 | created at'),
    sa.Column('created_by', sa.Text(), nullable=True, comment='创建者 | created by'),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True, comment='停用时间 | disabled at'),
    sa.CheckConstraint(_one_of('kind', ('person', 'service')), name=op.f('ck_account_kind')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account')),
    sa.UniqueConstraint('issuer', 'subject', name=op.f('uq_account_issuer')),
    sa.UniqueConstraint('login', name=op.f('uq_account_login'))
    )
    op.create_table('former_password',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('account_id', sa.BigInteger(), nullable=False, comment='账号 | account'),
    sa.Column('password_hash', sa.Text(), nullable=False, comment='口令摘要 | argon2id'),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False, comment='启用时间 | set at'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_former_password_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_former_password'))
    )
    op.create_index(op.f('ix_former_password_account_id'), 'former_password', ['account_id'], unique=False)
    op.create_table('role_grant',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('account_id', sa.BigInteger(), nullable=False, comment='账号 | account'),
    sa.Column('role', sa.Text(), nullable=False, comment='角色 | role'),
    sa.Column('whole_estate', sa.Boolean(), server_default='false', nullable=False, comment='全部范围 | over the whole estate'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='机构范围 | body whose subtree is in scope'),
    sa.Column('layers', postgresql.ARRAY(sa.Text()), nullable=True, comment='限于图层 | some layers alone'),
    sa.Column('valid_until', sa.DateTime(timezone=True), nullable=True, comment='有效期至 | valid until'),
    sa.Column('origin', sa.Text(), server_default='hand', nullable=False, comment='来历 | by hand, or by a group of the sign-on'),
    sa.Column('granted_by', sa.Text(), nullable=True, comment='授予者 | granted by'),
    sa.Column('granted_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False, comment='授予时间 | granted at'),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True, comment='撤销时间 | revoked at'),
    sa.Column('revoked_by', sa.Text(), nullable=True, comment='撤销者 | revoked by'),
    sa.CheckConstraint("origin IN ('hand', 'group')", name=op.f('ck_role_grant_origin')),
    sa.CheckConstraint(_one_of('role', ROLES), name=op.f('ck_role_grant_role')),
    sa.CheckConstraint('whole_estate = (body_id IS NULL)', name=op.f('ck_role_grant_scope')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_role_grant_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_role_grant'))
    )
    op.create_index(op.f('ix_role_grant_account_id'), 'role_grant', ['account_id'], unique=False)
    op.create_table('sign_in_session',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('account_id', sa.BigInteger(), nullable=False, comment='账号 | account'),
    sa.Column('cookie_hash', sa.Text(), nullable=False, comment='凭据摘要 | SHA-256 of the cookie'),
    sa.Column('method', sa.Text(), nullable=False, comment='登录方式 | password or oidc'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False, comment='登录时间 | signed in at'),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False, comment='最近使用 | last used at, within a minute'),
    sa.Column('address', sa.Text(), nullable=True, comment='地址 | address'),
    sa.Column('agent', sa.Text(), nullable=True, comment='浏览器 | browser'),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True, comment='结束时间 | ended at'),
    sa.Column('ended_why', sa.Text(), nullable=True, comment='结束原因 | why it ended'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_sign_in_session_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_session')),
    sa.UniqueConstraint('cookie_hash', name=op.f('uq_sign_in_session_cookie_hash'))
    )
    op.create_index('ix_sign_in_session_open', 'sign_in_session', ['account_id'], unique=False, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('api_token',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('account_id', sa.BigInteger(), nullable=False, comment='账号 | account'),
    sa.Column('name', sa.Text(), nullable=False, comment='名称 | name'),
    sa.Column('token_hash', sa.Text(), nullable=False, comment='令牌摘要 | SHA-256 of the token'),
    sa.Column('scope', sa.Text(), nullable=False, comment='权限 | read, or edit too'),
    sa.Column('layers', postgresql.ARRAY(sa.Text()), nullable=True, comment='限于图层 | some layers alone'),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False, comment='创建时间 | created at'),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True, comment='有效期至 | expires at'),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True, comment='撤销时间 | revoked at'),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True, comment='最近使用 | last used at, within a minute'),
    sa.CheckConstraint(_one_of('scope', ('read', 'edit')), name=op.f('ck_api_token_scope')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_api_token_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_token')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_api_token_token_hash'))
    )
    op.create_index(op.f('ix_api_token_account_id'), 'api_token', ['account_id'], unique=False)
    op.create_table('sign_in_failure',
    sa.Column('login_hash', sa.Text(), nullable=False, comment='账号名摘要 | SHA-256 of the name that was given'),
    sa.Column('failures', sa.Integer(), nullable=False, comment='次数 | how often in a row'),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=False, comment='最近一次 | last at'),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True, comment='锁定至 | locked until'),
    sa.PrimaryKeyConstraint('login_hash', name=op.f('pk_sign_in_failure'))
    )
    op.create_index(op.f('ix_sign_in_failure_failed_at'), 'sign_in_failure', ['failed_at'], unique=False)
    _tokens_become_accounts()
    op.drop_table('actor')


def _tokens_become_accounts() -> None:
    """Make a service account of each token; it sees what it saw, and changes what it changed.

    Logins are folded, and of two names that are then the same the later has its number added: a
    token is known by its secret, not by its name.
    """
    op.execute("""
        INSERT INTO account (login, display_name, kind, created_at, disabled_at)
        SELECT CASE WHEN row_number() OVER (PARTITION BY folded ORDER BY id) = 1 THEN folded
                    ELSE folded || '-' || id END,
               name, 'service', created_at, NULL
          FROM (SELECT *, lower(normalize(btrim(name), NFKC)) AS folded FROM actor) each
         ORDER BY id
    """)
    op.execute("""
        INSERT INTO api_token (account_id, name, token_hash, scope, created_at, revoked_at)
        SELECT account.id, actor.name, token_hash, CASE WHEN may_edit THEN 'edit' ELSE 'read' END,
               actor.created_at, revoked_at
          FROM actor JOIN account ON account.display_name = actor.name AND account.kind = 'service'
         ORDER BY actor.id
    """)
    roles = sa.bindparam('roles', list(BUSINESS), postgresql.ARRAY(sa.Text()))
    op.get_bind().execute(sa.text("""
        INSERT INTO role_grant (account_id, role, whole_estate, body_id, granted_at)
        SELECT account.id, role, actor.whole_estate,
               CASE WHEN actor.whole_estate THEN NULL ELSE actor.body_id END, actor.created_at
          FROM actor
          JOIN account ON account.display_name = actor.name AND account.kind = 'service'
         CROSS JOIN unnest(:roles) AS role
         WHERE actor.whole_estate OR actor.body_id IS NOT NULL
         ORDER BY actor.id
    """).bindparams(roles))


def downgrade() -> None:
    op.create_table('actor',
    sa.Column('id', sa.BigInteger(), nullable=False, comment='编号 | id'),
    sa.Column('name', sa.Text(), nullable=False, comment='名称 | name'),
    sa.Column('token_hash', sa.Text(), nullable=False, comment='令牌摘要 | SHA-256 of the token'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='机构范围 | body whose subtree is in scope'),
    sa.Column('whole_estate', sa.Boolean(), server_default='false', nullable=False, comment='全部范围 | sees the whole estate'),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False, comment='创建时间 | created at'),
    sa.Column('may_edit', sa.Boolean(), server_default='false', nullable=False, comment='可编辑 | may change what is in scope'),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True, comment='撤销时间 | revoked at'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_actor')),
    sa.UniqueConstraint('name', name=op.f('uq_actor_name')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_actor_token_hash'))
    )
    # Of what is known now the table of then can hold: the oldest token of a service that works
    # with everything, over one body or the whole estate. Whoever had less is not given more.
    op.get_bind().execute(sa.text("""
        INSERT INTO actor (name, token_hash, body_id, whole_estate, created_at, may_edit, revoked_at)
        SELECT account.display_name, token.token_hash, held.body_id, coalesce(held.whole_estate, false),
               token.created_at, token.scope = 'edit',
               coalesce(token.revoked_at, account.disabled_at,
                        CASE WHEN token.expires_at <= now() THEN token.expires_at END)
          FROM account
          JOIN LATERAL (SELECT * FROM api_token WHERE account_id = account.id AND layers IS NULL
                         ORDER BY id LIMIT 1) token ON true
          LEFT JOIN LATERAL (
               SELECT body_id, whole_estate FROM role_grant
                WHERE account_id = account.id AND revoked_at IS NULL AND layers IS NULL
                  AND valid_until IS NULL AND role = ANY(:roles)
                GROUP BY body_id, whole_estate HAVING count(DISTINCT role) = cardinality(:roles)
                ORDER BY whole_estate DESC, body_id LIMIT 1) held ON true
         WHERE account.kind = 'service'
         ORDER BY account.id
        ON CONFLICT DO NOTHING
    """).bindparams(sa.bindparam('roles', list(BUSINESS), postgresql.ARRAY(sa.Text()))))
    for table in ('sign_in_failure', 'api_token', 'sign_in_session', 'role_grant', 'former_password', 'account'):
        op.drop_table(table)
