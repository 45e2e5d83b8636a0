"""The machine and the data folder: programs, memory, files, disk, page, fonts, backups."""

from __future__ import annotations

import os
import resource
import shutil
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from onemap import postgres
from onemap.application import page_dir
from onemap.backup import schedule
from onemap.doctor.findings import Finding, State, of, ok
from onemap.settings import Settings
from onemap.trouble import ExitCode, Trouble

OLDEST_PYTHON = (3, 11)
LEAST_MEMORY_MB = 1_500
LEAST_FILES = 4_096
LEAST_DISK_MB = 1_000
WISE_DISK_PART = 0.1
OVERDUE = timedelta(hours=26)
_FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_CJK = ("cjk", "wqy", "sourcehan", "droidsansfallback", "simsun", "msyh", "fangzheng", "uming")


def machine(settings: Settings) -> Iterator[Finding]:
    """Look at what the service runs on."""
    yield _python()
    yield _packages()
    yield from _server(settings)
    yield _memory()
    yield _open_files(settings)
    yield from _folder(settings.data_dir)
    yield _page()
    yield _fonts()
    yield _backups(settings)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return ok("python", f"Python {found}", f"Python {found}")
    return Finding(
        "python", State.MEND, f"Python {found} 过旧", f"Python {found} is too old",
        "请安装 Python 3.11 或更新版本", "Install Python 3.11 or newer", ExitCode.MISSING_SOFTWARE,
    )  # fmt: skip


def _packages() -> Finding:
    """Compare what is installed with what this distribution asks for."""
    lacking = []
    for line in metadata.requires("onemap") or ():
        need = Requirement(line)
        if need.marker and not need.marker.evaluate({"extra": "server"}):
            continue
        try:
            found = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            lacking.append(need.name)
        else:
            if not need.specifier.contains(found, prereleases=True):
                lacking.append(f"{need.name} {found} ({need.specifier})")
    if not lacking:
        return ok("packages", "Python 依赖齐全", "all Python packages are there")
    names = ", ".join(lacking)
    return Finding(
        "packages", State.MEND, f"缺少或过旧的 Python 依赖：{names}",
        f"Python packages that are missing or too old: {names}",
        "请在项目目录运行：pip install '.[server]'",
        "In the project's folder run: pip install '.[server]'", ExitCode.MISSING_SOFTWARE,
    )  # fmt: skip


def _server(settings: Settings) -> Iterator[Finding]:
    """PostgreSQL's programs: those of the private server, or those that a backup needs."""
    if settings.database_url:
        return
    try:
        programs = postgres.choose()
        user = postgres.server_user()
    except Trouble as trouble:
        yield of("postgresql", trouble)
        return
    told = f"PostgreSQL {programs.version}, PostGIS ({programs.bin}; {user.name})"
    yield ok("postgresql", told, told)


def _memory() -> Finding:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    mb = round(pages / 1e6)
    if mb >= LEAST_MEMORY_MB:
        return ok("memory", f"内存 {mb:,} MB", f"memory: {mb:,} MB")
    return Finding(
        "memory", State.ADVICE, f"内存只有 {mb:,} MB", f"memory: only {mb:,} MB",
        "建议 4 GB 以上；也可调小 ONEMAP_TILE_CACHE_MB 与 ONEMAP_WORKERS",
        "4 GB or more are wise; or lower ONEMAP_TILE_CACHE_MB and ONEMAP_WORKERS",
    )  # fmt: skip


def _open_files(settings: Settings) -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = "∞" if soft == resource.RLIM_INFINITY else f"{soft:,}"
    least = 256 + settings.pool_size + (os.cpu_count() or 2)
    if soft in {resource.RLIM_INFINITY} or soft >= LEAST_FILES:
        return ok("open-files", f"可打开文件数 {told}", f"open files allowed: {told}")
    return Finding(
        "open-files", State.MEND if soft < least else State.ADVICE,
        f"每个进程只能打开 {told} 个文件，每个打开的页面要占用一个",
        f"a process may open only {told} files, and each open page takes one",
        "请调高：在 systemd 单元中写 LimitNOFILE=65536，或先运行 ulimit -n 65536",
        "Raise it: LimitNOFILE=65536 in the systemd unit, or ulimit -n 65536 beforehand",
    )  # fmt: skip


