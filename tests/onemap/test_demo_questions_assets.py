"""What the service says of the demo's assets, against the stories and the generator's own list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from layers import waiting
from layers.base import Base
from onemap.demo.estate import make_estate
from onemap.demo.stories import stories
from tests.layers.asking import lines, selected, told, value

pytestmark = pytest.mark.slow

TOLD = stories()["assets"]
LAPTOP, DESKS, WANTED = TOLD["laptop"], TOLD["idle_desks"], TOLD["wanted_desks"]


@pytest.fixture(scope="module")
def engine(demo: Any) -> sa.Engine:
    made: sa.Engine = demo.database.engine
    return made


@pytest.fixture(scope="module")
def made() -> Any:
    """The assets as the generator writes them; those in quarantine all name a room."""
    return make_estate(1, 1.0).assets


def id_of(engine: sa.Engine, table: str, column: str, key: str) -> int:
    t = sa.table(table, sa.column("id"), sa.column(column))
    with engine.connect() as connection:
        return int(connection.execute(sa.select(t.c.id).where(t.c[column] == key)).scalar_one())


def test_assets_booked_in_no_room_have_no_place(engine: sa.Engine, made: Any) -> None:
    placeless = [a.number for a in made if a.room is None and a.state != "disposed"]
    assert len(placeless) == 37
    expected = {id_of(engine, "asset", "number", number) for number in placeless}
    assert selected(engine, "assets_without_place").keys() == expected


def test_the_laptop_is_booked_in_one_room_and_was_scanned_in_another(engine: sa.Engine) -> None:
    laptop = id_of(engine, "asset", "number", LAPTOP["number"])
    assert selected(engine, "misplaced_assets") == {
        laptop: {
            "booked": LAPTOP["booked"],
            "scanned": LAPTOP["scanned"],
            "stocktake_at": LAPTOP["scanned_on"],
        }
    }
    said = told(engine, "assets", "stocktake", laptop)
    assert said is not None
    assert said.status == "bad"
    assert (value(said, "booked"), value(said, "scanned")) == (LAPTOP["booked"], LAPTOP["scanned"])
    assert value(said, "scanned_at") == LAPTOP["scanned_on"]


def test_its_custodian_has_retired_and_still_keeps_three(engine: sa.Engine) -> None:
    keeper = TOLD["custodian"]
    found = selected(engine, "assets_of_leavers")
    assert len(found) == keeper["items"]
    assert (
        list(found.values())
        == [{"custodian": keeper["person"], "left_on": keeper["retired_on"]}] * keeper["items"]
    )
    laptop = id_of(engine, "asset", "number", LAPTOP["number"])
    assert laptop in found
    said = told(engine, "assets", "custodian", laptop)
    assert (value(said, "custodian"), value(said, "count")) == (keeper["person"], keeper["items"])
    person = id_of(engine, "person", "name", keeper["person"])
    assert lines(said, "custodian")[0].link == ("persons", person)
    assert value(told(engine, "persons", "custody", person), "count") == keeper["items"]


def test_the_desks_that_lie_idle_could_serve_the_request(engine: sa.Engine, made: Any) -> None:
    idle = selected(engine, "idle_assets")
    assert len(idle) == DESKS["count"]
    values = [a.value for a in made if a.room == DESKS["room"] and a.state == "idle"]
    asset = Base.metadata.tables["asset"]
    with engine.connect() as connection:
        total = connection.scalar(
            sa.select(sa.func.sum(asset.c.value_cny)).where(asset.c.id.in_(idle))
        )
    assert float(total) == pytest.approx(sum(values))
    ((request, row),) = selected(engine, "purchases_idle_could_serve").items()
    assert row == {
        "asked": WANTED["count"],
        "idle": DESKS["count"],
        "total_cny": WANTED["count"] * WANTED["price_cny"],
        "where": DESKS["room"],
    }
    said = told(engine, "purchase_requests", "idle", request)
    (room,) = lines(said, "room")
    assert (room.value, room.link) == (
        DESKS["count"], ("rooms", id_of(engine, "room", "number", DESKS["room"])),
    )  # fmt: skip
    with engine.connect() as connection:
        asking = connection.scalar(
            sa.text(
                "SELECT b.code FROM purchase_request p JOIN body b ON b.id = p.body_id "
                "WHERE p.id = :id"
            ),
            {"id": request},
        )
    assert asking == WANTED["body"]


def test_the_bad_rows_of_the_asset_file_wait_for_their_reasons(engine: sa.Engine) -> None:
    bad = TOLD["bad_rows"]
    with engine.connect() as connection:
        rows = connection.execute(waiting.waiting()).mappings().all()
        counts = {row.reason: row.count for row in connection.execute(waiting.by_reason())}
        assert connection.scalar(waiting.total()) == sum(bad.values())
    assert {row["kind"] for row in rows} == {"assets"}
    assert counts == {
        "unknown_reference": bad["unknown_room"],
        "duplicate_value": bad["duplicate_tag"],
        "not_a_date": bad["date"],
        "out_of_range": bad["negative_value"],
    }
    assert timedelta(0) == max(row["batch_at"] for row in rows) - rows[0]["batch_at"]
