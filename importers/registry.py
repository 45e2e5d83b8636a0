"""`IMPORTERS`: every kind that can be imported, by its name and its other names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from importers import features, imagery, records, rooms
from importers.base import Importer
from importers.meters import MetersImporter
from importers.network import NetworkImporter
from importers.plans.importer import PlanImporter
from importers.tracks.importer import TracksImporter
from layers.problems import NotFound

KINDS: tuple[Importer, ...] = (
    features.Sites(),
    features.Buildings(),
    features.Roads(),
    features.Waters(),
    features.Greens(),
    features.Blocks(),
    imagery.Imagery(),
    records.Bodies(),
    records.Persons(),
    rooms.Rooms(),
    records.Assets(),
    records.Purchases(),
    records.Vehicles(),
    records.Factors(),
    records.AreaStandards(),
    PlanImporter(),
    TracksImporter(),
    NetworkImporter(),
    MetersImporter(),
)

IMPORTERS: Mapping[str, Importer] = MappingProxyType(
    {name: each for each in KINDS for name in (each.kind, *each.aliases)}
)


def importer_of(kind: str) -> Importer:
    """Return the importer of a kind.

    Raises
    ------
    NotFound : there is none; the message lists those there are.
    """
    if kind in IMPORTERS:
        return IMPORTERS[kind]
    known = ", ".join(sorted(each.kind for each in KINDS))
    raise NotFound(
        zh=f"没有名为“{kind}”的导入种类；可用：{known}",
        en=f"There is no kind '{kind}'. There are: {known}",
    )
