"""The command ``onemap``."""

from __future__ import annotations

import errno
import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from onemap.commands import (
    audit,
    data,
    db,
    info,
    jobs,
    keeping,
    quarantine,
    run,
    tiles,
    tokens,
    users,
)
from onemap.trouble import ExitCode, Trouble, say

app = typer.Typer(
    name="onemap",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=say("公共机构房产一张图。", "One map of a public estate."),
    epilog=say("退出码：", "Exit codes: ")
    + " · ".join(f"{code.value} {code.meaning}" for code in ExitCode),
)
run.register(app)
data.register(app)
db.register(app)
tokens.register(app)
quarantine.register(app)
info.register(app)
tiles.register(app)
users.register(app)
keeping.register(app)
audit.register(app)
jobs.register(app)


def main() -> NoReturn:
    """Run the command; every foreseen failure ends with its message and its own status."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app()
    except Trouble as trouble:
        _end(str(trouble), trouble.code)
    except ModuleNotFoundError as missing:
        _end(*_missing(missing))
    except KeyboardInterrupt:
        _end(say("已中断。", "Interrupted."), ExitCode.INTERRUPTED)
    except Exception as failure:
        known = _known(failure)
        if known is None:
            raise
        _end(*known)
    sys.exit(ExitCode.OK)


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End in good order, so that the private database is stopped too."""
    sys.exit(128 + signal.SIGTERM)


def _end(message: str, code: ExitCode) -> NoReturn:
    sys.stderr.write(f"✗ {message}\n")
    sys.exit(code)


def _missing(missing: ModuleNotFoundError) -> tuple[str, ExitCode]:
    name = (missing.name or "").partition(".")[0]
    if name in {"geo", "layers", "importers", "tiles", "api", "onemap", "web"}:
        raise missing
    return (
        say(
            f"此命令需要服务器部分（缺少 {name}）。请在项目目录运行：pip install '.[server]'",
            f"This command needs the server's part ({name} is missing). "
            "In the project's folder run: pip install '.[server]'",
        ),
        ExitCode.MISSING_SOFTWARE,
    )


def _known(failure: Exception) -> tuple[str, ExitCode] | None:
    """Translate what libraries raise; None when nobody foresaw it."""
    if isinstance(failure, OSError) and failure.errno in {errno.ENOSPC, errno.EDQUOT}:
        return say(
            "磁盘已满。请腾出空间。", "No space left on the disk. Make room."
        ), ExitCode.STORAGE
    problems = sys.modules.get("layers.problems")
    if problems is not None and isinstance(failure, problems.Problem):
        text = failure.text
        misused = isinstance(failure, problems.NotFound | problems.BadRequest)
        return say(text.zh, text.en), ExitCode.USAGE if misused else ExitCode.UNUSABLE_INPUT
    psycopg = sys.modules.get("psycopg")
    original = getattr(failure, "orig", failure)
    if psycopg is not None and isinstance(
        original, (psycopg.OperationalError, psycopg.InterfaceError)
    ):
        reason = str(original).strip().splitlines()[0] if str(original).strip() else ""
        from layers import db

        if db.is_limit(failure):
            text = db.limit_said(failure)
            return say(text.zh, text.en), ExitCode.UNUSABLE_INPUT
        return (
            say(
                f"与数据库的连接中断：{reason}。请确认它在运行，然后重试；未提交的内容已全部撤销。",
                f"The connection to the database was lost: {reason}. Check that it runs and try "
                "again; nothing was half-loaded.",
            ),
            ExitCode.DATABASE,
        )
    return None


if __name__ == "__main__":
    main()