def _folder(folder: Path) -> Iterator[Finding]:
    """The data folder, or where it would be made: permissions and space."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            "data-folder", State.MEND, f"数据目录 {folder} 无法写入（{there}）",
            f"the data folder {folder} cannot be written to ({there})",
            f"请修改 {there} 的权限，或用 ONEMAP_DATA_DIR 另选目录",
            f"Change the permissions of {there}, or choose another with ONEMAP_DATA_DIR",
            ExitCode.STORAGE,
        )  # fmt: skip
        return
    if folder.exists() and folder.stat().st_mode & stat.S_IWOTH:
        yield Finding(
            "data-folder", State.MEND, f"任何人都能写入数据目录 {folder}",
            f"anybody may write into the data folder {folder}",
            f"请运行：chmod o-w {folder}", f"Run: chmod o-w {folder}", ExitCode.STORAGE,
        )  # fmt: skip
    else:
        yield ok("data-folder", f"数据目录 {folder} 可写", f"data folder {folder}: writable")
    usage = shutil.disk_usage(there)
    free = usage.free / 1e6
    low = free < LEAST_DISK_MB
    if not low and usage.free >= WISE_DISK_PART * usage.total:
        yield ok("disk", f"磁盘剩余 {free:,.0f} MB", f"disk: {free:,.0f} MB left")
        return
    yield Finding(
        "disk", State.MEND if low else State.ADVICE,
        f"{there} 所在磁盘只剩 {free:,.0f} MB",
        f"the disk of {there} has only {free:,.0f} MB left",
        "请腾出空间：写满后数据库会停止接受修改",
        "Make room: when it is full the database takes no more changes", ExitCode.STORAGE,
    )  # fmt: skip


def _page() -> Finding:
    found = page_dir()
    if found is not None:
        return ok("page", f"网页在 {found}", f"the page is in {found}")
    return Finding(
        "page", State.MEND, "网页没有构建，打开地址时看不到地图",
        "the page is not built: the address shows no map",
        "请在项目目录运行 make setup，或安装带网页的 wheel",
        "In the project's folder run make setup, or install the wheel that carries the page",
        ExitCode.MISSING_SOFTWARE,
    )  # fmt: skip


def _fonts() -> Finding:
    """A font with Chinese: only who looks at the page on this very machine needs one."""
    for folder in _FONTS:
        for path in folder.rglob("*.[ot]t[cf]") if folder.is_dir() else ():
            if any(part in path.name.lower() for part in _CJK):
                return ok("fonts", f"中文字体 {path.name}", f"a Chinese font: {path.name}")
    return Finding(
        "fonts", State.ADVICE, "本机没有中文字体", "no Chinese font is installed on this machine",
        "只有在本机上看图、打印时才需要：apt-get install fonts-noto-cjk",
        "Needed only to view or print the map on this machine: apt-get install fonts-noto-cjk",
    )  # fmt: skip


def _backups(settings: Settings) -> Finding:
    kept = schedule.kept(settings.backups)
    newest = kept[0][0] if kept else None
    at = f"{newest.astimezone(settings.zone):%Y-%m-%d %H:%M}" if newest else ""
    late = newest is None or datetime.now(UTC) - newest > OVERDUE
    if settings.backup_at is None and late:
        return Finding(
            "backup", State.ADVICE,
            f"没有自动备份，最近一份：{at or '无'}（{settings.backups}）",
            f"no backup is made by itself; the last one: {at or 'none'} ({settings.backups})",
            "请设 ONEMAP_BACKUP_AT=02:30 与 ONEMAP_BACKUP_DIR，或定时运行 onemap backup",
            "Set ONEMAP_BACKUP_AT=02:30 and ONEMAP_BACKUP_DIR, or run onemap backup by a timer",
        )  # fmt: skip
    if late:
        return Finding(
            "backup", State.MEND, f"自动备份没有做成，最近一份：{at or '无'}（{settings.backups}）",
            f"backups are due and were not made; the last one: {at or 'none'} "
            f"({settings.backups})",
            "请查看服务日志，并手工运行 onemap backup 看其报错",
            "Look into the service's log, and run onemap backup by hand to see why",
            ExitCode.STORAGE,
        )  # fmt: skip
    return ok("backup", f"最近的备份：{at}", f"the last backup: {at}")
