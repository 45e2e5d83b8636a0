"""The database: versions, locale, clock, tables, rights and the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy.exc import DBAPIError

from api.writing import WRITERS
from layers import accounts, db
from layers.base import Base
from onemap.backup import catalogue
from onemap.connecting import check, connect
from onemap.database import (
    Database,
    Tables,
    has_estate,
    opened,
    revision_of,
    role_of,
)
from onemap.doctor.duties import duties
from onemap.doctor.findings import Finding, State, of, ok
from onemap.rights import writable
from onemap.settings import Settings
from onemap.trouble import ExitCode, Trouble

CLOCK_S = 2.0
_COMMANDS = 8
"""Connections left to the worker with its jobs, and to commands."""


def estate(settings: Settings, *, demo: bool) -> Iterator[Finding]:
    """Look at the database of the estate, or of the demo."""
    try:
        if not has_estate(settings):
            yield Finding(
                "database", State.ADVICE, "数据库尚未建立", "there is no database yet",
                "首次运行 onemap serve 或 onemap import 时自动建立",
                "onemap serve or onemap import makes it when first run",
            )  # fmt: skip
            return
        with opened(settings, demo=demo, checked=False) as database:
            check(database.owner_url)
            yield from _asked(settings, database, demo=demo)
    except Trouble as trouble:
        yield of("database", trouble)


def _asked(settings: Settings, database: Database, *, demo: bool) -> Iterator[Finding]:
    with connect(database.owner_url) as link:
        yield _versions(link)
        yield _locale(link)
        yield _postgis(link)
        yield _clock(link)
        yield _zone(link, settings.zone)
        yield _connections(link, settings)
        schema = _schema(database)
        yield schema
        if schema.state is State.OK:
            yield _rights(link, database)
            yield _accounts(link, database)
            yield _numbers(database)
            if not demo:
                yield from duties(settings, database)


def _versions(link: psycopg.Connection) -> Finding:
    """`check` has refused what is too old."""
    rows = link.execute("SELECT extname, extversion FROM pg_extension").fetchall()
    found: dict[str, str] = dict(rows)
    told = (
        f"PostgreSQL {link.info.parameter_status('server_version')}, "
        f"PostGIS {found['postgis']}, ltree {found['ltree']}"
    )
    return ok("database", told, told)


def _value(link: psycopg.Connection, query: Any, *values: Any) -> Any:
    row = link.execute(query, values).fetchone()
    return row[0] if row else None


def _locale(link: psycopg.Connection) -> Finding:
    """`check` has refused another encoding than UTF-8."""
    kind = _value(link, "SELECT datctype FROM pg_database WHERE datname = current_database()")
    if _value(link, "SELECT lower('Ä') = 'ä'"):
        return ok("locale", f"编码 UTF8，字符分类 {kind}", f"encoding UTF8, locale {kind}")
    return Finding(
        "locale", State.ADVICE, f"字符分类为 {kind}：非英文字母查找时不分大小写无效",
        f"the locale is {kind}: searches tell capitals of other alphabets apart",
        "重建数据库时请用 LOCALE 'C.UTF-8'（见 README），再用 onemap backup 与 restore 搬移",
        "Make the database anew with LOCALE 'C.UTF-8' (see the README) and move the estate by "
        "onemap backup and restore",
    )  # fmt: skip


def _postgis(link: psycopg.Connection) -> Finding:
    """The library must be the extension's, and must find its coordinate systems."""
    has = _value(link, "SELECT extversion FROM pg_extension WHERE extname = 'postgis'")
    library = _value(link, "SELECT postgis_lib_version()")
    if has != library:
        return Finding(
            "postgis", State.MEND, f"PostGIS 的库为 {library}，扩展仍为 {has}",
            f"PostGIS's library is {library}, its extension still {has}",
            "请数据库管理员在该库运行：SELECT postgis_extensions_upgrade();",
            "Let the database's administrator run there: SELECT postgis_extensions_upgrade();",
            ExitCode.DATABASE,
        )  # fmt: skip
    try:
        _value(link, "SELECT ST_Transform('SRID=4490;POINT(119.6 38.9)'::geometry, 3857)")
    except psycopg.Error as failed:
        return Finding(
            "postgis", State.MEND, f"PostGIS 不能转换坐标：{str(failed).splitlines()[0]}",
            f"PostGIS cannot transform coordinates: {str(failed).splitlines()[0]}",
            "请在数据库服务器上运行：apt-get install --reinstall proj-data",
            "On the database's server run: apt-get install --reinstall proj-data",
            ExitCode.DATABASE,
        )  # fmt: skip
    return ok("postgis", "PostGIS 能转换坐标", "PostGIS transforms coordinates")


def _now() -> datetime:
    return datetime.now(UTC)


