"""Who may change what: the fields of a layer that the actor's roles write, of the bodies they hold.

What is refused is told with the reason: a layer, a field, or whose the row is.
"""

from __future__ import annotations

from collections.abc import Iterable

from layers.access import Actor
from layers.base import Layer
from layers.editing.edit import Fault
from layers.fields import title_of
from layers.labels import Text
from layers.policy import ROLES, Role, writes
from layers.problems import Forbidden


def check_editor(actor: Actor) -> None:
    """Refuse an actor who may not edit at all.

    Raises
    ------
    Forbidden : so it is.
    """
    if not actor.edits:
        raise Forbidden(
            zh="您没有编辑权限；请向管理员申请可编辑的角色或令牌",
            en="You may look but not edit; ask the administrator for a role or a token that may",
        )


def check_layer(actor: Actor, layer: Layer, pointer: str) -> None:
    """Refuse to change a layer that none of the actor's roles writes.

    Raises
    ------
    Forbidden : so it is; it names the roles that do.
    """
    if actor.edited(layer):
        return
    roles = [ROLES[role] for role in Role if writes(role, layer) is not None]
    zh = "、".join(role.zh for role in roles) or "无"
    en = ", ".join(role.en for role in roles) or "none"
    raise Forbidden(
        zh=f"您的角色不能修改图层“{layer.title.zh}”；可修改的角色：{zh}",
        en=f"Your role does not change '{layer.name}'; the roles that do: {en}",
        pointer="/" + pointer,
        layer=layer.name,
    )


def check_fields(
    actor: Actor, layer: Layer, pointer: str, fields: Iterable[str | None], *bodies: int | None
) -> None:
    """Refuse to change fields of a row that one of `bodies` owns (None: public), before or after.

    Parameters
    ----------
    fields : columns; None is to make, delete or link rows.

    Raises
    ------
    Forbidden : the actor may not; it tells each field, or that the row is another body's.
    """
    wanted = list(fields)
    refused = [n for n in wanted if not all(actor.may_write(layer, n, body) for body in bodies)]
    if not refused:
        return
    if not any(what.covers(name) for name in refused for what in actor.edited(layer)):
        raise _fields(layer, pointer, refused)
    raise Forbidden(
        zh="只能修改本机构及下级机构所属的对象；公共对象由全域管理员修改",
        en="You may change what your body and those below it own; "
        "what is public is changed by those who see the whole estate",
        pointer="/" + pointer,
    )


def _fields(layer: Layer, pointer: str, refused: list[str | None]) -> Forbidden:
    if None in refused:
        return Forbidden(
            zh=f"您的角色不能新增、删除或关联“{layer.title.zh}”的对象",
            en=f"Your role does not make, delete or link rows of '{layer.name}'",
            pointer="/" + pointer,
            layer=layer.name,
        )
    faults = [_fault(layer, pointer, name) for name in refused if name is not None]
    return Forbidden(
        zh="；".join(fault.text.zh for fault in faults),
        en="; ".join(fault.text.en for fault in faults),
        pointer="/" + pointer,
        errors=faults,
    )


def _fault(layer: Layer, pointer: str, name: str) -> Fault:
    title = Text("几何", "Geometry") if name == "geom" else title_of(layer.table.c[name])
    text = Text(
        f"{title.zh}：您的角色不能修改此字段", f"{title.en}: your role does not change this field"
    )
    place = "geometry" if name == "geom" else f"properties/{name}"
    return Fault(f"{pointer}/{place}", name, text)
