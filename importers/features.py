"""Buildings and the base map: one importer for whatever GDAL reads, an instance per layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from importers import gdal, sheets
from importers.base import ATTRIBUTE, FILE, NAME_IN, ROW, Found, Importer, Issue, Options, Target
from importers.columns import guess
from importers.messages import message
from importers.parents import buildings_into_sites, sites_of
from importers.places import points
from layers.base import Feature
from layers.basemap import Block, Green, Road, Water
from layers.changes import ChangeSet
from layers.estate import Building, Site
from layers.labels import Text

# Columns that name a row in common files, the surest first; two together are joined.
_KEYS: tuple[tuple[str, ...], ...] = (
    ("element", "id"), ("element_type", "osmid"), ("@id",), ("osm_id",), ("osmid",), ("full_id",),
    ("globalid",), ("uuid",), ("gml_id",), ("id",), ("fid",), ("objectid",), ("编号",), ("序号",),
)  # fmt: skip
_SHEETS = (".csv", ".xlsx", ".xlsm")


class FeatureImporter(Importer):
    """Reads map features of one layer; subclasses say which, and which OSM tags make it."""

    model: ClassVar[type[Feature]]
    suffixes: ClassVar[tuple[str, ...]] = (
        ".gpkg",
        ".geojson",
        ".json",
        ".shp",
        ".pbf",
        ".osm",
        ".fgb",
        ".kml",
        ".gml",
    )
    osm_layers: ClassVar[tuple[str, ...]] = ("multipolygons",)
    osm_tags: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    words: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    natural: ClassVar[str | None] = None

    def read(self, files: Sequence[Path], options: Options) -> Found:
        """Read each file as features; sheets without geometry are read as such."""
        found: Found | None = None
        for path in files:
            one = self._read_one(path, options)
            if found is None:
                found = one
                continue
            found.issues += one.issues
            frames = [found.targets[0].frame, one.targets[0].frame]
            found.targets[0].frame = pd.concat(frames, ignore_index=True)
        assert found is not None
        return found

    def _read_one(self, path: Path, options: Options) -> Found:
        if path.suffix.lower() in _SHEETS:
            return sheets.found(self.model, path, options, unique=(), natural=self.natural)
        read = gdal.read(path, options, self.osm_layers)
        frame, issues = read.frame, self._remarks(path, read)
        if gdal.is_osm(path):
            frame = self._chosen(frame)
        mapping = guess(gdal.texts(frame), self.model, options.mapping)
        for axis in ("lon", "lat"):
            if (heading := mapping.fields.pop(axis, None)) is not None:
                mapping.rest.append(heading)
        made = self._named(frame, mapping.fields, mapping.rest)
        made[FILE], made[ROW] = path.name, np.arange(1, len(frame) + 1)
        keys, rule = self._keys(frame, made, mapping.fields)
        made["source_key"] = keys
        target = Target(
            self.model,
            made,
            lenient=True,
            geometry_required=True,
            key_rule=rule,
            choices=self.words,
        )
        return Found([target], issues, dict(mapping.fields), list(mapping.rest))

    def sheet(self) -> list[sheets.Field]:
        """Return the columns of the template, where the kind is read from sheets too."""
        if not set(_SHEETS) <= set(self.suffixes):
            return super().sheet()
        made = sheets.fields(self.model)
        named = {"name": f"示例{self.title.zh}"}
        return [
            replace(
                f, required=f.required or f.name == self.natural,
                example=named.get(f.name, f.example),
            )
            for f in made
        ]  # fmt: skip

    def _remarks(self, path: Path, read: gdal.Read) -> list[Issue]:
        made = []
        if read.ignored:
            text = message("points_ignored", value="、".join(read.ignored), kind=self.kind)
            made.append(Issue(path.name, None, None, ", ".join(read.ignored), "points_ignored",
                              text.zh, text.en, "noted"))  # fmt: skip
        if read.encoding and read.encoding != "UTF-8":
            text = message("encoding_decided", value=read.encoding)
            made.append(Issue(path.name, None, None, read.encoding, "encoding_decided",
                              text.zh, text.en, "noted"))  # fmt: skip
        return made

    def _chosen(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Keep the elements whose tags make them this layer's."""
        wanted = pd.Series(False, index=frame.index)
        for tag, values in self.osm_tags.items():
            if tag in frame:
                said = frame[tag].notna() & (frame[tag] != "no")
                wanted |= said & frame[tag].isin(values) if values else said
        return frame[wanted].dropna(axis="columns", how="all").reset_index(drop=True)

    def _named(
        self, frame: gpd.GeoDataFrame, fields: Mapping[str, str], rest: Sequence[str]
    ) -> gpd.GeoDataFrame:
        """Return the columns under the names of the model; the rest under ``attributes.``."""
        made: dict[str, Any] = {name: frame[heading] for name, heading in fields.items()}
        for heading in [*rest, *fields.values()]:
            values = frame[heading]
            if heading.startswith(("name:", "name_")) and len(heading) > 5:
                made[NAME_IN + heading[5:]] = values
            elif heading in rest and not values.isna().all():
                made[ATTRIBUTE + heading] = values
        for field, heading in fields.items():
            if field in self.words:
                made[ATTRIBUTE + heading] = frame[heading]
        return gpd.GeoDataFrame(made | {"geom": frame["geom"]}, geometry="geom", crs=frame.crs)

    def _keys(
        self, frame: gpd.GeoDataFrame, made: gpd.GeoDataFrame, fields: Mapping[str, str]
    ) -> tuple[pd.Series[Any], Text]:
        """Return what names each row, and the rule in words."""
        if "source_key" in fields:
            heading = fields["source_key"]
            return made["source_key"].astype("str"), Text(f"列 {heading}", f"column {heading}")
        there = {str(name).casefold(): str(name) for name in frame.columns}
        options = [tuple(there[k] for k in keys) for keys in _KEYS if all(k in there for k in keys)]
        if self.natural in fields:
            options.append((fields[str(self.natural)],))
        for headings in options:
            parts = [frame[h].astype("str") for h in headings]
            key = parts[0] if len(parts) == 1 else parts[0].str.cat(parts[1:], sep="/")
            if key.notna().all() and key.is_unique:
                said = " + ".join(headings)
                return key, Text(f"列 {said}", f"column {said}")
        return _hashed(frame, made), Text("几何与名称的散列", "hash of geometry and name")


