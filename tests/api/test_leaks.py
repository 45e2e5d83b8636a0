"""Nobody is told what is not theirs: every route, every layer, every kind of caller.

The routes are those of the service's own description, the layers those of `LAYERS`, and every text
of every row is a canary (`tests.api.leaks.planted`). An answer is decoded, and each canary in it
must be due to who asked.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.app import create_app
from api.session import Config
from layers import granting, policy
from layers.accounts import ApiToken, RoleGrant
from layers.base import table_of
from layers.granting import APART
from layers.policy import BUSINESS, Role
from layers.registry import LAYERS
from layers.sharing import Form, sharing_of
from tests.api.leaks.asking import Ask, answered, asks, streamed
from tests.api.leaks.planted import ABOVE, DAY, OWNERS, Canary, Planted, plant
from tests.api.leaks.reading import canaries, places, text_of
from tests.support import accounts

AT_ONCE = 4
ESTATE = "estate"
EVENTS = "/events"
# Whoever they are, these say the same: they tell nothing of the estate.
_OPEN_TO_ALL = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/ogc/api",
    "/sign-in",
    "/sign-out",
)


@dataclass(frozen=True)
class Caller:
    """Who asks: roles, each over the subtree of an owner; none of it counts where it has ended.

    `like` names who sees as much by the same door: then dear routes are asked of some layers alone.
    """

    name: str
    grants: tuple[tuple[Role, str], ...] = ()
    ended: bool = False
    like: str | None = None

    def scope(self, root: str) -> set[str]:
        """Return the owners at and below one."""
        return {
            owner
            for owner in OWNERS
            if owner is not None and root in (owner, *_above(owner), ESTATE)
        }  # fmt: skip

    def due(self, canary: Canary) -> bool:
        """Whether the caller may be told a canary, by the policy and the tree alone."""
        if self.ended or canary.owner == "estate":
            return False
        if canary.layer == "reason":
            return canary.owner is None or any(
                canary.owner in self.scope(root) and policy.READS[role]
                for role, root in self.grants
            )
        layer = next(each for each in LAYERS if each.name == canary.layer)
        sharing = sharing_of(layer.table.c[canary.field])
        roles: list[Role | None] = [
            role
            for role, root in self.grants
            if policy.reads(role, layer) and canary.owner in (None, *self.scope(root))
        ]
        if canary.owner is None and policy.public(layer):
            roles.append(None)
        return any(sharing is None or policy.form_of(role, sharing) is Form.OPEN for role in roles)

    def placed(self, owner: str | None) -> bool:
        """Whether the caller may know where the car of an owner is."""
        return not self.ended and any(
            role is Role.DISPATCHER and owner in (None, *self.scope(root))
            for role, root in self.grants
        )


def _above(owner: str) -> Iterable[str]:
    while owner in ABOVE:
        owner = ABOVE[owner]
        yield owner


def _all(root: str) -> tuple[tuple[Role, str], ...]:
    return tuple((role, root) for role in BUSINESS)


# Who sees most as it is, and who sees most masked: of them even what is dear is asked.
_APART_FROM_ALL = (Role.DISPATCHER, Role.VIEWER)
ASK_EVERYTHING = bool(os.environ.get("ONEMAP_TEST_EVERY_LEAK"))
"""Whether all callers ask everything, of every layer: it takes a quarter of an hour."""
EVERYDAY = ("anonymous", "planner", "dispatcher", "mixed", "expired", "revoked")
"""Who asks in every run of the tests: the public, a role with masks, the one that sees where cars
are, one with several grants, and tokens that ended."""

CALLERS = (
    Caller("anonymous"),
    *(
        Caller(role.value, ((role, "mid"),), like=None if role in _APART_FROM_ALL else "viewer")
        for role in BUSINESS
    ),
    *(Caller(role.value, ((role, ESTATE),), like="anonymous") for role in sorted(APART)),
    Caller("device", ((Role.DEVICE, "mid"),), like="anonymous"),
    Caller("sibling", _all("sib"), like="mixed"),
    Caller("ancestor", _all("top"), like="sibling"),
    Caller("descendant", _all("low"), like="sibling"),
    Caller("mixed", ((Role.DISPATCHER, "low"), (Role.VIEWER, "top")), like="viewer"),
    Caller("expired", _all("mid"), ended=True),
    Caller("revoked", _all("mid"), ended=True),
    Caller("ungranted", _all("mid"), like="anonymous"),
)


ASKING = tuple(each for each in CALLERS if ASK_EVERYTHING or each.name in EVERYDAY)


@dataclass
class Told:
    """What one caller was told."""

    statuses: dict[Ask, int] = field(default_factory=dict)
    found: dict[Ask, set[str]] = field(default_factory=dict)
    placed: dict[Ask, set[str | None]] = field(default_factory=dict)
    texts: dict[Ask, str] = field(default_factory=dict)


@dataclass
class Matrix:
    """The whole of it."""

    planted: Planted
    asks: list[Ask]
    told: dict[str, Told]
    tokens: dict[str, str | None] = field(default_factory=dict)
    database: Any = None


def _people(connection: sa.Connection, planted: Planted) -> dict[str, str | None]:
    tokens: dict[str, str | None] = {"anonymous": None}
    for caller in CALLERS[1:]:
        token = tokens[caller.name] = f"token-of-{caller.name}"
        # A grant for each: the helper gives all its roles over one body.
        roots = {root for _, root in caller.grants}
        key = None
        for root in sorted(roots):
            roles = [role for role, of in caller.grants if of == root]
            if key is None:
                key = accounts.with_token(
                    connection, caller.name, token, edit=True, body_id=planted.bodies.get(root),
                    whole_estate=root == ESTATE,
                    roles=roles,
                )  # fmt: skip
            else:
                for role in roles:
                    wanted = accounts.Wanted(role, planted.bodies[root])
                    granting.grant(connection, key, wanted, datetime.now(UTC))
        table, grants = table_of(ApiToken), table_of(RoleGrant)
        past = datetime.now(UTC) - timedelta(minutes=1)
        if caller.name == "expired":
            mine = sa.update(table).where(table.c.account_id == key)
            connection.execute(mine.values(expires_at=past))
        elif caller.name == "revoked":
            mine = sa.update(table).where(table.c.account_id == key)
            connection.execute(mine.values(revoked_at=past))
        elif caller.name == "ungranted":
            held = sa.update(grants).where(grants.c.account_id == key)
            connection.execute(held.values(revoked_at=past))
    return tokens


async def _ask_all(database: Any, planted: Planted, tokens: dict[str, str | None]) -> Matrix:
    app = create_app(
        Config(
            database.app_url, anonymous="public", pool_size=AT_ONCE, now=lambda: DAY,
            tile_cache_mb=8,
        )
    )  # fmt: skip
    every = asks(app, planted)
    matrix = Matrix(planted, every, {})
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://map.test") as client:
            await app.state.feed.ready(60)
            for caller in ASKING:
                told = matrix.told[caller.name] = Told()
                full = ASK_EVERYTHING or caller.like is None
                mine = [ask for ask in every if full or not ask.dear]
                await _as(client, app, mine, told, planted, tokens[caller.name])
    return matrix


async def _as(
    client: httpx.AsyncClient, app: Any, every: list[Ask], told: Told, planted: Planted,
    token: str | None,
) -> None:  # fmt: skip
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(ask: Ask) -> None:
        async with gate:
            if ask.template == EVENTS:
                told.statuses[ask], text = 200, await streamed(app, token)
            else:
                answer = await answered(client, ask, token)
                told.statuses[ask], text = answer.status_code, text_of(answer)
        told.found[ask] = canaries(text)
        told.placed[ask] = places(text, planted)
        if answer_kept(ask):
            told.texts[ask] = text

    await asyncio.gather(*(one(ask) for ask in every))


def answer_kept(ask: Ask) -> bool:
    """Whether the text of an answer is looked at again."""
    return ask.template in ("/catalogue", "/workspaces", "/ogc/collections/{layer}/items/{item}")


@pytest.fixture(scope="module")
def matrix(module_database: Any) -> Matrix:
    planted = plant(module_database.engine)
    with module_database.engine.begin() as connection:
        tokens = _people(connection, planted)
    made = asyncio.run(_ask_all(module_database, planted, tokens))
    made.tokens, made.database = tokens, module_database
    return made


def _who(name: str) -> Caller:
    caller = next(each for each in CALLERS if each.name == name)
    # Without its grants it sees what is public.
    return Caller(name) if name == "ungranted" else caller


def test_every_route_of_the_description_is_asked(matrix: Matrix) -> None:
    paths = create_app(Config("postgresql://nowhere")).openapi()["paths"]
    assert {(m.upper(), p) for p, ms in paths.items() for m in ms} <= {
        (ask.method, ask.template) for ask in matrix.asks
    }
    layered = {ask.layer for ask in matrix.asks if ask.template.endswith("/items")}
    assert layered == {layer.name for layer in LAYERS}


def test_nobody_is_told_what_is_not_due_to_them(matrix: Matrix) -> None:
    leaks = defaultdict(list)
    for name, told in matrix.told.items():
        caller = _who(name)
        for ask, found in told.found.items():
            for word in found:
                canary = matrix.planted.canaries[word]
                # Whoever holds a grant is told over which body it is.
                own = ask.template == "/me" and canary.owner in {r for _, r in caller.grants}
                if not caller.due(canary) and not (own and canary.layer == "bodies"):
                    leaks[f"{name}: {ask.method} {ask.template} tells {canary}"].append(str(ask))
    assert not leaks, f"{len(leaks)} leaks:\n" + "\n".join(sorted(leaks)[:60])


def test_nobody_learns_where_a_car_is_or_was_but_its_dispatcher(matrix: Matrix) -> None:
    leaks = {
        f"{name}: {ask} tells where the car of {owner} is"
        for name, told in matrix.told.items()
        for ask, owners in told.placed.items()
        for owner in owners
        if not _who(name).placed(owner)
    }
    assert not leaks, f"{len(leaks)} leaks:\n" + "\n".join(sorted(leaks)[:40])


def test_no_answer_is_a_fault(matrix: Matrix) -> None:
    faults = {
        f"{name}: {ask} {status}"
        for name, told in matrix.told.items()
        for ask, status in told.statuses.items()
        if status >= 500
    }
    assert not faults, "\n".join(sorted(faults)[:20])


@pytest.mark.parametrize("name", [c.name for c in ASKING if not c.ended])
def test_whatever_is_due_is_told_somewhere(matrix: Matrix, name: str) -> None:
    """The positive control: what is not seen would be no leak, and no use."""
    caller, told = _who(name), matrix.told[name]
    seen = set().union(*told.found.values())
    due = {word for word, canary in matrix.planted.canaries.items() if caller.due(canary)}
    assert due, "even the public is told something"
    missing = {matrix.planted.canaries[word] for word in due - seen}
    assert not missing, sorted(map(str, missing))[:20]


def test_a_dispatcher_is_told_where_the_cars_are(matrix: Matrix) -> None:
    told = matrix.told["dispatcher"]
    templates = defaultdict(set)
    for ask, owners in told.placed.items():
        for owner in owners:
            templates[owner].add(ask.template)
    for owner in ("mid", "low", None):
        assert "/ogc/collections/{layer}/items" in templates[owner]
    for template in ("/tiles/{layer}/{z}/{x}/{y}", "/trips/{key}/path", "/history/{layer}/{key}"):
        assert template in templates["mid"]


@pytest.mark.parametrize("name", ["expired", "revoked"])
def test_an_ended_token_opens_nothing(matrix: Matrix, name: str) -> None:
    for ask, status in matrix.told[name].statuses.items():
        if not ask.path.startswith(_OPEN_TO_ALL) and ask.template != EVENTS:
            assert status in (401, 400, 404), f"{ask} {status}"
            assert not matrix.told[name].found[ask]


def test_what_is_not_seen_and_what_is_not_there_are_refused_alike(matrix: Matrix) -> None:
    """No status tells a row that is another's from one that never was."""
    for name in {"dispatcher", "planner", "anonymous", "sibling"} & set(matrix.told):
        told, caller = matrix.told[name], _who(name)
        for ask, status in told.statuses.items():
            if ask.method != "GET" or ask.template not in (
                "/ogc/collections/{layer}/items/{item}",
                "/features/{layer_name}/{key}",
                "/history/{layer}/{key}",
            ):
                continue
            owner = next(
                (o for o in OWNERS if str(matrix.planted.ids.get((str(ask.layer), o)))
                 == ask.path.rsplit("/", 1)[1].split("~")[0]), None,
            )  # fmt: skip
            owned = {root for _, root in caller.grants}
            unseen = owner is not None and not any(owner in caller.scope(r) for r in owned)
            if unseen:
                assert status == (400 if "history" in ask.path and status == 400 else 404), str(ask)


