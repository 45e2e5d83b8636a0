"""``worker`` and ``jobs``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from onemap.commands.options import Demo, Json
from onemap.trouble import ExitCode, Trouble, language, say

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy as sa

    from importers.base import Options
    from onemap.clock import Clock
    from onemap.database import Database

Key = Annotated[int, typer.Argument(help=say("编号", "its id"))]

jobs_app = typer.Typer(no_args_is_help=True, help=say("任务", "jobs"))


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(
        help=say("处理排队的任务，直到被中断", "do the jobs of the queue until interrupted")
    )(worker)
    app.add_typer(jobs_app, name="jobs")


def worker(
    demo: Demo = False,
    attach: Annotated[
        bool,
        typer.Option(
            "--attach",
            help=say(
                "只使用服务所运行的私有数据库，自己不启动它",
                "use the private database that the service runs, and never start it",
            ),
        ),
    ] = False,
    under: Annotated[int | None, typer.Option("--under", hidden=True)] = None,
) -> None:
    """Do the jobs that are asked for (imports, archives, reports) until interrupted."""
    import asyncio
    import logging
    import signal

    from procrastinate.exceptions import ConnectorException

    from onemap.database import opened, refuse_other
    from onemap.handing import handed_on
    from onemap.jobs.worker import Worker
    from onemap.settings import load
    from onemap.tying import tie_to

    if under is not None:
        tie_to(under, signal.SIGTERM)
    settings = load()
    levels = {"debug": "DEBUG", "info": "WARNING"}
    logging.basicConfig(level=levels.get(settings.log_level, settings.log_level.upper()))
    with opened(
        settings, demo=demo, checked=False, wait_s=settings.wait_seconds, attach=attach
    ) as database:
        refuse_other(database)
        if under is None:
            typer.echo(say("等待任务。", "Waiting for jobs."))
        handed = handed_on(settings, database, _clock(database, demo=demo), demo=demo)
        # From here on SIGTERM lets what runs finish, or puts it back.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            asyncio.run(Worker(settings, database.owner_url, handed).run())
        except ConnectorException as lost:
            raise Trouble(
                ExitCode.DATABASE,
                f"与数据库的连接中断：{lost.__cause__ or lost}。任务会由下一个 worker 继续。",
                f"The connection to the database was lost: {lost.__cause__ or lost}. The next "
                "worker takes the jobs up again.",
            ) from lost


def _clock(database: Database, *, demo: bool) -> Clock:
    from layers.db import engine
    from onemap.clock import Clock
    from onemap.demo import mark

    if not demo:
        return Clock()
    made = engine(database.owner_url)
    try:
        with made.connect() as connection:
            found = mark.found(connection)
    finally:
        made.dispose()
    return found.clock if found else Clock()


@jobs_app.command("list", help=say("列出任务", "list the jobs, the newest first"))
def list_(
    limit: Annotated[
        int, typer.Option(min=1, max=1000, help=say("最多几项", "how many at most"))
    ] = 50,
    demo: Demo = False,
    as_json: Json = False,
) -> None:
    """List the jobs of everybody, the newest first."""
    from layers import jobs
    from onemap.commands.reports import table
    from onemap.database import connected
    from onemap.settings import load

    with connected(load(), demo=demo) as connection:
        found = connection.execute(jobs.listed(None, everybodys=True, limit=limit)).mappings()
        rows = [_line(connection, row) for row in found]
    table(rows, as_json=as_json)


def _line(connection: sa.Connection, row: Any) -> dict[str, Any]:
    from layers.accounts import Account
    from layers.base import table_of

    account = table_of(Account)
    login = account.select().where(account.c.id == row["account_id"])
    asker = None if row["account_id"] is None else connection.execute(login).mappings().one()
    named = ("id", "kind", "state", "phase", "done", "total", "asked_at", "finished_at")
    return {
        **{name: row[name] for name in named},
        "account": asker and asker["login"],
        "error": row["error"] and row["error"][language()],
    }


@jobs_app.command(help=say("一项任务的全部内容", "all of one job"))
def show(key: Key, demo: Demo = False, as_json: Json = False) -> None:
    """Show one job with its arguments, its result and what went wrong."""
    from layers import jobs
    from onemap.commands.reports import table
    from onemap.database import connected
    from onemap.settings import load

    with connected(load(), demo=demo) as connection:
        row = connection.execute(jobs.one(key)).mappings().first()
    if row is None:
        raise Trouble(
            ExitCode.USAGE,
            f"没有编号为 {key} 的任务。见 onemap jobs list。",
            f"There is no job {key}. See onemap jobs list.",
        )
    table([dict(row)], as_json=as_json, one=True)


@jobs_app.command(help=say("取消任务", "cancel a job"))
def cancel(key: Key, demo: Demo = False) -> None:
    """Cancel a job: one that waits at once, one that runs within seconds; that is recorded."""
    from layers import jobs
    from layers.audit import Kind, note
    from onemap.database import connected
    from onemap.settings import load

    with connected(load(), demo=demo) as connection:
        if jobs.cancel(connection, key):
            note(connection, Kind.ADMINISTRATION, act="cancel_job", job=key)


def queued(kind: str, files: list[Path], options: Options, *, demo: bool, as_json: bool) -> None:
    """Put copies of the files before the worker."""
    import shutil

    from importers import staging
    from layers import jobs
    from onemap.commands.reports import print_json
    from onemap.database import connected
    from onemap.settings import load

    names = [staging.safe_name(each.name) for each in files]
    folders = [each for each in files if not each.is_file()]
    if folders or len(set(names)) < len(names):
        raise Trouble(
            ExitCode.USAGE,
            "--queue 只接受文件，且文件名不得相同；文件夹请打包为 zip。",
            "--queue takes files of different names; pack a folder as a zip.",
        )
    settings, folder = load(), staging.new_folder()
    place = staging.made(staging.uploads(settings.data_dir, folder))
    for each, name in zip(files, names, strict=True):
        shutil.copyfile(each, place / name)
    said = ("crs", "source", "body", "layer", "encoding", "mapping", "extra")
    flags = ("dry_run", "accept_guess", "accept_ballpark")
    arguments = {
        "kind": kind,
        **staging.named(staging.kept(place, names)),
        "options": {name: getattr(options, name) for name in (*said, *flags)},
    }
    with connected(settings, demo=demo) as connection:
        key = jobs.ask(connection, jobs.JobKind.IMPORT, arguments, folder, by_operator=True)
    if as_json:
        print_json({"job": key})
    else:
        typer.echo(
            say(
                f"任务 {key}。服务或 onemap worker 运行时处理；见 onemap jobs show {key}。",
                f"Job {key}. It is done while the service or onemap worker runs; see onemap jobs "
                f"show {key}.",
            )
        )
