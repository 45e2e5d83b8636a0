"""``tiles archive``: the public layers in one file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onemap.commands.options import Demo, Json
from onemap.trouble import ExitCode, Trouble, say

if TYPE_CHECKING:
    from onemap.archive import Made

tiles_app = typer.Typer(no_args_is_help=True, help=say("瓦片", "tiles"))


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(tiles_app, name="tiles")


@tiles_app.callback()
def _root() -> None:
    """Nothing of its own: the commands do the work."""


@tiles_app.command(
    help=say("将公开数据写成 PMTiles 归档", "write public rows as a PMTiles archive")
)
def archive(
    layers: Annotated[
        str,
        typer.Option(help=say("图层，用逗号分隔", "layers, with commas between")),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help=say("写到何处", "where to write it"))
    ] = Path("estate.pmtiles"),
    max_zoom: Annotated[
        int | None,
        typer.Option(min=0, max=24, help=say("最深级别", "the last zoom (default: all)")),
    ] = None,
    attribution: Annotated[
        str, typer.Option(help=say("数据来源说明", "whom the data are owed to"))
    ] = "",
    demo: Demo = False,
    as_json: Json = False,
) -> None:
    """Write the tiles of chosen layers, of what anybody may see, as they are at this moment."""
    from layers.registry import layer as layer_named
    from onemap.archive import make
    from onemap.commands.progress import bars
    from onemap.database import opened
    from onemap.settings import load

    _check_place(output)
    names = _names(layers)
    chosen = [layer_named(name) for name in names]
    settings = load()
    with opened(settings, demo=demo) as database, bars() as progress, _writing(output):
        made = make(
            database.owner_url,
            output.absolute(),
            chosen,
            last=max_zoom,
            attribution=attribution,
            timezone=settings.timezone,
            say=lambda text: text.in_language(settings.language.value),
            progress=progress,
        )
    _tell(output, names, made, as_json=as_json)


def _tell(output: Path, names: list[str], made: Made, *, as_json: bool) -> None:
    from onemap.commands.reports import print_json

    if as_json:
        print_json(
            {
                "path": str(output),
                "layers": names,
                "tiles": made.tiles,
                "bytes": made.bytes,
                "moment": made.snapshot.moment.isoformat(),
            }
        )
        return
    size = made.bytes / 1e6
    typer.echo(
        say(
            f"{output}：{made.tiles:,} 个瓦片，{size:.1f} MB",
            f"{output}: {made.tiles:,} tiles, {size:.1f} MB",
        )
    )


def _check_place(output: Path) -> None:
    """Refuse what cannot become an archive before anything is read."""
    if output.suffix != ".pmtiles":
        raise Trouble(
            ExitCode.USAGE,
            f"归档是 PMTiles 文件；请把 {output.name} 改为 .pmtiles 结尾。",
            f"The archive is a PMTiles file; let {output.name} end in .pmtiles.",
        )
    if not output.absolute().parent.is_dir():
        raise Trouble(
            ExitCode.STORAGE,
            f"目录 {output.absolute().parent} 不存在。请先建立，或用 -o 换个位置。",
            f"The folder {output.absolute().parent} is not there. Make it first, "
            "or choose another place with -o.",
        )


def _names(layers: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in layers.split(",") if name.strip()))
    if not names:
        raise Trouble(
            ExitCode.USAGE,
            "请用 --layers 给出图层，例如 buildings,roads。",
            "Name the layers with --layers, as in buildings,roads.",
        )
    return names


@contextmanager
def _writing(output: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as refused:
        raise Trouble(
            ExitCode.STORAGE,
            f"无法写入 {output}：{refused.strerror}。请检查权限，或用 -o 换个位置。",
            f"{output} cannot be written: {refused.strerror}. Check the permissions, "
            "or choose another place with -o.",
        ) from refused
