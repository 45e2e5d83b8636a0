"""``backup``, ``restore`` and ``doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onemap.commands.options import Demo, Json
from onemap.trouble import ExitCode, Trouble, say

if TYPE_CHECKING:
    from onemap.database import Database


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(
        help=say(
            "备份全部数据（服务可同时运行）", "keep the whole estate in a file, while it serves"
        )
    )(backup)
    app.command(help=say("从备份恢复", "restore a backup"))(restore)
    app.command(help=say("检查缺什么、如何补齐", "say what is missing here, and how it is mended"))(
        doctor
    )


def backup(
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE|FOLDER]",
            help=say(
                ".zip 文件，或存放备份的目录，没有则建立（默认 ONEMAP_BACKUP_DIR，或数据目录下的 "
                "backups）",
                "a .zip file, or the folder of backups, which is made (default ONEMAP_BACKUP_DIR, "
                "or backups in the data folder)",
            ),
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=say(
                "目录中只留最新的几份", "of the backups in the folder keep so many, the newest"
            ),
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help=say("覆盖已有文件", "replace a file that is there"))
    ] = False,
    demo: Demo = False,
    as_json: Json = False,
) -> None:
    """Write a backup of one moment, verify it, and print where it is."""
    from onemap.backup import making, schedule
    from onemap.commands.progress import bars
    from onemap.commands.reports import print_json
    from onemap.database import opened
    from onemap.settings import load

    settings = load()
    place = _place((target or settings.backups).absolute(), keep, force=force)
    with opened(settings, demo=demo, checked=False) as database:
        try:
            with bars() as progress:
                made = making.make(database, settings.data_dir, place, demo=demo, progress=progress)
        except Trouble as failed:
            if failed.code is not ExitCode.DATABASE:
                _noted(database, "failed", path=str(place), why=failed.en)
            raise
        _noted(
            database, "done", path=str(made.path), bytes=made.bytes,
            seq=made.manifest.seq, made_at=made.manifest.made_at.isoformat(),
        )  # fmt: skip
    forgotten = schedule.forget(place, keep, demo=demo) if keep is not None else []
    for path in made.manifest.missing:
        typer.echo(
            say(
                f"⚠ 影像缺失，备份中没有它：{settings.data_dir / path}",
                f"⚠ a picture is missing and not in the backup: {settings.data_dir / path}",
            ),
            err=True,
        )
    rows = sum(made.manifest.tables.values())
    if as_json:
        told = made.manifest.model_dump(mode="json", exclude={"members"})
        removed = [str(each) for each in forgotten]
        print_json({"path": str(made.path), "bytes": made.bytes, "forgotten": removed, **told})
        return
    typer.echo(
        say(
            f"{made.path}：{rows:,} 行，{len(made.manifest.files)} 个文件，"
            f"{made.bytes / 1e6:.1f} MB，已校验",
            f"{made.path}: {rows:,} rows, {len(made.manifest.files)} files, "
            f"{made.bytes / 1e6:.1f} MB, verified",
        )
    )


def _place(place: Path, keep: int | None, *, force: bool) -> Path:
    """Return where a backup goes; a folder that is to hold backups from now on is made.

    Raises
    ------
    Trouble : a file is there already, or is no folder of which some are to be kept.
    """
    from onemap.backup import schedule

    if not place.exists() and place.suffix.lower() != ".zip":
        schedule.make_folder(place)
    if place.is_file() and not force:
        raise Trouble(
            ExitCode.USAGE,
            f"{place} 已存在，未覆盖。请换个名字，或加 --force。",
            f"{place} is there already and was left alone. Choose another name, or add --force.",
        )
    if keep is not None and not place.is_dir():
        raise Trouble(
            ExitCode.USAGE,
            f"--keep 只用于目录；{place} 不是目录。",
            f"--keep is for a folder; {place} is none.",
        )
    return place


def _noted(database: Database, outcome: str, **details: Any) -> None:
    """Record a backup, where the database has a place for that yet."""
    from layers.audit import Kind
    from onemap import traces

    if traces.is_there(database):
        traces.noted(database, Kind.BACKUP, outcome, **details)


def restore(
    file: Annotated[Path, typer.Argument(help=say("备份文件", "the backup"))],
    replace: Annotated[
        bool,
        typer.Option("--replace", help=say("替换已有的全部数据", "replace all that is there")),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help=say("只校验，不恢复", "verify only, restore nothing"))
    ] = False,
    demo: Demo = False,
    as_json: Json = False,
) -> None:
    """Verify a backup and restore it into an empty estate, whole or not at all."""
    from onemap.backup import bundle
    from onemap.backup.restoring import restore as put
    from onemap.commands.progress import bars
    from onemap.commands.reports import print_json
    from onemap.database import opened
    from onemap.settings import load

    settings = load()
    with bars() as progress, bundle.opened(file, progress) as kept:
        manifest = kept.manifest
        if not check:
            with opened(settings, demo=demo, checked=False) as database:
                put(
                    database,
                    kept,
                    settings.data_dir,
                    demo=demo,
                    replace=replace,
                    external=settings.database_url is not None,
                    progress=progress,
                )
    if as_json:
        print_json(manifest.model_dump(mode="json", exclude={"members"}))
        return
    rows = sum(manifest.tables.values())
    at = f"{manifest.made_at.astimezone(settings.zone):%Y-%m-%d %H:%M:%S}"
    done = say("校验无误", "is sound") if check else say("已恢复", "was restored")
    typer.echo(
        say(
            f"{file}：{at} 的 {rows:,} 行和 {len(manifest.files)} 个文件{done}",
            f"{file}: {rows:,} rows and {len(manifest.files)} files of {at} – {done}",
        )
    )


def doctor(demo: Demo = False, as_json: Json = False) -> None:
    """Look at machine, data folder and database; ends with a status where something must be mended.

    The status is that of the first such thing.
    """
    from onemap.commands.reports import print_json
    from onemap.doctor import State, examine
    from onemap.settings import load

    found = []
    for each in examine(load(), demo=demo):
        found.append(each)
        if not as_json:
            typer.echo(each.line())
    bad = [each for each in found if each.state is State.MEND]
    if as_json:
        print_json({"ok": not bad, "findings": [each.as_dict() for each in found]})
    elif bad:
        typer.echo(say(f"{len(bad)} 项须修复", f"{len(bad)} to be mended"))
    raise typer.Exit(bad[0].code if bad else ExitCode.OK)
