"""What the service says of the demo's network, against the stories it was made from."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from onemap.demo.stories import stories
from tests.layers.asking import lines, selected, told, value

pytestmark = pytest.mark.slow

OUTAGE, DUCTS = stories()["outage"], stories()["ducts"]


@pytest.fixture(scope="module")
def engine(demo: Any) -> sa.Engine:
    made: sa.Engine = demo.database.engine
    return made


def id_of(engine: sa.Engine, table: str, name: str) -> int:
    t = sa.table(table, sa.column("id"), sa.column("name"))
    with engine.connect() as connection:
        return int(connection.execute(sa.select(t.c.id).where(t.c.name == name)).scalar_one())


def test_one_switch_is_the_one_cause(engine: sa.Engine) -> None:
    cause = id_of(engine, "network_node", OUTAGE["cause"])
    assert selected(engine, "failed_nodes") == {
        cause: {
            "since": OUTAGE["since"],
            "unreachable": OUTAGE["unreachable"],
            "rooms": OUTAGE["rooms"],
            "people": OUTAGE["people"],
        }
    }
    for name, count in (
        ("unreachable_nodes", OUTAGE["unreachable"]),
        ("affected_rooms", OUTAGE["rooms"]),
        ("affected_people", OUTAGE["people"]),
        ("dark_gateways", OUTAGE["gateways"]),
    ):
        found = selected(engine, name)
        assert len(found) == count, name
        assert {row["cause"] for row in found.values()} == {OUTAGE["cause"]}, name


def test_the_switch_tells_since_when_and_what_it_stops(engine: sa.Engine) -> None:
    said = told(engine, "network_nodes", "outage", id_of(engine, "network_node", OUTAGE["cause"]))
    assert said is not None
    assert said.status == "bad"
    assert value(said, "since") == OUTAGE["since"]
    assert value(said, "age") == 78  # minutes from 07:42 to the demo's 09:00
    for name in ("unreachable", "rooms", "people", "gateways"):
        assert value(said, name) == OUTAGE[name]
    # Each of the devices behind it names it in turn.
    for line in lines(said, "node"):
        assert line.link is not None
        assert (
            value(told(engine, "network_nodes", "outage", line.link[1]), "cause")
            == (OUTAGE["cause"])
        )


def test_two_links_in_one_duct_are_no_redundancy(engine: sa.Engine) -> None:
    for name in DUCTS["links"]:
        said = told(engine, "network_links", "redundancy", id_of(engine, "network_link", name))
        assert said is not None
        assert said.headline.zh.startswith("若中断：没有节点失联")
        assert said.status == "attention"
        assert [line.value for line in lines(said, "shares_duct")] == [
            other for other in DUCTS["links"] if other != name
        ]
    said = told(engine, "ducts", "redundancy", id_of(engine, "duct", DUCTS["duct"]))
    assert [line.value for line in lines(said, "link")] == DUCTS["links"]
    assert [line.value for line in lines(said, "site")] == DUCTS["dark"]
