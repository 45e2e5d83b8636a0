"""Edits by hand where they meet others: scopes, links, deletes, two editors at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from layers.access import Actor, rows, subtree
from layers.assets import ASSETS, Asset
from layers.base import Layer, table_of
from layers.editing import Delete, Done, Edit, Put, apply, undo
from layers.energy import METERS, Meter
from layers.network import NodeRoom
from layers.people import BODIES
from layers.policy import all_business
from layers.problems import BadRequest, Forbidden, Impossible, NotFound, Stale
from layers.space import ROOMS, Room
from tests.support import small_estate
from tests.support.databases import Clone

ZONE = ZoneInfo("Asia/Shanghai")
LI = Actor("li", all_business(None))
Make = Callable[..., Done]


@pytest.fixture
def ids(database: Clone) -> small_estate.Estate:
    """The small estate."""
    return small_estate.fill(database.engine)


@pytest.fixture
def of_012(database: Clone, ids: Any) -> Actor:
    """An editor of body 012 alone."""
    with database.engine.connect() as link:
        below = link.scalars(subtree(ids["bodies", "012"])).all()
    return Actor("wang", all_business(tuple(below)))


@pytest.fixture
def make(database: Clone) -> Make:
    """Apply an edit in a transaction of its own, as the serving role."""

    def made(*parts: Put | Delete, actor: Actor = LI, reason: str | None = None) -> Done:
        puts = [each for each in parts if isinstance(each, Put)]
        deletes = [each for each in parts if isinstance(each, Delete)]
        with database.app_engine.begin() as connection:
            return apply(connection, actor, Edit(puts, deletes, reason), zone=ZONE)

    return made


@pytest.fixture
def take_back(database: Clone) -> Callable[..., Done]:
    """Undo a change set in a transaction of its own, as the serving role."""

    def made(seq: int | None, actor: Actor = LI, reason: str | None = None) -> Done:
        assert seq is not None
        with database.app_engine.begin() as connection:
            return undo(connection, actor, seq, reason)

    return made


def square(x: int, y: int) -> dict[str, Any]:
    """Return a square of ten metres, far from the small estate's rooms."""
    west, south = small_estate.LON + 0.02 + x * 0.0002, small_estate.LAT + y * 0.0002
    east, north = west + 0.0001, south + 0.0001
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def an_empty_room(make: Make, ids: Any, number: str = "N-1") -> int:
    """Draw a room that nobody is in, on the level of another."""
    like, shape = ids["rooms", "B03-412"], square(0, 0)
    put = Put(ROOMS, like=like, properties={"number": number}, geometry=shape, placed=True)
    return make(put).puts[0].id


def all_of(database: Clone, *models: Any) -> list[Any]:
    """Return the rows of tables with every stored column but the revision."""
    found = []
    with database.engine.connect() as link:
        for model in models:
            names = [c for c in table_of(model).c if c.computed is None and c.name != "revision"]
            found += sorted(
                map(str, link.execute(sa.select(*(sa.cast(c, sa.Text) for c in names))))
            )
    return found


def revision(database: Clone, layer: Layer, key: int) -> int:
    """Return the present revision of a row."""
    with database.engine.connect() as link:
        return int(
            link.scalar(sa.select(layer.table.c.revision).where(layer.table.c.id == key)) or 0
        )


def test_nobody_makes_or_deletes_a_body_by_hand(make: Make, ids: Any, database: Clone) -> None:
    with pytest.raises(Forbidden):
        make(Put(BODIES, properties={"name": "新机构"}))
    with pytest.raises(Forbidden):
        make(Delete(BODIES, ids["bodies", "017"], 1))
    with database.engine.begin() as link:
        body = BODIES.table
        values = {"source": "t", "source_key": "t", "path": ""}
        key = link.scalar(sa.insert(body).values(**values).returning(body.c.id))
        assert link.scalars(subtree(int(key or 0))).all() == [key], "an empty path holds nobody"


def test_like_is_for_new_rows_alone(make: Make, ids: Any) -> None:
    one, other = ids["rooms", "B03-412"], ids["rooms", "B03-415"]
    with pytest.raises(BadRequest):
        make(Put(ROOMS, one, 1, like=other))


