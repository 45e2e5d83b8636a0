"""What the service tells of the recorded past: versions, change sets, differences."""

from __future__ import annotations

from typing import Any

import httpx
import jsonschema
import pytest
import sqlalchemy as sa

from api.history_schemas import CHANGE_SETS, DIFFERENCE, HISTORY
from layers.base import Base, table_of
from layers.changes import ChangeSet
from layers.people import Body
from layers.space import Room
from tests.api.conftest import Serve
from tests.support import accounts, small_estate

ROOM = table_of(Room)
SETS = Base.metadata.tables["change_set"]
SCHEMAS = {"history": HISTORY, "changes": CHANGE_SETS, "between": DIFFERENCE}


@pytest.fixture
def estate(database: Any) -> tuple[Any, small_estate.Estate]:
    return database, small_estate.fill(database.engine)


def change(database: Any, statement: Any, actor: str = "王工", reason: str = "调整") -> Any:
    """Run one statement as a change set of its own and return its moment."""
    with database.engine.begin() as connection:
        ChangeSet(connection, actor, reason)
        connection.execute(statement)
    return moment(database)


def moment(database: Any) -> Any:
    with database.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.max(SETS.c.recorded_at)))


def room(estate: Any, key: str) -> int:
    return int(estate[1]["rooms", key])


def scoped(estate: Any, key: str) -> dict[str, str]:
    """Make a token whose scope is one body, and return its header."""
    with estate[0].engine.begin() as connection:
        accounts.with_token(connection, "审计", "t", body_id=estate[1]["bodies", key])
    return {"Authorization": "Bearer t"}


async def ask(client: httpx.AsyncClient, path: str, **options: Any) -> Any:
    answer = await client.get(path, **options)
    assert answer.status_code == 200, answer.text
    kind = next(name for name in ("between", "changes", "history") if name in path)
    jsonschema.validate(answer.json(), SCHEMAS[kind])
    return answer.json()


async def test_versions_say_who_changed_what_why_and_from_what_to_what(estate: Any, serve: Serve):
    database, ids = estate
    key = room(estate, "B03-412")
    audit = ids["bodies", "017"]
    change(database, sa.update(ROOM).where(ROOM.c.id == key).values(use="meeting", revision=2))
    moved = sa.func.ST_Translate(ROOM.c.geom, 1, 0)
    values = {"geom": moved, "body_id": audit, "names": {"en": "Big"}, "revision": 3}
    change(database, sa.update(ROOM).where(ROOM.c.id == key).values(values), "李工", "搬迁")
    change(database, sa.delete(ROOM).where(ROOM.c.id == key), "李工", "拆除")
    async with serve(database) as client:
        zh = {"Accept-Language": "zh"}
        found = await ask(client, f"/history/rooms/{key}?geometry=true", headers=zh)
        pages = [await ask(client, f"/history/rooms/{key}?limit=3")]
        pages.append(await ask(client, f"/history/rooms/{key}?limit=3&after={pages[0]['next']}"))
        then = await ask(client, f"/history/rooms/{key}", params={"at": found["since"]})
    gone, altered, used, added = found["versions"]
    assert [each["operation"] for each in found["versions"]] == [
        "gone",
        "altered",
        "altered",
        "added",
    ]
    assert found["title"] == "B03-412"
    assert (used["actor"], used["reason"], used["revision"]) == ("王工", "调整", 2)
    (use,) = used["fields"]
    assert (use["title"]["zh"], use["before"]["label"], use["after"]["label"]) == (
        "用途",
        "办公室",
        "会议室",
    )
    assert not used["moved"]
    told = {each["field"]: each for each in altered["fields"]}
    assert set(told) - {"polygon_area_m2"} == {"body_id", "names.en"}
    assert told["body_id"]["before"]["reference"]["title"].endswith("区教育局")
    assert told["body_id"]["after"]["reference"]["id"] == audit
    assert altered["moved"]
    assert altered["bbox_after"][0] == pytest.approx(altered["bbox_before"][0] + 1)
    assert gone["geometry"]["coordinates"] == altered["geometry"]["coordinates"]
    assert gone["bbox_after"] is None
    assert {each["field"] for each in added["fields"]} >= {"number", "use"}
    assert all(each["before"] is None for each in added["fields"])
    seqs = [v["seq"] for page in pages for v in page["versions"]]
    assert seqs == [each["seq"] for each in found["versions"]]
    assert pages[1]["next"] is None
    assert [each["seq"] for each in then["versions"]] == seqs[-1:]


async def test_what_never_was_or_is_not_yours_has_no_history(estate: Any, serve: Serve):
    database, ids = estate
    key = room(estate, "B03-411")
    change(database, sa.update(ROOM).where(ROOM.c.id == key).values(use="meeting"))
    change(database, sa.update(ROOM).where(ROOM.c.id == key).values(body_id=ids["bodies", "017"]))
    change(database, sa.update(ROOM).where(ROOM.c.id == key).values(use="service"))
    change(database, sa.update(ROOM).where(ROOM.c.id == key).values(body_id=ids["bodies", "012"]))
    hidden = room(estate, "B03-408")
    header = scoped(estate, "017")
    async with serve(database) as client:
        for path in ("rooms/987654", f"rooms/{hidden}"):
            answer = await client.get(f"/history/{path}", headers=header)
            assert answer.status_code == 404
        found = await ask(client, f"/history/rooms/{key}", headers=header)
        refused = await client.get("/history/positions/1")
    told = [(v["operation"], [f["field"] for f in v["fields"]]) for v in found["versions"]]
    assert [kind for kind, _ in told] == ["gone", "altered", "added"]
    assert told[1][1] == ["use"]
    assert "meeting" in str(found["versions"][2])  # the state that it came with
    assert all(f["before"] is None for f in found["versions"][2]["fields"])
    assert refused.status_code == 400


