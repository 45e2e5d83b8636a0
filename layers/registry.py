"""`LAYERS`: what is on the map, from the ground up. Everything else comes from this tuple.

Adding a layer is one class, one `Layer`, one migration, and its name here.
"""

from __future__ import annotations

from layers import assets, basemap, energy, estate, fleet, network, people, space, standards
from layers.base import Layer
from layers.history import history_table, tracked_tables
from layers.problems import NotFound

LAYERS: tuple[Layer, ...] = (
    basemap.IMAGERY,
    basemap.BLOCKS,
    basemap.GREENS,
    basemap.WATERS,
    basemap.ROADS,
    estate.SITES,
    estate.BUILDINGS,
    estate.LEVELS,
    space.ROOMS,
    space.OPENINGS,
    space.OCCUPANCIES,
    people.BODIES,
    people.PERSONS,
    network.DUCTS,
    network.NETWORK_LINKS,
    network.NETWORK_NODES,
    assets.ASSETS,
    assets.PURCHASE_REQUESTS,
    energy.METERS,
    energy.READINGS,
    fleet.VEHICLES,
    fleet.TRIPS,
    fleet.STOPS,
    fleet.POSITIONS,
    standards.FACTORS,
    standards.AREA_STANDARDS,
)


# The history of each table stands in the metadata from the start.
for _table in tracked_tables():
    history_table(_table)


def layer(name: str) -> Layer:
    """Return the layer called `name`.

    Raises
    ------
    NotFound : no layer has that name; the message lists those there are.
    """
    for each in LAYERS:
        if each.name == name:
            return each
    known = ", ".join(sorted(each.name for each in LAYERS))
    raise NotFound(
        zh=f"没有名为“{name}”的图层；可用的图层：{known}",
        en=f"There is no layer called '{name}'. The layers are: {known}",
    )
