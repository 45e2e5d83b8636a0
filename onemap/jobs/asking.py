"""In whose name a job is done: the rights of its asker at the time at which it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from layers import bearers
from layers.access import ESTATE, VISITOR, Actor
from layers.accounts import Account
from layers.audit import Origin
from layers.base import table_of
from layers.jobs import JobKind
from layers.problems import Forbidden
from onemap.traces import command

if TYPE_CHECKING:
    from onemap.jobs.child import Task


def actor_of(task: Task) -> Actor:
    """Return who asks for a job, with what he is granted now.

    Raises
    ------
    Forbidden : the account is disabled, or the token with which it was asked for was revoked.
    """
    row = task.row
    if row.by_operator:
        return ESTATE
    if row.account_id is None:
        if task.handed["demo"]:
            return VISITOR
        raise _nobody()
    now = datetime.now(UTC)
    with task.engine.connect() as connection:
        bearer = bearers.now_of(connection, row.account_id, row.token_id, now)
    if bearer is None:
        raise _nobody()
    return bearer.actor(now)


ROUTES = {
    JobKind.IMPORT: "/jobs/imports", JobKind.ARCHIVE: "/jobs/archives",
    JobKind.REPORT: "/jobs/exports",
}  # fmt: skip
"""At which address each kind of job is asked for."""


def origin_of(task: Task) -> Origin:
    """Return as whose act is recorded what a job does: from where it was asked the asking tells."""
    row = task.row
    if row.by_operator:
        return command("import")
    login = None
    if row.account_id is not None:
        account = table_of(Account)
        with task.engine.connect() as connection:
            login = connection.scalar(
                sa.select(account.c.login).where(account.c.id == row.account_id)
            )
    return Origin(
        account_id=row.account_id,
        account=login,
        bearer=None if row.token_id is None else f"token:{row.token_id}",
        route=ROUTES[JobKind(row.kind)],
    )


def _nobody() -> Forbidden:
    return Forbidden(
        zh="提交此任务的账号已停用，或所用令牌已撤销；未作任何改动",
        en="The account that asked for this job is disabled, or its token was revoked; "
        "nothing was done",
        reason="asker",
    )