def _hashed(frame: gpd.GeoDataFrame, made: gpd.GeoDataFrame) -> pd.Series[Any]:
    shapes = shapely.to_wkb(np.asarray(frame["geom"].array, dtype=object), byte_order=1)
    place = pd.util.hash_array(np.array([each or b"" for each in shapes], dtype=object))
    name = made["name"].astype("str").fillna("") if "name" in made else pd.Series("", frame.index)
    mixed = place ^ (
        pd.util.hash_array(name.to_numpy(dtype=object)) * np.uint64(0x9E3779B97F4A7C15)
    )
    return pd.Series([f"{each:016x}" for each in mixed.tolist()], index=frame.index, dtype="str")


class Buildings(FeatureImporter):
    """Footprints of buildings; as a sheet also buildings whose place is not known."""

    kind, title = "buildings", Text("建筑", "Buildings")
    description = Text(
        "GDAL 能读的面文件或 OSM 数据；没有图形的建筑可用表格",
        "whatever GDAL reads as areas, or OSM data; buildings without a shape as a sheet",
    )
    layers, aliases = ("buildings",), ("building",)
    model, natural = Building, "code"
    suffixes: ClassVar[tuple[str, ...]] = (*FeatureImporter.suffixes, *_SHEETS)
    osm_tags: ClassVar[Mapping[str, tuple[str, ...]]] = {"building": ()}
    words: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "use": {
            "government": "office",
            "public": "service",
            "civic": "service",
            "yes": "other",
            "apartments": "residential",
            "house": "residential",
            "dormitory": "residential",
            "detached": "residential",
            "terrace": "residential",
            "school": "education",
            "university": "education",
            "college": "education",
            "kindergarten": "education",
            "hospital": "health",
            "clinic": "health",
            "museum": "culture",
            "church": "culture",
            "cathedral": "culture",
            "temple": "culture",
            "stadium": "culture",
            "retail": "commercial",
            "hotel": "commercial",
            "shop": "commercial",
            "garages": "garage",
            "parking": "garage",
            "warehouse": "storage",
            "industrial": "technical",
            "*": "other",
        }
    }

    def resolve(self, target: Target, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        """Find the site of a building that names none by where it stands."""
        if target.model is not Building:
            return frame
        return sites_of(frame, changes)


class Sites(FeatureImporter):
    """Plots of land."""

    kind, title = "sites", Text("院落", "Sites")
    description = Text("院落的面文件", "areas of sites")
    layers, aliases = ("sites",), ("site",)
    model, natural = Site, "name"
    suffixes: ClassVar[tuple[str, ...]] = (*FeatureImporter.suffixes, *_SHEETS)
    osm_tags: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "office": ("government",), "amenity": ("townhall", "university", "hospital", "school"),
    }  # fmt: skip

    def finish(self, changes: ChangeSet, source: str) -> Iterable[Issue]:  # noqa: ARG002
        """Give buildings that have no site the one they stand on."""
        buildings_into_sites(changes)
        return ()


