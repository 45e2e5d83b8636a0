"""The sheets: bodies, people, rooms with occupants, assets, vehicles, requests, meters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from layers.labels import label
from onemap.demo.energy import Meter
from onemap.demo.estate import Estate
from onemap.demo.floors import KINDS
from onemap.demo.ground import to_lonlat
from onemap.demo.stories import LABEL, stories
from onemap.demo.xlsx import write_xlsx


def write_sheets(estate: Estate, folder: Path) -> None:
    """Write every workbook; headings are the Chinese titles of the columns."""
    _people(estate, folder)
    write_xlsx(
        folder / "房间与占用.xlsx", "房间与占用",
        ["楼号", "楼层", "房间号", "房间名称", "类别", "用途", "状态", "空置起始", "建筑面积",
         "使用面积", "可容纳人数", "所属机构", "人员工号", "占用份额", "起始日期"],
        _rooms(estate),
    )  # fmt: skip
    _assets(estate, folder)
    _vehicles(estate, folder)
    _requests(estate, folder)
    write_xlsx(
        folder / "计量表.xlsx", "计量表",
        ["表号", "名称", "能源种类", "分项", "计量单位", "上级表", "倍率", "表位数", "读数形式",
         "院落", "楼号", "房间号", "经度", "纬度"],
        (_meter(estate, m) for m in estate.energy.meters),
    )  # fmt: skip


def _people(estate: Estate, folder: Path) -> None:
    write_xlsx(
        folder / "机构.xlsx", "机构",
        ["机构编码", "名称", "上级机构", "层级", "编制人数", "备注"],
        ([b.code, b.name, b.parent, "县级", b.headcount, LABEL] for b in estate.people.bodies),
    )  # fmt: skip
    write_xlsx(
        folder / "人员.xlsx", "人员",
        ["工号", "姓名", "所属机构", "职级", "职务", "状态", "离岗日期"],
        (
            [p.number, p.name, p.body, label("rank", p.rank), p.post,
             label("person_state", p.state), p.left_on]
            for p in estate.people.persons
        ),
    )  # fmt: skip


def _assets(estate: Estate, folder: Path) -> None:
    write_xlsx(
        folder / "资产.xlsx", "资产",
        ["资产编号", "标签号", "名称", "分类代码", "规格型号", "序列号", "状态", "所在房间",
         "保管人", "所属机构", "原值", "取得日期", "盘点房间", "盘点时间"],
        (
            [a.number, a.tag, a.name, a.class_code, a.model, a.serial,
             label("asset_state", a.state), a.room, a.custodian, a.body, a.value, a.acquired,
             a.scanned_room, a.scanned_at]
            for a in estate.assets
        ),
    )  # fmt: skip


def _rooms(estate: Estate) -> Iterator[list[Any]]:
    sittings: dict[str, list[Any]] = {}
    for sitting in estate.people.sittings:
        sittings.setdefault(sitting.room, []).append(sitting)
    for floor in estate.floors:
        storey = floor.label if floor.label.startswith("B") else f"{floor.label}层"
        for room in floor.rooms:
            category, use, name = KINDS[room.kind]
            facts = [
                room.building, storey, room.number, name, label("unit_category", category),
                label("room_use", use), label("room_state", room.state), room.vacant_since,
                round(room.area_m2 * 1.32, 1), room.area_m2, room.capacity, room.body,
            ]  # fmt: skip
            for sitting in sittings.get(room.number, [None]):
                if sitting is None:
                    yield [*facts, None, None, None]
                else:
                    person = estate.people.persons[sitting.person]
                    yield [*facts, person.number, sitting.share, sitting.since]


def _vehicles(estate: Estate, folder: Path) -> None:
    cars = estate.fleet.vehicles
    lon, lat = to_lonlat([c.place[0] for c in cars], [c.place[1] for c in cars])
    write_xlsx(
        folder / "车辆.xlsx", "车辆",
        ["车牌号", "名称", "所属机构", "车辆类别", "品牌型号", "能源", "排量", "购置价格", "状态",
         "固定停放点", "经度", "纬度", "备注"],
        (
            [c.plate, f"公务车{c.short}", c.body, label("vehicle_class", c.kind), c.model,
             label("vehicle_energy", c.energy), c.displacement_l, c.price,
             label("vehicle_state", c.state), f"{c.site.name}停车场",
             round(float(x), 7), round(float(y), 7), LABEL]
            for c, x, y in zip(cars, lon, lat, strict=True)
        ),
    )  # fmt: skip


def _requests(estate: Estate, folder: Path) -> None:
    """Requests for cars and the purchase of desks: for later parts, beside what is imported."""
    write_xlsx(
        folder / "用车申请.xlsx",
        "用车申请",
        ["申请单号", "车牌号", "开始时间", "结束时间", "事由", "批准里程"],
        ([r.number, r.plate, r.start, r.end, r.reason, r.km] for r in estate.fleet.requests),
    )
    desks = stories()["assets"]["wanted_desks"]
    write_xlsx(
        folder / "采购申请.xlsx",
        "采购申请",
        ["申请单号", "申请机构", "资产名称", "数量", "单价", "备注"],
        [["CG-20261010-001", desks["body"], "办公桌", desks["count"], desks["price_cny"], LABEL]],
    )


def _meter(estate: Estate, meter: Meter) -> list[Any]:
    lon, lat = to_lonlat(*meter.place)
    kind, item = label("meter_kind", meter.kind), label("meter_item", meter.item)
    site = next((s.name for s in estate.sites if s.code == meter.site), None)
    place = f"{site}热泵站" if site else meter.building
    return [
        meter.number, f"{place} {kind}{item}", kind, item, meter.unit, meter.parent,
        meter.multiplier, meter.digits, "表底数", site, None if site else meter.building, None,
        round(float(lon), 7), round(float(lat), 7),
    ]  # fmt: skip


def write_readings(estate: Estate, folder: Path) -> None:
    """Write the daily sheet (a column per meter) and what was read out of turn (a row each)."""
    energy = estate.energy
    numbers = [m.number for m in energy.meters]
    table = np.column_stack([m.registers for m in energy.meters])
    lines = [",".join(["抄表时间", *numbers])]
    for day, row in zip(energy.days, table, strict=True):
        cells = ["" if math.isnan(v) else f"{v:.10g}" for v in row.tolist()]
        lines.append(f"{day} 00:00:00+08:00," + ",".join(cells))
    (folder / "每日表底数.csv").write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    lines = ["表号,抄表时间,读数,旧表止数"]
    for extra in energy.extra:
        closing = "" if extra.closing is None else f"{extra.closing:.10g}"
        lines.append(f"{extra.meter},{extra.time.isoformat(sep=' ')},{extra.value:.10g},{closing}")
    (folder / "补充读数.csv").write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
