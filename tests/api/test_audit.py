"""Traces of requests: what leaves one, what it says and does not say, and who may read them."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import openpyxl
import psycopg
import pytest
import sqlalchemy as sa

from api.app import create_app
from api.sealer import Sealer
from api.session import Config
from api.traces import MOST, Seen, Traces
from api.tracing import DESCRIBING, layers_of, sensitive
from layers.audit import Kind, note
from layers.audit.keys import Trail
from layers.audit.sealing import seal
from layers.audit.verifying import Wrong
from layers.named import NAMED
from layers.policy import Role
from layers.signing_in import Rules
from tests.api.signing import Browser
from tests.layers.audit.trail import verified
from tests.support import accounts, small_estate

EASY = Rules(second_factor=frozenset())
ROUTES = create_app(Config("postgresql://nowhere")).openapi()["paths"]
# What tells no row of a layer, or of layers that hold nothing sensitive; what else it tells it says
# where the answer is made.
TELLS_NO_LAYER = re.compile(
    r"/(healthz|readyz|metrics|docs|jobs/kinds.*|catalogue|style\.json|workspaces|events"
    r"|sign-.*|single-sign-on.*|me.*"
    r"|administration.*|audit.*|ogc(/(api|conformance|collections|style\.css|tileMatrixSets.*))?"
    r"|filters|measures|archives/.*|meters/.*|buildings/.*|tiles/imagery/.*)"
)
SAYS_ITSELF = {"/search", "/changes", "/changes/between", "/conflicts", "/quarantine",
               "/quarantine/export", "/jobs", "/jobs/{key}", "/jobs/{key}/result"}  # fmt: skip


@pytest.fixture
def estate(database):
    ids = small_estate.fill(database.engine)
    with database.engine.begin() as c:
        for login, role in {"audit": Role.AUDITOR, "admin": Role.ADMINISTRATOR,
                            "viewer": Role.VIEWER, "plan": Role.PLANNER}.items():  # fmt: skip
            accounts.person(c, login, role)
        accounts.with_token(c, "robot", "om_robot", whole_estate=True)
        c.execute(sa.text("DELETE FROM audit_waiting"))
    return database, ids


@pytest.fixture
def trail(tmp_path) -> Trail:
    return Trail.of(tmp_path / "keys" / "audit.key", "x")


@pytest.fixture
def served(estate, serve, trail):
    """``async with served() as client``: a service that seals."""
    database, _ = estate

    @asynccontextmanager
    async def run(**config):
        options = {"accounts_url": database.accounts_url, "sign_in": EASY, "tile_cache_mb": 8,
                   "trail": trail, "sealing_url": database.accounts_url}  # fmt: skip
        async with serve(database, **{"anonymous": "refuse", **options, **config}) as client:
            yield client

    return run


def recorded(database, *kinds: str) -> list[dict]:
    """Return what is recorded by now, sealed or not."""
    names = "at, kind, account, address, request, route, layer, outcome, details"
    with database.engine.connect() as c:
        rows = c.execute(
            sa.text(
                f"SELECT {names}, number FROM audit_record UNION ALL "
                f"SELECT {names}, 1000000 + id FROM audit_waiting ORDER BY number"
            )
        ).mappings()
        return [dict(r) for r in rows if not kinds or r["kind"] in kinds]


async def until(database, *kinds: str, count: int = 1, within_s: float = 5) -> list[dict]:
    """Return what is recorded, once there is so much of it."""
    deadline = time.monotonic() + within_s
    while len(found := recorded(database, *kinds)) < count:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.02)
    return found


ROBOT = {"Authorization": "Bearer om_robot"}


def test_sensitive_are_the_layers_that_hold_classes_of_fields():
    assert sensitive() == {"persons", "occupancies", "vehicles", "positions", "trips", "stops",
                           "network_nodes"}  # fmt: skip


@pytest.mark.parametrize("route", [path for path, methods in ROUTES.items() if "get" in methods])
def test_every_address_that_reads_names_its_layer_or_says_what_it_tells(route):
    if TELLS_NO_LAYER.fullmatch(route) and route not in ("/filters/{name}", "/measures/{name}"):
        return
    if route in SAYS_ITSELF or route in DESCRIBING:
        return
    resting = next(q.name for q in NAMED if "persons" in {q.layer, *q.rests})
    question = resting if route.startswith("/filters") else "over_quota"
    given = {"layer": "persons", "layer_name": "persons", "name": question}
    named = {name: given[name] for name in re.findall(r"{(\w+)}", route) if name in given}
    assert set(layers_of(route, named, b"")) & sensitive(), route


async def test_reads_of_sensitive_layers_are_recorded_and_of_others_not(estate, served):
    database, ids = estate
    person = next(i for (layer, _), i in ids.ids.items() if layer == "persons")
    async with served() as client:
        for path in ("/ogc/collections/persons/items", "/ogc/collections/rooms/items",
                     f"/features/persons/{person}", "/features/persons/999999",
                     "/ogc/collections/persons/schema"):  # fmt: skip
            await client.get(path, headers=ROBOT)
        found = await until(database, "read", count=3)
    told = {(r["route"], r["layer"], r["outcome"]): r for r in found}
    assert set(told) == {
        ("/ogc/collections/{layer}/items", "persons", "ok"),
        ("/features/{layer_name}/{key}", "persons", "ok"),
        ("/features/{layer_name}/{key}", "persons", "not_found"),
    } | {each for each in told if each[1] in ("vehicles",)}
    one = told["/features/{layer_name}/{key}", "persons", "ok"]
    assert (one["account"], one["address"]) == ("robot", "127.0.0.1")
    assert one["details"]["keys"] == [str(person)]
    assert one["details"]["by"].startswith("token:")


@pytest.mark.parametrize(
    "path",
    [
        "/lists/assets?limit=500",
        "/lists/assets?named=assets_of_leavers",
        "/lists/assets/keys?named=assets_of_leavers",
        "/lists/assets/groups?by=body&named=assets_of_leavers",
        "/lists/assets/tiles/0/0/0?named=assets_of_leavers",
        "/lists/assets/export?format=csv",
        "/lists/assets/export?format=xlsx",
        "/history/assets/{asset}",
        "/features/assets/{asset}",
        "/changes?layer=persons",
        "/changes?l%61yer=persons",
    ],
)
async def test_who_is_told_of_persons_by_another_layer_leaves_a_trace(estate, served, path):
    database, ids = estate
    asset = ids["assets", "ZC-2023-003417"]  # of which somebody is the custodian
    async with served() as client:
        answer = await client.get(path.format(asset=asset), headers=ROBOT)
        assert answer.status_code in (200, 204), answer.text
        found = await until(database, "read")
    assert ("robot", "persons", "ok") in {(r["account"], r["layer"], r["outcome"]) for r in found}


async def test_who_may_not_see_persons_is_told_of_none_and_leaves_no_trace(estate, served):
    database, _ = estate
    with database.engine.begin() as c:
        accounts.with_token(c, "op", "om_op", whole_estate=True, roles=[Role.ENERGY_MANAGER])
    async with served() as client:
        for path in ("/lists/rooms", "/lists/meters/export?format=csv", "/lists/buildings"):
            answer = await client.get(path, headers={"Authorization": "Bearer om_op"})
            assert answer.status_code == 200, answer.text
    assert recorded(database, "read") == []
    assert len(recorded(database, "export")) == 1


async def test_what_is_refused_as_a_flood_is_recorded_once(estate, served):
    database, _ = estate
    far = {"X-Forwarded-For": "192.0.2.7", **ROBOT}
    async with served(limits={"requests": "3 per minute"}) as client:
        asked = [(await client.get("/lists/rooms", headers=far)).status_code for _ in range(8)]
        assert asked == [200] * 3 + [429] * 5
        found = await until(database, "refusal")
    assert {(r["address"], r["outcome"], r["details"]["reason"]) for r in found} == {
        ("192.0.2.7", "too_many", "requests")
    }
    assert sum(r["details"].get("count", 1) for r in recorded(database, "refusal")) == 5


async def test_what_a_search_finds_is_recorded_by_layer(estate, served):
    database, _ = estate
    with database.engine.connect() as c:
        name = c.scalar(sa.text("SELECT name FROM person WHERE name IS NOT NULL LIMIT 1"))
    async with served(anonymous="estate") as client:
        assert (await client.get("/search", params={"q": name})).json()["results"]
        found = await until(database, "read")
    assert ("/search", "persons", None) in {(r["route"], r["layer"], r["account"]) for r in found}
    assert name not in str(found)


async def test_many_alike_are_one_record_with_a_count(estate, served):
    database, _ = estate
    async with served() as client:
        asked = [client.get("/lists/persons", headers=ROBOT) for _ in range(20)]
        await asyncio.gather(*asked)
    found = recorded(database, "read")
    assert len(found) <= 5
    assert sum(r["details"].get("count", 1) for r in found) == 20


@pytest.mark.parametrize("whose", ["token", "nobody"])
async def test_a_tile_from_memory_leaves_its_trace(estate, served, whose):
    database, _ = estate
    forwarded = {"Accept-Encoding": "gzip", "X-Forwarded-For": "10.1.2.3"}
    headers = {**(ROBOT if whose == "token" else {}), **forwarded}
    anonymous = {"anonymous": "refuse" if whose == "token" else "estate"}
    async with served(**anonymous) as client:
        app = client._transport.app
        for _ in range(6):
            answer = await client.get("/tiles/network_nodes/12/3409/1561", headers=headers)
            assert answer.status_code in (200, 204)
        assert app.state.tiles_kept.tiles.hits > 0
    found = recorded(database, "read")
    assert {(r["account"], r["layer"], r["route"]) for r in found} == {
        ("robot" if whose == "token" else None, "network_nodes", "/tiles/{layer}/{z}/{x}/{y}")
    }
    assert sum(r["details"].get("count", 1) for r in found) == 6
    assert {r["address"] for r in found} == {"10.1.2.3"}


async def test_refusals_are_recorded_with_who_and_why_and_without_the_secret(estate, served):
    database, _ = estate
    async with served() as client:
        bad = {"Authorization": "Bearer om_no_such_secret"}
        assert (await client.get("/ogc/collections/rooms/items", headers=bad)).status_code == 401
        assert (await client.get("/ogc/collections/rooms/items")).status_code == 401
        assert (await client.get("/audit", headers=ROBOT)).status_code == 403
        put = {"puts": [{"layer": "rooms", "properties": {"name": "x"}}]}
        assert (await client.post("/changes", json=put, headers=ROBOT)).status_code == 403
        viewer = Browser(client)
        await viewer.sign_in("viewer")
        viewer.csrf = "0" * 64
        assert (await viewer.ask("POST", "/changes", put)).status_code == 403
        foreign = await viewer.ask("POST", "/changes", put, Origin="http://evil.test")
        assert foreign.status_code == 403
        found = await until(database, "refusal", count=5)
    told = {(r["route"] or "", r["account"], r["outcome"], r["details"].get("reason"))
            for r in found}  # fmt: skip
    assert ("/ogc/collections/{layer}/items", None, "unknown", "token") in told
    assert ("/audit", "robot", "forbidden", "role") in told
    assert ("/changes", "robot", "forbidden", "read_only") in told
    assert {"csrf", "origin"} <= {reason for *_, reason in told}
    assert len(found) == 5  # who shows nothing was asked to sign in, and refused nothing
    assert "om_no_such_secret" not in str(found)


async def test_every_outcome_of_a_sign_in_is_recorded_and_no_password_or_name_in_vain(
    estate, served
):
    database, _ = estate
    async with served() as client:
        browser = Browser(client)
        await browser.sign_in("Hunter2-as-name", "x")
        for _ in range(6):
            await browser.sign_in("plan", "Wrong-Horse-7")
        await browser.sign_in("viewer")
        await browser.ask("POST", "/sign-out")
    found = recorded(database, "sign_in", "sign_out")
    outcomes = [(r["kind"], r["account"], r["outcome"]) for r in found]
    assert outcomes == [
        ("sign_in", None, "wrong"),
        *[("sign_in", "plan", "wrong")] * 5,
        ("sign_in", "plan", "locked"),
        ("sign_in", "viewer", "in"),
        ("sign_out", "viewer", "done"),
    ]
    assert "locked_until" in found[5]["details"]
    assert found[0]["address"] == "127.0.0.1"
    assert found[0]["route"] == "/sign-in"
    written = str(recorded(database)).casefold()
    for secret in ("wrong-horse-7", accounts.PASSWORD.casefold(), "hunter2"):
        assert secret not in written
    assert recorded(database, "refusal") == []  # not a second time


async def test_acts_of_administration_say_who_did_what_to_whom(estate, served):
    database, _ = estate
    async with served() as client:
        admin = Browser(client)
        await admin.sign_in("admin")
        made = await admin.ask("POST", "/administration/accounts", {"login": "new", "name": "新"})
        key = made.json()["id"]
        grant = {"role": "viewer"}
        given = await admin.ask("POST", f"/administration/accounts/{key}/grants", grant)
        await admin.ask("DELETE", f"/administration/grants/{given.json()['id']}")
        await admin.ask("POST", f"/administration/accounts/{key}/disable")
    found = recorded(database, "administration")
    acts = [(r["account"], r["details"]["act"], r["details"].get("whom")) for r in found]
    assert acts == [
        ("admin", "create", "new"),
        ("admin", "password", "new"),
        ("admin", "reset", "new"),
        ("admin", "grant", "new"),
        ("admin", "revoke", "new"),
        ("admin", "disable", "new"),
    ]
    assert made.json()["password"] not in str(found)


async def test_a_change_by_hand_says_from_where_it_came(estate, served):
    database, ids = estate
    put = {"layer": "rooms", "id": ids["rooms", "B03-412"], "revision": 1,
           "properties": {"name": "秘密"}}  # fmt: skip
    async with served() as client:
        plan = Browser(client)
        await plan.sign_in("plan")
        done = await plan.ask("POST", "/changes", {"reason": "调整", "puts": [put]})
        assert done.status_code == 200, done.text
    row = recorded(database, "change")[-1]
    assert (row["account"], row["address"], row["route"]) == ("plan", "127.0.0.1", "/changes")
    assert row["details"]["seq"] == done.json()["seq"]
    assert row["details"]["tables"] == {"room": {"U": 1}}
    assert row["details"]["by"].startswith("session:")
    assert "秘密" not in str(row)


@pytest.mark.parametrize("path", [path for path in ROUTES if path.endswith("/export")])
async def test_an_export_is_recorded_before_it_goes_out(estate, served, path):
    database, _ = estate
    async with served() as client:
        audit = Browser(client)
        await audit.sign_in("audit")
        asked = path.format(layer="persons") + "?format=csv"
        if path.startswith("/audit"):
            answer = await audit.ask("GET", asked)
        else:
            answer = await client.get(asked, headers=ROBOT)
        if answer.status_code == 403:  # rows to mend are for whoever may make them
            return
        assert answer.status_code == 200, answer.text
        assert len(recorded(database, "export")) == 1
    row = recorded(database, "export")[0]
    assert row["account"] == ("audit" if path.startswith("/audit") else "robot")
    assert row["details"]["format"] == "csv"


async def test_what_is_recorded_is_sealed_within_a_second_and_sound(estate, served, trail):
    database, _ = estate
    waited = []
    async with served() as client:
        await client.get("/lists/persons", headers=ROBOT)
        await asyncio.sleep(1.5)
        for _turn in range(5):
            before = len(recorded(database, "read"))
            began = time.monotonic()
            await client.get("/lists/vehicles", headers=ROBOT)
            while True:
                with database.engine.connect() as c:
                    count = "SELECT count(*) FROM audit_record WHERE kind = 'read'"
                    if c.scalar(sa.text(count)) > before:
                        break
                assert time.monotonic() - began < 5
                await asyncio.sleep(0.01)
            waited.append(time.monotonic() - began)
    print("sealed after", [round(each, 2) for each in waited])
    assert sorted(waited)[2] < 1.0
    assert max(waited) < 2.0
    faults, seen = verified(database.engine, trail.keys, trail.head)
    assert faults == []
    assert seen.records >= 6


async def test_a_service_that_ends_leaves_nothing_unsealed(estate, served, trail):
    database, _ = estate
    async with served() as client:
        await client.get("/lists/persons", headers=ROBOT)
    with database.engine.connect() as c:
        assert c.scalar(sa.text("SELECT count(*) FROM audit_waiting")) == 0
        assert c.scalar(sa.text("SELECT count(*) FROM audit_record WHERE kind = 'read'")) == 1
    assert verified(database.engine, trail.keys, trail.head)[0] == []


async def test_an_end_that_is_cut_off_while_it_serves_is_told_from_then_on(estate, served, trail):
    database, _ = estate
    async with served() as client:
        await client.get("/lists/persons", headers=ROBOT)
        await _sealed(database, 1)
        reached = trail.head.read()
        with database.engine.begin() as c:
            c.execute(sa.text("DELETE FROM audit_record"))
            c.execute(sa.text("DELETE FROM audit_seal"))
        for path in ("/lists/vehicles", "/lists/persons"):
            await client.get(path, headers=ROBOT)
            await asyncio.sleep(1)
        faults, seen = verified(database.engine, trail.keys, trail.head)
    assert [(f.wrong, f.batch) for f in faults] == [(Wrong.WAS_CUT, reached.batch)]
    assert seen.records >= 3
    assert trail.head.cuts() == (reached,)


async def test_the_sealer_survives_whatever_goes_wrong_and_tries_again(
    estate, served, monkeypatch, caplog
):
    database, _ = estate
    monkeypatch.setattr("api.sealer.PAUSE_S", 0.1)
    wrong = iter([RecursionError("too deep"), AssertionError("what nobody foresaw")])

    def broken(*given):
        for each in wrong:
            raise each
        return seal(*given)

    monkeypatch.setattr("api.sealer.seal", broken)
    async with served() as client:
        await client.get("/lists/persons", headers=ROBOT)
        await _sealed(database, 1)
    assert "too deep" in caplog.text


async def _sealed(database, count: int, within_s: float = 8) -> None:
    deadline = time.monotonic() + within_s
    while sum(each["number"] < 1_000_000 for each in recorded(database)) < count:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_of_two_services_one_seals_and_the_other_takes_over(estate, trail, server):
    database, _ = estate
    one, other = (Sealer(database.accounts_url, trail) for _ in range(2))
    one.start()
    await _seals(one)
    other.start()
    await asyncio.sleep(1.5)
    assert not other.seals
    with psycopg.connect(server.admin_url, autocommit=True) as link:  # the first is cut off
        link.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a "
            "USING (pid) WHERE l.locktype = 'advisory' AND l.granted "
            "AND a.application_name = 'onemap-sealer' AND a.datname = %s",
            [database.name],
        )
    one._ended.set()
    await _seals(other)
    with database.engine.begin() as c:
        c.execute(sa.text("INSERT INTO audit_waiting (kind, outcome) VALUES ('read', 'x')"))
    deadline = time.monotonic() + 5
    while recorded(database)[-1]["number"] > 1_000_000:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    one.stop()
    other.stop()
    assert verified(database.engine, trail.keys, trail.head)[0] == []


async def _seals(sealer) -> None:
    deadline = time.monotonic() + 10
    while not sealer.seals:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_while_the_database_is_away_it_is_kept_and_what_is_too_much_is_counted(estate):
    database, _ = estate
    traces = Traces("postgresql://nobody@127.0.0.1:1/none")
    await traces._connections.open()
    for number in range(MOST + 7):
        traces.add(Seen(Kind.READ, None, f"a{number}", None, None, "/x", "persons", "ok"))
    await traces.flush()
    traces.add(Seen(Kind.READ, None, "a1", None, None, "/x", "persons", "ok"))
    traces._connections._url = database.app_url
    await traces._connections.close()
    await traces._connections.open()
    await traces.flush()
    await traces.close()
    found = recorded(database)
    assert len(found) == MOST + 1
    assert {r["account"]: r["details"].get("count") for r in found}["a1"] == 2
    assert [r["details"]["count"] for r in found if r["kind"] == "dropped"] == [7]


async def test_an_export_that_cannot_be_recorded_does_not_go_out(estate, served, monkeypatch):
    async def away(*_) -> None:
        raise asyncpg.PostgresConnectionError("away")

    async with served() as client:
        monkeypatch.setattr(Traces, "_write", away)
        answer = await client.get("/lists/persons/export?format=csv", headers=ROBOT)
    assert answer.status_code == 503


@pytest.mark.parametrize("path", [path for path in ROUTES if path.startswith("/audit")])
@pytest.mark.parametrize("login", ["admin", "viewer", "plan", None])
async def test_nobody_but_the_auditor_reads_what_is_recorded(estate, served, path, login):
    async with served() as client:
        browser = Browser(client)
        if login:
            await browser.sign_in(login)
        answer = await browser.ask("GET", path)
    assert answer.status_code == (403 if login else 401)
    assert "records" not in answer.json()


async def test_the_auditor_pages_filters_and_sees_the_state(estate, served):
    async with served() as client:
        for _ in range(3):
            await client.get("/lists/persons", headers=ROBOT)
            await asyncio.sleep(0.4)
        await Browser(client).sign_in("plan", "Wrong-Horse-7")
        audit = Browser(client)
        await audit.sign_in("audit")
        await asyncio.sleep(1)
        first = (await audit.ask("GET", "/audit?limit=2")).json()
        assert [r["number"] for r in first["records"]] == sorted(
            (r["number"] for r in first["records"]), reverse=True
        )
        assert first["next"] == first["records"][-1]["number"]
        second = (await audit.ask("GET", f"/audit?limit=2&before={first['next']}")).json()
        assert second["records"][0]["number"] == first["next"] - 1

        async def some(query: str) -> list[dict]:
            answer = await audit.ask("GET", f"/audit?{query}")
            assert answer.status_code == 200, answer.text
            return answer.json()["records"]

        assert {r["outcome"] for r in await some("outcome=wrong")} == {"wrong"}
        assert {r["layer"] for r in await some("layer=persons&kind=read")} == {"persons"}
        assert {r["account"] for r in await some("account=robot")} == {"robot"}
        assert {r["kind"] for r in await some("kind=sign_in")} == {"sign_in"}
        assert await some("text=100%25") == []
        assert len(await some("text=TOKEN:")) >= 3
        later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert await some(f"from={later}") == []
        assert len(await some(f"to={later}")) >= 4
        assert (await audit.ask("GET", "/audit?kind=nonsense")).status_code == 400
        assert (await audit.ask("GET", "/audit?from=soon")).status_code == 400
        state = (await audit.ask("GET", "/audit/state")).json()
        assert state["last"] >= 5
        assert state["verified_at"] is None
        rows = (await audit.ask("GET", "/audit/export?format=csv&kind=sign_in")).content
        told = list(csv.reader(io.StringIO(rows.decode("utf-8-sig"))))
        assert {row[2] for row in told[1:]} == {"Sign-in"}
        book = (await audit.ask("GET", "/audit/export?format=xlsx&account=robot")).content
        sheet = openpyxl.load_workbook(io.BytesIO(book)).worksheets[0]
        assert sheet.max_row >= 4
        await asyncio.sleep(0.8)
        looked = await some("layer=audit")
    assert {r["kind"] for r in looked} == {"read", "export"}
    assert {r["account"] for r in looked} == {"audit"}


async def test_a_change_set_is_found_by_its_layer(estate, served):
    database, ids = estate
    with database.engine.begin() as c:
        c.execute(
            sa.text("UPDATE room SET revision = 9 WHERE id = :id"), {"id": ids["rooms", "B03-412"]}
        )
    async with served() as client:
        audit = Browser(client)
        await audit.sign_in("audit")
        await asyncio.sleep(0.8)
        found = (await audit.ask("GET", "/audit?layer=rooms")).json()["records"]
        other = (await audit.ask("GET", "/audit?layer=buildings&kind=change")).json()["records"]
    assert [r["details"]["tables"] for r in found] == [{"room": {"U": 1}}]
    assert other == []


def test_a_sealer_that_is_killed_is_followed_within_seconds(estate, trail):
    database, _ = estate
    script = (
        "import sys, time; from pathlib import Path; from api.sealer import Sealer; "
        "from layers.audit.keys import Trail; "
        "one = Sealer(sys.argv[1], Trail.of(Path(sys.argv[2]), 'x')); one.start()\n"
        "while not one.seals: time.sleep(0.01)\n"
        "print('seals', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", script, database.accounts_url, str(trail.keys.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        try:
            assert first.stdout.readline() == "seals\n"
            second = Sealer(database.accounts_url, trail)
            second.start()
            for number in range(200):
                with database.engine.begin() as c:
                    note(c, Kind.READ, f"n{number}")
                if number == 100:
                    first.kill()
                    killed = time.monotonic()
                time.sleep(0.005)
        finally:
            first.kill()
    while not second.seals:
        assert time.monotonic() - killed < 10
        time.sleep(0.02)
    print("took over after", round(time.monotonic() - killed, 2))
    assert time.monotonic() - killed < 5
    second.stop()
    with database.engine.connect() as c:
        assert c.scalar(sa.text("SELECT count(*) FROM audit_waiting")) == 0
        told = list(c.scalars(sa.text("SELECT outcome FROM audit_record ORDER BY number")))
    assert told == [f"n{number}" for number in range(200)]
    assert verified(database.engine, trail.keys, trail.head)[0] == []
