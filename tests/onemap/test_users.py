"""``onemap user``, and the demo's accounts."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from layers import passwords, signing_in
from layers.accounts import Account, RoleGrant
from layers.base import table_of
from layers.passwords import PasswordRules
from layers.policy import Role
from layers.signing_in import Given, Outcome, Rules
from onemap.demo import accounts as demo
from onemap.settings import load
from onemap.sign_in_settings import DEFAULT_ROLES
from onemap.trouble import Trouble
from tests.layers.support import body
from tests.onemap.test_cli import on, onemap

ACCOUNT, GRANT = table_of(Account), table_of(RoleGrant)


def test_the_first_administrator_is_made_with_a_password_that_opens_once(database, here):
    made = here(
        "user", "create", "admin", "--role", "administrator", "--estate", "--json", **on(database)
    )
    assert made.returncode == 0, made.stderr
    password = json.loads(made.stdout)["password"]
    with database.engine.begin() as c:
        given = Given("admin", password)
        answer = signing_in.sign_in(c, given, Rules(), signing_in.Keys(), datetime.now(UTC))
        assert answer.outcome is Outcome.IN
        row = c.execute(sa.select(ACCOUNT)).one()
        assert row.must_change
        assert password not in str(row)
    again = here("user", "create", "ADMIN", **on(database))
    assert again.returncode == 4
    assert "already" in again.stderr


def test_roles_are_granted_and_revoked_over_a_body_and_for_a_time(database, here):
    with database.engine.begin() as c:
        body(c, "教育局", source_key="012")
    assert here("user", "create", "li", "--name", "李四", **on(database)).returncode == 0
    grant = ("user", "grant", "li", "--role", "planner")
    assert here(*grant, **on(database)).returncode == 2  # over what?
    assert here(*grant, "--body", "099", **on(database)).returncode == 2
    unknown = here("user", "grant", "li", "--role", "king", "--estate", **on(database))
    assert unknown.returncode == 2
    assert "planner" in unknown.stderr
    over = (*grant, "--body", "012", "--layer", "rooms", "--until", "2099-01-01")
    assert here(*over, **on(database)).returncode == 0
    listed = json.loads(here("user", "list", "--json", **on(database)).stdout)
    assert listed[0]["name"] == "李四"
    assert listed[0]["grants"] == "planner@012[rooms]<2099-01-01"
    drawn = here("user", "list", **on(database)).stdout
    assert "planner@012[rooms]<2099-01-01" in drawn.replace("\n", "")
    assert "disabled_at" not in drawn  # nobody is
    for act in ("grant", "revoke"):
        viewer = ("user", act, "li", "--role", "viewer", "--body", "012")
        assert here(*viewer, **on(database)).returncode == 0
    with database.engine.begin() as c:
        c.execute(sa.text("DELETE FROM body"))
    assert here("user", "list", **on(database)).returncode == 0  # the grant gives nothing
    gone = json.loads(here("user", "list", "--json", **on(database)).stdout)[0]["grants"]
    number = gone.removeprefix("planner@").partition("[")[0]
    revoke = ("user", "revoke", "li", "--role", "planner", "--body", number)
    assert here(*revoke, **on(database)).returncode == 0
    assert here(*revoke, **on(database)).returncode == 2


def test_an_account_is_reset_disabled_and_enabled(database, here):
    here("user", "create", "li", **on(database))
    first = here("user", "reset", "li", **on(database)).stdout.strip()
    second = here("user", "reset", "li", "--second-factor", **on(database)).stdout.strip()
    assert len(first) > 10
    assert first != second
    for command in ("unlock", "disable", "enable"):
        assert here("user", command, "li", **on(database)).returncode == 0
    assert here("user", "disable", "nobody", **on(database)).returncode == 2


def test_the_demo_has_an_account_for_each_role_and_lets_all_in_again(database):
    now = datetime.now(UTC)
    with database.engine.begin() as c:
        body(c, "教育局", source_key=demo.BODY)
        demo.ensure(c, now)
        roles = set(c.scalars(sa.select(GRANT.c.role)))
        assert roles == {role.value for role in Role}
        c.execute(sa.update(ACCOUNT).values(disabled_at=now, password_hash="x"))
        demo.ensure(c, now)
        for login in demo.LOGINS:
            given = Given(login, demo.PASSWORD)
            answer = signing_in.sign_in(c, given, Rules(), signing_in.Keys(), now)
            assert answer.outcome is Outcome.IN, login
        assert c.scalar(sa.select(sa.func.count()).select_from(GRANT)) == len(demo.LOGINS)
    assert passwords.faults(demo.PASSWORD, demo.LOGINS, PasswordRules()) == []


@pytest.mark.parametrize("anonymous", ["public", "refuse", ""])
def test_the_demo_listens_on_this_machine_alone_whatever_strangers_see(tmp_path, anonymous):
    ended = onemap(
        "demo", "--host", "0.0.0.0", ONEMAP_DATA_DIR=str(tmp_path), ONEMAP_ANONYMOUS=anonymous
    )
    assert ended.returncode == 2
    assert "127.0.0.1" in ended.stderr


def test_the_rules_of_signing_in_are_settings(monkeypatch):
    default = load().rules()
    assert (default.failures, default.locked.total_seconds()) == (5, 900)
    assert (default.session.idle.total_seconds(), default.session.most) == (1800, 3)
    assert {role.value for role in default.second_factor} == set(DEFAULT_ROLES.split(","))
    monkeypatch.setenv("ONEMAP_LOCK_FAILURES", "3")
    monkeypatch.setenv("ONEMAP_SECOND_FACTOR_ROLES", "none")
    monkeypatch.setenv("ONEMAP_PASSWORD_DAYS", "0")
    rules = load().rules()
    assert (rules.failures, rules.second_factor, rules.password_age) == (3, frozenset(), None)
    monkeypatch.setenv("ONEMAP_SECOND_FACTOR_ROLES", "king")
    with pytest.raises(Trouble, match="ONEMAP_SECOND_FACTOR_ROLES"):
        load()


def test_single_sign_on_wants_all_of_its_settings_and_hides_its_secret(monkeypatch):
    monkeypatch.setenv("ONEMAP_OIDC_URL", "https://sso.test/.well-known/openid-configuration")
    with pytest.raises(Trouble, match="ONEMAP_OIDC_CLIENT_SECRET"):
        load()
    monkeypatch.setenv("ONEMAP_OIDC_CLIENT_ID", "onemap")
    monkeypatch.setenv("ONEMAP_OIDC_CLIENT_SECRET", "hunter2")
    monkeypatch.setenv("ONEMAP_OIDC_GROUPS", '{"g": [{"role": "planner", "body": "012"}]}')
    settings = load()
    assert settings.oidc_groups["g"][0].body == "012"
    assert "hunter2" not in repr(settings) + settings.model_dump_json()
    monkeypatch.setenv("ONEMAP_OIDC_GROUPS", '{"g": [{"role": "king"}]}')
    with pytest.raises(Trouble, match="ONEMAP_OIDC_GROUPS"):
        load()
