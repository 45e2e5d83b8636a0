"""Which heading of a file is which field: guessed from titles and synonyms, shown, and givable."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

from layers.base import Base, Feature, table_of
from layers.labels import Text
from layers.problems import BadInput
from layers.types import Ltree

_HIDDEN: Final = {"id", "revision", "source", "names", "attributes", "path"}

PLACE: Final[dict[str, Text]] = {"lon": Text("经度", "longitude"), "lat": Text("纬度", "latitude")}

# Words for columns beside their titles: OSM tags, Snipe-IT, and what Chinese sheets say.
SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "name": ("name", "名称", "姓名", "建筑名称", "楼名", "机构名称", "单位名称", "资产名称",
             "院落名称", "item name", "全称"),
    "body_id": ("body", "所属机构", "所属单位", "使用单位", "单位", "机构", "部门", "机构编码",
                "单位编码", "company"),
    "source_key": ("source_key", "来源键", "唯一标识"),
    "site": ("site", "院落", "所属院落", "院区"),
    "building.code": ("code", "楼号", "楼栋号", "楼栋", "建筑编号", "建筑编码", "ref"),
    "building.address": ("address", "地址", "坐落", "addr:full"),
    "building.use": ("use", "用途", "建筑用途", "building"),
    "building.levels_above": ("building:levels", "levels", "地上层数", "层数", "楼层数", "floor",
                              "floors", "num_floors"),
    "building.levels_below": ("building:levels:underground", "地下层数"),
    "building.height_m": ("height", "高度", "建筑高度", "楼高", "building:height"),
    "building.built_area_m2": ("建筑面积", "built_area"),
    "building.usable_area_m2": ("使用面积", "usable_area"),
    "building.built_year": ("建成年份", "建成年代", "建造年代", "竣工年份", "start_date"),
    "site.land_area_m2": ("土地面积", "占地面积", "land_area"),
    "road.road_class": ("road_class", "highway", "道路等级", "等级", "fclass"),
    "block.use": ("use", "landuse", "用地", "用地性质"),
    "body.code": ("code", "机构编码", "编码", "单位编码", "代码", "统一编码"),
    "body.parent_id": ("parent", "上级机构", "上级单位", "主管部门", "上级编码", "上级机构编码"),
    "body.tier": ("tier", "层级", "级别"),
    "body.headcount": ("headcount", "编制人数", "编制", "编制数"),
    "person.number": ("number", "工号", "人员编号", "职工编号", "employee number", "username"),
    "person.rank": ("rank", "职级", "级别", "行政级别"),
    "person.title": ("title", "职务", "岗位", "job title"),
    "person.left_on": ("left_on", "离岗日期", "退休日期", "离职日期", "end date"),
    "room.number": ("number", "房间号", "房号", "房间编号", "room", "room number", "ref"),
    "room.name": ("房间名称", "房间名", "room name"),
    "room.usable_area_m2": ("使用面积", "usable_area", "面积"),
    "room.capacity": ("capacity", "可容纳人数", "容纳人数", "工位数", "座位数"),
    "room.state": ("state", "状态", "房间状态", "使用状态"),
    "room.use": ("use", "用途", "房间用途", "房间类型"),
    "asset.number": ("number", "资产编号", "资产编码", "卡片编号", "asset tag", "asset_tag"),
    "asset.tag": ("tag", "标签号", "标签", "rfid", "二维码", "电子标签"),
    "asset.class_code": ("class_code", "分类代码", "资产分类", "分类编码", "category"),
    "asset.model": ("model", "规格型号", "型号", "规格", "model name"),
    "asset.serial": ("serial", "序列号", "出厂编号", "sn"),
    "asset.state": ("state", "状态", "使用状态", "资产状态", "status"),
    "asset.room_id": ("room", "所在房间", "存放地点", "房间号", "房间", "存放房间"),
    "asset.custodian_id": ("custodian", "保管人", "使用人", "领用人", "保管人工号"),
    "asset.value_cny": ("value", "原值", "价值", "金额", "purchase cost", "资产原值"),
    "asset.acquired_on": ("acquired_on", "取得日期", "购置日期", "入账日期", "purchase date"),
    "asset.scanned_room_id": ("盘点房间", "盘点地点"),
    "asset.scanned_at": ("盘点时间", "盘点日期"),
    "vehicle.plate": ("plate", "车牌号", "车牌", "号牌", "车牌号码"),
    "vehicle.model": ("model", "品牌型号", "车型", "型号"),
    "vehicle.vehicle_class": ("class", "车辆类别", "车辆类型", "类别"),
    "vehicle.parking": ("parking", "固定停放点", "停放地点", "停车位置"),
    "vehicle.price_cny": ("price", "购置价格", "购置价", "价格"),
    "lon": ("lon", "lng", "long", "longitude", "经度", "x"),
    "lat": ("lat", "latitude", "纬度", "y"),
}  # fmt: skip

_UNIT: Final = re.compile(r"[（(\[【].*?[)）\]】]")


@dataclass
class Columns:
    """Which heading fills which field, and what is left over."""

    fields: dict[str, str] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)


def fold_heading(heading: str) -> str:
    """Return a heading as it is compared: case, width, spaces, stars and units removed."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    text = _UNIT.sub("", text)
    return re.sub(r"[\s_*＊]+", "", text)


