"""Edits over HTTP: all or nothing, by revision, with a reason for each field, and taken back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from layers.base import table_of
from layers.editing.conflicts import image_columns
from layers.space import Room
from tests.support import small_estate

EDITOR = {"anonymous": "estate", "anonymous_edits": True}


@pytest.fixture
def ids(database: Any) -> small_estate.Estate:
    """The small estate."""
    return small_estate.fill(database.engine)


@pytest.fixture
async def client(database: Any, serve: Any, ids: Any) -> Any:
    """A client that may edit the small estate."""
    async with serve(database, **EDITOR) as made:
        yield made


async def item(client: httpx.AsyncClient, layer: str, key: int) -> dict[str, Any]:
    """Return a feature as OGC API - Features tells it."""
    answer = await client.get(f"/ogc/collections/{layer}/items/{key}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def put(layer: str, key: int | None = None, revision: int | None = None, **more: Any) -> Any:
    """Return the body of an edit with one put."""
    return {"puts": [{"layer": layer, "id": key, "revision": revision, **more}]}


def ring(x: float, y: float, width: float = 0.0001, height: float = 0.0001) -> dict[str, Any]:
    """Return a rectangle `x` and `y` squares from the small estate's origin."""
    west, south = small_estate.LON + x * 0.0002, small_estate.LAT + y * 0.0002
    east, north = west + width, south + height
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "MultiPolygon", "coordinates": [[corners]]}


async def test_a_change_is_read_at_once_and_has_its_place_in_the_log(
    client: httpx.AsyncClient, ids: Any, database: Any
) -> None:
    room = ids["rooms", "B03-412"]
    answer = await client.post(
        "/changes",
        json={**put("rooms", room, 1, properties={"use": "meeting"}), "reason": "改会议室"},
    )
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert done["puts"] == [{"layer": "rooms", "id": room, "revision": 2}]
    assert done["actor"] == "demo"
    assert (await item(client, "rooms", room))["properties"]["use"] == "meeting"
    with database.engine.connect() as link:
        kept = link.execute(
            text("SELECT seq, actor, reason FROM change_set WHERE seq = :s"), {"s": done["seq"]}
        )
        assert kept.one() == (done["seq"], "demo", "改会议室")


async def test_a_value_that_is_there_already_changes_nothing(
    client: httpx.AsyncClient, ids: Any
) -> None:
    room = ids["rooms", "B03-412"]
    use = (await item(client, "rooms", room))["properties"]["use"]
    answer = await client.post("/changes", json=put("rooms", room, 1, properties={"use": use}))
    assert answer.json()["seq"] is None
    assert answer.json()["puts"][0]["revision"] == 1


async def test_without_a_revision_nothing_is_changed(client: httpx.AsyncClient, ids: Any) -> None:
    answer = await client.post(
        "/changes", json=put("rooms", ids["rooms", "B03-412"], properties={"use": "meeting"})
    )
    assert answer.status_code == 428
    assert answer.json()["pointer"] == "/puts/0"


async def test_a_stale_revision_names_the_fields_that_differ_and_by_whom(
    client: httpx.AsyncClient, ids: Any
) -> None:
    room = ids["rooms", "B03-412"]
    first = put("rooms", room, 1, properties={"capacity": 7})
    assert (await client.post("/changes", json=first)).status_code == 200
    answer = await client.post("/changes", json=put("rooms", room, 1, properties={"capacity": 9}))
    assert answer.status_code == 412
    [conflict] = answer.json()["conflicts"]
    assert (conflict["based_on"], conflict["revision"], conflict["changed_by"]) == (1, 2, "demo")
    [differs] = conflict["differs"]
    assert (differs["field"], differs["yours"], differs["theirs"]) == ("capacity", 9, 7)


async def test_an_edit_with_one_impossible_part_writes_none_of_it(
    client: httpx.AsyncClient, ids: Any
) -> None:
    wrong = {"use": "palace", "capacity": "x"}
    good, bad = ids["rooms", "B03-412"], ids["rooms", "B03-415"]
    body = {
        "puts": [
            {"layer": "rooms", "id": good, "revision": 1, "properties": {"capacity": 5}},
            {"layer": "rooms", "id": bad, "revision": 1, "properties": wrong},
        ]
    }
    answer = await client.post("/changes", json=body, headers={"Accept-Language": "en"})
    assert answer.status_code == 422
    assert {(e["pointer"], e["field"]) for e in answer.json()["errors"]} == {
        ("/puts/1/properties/use", "use"),
        ("/puts/1/properties/capacity", "capacity"),
    }
    assert (await item(client, "rooms", good))["properties"]["capacity"] != 5


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"revision": 9}, "不能手工修改"),
        ({"colour": "red"}, "没有字段 colour"),
        ({"vacant_since": "yesterday"}, "应为日期"),
        ({"capacity": 2.5}, "应为整数"),
        ({"usable_area_m2": "17"}, "应为数值"),
        ({"body_id": 999_999}, "没有编号为 999999"),
        ({"capacity": 10**12}, "数值应在 ±2147483647 以内"),
    ],
)
async def test_a_wrong_value_is_told_with_its_field(
    client: httpx.AsyncClient, ids: Any, properties: dict[str, Any], said: str
) -> None:
    body = put("rooms", ids["rooms", "B03-412"], 1, properties=properties)
    answer = await client.post("/changes", json=body, headers={"Accept-Language": "zh"})
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["errors"][0]["message"]


