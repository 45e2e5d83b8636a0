"""What was looked at, and how it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from onemap.trouble import ExitCode, Trouble, say


class State(StrEnum):
    """How a thing stands: well, worth a look, or to be mended before the service is relied on."""

    OK = "ok"
    ADVICE = "advice"
    MEND = "mend"


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do about it.

    Attributes
    ----------
    about : short name, the same in every language.
    zh, en : what was found.
    mend_zh, mend_en : what to do; empty where all is well.
    code : status of the command when this must be mended.
    """

    about: str
    state: State
    zh: str
    en: str
    mend_zh: str = ""
    mend_en: str = ""
    code: ExitCode = ExitCode.FAILED

    def as_dict(self) -> dict[str, Any]:
        """Return it for scripts, in both languages."""
        return {
            "about": self.about,
            "state": self.state.value,
            "found": {"zh": self.zh, "en": self.en},
            "remedy": {"zh": self.mend_zh, "en": self.mend_en} if self.mend_zh else None,
        }

    def line(self) -> str:
        """Return it for people, in the terminal's language."""
        sign = {State.OK: "✓", State.ADVICE: "!", State.MEND: "✗"}[self.state]
        told = f"{sign} {say(self.zh, self.en)}"
        return f"{told}\n    → {say(self.mend_zh, self.mend_en)}" if self.mend_zh else told


def ok(about: str, zh: str, en: str) -> Finding:
    """Return that a thing stands well."""
    return Finding(about, State.OK, zh, en)


def of(about: str, trouble: Trouble) -> Finding:
    """Return what a command would have ended with: its message names the remedy."""
    zh, _, mend_zh = trouble.zh.partition("。")
    en, _, mend_en = trouble.en.partition(". ")
    return Finding(
        about, State.MEND, zh, en, mend_zh or trouble.zh, mend_en or trouble.en, trouble.code
    )


def unknown(about: str, zh: str, en: str) -> Finding:
    """Return that a thing could not be looked at, and why: nobody is to take it for well."""
    return Finding(
        about, State.ADVICE, f"无法检查：{zh}", f"could not be checked: {en}",
        "请人工核对", "Look at it by hand",
    )  # fmt: skip


def looked(*looks: tuple[str, Callable[[], Iterable[Finding]]]) -> Iterator[Finding]:
    """Yield what each look finds; where the system refuses one, yield that and go on."""
    for about, look in looks:
        try:
            yield from look()
        except OSError as refused:
            where = f"{refused.filename}: " if refused.filename else ""
            yield unknown(about, f"{where}{refused.strerror}", f"{where}{refused.strerror}")