def test_the_catalogue_shows_what_the_role_may(matrix: Matrix) -> None:
    import json

    for role in (each for each in Role if each.value in matrix.told):
        told = matrix.told[role.value]
        body = next(text for ask, text in told.texts.items() if ask.template == "/catalogue")
        catalogue = json.loads(body.partition("\n")[2])
        shown = {each["name"] for each in catalogue["layers"]}
        assert shown == {
            layer.name for layer in LAYERS if policy.reads(role, layer) or policy.public(layer)
        }
        written = {
            each["name"]
            for each in catalogue["layers"]
            if any(one["editable"] for one in each["fields"])
        }
        may = {
            layer.name
            for layer in LAYERS
            if policy.writes(role, layer) and layer.series is None and layer.model.managed
        }
        assert written == may, role
        assert catalogue["edits"] == bool(policy.WRITES.get(role))


def _word(matrix: Matrix, layer: str, owner: str | None, name: str) -> str:
    """Return the canary that a field has now: the last that was written there."""
    found = [w for w, c in matrix.planted.canaries.items() if c == Canary(layer, owner, name)]
    return found[-1]


def _headers(matrix: Matrix, name: str) -> dict[str, str]:
    token = matrix.tokens[name]
    return {} if token is None else {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("layer", "name", "seeing", "masked"),
    [
        ("persons", "name", "planner", "viewer"),
        ("persons", "number", "planner", "energy_manager"),
        ("persons", "source_key", "planner", "analyst"),
        ("persons", "title", "planner", "asset_manager"),
        ("vehicles", "plate", "dispatcher", "analyst"),
        ("network_nodes", "address", "network_operator", "viewer"),
    ],
)
async def test_a_masked_field_cannot_be_probed(
    matrix: Matrix, serve: Any, layer: str, name: str, seeing: str, masked: str
) -> None:
    word = _word(matrix, layer, "mid", name)
    conditions = (
        f"{name} = '{word}'", f"{name} LIKE '%{word[3:]}%'", f"CASEI({name}) = CASEI('{word}')",
        f"{name} BETWEEN '{word}' AND '{word}'", f"{name} IN ('{word}')",
    )  # fmt: skip
    async with serve(matrix.database, anonymous="public", now=lambda: DAY) as client:

        async def counts(who: str) -> list[int]:
            found = []
            for condition in conditions:
                asked = {"filter": condition, "limit": "10"}
                items = await client.get(
                    f"/ogc/collections/{layer}/items", params=asked, headers=_headers(matrix, who)
                )
                listed = await client.get(
                    f"/lists/{layer}", params={"filter": condition}, headers=_headers(matrix, who)
                )
                assert items.status_code == listed.status_code == 200, items.text
                found += [items.json()["numberMatched"], listed.json()["total"]]
            for path, asked in (("/search", {"q": word}), (f"/lists/{layer}", {"q": word})):
                answer = await client.get(path, params=asked, headers=_headers(matrix, who))
                said = answer.json()
                found.append(len(said["results"]) if path == "/search" else said["total"])
            return found

        assert not any(await counts(masked))
        assert all((await counts(seeing))[: 2 * len(conditions)])


