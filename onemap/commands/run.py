"""``demo`` and ``serve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onemap.trouble import ExitCode, Trouble, say

if TYPE_CHECKING:
    from onemap.database import Database
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
    from onemap.database import opened
    from onemap.settings import load

    settings = load(host=host, port=port, workers=workers, data_dir=data_dir)
    serving.refuse_taken_port(settings.host, settings.port)
    with opened(settings) as database:
        serving.run(settings, database, Clock(), demo=False)


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
    from onemap.clock import load_demo
    from onemap.database import opened
    from onemap.settings import Anonymous, load

    anonymous = None if os.environ.get("ONEMAP_ANONYMOUS") else Anonymous.ESTATE
    settings = load(host=host, port=port, data_dir=data_dir, anonymous=anonymous)
    if not no_serve:
        serving.refuse_taken_port(settings.host, settings.port)
    with opened(settings, demo=True) as database:
        _build_if_needed(settings, database, reset=reset, scale=scale, seed=seed)
        known = load_demo(settings.data_dir)
        if known is None:
            raise RuntimeError("the demo was built and is not remembered")
        if not no_serve:
            serving.run(settings, database, known[0], demo=True)


def _build_if_needed(
    settings: Settings, database: Database, *, reset: bool, scale: float | None, seed: int | None
) -> None:
    from datetime import UTC, datetime

    from onemap import clock
    from onemap.commands.progress import bars
    from onemap.database import emptied
    from onemap.demo import build

    known = None if reset else clock.load_demo(settings.data_dir)
    if known is not None and database.has_rows():
        _, known_seed, known_scale = known
        if (seed or known_seed, scale or known_scale) != (known_seed, known_scale):
            raise Trouble(
                ExitCode.USAGE,
                f"已有示例（--seed {known_seed} --scale {known_scale:g}）。换用别的请加 --reset。",
                f"There is a demo already (--seed {known_seed} --scale {known_scale:g}). "
                "For another one add --reset.",
            )
        return
    # A build that was broken off left rows and no record of itself.
    clock.forget_demo(settings.data_dir)
    emptied(database)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    wanted_seed, wanted_scale = (1 if seed is None else seed), (scale or 1.0)
    with bars() as progress:
        build(
            database.owner_url,
            settings.data_dir / "demo",
            seed=wanted_seed,
            scale=wanted_scale,
            progress=progress,
        )
    clock.save_demo(settings.data_dir, datetime.now(UTC), seed=wanted_seed, scale=wanted_scale)
