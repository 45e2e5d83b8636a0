"""Named filters: the counted questions of the workspaces.

`NAMED` is the whole list; the counts, lists, marks on the map, exports and permalinks read it.
"""

from __future__ import annotations

from layers.named import assets, energy, fleet, network, space
from layers.named.base import Column, NamedFilter
from layers.problems import NotFound

NAMED: tuple[NamedFilter, ...] = (
    *assets.NAMED,
    *space.NAMED,
    *energy.NAMED,
    *network.NAMED,
    *fleet.NAMED,
)


def named(name: str) -> NamedFilter:
    """Return the filter called `name`.

    Raises
    ------
    NotFound : none has that name; the message lists those there are.
    """
    for each in NAMED:
        if each.name == name:
            return each
    known = ", ".join(sorted(each.name for each in NAMED))
    raise NotFound(
        zh=f"没有名为“{name}”的问题；可用：{known}",
        en=f"There is no named filter '{name}'. They are: {known}",
    )


__all__ = ["NAMED", "Column", "NamedFilter", "named"]
