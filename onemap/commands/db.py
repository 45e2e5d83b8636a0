"""``db``: the database of an estate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from onemap.commands.options import Demo, Json
from onemap.trouble import ExitCode, Trouble, say

if TYPE_CHECKING:
    from onemap.database import Database

db_app = typer.Typer(no_args_is_help=True, help=say("数据库", "the database"))


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(db_app, name="db")


@db_app.command(help=say("更新表结构", "bring the tables up to date"))
def upgrade(demo: Demo = False) -> None:
    """Bring the tables up to date, and grant the roles what they need."""
    from onemap.database import opened, prepare
    from onemap.settings import load

    with opened(load(), demo=demo, checked=False) as database:
        prepare(database)
        typer.echo(say(f"{database.name}：已是最新", f"{database.name}: up to date"))


@db_app.command(
    help=say("重新推导计量表的异常", "derive anew what is odd in the readings of meters")
)
def events(demo: Demo = False) -> None:
    """Derive the events of all meters anew, as an import does for the meters that it reads."""
    from layers.meter_events import rebuild
    from onemap.database import connected
    from onemap.settings import load

    with connected(load(), demo=demo) as connection:
        made = rebuild(connection)
    typer.echo(say(f"读数异常 {made} 次", f"events of meters: {made}"))


@db_app.command(
    help=say("删除过早的修改历史", "forget history that is older than wanted"),
)
def prune(
    older_than: Annotated[
        int | None,
        typer.Option(
            "--older-than",
            metavar="DAYS",
            min=1,
            help=say(
                "多少天以前的（默认 ONEMAP_KEEP_HISTORY_DAYS）",
                "of more than so many days ago (default ONEMAP_KEEP_HISTORY_DAYS)",
            ),
        ),
    ] = None,
    demo: Demo = False,
) -> None:
    """Delete history and log of long ago; later moments are answered as before."""
    from datetime import timedelta

    import sqlalchemy as sa

    from layers import pruning
    from layers.audit import Kind, note
    from onemap.database import connected
    from onemap.settings import load

    settings = load()
    days = older_than or settings.keep_history_days
    if days is None:
        raise Trouble(
            ExitCode.USAGE,
            "请给出 --older-than 天数，或设置 ONEMAP_KEEP_HISTORY_DAYS；未删除任何内容。",
            "Give --older-than with a number of days, or set ONEMAP_KEEP_HISTORY_DAYS; "
            "nothing was deleted.",
        )
    with connected(settings, demo=demo) as connection:
        now = connection.execute(sa.select(sa.func.onemap_now())).scalar_one()
        done = pruning.prune(connection, now - timedelta(days=days))
        note(
            connection, Kind.PRUNE, of="history", days=days, changes=done.changes,
            images=done.images, sets=done.sets,
        )  # fmt: skip
    typer.echo(
        say(
            f"已删除 {days} 天以前的历史：修改 {done.changes} 条，旧版本 {done.images} 个，"
            f"修改记录 {done.sets} 次",
            f"Forgot what is older than {days} days: {done.changes} changes, "
            f"{done.images} former rows, {done.sets} change sets",
        )
    )


@db_app.command(
    help=say("打开 psql", "open psql on it"),
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def psql(
    context: typer.Context,
    demo: Demo = False,
    app_role: Annotated[
        bool, typer.Option("--app", help=say("用服务角色", "as the serving role"))
    ] = False,
) -> None:
    """Open psql as the owner; further arguments are psql's."""
    import shutil
    import subprocess

    from layers.ticks import Ticks
    from onemap import postgres
    from onemap.database import opened
    from onemap.settings import load

    found = postgres.installed()
    program = found[0].path("psql") if found else shutil.which("psql")
    if program is None:
        raise Trouble(
            ExitCode.MISSING_SOFTWARE,
            "未找到 psql。请运行：apt-get install postgresql-client",
            "psql is not installed. Run: apt-get install postgresql-client",
        )
    with opened(load(), demo=demo, checked=False) as database:
        url = database.app_url if app_role else database.owner_url
        address, environment = postgres.client_environment(url)
        _psql_noted(database, app_role=app_role)
        ended = subprocess.run([program, address, *context.args], env=environment, check=False)
        Ticks.of(database.ticks).tick()  # nobody knows what was written by hand
    raise typer.Exit(ended.returncode)


def _psql_noted(database: Database, *, app_role: bool) -> None:
    """Record that somebody works on the database by hand, where it has a place for that yet."""
    from layers.audit import Kind
    from onemap import traces

    if traces.is_there(database):
        traces.noted(database, Kind.ADMINISTRATION, act="psql", role="app" if app_role else "owner")


@db_app.command(help=say("数据库的状态", "state of the database"))
def status(demo: Demo = False, as_json: Json = False) -> None:
    """Tell where the database is, its versions, its revision, and whether that is this program's.

    A private database that is not there yet is not made by being asked for.
    """
    from layers import db
    from onemap.commands.reports import table
    from onemap.database import Tables, describe, has_estate, opened
    from onemap.settings import load

    settings = load()
    facts: dict[str, Any] = {
        "revision": None, "newest_revision": db.head(), "tables": Tables.NONE,
    }  # fmt: skip
    if has_estate(settings):
        with opened(settings, demo=demo, checked=False) as database:
            facts = describe(database)
    table([facts], as_json=as_json, one=True)
