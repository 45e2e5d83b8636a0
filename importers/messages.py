"""The reasons of issues and of unusable files, in Chinese and English, each with its remedy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

from layers.labels import Text
from layers.problems import BadInput

REASONS: Final[dict[str, Text]] = {
    "not_a_number": Text(
        "“{field}”的值“{value}”不是数字；请改为数字，单位 {unit}",
        "'{value}' in {field} is not a number; write a number, unit {unit}",
    ),
    "not_an_integer": Text(
        "“{field}”的值“{value}”不是整数；请改为整数",
        "'{value}' in {field} is not a whole number; write one",
    ),
    "not_a_date": Text(
        "“{field}”的值“{value}”不是日期；请写成 2026-10-12 的形式",
        "'{value}' in {field} is not a date; write it like 2026-10-12",
    ),
    "not_a_time": Text(
        "“{field}”的值“{value}”不是时间；请写成 2026-10-12 09:00 的形式",
        "'{value}' in {field} is not a time; write it like 2026-10-12 09:00",
    ),
    "impossible_time": Text(
        "定位时间“{value}”早于 1990 年或晚于现在一天以上，终端时钟有误；请校正终端时钟或此行",
        "The time '{value}' is before 1990 or more than a day ahead: the tracker's clock is wrong; "
        "set it, or mend this row",
    ),
    "outside_file": Text(
        "坐标 {value} 不在文件坐标系的范围内，与其余各行不符；请改正该行的坐标",
        "The coordinates {value} cannot lie in the file's coordinate system, as the other rows do; "
        "mend them",
    ),
    "zero_place": Text(
        "坐标恰为 (0, 0)，是未填的坐标而非位置，不予采用；请补填",
        "The coordinates are exactly (0, 0), which is no place but an empty one, and are not "
        "taken; fill them in",
    ),
    "not_a_boolean": Text(
        "“{field}”的值“{value}”应为“是”或“否”", "'{value}' in {field} should be yes or no"
    ),
    "unknown_choice": Text(
        "“{field}”没有选项“{value}”；可用：{choices}",
        "'{value}' is no choice of {field}; use one of: {choices}",
    ),
    "out_of_range": Text(
        "“{field}”的值“{value}”超出允许范围，应{allowed}；请核对",
        "'{value}' in {field} is out of range: it should be {allowed}; check it",
    ),
    "missing_value": Text("缺少“{field}”；请补填", "{field} is missing; fill it in"),
    "duplicate_value": Text(
        "“{field}”的值“{value}”在文件中重复（首见第 {first} 行）；请改正其一",
        "'{value}' in {field} occurs again (first in row {first}); mend one of them",
    ),
    "duplicate_key": Text(
        "此行与第 {first} 行是同一条（键 {value}）；请删去一行",
        "This row is the same as row {first} (key {value}); delete one of them",
    ),
    "unknown_reference": Text(
        "“{field}”所指的“{value}”不存在；请先导入它，或改正",
        "'{value}' in {field} is not known; import it first, or mend it",
    ),
    "ambiguous_reference": Text(
        "“{field}”所指的“{value}”不止一个；请用唯一的编号",
        "'{value}' in {field} means more than one; use its unique number",
    ),
    "ends_before_start": Text(
        "截止日期“{value}”不晚于起始日期；请核对",
        "The end '{value}' is not after the start; check it",
    ),
    "not_a_level": Text(
        "“{value}”不是楼层；请写成 3、F3、3层或 B1",
        "'{value}' is no floor; write 3, F3 or B1",
    ),
    "door_without_wall": Text(
        "门（{value}）不在任何房间的边上，方向未知；请在绘图软件中把它接到墙上",
        "The door ({value}) lies on no wall, so its direction is unknown: join it to a room's edge "
        "in the editor",
    ),
    "points_ignored": Text(
        "点（{value}）以及节点不在文件中的要素未读取：{kind} 只取完整的面或线",
        "Points ({value}) and elements whose nodes the file lacks were not read: {kind} takes "
        "whole areas or lines",
    ),
    "encoding_decided": Text(
        "文字编码按内容判为 {value}", "The text encoding was found to be {value} from the content"
    ),
    "digits_lost": Text(
        "列“{field}”有 {count} 个值（如“{value}”）被表格软件改成了科学计数法，末尾数字已丢失；"
        "请把该列设为文本后重新导出",
        "{count} values in {field} (such as '{value}') were turned into powers of ten by a "
        "spreadsheet and lost their last digits; make the column text and export it anew",
    ),
}

TITLES: Final[dict[str, Text]] = {
    "not_a_number": Text("不是数字", "Not a number"),
    "not_an_integer": Text("不是整数", "Not a whole number"),
    "not_a_date": Text("日期有误", "Not a date"),
    "not_a_time": Text("时间有误", "Not a time"),
    "impossible_time": Text("时钟有误", "A wrong clock"),
    "outside_file": Text("坐标不符", "Outside the coordinate system"),
    "zero_place": Text("坐标未填", "Empty coordinates"),
    "not_a_boolean": Text("应为是或否", "Neither yes nor no"),
    "unknown_choice": Text("没有此选项", "No such choice"),
    "out_of_range": Text("超出允许范围", "Out of range"),
    "missing_value": Text("缺少必填项", "Missing value"),
    "duplicate_value": Text("值重复", "Duplicate value"),
    "duplicate_key": Text("整行重复", "Duplicate row"),
    "unknown_reference": Text("所指不存在", "Unknown reference"),
    "ambiguous_reference": Text("所指不唯一", "Ambiguous reference"),
    "ends_before_start": Text("止早于起", "Ends before it starts"),
    "not_a_level": Text("不是楼层", "Not a floor"),
    "door_without_wall": Text("门不在墙上", "Door without a wall"),
    "points_ignored": Text("点未读取", "Points not read"),
    "encoding_decided": Text("编码按内容判定", "Encoding decided by content"),
    "digits_lost": Text("数字位数丢失", "Digits lost"),
}
"""What each reason is called where rows are counted by it."""


_NEXT_TO_NOTHING: Final = 1e-6


def title_of_reason(reason: str) -> Text:
    """Return what a reason is called; one of an importer's own goes by its code."""
    return TITLES.get(reason, Text(reason, reason))


def message(reason: str, **values: Any) -> Text:
    """Return the text of a reason in both languages with its values filled in."""
    text = REASONS[reason]
    in_zh = {k: v.zh if isinstance(v, Text) else v for k, v in values.items()}
    in_en = {k: v.en if isinstance(v, Text) else v for k, v in values.items()}
    return Text(text.zh.format(**in_zh), text.en.format(**in_en))


def allowed(low: float, high: float) -> Text:
    """Return a range in words; an end that is infinite is open."""
    least, most = _plain(low), _plain(high)
    if math.isinf(high):
        return Text(f"不小于 {least}", f"at least {least}")
    if 0 < low < _NEXT_TO_NOTHING:
        return Text(f"大于 0 且不大于 {most}", f"more than 0 and at most {most}")
    return Text(f"在 {least} 至 {most} 之间", f"from {least} to {most}")


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else f"{number:g}"


def bad_input(path: Path | str, zh: str, en: str, **details: Any) -> BadInput:
    """Return the problem of a file that cannot be used; nothing of it was loaded."""
    name = Path(path).name
    return BadInput(zh=f"{name}：{zh}", en=f"{name}: {en}", file=name, **details)