def test_a_scoped_editor_changes_what_the_body_owns_and_nothing_else(
    make: Make, ids: Any, of_012: Actor
) -> None:
    own, others = ids["rooms", "B03-412"], ids["rooms", "B03-415"]
    public, body = ids["rooms", "B03-101"], ids["bodies", "017"]
    assert make(Put(ROOMS, own, 1, properties={"capacity": 3}), actor=of_012).seq
    with pytest.raises((NotFound, Forbidden)):
        make(Put(ROOMS, others, 1, properties={"capacity": 3}), actor=of_012)
    with pytest.raises((NotFound, Forbidden)):
        make(Put(ROOMS, public, 1, properties={"capacity": 3}), actor=of_012)
    with pytest.raises((Impossible, Forbidden)):
        make(Put(ROOMS, own, 2, properties={"body_id": body}), actor=of_012)
    with pytest.raises(Forbidden):
        make(Put(ROOMS, own, 2, properties={"body_id": None}), actor=of_012)
    with pytest.raises(NotFound):
        make(Put(ROOMS, like=others, properties={"number": "X"}), actor=of_012)


def test_a_scoped_editor_does_not_undo_links_of_what_others_own(
    make: Make, take_back: Any, ids: Any, of_012: Actor
) -> None:
    level = ids["levels", "B03-0"]
    room = ids["rooms", "B03-415"]
    done = make(Put(ROOMS, room, 1, links={"levels": [level]}))
    with pytest.raises(NotFound):
        take_back(done.seq, of_012, "试试")


def test_links_raise_the_revision_of_their_subject(make: Make, ids: Any, database: Clone) -> None:
    room = ids["rooms", "B03-412"]
    make(Put(ROOMS, room, 1, links={"levels": [ids["levels", "B03-0"]]}))
    assert revision(database, ROOMS, room) == 2
    with pytest.raises(Stale):
        make(Put(ROOMS, room, 1, links={"levels": [ids["levels", "B03-1"]]}))


def test_undoing_the_delete_of_a_room_and_what_stands_in_it_brings_all_back(
    make: Make, take_back: Any, ids: Any, database: Clone
) -> None:
    room = an_empty_room(make, ids)
    asset = make(Put(ASSETS, properties={"name": "桌", "room_id": room})).puts[0].id
    before = all_of(database, Room, Asset, NodeRoom)
    done = make(Delete(ASSETS, asset, 1), Delete(ROOMS, room, 1))
    assert all_of(database, Room, Asset, NodeRoom) != before
    take_back(done.seq)
    assert all_of(database, Room, Asset, NodeRoom) == before


def test_undoing_the_delete_of_a_meter_and_its_child_brings_both_back(
    make: Make, take_back: Any, database: Clone, ids: Any
) -> None:
    assert ids.ids
    parent = make(Put(METERS, properties={"name": "总表", "number": "T-1"})).puts[0].id
    child = make(Put(METERS, properties={"name": "分表", "number": "T-2", "parent_id": parent}))
    before = all_of(database, Meter)
    done = make(Delete(METERS, parent, 1), Delete(METERS, child.puts[0].id, 1))
    take_back(done.seq)
    assert all_of(database, Meter) == before


def test_deleting_a_room_empties_what_named_it_and_undo_gives_it_back(
    make: Make, take_back: Any, ids: Any, database: Clone
) -> None:
    room = an_empty_room(make, ids)
    asset = make(Put(ASSETS, properties={"name": "桌", "room_id": room})).puts[0].id
    done = make(Delete(ROOMS, room, 1))
    with database.engine.connect() as link:
        t = table_of(Asset)
        assert link.scalar(sa.select(t.c.room_id).where(t.c.id == asset)) is None
    assert revision(database, ASSETS, asset) == 2
    take_back(done.seq)
    with database.engine.connect() as link:
        assert link.scalar(sa.select(t.c.room_id).where(t.c.id == asset)) == room


