"""``import``, ``template``, ``db`` and ``token``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onemap.trouble import ExitCode, Trouble, say

if TYPE_CHECKING:
    from onemap.database import Database

Demo = Annotated[
    bool, typer.Option("--demo", help=say("用示例库，而非正式库", "the demo's database instead"))
]
Json = Annotated[bool, typer.Option("--json", help=say("输出 JSON", "print JSON"))]
# Said here and not asked of the importers, which take a second to load; a test holds them equal.
KINDS = (
    "sites", "buildings", "plan", "rooms", "bodies", "persons", "assets", "purchases",
    "vehicles", "tracks", "network", "meters", "factors", "area-standards", "roads", "waters",
    "greens", "blocks", "imagery",
)  # fmt: skip
_KINDS = ", ".join(KINDS)
Kind = Annotated[str, typer.Argument(help=say(f"种类：{_KINDS}", f"what the files hold: {_KINDS}"))]

db_app = typer.Typer(no_args_is_help=True, help=say("数据库", "the database"))
token_app = typer.Typer(no_args_is_help=True, help=say("访问令牌", "access tokens"))


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("import", help=say("导入文件", "import files"))(import_)
    app.command(help=say("写出某种数据的填报表", "write the sheet to fill in for a kind"))(template)
    app.add_typer(db_app, name="db")
    app.add_typer(token_app, name="token")


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


@token_app.command(help=say("新建令牌", "make a token"))
def create(
    name: Annotated[str, typer.Argument(help=say("名称", "its name"))],
    body: Annotated[
        str | None,
        typer.Option(help=say("可见范围：机构代码", "scope: a body's code (source key)")),
    ] = None,
    whole_estate: Annotated[
        bool, typer.Option("--estate", help=say("可见全部", "sees the whole estate"))
    ] = False,
    edit: Annotated[
        bool, typer.Option("--edit", help=say("可编辑其范围", "may change what is in its scope"))
    ] = False,
    demo: Demo = False,
    as_json: Json = False,
) -> None:
    """Make a token and print it once; only its digest is kept."""
    from onemap import tokens
    from onemap.commands.reports import print_json
    from onemap.database import connected
    from onemap.settings import load

    if (body is None) == (not whole_estate):
        raise Trouble(
            ExitCode.USAGE,
            "请给出 --body 机构代码，或 --estate 表示全部，二者取一。",
            "Give either --body with a body's code, or --estate for everything.",
        )
    with connected(load(), demo=demo) as connection:
        secret = tokens.create(connection, name, body=body, edit=edit)
    if as_json:
        print_json({"name": name, "token": secret})
    else:
        typer.echo(secret)


@token_app.command("list", help=say("列出令牌", "list the tokens"))
def list_(demo: Demo = False, as_json: Json = False) -> None:
    """List the tokens; the secrets themselves are not kept."""
    from onemap import tokens
    from onemap.commands.reports import table
    from onemap.database import connected
    from onemap.settings import load

    with connected(load(), demo=demo) as connection:
        rows = tokens.listed(connection)
    table(rows, as_json=as_json)


@token_app.command(help=say("撤销令牌", "revoke a token"))
def revoke(
    name: Annotated[str, typer.Argument(help=say("名称", "its name"))], demo: Demo = False
) -> None:
    """Revoke a token at once."""
    from onemap import tokens
    from onemap.database import connected
    from onemap.settings import load

    with connected(load(), demo=demo) as connection:
        tokens.revoke(connection, name)
