"""The estate, its people and its telemetry"""

from __future__ import annotations

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from layers.migrations.operations import create_tracked, drop_tracked, run_sql
from sqlalchemy.dialects import postgresql
import layers.history
import layers.types

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("history.sql")
    run_sql("partitions.sql")
    op.create_table('actor',
    sa.Column('id', sa.BigInteger(), nullable=False, comment='编号 | id'),
    sa.Column('name', sa.Text(), nullable=False, comment='名称 | name'),
    sa.Column('token_hash', sa.Text(), nullable=False, comment='令牌摘要 | SHA-256 of the token'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='机构范围 | body whose subtree is in scope'),
    sa.Column('whole_estate', sa.Boolean(), server_default='false', nullable=False, comment='全部范围 | sees the whole estate'),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False, comment='创建时间 | created at'),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True, comment='撤销时间 | revoked at'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_actor')),
    sa.UniqueConstraint('name', name=op.f('uq_actor_name')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_actor_token_hash'))
    )
    create_tracked('body',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('code', sa.Text(), nullable=True, comment='机构编码 | code'),
    sa.Column('parent_id', sa.BigInteger(), nullable=True, comment='上级机构 | parent body'),
    sa.Column('path', layers.types.Ltree(), server_default='', nullable=False, comment='路径 | path of ids from the root'),
    sa.Column('tier', sa.Enum('central', 'province', 'city', 'county', 'township', name='tier', native_enum=False, create_constraint=True, length=40), nullable=True, comment='层级 | tier'),
    sa.Column('headcount', sa.Integer(), nullable=True, comment='编制人数 | established posts'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_body_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['parent_id'], ['body.id'], name=op.f('fk_body_parent_id'), ondelete='SET NULL', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_body')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_body_source_source_key'))
    )
    op.create_index(op.f('ix_body_body_id'), 'body', ['body_id'], unique=False)
    op.create_index(op.f('ix_body_code'), 'body', ['code'], unique=False)
    op.create_index(op.f('ix_body_parent_id'), 'body', ['parent_id'], unique=False)
    op.create_index('ix_body_path', 'body', ['path'], unique=False, postgresql_using='gist')
    op.create_table('change',
    sa.Column('layer', sa.Text(), nullable=False, comment='表 | table'),
    sa.Column('id', sa.BigInteger(), nullable=False, comment='编号 | id'),
    sa.Column('tx', layers.history.Xid8(), nullable=False, comment='事务 | transaction'),
    sa.Column('operation', sa.CHAR(length=1), nullable=False, comment='操作 | I, U or D: the first one'),
    sa.Column('before', Geometry(geometry_type='POLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='前范围 | old extent'),
    sa.Column('after', Geometry(geometry_type='POLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='后范围 | new extent'),
    sa.PrimaryKeyConstraint('layer', 'id', 'tx', name=op.f('pk_change'))
    )
    op.create_index('ix_change_tx', 'change', ['tx'], unique=False)
    op.create_table('change_set',
    sa.Column('tx', layers.history.Xid8(), nullable=False, comment='事务 | transaction'),
    sa.Column('seq', sa.BigInteger(), nullable=True, comment='序号 | order of commit'),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=True, comment='记录时间 | recorded at'),
    sa.Column('actor', sa.Text(), nullable=True, comment='操作者 | actor'),
    sa.Column('reason', sa.Text(), nullable=True, comment='原因 | reason'),
    sa.PrimaryKeyConstraint('tx', name=op.f('pk_change_set')),
    sa.UniqueConstraint('seq', name=op.f('uq_change_set_seq'))
    )
    op.create_index(op.f('ix_change_set_recorded_at'), 'change_set', ['recorded_at'], unique=False)
    op.create_table('import_batch',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('kind', sa.Text(), nullable=False, comment='种类 | kind'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('files', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='文件 | files with size and digest'),
    sa.Column('crs', sa.Text(), nullable=True, comment='坐标系 | coordinate system'),
    sa.Column('crs_decided', sa.Text(), nullable=True, comment='如何确定 | how the system was decided'),
    sa.Column('counts', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='数量 | counts of the report'),
    sa.Column('actor', sa.Text(), nullable=True, comment='操作者 | actor'),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False, comment='开始时间 | started at'),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True, comment='结束时间 | finished at'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_batch'))
    )
    op.create_table('meta',
    sa.Column('key', sa.Text(), nullable=False, comment='键 | key'),
    sa.Column('value', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='值 | value'),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_meta'))
    )
    op.create_table('position',
    sa.Column('vehicle_id', sa.BigInteger(), autoincrement=False, nullable=False, comment='车辆 | vehicle'),
    sa.Column('time', sa.DateTime(timezone=True), nullable=False, comment='时间 | time'),
    sa.Column('geom', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False, comment='位置 | position'),
    sa.Column('speed_kmh', sa.Float(), nullable=True, comment='速度 | speed'),
    sa.Column('heading_deg', sa.Float(), nullable=True, comment='方向 | heading, clockwise from north'),
    sa.Column('altitude_m', sa.Float(), nullable=True, comment='海拔 | altitude'),
    sa.PrimaryKeyConstraint('vehicle_id', 'time', name=op.f('pk_position')),
    postgresql_partition_by='RANGE (time)'
    )
    op.create_index('ix_position_time', 'position', ['time'], unique=False, postgresql_using='brin')
    op.create_table('position_latest',
    sa.Column('vehicle_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('geom', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
    sa.Column('speed_kmh', sa.Float(), nullable=True),
    sa.Column('heading_deg', sa.Float(), nullable=True),
    sa.Column('altitude_m', sa.Float(), nullable=True),
    sa.PrimaryKeyConstraint('vehicle_id', name=op.f('pk_position_latest')),
    postgresql_with={'fillfactor': '70'}
    )
    op.create_table('reading',
    sa.Column('meter_id', sa.BigInteger(), autoincrement=False, nullable=False, comment='计量表 | meter'),
    sa.Column('time', sa.DateTime(timezone=True), nullable=False, comment='抄表时间 | end of the interval'),
    sa.Column('start', sa.DateTime(timezone=True), nullable=True, comment='区间起点 | start of the interval'),
    sa.Column('value', sa.Float(), nullable=False, comment='读数 | value'),
    sa.Column('closing_value', sa.Float(), nullable=True, comment='旧表止数 | closing value of the replaced meter'),
    sa.Column('quality', sa.Enum('measured', 'estimated', 'suspect', name='reading_quality', native_enum=False, create_constraint=True, length=40), server_default='measured', nullable=False, comment='质量 | quality'),
    sa.PrimaryKeyConstraint('meter_id', 'time', name=op.f('pk_reading')),
    postgresql_partition_by='RANGE (time)'
    )
    op.create_index('ix_reading_time', 'reading', ['time'], unique=False, postgresql_using='brin')
    op.create_table('search_entry',
    sa.Column('layer', sa.Text(), nullable=False, comment='图层 | layer'),
    sa.Column('id', sa.BigInteger(), nullable=False, comment='编号 | id'),
    sa.Column('field', sa.Text(), nullable=False, comment='字段 | field'),
    sa.Column('text', sa.Text(), nullable=False, comment='文本 | folded text'),
    sa.Column('pinyin', sa.Text(), nullable=True, comment='拼音 | pinyin'),
    sa.Column('initials', sa.Text(), nullable=True, comment='首字母 | initials'),
    sa.PrimaryKeyConstraint('layer', 'id', 'field', name=op.f('pk_search_entry'))
    )
    create_tracked('area_standard',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('tier', sa.Enum('central', 'province', 'city', 'county', 'township', name='tier', native_enum=False, create_constraint=True, length=40), nullable=False, comment='层级 | tier'),
    sa.Column('rank', sa.Enum('ministry_chief', 'ministry_deputy', 'province_chief', 'province_deputy', 'department_chief', 'department_deputy', 'city_chief', 'city_deputy', 'division_chief', 'division_deputy', 'county_chief', 'county_deputy', 'section_chief', 'section_deputy', 'staff', name='rank', native_enum=False, create_constraint=True, length=40), nullable=False, comment='职级 | rank'),
    sa.Column('area_m2', sa.Float(), nullable=False, comment='面积标准 | usable area a person'),
    sa.Column('edition', sa.Text(), nullable=False, comment='版本 | edition'),
    sa.Column('valid_from', sa.Date(), nullable=False, comment='生效日期 | valid from'),
    sa.Column('valid_to', sa.Date(), nullable=True, comment='失效日期 | valid to (exclusive)'),
    sa.Column('citation', sa.Text(), nullable=True, comment='依据 | citation'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.CheckConstraint('area_m2 > 0', name=op.f('ck_area_standard_area_m2')),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_area_standard_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_area_standard')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_area_standard_source_source_key'))
    )
    op.create_index(op.f('ix_area_standard_body_id'), 'area_standard', ['body_id'], unique=False)
    create_tracked('block',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('use', sa.Enum('office', 'residential', 'commercial', 'industrial', 'education', 'other', name='block_use', native_enum=False, create_constraint=True, length=40), nullable=True, comment='用地 | use'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='MULTIPOLYGON', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_block_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_block')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_block_source_source_key'))
    )
    op.create_index(op.f('ix_block_body_id'), 'block', ['body_id'], unique=False)
    op.create_index('ix_block_geom', 'block', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_block_geom_3857', 'block', ['geom_3857'], unique=False, postgresql_using='gist')
    create_tracked('duct',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='LINESTRING', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='LINESTRING', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_duct_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_duct')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_duct_source_source_key'))
    )
    op.create_index(op.f('ix_duct_body_id'), 'duct', ['body_id'], unique=False)
    op.create_index('ix_duct_geom', 'duct', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_duct_geom_3857', 'duct', ['geom_3857'], unique=False, postgresql_using='gist')
    create_tracked('factor',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('quantity', sa.Enum('standard_coal', 'co2', name='factor_quantity', native_enum=False, create_constraint=True, length=40), nullable=False, comment='折算量 | quantity'),
    sa.Column('carrier', sa.Enum('electricity', 'water', 'gas', 'heat', 'coal', 'diesel', 'petrol', 'lpg', 'other', name='meter_kind', native_enum=False, create_constraint=True, length=40), nullable=False, comment='能源种类 | carrier'),
    sa.Column('method', sa.Enum('equivalent', 'calorific', 'direct', name='factor_method', native_enum=False, create_constraint=True, length=40), nullable=True, comment='折算方法 | method'),
    sa.Column('region', sa.Text(), nullable=True, comment='地区 | region'),
    sa.Column('value', sa.Float(), nullable=False, comment='系数 | value'),
    sa.Column('unit', sa.Text(), nullable=False, comment='单位 | unit'),
    sa.Column('edition', sa.Text(), nullable=False, comment='版本 | edition'),
    sa.Column('valid_from', sa.Date(), nullable=False, comment='生效日期 | valid from'),
    sa.Column('valid_to', sa.Date(), nullable=True, comment='失效日期 | valid to (exclusive)'),
    sa.Column('citation', sa.Text(), nullable=True, comment='依据 | citation'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.CheckConstraint('value >= 0', name=op.f('ck_factor_value')),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_factor_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_factor')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_factor_source_source_key'))
    )
    op.create_index(op.f('ix_factor_body_id'), 'factor', ['body_id'], unique=False)
    create_tracked('green',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='MULTIPOLYGON', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_green_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_green')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_green_source_source_key'))
    )
    op.create_index(op.f('ix_green_body_id'), 'green', ['body_id'], unique=False)
    op.create_index('ix_green_geom', 'green', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_green_geom_3857', 'green', ['geom_3857'], unique=False, postgresql_using='gist')
    create_tracked('imagery',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('path', sa.Text(), nullable=False, comment='文件 | file, relative to the data folder'),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=True, comment='拍摄时间 | taken at'),
    sa.Column('resolution_m', sa.Float(), nullable=True, comment='分辨率 | resolution'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='MULTIPOLYGON', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_imagery_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imagery')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_imagery_source_source_key'))
    )
    op.create_index(op.f('ix_imagery_body_id'), 'imagery', ['body_id'], unique=False)
    op.create_index('ix_imagery_geom', 'imagery', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_imagery_geom_3857', 'imagery', ['geom_3857'], unique=False, postgresql_using='gist')
    op.create_table('import_issue',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('batch_id', sa.BigInteger(), nullable=False, comment='批次 | batch'),
    sa.Column('file', sa.Text(), nullable=False, comment='文件 | file'),
    sa.Column('row', sa.Integer(), nullable=True, comment='行 | row in the file, from 1'),
    sa.Column('field', sa.Text(), nullable=True, comment='字段 | field'),
    sa.Column('value', sa.Text(), nullable=True, comment='值 | value'),
    sa.Column('reason', sa.Text(), nullable=False, comment='原因代码 | reason code'),
    sa.Column('zh', sa.Text(), nullable=False, comment='说明 | message in Chinese'),
    sa.Column('en', sa.Text(), nullable=False, comment='英文说明 | message in English'),
    sa.Column('action', sa.Text(), nullable=False, comment='处理 | what was done'),
    sa.ForeignKeyConstraint(['batch_id'], ['import_batch.id'], name=op.f('fk_import_issue_batch_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_issue'))
    )
    op.create_index(op.f('ix_import_issue_batch_id'), 'import_issue', ['batch_id'], unique=False)
    create_tracked('level',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('ordinal', sa.Integer(), nullable=False, comment='楼层序号 | ordinal (0 = ground)'),
    sa.Column('short_name', sa.Text(), nullable=True, comment='楼层 | short name'),
    sa.Column('base_m', sa.Float(), nullable=True, comment='底标高 | base height'),
    sa.Column('height_m', sa.Float(), nullable=True, comment='层高 | height'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='MULTIPOLYGON', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_level_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_level')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_level_source_source_key'))
    )
    op.create_index(op.f('ix_level_body_id'), 'level', ['body_id'], unique=False)
    op.create_index('ix_level_geom', 'level', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_level_geom_3857', 'level', ['geom_3857'], unique=False, postgresql_using='gist')
    op.create_index(op.f('ix_level_ordinal'), 'level', ['ordinal'], unique=False)
    create_tracked('meter',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('number', sa.Text(), nullable=True, comment='表号 | meter number'),
    sa.Column('kind', sa.Enum('electricity', 'water', 'gas', 'heat', 'coal', 'diesel', 'petrol', 'lpg', 'other', name='meter_kind', native_enum=False, create_constraint=True, length=40), nullable=True, comment='能源种类 | kind'),
    sa.Column('item', sa.Enum('total', 'lighting', 'hvac', 'power', 'special', name='meter_item', native_enum=False, create_constraint=True, length=40), nullable=True, comment='分项 | item'),
    sa.Column('unit', sa.Text(), nullable=True, comment='计量单位 | unit'),
    sa.Column('parent_id', sa.BigInteger(), nullable=True, comment='上级表 | parent meter'),
    sa.Column('multiplier', sa.Float(), server_default='1', nullable=False, comment='倍率 | multiplier'),
    sa.Column('digits', sa.Integer(), nullable=True, comment='表位数 | digits before the point'),
    sa.Column('reading_form', sa.Enum('register', 'interval', name='reading_form', native_enum=False, create_constraint=True, length=40), server_default='register', nullable=False, comment='读数形式 | form of readings'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='POINT', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_meter_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['parent_id'], ['meter.id'], name=op.f('fk_meter_parent_id'), ondelete='SET NULL', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meter')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_meter_source_source_key'))
    )
    op.create_index(op.f('ix_meter_body_id'), 'meter', ['body_id'], unique=False)
    op.create_index('ix_meter_geom', 'meter', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_meter_geom_3857', 'meter', ['geom_3857'], unique=False, postgresql_using='gist')
    op.create_index(op.f('ix_meter_number'), 'meter', ['number'], unique=False)
    op.create_index(op.f('ix_meter_parent_id'), 'meter', ['parent_id'], unique=False)
    create_tracked('person',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('number', sa.Text(), nullable=True, comment='工号 | staff number'),
    sa.Column('rank', sa.Enum('ministry_chief', 'ministry_deputy', 'province_chief', 'province_deputy', 'department_chief', 'department_deputy', 'city_chief', 'city_deputy', 'division_chief', 'division_deputy', 'county_chief', 'county_deputy', 'section_chief', 'section_deputy', 'staff', name='rank', native_enum=False, create_constraint=True, length=40), nullable=True, comment='职级 | rank'),
    sa.Column('title', sa.Text(), nullable=True, comment='职务 | post'),
    sa.Column('state', sa.Enum('active', 'retired', 'left', 'seconded', name='person_state', native_enum=False, create_constraint=True, length=40), nullable=True, comment='状态 | state'),
    sa.Column('left_on', sa.Date(), nullable=True, comment='离岗日期 | left on'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_person_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_person_source_source_key'))
    )
    op.create_index(op.f('ix_person_body_id'), 'person', ['body_id'], unique=False)
    op.create_index(op.f('ix_person_number'), 'person', ['number'], unique=False)
    op.create_table('quarantine',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('batch_id', sa.BigInteger(), nullable=False, comment='批次 | batch'),
    sa.Column('layer', sa.Text(), nullable=False, comment='图层 | layer'),
    sa.Column('file', sa.Text(), nullable=False, comment='文件 | file'),
    sa.Column('row', sa.Integer(), nullable=True, comment='行 | row in the file, from 1'),
    sa.Column('values', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='原值 | the row as it was read'),
    sa.Column('geometry', sa.Text(), nullable=True, comment='几何 | geometry as WKT'),
    sa.Column('reasons', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='原因 | reasons'),
    sa.ForeignKeyConstraint(['batch_id'], ['import_batch.id'], name=op.f('fk_quarantine_batch_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quarantine'))
    )
    op.create_index(op.f('ix_quarantine_batch_id'), 'quarantine', ['batch_id'], unique=False)
    create_tracked('road',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('road_class', sa.Enum('motorway', 'primary', 'secondary', 'residential', 'service', 'path', name='road_class', native_enum=False, create_constraint=True, length=40), nullable=True, comment='道路等级 | class'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='MULTILINESTRING', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='MULTILINESTRING', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_road_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_road')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_road_source_source_key'))
    )
    op.create_index(op.f('ix_road_body_id'), 'road', ['body_id'], unique=False)
    op.create_index('ix_road_geom', 'road', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_road_geom_3857', 'road', ['geom_3857'], unique=False, postgresql_using='gist')
    create_tracked('room',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('number', sa.Text(), nullable=True, comment='房间号 | room number'),
    sa.Column('category', sa.Enum('auditorium', 'brick', 'classroom', 'column', 'concrete', 'conferenceroom', 'drywall', 'elevator', 'escalator', 'fieldofplay', 'firstaid', 'fitnessroom', 'foodservice', 'footbridge', 'glass', 'huddleroom', 'kitchen', 'laboratory', 'library', 'lobby', 'lounge', 'mailroom', 'mothersroom', 'movingwalkway', 'nonpublic', 'office', 'opentobelow', 'parking', 'phoneroom', 'platform', 'privatelounge', 'ramp', 'recreation', 'restroom', 'restroom.family', 'restroom.female', 'restroom.female.wheelchair', 'restroom.male', 'restroom.male.wheelchair', 'restroom.transgender', 'restroom.transgender.wheelchair', 'restroom.unisex', 'restroom.unisex.wheelchair', 'restroom.wheelchair', 'road', 'room', 'serverroom', 'shower', 'smokingarea', 'stairs', 'steps', 'storage', 'structure', 'terrace', 'theater', 'unenclosedarea', 'unspecified', 'vegetation', 'waitingroom', 'walkway', 'walkway.island', name='unit_category', native_enum=False, create_constraint=True, length=40), nullable=True, comment='类别 | category'),
    sa.Column('restriction', sa.Enum('employeesonly', 'restricted', name='restriction', native_enum=False, create_constraint=True, length=40), nullable=True, comment='限制 | restriction'),
    sa.Column('use', sa.Enum('office', 'service', 'equipment', 'ancillary', 'meeting', 'circulation', 'technical', 'other', name='room_use', native_enum=False, create_constraint=True, length=40), nullable=True, comment='用途 | use'),
    sa.Column('state', sa.Enum('in_use', 'vacant', 'to_vacate', 'works', name='room_state', native_enum=False, create_constraint=True, length=40), nullable=True, comment='状态 | state'),
    sa.Column('vacant_since', sa.Date(), nullable=True, comment='空置起始 | vacant since'),
    sa.Column('polygon_area_m2', sa.Float(), sa.Computed('ST_Area(geom::geography)', persisted=True), nullable=True, comment='图形面积 | area of the polygon'),
    sa.Column('built_area_m2', sa.Float(), nullable=True, comment='建筑面积 | built area'),
    sa.Column('usable_area_m2', sa.Float(), nullable=True, comment='使用面积 | declared usable area'),
    sa.Column('capacity', sa.Integer(), nullable=True, comment='可容纳人数 | capacity'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='MULTIPOLYGON', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_room_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_room')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_room_source_source_key'))
    )
    op.create_index(op.f('ix_room_body_id'), 'room', ['body_id'], unique=False)
    op.create_index('ix_room_geom', 'room', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_room_geom_3857', 'room', ['geom_3857'], unique=False, postgresql_using='gist')
    op.create_index(op.f('ix_room_number'), 'room', ['number'], unique=False)
    create_tracked('site',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('address', sa.Text(), nullable=True, comment='地址 | address'),
    sa.Column('land_area_m2', sa.Float(), nullable=True, comment='土地面积 | land area'),
    sa.Column('tenure', sa.Enum('owned', 'leased', 'lent', 'unknown', name='tenure', native_enum=False, create_constraint=True, length=40), nullable=True, comment='权属 | tenure'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='MULTIPOLYGON', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_site_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_site')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_site_source_source_key'))
    )
    op.create_index(op.f('ix_site_body_id'), 'site', ['body_id'], unique=False)
    op.create_index('ix_site_geom', 'site', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_site_geom_3857', 'site', ['geom_3857'], unique=False, postgresql_using='gist')
    create_tracked('vehicle',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('plate', sa.Text(), nullable=True, comment='车牌号 | plate'),
    sa.Column('vehicle_class', sa.Enum('confidential', 'emergency', 'law_enforcement', 'special', 'general', name='vehicle_class', native_enum=False, create_constraint=True, length=40), nullable=True, comment='车辆类别 | class'),
    sa.Column('model', sa.Text(), nullable=True, comment='品牌型号 | make and model'),
    sa.Column('energy', sa.Enum('petrol', 'diesel', 'electric', 'hybrid', name='vehicle_energy', native_enum=False, create_constraint=True, length=40), nullable=True, comment='能源 | energy'),
    sa.Column('displacement_l', sa.Float(), nullable=True, comment='排量 | displacement'),
    sa.Column('price_cny', sa.Numeric(precision=14, scale=2), nullable=True, comment='购置价格 | price'),
    sa.Column('state', sa.Enum('in_service', 'sealed', 'repair', 'disposed', name='vehicle_state', native_enum=False, create_constraint=True, length=40), nullable=True, comment='状态 | state'),
    sa.Column('parking', sa.Text(), nullable=True, comment='固定停放点 | fixed parking place'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='POINT', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_vehicle_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_vehicle')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_vehicle_source_source_key'))
    )
    op.create_index(op.f('ix_vehicle_body_id'), 'vehicle', ['body_id'], unique=False)
    op.create_index('ix_vehicle_geom', 'vehicle', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_vehicle_geom_3857', 'vehicle', ['geom_3857'], unique=False, postgresql_using='gist')
    op.create_index(op.f('ix_vehicle_plate'), 'vehicle', ['plate'], unique=False)
    create_tracked('water',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='MULTIPOLYGON', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_water_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_water')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_water_source_source_key'))
    )
    op.create_index(op.f('ix_water_body_id'), 'water', ['body_id'], unique=False)
    op.create_index('ix_water_geom', 'water', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_water_geom_3857', 'water', ['geom_3857'], unique=False, postgresql_using='gist')
    create_tracked('asset',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('number', sa.Text(), nullable=True, comment='资产编号 | asset number'),
    sa.Column('tag', sa.Text(), nullable=True, comment='标签号 | tag (QR or RFID)'),
    sa.Column('class_code', sa.Text(), nullable=True, comment='分类代码 | class (GB/T 14885)'),
    sa.Column('model', sa.Text(), nullable=True, comment='规格型号 | model'),
    sa.Column('serial', sa.Text(), nullable=True, comment='序列号 | serial number'),
    sa.Column('state', sa.Enum('in_use', 'idle', 'repair', 'lost', 'disposed', name='asset_state', native_enum=False, create_constraint=True, length=40), nullable=True, comment='状态 | state'),
    sa.Column('room_id', sa.BigInteger(), nullable=True, comment='所在房间 | room'),
    sa.Column('custodian_id', sa.BigInteger(), nullable=True, comment='保管人 | custodian'),
    sa.Column('value_cny', sa.Numeric(precision=14, scale=2), nullable=True, comment='原值 | value'),
    sa.Column('acquired_on', sa.Date(), nullable=True, comment='取得日期 | acquired on'),
    sa.Column('scanned_room_id', sa.BigInteger(), nullable=True, comment='盘点房间 | room last scanned in'),
    sa.Column('scanned_at', sa.DateTime(timezone=True), nullable=True, comment='盘点时间 | last scanned at'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='POINT', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.CheckConstraint('value_cny >= 0', name=op.f('ck_asset_value_cny')),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_asset_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['custodian_id'], ['person.id'], name=op.f('fk_asset_custodian_id'), ondelete='SET NULL', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['room_id'], ['room.id'], name=op.f('fk_asset_room_id'), ondelete='SET NULL', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['scanned_room_id'], ['room.id'], name=op.f('fk_asset_scanned_room_id'), ondelete='SET NULL', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_asset')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_asset_source_source_key'))
    )
    op.create_index(op.f('ix_asset_body_id'), 'asset', ['body_id'], unique=False)
    op.create_index(op.f('ix_asset_custodian_id'), 'asset', ['custodian_id'], unique=False)
    op.create_index('ix_asset_geom', 'asset', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_asset_geom_3857', 'asset', ['geom_3857'], unique=False, postgresql_using='gist')
    op.create_index(op.f('ix_asset_number'), 'asset', ['number'], unique=False)
    op.create_index(op.f('ix_asset_room_id'), 'asset', ['room_id'], unique=False)
    op.create_index(op.f('ix_asset_scanned_room_id'), 'asset', ['scanned_room_id'], unique=False)
    op.create_index(op.f('ix_asset_tag'), 'asset', ['tag'], unique=False)
    create_tracked('building',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('site_id', sa.BigInteger(), nullable=True, comment='院落 | site'),
    sa.Column('code', sa.Text(), nullable=True, comment='楼号 | building code'),
    sa.Column('address', sa.Text(), nullable=True, comment='地址 | address'),
    sa.Column('use', sa.Enum('office', 'service', 'technical', 'residential', 'education', 'health', 'culture', 'commercial', 'garage', 'storage', 'other', name='building_use', native_enum=False, create_constraint=True, length=40), nullable=True, comment='用途 | use'),
    sa.Column('tenure', sa.Enum('owned', 'leased', 'lent', 'unknown', name='tenure', native_enum=False, create_constraint=True, length=40), nullable=True, comment='权属 | tenure'),
    sa.Column('levels_above', sa.Integer(), nullable=True, comment='地上层数 | levels above ground'),
    sa.Column('levels_below', sa.Integer(), nullable=True, comment='地下层数 | levels below ground'),
    sa.Column('height_m', sa.Float(), nullable=True, comment='高度 | height'),
    sa.Column('built_area_m2', sa.Float(), nullable=True, comment='建筑面积 | built area'),
    sa.Column('usable_area_m2', sa.Float(), nullable=True, comment='使用面积 | usable area'),
    sa.Column('built_year', sa.Integer(), nullable=True, comment='建成年份 | year built'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='MULTIPOLYGON', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_building_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_building_site_id'), ondelete='SET NULL', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_building')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_building_source_source_key'))
    )
    op.create_index(op.f('ix_building_body_id'), 'building', ['body_id'], unique=False)
    op.create_index(op.f('ix_building_code'), 'building', ['code'], unique=False)
    op.create_index('ix_building_geom', 'building', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_building_geom_3857', 'building', ['geom_3857'], unique=False, postgresql_using='gist')
    op.create_index(op.f('ix_building_site_id'), 'building', ['site_id'], unique=False)
    create_tracked('network_node',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('kind', sa.Enum('core', 'router', 'switch', 'access_point', 'gateway', 'server', 'terminal', 'odf', 'manhole', 'site', 'other', name='node_kind', native_enum=False, create_constraint=True, length=40), nullable=True, comment='类型 | kind'),
    sa.Column('state', sa.Enum('up', 'down', 'maintenance', 'unknown', name='node_state', native_enum=False, create_constraint=True, length=40), server_default='unknown', nullable=False, comment='状态 | state'),
    sa.Column('state_since', sa.DateTime(timezone=True), nullable=True, comment='状态起始 | state since'),
    sa.Column('room_id', sa.BigInteger(), nullable=True, comment='所在房间 | room'),
    sa.Column('address', sa.Text(), nullable=True, comment='网络地址 | network address'),
    sa.Column('root', sa.Boolean(), server_default='false', nullable=False, comment='根节点 | root (the way out)'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='POINT', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_network_node_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['room_id'], ['room.id'], name=op.f('fk_network_node_room_id'), ondelete='SET NULL', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_network_node')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_network_node_source_source_key'))
    )
    op.create_index(op.f('ix_network_node_body_id'), 'network_node', ['body_id'], unique=False)
    op.create_index('ix_network_node_geom', 'network_node', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_network_node_geom_3857', 'network_node', ['geom_3857'], unique=False, postgresql_using='gist')
    op.create_index(op.f('ix_network_node_room_id'), 'network_node', ['room_id'], unique=False)
    create_tracked('occupancy',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('room_id', sa.BigInteger(), nullable=False, comment='房间 | room'),
    sa.Column('person_id', sa.BigInteger(), nullable=True, comment='人员 | person'),
    sa.Column('share', sa.Float(), server_default='1', nullable=False, comment='占用份额 | share of the room'),
    sa.Column('valid_from', sa.Date(), nullable=True, comment='起始日期 | valid from'),
    sa.Column('valid_to', sa.Date(), nullable=True, comment='截止日期 | valid to (exclusive)'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.CheckConstraint('share > 0 AND share <= 1', name=op.f('ck_occupancy_share')),
    sa.CheckConstraint('valid_to IS NULL OR valid_to > valid_from', name=op.f('ck_occupancy_validity')),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_occupancy_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_occupancy_person_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['room_id'], ['room.id'], name=op.f('fk_occupancy_room_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_occupancy')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_occupancy_source_source_key'))
    )
    op.create_index(op.f('ix_occupancy_body_id'), 'occupancy', ['body_id'], unique=False)
    op.create_index(op.f('ix_occupancy_person_id'), 'occupancy', ['person_id'], unique=False)
    op.create_index(op.f('ix_occupancy_room_id'), 'occupancy', ['room_id'], unique=False)
    create_tracked('opening',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('category', sa.Enum('automobile', 'bicycle', 'emergencyexit', 'pedestrian', 'pedestrian.principal', 'pedestrian.transit', 'service', name='opening_category', native_enum=False, create_constraint=True, length=40), nullable=True, comment='类别 | category'),
    sa.Column('level_id', sa.BigInteger(), nullable=True, comment='楼层 | level'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='LINESTRING', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='LINESTRING', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_opening_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['level_id'], ['level.id'], name=op.f('fk_opening_level_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opening')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_opening_source_source_key'))
    )
    op.create_index(op.f('ix_opening_body_id'), 'opening', ['body_id'], unique=False)
    op.create_index('ix_opening_geom', 'opening', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_opening_geom_3857', 'opening', ['geom_3857'], unique=False, postgresql_using='gist')
    op.create_index(op.f('ix_opening_level_id'), 'opening', ['level_id'], unique=False)
    create_tracked('room_level',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('room_id', sa.BigInteger(), nullable=False, comment='房间 | room'),
    sa.Column('level_id', sa.BigInteger(), nullable=False, comment='楼层 | level'),
    sa.ForeignKeyConstraint(['level_id'], ['level.id'], name=op.f('fk_room_level_level_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['room_id'], ['room.id'], name=op.f('fk_room_level_room_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_room_level')),
    sa.UniqueConstraint('room_id', 'level_id', name=op.f('uq_room_level_room_id_level_id'))
    )
    op.create_index(op.f('ix_room_level_level_id'), 'room_level', ['level_id'], unique=False)
    create_tracked('stop',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('vehicle_id', sa.BigInteger(), nullable=False, comment='车辆 | vehicle'),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False, comment='到达时间 | started at'),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=False, comment='离开时间 | ended at'),
    sa.Column('duration_s', sa.Integer(), nullable=False, comment='停留时长 | duration'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='POINT', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_stop_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['vehicle_id'], ['vehicle.id'], name=op.f('fk_stop_vehicle_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stop')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_stop_source_source_key'))
    )
    op.create_index(op.f('ix_stop_body_id'), 'stop', ['body_id'], unique=False)
    op.create_index('ix_stop_geom', 'stop', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_stop_geom_3857', 'stop', ['geom_3857'], unique=False, postgresql_using='gist')
    op.create_index(op.f('ix_stop_started_at'), 'stop', ['started_at'], unique=False)
    op.create_index(op.f('ix_stop_vehicle_id'), 'stop', ['vehicle_id'], unique=False)
    create_tracked('trip',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('vehicle_id', sa.BigInteger(), nullable=False, comment='车辆 | vehicle'),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False, comment='出发时间 | started at'),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=False, comment='到达时间 | ended at'),
    sa.Column('length_km', sa.Float(), nullable=False, comment='里程 | length'),
    sa.Column('moving_s', sa.Integer(), nullable=False, comment='行驶时长 | time moving'),
    sa.Column('fixes', sa.Integer(), nullable=False, comment='定位点数 | number of fixes'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='LINESTRINGM', srid=4326, dimension=3, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='LINESTRINGM', srid=3857, dimension=3, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_trip_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['vehicle_id'], ['vehicle.id'], name=op.f('fk_trip_vehicle_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_trip')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_trip_source_source_key'))
    )
    op.create_index(op.f('ix_trip_body_id'), 'trip', ['body_id'], unique=False)
    op.create_index('ix_trip_geom', 'trip', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_trip_geom_3857', 'trip', ['geom_3857'], unique=False, postgresql_using='gist')
    op.create_index(op.f('ix_trip_started_at'), 'trip', ['started_at'], unique=False)
    op.create_index(op.f('ix_trip_vehicle_id'), 'trip', ['vehicle_id'], unique=False)
    create_tracked('level_building',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('level_id', sa.BigInteger(), nullable=False, comment='楼层 | level'),
    sa.Column('building_id', sa.BigInteger(), nullable=False, comment='建筑 | building'),
    sa.ForeignKeyConstraint(['building_id'], ['building.id'], name=op.f('fk_level_building_building_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['level_id'], ['level.id'], name=op.f('fk_level_building_level_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_level_building')),
    sa.UniqueConstraint('level_id', 'building_id', name=op.f('uq_level_building_level_id_building_id'))
    )
    op.create_index(op.f('ix_level_building_building_id'), 'level_building', ['building_id'], unique=False)
    create_tracked('meter_scope',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('meter_id', sa.BigInteger(), nullable=False, comment='计量表 | meter'),
    sa.Column('site_id', sa.BigInteger(), nullable=True, comment='院落 | site'),
    sa.Column('building_id', sa.BigInteger(), nullable=True, comment='建筑 | building'),
    sa.Column('level_id', sa.BigInteger(), nullable=True, comment='楼层 | level'),
    sa.Column('room_id', sa.BigInteger(), nullable=True, comment='房间 | room'),
    sa.CheckConstraint('num_nonnulls(site_id, building_id, level_id, room_id) = 1', name=op.f('ck_meter_scope_one')),
    sa.ForeignKeyConstraint(['building_id'], ['building.id'], name=op.f('fk_meter_scope_building_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['level_id'], ['level.id'], name=op.f('fk_meter_scope_level_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['meter_id'], ['meter.id'], name=op.f('fk_meter_scope_meter_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['room_id'], ['room.id'], name=op.f('fk_meter_scope_room_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_meter_scope_site_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meter_scope'))
    )
    op.create_index(op.f('ix_meter_scope_building_id'), 'meter_scope', ['building_id'], unique=False)
    op.create_index(op.f('ix_meter_scope_level_id'), 'meter_scope', ['level_id'], unique=False)
    op.create_index(op.f('ix_meter_scope_room_id'), 'meter_scope', ['room_id'], unique=False)
    op.create_index(op.f('ix_meter_scope_site_id'), 'meter_scope', ['site_id'], unique=False)
    op.create_index('uq_meter_scope', 'meter_scope', ['meter_id', 'site_id', 'building_id', 'level_id', 'room_id'], unique=True, postgresql_nulls_not_distinct=True)
    create_tracked('network_link',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('body_id', sa.BigInteger(), nullable=True, comment='所属机构 | owning body'),
    sa.Column('source', sa.Text(), nullable=False, comment='数据来源 | source'),
    sa.Column('source_key', sa.Text(), nullable=False, comment='来源键 | source key'),
    sa.Column('name', sa.Text(), nullable=True, comment='名称 | name'),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='各语言名称 | names by language'),
    sa.Column('a_node_id', sa.BigInteger(), nullable=False, comment='甲端节点 | node A'),
    sa.Column('b_node_id', sa.BigInteger(), nullable=False, comment='乙端节点 | node B'),
    sa.Column('kind', sa.Enum('fibre', 'copper', 'radio', 'unknown', name='link_kind', native_enum=False, create_constraint=True, length=40), nullable=True, comment='类型 | kind'),
    sa.Column('capacity_mbps', sa.Float(), nullable=True, comment='带宽 | capacity'),
    sa.Column('state', sa.Enum('up', 'down', 'maintenance', 'unknown', name='node_state', native_enum=False, create_constraint=True, length=40), server_default='unknown', nullable=False, comment='状态 | state'),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='其他属性 | what the file said beyond the columns'),
    sa.Column('geom', Geometry(geometry_type='LINESTRING', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True, comment='几何 | geometry'),
    sa.Column('geom_3857', Geometry(geometry_type='LINESTRING', srid=3857, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), sa.Computed('ST_Transform(geom, 3857)', persisted=True), nullable=True, comment='瓦片几何 | tile geometry'),
    sa.ForeignKeyConstraint(['a_node_id'], ['network_node.id'], name=op.f('fk_network_link_a_node_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['b_node_id'], ['network_node.id'], name=op.f('fk_network_link_b_node_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['body_id'], ['body.id'], name=op.f('fk_network_link_body_id'), ondelete='RESTRICT', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_network_link')),
    sa.UniqueConstraint('source', 'source_key', name=op.f('uq_network_link_source_source_key'))
    )
    op.create_index(op.f('ix_network_link_a_node_id'), 'network_link', ['a_node_id'], unique=False)
    op.create_index(op.f('ix_network_link_b_node_id'), 'network_link', ['b_node_id'], unique=False)
    op.create_index(op.f('ix_network_link_body_id'), 'network_link', ['body_id'], unique=False)
    op.create_index('ix_network_link_geom', 'network_link', ['geom'], unique=False, postgresql_using='gist')
    op.create_index('ix_network_link_geom_3857', 'network_link', ['geom_3857'], unique=False, postgresql_using='gist')
    create_tracked('link_duct',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='编号 | id'),
    sa.Column('revision', sa.BigInteger(), server_default=sa.text('1'), nullable=False, comment='修订 | revision'),
    sa.Column('link_id', sa.BigInteger(), nullable=False, comment='链路 | link'),
    sa.Column('duct_id', sa.BigInteger(), nullable=False, comment='管孔 | duct'),
    sa.ForeignKeyConstraint(['duct_id'], ['duct.id'], name=op.f('fk_link_duct_duct_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.ForeignKeyConstraint(['link_id'], ['network_link.id'], name=op.f('fk_link_duct_link_id'), ondelete='CASCADE', initially='IMMEDIATE', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_link_duct')),
    sa.UniqueConstraint('link_id', 'duct_id', name=op.f('uq_link_duct_link_id_duct_id'))
    )
    op.create_index(op.f('ix_link_duct_duct_id'), 'link_duct', ['duct_id'], unique=False)
    run_sql("seal.sql")


def downgrade() -> None:
    op.drop_index(op.f('ix_link_duct_duct_id'), table_name='link_duct')
    drop_tracked("link_duct")
    op.drop_index('ix_network_link_geom_3857', table_name='network_link', postgresql_using='gist')
    op.drop_index('ix_network_link_geom', table_name='network_link', postgresql_using='gist')
    op.drop_index(op.f('ix_network_link_body_id'), table_name='network_link')
    op.drop_index(op.f('ix_network_link_b_node_id'), table_name='network_link')
    op.drop_index(op.f('ix_network_link_a_node_id'), table_name='network_link')
    drop_tracked("network_link")
    op.drop_index('uq_meter_scope', table_name='meter_scope', postgresql_nulls_not_distinct=True)
    op.drop_index(op.f('ix_meter_scope_site_id'), table_name='meter_scope')
    op.drop_index(op.f('ix_meter_scope_room_id'), table_name='meter_scope')
    op.drop_index(op.f('ix_meter_scope_level_id'), table_name='meter_scope')
    op.drop_index(op.f('ix_meter_scope_building_id'), table_name='meter_scope')
    drop_tracked("meter_scope")
    op.drop_index(op.f('ix_level_building_building_id'), table_name='level_building')
    drop_tracked("level_building")
    op.drop_index(op.f('ix_trip_vehicle_id'), table_name='trip')
    op.drop_index(op.f('ix_trip_started_at'), table_name='trip')
    op.drop_index('ix_trip_geom_3857', table_name='trip', postgresql_using='gist')
    op.drop_index('ix_trip_geom', table_name='trip', postgresql_using='gist')
    op.drop_index(op.f('ix_trip_body_id'), table_name='trip')
    drop_tracked("trip")
    op.drop_index(op.f('ix_stop_vehicle_id'), table_name='stop')
    op.drop_index(op.f('ix_stop_started_at'), table_name='stop')
    op.drop_index('ix_stop_geom_3857', table_name='stop', postgresql_using='gist')
    op.drop_index('ix_stop_geom', table_name='stop', postgresql_using='gist')
    op.drop_index(op.f('ix_stop_body_id'), table_name='stop')
    drop_tracked("stop")
    op.drop_index(op.f('ix_room_level_level_id'), table_name='room_level')
    drop_tracked("room_level")
    op.drop_index(op.f('ix_opening_level_id'), table_name='opening')
    op.drop_index('ix_opening_geom_3857', table_name='opening', postgresql_using='gist')
    op.drop_index('ix_opening_geom', table_name='opening', postgresql_using='gist')
    op.drop_index(op.f('ix_opening_body_id'), table_name='opening')
    drop_tracked("opening")
    op.drop_index(op.f('ix_occupancy_room_id'), table_name='occupancy')
    op.drop_index(op.f('ix_occupancy_person_id'), table_name='occupancy')
    op.drop_index(op.f('ix_occupancy_body_id'), table_name='occupancy')
    drop_tracked("occupancy")
    op.drop_index(op.f('ix_network_node_room_id'), table_name='network_node')
    op.drop_index('ix_network_node_geom_3857', table_name='network_node', postgresql_using='gist')
    op.drop_index('ix_network_node_geom', table_name='network_node', postgresql_using='gist')
    op.drop_index(op.f('ix_network_node_body_id'), table_name='network_node')
    drop_tracked("network_node")
    op.drop_index(op.f('ix_building_site_id'), table_name='building')
    op.drop_index('ix_building_geom_3857', table_name='building', postgresql_using='gist')
    op.drop_index('ix_building_geom', table_name='building', postgresql_using='gist')
    op.drop_index(op.f('ix_building_code'), table_name='building')
    op.drop_index(op.f('ix_building_body_id'), table_name='building')
    drop_tracked("building")
    op.drop_index(op.f('ix_asset_tag'), table_name='asset')
    op.drop_index(op.f('ix_asset_scanned_room_id'), table_name='asset')
    op.drop_index(op.f('ix_asset_room_id'), table_name='asset')
    op.drop_index(op.f('ix_asset_number'), table_name='asset')
    op.drop_index('ix_asset_geom_3857', table_name='asset', postgresql_using='gist')
    op.drop_index('ix_asset_geom', table_name='asset', postgresql_using='gist')
    op.drop_index(op.f('ix_asset_custodian_id'), table_name='asset')
    op.drop_index(op.f('ix_asset_body_id'), table_name='asset')
    drop_tracked("asset")
    op.drop_index('ix_water_geom_3857', table_name='water', postgresql_using='gist')
    op.drop_index('ix_water_geom', table_name='water', postgresql_using='gist')
    op.drop_index(op.f('ix_water_body_id'), table_name='water')
    drop_tracked("water")
    op.drop_index(op.f('ix_vehicle_plate'), table_name='vehicle')
    op.drop_index('ix_vehicle_geom_3857', table_name='vehicle', postgresql_using='gist')
    op.drop_index('ix_vehicle_geom', table_name='vehicle', postgresql_using='gist')
    op.drop_index(op.f('ix_vehicle_body_id'), table_name='vehicle')
    drop_tracked("vehicle")
    op.drop_index('ix_site_geom_3857', table_name='site', postgresql_using='gist')
    op.drop_index('ix_site_geom', table_name='site', postgresql_using='gist')
    op.drop_index(op.f('ix_site_body_id'), table_name='site')
    drop_tracked("site")
    op.drop_index(op.f('ix_room_number'), table_name='room')
    op.drop_index('ix_room_geom_3857', table_name='room', postgresql_using='gist')
    op.drop_index('ix_room_geom', table_name='room', postgresql_using='gist')
    op.drop_index(op.f('ix_room_body_id'), table_name='room')
    drop_tracked("room")
    op.drop_index('ix_road_geom_3857', table_name='road', postgresql_using='gist')
    op.drop_index('ix_road_geom', table_name='road', postgresql_using='gist')
    op.drop_index(op.f('ix_road_body_id'), table_name='road')
    drop_tracked("road")
    op.drop_index(op.f('ix_quarantine_batch_id'), table_name='quarantine')
    op.drop_table('quarantine')
    op.drop_index(op.f('ix_person_number'), table_name='person')
    op.drop_index(op.f('ix_person_body_id'), table_name='person')
    drop_tracked("person")
    op.drop_index(op.f('ix_meter_parent_id'), table_name='meter')
    op.drop_index(op.f('ix_meter_number'), table_name='meter')
    op.drop_index('ix_meter_geom_3857', table_name='meter', postgresql_using='gist')
    op.drop_index('ix_meter_geom', table_name='meter', postgresql_using='gist')
    op.drop_index(op.f('ix_meter_body_id'), table_name='meter')
    drop_tracked("meter")
    op.drop_index(op.f('ix_level_ordinal'), table_name='level')
    op.drop_index('ix_level_geom_3857', table_name='level', postgresql_using='gist')
    op.drop_index('ix_level_geom', table_name='level', postgresql_using='gist')
    op.drop_index(op.f('ix_level_body_id'), table_name='level')
    drop_tracked("level")
    op.drop_index(op.f('ix_import_issue_batch_id'), table_name='import_issue')
    op.drop_table('import_issue')
    op.drop_index('ix_imagery_geom_3857', table_name='imagery', postgresql_using='gist')
    op.drop_index('ix_imagery_geom', table_name='imagery', postgresql_using='gist')
    op.drop_index(op.f('ix_imagery_body_id'), table_name='imagery')
    drop_tracked("imagery")
    op.drop_index('ix_green_geom_3857', table_name='green', postgresql_using='gist')
    op.drop_index('ix_green_geom', table_name='green', postgresql_using='gist')
    op.drop_index(op.f('ix_green_body_id'), table_name='green')
    drop_tracked("green")
    op.drop_index(op.f('ix_factor_body_id'), table_name='factor')
    drop_tracked("factor")
    op.drop_index('ix_duct_geom_3857', table_name='duct', postgresql_using='gist')
    op.drop_index('ix_duct_geom', table_name='duct', postgresql_using='gist')
    op.drop_index(op.f('ix_duct_body_id'), table_name='duct')
    drop_tracked("duct")
    op.drop_index('ix_block_geom_3857', table_name='block', postgresql_using='gist')
    op.drop_index('ix_block_geom', table_name='block', postgresql_using='gist')
    op.drop_index(op.f('ix_block_body_id'), table_name='block')
    drop_tracked("block")
    op.drop_index(op.f('ix_area_standard_body_id'), table_name='area_standard')
    drop_tracked("area_standard")
    op.drop_table('search_entry')
    op.drop_index('ix_reading_time', table_name='reading', postgresql_using='brin')
    op.drop_table('reading')
    op.drop_table('position_latest')
    op.drop_index('ix_position_time', table_name='position', postgresql_using='brin')
    op.drop_table('position')
    op.drop_table('meta')
    op.drop_table('import_batch')
    op.drop_index(op.f('ix_change_set_recorded_at'), table_name='change_set')
    op.drop_table('change_set')
    op.drop_index('ix_change_tx', table_name='change')
    op.drop_table('change')
    op.drop_index('ix_body_path', table_name='body', postgresql_using='gist')
    op.drop_index(op.f('ix_body_parent_id'), table_name='body')
    op.drop_index(op.f('ix_body_code'), table_name='body')
    op.drop_index(op.f('ix_body_body_id'), table_name='body')
    drop_tracked("body")
    op.drop_table('actor')
    run_sql("drop_functions.sql")
