"""The policy's tables, held to each other, and what they make of grants."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from layers import policy
from layers.access import ESTATE, EVERYONE, Actor, answering, rows
from layers.base import table_of
from layers.fields import editable
from layers.fleet import POSITIONS, TRIPS, VEHICLES, PositionLatest, Trip, Vehicle
from layers.insights import INSIGHTS
from layers.labels import GROUPS
from layers.measures import MEASURES
from layers.named import NAMED
from layers.people import BODIES, PERSONS, Person
from layers.policy import BUSINESS, READS, ROLES, SEES, WRITES, Grant, Role, all_business, reads
from layers.problems import Forbidden
from layers.registry import LAYERS
from layers.sharing import SHARED, Form, Sharing, sharing_of
from layers.space import ROOMS
from layers.workspaces import WORKSPACES, workspaces_of
from tests.layers.support import body, put

NAMES = {layer.name for layer in LAYERS}
DISPATCHER = Actor("d", (Grant(Role.DISPATCHER, (1,)),))


def test_every_name_in_the_tables_is_a_layer_or_a_group():
    known = NAMES | set(GROUPS)
    assert set(ROLES) == set(READS) == set(Role)
    for role, names in READS.items():
        assert names <= known, role
    for role, names in WRITES.items():
        assert set(names) <= known, role
    assert set(SEES) == set(SHARED) == set(Sharing)
    assert policy.ASKED_FOR <= NAMES


def test_the_three_duties_are_apart():
    for layer in LAYERS:
        assert not reads(Role.AUDITOR, layer)
        assert policy.writes(Role.AUDITOR, layer) is None
        assert reads(Role.ADMINISTRATOR, layer) == (layer is BODIES)
        assert not reads(Role.DEVICE, layer)
        assert policy.writes(Role.DEVICE, layer) is None
    assert {Role.ADMINISTRATOR, Role.AUDITOR, Role.DEVICE} == set(Role) - set(BUSINESS)


def test_an_analyst_and_a_viewer_change_nothing():
    assert Role.ANALYST not in WRITES
    assert Role.VIEWER not in WRITES


def test_what_a_role_writes_it_reads_as_it_is():
    for role in Role:
        for layer in LAYERS:
            what = policy.writes(role, layer)
            if what is None:
                continue
            assert reads(role, layer), (role, layer.name)
            hidden = dict(policy.masks(role, layer))
            columns = [c.name for c in layer.table.c if editable(layer.model, c)]
            written = [n for n in (*columns, "geom") if what.covers(n)]
            assert not [n for n in written if n in hidden], (role, layer.name)
            assert what.fields is None or what.fields <= {*columns, "geom"}, (role, layer.name)


def test_somebody_writes_whatever_people_edit():
    everybody = Actor("all", tuple(Grant(role, None) for role in Role))
    for layer in LAYERS:
        for column in layer.table.c:
            if editable(layer.model, column):
                assert everybody.may_write(layer, column.name, None), (layer.name, column.name)


def test_the_business_roles_together_see_everything_as_it_is():
    assert ESTATE.sees_everything
    assert Actor("x", all_business(None)).scope_key == "all"


def test_no_role_sees_less_of_a_field_than_the_public():
    for sharing in Sharing:
        for role in Role:
            assert policy.form_of(role, sharing) <= policy.form_of(None, sharing)


def test_a_trip_is_read_by_whoever_reads_its_car_and_a_reading_with_its_meter():
    for role in Role:
        for layer in LAYERS:
            if layer.series is not None and reads(role, layer):
                thing = next(each for each in LAYERS if each.model is layer.series.thing)
                assert reads(role, thing)
        if reads(role, TRIPS):
            assert reads(role, VEHICLES)


def test_whatever_could_name_a_person_or_place_a_car_has_a_class():
    """Held to the columns themselves: a new one of these wants a decision."""
    open_ones = {
        c.name for c in PERSONS.table.c if sharing_of(c) is None
    }  # fmt: skip
    assert open_ones == {"id", "revision", "body_id", "source", "state", "left_on"}
    assert {c.name for c in POSITIONS.table.c if sharing_of(c) is None} == {"vehicle_id", "time"}
    for layer in LAYERS:
        if layer.group == "fleet" and layer.series is None:
            assert sharing_of(layer.table.c.attributes) is Sharing.CONTACT


def test_grants_of_one_role_are_one():
    given = (
        Grant(Role.VIEWER, (3,)),
        Grant(Role.VIEWER, (1, 2)),
        Grant(Role.PLANNER, None),
        Grant(Role.PLANNER, (9,)),
    )
    assert policy.normal(given) == (Grant(Role.PLANNER, None), Grant(Role.VIEWER, (1, 2, 3)))
    one, other = Actor("a", given), Actor("b", tuple(reversed(given)))
    assert one.scope_key == other.scope_key
    assert one.scope_key != Actor("c", given[:3:2]).scope_key


def test_actors_of_one_pattern_ask_one_statement():
    one = Actor("a", (Grant(Role.VIEWER, (1, 2)), Grant(Role.PLANNER, (7,))))
    other = Actor("b", (Grant(Role.VIEWER, (3,)), Grant(Role.PLANNER, (8, 9))))
    assert one.pattern == other.pattern or one.scope.keys() == other.scope.keys()
    for layer in LAYERS:
        made = str(sa.select(rows(layer, one.pattern)))
        assert made == str(sa.select(rows(layer, one))), layer.name


def test_one_grant_is_one_condition_and_the_whole_estate_none():
    scoped = Actor("a", all_business((1, 2)))
    for layer in LAYERS:
        assert len(scoped.reaches(layer)) == 1, layer.name
        assert len(ESTATE.reaches(layer)) == 1
    said = str(sa.select(rows(ROOMS, ESTATE)))
    assert "WHERE" not in said
    assert "CASE" not in str(sa.select(rows(PERSONS, scoped)))


def test_a_grant_over_some_layers_shows_no_others():
    some = Actor("a", (Grant(Role.DISPATCHER, None, frozenset({"vehicles"})),))
    assert some.sees_all(VEHICLES)
    assert not some.sees(TRIPS)
    assert not some.sees(PERSONS)


def test_a_unit_narrows_every_grant():
    actor = Actor("a", (Grant(Role.VIEWER, None), Grant(Role.PLANNER, (1, 2))))
    assert actor.within({2, 3}).grants == (Grant(Role.VIEWER, (2, 3)), Grant(Role.PLANNER, (2,)))
    assert EVERYONE.within({2}).grants == ()


def test_a_question_is_asked_by_those_grants_alone_that_can_answer_it():
    actor = Actor("a", (Grant(Role.DISPATCHER, (1,)), Grant(Role.VIEWER, None)))
    assert actor.able("vehicles", "positions.geom") == Actor("a", actor.grants[:1])
    assert actor.able("rooms") is actor
    viewer = Actor("v", (Grant(Role.VIEWER, None),))
    assert viewer.able("positions") is viewer
    assert viewer.able("positions.geom") is None
    with pytest.raises(Forbidden):
        answering(viewer, MEASURES[0].title, "trips.geom")


def test_what_questions_rest_on_is_there():
    for question in (*MEASURES, *NAMED, *INSIGHTS):
        for name in question.rests:
            layer, _, column = name.partition(".")
            found = next(each for each in LAYERS if each.name == layer)
            assert not column or column in found.table.c
        assert ESTATE.able(question.layer, *question.rests) is ESTATE


def test_each_desk_is_that_of_its_roles():
    names = {role: [w.name for w in workspaces_of(Actor("a", (Grant(role, None),)))]
             for role in Role}  # fmt: skip
    assert names[Role.DISPATCHER] == ["fleet", "cockpit"]
    assert names[Role.PLANNER] == ["space", "cockpit"]
    assert names[Role.VIEWER] == names[Role.ANALYST] == [w.name for w in WORKSPACES]
    for role in BUSINESS:
        for desk in workspaces_of(Actor("a", (Grant(role, None),))):
            if desk.name != "cockpit":
                layers = [next(e for e in LAYERS if e.name == n) for n in desk.layers]
                assert all(Actor("a", (Grant(role, None),)).sees(e) for e in layers), desk.name


@pytest.fixture
def estate(database):
    """Two bodies with a person and a car each, and a car that belongs to nobody."""
    with database.engine.begin() as c:
        one, two = body(c, "一局"), body(c, "二局")
        people = {
            key: put(c, Person, name=name, number=number, source_key=number, rank="staff",
                     body_id=of, attributes={"电话": "13800001234"})
            for key, name, number, of in (
                ("一", "王小明", "P0001", one), ("二", "李四", "P0002", two)
            )
        }  # fmt: skip
        cars = {}
        for key, of in (("一", one), ("二", two), ("公", None)):
            cars[key] = put(c, Vehicle, plate=f"演A·D000{len(cars)}", name=key, body_id=of)
            c.execute(
                sa.insert(table_of(PositionLatest)).values(
                    vehicle_id=cars[key], time="2026-10-12T00:31:00Z", speed_kmh=40,
                    geom="SRID=4326;POINT(119.6034 38.9071)",
                )
            )  # fmt: skip
        put(
            c, Trip, source_key="t", vehicle_id=cars["一"], body_id=one, length_km=1, moving_s=1,
            started_at="2026-10-12T00:00:00Z", ended_at="2026-10-12T01:00:00Z", fixes=2,
            geom="SRID=4326;LINESTRINGM(119.6 38.9 1,119.61 38.9 2)",
        )  # fmt: skip
    return database.engine, {"一": one, "二": two}, people, cars


def seen(engine, layer, actor, *columns):
    source = rows(layer, actor)
    with engine.connect() as c:
        found = c.execute(sa.select(source.c.id, *(source.c[n] for n in columns)))
        return {row[0]: tuple(row[1:]) for row in found}


def test_a_field_is_seen_in_the_form_of_the_role(estate):
    engine, bodies, people, _ = estate
    planner = Actor("p", (Grant(Role.PLANNER, (bodies["一"],)),))
    viewer = Actor("v", (Grant(Role.VIEWER, (bodies["一"],)),))
    energy = Actor("e", (Grant(Role.ENERGY_MANAGER, (bodies["一"],)),))
    columns = ("name", "number", "rank", "attributes")
    assert seen(engine, PERSONS, planner, *columns) == {
        people["一"]: ("王小明", "P0001", "staff", {"电话": "13800001234"})
    }
    assert seen(engine, PERSONS, viewer, *columns) == {people["一"]: ("王**", "P**", "staff", None)}
    assert seen(engine, PERSONS, energy, *columns) == {people["一"]: ("王**", "P**", None, None)}
    assert seen(engine, PERSONS, EVERYONE) == {}


def test_of_several_grants_the_most_open_one_counts_row_by_row(estate):
    engine, bodies, people, _ = estate
    both = Actor("b", (Grant(Role.PLANNER, (bodies["二"],)), Grant(Role.VIEWER, None)))
    assert seen(engine, PERSONS, both, "name") == {people["一"]: ("王**",), people["二"]: ("李四",)}
    source = rows(PERSONS, both)
    with engine.connect() as c:
        count = sa.select(sa.func.count()).select_from(source)
        assert c.scalar(count.where(source.c.name == "王小明")) == 0
        assert c.scalar(count.where(source.c.name == "李四")) == 1


def test_a_coarse_place_is_the_middle_of_its_cell(estate):
    engine, _, _, cars = estate
    from layers.access import latest_rows
    from layers.fleet import Position

    source = latest_rows(Position, Actor("v", (Grant(Role.VIEWER, None),)))
    with engine.connect() as c:
        found = c.execute(
            sa.select(
                sa.func.ST_X(source.c.geom), sa.func.ST_Y(source.c.geom), source.c.speed_kmh
            ).where(source.c.id == cars["一"])
        ).one()
    assert (round(found[0], 9), round(found[1], 9), found[2]) == (119.605, 38.905, None)


def test_where_a_car_has_been_is_the_dispatchers_alone(estate):
    engine, bodies, _, _ = estate
    for role in Role:
        actor = Actor("r", (Grant(role, (bodies["一"],)),))
        found = seen(engine, TRIPS, actor, "geom", "geom_3857")
        if role is Role.DISPATCHER:
            assert None not in next(iter(found.values()))
        elif role in (Role.VIEWER, Role.ANALYST):
            assert list(found.values()) == [(None, None)]
        else:
            assert found == {}


def test_a_public_car_is_the_publics_without_its_plate(estate):
    engine, bodies, _, cars = estate
    assert seen(engine, VEHICLES, EVERYONE, "plate") == {cars["公"]: ("演A****",)}
    other = Actor("e", (Grant(Role.ENERGY_MANAGER, (bodies["一"],)),))
    assert seen(engine, VEHICLES, other, "plate") == {cars["公"]: ("演A****",)}


def test_the_forms_are_told_in_both_languages():
    assert {form.name for form in Form} == {"OPEN", "COARSE", "MASKED", "HIDDEN"}
    assert all(text.zh and text.en for text in (*ROLES.values(), *SHARED.values()))
