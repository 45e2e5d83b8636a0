"""Backups at a time of day, made by the serving process, and how many of them are kept."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from onemap.backup.making import PARTIAL
from onemap.settings import Settings
from onemap.trouble import ExitCode, Trouble

LOOK_S = 20.0
AGAIN_S = 3600.0
_NAME = re.compile(r"onemap-(demo-)?(\d{8}T\d{6}Z)\.zip")
_NICENESS = 10
_LENIENT = timedelta(minutes=5)
"""By so much clocks that are kept may differ."""

log = logging.getLogger("onemap.backup")


def make_folder(folder: Path) -> None:
    """Make the folder of backups, for its owner alone.

    Raises
    ------
    Trouble : it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as refused:
        raise Trouble(
            ExitCode.STORAGE,
            f"无法建立备份目录 {folder}：{refused.strerror}。请检查 ONEMAP_BACKUP_DIR 及其权限。",
            f"The folder of backups {folder} cannot be made: {refused.strerror}. Check "
            "ONEMAP_BACKUP_DIR and its permissions.",
        ) from refused


def kept(
    folder: Path, *, demo: bool = False, now: datetime | None = None
) -> list[tuple[datetime, Path]]:
    """List the backups of a folder with their moments, the newest first.

    One of a time to come was made while the clock was wrong: it stands for none that is due, and
    takes no other's place.
    """
    found, latest = [], (now or datetime.now(UTC)) + _LENIENT
    for path in folder.iterdir() if folder.is_dir() else ():
        name = _NAME.fullmatch(path.name)
        if name and bool(name[1]) == demo:
            moment = datetime.strptime(name[2], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            if moment <= latest:
                found.append((moment, path))
    return sorted(found, reverse=True)


def forget(folder: Path, keep: int, *, demo: bool = False) -> list[Path]:
    """Remove all but the newest `keep` backups of a folder; return what was removed."""
    removed = [path for _, path in kept(folder, demo=demo)[keep:]]
    for path in removed:
        path.unlink(missing_ok=True)
    return removed


def due(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """Return the last moment that was due: `at` of today or of yesterday, as the zone counts."""
    today = datetime.combine(now.astimezone(zone).date(), at, zone)
    return today if today <= now else today - timedelta(days=1)


class Schedule:
    """Makes a backup whenever one is due, in a process of its own.

    One that fell due while nothing served is made at the start. Of several services over one
    database that name one folder, the one that holds the database's lock makes it.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.backup_at is not None
        self._settings = settings
        self._at = settings.backup_at
        # As it is now: what serves does without the owner's address later on.
        self._environment = os.environ | {"ONEMAP_DATA_DIR": str(settings.data_dir)}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backups", daemon=True)

    def start(self) -> None:
        """Begin to look for what is due."""
        make_folder(self._settings.backups)
        for left in self._settings.backups.glob(f"*{PARTIAL}"):
            if _NAME.fullmatch(left.name.removesuffix(PARTIAL)) and _old(left):
                left.unlink(missing_ok=True)  # of a process that was killed
        self._thread.start()

    def stop(self) -> None:
        """End; a backup that is being made is broken off and leaves nothing."""
        self._ended.set()
        self._thread.join()

    def is_due(self, now: datetime) -> bool:
        """Whether no backup has been made since the last moment that was due."""
        newest = kept(self._settings.backups, now=now)[:1]
        return not newest or newest[0][0] < due(now, self._at, self._settings.zone)

    def _run(self) -> None:
        wait = 0.0
        while not self._ended.wait(wait):
            wait = LOOK_S
            try:
                if self.is_due(datetime.now(UTC)) and not self._make():
                    wait = AGAIN_S
            except OSError as failed:  # the folder may lie on another machine
                log.error("no backup can be made for now: %s", failed)
                wait = AGAIN_S

    def _make(self) -> bool:
        settings = self._settings
        command = [
            sys.executable, "-m", "onemap", "backup", str(settings.backups),
            "--keep", str(settings.backup_keep),
        ]  # fmt: skip
        with subprocess.Popen(
            command, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        ) as running:  # fmt: skip
            # Who looks at the map goes before it.
            os.setpriority(os.PRIO_PROCESS, running.pid, _NICENESS)
            while running.poll() is None:
                if self._ended.wait(0.2):
                    running.terminate()
                    running.wait()
                    return False
            said = running.stdout.read().strip() if running.stdout else ""
        if running.returncode == ExitCode.OK:
            log.info("backup: %s", said)
            return True
        log.error("the backup failed (status %d): %s", running.returncode, said)
        return False


def _old(path: Path) -> bool:
    age = datetime.now(UTC).timestamp() - path.stat().st_mtime
    return age > AGAIN_S
