"""Who may see and do what: roles, grants, and what each role reads and writes.

Three duties stand apart (三员分立): an administrator gives access and sees no estate data by that,
an auditor reads the audit alone, and what is done with the estate is done by the business roles.

The tables of this module are the whole policy. Reads take it through `layers.access.rows`, writes
through `layers.editing.scope`; catalogue, workspaces and questions are what it leaves of them, and
docs/security.md prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from layers.base import Layer
from layers.labels import Text
from layers.sharing import Form, Sharing, sharing_of


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


_GROUND: Final = frozenset({"basemap", "estate", "people", "standards"})

ASKED_FOR: Final = frozenset({"persons", "occupancies", "positions", "trips", "stops"})
"""Layers that tell of people and of where cars are: never public, and read by name alone."""

READS: Final[Mapping[Role, frozenset[str]]] = {
    Role.ADMINISTRATOR: frozenset({"bodies"}),
    Role.AUDITOR: frozenset(),
    Role.ASSET_MANAGER: _GROUND | {"assets", "vehicles", "persons", "occupancies"},
    Role.DISPATCHER: _GROUND | {"fleet", "persons", "positions", "trips", "stops"},
    Role.PLANNER: _GROUND | {"persons", "occupancies"},
    Role.ENERGY_MANAGER: _GROUND | {"energy", "persons", "occupancies"},
    Role.NETWORK_OPERATOR: _GROUND | {"network", "persons", "occupancies"},
    Role.ANALYST: _GROUND | {"assets", "fleet", "energy", "network"} | ASKED_FOR,
    Role.VIEWER: _GROUND | {"assets", "fleet", "energy", "network"} | ASKED_FOR,
    Role.DEVICE: frozenset(),
}
"""What each role reads: groups of layers, and layers by name (`ASKED_FOR` are in no group)."""


@dataclass(frozen=True)
class Writes:
    """What a role changes of a layer.

    Attributes
    ----------
    fields : columns, ``geom`` among them; None is all that people edit, and links.
    makes : whether rows are made and deleted.
    """

    fields: frozenset[str] | None = None
    makes: bool = True

    def covers(self, field: str | None) -> bool:
        """Whether a column is changed; None: whether rows are made and deleted, and linked."""
        if field is None:
            return self.makes and self.fields is None
        return self.fields is None or field in self.fields


_ALL: Final = Writes()
_SOME_OF_CARS: Final = Writes(
    frozenset(
        {
            "body_id", "name", "plate", "vehicle_class", "model", "energy", "displacement_l",
            "price_cny", "state",
        }
    ),
    makes=False,
)  # fmt: skip

WRITES: Final[Mapping[Role, Mapping[str, Writes]]] = {
    Role.ADMINISTRATOR: {"bodies": _ALL},
    Role.ASSET_MANAGER: {
        "basemap": _ALL,
        "sites": _ALL,
        "buildings": _ALL,
        "assets": _ALL,
        # The register is the asset manager's, where a car stands and whether it drives is not.
        "vehicles": _SOME_OF_CARS,
    },
    Role.DISPATCHER: {"fleet": _ALL},
    Role.PLANNER: {
        "levels": _ALL,
        "rooms": _ALL,
        "openings": _ALL,
        "occupancies": _ALL,
        "persons": _ALL,
        "area_standards": _ALL,
        "bodies": Writes(frozenset({"headcount"}), makes=False),
    },
    Role.ENERGY_MANAGER: {"energy": _ALL, "factors": _ALL},
    Role.NETWORK_OPERATOR: {"network": _ALL},
}
"""What each role changes, by layer or, where no layer is named, by group of layers."""

SEES: Final[Mapping[Sharing, Mapping[Role, Form]]] = {
    Sharing.IDENTITY: {
        Role.PLANNER: Form.OPEN,
        Role.ASSET_MANAGER: Form.OPEN,
        Role.DISPATCHER: Form.OPEN,
        Role.ENERGY_MANAGER: Form.MASKED,
        Role.NETWORK_OPERATOR: Form.MASKED,
        Role.ANALYST: Form.MASKED,
        Role.VIEWER: Form.MASKED,
    },
    Sharing.CONTACT: {
        Role.PLANNER: Form.OPEN,
        Role.DISPATCHER: Form.OPEN,
        Role.ASSET_MANAGER: Form.MASKED,
        Role.NETWORK_OPERATOR: Form.MASKED,
    },
    # The area that a person may have goes by rank: whoever reads that question reads ranks.
    Sharing.POST: {
        Role.PLANNER: Form.OPEN,
        Role.ANALYST: Form.OPEN,
        Role.VIEWER: Form.OPEN,
    },
    Sharing.PLATE: {
        Role.DISPATCHER: Form.OPEN,
        Role.ASSET_MANAGER: Form.OPEN,
        Role.VIEWER: Form.OPEN,
        Role.ANALYST: Form.MASKED,
    },
    Sharing.LOCATION: {
        Role.DISPATCHER: Form.OPEN,
        Role.ANALYST: Form.COARSE,
        Role.VIEWER: Form.COARSE,
    },
    Sharing.TRACK: {Role.DISPATCHER: Form.OPEN},
    Sharing.NETWORK: {Role.NETWORK_OPERATOR: Form.OPEN},
}
"""In which form a role sees a class of fields; whoever is not named sees `OTHERWISE`."""

OTHERWISE: Final[Mapping[Sharing, Form]] = {
    Sharing.IDENTITY: Form.MASKED,
    Sharing.PLATE: Form.MASKED,
}
"""What of a class is left to roles that are not named, and to the public; else it is hidden."""


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

    def names(self, layer: Layer) -> bool:
        """Whether the grant is about a layer at all."""
        return self.layers is None or layer.name in self.layers


def all_business(bodies: tuple[int, ...] | None) -> tuple[Grant, ...]:
    """Return the grants of whoever does all that is done with the estate, over some bodies."""
    return tuple(Grant(role, bodies) for role in BUSINESS)


def normal(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Return the same grants, one for each role and set of layers, in one order."""
    found: dict[tuple[Role, tuple[str, ...] | None], set[int] | None] = {}
    for grant in grants:
        key = (grant.role, None if grant.layers is None else tuple(sorted(grant.layers)))
        held = found.get(key, set())
        whole = grant.bodies is None or held is None
        found[key] = None if whole else {*(held or ()), *(grant.bodies or ())}
    made = [
        Grant(
            role,
            None if bodies is None else tuple(sorted(bodies)),
            None if layers is None else frozenset(layers),
        )
        for (role, layers), bodies in found.items()
    ]
    return tuple(sorted(made, key=lambda g: (g.role, sorted(g.layers or ()), g.layers is None)))