async def test_change_sets_are_told_with_what_the_caller_sees_of_them(estate: Any, serve: Serve):
    database, ids = estate
    mine, theirs = room(estate, "B03-415"), room(estate, "B03-411")
    start = moment(database).isoformat()
    change(database, sa.update(ROOM).where(ROOM.c.id == theirs).values(use="meeting"), reason="他")
    both = change(database, sa.update(ROOM).where(ROOM.c.id.in_([mine, theirs])).values(capacity=9))
    body = table_of(Body)
    change(database, sa.update(body).where(body.c.id == ids["bodies", "012"]).values(code="x"))
    header = scoped(estate, "017")
    async with serve(database) as client:
        whole = (await ask(client, "/changes"))["sets"]
        few = await ask(client, "/changes?limit=2")
        rest = await ask(client, f"/changes?limit=2&after={few['next']}")
        rooms = await ask(client, "/changes", params={"layer": "rooms", "from": start})
        away = await ask(client, "/changes?bbox=1,1,2,2")
        early = await ask(client, "/changes", params={"to": both.isoformat()})
        seen = (await ask(client, "/changes", headers=header))["sets"]
        place = seen[0]["bbox"]
        there = await ask(client, f"/changes?bbox={','.join(map(str, place))}", headers=header)
    assert [each["counts"] for each in whole[:3]] == [{"bodies": 1}, {"rooms": 2}, {"rooms": 1}]
    assert whole[3]["counts"]["rooms"] > 7  # with the links to their levels
    assert [each["seq"] for each in few["sets"] + rest["sets"]] == [each["seq"] for each in whole]
    assert [each["reason"] for each in rooms["sets"]][1:2] == ["他"]
    assert away["sets"] == []
    assert both.isoformat() not in str(early)
    assert len(early["sets"]) == len(whole) - 2
    assert seen[0]["counts"] == {"rooms": 1}
    assert "他" not in str(seen)
    assert len(there["sets"]) == 2


async def test_the_difference_between_two_moments(estate: Any, serve: Serve):
    database, ids = estate
    start = moment(database)
    a, b, c = (room(estate, key) for key in ("B03-411", "B03-412", "B03-101"))
    change(database, sa.update(ROOM).where(ROOM.c.id == a).values(use="meeting"))
    change(database, sa.update(ROOM).where(ROOM.c.id == c).values(use="service"))
    change(database, sa.update(ROOM).where(ROOM.c.id == c).values(use="meeting", revision=9))
    middle = change(database, sa.delete(ROOM).where(ROOM.c.id == b))
    again = {"id": b, "source": "test", "source_key": "neu", "number": "B03-412"}
    change(database, sa.insert(ROOM).values(**again))
    change(database, sa.insert(ROOM).values(source="test", source_key="n", number="N", geom=None))
    header = scoped(estate, "017")
    path = "/changes/between"
    async with serve(database) as client:
        span = {"layers": "rooms", "from": start.isoformat()}
        whole = await ask(client, path, params=span)
        until = await ask(client, path, params={**span, "to": middle.isoformat()})
        cut = await ask(client, path, params={**span, "limit": 1})
        box = {**span, "bbox": "1,1,2,2"}
        away = await ask(client, path, params=box)
        mine = await ask(client, path, params=span, headers=header)
        before = await ask(client, path, params={**span, "from": "1990-01-01"})
        wrong = await client.get(path, params={"from": "2990-01-01"})
    kinds = {f["properties"]["title"]: f["properties"]["kind"] for f in whole["features"]}
    assert kinds == {"B03-411": "altered", "B03-412": "altered", "N": "added"}
    assert whole["counts"] == {"rooms": {"added": 1, "altered": 2, "gone": 0}}
    assert not whole["truncated"]
    gone = [f for f in until["features"] if f["properties"]["kind"] == "gone"]
    assert [f["properties"]["id"] for f in gone] == [b]
    assert gone[0]["geometry"]["type"] == "MultiPolygon"
    assert (cut["truncated"], len(cut["features"])) == (True, 1)
    assert away["features"] == []
    assert {f["properties"]["title"] for f in mine["features"]} == {"N", "B03-412"}
    assert before["earliest"].keys() == {"rooms"}
    assert before["features"] == whole["features"]
    assert wrong.status_code == 400
    assert ids


async def test_a_link_counts_as_a_change_of_its_subject(estate: Any, serve: Serve):
    database, _ = estate
    links = Base.metadata.tables["room_level"]
    key = room(estate, "B03-412")
    change(database, sa.delete(links).where(links.c.room_id == key))
    async with serve(database) as client:
        found = await ask(client, "/changes?layer=rooms&limit=1")
    assert found["sets"][0]["counts"] == {"rooms": 1}
