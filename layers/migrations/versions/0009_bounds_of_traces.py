"""Bounds of traces: what waits is of a time, a size and a depth that can be sealed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

TEXTS = ('kind', 'account', 'address', 'request', 'route', 'layer', 'outcome')
BOUNDS = {
    'at': "at >= '1970-01-01 00:00:00+00' AND at < '2200-01-01 00:00:00+00'",
    'texts': ' AND '.join(f'octet_length({each}) <= 2000' for each in TEXTS),
    'details': "octet_length(details::text) <= 32000 "
    "AND NOT jsonb_path_exists(details, 'strict $.**{12}')",
}


def upgrade() -> None:
    for name, bound in BOUNDS.items():
        # What waits already is left to the sealer, which sets aside what it cannot seal: a row
        # that somebody put there must not keep the estate from being upgraded.
        op.create_check_constraint(
            op.f(f'ck_audit_waiting_{name}'), 'audit_waiting', sa.text(bound), postgresql_not_valid=True
        )


def downgrade() -> None:
    for name in BOUNDS:
        op.drop_constraint(op.f(f'ck_audit_waiting_{name}'), 'audit_waiting', type_='check')
