"""What the rule of outages says of a node, a link and a duct (see `layers.rules.network`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from layers.access import rows
from layers.insights.base import Found, Insight, Line, Told
from layers.labels import Text
from layers.measures.base import Question
from layers.measures.space import held
from layers.network import DUCTS, NETWORK_LINKS, NETWORK_NODES, LinkDuct
from layers.places import title_of
from layers.rules.network import COMMA, DOWN, Outage, Thing, link_of, node_of, parts, served

MOST = 8
"""So many nodes or links are listed one by one; of the others, how many they are."""

IN_A_SENTENCE = 6
"""So many sites are named in the sentence; the lines list more."""

_GATEWAY = "gateway"
_SITES = ("site", "core")
_NO_ROOT = Text(
    "所见网络没有根节点（出口），无法判断谁会失联",
    "No root (way out) is seen in this network: nothing can be called unreachable",
)


def _parts(question: Question) -> dict[str, Select[Any]]:
    """Return the network, the rooms that nodes serve, and who holds these rooms."""
    room, people = served(question), held(question).people
    in_rooms = select(room.c.room_id)
    return {
        **parts(question),
        "rooms": select(room.c.node_id, room.c.room_id),
        "people": select(people.c.room_id, people.c.person_id).where(
            people.c.room_id.in_(in_rooms)
        ),
    }


def _counts(found: Found, nodes: Iterable[Thing]) -> tuple[int, int]:
    """Return how many rooms the nodes serve, and how many people hold one of these."""
    stopped = set(nodes)
    rooms = {row["room_id"] for row in found["rooms"] if node_of(row["node_id"]) in stopped}
    people = {row["person_id"] for row in found["people"] if row["room_id"] in rooms}
    return len(rooms), len(people)


def _stopped(outage: Outage, found: Found, dark: set[Thing], failed: set[Thing]) -> list[Line]:
    """Return the lines of what goes dark: how many, whose, and which nodes they are."""
    rooms, people = _counts(found, dark | failed)
    gateways = [key for key in dark if outage.facts[key]["kind"] == _GATEWAY]
    made = [Line("unreachable", Text("不可达设备", "unreachable devices"), len(dark))]
    for name, title, count in (
        ("rooms", Text("受影响房间", "affected rooms"), rooms),
        ("people", Text("受影响人员", "affected people"), people),
        ("gateways", Text("中断采集网关", "silent meter gateways"), len(gateways)),
    ):
        if count:
            made.append(Line(name, title, count))
    listed = sorted(dark, key=lambda key: (not _is_site(outage, key), outage.title(key)))
    for key in listed[:MOST]:
        site = _is_site(outage, key)
        title = Text("不可达站点", "unreachable site") if site else Text("不可达", "unreachable")
        made.append(Line("site" if site else "node", title, outage.title(key), link=key))
    return made + _others("nodes", Text("其余不可达", "also unreachable"), len(listed))


def _others(kind: str, title: Text, count: int) -> list[Line]:
    """Return the line that says how many there are beyond those that are listed."""
    if count <= MOST:
        return []
    said = Text(f"等 {count} 个", f"and {count - MOST} more")
    return [Line(f"more_{kind}", title, said)]


def _is_site(outage: Outage, node: Thing) -> bool:
    return outage.facts[node]["kind"] in _SITES


def _consequence(outage: Outage, found: Found, dark: set[Thing], failed: set[Thing]) -> Text:
    """Say in a clause what is lost: the sites by name, the rest by number."""
    rooms, people = _counts(found, dark | failed)
    sites = sorted(outage.title(key) for key in dark if _is_site(outage, key))[:IN_A_SENTENCE]
    if not dark and not rooms:
        return Text("没有节点失联", "no node is cut off")
    zh, en = [], []
    if sites:
        zh.append(f"{COMMA.join(sites)}等 {len(dark)} 个节点失联")
        en.append(f"{len(dark)} nodes are cut off, {', '.join(sites)} among them")
    elif dark:
        zh.append(f"{len(dark)} 台设备失联")
        en.append(f"{len(dark)} devices are cut off")
    if rooms:
        zh.append(f"{rooms} 间房、{people} 人受影响")
        en.append(f"{rooms} rooms and {people} people are affected")
    return Text("，".join(zh), "; ".join(en))


def _lasted(span: timedelta) -> Text:
    minutes = max(0, int(span.total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return Text(f"{days} 天 {hours} 小时", f"{days} d {hours} h")
    if hours:
        return Text(f"{hours} 小时 {rest} 分钟", f"{hours} h {rest} min")
    return Text(f"{rest} 分钟", f"{rest} min")


def _since(question: Question, began: datetime | None) -> tuple[Text, list[Line]]:
    if began is None:
        return Text("起始时间未记录", "since when is not recorded"), []
    span = (question.at or question.now) - began
    lasted = _lasted(span)
    lines = [
        Line("since", Text("故障起始", "down since"), began.astimezone(question.zone)),
        Line("age", Text("已持续", "for"), int(span.total_seconds() // 60), "min"),
    ]
    return Text(f"已持续 {lasted.zh}", f"for {lasted.en}"), lines


def _outage_parts(question: Question, _key: int) -> Mapping[str, Select[Any]]:
    return _parts(question)


def _outage(question: Question, key: int, found: Found) -> Told | None:
    outage, node = Outage.of(found), node_of(key)
    if node not in outage.facts:
        return None
    if node in outage.down:
        return _down(question, outage, found, node)
    if node in outage.blamed:
        return _cut_off(question, outage, node)
    return _if_it_failed(outage, found, node)


def _if_it_failed(outage: Outage, found: Found, node: Thing) -> Told:
    if not outage.roots:
        return Told("neutral", _NO_ROOT)
    if not outage.ever_reached(node):
        return Told(
            "attention",
            Text("没有链路通向任何根节点（出口）", "No link leads from here to a root (way out)"),
        )
    dark = outage.further(nodes=[node])
    if not dark and not any(_counts(found, {node})):
        return Told("ok", Text("若中断：没有其他设备失联", "If it fails: nothing else is cut off"))
    said = _consequence(outage, found, dark, {node})
    return Told(
        "neutral",
        Text(f"若中断：{said.zh}", f"If it fails: {said.en}"),
        _stopped(outage, found, dark, {node}),
    )


def _down(question: Question, outage: Outage, found: Found, node: Thing) -> Told:
    lasted, lines = _since(question, outage.facts[node]["state_since"])
    if not outage.roots:
        rooms, people = _counts(found, {node})
        counts = [
            Line("rooms", Text("受影响房间", "affected rooms"), rooms),
            Line("people", Text("受影响人员", "affected people"), people),
        ]
        return Told(
            "bad",
            Text(f"故障，{lasted.zh}；{_NO_ROOT.zh}", f"Down, {lasted.en}. {_NO_ROOT.en}"),
            lines + counts,
        )
    dark = outage.behind(node)
    said = _consequence(outage, found, dark, {node})
    return Told(
        "bad",
        Text(f"故障，{lasted.zh}：{said.zh}", f"Down, {lasted.en}: {said.en}"),
        lines + _stopped(outage, found, dark, {node}),
    )


def _cut_off(question: Question, outage: Outage, node: Thing) -> Told:
    causes = sorted(outage.blamed[node], key=outage.title)
    lines = []
    for cause in causes:
        lines.append(Line("cause", Text("原因", "cause"), outage.title(cause), link=cause))
        began = outage.facts[cause].get("state_since")
        lines += _since(question, began)[1] if len(causes) == 1 else []
    names = outage.titles(causes)
    return Told(
        "bad",
        Text(
            f"不可达：{names} 故障", f"Unreachable: {', '.join(map(outage.title, causes))} is down"
        ),
        lines,
    )


def _link_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    mine = rows(LinkDuct, question.actor, question.at)
    own = select(mine.c.duct_id).where(mine.c.link_id == key)
    return {**_parts(question), "ducts": _in_ducts(question, own)}


def _duct_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    duct = rows(DUCTS, question.actor, question.at)
    own = select(duct.c.id).where(duct.c.id == key)
    return {**_parts(question), "ducts": _in_ducts(question, own)}


def _in_ducts(question: Question, ducts: Select[Any]) -> Select[Any]:
    """Return ``duct_id, duct, link_id``: the links in some ducts, and what these are called."""
    link = rows(LinkDuct, question.actor, question.at)
    duct = rows(DUCTS, question.actor, question.at)
    return (
        select(link.c.duct_id, title_of(DUCTS, duct).label("duct"), link.c.link_id)
        .join(duct, duct.c.id == link.c.duct_id)
        .where(link.c.duct_id.in_(ducts))
        .order_by(link.c.duct_id, link.c.link_id)
    )


def _redundancy_of_link(_question: Question, key: int, found: Found) -> Told | None:
    outage, link = Outage.of(found), link_of(key)
    if link not in outage.facts:
        return None
    if not outage.roots:
        return Told("neutral", _NO_ROOT)
    broken = outage.facts[link]["state"] == DOWN
    gone = _ends_gone(outage, link)
    if gone is not None:
        return gone
    dark = outage.behind(link) if broken else outage.further(links=[link])
    said = _consequence(outage, found, dark, set())
    when = Text("已中断", "Broken") if broken else Text("若中断", "If it is cut")
    told = Text(f"{when.zh}：{said.zh}", f"{when.en}: {said.en}")
    lines = _stopped(outage, found, dark, set()) if dark else []
    for duct_id, others in _sharing(outage, found, link).items():
        duct = next(row["duct"] for row in found["ducts"] if row["duct_id"] == duct_id)
        lines += [
            Line(
                "shares_duct", Text(f"与其同走管孔 {duct}", f"shares the duct {duct}"),
                outage.title(other), link=other,
            )
            for other in others
        ]  # fmt: skip
        lost = outage.further(links=[link, *others])
        if others and not dark and lost:
            both = _consequence(outage, found, lost, set())
            lines += [
                Line(
                    "duct",
                    Text("同走的管孔", "the duct they share"),
                    duct,
                    link=(DUCTS.name, duct_id),
                ),
                *_stopped(outage, found, lost, set()),
            ]
            told = Text(
                f"{told.zh}；但与 {outage.titles(others)} 同走管孔 {duct}，管孔若断：{both.zh}",
                f"{told.en}. But it shares the duct {duct} with "
                f"{', '.join(map(outage.title, others))}: if that is cut, {both.en}",
            )
            return Told("attention", told, lines)
    if dark:
        return Told("bad" if broken else "attention", told, lines)
    return Told("ok", told, lines)


def _ends_gone(outage: Outage, link: Thing) -> Told | None:
    """Say that a link has an end that is down or cut off, which is what matters then."""
    ends = {node_of(outage.facts[link][name]) for name in ("a_node_id", "b_node_id")}
    cut_off = set() if link in outage.cut else ends & outage.blamed.keys()
    for gone, state in (
        (ends & outage.down, Text("故障", "down")),
        (cut_off, Text("不可达", "unreachable")),
    ):
        if gone:
            lines = [
                Line("end", Text("端点", "end"), outage.title(each), link=each)
                for each in sorted(gone)
            ]
            names = ", ".join(outage.title(each) for each in sorted(gone))
            said = Text(f"端点 {outage.titles(gone)} {state.zh}", f"Its end {names} is {state.en}")
            return Told("neutral", said, lines)
    return None


def _sharing(outage: Outage, found: Found, link: Thing) -> dict[int, list[Thing]]:
    """Return the other links in each duct of a link."""
    made: dict[int, list[Thing]] = {}
    for row in found["ducts"]:
        other = link_of(row["link_id"])
        others = made.setdefault(row["duct_id"], [])
        if other != link and other in outage.facts:
            others.append(other)
    return made


def _redundancy_of_duct(_question: Question, _key: int, found: Found) -> Told | None:
    outage = Outage.of(found)
    inside = [link_of(row["link_id"]) for row in found["ducts"]]
    inside = [link for link in inside if link in outage.facts]
    if not inside:
        return None
    lines = [Line("links", Text("其中链路", "links in it"), len(inside))]
    lines += [
        Line("link", Text("链路", "link"), outage.title(link), link=link) for link in inside[:MOST]
    ]
    lines += _others("links", Text("其余链路", "other links"), len(inside))
    if not outage.roots:
        return Told("neutral", _NO_ROOT, lines)
    dark = outage.further(links=inside)
    said = _consequence(outage, found, dark, set())
    return Told(
        "attention" if dark else "ok",
        Text(f"若此管孔中断：{said.zh}", f"If this duct is cut: {said.en}"),
        lines + (_stopped(outage, found, dark, set()) if dark else []),
    )


INSIGHTS = (
    Insight(
        name="outage",
        layer=NETWORK_NODES.name,
        rests=("network_links", "occupancies", "persons"),
        title=Text("中断影响", "Outage"),
        ask=_outage_parts,
        read=_outage,
    ),
    Insight(
        name="redundancy",
        layer=NETWORK_LINKS.name,
        rests=("network_nodes", "network_links", "occupancies", "persons"),
        title=Text("冗余", "Redundancy"),
        ask=_link_parts,
        read=_redundancy_of_link,
    ),
    Insight(
        name="redundancy",
        layer=DUCTS.name,
        rests=("network_nodes", "network_links", "occupancies", "persons"),
        title=Text("冗余", "Redundancy"),
        ask=_duct_parts,
        read=_redundancy_of_duct,
    ),
)