def fields_of(model: type[Base]) -> dict[str, sa.Column[Any]]:
    """Return the columns of a model that a file may fill, by name."""
    return {
        c.name: c
        for c in table_of(model).c
        if c.name not in _HIDDEN and c.computed is None and not isinstance(c.type, Geometry | Ltree)
    }


def words_of(
    model: type[Base], extra: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[str]]:
    """Return the folded words of each field, the surest first."""
    table = table_of(model).name
    made: dict[str, list[str]] = {}
    for name, column in fields_of(model).items():
        title = column.info.get("title")
        words = [name, *(title or ()), *SYNONYMS.get(f"{table}.{name}", ())]
        words += SYNONYMS.get(name, ())
        if column.info.get("reference"):
            words += [name.removesuffix("_id"), *SYNONYMS.get(name.removesuffix("_id"), ())]
        if "choices" not in column.info and isinstance(column.type, JSONB):
            continue
        made[name] = words
    if issubclass(model, Feature):
        for axis in PLACE:
            made[axis] = [*PLACE[axis], *SYNONYMS[axis]]
    for name, more in (extra or {}).items():
        made[name] = [*made.get(name, []), *more]
    return {name: [fold_heading(w) for w in words] for name, words in made.items()}


def guess(
    headings: Sequence[str],
    model: type[Base],
    given: Mapping[str, str] | None = None,
    extra: Mapping[str, Sequence[str]] | None = None,
) -> Columns:
    """Say which heading fills which field.

    Parameters
    ----------
    headings : as they stand in the file.
    given : field → heading, beating the guess; a heading of ``-`` leaves the field empty.
    extra : further words for fields (and further fields) of one kind.

    Raises
    ------
    BadInput : a given field or heading does not exist; the message lists those there are.
    """
    words = words_of(model, extra)
    made = Columns(dict(_given(headings, words, given or {})))
    fixed = {k for k, v in (given or {}).items() if v == "-"}
    taken = set(made.fields.values())
    folded = {heading: fold_heading(heading) for heading in headings}
    # The surest words of all fields first, so that a synonym never takes another field's title.
    for rank in range(max(map(len, words.values()))):
        for name, options in words.items():
            if name in made.fields or name in fixed or rank >= len(options):
                continue
            for heading in headings:
                if heading not in taken and _same(heading, folded[heading], options[rank]):
                    made.fields[name] = heading
                    taken.add(heading)
                    break
    made.rest = [heading for heading in headings if heading not in taken]
    return made


def _same(heading: str, folded: str, word: str) -> bool:
    if folded == word:
        return True
    # DBF names end after 10 bytes: five Chinese characters in GBK, three in UTF-8, ten letters.
    length = len(heading.encode("gb18030"))
    cut = length in (9, 10) or len(heading.encode("utf-8")) in (9, 10)
    return cut and len(folded) >= 3 and word.startswith(folded)


def _given(
    headings: Sequence[str], words: Mapping[str, list[str]], given: Mapping[str, str]
) -> dict[str, str]:
    made = {}
    for name, heading in given.items():
        if name not in words:
            known = ", ".join(sorted(words))
            raise BadInput(
                zh=f"没有字段“{name}”；可用：{known}",
                en=f"There is no field '{name}'; there are: {known}",
                field=name,
            )
        if heading == "-":
            continue
        if heading not in headings:
            there = "、".join(headings)
            raise BadInput(
                zh=f"文件中没有列“{heading}”；有：{there}",
                en=f"The file has no column '{heading}'; it has: {', '.join(headings)}",
                field=name,
                value=heading,
            )
        made[name] = heading
    return made
