"""Who may change what: an actor who edits, and what the actor's bodies own."""

from __future__ import annotations

from typing import Any

from layers.access import Actor
from layers.problems import Forbidden


def check_editor(actor: Actor) -> None:
    """Refuse an actor who may not edit at all.

    Raises
    ------
    Forbidden : so it is.
    """
    if not actor.edits:
        raise Forbidden(
            zh="您没有编辑权限；请向管理员申请可编辑的令牌",
            en="You may look but not edit; ask the administrator for a token that may",
        )


def check_owner(actor: Actor, pointer: str, *bodies: Any) -> None:
    """Refuse to change what one of `bodies` owns (None: what is public), before or after.

    Raises
    ------
    Forbidden : one of them is not in the actor's scope.
    """
    if actor.bodies is None or all(body in actor.bodies for body in bodies):
        return
    raise Forbidden(
        zh="只能修改本机构及下级机构所属的对象；公共对象由全域管理员修改",
        en="You may change what your body and those below it own; "
        "what is public is changed by those who see the whole estate",
        pointer="/" + pointer,
    )
