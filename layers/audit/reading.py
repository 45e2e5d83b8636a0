"""Reading what is sealed: by page, filtered, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from layers.audit.sealing import RECORD, SEAL, WAITING
from layers.audit.tables import Kind
from layers.labels import Text
from layers.registry import LAYERS

KINDS: Final[Mapping[Kind, Text]] = {
    Kind.SIGN_IN: Text("登录", "Sign-in"),
    Kind.SIGN_OUT: Text("退出", "Sign-out"),
    Kind.REFUSAL: Text("拒绝", "Refusal"),
    Kind.READ: Text("查看敏感数据", "Read of sensitive data"),
    Kind.EXPORT: Text("导出", "Export"),
    Kind.CHANGE: Text("修改数据", "Change"),
    Kind.ADMINISTRATION: Text("账号与授权", "Accounts and grants"),
    Kind.IMPORT: Text("导入", "Import"),
    Kind.BACKUP: Text("备份", "Backup"),
    Kind.RESTORE: Text("恢复", "Restore"),
    Kind.PRUNE: Text("清理", "Pruning"),
    Kind.VERIFY: Text("校验", "Verification"),
    Kind.DROPPED: Text("未能记录", "Not recorded"),
}
"""What each kind of record is called."""

OUTCOMES: Final[Mapping[str, Text]] = {
    "done": Text("完成", "done"),
    "asked": Text("已提交", "asked for"),
    "ok": Text("已应答", "answered"),
    "in": Text("登录成功", "came in"),
    "wrong": Text("口令或账号不正确", "wrong name or password"),
    "locked": Text("已锁定", "locked"),
    "code_needed": Text("待动态口令", "code wanted"),
    "code_wrong": Text("动态口令不正确", "wrong code"),
    "unknown": Text("凭据无效", "unknown credential"),
    "forbidden": Text("无权限", "forbidden"),
    "too_many": Text("过于频繁", "too many requests"),
    "not_found": Text("未找到", "not found"),
    "refused": Text("未予应答", "not answered"),
    "failed": Text("失败", "failed"),
    "faults": Text("发现问题", "faults found"),
}
"""What each outcome is called."""


@dataclass(frozen=True)
class Asked:
    """Which records are asked for; what is None does not narrow.

    Attributes
    ----------
    since, until : from when, and until before when.
    text : in account, address, route, request or details.
    """

    since: datetime | None = None
    until: datetime | None = None
    account: str | None = None
    kind: Kind | None = None
    outcome: str | None = None
    layer: str | None = None
    text: str | None = None


def _conditions(asked: Asked) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if asked.since is not None:
        found.append(RECORD.c.at >= asked.since)
    if asked.until is not None:
        found.append(RECORD.c.at < asked.until)
    if asked.account:
        found.append(RECORD.c.account == asked.account)
    if asked.kind is not None:
        found.append(RECORD.c.kind == asked.kind.value)
    if asked.outcome:
        found.append(RECORD.c.outcome == asked.outcome)
    if asked.layer:
        found.append(sa.or_(RECORD.c.layer == asked.layer, _changed(asked.layer)))
    if asked.text:
        places = (RECORD.c.account, RECORD.c.address, RECORD.c.route, RECORD.c.request,
                  sa.cast(RECORD.c.details, sa.Text))  # fmt: skip
        found.append(sa.or_(*(each.icontains(asked.text, autoescape=True) for each in places)))
    return found


def _changed(layer: str) -> sa.ColumnElement[bool]:
    """Whether a change set touched the table of a layer."""
    table = next((each.table.name for each in LAYERS if each.name == layer), layer)
    touched = RECORD.c.details["tables"].op("?", is_comparison=True)(sa.literal(table, sa.Text))
    return sa.and_(RECORD.c.kind == Kind.CHANGE.value, touched)


def records(asked: Asked, most: int | None = None, before: int | None = None) -> sa.Select[Any]:
    """Return the statement of sealed records, the newest first.

    Parameters
    ----------
    before : a number: only what was sealed before it (the page that follows).
    """
    query = sa.select(RECORD).where(*_conditions(asked)).order_by(RECORD.c.number.desc())
    if before is not None:
        query = query.where(RECORD.c.number < before)
    return query if most is None else query.limit(most)


def state() -> sa.Select[Any]:
    """Return the statement of how the record stands.

    One row: number and time of the newest sealed record, how many wait, and time, outcome and
    faults of the last verification.
    """
    newest = sa.select(SEAL.c.last, SEAL.c.sealed_at).order_by(SEAL.c.batch.desc()).limit(1)
    checked = (
        sa.select(RECORD.c.at, RECORD.c.outcome, RECORD.c.details)
        .where(RECORD.c.kind == Kind.VERIFY.value)
        .order_by(RECORD.c.number.desc())
        .limit(1)
    )
    seal, check = newest.subquery("seal"), checked.subquery("checked")
    waiting = sa.select(sa.func.count(WAITING.c.id)).scalar_subquery()
    one = sa.select(sa.literal_column("1").label("one")).subquery("one")
    return sa.select(
        seal.c.last,
        seal.c.sealed_at,
        waiting.label("waiting"),
        check.c.at.label("verified_at"),
        check.c.outcome.label("verified"),
        check.c.details.label("verified_details"),
    ).select_from(one.outerjoin(seal, sa.true()).outerjoin(check, sa.true()))
