"""In whose name a job is done: the rights of its asker at the time at which it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from layers import bearers
from layers.access import ESTATE, VISITOR, Actor
from layers.problems import Forbidden

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


def _nobody() -> Forbidden:
    return Forbidden(
        zh="提交此任务的账号已停用，或所用令牌已撤销；未作任何改动",
        en="The account that asked for this job is disabled, or its token was revoked; "
        "nothing was done",
        reason="asker",
    )