async def test_a_check_of_the_table_is_told_in_words(client: httpx.AsyncClient, ids: Any) -> None:
    backwards = {"valid_from": "2026-05-02", "valid_to": "2026-05-01"}
    body = put("occupancies", properties={"room_id": ids["rooms", "B03-412"], **backwards})
    answer = await client.post("/changes", json=body, headers={"Accept-Language": "zh"})
    assert answer.status_code == 422
    assert "截止日期 > 起始日期" in answer.json()["errors"][0]["message"]


async def test_a_drawn_room_lies_on_its_level_and_over_no_other(
    client: httpx.AsyncClient, ids: Any
) -> None:
    like = ids["rooms", "B03-412"]
    room = put("rooms", like=like, properties={"number": "B03-499"}, geometry=ring(40, 0))
    answer = await client.post("/changes", json=room)
    assert answer.status_code == 200, answer.text
    made = answer.json()["puts"][0]["id"]
    levels = (await client.get(f"/features/rooms/{made}")).json()["path"]
    of_like = (await client.get(f"/features/rooms/{like}")).json()["path"]
    assert [p for p in levels if p["layer"] == "levels"] == [
        p for p in of_like if p["layer"] == "levels"
    ]
    over = put("rooms", like=like, properties={"number": "B03-498"}, geometry=ring(40.1, 0))
    answer = await client.post("/changes", json=over, headers={"Accept-Language": "zh"})
    assert answer.status_code == 422
    assert "与房间 B03-499 重叠" in answer.json()["errors"][0]["message"]


async def test_a_shape_that_crosses_itself_is_refused(client: httpx.AsyncClient, ids: Any) -> None:
    tie = [[[119.6, 38.9], [119.601, 38.901], [119.601, 38.9], [119.6, 38.901], [119.6, 38.9]]]
    body = put(
        "rooms", ids["rooms", "B03-412"], 1, geometry={"type": "Polygon", "coordinates": tie}
    )
    answer = await client.post("/changes", json=body, headers={"Accept-Language": "zh"})
    assert answer.status_code == 422
    assert "图形无效" in answer.json()["errors"][0]["message"]


async def test_a_room_with_people_is_not_deleted(client: httpx.AsyncClient, ids: Any) -> None:
    room = ids["rooms", "B03-412"]
    body = {"deletes": [{"layer": "rooms", "id": room, "revision": 1}]}
    answer = await client.post("/changes", json=body, headers={"Accept-Language": "zh"})
    assert answer.status_code == 422
    assert "条房间占用属于它" in answer.json()["errors"][0]["message"]


async def test_who_may_only_look_changes_nothing(database: Any, serve: Any, ids: Any) -> None:
    async with serve(database, anonymous="estate") as client:
        body = put("rooms", ids["rooms", "B03-412"], 1, properties={"use": "meeting"})
        assert (await client.post("/changes", json=body)).status_code == 403


async def test_undo_gives_back_every_column_but_the_revision(
    client: httpx.AsyncClient, ids: Any, database: Any
) -> None:
    table = table_of(Room)
    stored = [c for c in image_columns(table) if c.name != "revision"]

    def state() -> list[Any]:
        with database.engine.connect() as link:
            return sorted(map(str, link.execute(select(*stored))))

    before = state()
    room, other = ids["rooms", "B03-412"], ids["rooms", "B03-415"]
    altered = put(
        "rooms", room, 1, properties={"use": "meeting", "capacity": None}, geometry=ring(50, 0)
    )
    made = put("rooms", like=other, properties={"number": "B03-777"}, geometry=ring(60, 0))
    body = {"puts": [*altered["puts"], *made["puts"]]}
    first = (await client.post("/changes", json=body)).json()
    second = await client.post("/changes", json=put("rooms", other, 1, properties={"name": "新"}))
    for seq in (second.json()["seq"], first["seq"]):
        answer = await client.post(f"/changes/{seq}/undo")
        assert answer.status_code == 200, answer.text
    assert state() == before


async def test_undo_of_an_undo_is_a_redo(client: httpx.AsyncClient, ids: Any) -> None:
    room = ids["rooms", "B03-412"]
    done = await client.post("/changes", json=put("rooms", room, 1, properties={"use": "meeting"}))
    back = await client.post(f"/changes/{done.json()['seq']}/undo")
    again = await client.post(f"/changes/{back.json()['seq']}/undo")
    assert again.json()["puts"][0]["revision"] == 4
    assert (await item(client, "rooms", room))["properties"]["use"] == "meeting"


