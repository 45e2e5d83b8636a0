"""The whole demo estate in memory, and its counts."""

from __future__ import annotations

from dataclasses import dataclass

from onemap.demo.cables import Cables, build_cables
from onemap.demo.energy import Energy, build_energy
from onemap.demo.fleet import Fleet, build_fleet
from onemap.demo.floors import Floor, Room, build_floors
from onemap.demo.people import People, settle
from onemap.demo.sites import Building, Site, build_sites
from onemap.demo.streets import Town, build_town
from onemap.demo.things import Asset, equip


@dataclass
class Estate:
    """Everything that the files tell, before it is written."""

    seed: int
    scale: float
    town: Town
    sites: list[Site]
    floors: list[Floor]
    people: People
    assets: list[Asset]
    fleet: Fleet
    energy: Energy
    cables: Cables

    @property
    def buildings(self) -> list[Building]:
        """All buildings, by code."""
        return [b for s in self.sites for b in s.buildings]

    @property
    def rooms(self) -> list[Room]:
        """All rooms, building by building."""
        return [r for f in self.floors for r in f.rooms]


def make_estate(seed: int = 1, scale: float = 1.0) -> Estate:
    """Make the estate: the same for the same seed and scale, on any machine.

    Parameters
    ----------
    scale : 1 for some 3,000 rooms; at least 1, since the stories need all of the first twelve
        sites.
    """
    if scale < 1:
        raise ValueError("the scale of the demo estate is at least 1")
    town = build_town(seed, scale)
    sites = build_sites(town, seed, scale)
    floors = [f for s in sites for b in s.buildings for f in build_floors(b, seed)]
    people = settle(floors, seed, scale)
    rooms = [r for f in floors for r in f.rooms]
    return Estate(
        seed, scale, town, sites, floors, people,
        assets=equip(rooms, people, seed, scale),
        fleet=build_fleet(town, sites, [b.code for b in people.bodies], seed, scale),
        energy=build_energy(sites, seed, scale),
        cables=build_cables(town, sites, floors, seed, scale),
    )  # fmt: skip
