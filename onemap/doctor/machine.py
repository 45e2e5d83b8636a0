"""The machine: programs, texts, memory, open files, port, clock, page and fonts."""

from __future__ import annotations

import ctypes
import errno
import locale
import os
import resource
import shutil
import socket
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import httpx
from packaging.requirements import Requirement

from onemap import postgres
from onemap.application import page_dir
from onemap.doctor.findings import Finding, State, looked, of, ok, unknown
from onemap.settings import Settings
from onemap.trouble import ExitCode, Trouble

OLDEST_PYTHON = (3, 11)
LEAST_MEMORY_MB = 1_500
LEAST_FILES = 4_096
LEAST_SHARED_MB = 64
SHARED = Path("/dev/shm")  # noqa: S108  # nosec B108 # looked at; nothing is put there
_FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_CJK = ("cjk", "wqy", "sourcehan", "droidsansfallback", "simsun", "msyh", "fangzheng", "uming")


def machine(settings: Settings) -> Iterator[Finding]:
    """Look at what the service runs on."""
    private = not settings.database_url
    yield from looked(
        ("python", lambda: [_python()]),
        ("packages", lambda: [_packages()]),
        ("postgresql", lambda: [_server()] if private else []),
        ("texts", lambda: [_texts()]),
        ("memory", lambda: [_memory()]),
        ("shared-memory", lambda: [_shared_memory()] if private else []),
        ("open-files", lambda: [_open_files(settings)]),
        (
            "port",
            lambda: [_port(settings.host, settings.port, tls=settings.tls_certificate is not None)],
        ),
        ("clock-kept", lambda: [_clock_kept()]),
        ("page", lambda: [_page()]),
        ("fonts", lambda: [_fonts()]),
    )


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
        "请在项目目录运行：pip install '.[server]'；离线安装的请再运行 install.sh",
        "In the project's folder run: pip install '.[server]'; where it came by a bundle, run "
        "install.sh again", ExitCode.MISSING_SOFTWARE,
    )  # fmt: skip


def _server() -> Finding:
    """The programs of the private PostgreSQL."""
    try:
        programs = postgres.choose()
        user = postgres.server_user()
    except Trouble as trouble:
        return of("postgresql", trouble)
    told = f"PostgreSQL {programs.version}, PostGIS ({programs.bin}; {user.name})"
    return ok("postgresql", told, told)


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


def _texts() -> Finding:
    """Chinese in names of files and on the terminal."""
    found = {sys.getfilesystemencoding().lower(), locale.getpreferredencoding(False).lower()}
    if found == {"utf-8"}:
        return ok("texts", "文本编码 UTF-8", "texts are UTF-8")
    other = ", ".join(sorted(found - {"utf-8"}))
    return Finding(
        "texts", State.MEND, f"本机文本编码为 {other}，中文文件名会读错",
        f"texts here are {other}: names of files in Chinese are read wrongly",
        "请先运行 export LC_ALL=C.UTF-8；在 systemd 单元中写 Environment=LC_ALL=C.UTF-8",
        "Run export LC_ALL=C.UTF-8 beforehand; in a systemd unit Environment=LC_ALL=C.UTF-8",
    )  # fmt: skip


def _shared_memory() -> Finding:
    """What the private PostgreSQL's processes share beyond their buffers."""
    if not SHARED.is_dir() or not os.access(SHARED, os.W_OK | os.X_OK):
        return Finding(
            "shared-memory", State.MEND, f"{SHARED} 不存在或不可写，数据库无法启动",
            f"{SHARED} is missing or cannot be written to: the database does not start",
            f"请运行：mount -t tmpfs -o mode=1777 tmpfs {SHARED}",
            f"Run: mount -t tmpfs -o mode=1777 tmpfs {SHARED}", ExitCode.DATABASE,
        )  # fmt: skip
    free = shutil.disk_usage(SHARED).free / 1e6
    if free >= LEAST_SHARED_MB:
        return ok("shared-memory", f"共享内存剩余 {free:,.0f} MB",
                  f"shared memory: {free:,.0f} MB left")  # fmt: skip
    return Finding(
        "shared-memory", State.ADVICE, f"{SHARED} 只剩 {free:,.0f} MB",
        f"{SHARED} has only {free:,.0f} MB left",
        "大的查询会失败。请调大：mount -o remount,size=1g /dev/shm；容器用 --shm-size=1g",
        "Large questions would fail. Enlarge it: mount -o remount,size=1g /dev/shm; of a container "
        "by --shm-size=1g",
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


def _port(host: str, port: int, *, tls: bool) -> Finding:
    """Free, or taken by the service itself."""
    place = f"{host}:{port}"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as refused:
            reason = refused
        else:
            return ok("port", f"可以监听 {place}", f"{place} can be listened on")
    if reason.errno == errno.EADDRINUSE:
        if _is_onemap(host, port, tls=tls):
            return ok("port", f"服务正在 {place} 上运行", f"the service runs at {place}")
        return Finding(
            "port", State.MEND, f"{place} 已被别的程序占用", f"another program listens on {place}",
            f"请停止它（ss -ltnp 'sport = :{port}'），或用 ONEMAP_PORT 另选端口",
            f"Stop it (ss -ltnp 'sport = :{port}'), or choose another by ONEMAP_PORT",
            ExitCode.PORT_IN_USE,
        )  # fmt: skip
    return Finding(
        "port", State.MEND, f"无法监听 {place}：{reason.strerror}",
        f"{place} cannot be listened on: {reason.strerror}",
        "请更改 ONEMAP_HOST 或 ONEMAP_PORT；1024 以下的端口请交给反向代理",
        "Change ONEMAP_HOST or ONEMAP_PORT; leave ports below 1024 to a proxy", ExitCode.USAGE,
    )  # fmt: skip


def _is_onemap(host: str, port: int, *, tls: bool) -> bool:
    scheme = "https" if tls else "http"
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # nosec B104
    try:
        # The certificate is for the name that browsers use, not for this address.
        with httpx.Client(trust_env=False, timeout=3, verify=False) as client:  # noqa: S501  # nosec B501
            told = client.get(f"{scheme}://{f'[{near}]' if ':' in near else near}:{port}/healthz")
            return bool(told.json()["status"] == "ok")
    except (httpx.HTTPError, ValueError, LookupError, TypeError):
        return False


def _clock_kept() -> Finding:
    """Whether something keeps this clock right: the kernel knows, whichever program does it."""
    unsynchronised = 5
    state = _clock_state()
    if state is None:
        return unknown(
            "clock-kept", "内核不告知时钟是否同步", "the kernel does not tell of its clock"
        )
    if state != unsynchronised:
        return ok("clock-kept", "本机时钟在与时间源同步", "this clock is kept by a source of time")
    return Finding(
        "clock-kept", State.ADVICE, "本机时钟没有同步，会慢慢走偏",
        "nothing keeps this clock right: it drifts",
        "请装对时程序并指向本单位时间源：apt-get install chrony（或 install.sh --with chrony）",
        "Install what keeps time and name your source to it: apt-get install chrony (without "
        "internet: install.sh --with chrony)",
    )  # fmt: skip


def _clock_state() -> int | None:
    """Return the state of the kernel's clock (adjtimex(2)), or None where it is not told."""
    asked = ctypes.create_string_buffer(512)  # a struct timex of zeros asks and changes nothing
    try:
        state = int(ctypes.CDLL(None).adjtimex(asked))
    except AttributeError:
        return None
    return state if state >= 0 else None


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
