"""Kinds that come as sheets: bodies, people, assets, purchases, vehicles, factors, standards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pandas as pd

from importers import bodies, sheets
from importers.base import Found, Importer, Issue, Options, Target
from importers.tracks.made import adopt, hand_over
from layers.assets import Asset, PurchaseRequest
from layers.base import Base
from layers.changes import ChangeSet
from layers.fleet import Vehicle
from layers.labels import Text
from layers.people import Body, Person
from layers.standards import AreaStandard, Factor

DATA = Path(__file__).parent / "data"


class SheetImporter(Importer):
    """A kind whose sheet has one row per row of one model."""

    model: ClassVar[type[Base]]
    natural: ClassVar[Sequence[str]] = ()
    unique: ClassVar[Sequence[str]] = ()
    required: ClassVar[Sequence[str]] = ()
    choices: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    words: ClassVar[Mapping[str, Sequence[str]]] = {}
    example: ClassVar[Mapping[str, str]] = {}
    suffixes = sheets.SUFFIXES

    def read(self, files: Sequence[Path], options: Options) -> Found:
        """Read each sheet; all of them are one dataset."""
        whole: Found | None = None
        for path in files:
            one = sheets.found(
                self.model, path, options, natural=self.natural, unique=self.unique,
                required=self.required, choices=self.choices, words=self.words,
            )  # fmt: skip
            if whole is None:
                whole = one
            else:
                whole.issues += one.issues
                frames = [whole.targets[0].frame, one.targets[0].frame]
                whole.targets[0].frame = pd.concat(frames, ignore_index=True)
        assert whole is not None
        return whole

    def sheet(self) -> list[sheets.Field]:
        """Return the columns of the template."""
        needed = {*self.natural[:1], *self.required}
        return [
            sheets.Field(
                f.name, f.title, f.unit, f.choices, self.example.get(f.name, f.example),
                f.required or f.name in needed,
            )
            for f in sheets.fields(self.model)
        ]  # fmt: skip


class Bodies(SheetImporter):
    """Public bodies; the parent is named by its code."""

    kind, title = "bodies", Text("公共机构", "Public bodies")
    description = Text("机构表，上级机构按编码", "bodies, the parent by its code")
    layers, aliases = ("bodies",), ("body",)
    model, natural, required = Body, ("code",), ("name",)
    example: ClassVar[Mapping[str, str]] = {"name": "示例机关事务服务中心"}

    def resolve(self, target: Target, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        """Give each body its place in the tree."""
        del target
        return bodies.with_paths(frame, changes)


class Persons(SheetImporter):
    """The people of the bodies."""

    kind, title = "persons", Text("人员", "People")
    description = Text("人员表，机构按编码或名称", "people, their body by code or name")
    layers, aliases = ("persons",), ("people", "person")
    model, natural, required = Person, ("number",), ("name",)
    example: ClassVar[Mapping[str, str]] = {"name": "示例人员"}
    choices: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "rank": {
            "正司级": "department_chief", "正局级": "department_chief",
            "正厅级": "department_chief",
            "正司(局)级": "department_chief", "正厅(局)级": "department_chief",
            "副司级": "department_deputy", "副局级": "department_deputy",
            "副厅级": "department_deputy", "副司(局)级": "department_deputy",
            "副厅(局)级": "department_deputy", "正局(处)级": "division_chief",
            "副局(处)级": "division_deputy", "处级": "division_chief",
            "处级以下": "staff", "局(处)级以下": "staff", "科员": "staff", "办事员": "staff",
        }
    }  # fmt: skip


class Assets(SheetImporter):
    """Equipment and furniture."""

    kind, title = "assets", Text("资产", "Assets")
    description = Text("资产表，房间和保管人按编号", "assets, room and custodian by their numbers")
    layers, aliases = ("assets",), ("asset",)
    model, natural, unique, required = Asset, ("number",), ("tag",), ("name",)
    example: ClassVar[Mapping[str, str]] = {"name": "示例台式计算机"}
    choices: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "state": {
            "ready to deploy": "idle", "deployed": "in_use", "pending diagnostics": "repair",
            "undeployable": "repair", "archived": "disposed", "lost": "lost",
            "lost/stolen": "lost", "使用中": "in_use", "报废": "disposed", "待报废": "idle",
        }
    }  # fmt: skip


class Purchases(SheetImporter):
    """What the bodies ask to buy."""

    kind, title = "purchases", Text("采购申请", "Purchase requests")
    description = Text(
        "采购申请表，申请机构按编码或名称", "purchase requests, the body that asks by code or name"
    )
    layers, aliases = ("purchase_requests",), ("purchase", "purchase-requests")
    model, natural, required = PurchaseRequest, ("number",), ("name",)
    words: ClassVar[Mapping[str, Sequence[str]]] = {
        "number": ("申请编号", "申请单", "request"),
        "body_id": ("申请机构", "申请单位", "申请部门", "requesting body"),
        "name": ("资产名称", "采购内容", "品名", "item"),
        "quantity": ("申请数量", "采购数量", "件数"),
        "unit_price_cny": ("预算单价", "price"),
    }
    example: ClassVar[Mapping[str, str]] = {"name": "示例办公桌"}


class Vehicles(SheetImporter):
    """Official vehicles and their fixed parking places.

    A vehicle that tracks made takes the register's row of its plate (`importers.tracks.made`).
    """

    kind, title = "vehicles", Text("车辆", "Vehicles")
    description = Text(
        "车辆表，固定停放点可带经纬度", "vehicles; the parking place may have lon, lat"
    )
    layers, aliases = ("vehicles",), ("vehicle",)
    model, natural = Vehicle, ("plate",)

    def __init__(self) -> None:
        self._source = ""
        self._adopted: list[int] = []

    def read(self, files: Sequence[Path], options: Options) -> Found:
        """Read each sheet; all of them are one dataset."""
        self._source, self._adopted = str(options.source or files[0].stem), []
        return super().read(files, options)

    def resolve(self, target: Target, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        """Take over the vehicles that are known from tracks only."""
        del target
        self._adopted = adopt(changes, self._source, frame)
        return frame

    def finish(self, changes: ChangeSet, source: str) -> Iterable[Issue]:
        """Let the trips and stops of those follow."""
        hand_over(changes, self._adopted)
        if not self._adopted:
            return ()
        count = len(self._adopted)
        zh = f"{count} 辆由轨迹建立的车辆按车牌归入本次登记，定位、行程和停留随之保留"
        en = f"{count} vehicles known from tracks were taken over by plate with all their positions"
        return [Issue(source, None, "plate", str(count), "vehicles_adopted", zh, en, "noted")]


class Factors(SheetImporter):
    """Factors of standard coal and carbon, by edition."""

    kind, title = "factors", Text("折算系数", "Factors")
    description = Text("标准煤和碳排放系数表", "factors of standard coal and carbon dioxide")
    layers, aliases = ("factors",), ("factor",)
    builtin = DATA / "factors.csv"
    model = Factor
    natural = ("edition", "quantity", "carrier", "method", "region")
    example: ClassVar[Mapping[str, str]] = {
        "edition": "示例版本", "valid_from": "2026-01-01", "name": "示例系数",
    }  # fmt: skip


class AreaStandards(SheetImporter):
    """Office area standards, by edition."""

    kind, title = "area-standards", Text("面积标准", "Area standards")
    description = Text("办公用房面积标准表", "office area standards")
    layers, aliases = ("area_standards",), ("area_standards", "area-standard")
    builtin = DATA / "area-standards.csv"
    model = AreaStandard
    natural = ("edition", "tier", "rank")
    example: ClassVar[Mapping[str, str]] = {
        "edition": "示例版本", "valid_from": "2026-01-01", "name": "示例标准",
    }  # fmt: skip


def builtin(kind: str) -> Path:
    """Return the sheet of the editions that ship with the service (factors, area-standards)."""
    return DATA / f"{kind}.csv"
