"""Reaching a database server, and whether it can hold an estate."""

from __future__ import annotations

import sys
import time
from urllib.parse import unquote, urlsplit

import psycopg

from onemap.settings import without_password
from onemap.trouble import ExitCode, Trouble, say

EXTENSIONS = ("postgis", "ltree")
OLDEST_SERVER = 150000
OLDEST_POSTGIS = (3, 3)
_NOT_YET = ("starting up", "shutting down", "not yet accepting", "recovery")


def connect(url: str) -> psycopg.Connection:
    """Connect, or say in plain words why not.

    Raises
    ------
    Trouble
        When the server is down, or refuses the role or the database.
    """
    try:
        return psycopg.connect(url, connect_timeout=10, autocommit=True)
    # A string that is no address at all is refused as a programming error.
    except (psycopg.OperationalError, psycopg.ProgrammingError) as down:
        reason = str(down).strip().splitlines()[0]  # the cause; what follows is advice
        shown = without_password(url)
        raise Trouble(
            ExitCode.DATABASE,
            f"无法连接数据库 {shown}：{reason}。"
            "请确认服务器已启动、ONEMAP_DATABASE_URL 的地址、角色与口令无误。",
            f"The database {shown} cannot be reached: {reason}. Check that its server runs and "
            "that address, role and password in ONEMAP_DATABASE_URL are right.",
        ) from down


def await_server(url: str, wait_s: float) -> None:
    """Wait until a server answers that is not there yet, or has not finished starting.

    One that refuses (role, password, no such database) is not waited for; `connect` says why.
    """
    deadline, told = time.monotonic() + wait_s, False
    while time.monotonic() < deadline:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError as down:
            reason = str(down).strip().splitlines()[0]
            if "FATAL" in reason and not any(word in reason for word in _NOT_YET):
                return
            if not told:
                told = True
                sys.stderr.write(
                    say(
                        f"数据库 {without_password(url)} 尚未就绪（{reason}），"
                        f"最多等待 {wait_s:.0f} 秒…\n",
                        f"The database {without_password(url)} is not there yet ({reason}); "
                        f"waiting for up to {wait_s:.0f} s …\n",
                    )
                )
            time.sleep(0.5)
        else:
            return


def check(url: str) -> None:
    """Check an external server's version and extensions.

    Raises
    ------
    Trouble
        With the statements its administrator must run, when an extension is missing.
    """
    with connect(url) as link:
        if link.info.server_version < OLDEST_SERVER:
            found = link.info.parameter_status("server_version")
            raise Trouble(
                ExitCode.DATABASE,
                f"需要 PostgreSQL 15 或更新版本，该服务器为 {found}。",
                f"PostgreSQL 15 or newer is needed; this server is {found}.",
            )
        encoding = link.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise Trouble(
                ExitCode.DATABASE,
                f"数据库编码为 {encoding}，存不了中文。请重建：CREATE DATABASE … ENCODING 'UTF8' "
                "LOCALE 'C.UTF-8' TEMPLATE template0;",
                f"The database's encoding is {encoding} and cannot hold Chinese. Make it anew: "
                "CREATE DATABASE … ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0;",
            )
        rows = link.execute("SELECT extname, extversion FROM pg_extension").fetchall()
    present: dict[str, str] = dict(rows)
    missing = [name for name in EXTENSIONS if name not in present]
    if missing:
        name = unquote(urlsplit(url).path.lstrip("/"))
        remedy = " ".join(f"CREATE EXTENSION IF NOT EXISTS {extension};" for extension in missing)
        command = f'psql -d {name} -c "{remedy}"'
        raise Trouble(
            ExitCode.DATABASE,
            f"数据库 {name} 缺少扩展 {'、'.join(missing)}。请其管理员运行：{command}",
            f"The database {name} lacks the extensions {', '.join(missing)}. "
            f"Its administrator must run: {command}",
        )
    version = tuple(int(part) for part in present["postgis"].split(".")[:2])
    if version < OLDEST_POSTGIS:
        raise Trouble(
            ExitCode.DATABASE,
            f"需要 PostGIS 3.3 或更新版本，该库为 {present['postgis']}。",
            f"PostGIS 3.3 or newer is needed; this database has {present['postgis']}.",
        )