def public(layer: Layer) -> bool:
    """Whether anybody sees the rows of a layer that belong to no body."""
    return layer.name not in ASKED_FOR


def reads(role: Role, layer: Layer) -> bool:
    """Whether a role reads a layer."""
    known = READS[role]
    return layer.name in known or (layer.group in known and layer.name not in ASKED_FOR)


def writes(role: Role, layer: Layer) -> Writes | None:
    """Return what a role changes of a layer, None where it is nothing."""
    known = WRITES.get(role, {})
    return known.get(layer.name) or known.get(layer.group)


def form_of(role: Role | None, sharing: Sharing) -> Form:
    """Return in which form a role sees a class of fields; None is the public."""
    otherwise = OTHERWISE.get(sharing, Form.HIDDEN)
    return otherwise if role is None else SEES[sharing].get(role, otherwise)


Masks = tuple[tuple[str, Form], ...]
"""The columns that are not seen as they are, in the order of their names."""


@lru_cache(maxsize=1024)
def masks(role: Role | None, layer: Layer) -> Masks:
    """Return which columns of a layer a role (None: the public) does not see as they are."""
    found = []
    for column in layer.table.c:
        sharing = sharing_of(column)
        if sharing is not None and (form := form_of(role, sharing)) is not Form.OPEN:
            found.append((column.name, form))
    return tuple(sorted(found))


@dataclass(frozen=True)
class Reach:
    """One way to the rows of a layer: whose they are, and what of them is not seen as it is.

    Attributes
    ----------
    slots : which of the actor's sets of bodies; none is what belongs to no body; None the estate.
    """

    slots: frozenset[int] | None
    masks: Masks

    def covers(self, other: Reach) -> bool:
        """Whether whatever is seen by `other` is seen by this one, and at least as well."""
        if self.slots is not None and (other.slots is None or not self.slots >= other.slots):
            return False
        theirs = dict(other.masks)
        return all(form <= theirs.get(name, Form.OPEN) for name, form in self.masks)


def slots_of(grants: Iterable[Grant]) -> list[tuple[int, ...]]:
    """Return the different sets of bodies of some grants; a slot is a place in this list."""
    return sorted({grant.bodies for grant in grants if grant.bodies is not None})


@lru_cache(maxsize=4096)
def reaches(grants: tuple[Grant, ...], layer: Layer) -> tuple[Reach, ...]:
    """Return by which ways the rows of a layer are seen: as few as tell it all, none for nothing.

    Parameters
    ----------
    grants : as `normal` gives them.
    """
    slots = {bodies: place for place, bodies in enumerate(slots_of(grants))}
    found: dict[Masks, frozenset[int] | None] = {}
    if public(layer):
        found[masks(None, layer)] = frozenset()
    for grant in grants:
        if not reads(grant.role, layer) or not grant.names(layer):
            continue
        hidden = masks(grant.role, layer)
        known = found.get(hidden, frozenset())
        found[hidden] = (
            None if known is None or grant.bodies is None else known | {slots[grant.bodies]}
        )
    ways = [Reach(bodies, hidden) for hidden, bodies in found.items()]
    kept = [
        way
        for place, way in enumerate(ways)
        if not any(
            other.covers(way) and (not way.covers(other) or before < place)
            for before, other in enumerate(ways)
            if other is not way
        )
    ]
    # The most open first: of a row that several show, each field is taken from the first.
    return tuple(sorted(kept, key=lambda way: (sum(f for _, f in way.masks), way.masks)))


def narrowed(grants: Iterable[Grant], bodies: set[int]) -> tuple[Grant, ...]:
    """Return what is left of grants within some bodies."""
    made = []
    for grant in grants:
        held = bodies if grant.bodies is None else bodies & set(grant.bodies)
        if held:
            made.append(replace(grant, bodies=tuple(sorted(held))))
    return tuple(made)


def answers(grant: Grant | None, rests: Iterable[tuple[Layer, str | None]]) -> bool:
    """Whether a grant (None: the public) shows all that a question rests on, as it is.

    Parameters
    ----------
    rests : layers, and where a column of it may not be masked, its name.
    """
    for layer, column in rests:
        read = grant is not None and reads(grant.role, layer) and grant.names(layer)
        if not read and not public(layer):
            return False
        if column in dict(masks(grant.role if grant is not None and read else None, layer)):
            return False
    return True
