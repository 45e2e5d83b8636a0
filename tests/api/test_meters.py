"""What a meter used, over HTTP, on the small estate."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from sqlalchemy import insert

from api.schemas import METER_CONSUMPTION
from layers.base import table_of
from layers.energy import Meter, Reading
from layers.meter_events import rebuild
from tests.layers.support import put
from tests.support import small_estate

NOW = datetime(2026, 10, 12, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="module")
def estate(module_database: Any) -> tuple[Any, small_estate.Estate]:
    made = small_estate.fill(module_database.engine)
    with module_database.engine.begin() as connection:
        rebuild(connection)
    return module_database, made


async def get(
    estate: Any, serve: Any, meter: Any, asked: str = "", status: int = 200, **config: Any
) -> dict[str, Any]:
    key = meter if isinstance(meter, int) else estate[1]["meters", meter]
    async with serve(estate[0], now=lambda: NOW, **config) as client:
        answer = await client.get(f"/meters/{key}/consumption{asked}")
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    if status == 200:
        jsonschema.validate(document, METER_CONSUMPTION)
    return document


async def test_by_days_the_last_month_is_told_in_the_estates_days(estate: Any, serve: Any) -> None:
    # 10 steps of 40 kWh a day; the register of five digits rolls over on 11 September.
    answer = await get(estate, serve, "E-01", "?step=day")
    assert answer["meter"] == {"id": estate[1]["meters", "E-01"], "title": "E-01"}
    assert (answer["kind"], answer["unit"], answer["step"]) == ("electricity", "kWh", "day")
    assert answer["steps"][0] == {
        "start": "2026-09-01T00:00:00+08:00", "end": "2026-09-02T00:00:00+08:00",
        "value": 400.0, "label": "measured",
    }  # fmt: skip
    assert [each["value"] for each in answer["steps"]] == [400.0] * 30
    assert (answer["total"], answer["coverage"]) == (12_000.0, 1.0)
    (event,) = answer["events"]
    assert (event["kind"], event["consumption"], event["at"]) == ("roll_over", 400.0, None)
    assert (event["start"], event["end"]) == (
        "2026-09-10T00:00:00+08:00", "2026-09-11T00:00:00+08:00",
    )  # fmt: skip
    assert event["title"]["zh"] == "表码走满归零，已换算"


async def test_by_months_the_present_one_runs_to_midnight(estate: Any, serve: Any) -> None:
    answer = await get(estate, serve, "E-01")
    assert len(answer["steps"]) == 13
    assert answer["steps"][0]["start"] == "2025-10-01T00:00:00+08:00"
    assert answer["steps"][-1]["end"] == "2026-10-12T00:00:00+08:00"
    told = {each["start"][:7]: (each["value"], each["label"]) for each in answer["steps"]}
    assert told["2026-09"] == (12_000.0, "measured")
    assert told["2026-08"] == (None, "unknown")  # read on its last day alone
    assert told["2026-07"] == (None, "missing")


@pytest.mark.parametrize(
    ("asked", "steps"),
    [("?step=day&window=2026-10-01/2026-11-01", 11), ("?window=2025-11-01/2026-10-13", 12)],
)
async def test_days_that_are_not_over_are_not_missing(
    estate: Any, serve: Any, asked: str, steps: int
) -> None:
    answer = await get(estate, serve, "E-01", asked)
    assert len(answer["steps"]) == steps
    assert answer["steps"][-1]["end"] == "2026-10-12T00:00:00+08:00"


async def test_a_meter_that_fell_silent_has_days_that_are_missing(estate: Any, serve: Any) -> None:
    answer = await get(estate, serve, "G-01", "?step=day&window=2026-09-15/2026-09-18")
    assert [(each["value"], each["label"]) for each in answer["steps"]] == [
        (5.0, "measured"), (None, "missing"), (None, "missing"),
    ]  # fmt: skip
    assert answer["coverage"] == pytest.approx(1 / 3)


async def test_intervals_are_told_as_they_were_recorded(estate: Any, serve: Any) -> None:
    answer = await get(estate, serve, "E-57", "?window=2026-09-01/2026-10-01")
    assert [each["value"] for each in answer["steps"]] == [600.0]
    assert answer["events"] == []


async def test_a_false_zero_is_told_at_the_hour_it_was_read_by_chart_and_insight(
    estate: Any, serve: Any
) -> None:
    # Read on the hour from midnight to 05:00 on 6 September; only the reading of 03:00 is false.
    registers = {0: 100.0, 1: 101.0, 2: 102.0, 3: 0.0, 4: 104.0, 5: 105.0}
    with estate[0].engine.begin() as connection:
        key = put(connection, Meter, number="W-9", kind="water", unit="m³")
        midnight = datetime(2026, 9, 6, tzinfo=ZoneInfo("Asia/Shanghai"))
        connection.execute(
            insert(table_of(Reading)),
            [{"meter_id": key, "time": midnight + timedelta(hours=hour), "value": value}
             for hour, value in registers.items()],
        )  # fmt: skip
        rebuild(connection, [key])
    answer = await get(estate, serve, key, "?step=day&window=2026-09-01/2026-10-01")
    (event,) = answer["events"]
    assert (event["kind"], event["at"]) == ("spurious_zero", "2026-09-06T03:00:00+08:00")
    async with serve(estate[0], now=lambda: NOW) as client:
        told = (await client.get(f"/features/meters/{key}")).json()["insights"]
    (odd,) = [each for each in told if each["name"] == "events"]
    assert odd["lines"][0]["title"]["zh"] == "读数误报为零，已忽略：09-06 03:00 的读数"


@pytest.mark.parametrize(
    ("asked", "field"),
    [("?window=2026-09-01", "window"),
     ("?window=2026-10-01/2026-09-01", "window"), ("?window=a/b", "window"),
     ("?step=day&window=0002-01-01/9998-01-01", "window"),
     ("?window=1900-01-01/2026-10-01", "window")],
)  # fmt: skip
async def test_a_wrong_question_names_its_field(
    estate: Any, serve: Any, asked: str, field: str
) -> None:
    assert (await get(estate, serve, "E-01", asked, 400))["field"] == field


async def test_a_step_that_there_is_not_is_named(estate: Any, serve: Any) -> None:
    refused = await get(estate, serve, "E-01", "?step=week", 400)
    assert [(each["field"], each["value"]) for each in refused["errors"]] == [("step", "week")]


async def test_a_meter_that_is_not_there_or_not_to_be_seen_is_not_found(
    estate: Any, serve: Any
) -> None:
    assert (await get(estate, serve, 999_999, status=404))["detail"]
    with estate[0].engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE meter SET body_id = (SELECT id FROM body WHERE code = '017') "
            "WHERE number = 'E-02'"
        )
    assert (await get(estate, serve, "E-02", anonymous="estate"))["total"] is not None
    await get(estate, serve, "E-02", status=404, anonymous="public")
