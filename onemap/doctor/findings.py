"""What was looked at, and how it stands."""

from __future__ import annotations

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
