"""Tokens of earlier versions become tokens of service accounts, and go back again."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from layers import bearers, db
from layers.accounts import TokenScope, hash_token
from layers.policy import BUSINESS
from layers.prepared import Prepared


def bearer(connection: sa.Connection, token: str) -> bearers.Bearer | None:
    """Ask what a service asks, through the driver of the tests."""
    ready: Prepared = bearers.by_token()
    query = ready.sql
    for place in range(len(ready.names), 0, -1):
        query = query.replace(f"${place}", f"%({ready.names[place - 1]})s")
    given = {name: ready.values[name] for name in ready.names} | {"digest": hash_token(token)}
    found = connection.exec_driver_sql(query, given).mappings().all()
    return bearers.bearer_of(list(found), "token")


@pytest.fixture
def earlier(database):
    """A database of the version before, with a tree of bodies and four tokens."""
    db.downgrade(database.owner_url, "0004")
    with database.engine.begin() as c:
        c.execute(
            sa.text(
                "INSERT INTO body (id, source, source_key, name, path) OVERRIDING SYSTEM VALUE "
                "VALUES (1, 'x', '1', '县', '1'), (2, 'x', '2', '局', '1.2'), "
                "(3, 'x', '3', '乡', '3')"
            )
        )
        c.execute(
            sa.text(
                "INSERT INTO actor (name, token_hash, body_id, whole_estate, may_edit, revoked_at)"
                " VALUES ('QGIS', :all, NULL, true, true, NULL),"
                " ('县里', :county, 1, false, false, NULL),"
                " ('qgis', :public, NULL, false, true, NULL),"
                " ('旧', :old, 1, false, false, now())"
            ),
            {name: hash_token(name) for name in ("all", "county", "public", "old")},
        )
        before = c.execute(sa.text("SELECT * FROM actor ORDER BY id")).mappings().all()
    return database, [dict(row) for row in before]


def test_a_token_opens_after_the_upgrade_what_it_opened_before(earlier):
    database, _ = earlier
    db.upgrade(database.owner_url)
    with database.engine.connect() as c:
        whole, county, public = (bearer(c, name) for name in ("all", "county", "public"))
        assert bearer(c, "old") is None
        assert bearer(c, "another") is None
        assert c.scalar(sa.text("SELECT to_regclass('actor')")) is None
    assert whole is not None
    assert county is not None
    assert public is not None
    assert {(held.role, held.bodies) for held in whole.held} == {(r, None) for r in BUSINESS}
    assert {(held.role, held.bodies) for held in county.held} == {(r, (1, 2)) for r in BUSINESS}
    assert public.held == ()
    assert (whole.scope, county.scope) == (TokenScope.EDIT, TokenScope.READ)
    # Names that differ in case alone are two accounts still.
    assert (whole.login, public.login) == ("qgis", "qgis-3")
    assert whole.display_name == "QGIS"


def test_down_and_up_again_loses_no_token(earlier):
    database, before = earlier
    db.upgrade(database.owner_url)
    db.downgrade(database.owner_url, "0004")
    with database.engine.connect() as c:
        after = c.execute(sa.text("SELECT * FROM actor ORDER BY id")).mappings().all()
    without = [{k: v for k, v in row.items() if k != "id"} for row in map(dict, after)]
    assert without == [{k: v for k, v in row.items() if k != "id"} for row in before]
    db.upgrade(database.owner_url)
    with database.engine.connect() as c:
        assert bearer(c, "all") is not None


def test_a_token_that_had_less_than_a_former_one_is_given_no_more_by_going_back(database):
    with database.engine.begin() as c:
        c.execute(
            sa.text(
                "INSERT INTO account (login, display_name, kind) VALUES "
                "('few', 'few', 'service'), ('some', 'some', 'service'), ('man', 'man', 'person')"
            )
        )
        c.execute(
            sa.text(
                "INSERT INTO role_grant (account_id, role, whole_estate) "
                "SELECT id, 'viewer', true FROM account"
            )
        )
        c.execute(
            sa.text(
                "INSERT INTO api_token (account_id, name, token_hash, scope, layers) "
                "SELECT id, login, login, 'edit', "
                "CASE WHEN login = 'some' THEN ARRAY['rooms'] END FROM account"
            )
        )
    db.downgrade(database.owner_url, "0004")
    with database.engine.connect() as c:
        found = c.execute(sa.text("SELECT name, whole_estate, body_id FROM actor")).all()
    assert [tuple(row) for row in found] == [("few", False, None)]
