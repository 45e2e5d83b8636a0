"""Workspaces: what each role comes to do, as data: its questions, lists, layers and measures.

A workspace changes panels and measures, never the map. One whose layers hold nothing is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

from layers.access import Actor
from layers.labels import Text
from layers.policy import BUSINESS, Role


@dataclass(frozen=True)
class Workspace:
    """The desk of one role.

    Attributes
    ----------
    name : the word of addresses and permalinks.
    roles : whose desk it is.
    filters : the counted questions it opens on, by name; three to six.
    more : further questions, counted when they are asked for.
    lists, layers, measures : by name; `layers` are drawn when it opens, `lists` are offered.
    """

    name: str
    title: Text
    description: Text
    roles: frozenset[Role]
    filters: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()


OVERLOOKING = (Role.ANALYST, Role.VIEWER)
"""Roles that look at everybody's desk."""

WORKSPACES: tuple[Workspace, ...] = (
    Workspace(
        name="assets",
        title=Text("资产", "Assets"),
        description=Text(
            "找得到、对得上、用得好：位置、盘点、保管与闲置",
            "Found, matched and used: places, stocktake, custody and what is idle",
        ),
        roles=frozenset({Role.ASSET_MANAGER, *OVERLOOKING}),
        filters=(
            "assets_without_place",
            "misplaced_assets",
            "assets_of_leavers",
            "idle_assets",
            "purchases_idle_could_serve",
        ),
        lists=("assets", "purchase_requests", "rooms", "persons", "bodies"),
        layers=("assets", "rooms", "buildings", "sites"),
        measures=("asset_count",),
    ),
    Workspace(
        name="space",
        title=Text("办公用房", "Office space"),
        description=Text(
            "谁在哪间房、是否超面积、哪里空置",
            "Who sits where, within what limit, and what is empty",
        ),
        roles=frozenset({Role.PLANNER, *OVERLOOKING}),
        filters=(
            "over_quota_people",
            "unplaced_people",
            "vacant_rooms",
            "leasing_bodies",
            "rooms_to_vacate",
        ),
        more=("over_quota_rooms",),
        lists=("rooms", "persons", "occupancies", "buildings", "levels", "sites", "bodies"),
        layers=("rooms", "levels", "openings", "buildings", "sites"),
        measures=(
            "over_quota",
            "occupancy",
            "usable_area_per_person",
            "vacancy",
            "building_over_quota",
            "building_occupancy",
            "building_usable_area_per_person",
            "building_vacancy",
        ),
    ),
    Workspace(
        name="fleet",
        title=Text("车辆", "Vehicles"),
        description=Text(
            "每辆车现在何处、是否失联、走过哪里",
            "Where each car is now, which is silent, where it has been",
        ),
        roles=frozenset({Role.DISPATCHER, *OVERLOOKING}),
        filters=(
            "silent_cars",
            "moving_cars",
            "cars_at_place",
            "cars_elsewhere",
            "night_trips",
        ),
        # A car needs a fixed place by regulation, and a tracker to be told from a parked one.
        more=("long_stops", "cars_without_place", "cars_never_heard"),
        lists=("vehicles", "trips", "stops", "positions"),
        layers=("positions", "vehicles", "roads", "sites"),
        measures=("km_per_day", "moving_hours_per_day"),
    ),
    Workspace(
        name="energy",
        title=Text("能耗", "Energy"),
        description=Text(
            "用量、强度、碳排放与可疑读数", "Consumption, intensity, carbon and doubtful readings"
        ),
        roles=frozenset({Role.ENERGY_MANAGER, *OVERLOOKING}),
        filters=("meter_anomalies", "silent_meters", "unexplained_meters"),
        lists=("meters", "readings", "buildings", "sites", "factors"),
        layers=("meters", "buildings", "sites"),
        measures=(
            "kgce_per_m2",
            "kgco2_per_m2",
            "kgce_equivalent_per_m2",
            "site_kgce_per_m2",
            "site_kgco2_per_m2",
            "unexplained_share",
        ),
    ),
    Workspace(
        name="network",
        title=Text("网络", "Network"),
        description=Text(
            "哪里断了、影响谁、哪里只有一条路", "What is down, whom it hits, where one way is all"
        ),
        roles=frozenset({Role.NETWORK_OPERATOR, *OVERLOOKING}),
        filters=(
            "failed_nodes",
            "unreachable_nodes",
            "affected_rooms",
            "affected_people",
            "dark_gateways",
        ),
        lists=("network_nodes", "network_links", "ducts"),
        layers=("network_nodes", "network_links", "ducts", "buildings", "sites"),
        measures=("node_state",),
    ),
    Workspace(
        name="cockpit",
        title=Text("驾驶舱", "Cockpit"),
        description=Text(
            "全部问题的计数与关键指标，供大屏观看",
            "The counts of all questions and the key measures, for a wall",
        ),
        roles=frozenset(BUSINESS),
        measures=("building_occupancy", "building_vacancy", "site_kgce_per_m2", "km_per_day"),
    ),
)


def workspaces_of(actor: Actor) -> list[Workspace]:
    """Return the desks of an actor's roles in their order; the public looks at all of them.

    So does who holds no role that works with the estate.
    """
    mine = {grant.role for grant in actor.grants} & set(BUSINESS)
    return [each for each in WORKSPACES if not mine or mine & each.roles]