async def test_the_order_of_a_list_does_not_tell_masked_names(matrix: Matrix, serve: Any) -> None:
    """By what is masked all rows are alike, so that their ids say the order."""
    async with serve(matrix.database, anonymous="public", now=lambda: DAY) as client:
        for sort in ("name", "-name"):
            answer = await client.get(
                "/ogc/collections/persons/items",
                params={"sortby": sort, "properties": "number"},
                headers=_headers(matrix, "viewer"),
            )
            ids = [each["id"] for each in answer.json()["features"]]
            assert len(ids) == 3
            assert ids == sorted(ids)


async def test_a_place_cannot_be_closed_in_upon(matrix: Matrix, serve: Any) -> None:
    """A box round the true place finds nothing for who sees it coarsely, one of the cell does."""
    lon = matrix.planted.secret["mid"]
    near = f"{lon - 0.001},37.5002,{lon + 0.001},37.5022"
    cell = f"{lon - 0.002},37.5,{lon + 0.009},37.51"
    async with serve(matrix.database, anonymous="public", now=lambda: DAY) as client:

        async def matched(who: str, box: str) -> int:
            answer = await client.get(
                "/ogc/collections/positions/items",
                params={"bbox": box},
                headers=_headers(matrix, who),
            )
            return int(answer.json()["numberMatched"])

        assert (await matched("viewer", near), await matched("viewer", cell)) == (0, 1)
        assert (await matched("dispatcher", near), await matched("dispatcher", cell)) == (1, 1)