def test_a_scoped_editor_does_not_delete_what_others_things_name(
    make: Make, ids: Any, of_012: Actor
) -> None:
    room = ids["rooms", "B03-411"]
    make(Put(ASSETS, properties={"name": "桌", "room_id": room, "body_id": ids["bodies", "017"]}))
    with pytest.raises(Impossible):
        make(Delete(ROOMS, room, 1), actor=of_012)


def test_an_overlap_with_a_room_that_is_not_seen_does_not_name_it(
    make: Make, ids: Any, of_012: Actor, database: Clone
) -> None:
    other = ids["rooms", "B03-415"]
    with database.engine.connect() as link:
        seen = rows(ROOMS, of_012)
        assert other not in link.scalars(sa.select(seen.c.id)).all()
        shape = link.scalar(
            sa.select(sa.func.ST_AsGeoJSON(table_of(Room).c.geom)).where(
                table_of(Room).c.id == other
            )
        )

    put = Put(ROOMS, ids["rooms", "B03-412"], 1, geometry=json.loads(str(shape)), placed=True)
    with pytest.raises(Impossible) as refused:
        make(put, actor=of_012)
    told = refused.value.details["errors"][0].text
    assert "B03-415" not in told.zh + told.en
    assert "另一房间" in told.zh


def test_two_who_edit_one_row_at_once_do_not_lose_either_change(
    ids: Any, database: Clone, make: Make
) -> None:
    room = ids["rooms", "B03-412"]
    outcomes: list[str] = []

    def edit(capacity: int) -> None:
        try:
            make(Put(ROOMS, room, 1, properties={"capacity": capacity}))
            outcomes.append("saved")
        except Stale:
            outcomes.append("stale")

    threads = [threading.Thread(target=edit, args=(n,)) for n in (11, 12, 13)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["saved", "stale", "stale"]
    assert revision(database, ROOMS, room) == 2


def test_an_undo_waits_for_an_edit_under_way_and_keeps_it(
    make: Make, take_back: Any, ids: Any, database: Clone
) -> None:
    room = ids["rooms", "B03-412"]
    done = make(Put(ROOMS, room, 1, properties={"use": "meeting"}))
    result: list[Any] = []
    with database.app_engine.begin() as connection:
        put = Put(ROOMS, room, 2, properties={"capacity": 44})
        apply(connection, LI, Edit([put]), zone=ZONE)
        waiting = threading.Thread(target=lambda: result.append(take_back(done.seq)))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive(), "the undo waits for the row"
    waiting.join(20)
    assert result
    with database.engine.connect() as link:
        t = table_of(Room)
        held = link.execute(sa.select(t.c.use, t.c.capacity).where(t.c.id == room)).one()
    assert held == ("office", 44)


def test_rooms_drawn_at_once_over_each_other_are_not_both_saved(ids: Any, make: Make) -> None:
    like = ids["rooms", "B03-412"]
    shape = square(5, 0)
    outcomes: list[str] = []

    def draw(number: str) -> None:
        try:
            make(Put(ROOMS, like=like, properties={"number": number}, geometry=shape, placed=True))
            outcomes.append("saved")
        except Impossible:
            outcomes.append("refused")

    threads = [threading.Thread(target=draw, args=(n,)) for n in ("N1", "N2")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["refused", "saved"]


def test_whole_undo_of_many_edits_gives_back_the_first_state(
    make: Make, take_back: Any, ids: Any, database: Clone
) -> None:
    models = (Room, Asset, Meter, NodeRoom)
    room, other = an_empty_room(make, ids), ids["rooms", "B03-408"]
    before = all_of(database, *models)
    done = [
        make(Put(ROOMS, room, 1, properties={"use": "meeting", "name": "会"})),
        make(Put(ASSETS, properties={"name": "桌", "room_id": room})),
        make(Put(ROOMS, other, 1, properties={"capacity": 9})),
        make(Put(ROOMS, room, 2, links={"levels": [ids["levels", "B03-0"]]})),
    ]
    asset = done[1].puts[0].id
    done.append(make(Delete(ASSETS, asset, 1)))
    done.append(make(Delete(ROOMS, room, revision(database, ROOMS, room))))
    for each in reversed(done):
        take_back(each.seq)
    assert all_of(database, *models) == before