def _clock(link: psycopg.Connection) -> Finding:
    before = _now()
    theirs = _value(link, "SELECT clock_timestamp()")
    after = _now()
    # Somewhere between the two it was asked.
    off = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)
    if off <= CLOCK_S:
        return ok("clock", "本机与数据库的时钟一致", "this clock and the database's agree")
    return Finding(
        "clock", State.MEND, f"本机与数据库的时钟相差 {off:.1f} 秒",
        f"this clock and the database's differ by {off:.1f} s",
        "请在两台机器上启用对时：apt-get install chrony",
        "Let both machines keep time: apt-get install chrony", ExitCode.DATABASE,
    )  # fmt: skip


def _zone(link: psycopg.Connection, zone: ZoneInfo) -> Finding:
    """Days are counted here and there: both must know the zone, and know the same of it."""
    name = zone.key
    if not _value(link, "SELECT count(*) FROM pg_timezone_names WHERE name = %s", name):
        return Finding(
            "time-zone", State.MEND, f"数据库不识别时区 {name}",
            f"the database does not know the time zone {name}",
            "请在数据库服务器上运行 apt-get install tzdata 并重启数据库，或更改 ONEMAP_TIMEZONE",
            "On the database's server run apt-get install tzdata and restart it, or change "
            "ONEMAP_TIMEZONE", ExitCode.DATABASE,
        )  # fmt: skip
    for days in range(0, 366, 30):
        moment = (_now() + timedelta(days=days)).replace(microsecond=0)
        theirs = _value(link, "SELECT %s AT TIME ZONE %s", moment, name)
        ours = moment.astimezone(zone).replace(tzinfo=None)
        if theirs != ours:
            return Finding(
                "time-zone", State.MEND,
                f"时区 {name} 在 {moment:%Y-%m-%d}：数据库为 {theirs}，本机为 {ours}",
                f"of the time zone {name} at {moment:%Y-%m-%d} the database says {theirs}, "
                f"this machine {ours}",
                "两者的时区数据版本不同：请都运行 apt-get install tzdata，并重启数据库",
                "Their time zone data are of different editions: run apt-get install tzdata on "
                "both, and restart the database", ExitCode.DATABASE,
            )  # fmt: skip
    return ok("time-zone", f"时区 {name}，两边一致", f"time zone {name}, the same on both sides")


def _connections(link: psycopg.Connection, settings: Settings) -> Finding:
    """Each serving process holds its pool, that of the tiles, those of writers, and few more."""
    allowed = int(_value(link, "SHOW max_connections")) - int(
        _value(link, "SHOW superuser_reserved_connections")
    )
    tiles = (os.cpu_count() or 2) + 1
    listens, traces, seals = 1, 1, 1
    each = settings.pool_size + tiles + 2 * WRITERS + listens + traces + seals
    wanted = settings.workers * each + _COMMANDS
    told = f"{wanted} / {allowed}"
    if wanted <= allowed:
        return ok("connections", f"数据库连接 {told}", f"database connections: {told}")
    return Finding(
        "connections", State.MEND, f"服务最多用 {wanted} 个数据库连接，服务器只允许 {allowed} 个",
        f"the service may use {wanted} database connections; the server allows {allowed}",
        "请调小 ONEMAP_WORKERS 或 ONEMAP_POOL_SIZE，或调大服务器的 max_connections",
        "Lower ONEMAP_WORKERS or ONEMAP_POOL_SIZE, or raise the server's max_connections",
        ExitCode.DATABASE,
    )  # fmt: skip


def _schema(database: Database) -> Finding:
    found, head = revision_of(database), db.head()
    how = Tables.of(found)
    if how is Tables.CURRENT:
        return ok("schema", f"表结构 {found}，最新", f"tables: revision {found}, the newest")
    if how is not Tables.NEWER:
        return Finding(
            "schema", State.MEND, f"表结构为 {found or '空'}，应为 {head}",
            f"the tables are of revision {found or 'none'}, not {head}",
            "请先 onemap backup，再运行 onemap db upgrade",
            "Run onemap backup, then onemap db upgrade", ExitCode.DATABASE,
        )  # fmt: skip
    return Finding(
        "schema", State.MEND, f"表结构为 {found}，出自更新的程序（本程序为 {head}）",
        f"the tables are of revision {found}, of a newer program (this one has {head})",
        "请安装更新版本的 onemap", "Install the newer version of onemap", ExitCode.DATABASE,
    )  # fmt: skip


