"""``audit``: verifying, exporting and pruning what is recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onemap.commands.options import Demo, Json, moment_of
from onemap.trouble import ExitCode, Trouble, say

if TYPE_CHECKING:
    from layers.audit.verifying import Verified
    from onemap.database import Database

audit_app = typer.Typer(no_args_is_help=True, help=say("审计记录", "audit records"))

SHOWN = 100


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(audit_app, name="audit")


@audit_app.command(
    help=say("校验审计记录是否被改动", "verify that no audit record was changed, removed or added")
)
def verify(demo: Demo = False, as_json: Json = False) -> None:
    """Compare all records with their seals and say what is wrong where; the outcome is recorded.

    What waits is sealed only then, so that nothing is written before it was looked at.
    """
    from layers.audit import Kind
    from onemap import traces
    from onemap.commands.reports import print_json
    from onemap.database import opened
    from onemap.settings import load

    settings = load()
    with opened(settings, demo=demo) as database:
        with _files_told():
            faults, seen = _verified(database)
        outcome = "faults" if seen.faults else "done"
        traces.noted(
            database, Kind.VERIFY, outcome, records=seen.records, last=seen.last, faults=seen.faults
        )
        traces.sealed(database)
    if as_json:
        told = {name: getattr(seen, name) for name in seen.__dataclass_fields__}
        print_json({**told, "found": faults})
    else:
        _print(faults, seen)
    if seen.faults:
        raise typer.Exit(ExitCode.TAMPERED)


@contextlib.contextmanager
def _files_told() -> Iterator[None]:
    """Tell a file that is no key, or a head that is none, as what it is."""
    try:
        yield
    except ValueError as wrong:
        raise Trouble(
            ExitCode.TAMPERED, f"钥匙或进度文件无法识别：{wrong}", f"Not to be read: {wrong}"
        ) from wrong


def _verified(database: Database) -> tuple[list[dict[str, Any]], Verified]:
    """Return the first faults, and how much was looked at."""
    from layers.audit.verifying import Verifier
    from onemap import traces

    assert database.trail is not None
    shown: list[dict[str, Any]] = []
    with traces.owner(database) as engine, engine.connect() as link:
        connection = link.execution_options(isolation_level="REPEATABLE READ")
        verifier = Verifier(connection, database.trail.keys, database.trail.head)
        for fault in verifier.faults():
            if len(shown) < SHOWN:
                shown.append(
                    {
                        "wrong": fault.wrong.value,
                        "batch": fault.batch,
                        "first": fault.first,
                        "last": fault.last,
                        "text": say(fault.text.zh, fault.text.en),
                    }
                )
    return shown, verifier.seen


def _print(faults: list[dict[str, Any]], seen: Verified) -> None:
    for each in faults:
        typer.echo(f"✗ {each['text']}", err=True)
    if seen.faults > len(faults):
        rest = seen.faults - len(faults)
        typer.echo(say(f"…另有 {rest} 处", f"… and {rest} more"), err=True)
    if seen.headless:
        typer.echo(
            say(
                "⚠ 本机没有封存进度文件，无法判断末尾是否被截断",
                "⚠ this host has no file of how far was sealed: a cut end would not be found",
            ),
            err=True,
        )
    if seen.pruned_to is not None:
        typer.echo(
            say(f"第 {seen.pruned_to} 条及以前已清理", f"up to record {seen.pruned_to} pruned")
        )
    if seen.waiting:
        typer.echo(
            say(
                f"另有 {seen.waiting:,} 条尚未封存，未校验",
                f"{seen.waiting:,} more are not sealed yet and were not verified",
            )
        )
    state = (
        say(f"发现 {seen.faults} 处问题", f"{seen.faults} faults")
        if seen.faults
        else say("全部无误", "all sound")
    )
    typer.echo(
        say(
            f"{seen.batches:,} 批 {seen.records:,} 条记录：{state}",
            f"{seen.records:,} records in {seen.batches:,} batches: {state}",
        )
    )


@audit_app.command(
    help=say(
        "确认已查明末尾被截断的原因，此后校验不再报告",
        "say that a cut end is known, so that verifying no longer tells of it",
    )
)
def acknowledge(
    reason: Annotated[
        str, typer.Argument(help=say("查明的原因，会被记录", "what was found out; it is recorded"))
    ],
    demo: Demo = False,
) -> None:
    """Record that somebody knows why the end had been cut off, and of what; then forget the cut."""
    from layers.audit import Kind
    from onemap import traces
    from onemap.database import opened
    from onemap.settings import load

    if not reason.strip():
        raise Trouble(ExitCode.USAGE, "请写明原因。", "Say why.")
    with opened(load(), demo=demo) as database:
        assert database.trail is not None
        head = database.trail.head
        with _files_told():
            traces.sealed(database)  # which finds a cut that nobody has met yet
            cuts = () if head is None else head.cuts()
        if head is None or not cuts:
            raise Trouble(
                ExitCode.USAGE,
                "没有待确认的截断。见 onemap audit verify。",
                "No cut end waits to be acknowledged. See onemap audit verify.",
            )
        for each in cuts:
            traces.noted(
                database, Kind.ADMINISTRATION, act="acknowledge_cut", batch=each.batch,
                mac=each.mac, reason=reason,
            )  # fmt: skip
        traces.sealed(database)
        head.acknowledge(cuts)
    for each in cuts:
        typer.echo(say(f"已确认：批次 {each.batch}", f"Acknowledged: batch {each.batch}"))


From = Annotated[
    str | None, typer.Option("--from", help=say("从何时，如 2026-10-01", "from, as 2026-10-01"))
]
To = Annotated[
    str | None, typer.Option("--to", help=say("到何时之前", "until before, as 2026-11-01"))
]


@audit_app.command(help=say("导出审计记录", "export audit records"))
def export(
    file: Annotated[Path, typer.Argument(help=say(".csv 或 .xlsx 文件", "a .csv or .xlsx file"))],
    since: From = None,
    until: To = None,
    demo: Demo = False,
) -> None:
    """Write the sealed records into a CSV or XLSX, the newest first; the export is recorded."""
    from layers.audit import Kind
    from layers.audit.reading import Asked
    from onemap import traces
    from onemap.database import opened
    from onemap.settings import load

    settings = load()
    if file.suffix.lower() not in {".csv", ".xlsx"}:
        raise Trouble(
            ExitCode.USAGE,
            f"{file} 的扩展名应为 .csv 或 .xlsx。",
            f"{file}: the name must end in .csv or .xlsx.",
        )
    asked = Asked(moment_of("--from", since), moment_of("--to", until))
    with opened(settings, demo=demo) as database:
        traces.sealed(database)
        traces.noted(database, Kind.EXPORT, layer="audit", file=file.name, since=since, until=until)
        with traces.owner(database) as engine, engine.connect() as connection:
            count = traces.written(connection, file, asked, settings.language.value, settings.zone)
    typer.echo(say(f"{file}：{count:,} 条", f"{file}: {count:,} records"))


@audit_app.command(help=say("清理过期的审计记录", "forget records that were kept long enough"))
def prune(
    older_than: Annotated[
        int | None,
        typer.Option(
            "--older-than",
            metavar="DAYS",
            min=180,
            help=say(
                "多少天以前的，至少 180（默认 ONEMAP_AUDIT_DAYS）",
                "of more than so many days ago, 180 at least (default ONEMAP_AUDIT_DAYS)",
            ),
        ),
    ] = None,
    demo: Demo = False,
) -> None:
    """Verify, drop whole batches that are older, and leave a mark at which verifying begins."""
    from datetime import UTC, datetime, timedelta

    from layers.audit import pruning
    from onemap import traces
    from onemap.database import opened
    from onemap.settings import load

    settings = load()
    days = older_than or settings.audit_days
    with opened(settings, demo=demo) as database:
        assert database.trail is not None
        with _files_told():
            _, seen = _verified(database)
        if seen.faults:
            traces.sealed(database)
            raise Trouble(
                ExitCode.TAMPERED,
                f"审计记录有 {seen.faults} 处问题，未清理。请先运行 onemap audit verify 查明。",
                f"{seen.faults} faults were found: nothing was pruned. Run onemap audit verify "
                "and find out first.",
            )
        now = datetime.now(UTC)
        with traces.owner(database) as engine, engine.begin() as connection:
            done = pruning.prune(connection, database.trail.keys, now - timedelta(days=days), now)
        traces.sealed(database)
    typer.echo(
        say(
            f"已清理 {days} 天以前的 {done.records:,} 条记录（{done.batches:,} 批）",
            f"Forgot {done.records:,} records ({done.batches:,} batches) of more than {days} days "
            "ago",
        )
    )
