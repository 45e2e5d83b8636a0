"""PostgreSQL's programs: where they are, as whom they run, and whether a server is alive."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from onemap.trouble import ExitCode, Trouble

OLDEST = 15
_ROOTS = (Path("/usr/lib/postgresql"),)
_SHARE = Path("/usr/share/postgresql")


@dataclass(frozen=True)
class Programs:
    """One installed PostgreSQL that has PostGIS."""

    version: int
    bin: Path

    def path(self, name: str) -> str:
        """Return the full path of one program."""
        return str(self.bin / name)


def installed() -> list[Programs]:
    """List the installed versions that have PostGIS, newest first."""
    found = []
    for root in _ROOTS:
        for folder in root.glob("*/bin"):
            version = folder.parent.name
            extension = _SHARE / version / "extension" / "postgis.control"
            if version.isdigit() and (folder / "initdb").exists() and extension.exists():
                found.append(Programs(int(version), folder))
    return sorted((p for p in found if p.version >= OLDEST), key=lambda p: p.version, reverse=True)


def choose(version: int | None = None) -> Programs:
    """Return the newest installed version, or the one a data folder was made by.

    Raises
    ------
    Trouble
        When it is not installed, with the command that installs it.
    """
    for programs in installed():
        if version in {None, programs.version}:
            return programs
    name = f"postgresql-{version or OLDEST}-postgis-3"
    raise Trouble(
        ExitCode.MISSING_SOFTWARE,
        f"未找到带 PostGIS 的 PostgreSQL {version or OLDEST}。"
        f"请以管理员身份运行：apt-get install {name}，"
        "或用 ONEMAP_DATABASE_URL 指定外部数据库。",
        f"PostgreSQL {version or OLDEST} with PostGIS is not installed. As administrator run: "
        f"apt-get install {name} – or name an external database in ONEMAP_DATABASE_URL.",
    )


def client(name: str, server: int) -> str:
    """Return the path of a client program that can speak to a server of a major version.

    An older one than the server refuses; of those that do not, the nearest is taken.

    Raises
    ------
    Trouble
        When there is none, with the command that installs one.
    """
    found = {
        int(program.parent.parent.name): program
        for root in _ROOTS
        for program in root.glob(f"*/bin/{name}")
        if program.parent.parent.name.isdigit()
    }
    able = [version for version in found if version >= server]
    if able:
        return str(found[min(able)])
    raise Trouble(
        ExitCode.MISSING_SOFTWARE,
        f"未找到 PostgreSQL {server} 的 {name}。请以管理员身份运行："
        f"apt-get install postgresql-client-{server}",
        f"{name} of PostgreSQL {server} is not installed. As administrator run: "
        f"apt-get install postgresql-client-{server}",
    )


def client_environment(url: str) -> tuple[str, dict[str, str]]:
    """Return the address without its password, and an environment that holds it.

    Whoever lists the processes of the machine reads their arguments.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    parts = urlsplit(url)
    if parts.password is None:
        return url, kept
    user, _, place = parts.netloc.rpartition("@")
    plain = parts._replace(netloc=f"{user.partition(':')[0]}@{place}").geturl()
    return plain, kept | {"PGPASSWORD": unquote(parts.password)}


@dataclass(frozen=True)
class User:
    """The system user that runs the server: PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int


def server_user() -> User:
    """Return the present user, or ``postgres`` when that is root."""
    uid = os.geteuid()
    if uid != 0:
        return User(str(uid), uid, os.getegid())
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError as missing:
        raise Trouble(
            ExitCode.MISSING_SOFTWARE,
            "以 root 运行时需要系统用户 postgres（随 Debian 的 postgresql 安装）。",
            "Run as root, the server needs the system user postgres (comes with Debian's "
            "postgresql).",
        ) from missing
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def environment() -> dict[str, str]:
    """Return the environment without what would lead PostgreSQL elsewhere."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PG", "LC_")) and key not in {"LANG", "LANGUAGE"}
    }
    return kept | {"LC_ALL": "C.UTF-8"}


def run(user: User, *command: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a program as the server's user, away from the present folder."""
    switch: dict[str, Any] = {}
    if os.geteuid() == 0:
        switch = {"user": user.uid, "group": user.gid, "extra_groups": []}
    return subprocess.run(
        command,
        cwd="/",
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout_s,
        check=False,
        **switch,
    )


def processes_in(folder: Path) -> list[int]:
    """List the live processes whose working folder is `folder`, as every PostgreSQL process's is.

    A pid file can outlive its server, and its number can be given to another process since.
    """
    wanted = os.path.realpath(folder)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # A process may end, or belong to somebody else, while it is looked at.
                if os.readlink(entry / "cwd") == wanted:  # noqa: PTH115
                    found.append(int(entry.name))
    return found
