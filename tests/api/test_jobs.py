"""Jobs over HTTP: who may ask for what, what is kept of an upload, and whose a job is."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
import sqlalchemy as sa

from api.writing import Writer
from importers import staging
from importers.registry import KINDS
from importers.rights import imported_by
from layers import jobs
from layers.access import ESTATE, Actor
from layers.jobs import JOB, MOST_OPEN
from layers.policy import BUSINESS, Grant, Role
from layers.problems import Unavailable
from tests.api.conftest import Serve
from tests.support import accounts, small_estate
from tests.support.databases import Clone
from tests.support.working import ended, synced, until, working

SHEET = "编码,名称,上级编码\n1,甲局,\n".encode()
ROLES = {
    "visitor": None, "manager": [Role.ASSET_MANAGER], "planner": [Role.PLANNER],
    "admin": [Role.ADMINISTRATOR], "viewer": [Role.VIEWER],
}  # fmt: skip


@pytest.fixture
def peopled(database: Clone) -> Clone:
    """A database in which each role has a token of its own name."""
    with database.engine.begin() as connection:
        for name, roles in ROLES.items():
            if roles:
                accounts.with_token(
                    connection, name, name, whole_estate=True, edit=True, roles=roles
                )
        accounts.with_token(connection, "reader", "reader", whole_estate=True, roles=[Role.PLANNER])
    return database


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept-Language": "en"}


def serving(serve: Serve, database: Clone, folder: Path, **config: Any) -> Any:
    settings = {"anonymous": "public", "accounts_url": database.accounts_url, **config}
    return serve(database, data_dir=str(folder), **settings)


async def upload(
    client: httpx.AsyncClient,
    token: str,
    name: str = "人.csv",
    content: bytes = b"x",
    **query: Any,
) -> httpx.Response:
    return await client.post(
        "/jobs/imports",
        params={"kind": "persons", "name": name, **query},
        content=content,
        headers=bearing(token),
    )


def test_who_may_import_what_follows_from_who_changes_each_layer_it_fills() -> None:
    def kinds(role: Role, bodies: tuple[int, ...] | None = None) -> set[str]:
        return {each.kind for each in imported_by(Actor("x", (Grant(role, bodies),)))}

    assert kinds(Role.ASSET_MANAGER) == {
        "sites", "buildings", "roads", "waters", "greens", "blocks", "imagery", "assets",
        "purchases",
    }  # fmt: skip
    assert kinds(Role.PLANNER) == {"rooms", "persons", "area-standards"}
    assert kinds(Role.DISPATCHER) == {"vehicles", "tracks"}
    assert kinds(Role.ENERGY_MANAGER) == {"meters", "factors"}
    assert kinds(Role.NETWORK_OPERATOR) == {"network"}
    for role in (Role.ADMINISTRATOR, Role.AUDITOR, Role.ANALYST, Role.VIEWER, Role.DEVICE):
        assert kinds(role) <= {"bodies"} if role is Role.ADMINISTRATOR else not kinds(role)
    for role in BUSINESS:
        assert kinds(role, (1, 2)) == set(), "a right over some bodies is not enough"
    assert {each.kind for each in imported_by(ESTATE)} == {each.kind for each in KINDS}


async def test_an_upload_is_kept_under_a_random_name_and_becomes_a_job_of_its_asker(
    peopled: Clone, serve: Serve, tmp_path: Path
) -> None:
    async with serving(serve, peopled, tmp_path) as client:
        answer = await upload(
            client, "planner", "../../etc/人员 表.csv", SHEET, source="x", dry_run="true"
        )
        assert answer.status_code == 202, answer.text
        told = answer.json()
        assert (told["state"], told["own"], told["kind"]) == ("waiting", True, "import")
        assert told["arguments"]["names"] == ["人员 表.csv"]
        with peopled.engine.connect() as connection:
            row = connection.execute(jobs.one(told["id"])).one()
        assert len(row.folder) == 32
        kept = staging.uploads(tmp_path, row.folder)
        assert [each.name for each in kept.iterdir()] == ["人员 表.csv"]
        assert (kept / "人员 表.csv").read_bytes() == SHEET
        assert kept.stat().st_mode & 0o077 == 0
        assert row.arguments["options"] == {
            "source": "x", "dry_run": True, "accept_guess": False, "accept_ballpark": False,
        }  # fmt: skip
        assert (row.account_id is not None, row.token_id is not None) == (True, True)

        # Another sees nothing of it; an administrator that there is one, not what is in it.
        listed = (await client.get("/jobs", headers=bearing("manager"))).json()
        assert listed["jobs"] == []
        one = f"/jobs/{told['id']}"
        assert (await client.get(one, headers=bearing("manager"))).status_code == 404
        seen = (await client.get(one, headers=bearing("admin"))).json()
        assert (seen["own"], seen["arguments"], seen["title"]["en"]) == (
            False, None, "Import persons",
        )  # fmt: skip
        assert "人员" not in seen["title"]["zh"]
        assert (await client.delete(one, headers=bearing("manager"))).status_code == 404
        gone = await client.delete(one, headers=bearing("planner"))
        assert (gone.status_code, gone.json()["state"]) == (200, "cancelled")


async def test_an_upload_is_on_the_disk_and_its_digest_in_the_job_when_it_is_acknowledged(
    peopled: Clone, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"x" * 3_000_000
    kept = synced(monkeypatch)
    async with serving(serve, peopled, tmp_path) as client:
        asked = (await upload(client, "planner", content=content)).json()
    with peopled.engine.connect() as connection:
        folder = connection.execute(jobs.one(asked["id"])).one().folder
    place = staging.uploads(tmp_path, folder)
    assert {place / "人.csv", place, place.parent, tmp_path} <= set(kept)
    assert asked["arguments"]["files"] == ["人.csv"]
    assert asked["arguments"]["sums"] == [
        {"size": 3_000_000, "sha256": hashlib.sha256(content).hexdigest()}
    ]


@pytest.mark.parametrize("broken", ["commit", "answer"])
async def test_the_upload_of_a_job_stays_though_its_asker_is_told_that_the_service_is_away(
    peopled: Clone, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    away = Unavailable(zh="断", en="away")
    write = Writer.write

    async def written(self: Writer, *given: Any, **named: Any) -> Any:
        await write(self, *given, **named)
        raise away  # nobody knows whether it was committed: it was

    async def unanswered(*_: Any) -> Any:
        raise away

    async with serving(serve, peopled, tmp_path) as client:
        if broken == "commit":
            monkeypatch.setattr(Writer, "write", written)
        else:
            monkeypatch.setattr("api.routes.jobs.found", unanswered)
        assert (await upload(client, "planner")).status_code == 503
    with peopled.engine.connect() as connection:
        row = connection.execute(sa.select(JOB)).one()
    assert row.state == "waiting"
    assert (staging.uploads(tmp_path, row.folder) / "人.csv").read_bytes() == b"x"


async def test_what_may_not_be_imported_is_refused_and_leaves_nothing(
    peopled: Clone, serve: Serve, tmp_path: Path
) -> None:
    async with serving(serve, peopled, tmp_path, upload_mb=1) as client:
        nobody = await client.post("/jobs/imports?kind=persons&name=a.csv", content=b"x")
        found = {
            "viewer": (await upload(client, "viewer")).status_code,
            "another's layer": (await upload(client, "manager")).status_code,
            "a token that reads": (await upload(client, "reader")).status_code,
            "no such kind": (await upload(client, "planner", kind="x")).status_code,
            "another ending": (await upload(client, "planner", "a.exe")).status_code,
            "empty": (await upload(client, "planner", content=b"")).status_code,
            "too large": (await upload(client, "planner", content=b"x" * 1_000_001)).status_code,
        }
    assert nobody.status_code == 401
    assert found == {
        "viewer": 403, "another's layer": 403, "a token that reads": 403, "no such kind": 400,
        "another ending": 400, "empty": 400, "too large": 413,
    }  # fmt: skip
    uploads = tmp_path / "uploads"
    assert not uploads.exists() or list(uploads.iterdir()) == []


def noted(database: Clone, *kinds: str) -> list[Any]:
    """Return what is recorded of some kinds."""
    with database.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM audit_waiting ORDER BY id")).mappings()
        return [row for row in rows if row["kind"] in kinds]


async def test_who_asked_for_an_import_stands_in_what_it_records(
    peopled: Clone, serve: Serve, tmp_path: Path
) -> None:
    async with serving(serve, peopled, tmp_path) as client:
        asked = await upload(client, "planner", content="工号,姓名\nP1,王一\n".encode())
        key = asked.json()["id"]
    with working(peopled, tmp_path):
        row = until(peopled, key, ended)
    assert (row.state, row.error, row.result["loaded"]) == ("done", None, 1)
    told, done = noted(peopled, "import")
    for each in (told, done):
        assert (each["account"], each["account_id"]) == ("planner", row.account_id)
        assert each["route"] == "/jobs/imports"
        assert each["details"]["by"] == f"token:{row.token_id}"
    assert (told["outcome"], told["address"], told["details"]["job"]) == ("asked", "127.0.0.1", key)
    assert (done["outcome"], done["details"]["of"]) == ("done", "persons")
    (change,) = noted(peopled, "change")
    assert (change["account"], change["account_id"]) == ("planner", row.account_id)
    assert change["details"]["by"] == f"token:{row.token_id}"


async def test_who_cancels_anothers_job_is_recorded(
    peopled: Clone, serve: Serve, tmp_path: Path
) -> None:
    async with serving(serve, peopled, tmp_path) as client:
        keys = [(await upload(client, "planner")).json()["id"] for _ in range(2)]
        for who, key in (("planner", keys[0]), ("admin", keys[1]), ("admin", keys[1])):
            answer = await client.delete(f"/jobs/{key}", headers=bearing(who))
            assert answer.json()["state"] == "cancelled"
    (told,) = (
        each for each in noted(peopled, "administration")
        if each["details"]["act"] == "cancel_job"
    )  # fmt: skip
    assert told["account"] == "admin"
    assert (told["details"]["whom"], told["details"]["job"]) == ("planner", keys[1])


async def test_the_report_of_an_import_is_for_who_may_still_import_and_leaves_a_trace(
    peopled: Clone, serve: Serve, tmp_path: Path
) -> None:
    async with serving(serve, peopled, tmp_path) as client:
        good, bad = [(await upload(client, "planner")).json()["id"] for _ in range(2)]
        with peopled.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE job SET state = 'done', finished_at = now(), result = "
                        "'{\"loaded\": 1, \"issues\": [{\"value\": \"13812345678\"}]}' "
                        "WHERE id = :id"), {"id": good},
            )  # fmt: skip
            connection.execute(
                sa.text("UPDATE job SET state = 'failed', finished_at = now(), error = "
                        "'{\"reason\": \"x\", \"zh\": \"13812345678\", \"en\": \"13812345678\"}' "
                        "WHERE id = :id"), {"id": bad},
            )  # fmt: skip
            account = connection.scalar(sa.text("SELECT id FROM account WHERE login = 'planner'"))
            accounts.another_token(connection, account, "planner reads", "again")

        async def told(who: str) -> str:
            """Return all that somebody is told of both jobs."""
            paths = ("/jobs", f"/jobs/{good}", f"/jobs/{bad}", f"/jobs/{good}/result")
            return "".join([(await client.get(p, headers=bearing(who))).text for p in paths])

        listed = (await client.get("/jobs", headers=bearing("planner"))).json()["jobs"]
        assert listed[1]["result"] == {"loaded": 1}
        report = await client.get(f"/jobs/{good}/result", headers=bearing("planner"))
        assert report.json()["issues"] == [{"value": "13812345678"}]
        assert "13812345678" not in await told("planner reads")
        with peopled.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE role_grant SET role = 'viewer' WHERE role = 'planner'")
            )
    seen = {(each["account"], each["route"], each["layer"]) for each in noted(peopled, "read")}
    assert seen == {("planner", "/jobs", "persons"), ("planner", "/jobs/{key}/result", "persons")}
    async with serving(serve, peopled, tmp_path) as client:
        refused = await client.get(f"/jobs/{good}/result", headers=bearing("planner"))
        assert refused.status_code == 403
        failed = (await client.get(f"/jobs/{bad}", headers=bearing("planner"))).json()
        assert failed["error"]["reason"] == "rights"
        assert "13812345678" not in await told("planner")


async def test_one_account_has_so_many_jobs_open_and_no_more(
    peopled: Clone, serve: Serve, tmp_path: Path
) -> None:
    async with serving(serve, peopled, tmp_path) as client:
        for _ in range(MOST_OPEN):
            assert (await upload(client, "planner")).status_code == 202
        refused = await upload(client, "planner")
        assert refused.status_code == 429
        assert len(list((tmp_path / "uploads").iterdir())) == MOST_OPEN
        first = (await client.get("/jobs?limit=15", headers=bearing("planner"))).json()
        rest = await client.get(f"/jobs?before={first['next']}", headers=bearing("planner"))
        assert (len(first["jobs"]), len(rest.json()["jobs"])) == (15, 5)


async def test_the_role_that_serves_can_ask_for_nothing(
    peopled: Clone, serve: Serve, tmp_path: Path
) -> None:
    async with serving(serve, peopled, tmp_path, accounts_url=None) as client:
        assert (await upload(client, "planner")).status_code == 503
    assert not (tmp_path / "uploads").exists(), "it is refused before it is taken in"
    for statement in (
        "INSERT INTO job (kind, arguments, folder) VALUES ('import', '{}', 'x')",
        "UPDATE job SET state = 'waiting'",
        "SELECT queue.procrastinate_cancel_job_v1(1, true, false)",
    ):
        with (
            pytest.raises(sa.exc.ProgrammingError, match="permission denied"),
            peopled.app_engine.begin() as connection,
        ):
            connection.execute(sa.text(statement))


async def test_kinds_say_what_they_expect_and_give_their_sheet(
    peopled: Clone, serve: Serve, tmp_path: Path
) -> None:
    async with serving(serve, peopled, tmp_path) as client:
        told = (await client.get("/jobs/kinds", headers=bearing("manager"))).json()
        assert told["archives"] is True
        by_kind = {each["kind"]: each for each in told["kinds"]}
        assert (by_kind["assets"]["sheet"], by_kind["roads"]["sheet"]) == (True, False)
        assert by_kind["buildings"]["spatial"] is True
        sheet = await client.get("/jobs/kinds/assets/template", headers=bearing("manager"))
        assert openpyxl.load_workbook(io.BytesIO(sheet.content)).active is not None
        other = await client.get("/jobs/kinds/rooms/template", headers=bearing("manager"))
        assert other.status_code == 403
        viewer = (await client.get("/jobs/kinds", headers=bearing("viewer"))).json()
        assert (viewer["kinds"], viewer["archives"]) == ([], False)
        asked = await client.post(
            "/jobs/archives", json={"layers": ["buildings"]}, headers=bearing("viewer")
        )
        assert asked.status_code == 403


async def test_a_report_holds_what_its_asker_may_read_and_is_his_while_that_is_so(
    peopled: Clone, serve: Serve, tmp_path: Path
) -> None:
    small_estate.fill(peopled.engine)
    async with serving(serve, peopled, tmp_path) as client:
        wanted = {"layer": "persons", "format": "csv", "query": [["sort", "number"]]}
        ids = {}
        for who in ("planner", "viewer"):
            asked = await client.post("/jobs/exports", json=wanted, headers=bearing(who))
            assert asked.status_code == 202, asked.text
            ids[who] = asked.json()["id"]
        wrong = await client.post(
            "/jobs/exports",
            json={**wanted, "query": [["filter", "no_such = 1"]]},
            headers=bearing("planner"),
        )
        archive = await client.post(
            "/jobs/archives", json={"layers": ["buildings"], "max_zoom": 15},
            headers=bearing("manager"),
        )  # fmt: skip
        with working(peopled, tmp_path):
            rows = {who: until(peopled, key, ended) for who, key in ids.items()}
            failed = until(peopled, wrong.json()["id"], ended)
            made = until(peopled, archive.json()["id"], ended)
        assert {who: (row.state, row.error) for who, row in rows.items()} == {
            "planner": ("done", None), "viewer": ("done", None),
        }  # fmt: skip
        files = {}
        for who, key in ids.items():
            now = await client.get(
                "/lists/persons/export?format=csv&sort=number", headers=bearing(who)
            )
            files[who] = await client.get(f"/jobs/{key}/result", headers=bearing(who))
            assert files[who].content.splitlines()[1:] == now.content.splitlines()[1:]
            assert rows[who].result["rows"] == int(now.headers["x-total-count"])
        assert files["planner"].content != files["viewer"].content, "names are masked for one"
        anothers = await client.get(f"/jobs/{ids['planner']}/result", headers=bearing("viewer"))
        assert anothers.status_code == 404
        assert failed.state == "failed"
        assert "no_such" in failed.error["zh"]
        assert failed.error["zh"] != failed.error["en"]
        assert (made.state, made.error) == ("done", None)
        tiles = await client.get(f"/jobs/{made.id}/result", headers=bearing("manager"))
        assert tiles.content[:7] == b"PMTiles"

        with peopled.engine.begin() as connection:
            traces = connection.execute(
                sa.text(
                    "SELECT account, layer, details->>'job' AS job FROM audit_waiting "
                    "WHERE kind = 'export' AND details->>'what' = 'job'"
                )
            ).all()
            assert {(each.layer, each.job) for each in traces} == {
                ("persons", str(ids["planner"])), ("persons", str(ids["viewer"])),
                (None, str(made.id)),
            }  # fmt: skip
            assert all(each.account for each in traces)
            # The worker itself records the export that it makes, in the name of who asked.
            by_worker = connection.scalars(
                sa.text(
                    "SELECT account FROM audit_waiting WHERE kind = 'export' AND address IS NULL"
                )
            ).all()
            assert set(by_worker) == {"planner", "viewer"}

        with peopled.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE role_grant SET role = 'viewer' WHERE role = 'planner'")
            )
    async with serving(serve, peopled, tmp_path) as client:
        refused = await client.get(f"/jobs/{ids['planner']}/result", headers=bearing("planner"))
        assert refused.status_code == 403
