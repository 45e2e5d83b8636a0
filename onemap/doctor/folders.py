"""What lies on the disk: data folder, space, keys, backups, and dates that cannot be."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from onemap.backup import schedule
from onemap.database import has_estate
from onemap.doctor.findings import Finding, State, looked, ok
from onemap.settings import Settings
from onemap.trouble import ExitCode

LEAST_DISK_MB = 1_000
WISE_DISK_PART = 0.1
OVERDUE = timedelta(hours=26)
AHEAD = timedelta(minutes=2)
"""By how much a file may be of the future: shared disks have clocks of their own."""


def folders(settings: Settings) -> Iterator[Finding]:
    """Look at the folders that the settings name."""
    yield from looked(
        ("data-folder", lambda: _data(settings.data_dir)),
        ("dates", lambda: [_dates(settings)]),
        ("keys", lambda: [_keys(settings)]),
        ("backup", lambda: _backups(settings)),
    )


def _there(folder: Path) -> Path:
    """Return the folder, or the nearest above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _writable(folder: Path) -> bool:
    there = _there(folder)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _data(folder: Path) -> Iterator[Finding]:
    """The data folder, or where it would be made: permissions and space."""
    there = _there(folder)
    if not _writable(folder):
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
    yield _disk(there)


def _disk(there: Path) -> Finding:
    usage = shutil.disk_usage(there)
    free = usage.free / 1e6
    low = free < LEAST_DISK_MB
    if not low and usage.free >= WISE_DISK_PART * usage.total:
        return ok("disk", f"磁盘剩余 {free:,.0f} MB", f"disk: {free:,.0f} MB left")
    return Finding(
        "disk", State.MEND if low else State.ADVICE,
        f"{there} 所在磁盘只剩 {free:,.0f} MB",
        f"the disk of {there} has only {free:,.0f} MB left",
        "请腾出空间：写满后数据库会停止接受修改",
        "Make room: when it is full the database takes no more changes", ExitCode.STORAGE,
    )  # fmt: skip


def _dates(settings: Settings) -> Finding:
    """A file that was written later than now tells that the clock was set back."""
    latest, newest = None, 0.0
    listed = [*settings.data_dir.glob("*"), *settings.data_dir.glob("postgres/global/pg_control")]
    for path in (*listed, *(path for _, path in schedule.kept(settings.backups))):
        written = path.lstat().st_mtime
        if written > newest:
            latest, newest = path, written
    ahead = newest - datetime.now(UTC).timestamp()
    if latest is None or ahead <= AHEAD.total_seconds():
        return ok("dates", "文件的时间都不晚于现在", "no file is of the future")
    return Finding(
        "dates", State.MEND,
        f"{latest} 的时间比现在晚 {ahead:,.0f} 秒：本机时钟被拨回过，或当时走快了",
        f"{latest} is of {ahead:,.0f} s after now: this clock was set back, or ran ahead then",
        "请先校准时钟（date；apt-get install chrony），再启动服务",
        "Set the clock right (date; apt-get install chrony) before the service is started",
        ExitCode.STORAGE,
    )  # fmt: skip


def _keys(settings: Settings) -> Finding:
    """Keys are read by the service's user and nobody else."""
    named = [
        value
        for name in type(settings).model_fields
        if name.endswith("key_file") and isinstance(value := getattr(settings, name), Path)
    ]
    found = [path for path in (*named, *(settings.data_dir / "keys").glob("*.key"))
             if path.exists()]  # fmt: skip
    for path in found:
        told = path.stat()
        if told.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return Finding(
                "keys", State.MEND,
                f"钥匙文件 {path} 的权限为 {told.st_mode & 0o777:03o}，他人可读写",
                f"the key {path} is open to others (mode {told.st_mode & 0o777:03o})",
                f"请运行：chmod 600 {path}；若他人可能读过，请更换钥匙",
                f"Run: chmod 600 {path}; where others may have read it, make another",
                ExitCode.STORAGE,
            )  # fmt: skip
        if not os.access(path, os.R_OK):
            return Finding(
                "keys", State.MEND, f"服务无法读取钥匙文件 {path}",
                f"the service cannot read the key {path}",
                f"请把它交给运行服务的用户：chown {os.geteuid()} {path}",
                f"Give it to the user that runs the service: chown {os.geteuid()} {path}",
                ExitCode.STORAGE,
            )  # fmt: skip
    if not found:
        return ok(
            "keys", "还没有钥匙文件，首次用到时生成", "no keys yet; they are made when needed"
        )
    names = ", ".join(path.name for path in dict.fromkeys(found))
    return ok("keys", f"钥匙文件 {names} 只有服务可读", f"keys, for the service alone: {names}")


def _backups(settings: Settings) -> Iterator[Finding]:
    """Whether backups are made, and whether the next one has a place."""
    folder = settings.backups
    if not _writable(folder):
        yield Finding(
            "backup", State.MEND, f"备份目录 {folder} 无法写入",
            f"the folder of backups {folder} cannot be written to",
            f"请修改 {_there(folder)} 的权限，或用 ONEMAP_BACKUP_DIR 另选目录；"
            "systemd 单元还须 ReadWritePaths",
            f"Change the permissions of {_there(folder)}, or choose another with "
            "ONEMAP_BACKUP_DIR; a systemd unit needs ReadWritePaths too", ExitCode.STORAGE,
        )  # fmt: skip
        return
    kept = schedule.kept(folder)
    yield _newest(settings, kept[0][0] if kept else None)
    if not kept:
        return
    free, last = shutil.disk_usage(folder).free, kept[0][1].stat().st_size
    if free < 2 * last:
        yield Finding(
            "backup-disk", State.MEND,
            f"备份目录只剩 {free / 1e6:,.0f} MB，最近一份备份有 {last / 1e6:,.0f} MB",
            f"backups have only {free / 1e6:,.0f} MB left; the last one took {last / 1e6:,.0f} MB",
            "请腾出空间，或调小 ONEMAP_BACKUP_KEEP", "Make room, or lower ONEMAP_BACKUP_KEEP",
            ExitCode.STORAGE,
        )  # fmt: skip
    else:
        told = f"{free / 1e6:,.0f} MB"
        yield ok("backup-disk", f"备份目录剩余 {told}", f"backups: {told} left")


def _newest(settings: Settings, newest: datetime | None) -> Finding:
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
    if newest is None and not has_estate(settings):
        return ok("backup", "自动备份已设定，尚无可备份的数据",
                  "backups are set up; there is nothing to keep yet")  # fmt: skip
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