class Roads(FeatureImporter):
    """Streets and paths."""

    kind, title = "roads", Text("道路", "Roads")
    description = Text("道路的线文件或 OSM 数据", "lines of streets, or OSM data")
    layers, aliases, model = ("roads",), ("road",), Road
    osm_layers = ("lines",)
    osm_tags: ClassVar[Mapping[str, tuple[str, ...]]] = {"highway": ()}
    words: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "road_class": {
            "trunk": "motorway",
            "motorway_link": "motorway",
            "trunk_link": "motorway",
            "primary_link": "primary",
            "secondary_link": "secondary",
            "tertiary": "secondary",
            "tertiary_link": "secondary",
            "unclassified": "residential",
            "living_street": "residential",
            "road": "residential",
            "busway": "service",
            "pedestrian": "path",
            "footway": "path",
            "cycleway": "path",
            "steps": "path",
            "track": "path",
            "bridleway": "path",
            "corridor": "path",
            "platform": "path",
            "*": "service",
        }
    }


class Waters(FeatureImporter):
    """Rivers, lakes and the sea."""

    kind, title = "waters", Text("水域", "Water")
    description = Text("水域的面文件或 OSM 数据", "areas of water, or OSM data")
    layers, aliases, model = ("waters",), ("water",), Water
    osm_tags: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "natural": ("water", "bay"), "waterway": ("riverbank", "dock"), "water": (),
        "landuse": ("reservoir", "basin"),
    }  # fmt: skip


class Greens(FeatureImporter):
    """Parks, woods and lawns."""

    kind, title = "greens", Text("绿地", "Green")
    description = Text("绿地的面文件或 OSM 数据", "areas of green, or OSM data")
    layers, aliases, model = ("greens",), ("green",), Green
    osm_tags: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "leisure": ("park", "garden", "playground", "pitch"), "natural": ("wood", "scrub", "heath"),
        "landuse": ("grass", "forest", "meadow", "village_green", "recreation_ground"),
    }  # fmt: skip


class Blocks(FeatureImporter):
    """The ground between streets."""

    kind, title = "blocks", Text("街区", "Blocks")
    description = Text("街区的面文件或 OSM 数据", "areas of blocks, or OSM data")
    layers, aliases, model = ("blocks",), ("block",), Block
    osm_tags: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "landuse": ("residential", "commercial", "retail", "industrial", "education", "government")
    }
    words: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "use": {"retail": "commercial", "government": "office", "*": "other"}
    }


__all__ = ["Blocks", "Buildings", "FeatureImporter", "Greens", "Roads", "Sites", "Waters", "points"]
