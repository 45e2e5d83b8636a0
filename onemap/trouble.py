"""What can go wrong at the front door: exit codes, and messages that name the remedy."""

from __future__ import annotations

import os
from enum import IntEnum


class ExitCode(IntEnum):
    """What the command's exit status means; scripts may rely on the numbers."""

    OK = 0
    FAILED = 1
    USAGE = 2
    QUARANTINED = 3
    UNUSABLE_INPUT = 4
    DATABASE = 5
    PORT_IN_USE = 6
    STORAGE = 7
    MISSING_SOFTWARE = 8
    TAMPERED = 9
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """One line on when this status is given, in the caller's language."""
        return say(*_MEANINGS[self])


_MEANINGS = {
    ExitCode.OK: ("完成", "done"),
    ExitCode.FAILED: ("未预料的错误", "an error nobody foresaw"),
    ExitCode.USAGE: ("命令或参数有误", "the command or its arguments are wrong"),
    ExitCode.QUARANTINED: ("导入完成，有行待修", "imported, but some rows wait in quarantine"),
    ExitCode.UNUSABLE_INPUT: ("文件无法使用，未导入", "the input is unusable, nothing was loaded"),
    ExitCode.DATABASE: ("数据库不可用", "the database cannot be reached or used"),
    ExitCode.PORT_IN_USE: ("端口被占用", "the port is taken"),
    ExitCode.STORAGE: ("数据目录无权限或磁盘已满", "the data folder: no permission or no space"),
    ExitCode.MISSING_SOFTWARE: ("缺少软件", "software is missing"),
    ExitCode.TAMPERED: ("审计记录与封存时不符", "audit records are not as they were sealed"),
    ExitCode.INTERRUPTED: ("被中断", "interrupted"),
}


def language() -> str:
    """``zh`` or ``en``: the language of messages on this terminal (``ONEMAP_LANGUAGE``)."""
    return "en" if os.environ.get("ONEMAP_LANGUAGE", "zh").lower().startswith("en") else "zh"


def say(zh: str, en: str) -> str:
    """Pick one of the two texts by the terminal's language."""
    return en if language() == "en" else zh


class Trouble(Exception):
    """A failure the user can mend.

    Parameters
    ----------
    code : ExitCode
        The status with which the command ends.
    zh, en : str
        What happened and what to do about it, in Chinese and in English.
    """

    def __init__(self, code: ExitCode, zh: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en

    def __str__(self) -> str:
        """Return the message in the terminal's language."""
        return say(self.zh, self.en)
