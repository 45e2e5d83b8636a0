"""Jobs as they are asked for and told over HTTP: who may ask for what, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, Query, Request

from api.session import Session, actor_of, language_of
from api.tracing import routed
from importers.base import Importer
from importers.registry import importer_of
from importers.rights import may_import
from layers import jobs
from layers.access import Actor
from layers.accounts import Account
from layers.audit import Kind as Act
from layers.audit import note
from layers.audit.noting import read as tells
from layers.base import table_of
from layers.jobs import JobKind, State
from layers.labels import Text
from layers.policy import Role
from layers.problems import Forbidden, NotFound, Unauthorized
from layers.registry import LAYERS

ARCHIVED_BY = (Role.ADMINISTRATOR, Role.ASSET_MANAGER)
"""Who makes archives: they hold public rows alone, but take the machine for minutes."""

PHASES: Mapping[str, Text] = {
    "start": Text("开始", "starting"),
    "read": Text("读取文件", "reading the file"),
    "commit": Text("提交", "committing"),
    "tiles": Text("生成瓦片", "making tiles"),
    "query": Text("查询", "asking the database"),
    "rows": Text("写出各行", "writing rows"),
}
STATES: Mapping[State, Text] = {
    State.WAITING: Text("等待", "waiting"),
    State.RUNNING: Text("进行中", "running"),
    State.DONE: Text("完成", "done"),
    State.FAILED: Text("失败", "failed"),
    State.CANCELLED: Text("已取消", "cancelled"),
}
_NO_LONGER = Text(
    "导入未成功；原因中有文件内容，您已无权导入这类文件，故不再显示。请向管理员申请",
    "The import failed. Why tells what stood in the file, and you may no longer import such files; "
    "ask the administrator",
)
_TOLD = ("id", "kind", "state", "done", "total", "error")
_MOMENTS = ("asked_at", "started_at", "cancel_asked_at", "finished_at")


def refuse_archive(actor: Actor) -> None:
    """Refuse an archive to whoever may not make one.

    Raises
    ------
    Forbidden : the actor is neither administrator nor asset manager of the whole estate.
    """
    if actor.read_only or not any(
        grant.role in ARCHIVED_BY and grant.bodies is None for grant in actor.grants
    ):
        raise Forbidden(
            zh="只有系统管理员或负责全部范围的资产管理员可以生成瓦片归档；请联系他们",
            en="An administrator, or an asset manager of the whole estate, makes tile archives; "
            "ask one of them",
        )


def refuse_strangers(session: Session) -> None:
    """Refuse jobs to whoever is not known: a job is somebody's.

    Raises
    ------
    Unauthorized : nobody signed in, and this is no demo.
    """
    if session.actor.account_id is None and not session.config.anonymous_edits:
        raise Unauthorized(
            zh="请先登录；任务属于提交它的账号",
            en="Sign in first; a job belongs to the account that asks for it",
            reason="sign_in",
        )


def sees_all_jobs(actor: Actor) -> bool:
    """Whether an actor is told of everybody's jobs, without what is in them."""
    return any(grant.role is Role.ADMINISTRATOR for grant in actor.grants)


def is_own(actor: Actor, row: Mapping[str, Any]) -> bool:
    """Whether a job is the actor's own."""
    return row["account_id"] == actor.account_id and not row["by_operator"]


async def found(session: Session, statement: Any, key: int) -> Mapping[str, Any]:
    """Return a job that the session may know of.

    Raises
    ------
    NotFound : there is none, or it is another's.
    """
    row: Mapping[str, Any] | None = await session.fetchrow(statement)
    if row is None or not (is_own(session.actor, row) or sees_all_jobs(session.actor)):
        raise NotFound(
            zh=f"没有编号为 {key} 的任务，或不是您的任务", en=f"There is no job {key} of yours"
        )
    return row


def told(session: Session, row: Mapping[str, Any], read: Any) -> dict[str, Any]:
    """Return a job as its owner is told of it; to an administrator, without what is in it.

    Parameters
    ----------
    read : reads a JSON column.
    """
    own = is_own(session.actor, row)
    arguments, result, error = (read(row[name]) for name in ("arguments", "result", "error"))
    if own and row["kind"] == JobKind.IMPORT:
        result, error = _imported(session.actor, arguments, result, error)
    made: dict[str, Any] = {name: row[name] for name in _TOLD}
    made |= {name: row[name] and row[name].astimezone(session.config.zone) for name in _MOMENTS}
    phase = row["phase"] if row["state"] == State.RUNNING else None
    return made | {
        "own": own,
        "state_title": STATES[State(row["state"])]._asdict(),
        "phase": phase and {"code": phase, **phase_text(phase)._asdict()},
        "title": _title(row["kind"], arguments, own=own)._asdict(),
        "arguments": arguments if own else None,
        "result": result if own else None,
        "error": error if own else None,
        "file": bool(own and result and "file" in result),
    }


