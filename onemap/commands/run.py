"""``demo`` and ``serve``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onemap.trouble import ExitCode, Trouble, say

if TYPE_CHECKING:
    from onemap.clock import Clock
    from onemap.database import Database
    from onemap.demo.mark import Demo
    from onemap.settings import Settings

Host = Annotated[str | None, typer.Option(help=say("监听的地址", "address to listen on"))]
Port = Annotated[int | None, typer.Option(help=say("监听的端口", "port to listen on"))]
DataDir = Annotated[
    Path | None, typer.Option(help=say("数据目录", "folder of the private database"))
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(help=say("启动服务", "serve the estate"))(serve)
    app.command(
        help=say(
            "生成、导入并展示虚构的示例房产", "make, import and serve the fictional demo estate"
        )
    )(demo)


def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[int | None, typer.Option(help=say("进程数", "processes"))] = None,
    data_dir: DataDir = None,
) -> None:
    """Serve the estate over HTTP until interrupted."""
    from onemap import serving
    from onemap.clock import Clock
    from onemap.database import opened, ready
    from onemap.settings import load

    settings = load(host=host, port=port, workers=workers, data_dir=data_dir)
    serving.refuse_taken_port(settings.host, settings.port)
    with opened(settings, checked=False, wait_s=settings.wait_seconds) as database:
        ready(database)
        with _backups(settings), _worker(settings, demo=False):
            serving.run(settings, database, Clock(), demo=False)


@contextlib.contextmanager
def _worker(settings: Settings, *, demo: bool) -> Iterator[None]:
    """Have jobs done by a worker beside the service, while the block runs."""
    from onemap.jobs.hosting import Hosted

    if not settings.jobs:
        yield
        return
    hosted = Hosted(settings, demo=demo)
    hosted.start()
    try:
        yield
    finally:
        hosted.stop()


@contextlib.contextmanager
def _backups(settings: Settings) -> Iterator[None]:
    """Make backups at the time of day that is set, while the block runs."""
    from onemap.backup.schedule import Schedule

    if settings.backup_at is None:
        yield
        return
    schedule = Schedule(settings)
    schedule.start()
    try:
        yield
    finally:
        schedule.stop()


def demo(
    reset: Annotated[
        bool, typer.Option("--reset", help=say("删除并重建", "drop it and build it anew"))
    ] = False,
    scale: Annotated[
        float | None, typer.Option(min=1, help=say("规模（默认 1）", "size (default 1)"))
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help=say("随机种子（默认 1）", "random seed (default 1)"))
    ] = None,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help=say("只生成，不启动服务", "build only"))
    ] = False,
) -> None:
    """Build the demo estate on the first run and serve it, to this machine only."""
    import os

    from onemap import serving
    from onemap.database import opened, prepare
    from onemap.settings import Anonymous, load

    anonymous = None if os.environ.get("ONEMAP_ANONYMOUS") else Anonymous.ESTATE
    settings = load(host=host, port=port, data_dir=data_dir, anonymous=anonymous)
    if not no_serve:
        _refuse_strangers(settings)
        serving.refuse_taken_port(settings.host, settings.port)
    with opened(settings, demo=True, checked=False) as database:
        prepare(database)  # nothing of it is anybody's work
        _build_if_needed(settings, database, reset=reset, scale=scale, seed=seed)
        if not no_serve:
            logins = _accounts(database)
            clock = _restarted(database)
            with _worker(settings, demo=True):
                serving.run(settings, database, clock, demo=True, demo_logins=logins)


def _refuse_strangers(settings: Settings) -> None:
    """Refuse to let other machines at accounts whose password everybody knows."""
    if not settings.is_loopback:
        raise Trouble(
            ExitCode.USAGE,
            f"示例账号的口令是公开的，示例只能监听本机，不能监听 {settings.host}。"
            "请用 --host 127.0.0.1；对外服务请用 onemap serve 并用 onemap user create 建立账号。",
            "Everybody knows the password of the demo's accounts: it may listen on this machine "
            f"only, not on {settings.host}. Use --host 127.0.0.1; to serve others run onemap "
            "serve, with accounts of onemap user create.",
        )


def _accounts(database: Database) -> list[str]:
    """Make one account for each role and print them; none where nobody can sign in."""
    from datetime import UTC, datetime

    from layers.committing import committing
    from layers.db import engine
    from layers.ticks import Ticks
    from onemap.demo import accounts

    if database.accounts_url is None:
        return []
    made = engine(database.owner_url)
    try:
        with committing(made, Ticks.of(database.ticks)) as connection:
            accounts.ensure(connection, datetime.now(UTC))
    finally:
        made.dispose()
    typer.echo(
        say(
            f"示例账号（口令均为 {accounts.PASSWORD}，只限本机）：",
            f"Demo accounts (the password of all is {accounts.PASSWORD}; this machine only):",
        )
    )
    for login, zh, en in accounts.told():
        typer.echo(f"  {login:<10} {say(zh, en)}")
    return list(accounts.LOGINS)


def _build_if_needed(
    settings: Settings, database: Database, *, reset: bool, scale: float | None, seed: int | None
) -> None:
    """Build the demo unless it is there."""
    from layers.ticks import Ticks
    from onemap.commands.progress import bars
    from onemap.database import emptied
    from onemap.demo import VERSION, build

    known = None if reset else _known(database)
    if known is not None and known.version == VERSION:
        if (seed or known.seed, scale or known.scale) == (known.seed, known.scale):
            return
        raise Trouble(
            ExitCode.USAGE,
            f"已有示例（--seed {known.seed} --scale {known.scale:g}）。换用别的请加 --reset。",
            f"There is a demo already (--seed {known.seed} --scale {known.scale:g}). "
            "For another one add --reset.",
        )
    # What a broken-off build or an older generator left is not the demo.
    emptied(database)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with bars() as progress:
        build(
            database.owner_url,
            settings.data_dir / "demo",
            seed=1 if seed is None else seed,
            scale=scale or 1.0,
            progress=progress,
            ticks=Ticks.of(database.ticks),
        )


def _restarted(database: Database) -> Clock:
    """Set the demo's clock back to its first morning, so that the stories are true again.

    A demo that was built last week would tell that no car has been heard from.
    """
    from layers.committing import committing
    from layers.db import engine
    from layers.ticks import Ticks
    from onemap.demo import mark

    made = engine(database.owner_url)
    try:
        with committing(made, Ticks.of(database.ticks)) as connection:
            mark.start_clock(connection)
    finally:
        made.dispose()
    known = _known(database)
    assert known is not None  # it was built, or `_build_if_needed` has refused
    return known.clock


def _known(database: Database) -> Demo | None:
    from layers.db import engine
    from onemap.demo import mark

    made = engine(database.owner_url)
    try:
        with made.connect() as connection:
            return mark.found(connection)
    finally:
        made.dispose()
