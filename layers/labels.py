"""The one catalogue of enumerated values: every code with its label in both languages.

A column says *which* list it uses (`layers.base.choice`); the list itself stands here, so that
the database check, the forms, the legend, the importers and the help text agree.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from geo.messages import READING_MESSAGES


class Text(NamedTuple):
    """A short text in the two languages of the service; Chinese comes first."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        """Return the text in `language` (``"zh"`` or ``"en"``); anything else reads Chinese."""
        return self.en if language.lower().startswith("en") else self.zh


def heading(text: Text) -> Text:
    """Return a text as it heads a column or a line: its English begins with a capital.

    A sign (kWh, m²) keeps its letters.
    """
    word = re.match(r"[a-z]+(?=[ ,:;)-]|$)", text.en)
    return text if word is None else Text(text.zh, text.en[0].upper() + text.en[1:])


def _list(**labels: str) -> dict[str, Text]:
    return {code: Text(*label.split(" | ")) for code, label in labels.items()}


UNITS: dict[str, Text] = _list(
    元="元 | CNY", 人="人 | people", 件="件 | items", 天="天 | days",
    千瓦时="千瓦时 | kWh", 度="度 | kWh", 立方米="立方米 | m³", 吨="吨 | t",
)  # fmt: skip
"""The units that are words, as columns and meters record them; the others are signs (m², kWh)."""


def unit_text(unit: str) -> Text:
    """Return a unit as it is said in each language."""
    return UNITS.get(unit, Text(unit, unit))


CHOICES: dict[str, dict[str, Text]] = {
    "tier": _list(
        central="中央 | central",
        province="省级 | province",
        city="市级 | city",
        county="县级 | county",
        township="乡级 | township",
    ),
    # Ranks of 发改投资〔2014〕2674号: which of them a tier knows is said by the area standards.
    "rank": _list(
        ministry_chief="部级正职 | minister",
        ministry_deputy="部级副职 | vice-minister",
        province_chief="省级正职 | head of province",
        province_deputy="省级副职 | deputy head of province",
        department_chief="正司(厅、局)级 | director-general",
        department_deputy="副司(厅、局)级 | deputy director-general",
        city_chief="市级正职 | head of city",
        city_deputy="市级副职 | deputy head of city",
        division_chief="正处级 | division chief",
        division_deputy="副处级 | deputy division chief",
        county_chief="县级正职 | head of county",
        county_deputy="县级副职 | deputy head of county",
        section_chief="正科级 | section chief",
        section_deputy="副科级 | deputy section chief",
        staff="科级以下 | staff",
    ),
    "person_state": _list(
        active="在职 | active",
        retired="退休 | retired",
        left="离职 | left",
        seconded="借调 | seconded",
    ),
    "tenure": _list(
        owned="自有 | owned",
        leased="租用 | leased",
        lent="借用 | borrowed",
        unknown="未知 | unknown",
    ),
    "building_use": _list(
        office="办公 | office",
        service="服务 | public service",
        technical="技术业务 | technical",
        residential="居住 | residential",
        education="教育 | education",
        health="医疗 | health",
        culture="文体 | culture",
        commercial="商业 | commercial",
        garage="车库 | garage",
        storage="仓储 | storage",
        other="其他 | other",
    ),
    # The unit categories of IMDF 1.0 (OGC 20-094).
    "unit_category": _list(
        auditorium="礼堂 | auditorium",
        brick="墙体 | brick",
        classroom="教室 | classroom",
        column="柱 | column",
        concrete="混凝土 | concrete",
        conferenceroom="会议室 | conference room",
        drywall="隔墙 | drywall",
        elevator="电梯 | elevator",
        escalator="自动扶梯 | escalator",
        fieldofplay="场地 | field of play",
        firstaid="医务室 | first aid",
        fitnessroom="健身房 | fitness room",
        foodservice="餐饮 | food service",
        footbridge="天桥 | footbridge",
        glass="玻璃隔断 | glass",
        huddleroom="小会议室 | huddle room",
        kitchen="厨房 | kitchen",
        laboratory="实验室 | laboratory",
        library="图书室 | library",
        lobby="门厅 | lobby",
        lounge="休息室 | lounge",
        mailroom="收发室 | mail room",
        mothersroom="母婴室 | mothers' room",
        movingwalkway="自动步道 | moving walkway",
        nonpublic="非公共区 | non-public",
        office="办公室 | office",
        opentobelow="中空 | open to below",
        parking="停车 | parking",
        phoneroom="电话间 | phone room",
        platform="站台 | platform",
        privatelounge="专用休息室 | private lounge",
        ramp="坡道 | ramp",
        recreation="活动室 | recreation",
        restroom="卫生间 | restroom",
        **{
            "restroom.family": "家庭卫生间 | family restroom",
            "restroom.female": "女卫生间 | women's restroom",
            "restroom.female.wheelchair": "无障碍女卫生间 | accessible women's restroom",
            "restroom.male": "男卫生间 | men's restroom",
            "restroom.male.wheelchair": "无障碍男卫生间 | accessible men's restroom",
            "restroom.transgender": "跨性别卫生间 | transgender restroom",
            "restroom.transgender.wheelchair": "无障碍跨性别卫生间 | accessible transgender",
            "restroom.unisex": "无性别卫生间 | unisex restroom",
            "restroom.unisex.wheelchair": "无障碍卫生间 | accessible restroom",
            "restroom.wheelchair": "无障碍卫生间 | accessible restroom",
        },
        road="通道 | road",
        room="房间 | room",
        serverroom="机房 | server room",
        shower="淋浴间 | shower",
        smokingarea="吸烟区 | smoking area",
        stairs="楼梯 | stairs",
        steps="台阶 | steps",
        storage="储藏室 | storage",
        structure="结构 | structure",
        terrace="露台 | terrace",
        theater="剧场 | theatre",
        unenclosedarea="敞开区 | unenclosed area",
        unspecified="未分类 | unspecified",
        vegetation="绿化 | vegetation",
        waitingroom="等候室 | waiting room",
        walkway="走廊 | walkway",
        **{"walkway.island": "走廊岛 | walkway island"},
    ),
    "restriction": _list(
        employeesonly="仅限员工 | employees only", restricted="限制进入 | restricted"
    ),
    "room_use": _list(
        office="办公室 | office",
        service="服务用房 | service",
        equipment="设备用房 | equipment",
        ancillary="附属用房 | ancillary",
        meeting="会议室 | meeting",
        circulation="交通 | circulation",
        technical="技术业务用房 | technical",
        other="其他 | other",
    ),
    "room_state": _list(
        in_use="使用中 | in use",
        vacant="空置 | vacant",
        to_vacate="待腾退 | to be vacated",
        works="维修改造 | under works",
    ),
    "opening_category": _list(
        automobile="车行 | automobile",
        bicycle="自行车 | bicycle",
        emergencyexit="安全出口 | emergency exit",
        pedestrian="步行 | pedestrian",
        **{
            "pedestrian.principal": "主入口 | principal entrance",
            "pedestrian.transit": "换乘 | transit",
        },
        service="服务 | service",
    ),
    "asset_state": _list(
        in_use="在用 | in use",
        idle="闲置 | idle",
        repair="维修 | in repair",
        lost="盘亏 | missing",
        disposed="已处置 | disposed",
    ),
    # 党政机关公务用车管理办法 (2017)
    "vehicle_class": _list(
        confidential="机要通信 | confidential mail",
        emergency="应急保障 | emergency support",
        law_enforcement="执法执勤 | law enforcement",
        special="特种专业技术 | special technical",
        general="其他公务 | general",
    ),
    "vehicle_energy": _list(
        petrol="汽油 | petrol",
        diesel="柴油 | diesel",
        electric="纯电动 | electric",
        hybrid="混合动力 | hybrid",
    ),
    "vehicle_state": _list(
        in_service="在用 | in service",
        sealed="封存 | sealed",
        repair="维修 | in repair",
        disposed="已处置 | disposed",
    ),
    # What a car is doing, by the rules of `layers.rules.fleet`; no column holds it.
    "car_now": _list(
        never_heard="从未上报 | never heard from",
        silent="失联 | silent",
        moving="行驶中 | moving",
        at_place="在固定停放点 | at its parking place",
        elsewhere="停放在外 | standing elsewhere",
        no_place="停放点未登记 | no parking place recorded",
    ),
    "meter_kind": _list(
        electricity="电 | electricity",
        water="水 | water",
        gas="天然气 | natural gas",
        heat="热力 | heat",
        coal="煤 | coal",
        diesel="柴油 | diesel",
        petrol="汽油 | petrol",
        lpg="液化石油气 | LPG",
        other="其他 | other",
    ),
    "meter_item": _list(
        total="总量 | total",
        lighting="照明插座 | lighting and sockets",
        hvac="空调 | air conditioning",
        power="动力 | power",
        special="特殊 | special",
    ),
    "reading_form": _list(register="表底数 | register", interval="区间用量 | interval consumption"),
    "reading_quality": _list(
        measured="实测 | measured", estimated="估读 | estimated", suspect="存疑 | suspect"
    ),
    # Why an interval of a meter is not plain, or a reading was set aside (`MeterEvent`).
    "reading_event": {
        code: Text(said.zh.rstrip("。"), said.en.rstrip("."))
        for code, said in READING_MESSAGES.items()
    },
    "node_kind": _list(
        core="核心 | core",
        router="路由器 | router",
        switch="交换机 | switch",
        access_point="无线接入点 | access point",
        gateway="网关 | gateway",
        server="服务器 | server",
        terminal="终端 | terminal",
        odf="光配线架 | optical distribution frame",
        manhole="人孔 | manhole",
        site="站点 | site",
        other="其他 | other",
    ),
    "node_state": _list(
        up="正常 | up",
        down="故障 | down",
        maintenance="检修 | maintenance",
        unknown="未知 | unknown",
    ),
    "link_kind": _list(
        fibre="光纤 | fibre", copper="铜缆 | copper", radio="无线 | radio", unknown="未知 | unknown"
    ),
    "factor_quantity": _list(
        standard_coal="折标准煤 | standard coal", co2="二氧化碳 | carbon dioxide"
    ),
    "factor_method": _list(
        equivalent="等价值 | equivalent", calorific="当量值 | calorific", direct="直接 | direct"
    ),
    "road_class": _list(
        motorway="高速路 | motorway",
        primary="主干路 | primary",
        secondary="次干路 | secondary",
        residential="支路 | local street",
        service="内部道路 | service",
        path="步行道 | path",
    ),
    "block_use": _list(
        office="机关团体 | government",
        residential="居住 | residential",
        commercial="商业 | commercial",
        industrial="工业 | industrial",
        education="教育 | education",
        other="其他 | other",
    ),
}

GROUPS: dict[str, Text] = {
    "basemap": Text("底图", "Base map"),
    "estate": Text("房产", "Estate"),
    "people": Text("机构人员", "Bodies and people"),
    "assets": Text("资产", "Assets"),
    "fleet": Text("车辆", "Vehicles"),
    "energy": Text("能耗", "Energy"),
    "network": Text("网络", "Network"),
    "standards": Text("标准", "Standards"),
}


def label(choices: str, code: str | None, language: str = "zh") -> str | None:
    """Return the label of `code` in the list `choices`, or the code itself when it is unknown."""
    if code is None:
        return None
    text = CHOICES[choices].get(code)
    return text.in_language(language) if text else code


def code_of(choices: str, value: str) -> str | None:
    """Return the code meant by `value`: a code or a label in either language, or None."""
    wanted = value.strip().casefold()
    for code, text in CHOICES[choices].items():
        if wanted in (code.casefold(), text.zh.casefold(), text.en.casefold()):
            return code
    return None
