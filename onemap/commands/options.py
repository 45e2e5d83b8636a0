"""Options that many commands share, and how their values are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onemap.trouble import ExitCode, Trouble, say

if TYPE_CHECKING:
    from datetime import datetime

Demo = Annotated[
    bool, typer.Option("--demo", help=say("用示例库，而非正式库", "the demo's database instead"))
]
Json = Annotated[bool, typer.Option("--json", help=say("输出 JSON", "print JSON"))]


def moment_of(option: str, text: str | None) -> datetime | None:
    """Return the moment that an option names; without a zone it is of the service's.

    Raises
    ------
    Trouble : the text is no date.
    """
    from datetime import datetime

    from onemap.settings import load

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise Trouble(
            ExitCode.USAGE,
            f"{option} 的值“{text}”不是日期；例如 2026-10-01。",
            f"{option}: '{text}' is no date; write 2026-10-01.",
        ) from wrong
    return moment if moment.tzinfo else moment.replace(tzinfo=load().zone)
