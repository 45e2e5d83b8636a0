"""Lists over the small estate: pages, totals, groups, marks and files that agree."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from typing import Any

import mapbox_vector_tile
import openpyxl
import pyogrio
import pytest
from sqlalchemy import text

from geo.tiling import tile_at
from layers.registry import LAYERS
from tests.api.conftest import Serve
from tests.support import small_estate

NAMES = [each.name for each in LAYERS]


@pytest.fixture(scope="module")
def estate(module_database: Any) -> Any:
    ids = small_estate.fill(module_database.engine)
    return module_database, ids


async def told(client: Any, path: str, **query: Any) -> Any:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def every_row(client: Any, layer: str, **query: Any) -> list[Any]:
    page = await told(client, f"/lists/{layer}", limit=3, **query)
    found = page["rows"]
    while page["next"]:
        page = await told(
            client, f"/lists/{layer}", limit=3, after=page["next"], totals=False, **query
        )
        found += page["rows"]
    return list(found)


async def marked(client: Any, layer: str, zoom: int, **query: Any) -> list[dict[str, Any]]:
    """Return the marks of all tiles round the small estate at a zoom."""
    found = []
    reach = 0.004 if zoom > 15 else 0.05
    west, south = tile_at(small_estate.LON - reach, small_estate.LAT - reach, zoom)
    east, north = tile_at(small_estate.LON + reach, small_estate.LAT + reach, zoom)
    for x in range(int(west), int(east) + 1):
        for y in range(int(north), int(south) + 1):
            answer = await client.get(f"/lists/{layer}/tiles/{zoom}/{x}/{y}", params=query)
            assert answer.status_code in (200, 204), answer.text
            if answer.status_code == 200:
                tile = mapbox_vector_tile.decode(answer.content)
                found += [each["properties"] for each in tile["list"]["features"]]
    return found


@pytest.mark.parametrize("layer", NAMES)
async def test_the_pages_of_a_list_hold_each_row_once_and_the_totals_agree(
    layer: str, estate: Any, serve: Serve
):
    database, _ = estate
    async with serve(database) as client:
        whole = await told(client, f"/lists/{layer}")
        rows = await every_row(client, layer)
        features = await told(client, f"/ogc/collections/{layer}/items", limit=1)
    assert len(rows) == len({row["id"] for row in rows}) == whole["total"]
    assert whole["total"] == features["numberMatched"]
    assert isinstance(whole["total"], int)
    assert whole["on_map"] + sum(each["count"] for each in whole["off_map"]) == whole["total"]


@pytest.mark.parametrize("layer", ["rooms", "assets", "persons", "vehicles", "network_nodes"])
@pytest.mark.parametrize("zoom", [11, 14, 17])
async def test_the_marks_of_all_tiles_add_up_to_what_is_on_the_map(
    layer: str, zoom: int, estate: Any, serve: Serve
):
    database, _ = estate
    async with serve(database) as client:
        whole = await told(client, f"/lists/{layer}")
        marks = await marked(client, layer, zoom)
    assert sum(mark["n"] for mark in marks) == whole["on_map"]
    if zoom >= 15:
        ids = [int(key) for mark in marks for key in mark["ids"].split(",")]
        assert len(ids) == len(set(ids)) == whole["on_map"]
    assert all(("id" in mark) == (mark["n"] == 1) for mark in marks)


async def test_what_is_not_on_the_map_is_told_with_its_reason(estate: Any, serve: Serve):
    database, _ = estate
    async with serve(database) as client:
        nodes = await told(client, "/lists/network_nodes")
        bodies = await told(client, "/lists/bodies")
    # SW-3 has no coordinates but stands in B03-101, where it is marked.
    assert (nodes["total"], nodes["on_map"], nodes["off_map"]) == (3, 3, [])
    assert bodies["on_map"] == 0
    assert [(each["reason"], each["count"]) for each in bodies["off_map"]] == [("no_place", 3)]


async def test_a_person_is_marked_in_the_first_of_the_rooms_held_today(estate: Any, serve: Serve):
    database, ids = estate
    async with serve(database) as client:
        people = await told(client, "/lists/persons", q="周试一")
        rooms = await told(client, "/lists/rooms", q="B03-412")
    assert [row["title"] for row in people["rows"]] == ["周试一"]
    assert people["rows"][0]["center"] == rooms["rows"][0]["center"]
    assert people["rows"][0]["path"].endswith("B03-412")
    assert people["rows"][0]["opens"] == {"layer": "persons", "id": ids["persons", "P1"]}


async def test_a_list_is_sorted_by_any_column_with_what_is_empty_last(estate: Any, serve: Serve):
    database, _ = estate
    async with serve(database) as client:
        rising = await every_row(client, "rooms", sort="usable_area_m2")
        falling = await every_row(client, "rooms", sort="-usable_area_m2")
        by_body = await every_row(client, "rooms", sort="body_id")
    areas = [row["values"]["usable_area_m2"] for row in rising]
    assert areas == [9.6, 11.2, 20.0, 26.1, 26.4, 28.0, 60.0, None]
    assert [row["values"]["usable_area_m2"] for row in falling] == [
        60.0, 28.0, 26.4, 26.1, 20.0, 11.2, 9.6, None,
    ]  # fmt: skip
    codes = [row["refs"].get("body_id", {}).get("title") for row in by_body]
    known = [code for code in codes if code]
    assert known == sorted(known)
    assert codes[len(known) :] == [None] * (len(codes) - len(known))


async def test_a_list_of_rooms_shows_the_area_that_standards_count(estate: Any, serve: Serve):
    database, _ = estate
    async with serve(database) as client:
        columns = (await told(client, "/lists/rooms", limit=1))["columns"]
    shown = {each["name"] for each in columns if each["shown"]}
    assert {"number", "use", "state", "usable_area_m2", "capacity"} <= shown
    assert not {"polygon_area_m2", "built_area_m2"} & shown


async def test_sums_cover_the_whole_list_and_not_the_page(estate: Any, serve: Serve):
    database, _ = estate
    async with serve(database) as client:
        rooms = await told(client, "/lists/rooms", limit=1)
    assert rooms["sums"]["usable_area_m2"] == pytest.approx(
        11.2 + 20.0 + 26.4 + 26.1 + 60.0 + 28.0 + 9.6
    )
    assert "heading_deg" not in rooms["sums"]


async def test_a_list_is_narrowed_by_filter_words_and_place(estate: Any, serve: Serve):
    database, ids = estate
    tree = json.dumps({"op": "=", "args": [{"property": "use"}, "office"]})
    async with serve(database) as client:
        offices = await told(client, "/lists/rooms", **{"filter": tree, "filter-lang": "cql2-json"})
        upstairs = await told(client, "/lists/rooms", place=f"level/{ids['levels', 'B03-1']}")
        building = await told(client, "/lists/assets", place=f"building/{ids['buildings', 'B03']}")
        body = await told(client, "/lists/persons", place=f"body/{ids['bodies', '017']}")
        whole = await told(client, "/lists/persons", place=f"body/{ids['bodies', '001']}")
        held = await told(client, "/lists/assets", q="周试一")
    assert offices["total"] == 7
    assert {row["title"] for row in upstairs["rows"]} == {
        "B03-408",
        "B03-411",
        "B03-412",
        "B03-415",
    }
    assert building["total"] == 2
    assert body["total"] == 4
    assert whole["total"] == 7  # the bodies below it too
    # The laptop is found by the name of its custodian.
    assert [row["title"] for row in held["rows"]] == ["ZC-2023-003417 笔记本电脑"]


async def test_groups_sum_up_by_level_and_by_body(estate: Any, serve: Serve):
    database, ids = estate
    async with serve(database) as client:
        levels = await told(client, "/lists/rooms/groups", by="level")
        bodies = await told(client, "/lists/rooms/groups", by="body")
        people = await told(client, "/lists/persons/groups", by="building")
        refused = await client.get("/lists/bodies/groups", params={"by": "level"})
    found = {group["id"]: group for group in levels["groups"]}
    upstairs = found[ids["levels", "B03-1"]]
    assert upstairs["count"] == 4
    assert upstairs["sums"]["usable_area_m2"] == pytest.approx(11.2 + 20.0 + 26.4 + 26.1)
    assert sum(group["count"] for group in levels["groups"]) == 8
    assert {group["id"]: group["count"] for group in bodies["groups"]} == {
        ids["bodies", "012"]: 5, ids["bodies", "017"]: 2, None: 1,
    }  # fmt: skip
    # 孙正科 sits in B03 and in B11, and counts once.
    assert sum(group["count"] for group in people["groups"]) == 7
    assert refused.status_code == 400


async def test_a_named_filter_has_one_count_everywhere(estate: Any, serve: Serve):
    database, _ = estate
    async with serve(database) as client:
        for each in await told(client, "/filters"):
            name, layer = each["name"], each["layer"]
            counted = await told(client, f"/filters/{name}")
            listed = await told(client, f"/lists/{layer}", named=name)
            features = await told(client, f"/ogc/collections/{layer}/items", named=name, limit=1)
            exported = await client.get(
                f"/lists/{layer}/export", params={"named": name, "format": "csv"}
            )
            lines = list(csv.reader(io.StringIO(exported.text)))
            marks = await marked(client, layer, 13, named=name)
            assert counted["count"] == listed["total"] == features["numberMatched"], name
            assert len(lines) - 1 == listed["total"], name
            assert sum(mark["n"] for mark in marks) == listed["on_map"], name


async def test_a_filter_of_another_layer_is_refused(estate: Any, serve: Serve):
    database, _ = estate
    async with serve(database) as client:
        wrong = await client.get("/lists/assets", params={"named": "vacant_rooms"})
        unknown = await client.get("/lists/rooms", params={"named": "none_such"})
        place = await client.get("/lists/rooms", params={"place": "street/4"})
        order = await client.get("/lists/rooms", params={"sort": "colour"})
        token = await client.get("/lists/rooms", params={"after": "abc"})
    assert wrong.status_code == 400
    assert "rooms" in wrong.json()["detail"]
    assert unknown.status_code == 404
    assert "vacant_rooms" in unknown.json()["detail"]
    assert (place.status_code, order.status_code, token.status_code) == (400, 400, 400)
    assert order.json()["field"] == "sort"


async def test_a_unit_sees_what_it_owns_and_occupies_and_no_more(estate: Any, serve: Serve):
    database, ids = estate
    unit = ids["bodies", "017"]
    async with serve(database) as client:
        people = await told(client, "/lists/persons", unit=unit)
        counted = await told(client, "/filters/over_quota_people", unit=unit)
        whole = await told(client, "/filters/over_quota_people")
        unknown = await client.get("/lists/persons", params={"unit": 10**6})
    assert {row["title"] for row in people["rows"]} == {"吴县正", "钱甲", "钱乙", "钱丙"}
    # 周试一 and 孙正科 are of 012.
    assert (counted["count"], whole["count"]) == (0, 2)
    assert unknown.status_code == 400


async def test_exports_open_right(estate: Any, serve: Serve, tmp_path: Any):
    database, _ = estate
    async with serve(database) as client:
        zh = {"Accept-Language": "zh"}
        sheet = await client.get("/lists/rooms/export?format=xlsx&sort=number", headers=zh)
        plain = await client.get("/lists/rooms/export?format=csv&sort=number", headers=zh)
        shapes = await client.get("/lists/rooms/export?format=geojson&sort=number", headers=zh)
    book = openpyxl.load_workbook(io.BytesIO(sheet.content))
    heads, *rows = list(book["房间"].iter_rows(values_only=True))
    first = dict(zip(heads, rows[0], strict=True))
    assert len(rows) == 8
    assert (first["房间号"], first["用途"], first["使用面积 (m²)"]) == ("B03-101", "会议室", 60.0)
    assert isinstance(first["可容纳人数 (人)"], int)
    notes = dict(book["说明"].iter_rows(values_only=True))
    assert notes["行数"] == 8
    assert isinstance(notes["数据时刻"], datetime)
    assert plain.content.startswith(b"\xef\xbb\xbf")
    assert "filename*=UTF-8''%E6%88%BF%E9%97%B4" in plain.headers["content-disposition"]
    read = list(csv.reader(io.StringIO(plain.content.decode("utf-8-sig"))))
    assert [len(row) for row in read] == [len(read[0])] * 9
    path = tmp_path / "rooms.geojson"
    path.write_bytes(shapes.content)
    frame = pyogrio.read_dataframe(path)
    assert (len(frame), frame.crs.to_epsg()) == (8, 4326)
    assert set(frame.geometry.geom_type) == {"MultiPolygon"}
    assert json.loads(shapes.content)["total"] == 8


async def test_dates_are_dates_and_a_text_like_a_formula_stays_text(database: Any, serve: Serve):
    small_estate.fill(database.engine)
    with database.engine.begin() as link:
        link.execute(
            text(
                "UPDATE room SET name = CASE number WHEN 'B03-101' THEN '=1+1' WHEN 'B03-102'"
                " THEN '+86' WHEN 'B03-103' THEN '-2' WHEN 'B03-408' THEN '@x' END,"
                " vacant_since = '2026-04-01'"
            )
        )
    async with serve(database) as client:
        sheet = await client.get("/lists/rooms/export?format=xlsx&sort=number&lang=en")
        plain = await client.get("/lists/rooms/export?format=csv&sort=number&lang=en")
    book = openpyxl.load_workbook(io.BytesIO(sheet.content))
    lines = list(book.worksheets[0].iter_rows())
    heads = [cell.value for cell in lines[0]]
    names = [line[heads.index("Name")] for line in lines[1:5]]
    assert [(cell.value, cell.data_type) for cell in names] == [
        ("=1+1", "s"), ("+86", "s"), ("-2", "s"), ("@x", "s"),
    ]  # fmt: skip
    since = lines[1][heads.index("Vacant since")]
    assert since.value.date() == date(2026, 4, 1)
    assert since.number_format == "yyyy-mm-dd"
    read = list(csv.reader(io.StringIO(plain.content.decode("utf-8-sig"))))
    at = read[0].index("Name")
    assert [row[at] for row in read[1:5]] == ["'=1+1", "'+86", "'-2", "'@x"]


async def test_workspaces_name_what_there_is(estate: Any, serve: Serve):
    database, _ = estate
    async with serve(database) as client:
        spaces = await told(client, "/workspaces")
        filters = {each["name"] for each in await told(client, "/filters")}
        measures = {each["name"] for each in await told(client, "/measures")}
    *desks, cockpit = spaces
    assert [space["name"] for space in desks] == ["assets", "space", "fleet", "energy", "network"]
    # The cockpit has no question of its own: it shows those of all the others.
    assert (cockpit["name"], cockpit["filters"]) == ("cockpit", [])
    assert len(cockpit["measures"]) == 4
    for space in desks:
        assert 3 <= len(space["filters"]) <= 6, space["name"]
        assert set(space["filters"]) <= filters
        assert set(space["measures"]) <= measures
        assert set(space["lists"]) | set(space["layers"]) <= set(NAMES)


async def test_words_of_what_may_not_be_seen_find_nothing(database: Any, serve: Serve):
    ids = small_estate.fill(database.engine)
    mine = ids["bodies", "017"]
    with database.engine.begin() as link:
        # An asset of 017 that a person of 012 keeps: 017 sees the asset, not its keeper.
        link.execute(
            text("UPDATE asset SET body_id = :body WHERE number = 'ZC-2023-003417'"),
            {"body": mine},
        )
    async with serve(database) as client:
        seen = await told(client, "/lists/assets", unit=mine)
        guessed = await told(client, "/lists/assets", q="周试一", unit=mine)
        whole = await told(client, "/lists/assets", q="周试一")
        past = await client.get("/lists/assets?q=桌&at=2026-10-01")
    assert "ZC-2023-003417 笔记本电脑" in [row["title"] for row in seen["rows"]]
    assert guessed["total"] == 0
    assert whole["total"] == 1
    assert past.status_code == 400
    assert past.json()["field"] == "q"


async def test_the_mark_of_a_stay_is_called_by_who_sits_where(estate: Any, serve: Serve):
    database, _ = estate
    async with serve(database) as client:
        listed = await told(client, "/lists/occupancies", q="吴县正")
        marks = await marked(client, "occupancies", 18, q="吴县正")
    # 吴县正 has one room, B03-102; the stay itself has no name.
    assert [row["title"] for row in listed["rows"]] == [mark["title"] for mark in marks]
    assert all(part in marks[0]["title"] for part in ("吴县正", "B03-102"))
