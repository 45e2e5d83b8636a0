"""What tiles of low zooms need of areas, computed with the row, and the indexes of it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

TABLES = ('block', 'building', 'green', 'site', 'water')
SPOT = (
    "(floor(16777216 * (0.5 - asinh(tan(radians(least(85.05, greatest(-85.05, (ST_YMin(geom) + ST_YMax(geom)) / 2))))) / 6.283185307179586))::bigint >> 14 << 38)"
    " | (floor(16777216 * least(0.99999999, greatest(0, (ST_XMin(geom) + ST_XMax(geom)) / 720 + 0.5)))::bigint << 14)"
    " | (floor(16777216 * (0.5 - asinh(tan(radians(least(85.05, greatest(-85.05, (ST_YMin(geom) + ST_YMax(geom)) / 2))))) / 6.283185307179586))::bigint & 16383)"
)
AREA = "ST_Area(geom) * 12392029030.5 / cos(radians(least(85.05, greatest(-85.05, (ST_YMin(geom) + ST_YMax(geom)) / 2))))"
SPAN = (
    "111319.490793 * greatest(ST_XMax(geom) - ST_XMin(geom), (ST_YMax(geom) - ST_YMin(geom))"
    " / cos(radians(least(85.05, greatest(-85.05, (ST_YMin(geom) + ST_YMax(geom)) / 2)))))"
)


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column('tile_spot', sa.BigInteger(), sa.Computed(SPOT, persisted=True), nullable=True, comment='瓦片位置 | place in the tiles'))
        op.add_column(table, sa.Column('tile_area', sa.REAL(), sa.Computed(AREA, persisted=True), nullable=True, comment="瓦片面积 | area in the tiles' plane"))
        op.add_column(table, sa.Column('tile_span', sa.REAL(), sa.Computed(SPAN, persisted=True), nullable=True, comment="瓦片跨度 | width in the tiles' plane"))
        op.create_index(f'ix_{table}_tile_spot', table, ['tile_spot'], unique=False, postgresql_include=['tile_area', 'tile_span', 'id', 'body_id'])
        op.create_index(f'ix_{table}_wide', table, ['geom_3857'], unique=False, postgresql_using='gist', postgresql_where=sa.text('tile_span >= 64'))


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_index(f'ix_{table}_wide', table_name=table, postgresql_using='gist')
        op.drop_index(f'ix_{table}_tile_spot', table_name=table)
        for column in ('tile_span', 'tile_area', 'tile_spot'):
            op.drop_column(table, column)
