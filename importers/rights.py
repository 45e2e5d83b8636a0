"""Who may import what: whoever keeps the whole of every layer that the kind fills."""

from __future__ import annotations

from importers.base import Importer
from importers.registry import KINDS
from layers.access import Actor
from layers.problems import Forbidden
from layers.registry import layer
from layers.waiting import keeps


def may_import(actor: Actor, importer: Importer) -> bool:
    """Whether an actor may import a kind.

    A file may bring rows of any body and change all that earlier ones brought: a right over some
    bodies is not enough.
    """
    return all(keeps(actor, layer(name)) for name in importer.layers)


def imported_by(actor: Actor) -> tuple[Importer, ...]:
    """Return the kinds that an actor may import."""
    return tuple(each for each in KINDS if may_import(actor, each))


def refuse_import(actor: Actor, importer: Importer) -> None:
    """Refuse an import to whoever may not do it.

    Raises
    ------
    Forbidden : with the layers that are wanting.
    """
    wanting = [layer(name) for name in importer.layers if not keeps(actor, layer(name))]
    if wanting:
        zh = "、".join(each.title.zh for each in wanting)
        en = ", ".join(each.title.en for each in wanting)
        raise Forbidden(
            zh=f"导入“{importer.title.zh}”须负责以下图层的全部范围：{zh}；请向管理员申请",
            en=f"To import {importer.title.en} one must keep the whole of: {en}; "
            "ask the administrator",
        )