def _rights(link: psycopg.Connection, database: Database) -> Finding:
    """The serving role reads all and writes what people manage; it is not the owner."""
    app = role_of(database.app_url)
    if app is None or app == role_of(database.owner_url):
        return Finding(
            "rights", State.ADVICE, "服务使用表的所有者角色",
            "the service runs as the role that owns the tables",
            "请另建角色，以 ONEMAP_APP_DATABASE_URL 指定，并运行 onemap db upgrade 授权",
            "Make another role, name it in ONEMAP_APP_DATABASE_URL and run onemap db upgrade",
        )  # fmt: skip
    values = {"role": app, "writable": writable(), "known": list(Base.metadata.tables)}
    query = (catalogue.SQL / "rights.sql").read_bytes()

    def lacking() -> list[str]:
        return [f"{what} {name}" for name, what in link.execute(query, values)]

    return _held("rights", link, database.app_url, ("服务角色", "the serving role"), lacking)


def _accounts(link: psycopg.Connection, database: Database) -> Finding:
    """The role that lets people in reads and writes accounts, sessions and tokens."""
    if database.accounts_url is None:
        return Finding(
            "accounts", State.ADVICE, "没有账号角色：谁也不能登录，只有令牌可用",
            "there is no role for accounts: nobody can sign in, tokens alone are known",
            "请另建角色，以 ONEMAP_ACCOUNTS_DATABASE_URL 指定，并运行 onemap db upgrade 授权",
            "Make another role, name it in ONEMAP_ACCOUNTS_DATABASE_URL and run onemap db upgrade",
        )  # fmt: skip
    role = role_of(database.accounts_url)
    others = {role_of(database.owner_url), role_of(database.app_url)}
    if role is None or role in others:
        return Finding(
            "accounts", State.ADVICE, "账号由同一个数据库角色管理",
            "accounts are kept by the same role of the database as the rest",
            "请另建角色，以 ONEMAP_ACCOUNTS_DATABASE_URL 指定，并运行 onemap db upgrade 授权",
            "Make another role, name it in ONEMAP_ACCOUNTS_DATABASE_URL and run onemap db upgrade",
        )  # fmt: skip
    query = (
        "SELECT tables.name, need.privilege FROM unnest(%s::text[]) AS tables(name) "
        "CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS need(privilege) "
        "WHERE NOT has_table_privilege(%s, tables.name, need.privilege)"
    )
    values = [list(accounts.TABLES), role]

    def lacking() -> list[str]:
        return [f"{what} {name}" for name, what in link.execute(query, values)]

    return _held(
        "accounts", link, database.accounts_url, ("账号角色", "the role for accounts"), lacking
    )


def _held(
    about: str,
    link: psycopg.Connection,
    url: str,
    called: tuple[str, str],
    lacking: Callable[[], list[str]],
) -> Finding:
    """Return whether a role comes in, has its rights, and has not all of them."""
    role, (zh, en) = role_of(url), called
    try:
        with connect(url):
            pass
    except Trouble as trouble:
        return of(about, trouble)
    if _value(link, "SELECT rolsuper FROM pg_roles WHERE rolname = %s", role):
        return Finding(
            about, State.MEND, f"{zh} {role} 是超级用户，可改写历史记录",
            f"{en} {role} is a superuser, who can rewrite the history",
            f"请数据库管理员运行：ALTER ROLE {role} NOSUPERUSER;",
            f"Let the database's administrator run: ALTER ROLE {role} NOSUPERUSER;",
            ExitCode.DATABASE,
        )  # fmt: skip
    missing = lacking()
    if not missing:
        return ok(about, f"{zh} {role} 权限齐全", f"{en} {role} has its rights")
    shown = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
    return Finding(
        about, State.MEND, f"{zh} {role} 缺少权限：{shown}", f"{en} {role} lacks rights: {shown}",
        "请运行 onemap db upgrade，它会重新授权", "Run onemap db upgrade, which grants them anew",
        ExitCode.DATABASE,
    )  # fmt: skip


def _numbers(database: Database) -> Finding:
    """Transactions must be numbered above all that the record holds."""
    engine = db.engine(database.owner_url)
    try:
        with engine.connect() as connection:
            _, last = catalogue.recorded(connection)
            following = catalogue.next_number(connection)
    except DBAPIError as failed:
        text = str(failed.orig).splitlines()[0]
        return Finding(
            "record", State.MEND, f"无法核对记录：{text}", f"the record cannot be checked: {text}",
            "请运行 onemap db upgrade", "Run onemap db upgrade", ExitCode.DATABASE,
        )  # fmt: skip
    finally:
        engine.dispose()
    if following > last:
        return ok("record", "修改记录连续", "the record of changes goes on")
    return Finding(
        "record", State.MEND,
        f"修改记录的事务号已到 {last}，服务器却才数到 {following}：新的修改会与旧的混在一起",
        f"the record holds transactions up to {last}, the server counts only {following}: "
        "new changes would be mixed with old ones",
        "该库不是由 onemap restore 恢复的。请从备份用 onemap restore 恢复",
        "The database was copied by other means: restore it from a backup by onemap restore",
        ExitCode.DATABASE,
    )  # fmt: skip