def _imported(actor: Actor, arguments: Mapping[str, Any], result: Any, error: Any) -> Any:
    """Return result and error of an import as they are told beside the job.

    They hold what stood in the file, which is for whoever imports such files. Its issues, row by
    row, are in the report alone (``/jobs/{key}/result``).
    """
    importer = _importer(arguments)
    if importer is None or not may_import(actor, importer):
        return None, error and jobs.described("rights", _NO_LONGER)
    if error is not None:
        tells(*importer.layers)
    return result and {name: result[name] for name in result if name != "issues"}, error


def _importer(arguments: Mapping[str, Any]) -> Importer | None:
    """Return of which kind an import was; None: of one that an earlier version knew."""
    try:
        return importer_of(arguments["kind"])
    except NotFound:
        return None


def ask(
    connection: sa.Connection, kind: JobKind, arguments: dict[str, Any], folder: str, **by: Any
) -> int:
    """Put a job into the queue (`layers.jobs.ask`) and record that it was asked for."""
    key = jobs.ask(connection, kind, arguments, folder, **by)
    if kind is JobKind.IMPORT:
        note(connection, Act.IMPORT, "asked", job=key, of=arguments["kind"],
             files=arguments["names"])  # fmt: skip
    else:
        layer = arguments.get("layer")
        note(connection, Act.EXPORT, "asked", layer=layer, job=key, of=kind.value,
             layers=arguments.get("layers"), query=arguments.get("query"))  # fmt: skip
    return key


def cancel(connection: sa.Connection, row: Mapping[str, Any], actor: Actor) -> None:
    """Cancel a job; that it was another's is recorded."""
    if not jobs.cancel(connection, row["id"]) or is_own(actor, row):
        return
    account = table_of(Account)
    mine = sa.select(account.c.login).where(account.c.id == row["account_id"])
    note(
        connection, Act.ADMINISTRATION, act="cancel_job", job=row["id"], of=row["kind"],
        whom=None if row["account_id"] is None else connection.scalar(mine),
        whom_id=row["account_id"],
    )  # fmt: skip


def phase_text(code: str) -> Text:
    """Return a phase in words: those of `PHASES`, or the layer whose table is being written."""
    layer = next((each for each in LAYERS if each.table.name == code), None)
    if layer is None:
        return PHASES.get(code, Text(code, code))
    return Text(f"写入{layer.title.zh}", f"writing {layer.title.en.lower()}")


def _title(kind: str, arguments: Mapping[str, Any], *, own: bool) -> Text:
    titles = {layer.name: layer.title for layer in LAYERS}
    if kind == JobKind.IMPORT:
        name = "、".join(arguments["names"]) if own else arguments["kind"]
        return Text(f"导入 {name}", f"Import {name}")
    if kind == JobKind.REPORT:
        title = titles.get(arguments["layer"], Text(arguments["layer"], arguments["layer"]))
        suffix = arguments["format"].upper()
        return Text(f"导出{title.zh}（{suffix}）", f"Export {title.en} ({suffix})")
    names = [titles[name] for name in arguments["layers"] if name in titles]
    return Text(
        "瓦片归档：" + "、".join(each.zh for each in names),
        "Tile archive: " + ", ".join(each.en for each in names),
    )


async def open_jobs(
    request: Request,
    lang: Annotated[  # noqa: ARG001 - declared for the description; `language_of` reads it
        str | None, Query(description="语言 | language of texts", examples=["zh", "en"])
    ] = None,
) -> Session:
    """Return the session of a request about jobs: they are of now, and of nobody's unit.

    A page that looks how far a job is keeps no sign-in alive by that.
    """
    routed(request.scope)
    state = request.app.state
    used = request.method != "GET"
    actor = await actor_of(request, state.connections, state.config, used=used)
    made = Session(actor, None, language_of(request), state.connections, state.config)
    refuse_strangers(made)
    return made


Asker = Annotated[Session, Depends(open_jobs)]