async def test_undo_keeps_what_another_changed_in_other_fields(
    client: httpx.AsyncClient, ids: Any
) -> None:
    room = ids["rooms", "B03-412"]
    use = (await item(client, "rooms", room))["properties"]["use"]
    done = await client.post("/changes", json=put("rooms", room, 1, properties={"use": "meeting"}))
    await client.post("/changes", json=put("rooms", room, 2, properties={"capacity": 33}))
    answer = await client.post(f"/changes/{done.json()['seq']}/undo")
    assert answer.status_code == 200, answer.text
    found = (await item(client, "rooms", room))["properties"]
    assert (found["use"], found["capacity"]) == (use, 33)


async def test_undo_that_would_lose_a_later_change_does_nothing(
    client: httpx.AsyncClient, ids: Any
) -> None:
    room = ids["rooms", "B03-412"]
    done = await client.post("/changes", json=put("rooms", room, 1, properties={"capacity": 8}))
    await client.post("/changes", json=put("rooms", room, 2, properties={"capacity": 33}))
    answer = await client.post(f"/changes/{done.json()['seq']}/undo")
    assert answer.status_code == 412
    assert answer.json()["conflicts"][0]["differs"] == [{"field": "capacity"}]
    assert (await item(client, "rooms", room))["properties"]["capacity"] == 33


async def test_what_another_did_is_undone_with_a_reason(
    client: httpx.AsyncClient, ids: Any, database: Any
) -> None:
    with database.engine.begin() as link:
        link.execute(text("SELECT set_config('onemap.actor', 'liu', true)"))
        link.execute(
            text("UPDATE room SET capacity = 3, revision = 2 WHERE id = :i"),
            {"i": ids["rooms", "B03-412"]},
        )
    with database.engine.connect() as link:
        seq = link.scalar(text("SELECT max(seq) FROM change_set"))
    assert (await client.post(f"/changes/{seq}/undo")).status_code == 400
    answer = await client.post(f"/changes/{seq}/undo", json={"reason": "录入有误"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"puts": [{"layer": "rooms", "id": 1, "revision": 10**30, "properties": {"capacity": 1}}]},
        {"puts": [{"layer": "rooms", "id": 1, "revision": 1, "properties": {"use": ["office"]}}]},
        {"puts": [{"layer": "rooms", "id": 1, "revision": 1, "properties": {"body_id": 10**30}}]},
        {"puts": [{"layer": "rooms", "id": 1, "revision": 1, "properties": {"name": "a\u0000"}}]},
        {"reason": "a\u0000b", "deletes": [{"layer": "rooms", "id": 1, "revision": 1}]},
        {"puts": [{"layer": "rooms", "id": 1, "revision": 1, "like": 2}]},
        {},
    ],
)
async def test_odd_input_is_refused_in_words(client: httpx.AsyncClient, body: Any) -> None:
    answer = await client.post("/changes", json=body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["detail"]


async def test_what_is_too_large_is_refused_before_it_is_read(client: httpx.AsyncClient) -> None:
    async def endless() -> Any:
        for _ in range(30):
            yield b" " * 1_000_000

    answer = await client.post(
        "/changes", content=endless(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413


async def test_an_edit_as_a_unit_stays_within_it(
    client: httpx.AsyncClient, ids: Any, database: Any
) -> None:
    unit = {"unit": ids["bodies", "017"]}
    mine, theirs, public = (ids["rooms", key] for key in ("B03-415", "B03-412", "B03-101"))

    async def changed(*rooms: int) -> httpx.Response:
        puts = [
            {"layer": "rooms", "id": r, "revision": 1, "properties": {"capacity": 8}} for r in rooms
        ]
        return await client.post("/changes", params=unit, json={"puts": puts})

    assert (await changed(theirs)).status_code == 404, "a unit does not see it"
    assert (await changed(public)).status_code == 403, "everybody sees it, and it is nobody's own"
    assert (await changed(mine, public)).status_code == 403, "all or nothing"
    moved = put("rooms", mine, 1, properties={"body_id": ids["bodies", "012"]})
    assert (await client.post("/changes", params=unit, json=moved)).status_code in (403, 422)
    done = await changed(mine)
    assert done.status_code == 200, done.text

    whole = await client.post("/changes", json=put("rooms", theirs, 1, properties={"capacity": 9}))
    seq = whole.json()["seq"]
    undone = await client.post(f"/changes/{seq}/undo", params=unit, json={"reason": "误改"})
    assert undone.status_code == 404
    feature = f"/ogc/collections/rooms/items/{theirs}"
    for method in ("PATCH", "DELETE"):
        refused = await client.request(
            method, feature, params=unit, json={"properties": {}}, headers={"If-Match": "*"}
        )
        assert refused.status_code == 412, "there is no such room for the unit"
    with database.engine.connect() as link:
        capacities = text("SELECT capacity FROM room WHERE id = ANY(:ids) ORDER BY id")
        assert link.scalars(capacities, {"ids": [mine, theirs, public]}).all() == [9, 8, 20]
