"""The catalogue of reason codes of `geo`, in Chinese and English.

A code is what is stored and compared; its texts are what people read. `Message.fill` puts
values into the placeholders. A remedy says what the user can do next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class Message:
    """One reason: its code, both texts, what to do about it, and the values filled in."""

    code: str
    zh: str
    en: str
    remedy_zh: str = ""
    remedy_en: str = ""
    values: dict[str, Any] = field(default_factory=dict, compare=False)

    def fill(self, **values: Any) -> Message:
        """Return the message with its `{placeholders}` replaced by `values`."""
        return Message(
            self.code,
            self.zh.format(**values),
            self.en.format(**values),
            self.remedy_zh.format(**values),
            self.remedy_en.format(**values),
            values,
        )

    def text(self, language: str = "zh") -> str:
        """Return text and remedy in "zh" or "en" (anything but zh reads English)."""
        chinese = language.lower().startswith("zh")
        parts = (self.zh, self.remedy_zh) if chinese else (self.en, self.remedy_en)
        return ("" if chinese else " ").join(part for part in parts if part)


def _catalogue(*messages: Message) -> dict[str, Message]:
    catalogue = {message.code: message for message in messages}
    if len(catalogue) != len(messages):
        raise ValueError("a reason code is defined twice")
    return catalogue


CRS_MESSAGES: Final = _catalogue(
    Message("declared", "按用户声明采用 {crs}。", "{crs}, as declared."),
    Message("from_file", "按文件自带说明采用 {crs}。", "{crs}, as the file says."),
    Message(
        "declared_over_file",
        "按用户声明采用 {crs}；文件自带说明为 {other}，未采用。",
        "{crs}, as declared; the file says {other}, which was set aside.",
    ),
    Message(
        "guessed_degrees",
        "未声明坐标系，坐标为经纬度，推断为 WGS 84；也可能是 GCJ-02 或 BD-09，相差 100–1200 米。",
        "No CRS was given; the coordinates are degrees, taken for WGS 84. They could be GCJ-02 "
        "or BD-09, 100–1,200 m away.",
        "请确认，或用 --crs GCJ-02 声明。",
        "Confirm, or declare with --crs GCJ-02.",
    ),
    Message(
        "guessed_zone",
        "未声明坐标系，横坐标带号 {zone}，推断为 {crs}。",
        "No CRS was given; the eastings carry zone {zone}, taken for {crs}.",
        "请确认，或用 --crs 声明。",
        "Confirm, or declare with --crs.",
    ),
    Message(
        "guessed_area",
        "未声明坐标系；只有 {crs} 使坐标落在预期范围内。",
        "No CRS was given; only {crs} puts the coordinates where they are expected.",
        "请确认，或用 --crs 声明。",
        "Confirm, or declare with --crs.",
    ),
    Message(
        "outside_expected",
        "采用 {crs}，但坐标位于预期范围之外（约 {lon:.4f}，{lat:.4f}）。",
        "{crs}, but the coordinates lie outside the expected area (about {lon:.4f}, {lat:.4f}).",
        "请核对坐标系和坐标轴次序。",
        "Check the CRS and the axis order.",
    ),
    Message(
        "datum_shift_unknown",
        "{crs} 到 WGS 84 没有公开的转换参数，直接套用可偏移约 100 米。",
        "There are no published parameters from {crs} to WGS 84; used as it is, positions may be "
        "about 100 m off.",
        "请先用当地参数转换为 CGCS2000，或确认接受该误差。",
        "Convert to CGCS2000 with local parameters first, or confirm that the error is acceptable.",
    ),
    Message(
        "unknown_crs",
        "无法识别坐标系“{text}”。",
        "“{text}” is not a known coordinate reference system.",
        "可用写法：EPSG:4528、CGCS2000 / 3-degree Gauss-Kruger zone 39、GCJ-02、BD-09、WGS84。",
        "Write for example EPSG:4528, CGCS2000 / 3-degree Gauss-Kruger zone 39, GCJ-02, BD-09 "
        "or WGS84.",
    ),
    Message(
        "no_coordinates",
        "没有任何有效坐标，无法判断坐标系。",
        "There is no usable coordinate to judge the CRS by.",
        "请检查文件，或用 --crs 声明坐标系。",
        "Check the file, or declare the CRS with --crs.",
    ),
    Message(
        "outside_crs",
        "坐标范围 {bounds} 不在 {crs} 的适用范围内。",
        "The coordinates {bounds} do not lie within the range of {crs}.",
        "{hint_zh}",
        "{hint_en}",
    ),
    Message(
        "swapped_axes",
        "坐标似为“纬度, 经度”次序：{bounds}。",
        "The coordinates seem to be in the order latitude, longitude: {bounds}.",
        "请交换两列后重新导入。",
        "Swap the two columns and import again.",
    ),
    Message(
        "metres_not_degrees",
        "{crs} 以度为单位，但坐标是米：{bounds}。",
        "{crs} is in degrees, but the coordinates are metres: {bounds}.",
        "{hint_zh}",
        "{hint_en}",
    ),
    Message(
        "degrees_not_metres",
        "{crs} 以米为单位，但坐标像是经纬度：{bounds}。",
        "{crs} is in metres, but the coordinates look like degrees: {bounds}.",
        "{hint_zh}",
        "{hint_en}",
    ),
    Message(
        "zone_mismatch",
        "{crs} 与横坐标的带号不符：{bounds}。",
        "{crs} does not fit the zone prefix of the eastings: {bounds}.",
        "{hint_zh}",
        "{hint_en}",
    ),
    Message(
        "zone_unknown",
        "横坐标 {bounds} 没有带号，无法判断投影带。",
        "The eastings carry no zone prefix ({bounds}), so the zone cannot be known.",
        "请用 --crs 声明中央经线，例如 --crs EPSG:4548（CGCS2000 3 度带，117° E）。",
        "Declare the central meridian, for example --crs EPSG:4548 (CGCS2000, 3-degree, 117° E).",
    ),
    Message(
        "ambiguous",
        "坐标 {bounds} 可属于多个坐标系：{candidates}。",
        "The coordinates {bounds} fit more than one CRS: {candidates}.",
        "请用 --crs 声明其中之一。",
        "Declare one of them with --crs.",
    ),
    Message(
        "local_metres",
        "坐标 {bounds} 是没有坐标系的本地（CAD）坐标。",
        "The coordinates {bounds} are local (CAD) units without a CRS.",
        "请先在 GIS 软件中配准，或用 --crs 声明坐标系后再导入。",
        "Georeference the drawing in a GIS first, or declare the CRS with --crs.",
    ),
)
"""How a CRS was decided, or why it was refused."""

GEOMETRY_MESSAGES: Final = _catalogue(
    Message("null_geometry", "没有几何。", "There is no geometry."),
    Message("empty_geometry", "几何为空。", "The geometry is empty."),
    Message("not_finite", "坐标含无穷大或非数值。", "A coordinate is infinite or not a number."),
    Message(
        "outside_world",
        "坐标超出经度 ±180°、纬度 ±90°。",
        "A coordinate lies outside ±180° longitude or ±90° latitude.",
    ),
    Message(
        "untileable",
        "纬度超出 ±85.06°，无法在网络墨卡托地图上显示。",
        "A latitude is beyond ±85.06° and cannot be drawn on a Web Mercator map.",
    ),
    Message(
        "wrong_type",
        "几何类型不符，且无法无损转换。",
        "The geometry is of another type and cannot be converted without loss.",
    ),
    Message(
        "multiple_parts",
        "几何有多个部分，而此处只能有一个。",
        "The geometry has several parts where one is allowed.",
    ),
    Message(
        "degenerate",
        "几何退化（长度或面积为零）。",
        "The geometry has collapsed: its length or area is zero.",
    ),
    Message("made_valid", "几何无效，已修复。", "The geometry was invalid and has been repaired."),
    Message(
        "kept_matching_part",
        "几何混有其他类型，只保留了相符的部分。",
        "The geometry mixed types; only the matching part was kept.",
    ),
    Message("dropped_zm", "已去掉高程或量测值。", "The Z or M values were dropped."),
)
"""What `geo.validity` found or did, row by row."""

TRACK_MESSAGES: Final = _catalogue(
    Message("no_fix", "没有有效定位。", "There is no usable position."),
    Message("duplicate", "同一时刻的重复定位。", "The same position at the same time, again."),
    Message(
        "time_conflict",
        "同一时刻有两个不同的位置，保留先到的一个。",
        "Two places at the same time; the first to arrive is kept.",
    ),
    Message("jump", "按车速不可能到达的位置。", "The place cannot be reached at a car's speed."),
)
"""Why a fix does not count in trips and stops."""

READING_MESSAGES: Final = _catalogue(
    Message("roll_over", "表码走满归零，已换算。", "The register rolled over; accounted for."),
    Message("replaced", "期间更换过表计。", "The meter was replaced in between."),
    Message(
        "gap",
        "期间没有读数，只知道总量。",
        "There were no readings in between; only the total is known.",
    ),
    Message("spurious_zero", "读数误报为零，已忽略。", "A zero was spurious and set aside."),
    Message("spurious_dip", "读数异常偏低，已忽略。", "A spuriously low reading was set aside."),
    Message("spurious_spike", "读数异常偏高，已忽略。", "A spuriously high reading was set aside."),
    Message(
        "decreased",
        "表码减少且无法解释，用量未知。",
        "The register went down without explanation; the consumption is unknown.",
    ),
    Message(
        "too_fast",
        "增速超过可能的上限，用量未知。",
        "The register rose faster than is possible; the consumption is unknown.",
    ),
    Message("no_value", "读数不是数值。", "The reading is not a number."),
    Message("duplicate_reading", "同一时刻的重复读数。", "The same time was read twice."),
    Message("conflict", "同一时刻有两个不同的读数。", "Two different readings at the same time."),
    Message(
        "overlap",
        "与另一区间重叠，未计入。",
        "The interval overlaps another and is not counted.",
    ),
    Message("too_many_digits", "读数超过表计位数。", "The reading has more digits than the meter."),
)
"""Why an interval of a meter is what it is, or why a reading was set aside."""

MESSAGES: Final = CRS_MESSAGES | GEOMETRY_MESSAGES | TRACK_MESSAGES | READING_MESSAGES
"""Every code of `geo`; codes are unique over all four groups."""