async def test_what_rests_on_masked_values_is_neither_offered_nor_answered(
    matrix: Matrix, serve: Any
) -> None:
    async with serve(matrix.database, anonymous="public", now=lambda: DAY) as client:
        for who, may in (("viewer", False), ("dispatcher", True)):
            headers = _headers(matrix, who)
            offered = {
                each["name"] for each in (await client.get("/filters", headers=headers)).json()
            }
            measures = {
                each["name"] for each in (await client.get("/measures", headers=headers)).json()
            }
            assert ("cars_at_place" in offered) == may
            assert ("km_per_day" in measures) == may
            asked = await client.get("/filters/cars_at_place", headers=headers)
            assert asked.status_code == (200 if may else 403)
            assert (await client.get("/measures/km_per_day", headers=headers)).status_code == (
                200 if may else 403
            )


async def test_a_role_changes_its_own_fields_and_is_told_which_are_not(
    matrix: Matrix, serve: Any
) -> None:
    car, room = matrix.planted.ids["vehicles", "low"], matrix.planted.ids["rooms", "low"]

    async with serve(matrix.database, anonymous="public", now=lambda: DAY) as client:

        async def change(who: str, layer: str, key: int, **properties: Any) -> httpx.Response:
            table = next(each.table for each in LAYERS if each.name == layer)
            with matrix.database.engine.connect() as c:
                held = sa.select(table.c.revision).where(table.c.id == key)
                revision = c.execute(held).scalar_one()
            put = {"layer": layer, "id": key, "revision": revision, "properties": properties}
            return await client.post(
                "/changes", json={"puts": [put]}, headers=_headers(matrix, who)
            )

        assert (await change("planner", "rooms", room, use="meeting")).status_code == 200
        assert (await change("asset_manager", "vehicles", car, price_cny=1)).status_code == 200
        assert (await change("dispatcher", "vehicles", car, price_cny=2)).status_code == 200
        refused = await change("asset_manager", "vehicles", car, parking="x", price_cny=3)
        assert refused.status_code == 403
        assert [each["field"] for each in refused.json()["errors"]] == ["parking"]
        for who in ("viewer", "analyst", "energy_manager", "administrator", "auditor", "device"):
            assert (await change(who, "rooms", room, use="office")).status_code == 403, who
        # Another's, and nobody's.
        for owner, status in (("sib", 404), (None, 403)):
            key = matrix.planted.ids["rooms", owner]
            # Of an area no two rows are alike: it is surely another value.
            changed = await change("planner", "rooms", key, usable_area_m2=4321.5)
            assert changed.status_code == status
