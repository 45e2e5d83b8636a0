"""Who may see and do what: roles, grants, and what each role reads and writes.

Three duties stand apart (三员分立): an administrator gives access and sees no estate data by that,
an auditor reads the audit alone, and what is done with the estate is done by the business roles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from layers.labels import Text


class Role(StrEnum):
    """What somebody comes to do."""

    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    ASSET_MANAGER = "asset_manager"
    DISPATCHER = "dispatcher"
    PLANNER = "planner"
    ENERGY_MANAGER = "energy_manager"
    NETWORK_OPERATOR = "network_operator"
    ANALYST = "analyst"
    VIEWER = "viewer"
    DEVICE = "device"


ROLES: Final[Mapping[Role, Text]] = {
    Role.ADMINISTRATOR: Text("系统管理员", "Administrator"),
    Role.AUDITOR: Text("安全审计员", "Security auditor"),
    Role.ASSET_MANAGER: Text("资产管理员", "Asset manager"),
    Role.DISPATCHER: Text("车辆调度员", "Vehicle dispatcher"),
    Role.PLANNER: Text("办公用房管理员", "Space planner"),
    Role.ENERGY_MANAGER: Text("节能管理员", "Energy manager"),
    Role.NETWORK_OPERATOR: Text("网络运维员", "Network operator"),
    Role.ANALYST: Text("分析员", "Analyst"),
    Role.VIEWER: Text("查看者", "Viewer"),
    Role.DEVICE: Text("设备", "Device"),
}
"""What each role is called."""

BUSINESS: Final = (
    Role.ASSET_MANAGER,
    Role.DISPATCHER,
    Role.PLANNER,
    Role.ENERGY_MANAGER,
    Role.NETWORK_OPERATOR,
    Role.ANALYST,
    Role.VIEWER,
)
"""The roles that work with the estate; together they see all of it."""


@dataclass(frozen=True, order=True)
class Grant:
    """A role over a subtree of bodies, and perhaps over some layers alone.

    Attributes
    ----------
    bodies : ids of the subtree's bodies, sorted; None is the whole estate.
    layers : names of layers to which the grant is held; None is all that the role works with.
    """

    role: Role
    bodies: tuple[int, ...] | None
    layers: frozenset[str] | None = None


def all_business(bodies: tuple[int, ...] | None) -> tuple[Grant, ...]:
    """Return the grants of whoever does all that is done with the estate, over some bodies."""
    return tuple(Grant(role, bodies) for role in BUSINESS)
