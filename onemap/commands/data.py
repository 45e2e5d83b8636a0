"""``import`` and ``template``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onemap.commands.options import Demo, Json
from onemap.trouble import ExitCode, Trouble, say

# Said here and not asked of the importers, which take a second to load; a test holds them equal.
KINDS = (
    "sites", "buildings", "plan", "rooms", "bodies", "persons", "assets", "purchases",
    "vehicles", "tracks", "network", "meters", "factors", "area-standards", "roads", "waters",
    "greens", "blocks", "imagery",
)  # fmt: skip
_KINDS = ", ".join(KINDS)
Kind = Annotated[str, typer.Argument(help=say(f"种类：{_KINDS}", f"what the files hold: {_KINDS}"))]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("import", help=say("导入文件", "import files"))(import_)
    app.command(help=say("写出某种数据的填报表", "write the sheet to fill in for a kind"))(template)


Crs = Annotated[
    str | None,
    typer.Option(
        help=say("坐标系，如 EPSG:4547、GCJ-02、BD-09", "CRS: EPSG:4547, GCJ-02, BD-09, …")
    ),
]
Mapping = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="FIELD=COLUMN", help=say("字段=列名", "which column is which field")
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help=say("该种类的其他设置", "settings of this kind")
    ),
]
Files = Annotated[list[Path], typer.Argument(help=say("文件或目录", "files or folders"))]
Source = Annotated[str | None, typer.Option(help=say("数据集名称", "name of the dataset"))]
Owner = Annotated[
    str | None, typer.Option(help=say("所属机构（代码或名称）", "owning body (code or name)"))
]
Sheet = Annotated[
    str | None, typer.Option(help=say("文件内的图层或工作表", "layer or sheet in the file"))
]
Encoding = Annotated[
    str | None, typer.Option(help=say("文字编码，如 GBK", "encoding of texts, as GBK"))
]
Guess = Annotated[
    bool, typer.Option("--accept-guess", help=say("接受推测的坐标系", "accept a guessed CRS"))
]
Ballpark = Annotated[
    bool,
    typer.Option(
        "--accept-ballpark",
        help=say("接受约百米误差的基准转换", "accept a datum shift that may be 100 m off"),
    ),
]
Queue = Annotated[
    bool,
    typer.Option(
        "--queue",
        help=say("交给后台任务导入，立即返回", "let a worker import them, and return at once"),
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help=say("只检查，不写入", "check only, write nothing"))
]


def import_(
    kind: Kind,
    files: Files,
    crs: Crs = None,
    source: Source = None,
    body: Owner = None,
    mapping: Mapping = None,
    layer: Sheet = None,
    encoding: Encoding = None,
    accept_guess: Guess = False,
    accept_ballpark: Ballpark = False,
    further: Settings = None,
    dry_run: DryRun = False,
    queue: Queue = False,
    demo: Demo = False,
    as_json: Json = False,
) -> None:
    """Import files of one kind; rows that cannot be loaded wait in quarantine with their reason."""
    from importers import pipeline
    from importers.base import Options
    from importers.registry import importer_of
    from layers.db import engine
    from layers.ticks import Ticks
    from onemap.commands.progress import bars
    from onemap.commands.reports import show
    from onemap.database import opened
    from onemap.settings import load

    settings = load()
    importer = importer_of(kind)
    options = Options(
        crs=crs,
        source=source,
        body=body,
        mapping=_pairs("--map", mapping or []),
        layer=layer,
        encoding=encoding,
        timezone=settings.timezone,
        dry_run=dry_run,
        accept_guess=accept_guess,
        accept_ballpark=accept_ballpark,
        data_dir=settings.data_dir,
        extra=_pairs("--set", further or []),
    )
    if queue:
        from onemap.commands.jobs import queued

        queued(importer.kind, files, options, demo=demo, as_json=as_json)
        return
    with opened(settings, demo=demo) as database, bars() as progress:
        made = engine(database.owner_url)
        try:
            options.ticks = Ticks.of(database.ticks)
            report = pipeline.run(importer, files, engine=made, options=options, progress=progress)
        finally:
            made.dispose()
    show(report, as_json=as_json)
    raise typer.Exit(ExitCode.QUARANTINED if report.quarantined else ExitCode.OK)


def _pairs(flag: str, given: list[str]) -> dict[str, str]:
    pairs = {}
    for each in given:
        field, equals, column = each.partition("=")
        if not (field and equals and column):
            raise Trouble(
                ExitCode.USAGE,
                f"{flag} 的写法是 名称=值，收到的是 {each}。",
                f"{flag} takes NAME=VALUE; it was given {each}.",
            )
        pairs[field] = column
    return pairs


def template(
    kind: Kind,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=say("写到何处", "where to write it"))
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help=say("覆盖已有文件", "replace a file that is there"))
    ] = False,
) -> None:
    """Write the sheet of a kind, with Chinese headings and one example row."""
    from importers import sheets
    from importers.registry import importer_of

    importer = importer_of(kind)
    path = output or Path(f"{kind}.xlsx")
    if path.exists() and not force:
        raise Trouble(
            ExitCode.USAGE,
            f"{path} 已存在，未覆盖。请用 -o 换个名字，或加 --force。",
            f"{path} is there already and was left alone. Choose another name with -o, "
            "or add --force.",
        )
    if path.suffix.lower() != ".xlsx":
        raise Trouble(
            ExitCode.USAGE,
            f"填报表是 XLSX 文件；请把 {path.name} 改为 .xlsx 结尾。",
            f"The sheet is an XLSX file; let {path.name} end in .xlsx.",
        )
    sheets.write_template(importer, path)
    typer.echo(str(path))
