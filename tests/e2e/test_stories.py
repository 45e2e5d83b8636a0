"""The twelve stories of the demo: each is read on the page after three clicks at most.

The ways are those of `docs/stories.md`, the numbers those of `onemap/demo/stories.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import text

from layers.labels import Text, unit_text
from layers.named import NAMED
from layers.workspaces import WORKSPACES
from onemap.demo.stories import stories
from tests.e2e.browsing import Visit, visiting
from tests.e2e.serving import build_page, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=20_000)

MOST_CLICKS = 3
ZONE = ZoneInfo("Asia/Shanghai")
TOLD: dict[str, Any] = stories()
_MEND = Text("导入待修", "Rows to mend")
_TITLES = [*(each.title for each in WORKSPACES), *(each.title for each in NAMED), _MEND]
TITLES = {title.zh: title for title in _TITLES}
BY_LEVEL = Text("按楼层", "by floor")


def amount(value: float, unit: str = "") -> re.Pattern[str]:
    """Return how a number stands alone in its place, with thousands apart."""
    number = f"{value:,.3f}".rstrip("0").rstrip(".")
    return re.compile(rf"^\s*{re.escape(number)}\s*{re.escape(unit)}\s*$")


class Reader:
    """A person before the first screen of the page, whose clicks are counted."""

    def __init__(self, there: Visit, lang: str) -> None:
        self.there, self.lang, self.clicks, self.begun = there, lang, 0, 0

    def anew(self) -> Reader:
        """Come back to the first screen."""
        self.there.put_away()
        self.begun += 1
        self.there.page.evaluate(
            "([lang, n]) => { location.hash = `#lang=${lang}&theme=light&n=${n}` }",
            [self.lang, self.begun],
        )
        expect(self.page.locator(".facts, .list-panel, .mend")).to_have_count(0)
        expect(self.page.locator(".rail [data-space=home]")).to_have_attribute(
            "aria-current", "page"
        )
        self.clicks = 0
        return self

    @property
    def page(self) -> Any:
        return self.there.page

    @property
    def facts(self) -> Locator:
        """The panel of the selected thing."""
        return self.there.page.locator(".facts")

    @property
    def listed(self) -> Locator:
        """The panel of the open list."""
        return self.there.page.locator(".list-panel")

    def word(self, said: Text | str) -> str:
        """Return a text in the language of the page."""
        return said if isinstance(said, str) else said.in_language(self.lang)

    def unit(self, recorded: str) -> str:
        """Return a unit in the language of the page."""
        return self.word(unit_text(recorded))

    def moment(self, when: datetime) -> str:
        """Return a moment as the page writes it."""
        local = when.astimezone(ZONE)
        if self.lang == "zh":
            return f"{local:%Y-%m-%d %H:%M}"
        # British English shortens September to four letters.
        return f"{local:%d %b %Y, %H:%M}".replace(" Sep ", " Sept ")

    def click(self, what: Locator) -> Reader:
        """Click once more, if that is not one too many."""
        self.clicks += 1
        assert self.clicks <= MOST_CLICKS, f"one click too many: {what}"
        what.click()
        return self

    def writes(self, box: Locator, words: str) -> Reader:
        """Write into a box, which takes a click."""
        self.click(box)
        box.fill(words)
        return self

    def opens(self, workspace: str) -> Reader:
        """Open a workspace at the rail."""
        name = self.word(TITLES[workspace])
        return self.click(self.page.locator(".rail").get_by_role("button", name=name, exact=True))

    def asks(self, question: str) -> Reader:
        """Open a counted question of the workspace."""
        title = self.page.locator(".space .question .title")
        return self.click(title.get_by_text(self.word(TITLES[question]), exact=True))

    def takes(self, words: str) -> Reader:
        """Choose the row of the list that has some words."""
        return self.click(self.listed.locator(".row-card a").filter(has_text=words))

    def finds(self, words: str) -> Reader:
        """Write into the search box and take the first hit."""
        self.writes(self.page.get_by_role("combobox", name=re.compile("搜索|Search")), words)
        expect(self.page.locator("search .spinner")).to_have_count(0)
        return self.click(self.page.get_by_role("option").filter(has_text=words).first)

    def counts(self, number: int) -> Reader:
        """Read how many rows the list has."""
        expect(self.page.locator(".list-panel .total b, .mend .total b")).to_have_text(str(number))
        return self

    def reads(self, *words: str, within: Locator | None = None) -> Reader:
        """Read words that are shown in the panel."""
        for each in words:
            expect(within or self.facts).to_contain_text(each, use_inner_text=True)
        return self

    def told(self, **lines: re.Pattern[str] | str | list[Any]) -> Reader:
        """Read what a rule says, line by line: ``total_m2=amount(26.4, "m²")``."""
        for name, said in lines.items():
            line = self.facts.locator(f"[data-line={name}] dd")
            expect(line).to_have_text(said if isinstance(said, list) else [said])
        return self

    def drove(self, day: date, km: float, times: str) -> Reader:
        """Read the sum of a day and its hours over the trips of a car."""
        heading = self.facts.locator(f"[data-day='{day}'] h4")
        expect(heading.locator("strong")).to_have_text(amount(km, "km"))
        return self.reads(times, within=heading)


@pytest.fixture(scope="module")
def origin(demo: Any) -> Iterator[str]:
    """The whole demo, imported from its files, served with the page."""
    with served(demo.database.app_url, build_page()) as address:
        yield address


@pytest.fixture(
    scope="module", params=[("desktop", "zh"), ("phone", "en")], ids=["desktop-zh", "phone-en"]
)
def window(browser: Any, origin: str, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """One page for all stories, in a size and a language."""
    size, lang = request.param
    with visiting(browser, origin, size) as there:
        there.open(f"#lang={lang}&theme=light")
        yield Reader(there, lang)


@pytest.fixture
def reader(window: Reader) -> Iterator[Reader]:
    """A reader at the first screen; nothing must have gone wrong when the story is told."""
    yield window.anew()
    window.there.assert_clean()


def test_1_an_office_over_the_standard(reader: Reader) -> None:
    told = TOLD["over_quota"]
    reader.opens("办公用房").asks("超面积人员").takes(told["person"])
    reader.told(
        total_m2=amount(told["area_m2"], "m²"),
        standard_m2=amount(told["limit_m2"], "m²"),
        over_m2=amount(told["over_m2"], "m²"),
    ).reads(told["room"])


def test_2_what_looks_wrong_and_what_looks_right(reader: Reader) -> None:
    for told in (TOLD["looks"]["chief"], TOLD["looks"]["three"]):
        reader.anew().finds(told["room"]).told(
            area_m2=amount(told["area_m2"], "m²"), standard_m2=amount(told["limit_m2"], "m²")
        )
        expect(reader.facts.locator("[data-insight=area_standard]")).to_have_class("insight ok")
        reader.reads(*(told["people"] if "people" in told else [told["person"]]))
    told = TOLD["looks"]["two_rooms"]
    reader.anew().opens("办公用房").asks("超面积人员").takes(told["person"])
    reader.told(
        total_m2=amount(told["total_m2"], "m²"),
        standard_m2=amount(told["limit_m2"], "m²"),
        room=[amount(each, "m²") for each in told["areas_m2"]],
    ).reads(*told["rooms"])


def test_3_renting_beside_emptiness(reader: Reader) -> None:
    level, lease = TOLD["renting"]["vacant_level"], TOLD["renting"]["lease"]
    reader.opens("办公用房").asks("空置办公室")
    reader.click(reader.listed.get_by_role("radio", name=reader.word(BY_LEVEL)))
    group = reader.listed.locator(".group", has_text=f"{level['building']} {level['floor']}F")
    expect(group.locator("b")).to_have_text(str(level["offices"]))
    expect(group.locator(".n .quiet")).to_have_text(amount(level["area_m2"], "m²"))
    reader.anew().finds(f"{level['building']}-{level['floor']}01")
    reader.told(vacant_since=str(level["since"]))

    reader.anew().opens("办公用房").asks("租房超面积单位").counts(1)
    reader.click(reader.listed.locator(".row-card a"))
    reader.told(
        leased_m2=amount(lease["area_m2"], "m²"),
        leased_people=amount(lease["people"], reader.unit("人")),
        leased_standard_m2=amount(lease["standard_m2"], "m²"),
    ).reads(lease["body"])
    reader.anew().opens("办公用房").asks("未落位人员").counts(TOLD["renting"]["unplaced_people"])


def test_4_the_sunday_car(reader: Reader) -> None:
    told = TOLD["cars"]["D0017"]
    reader.finds("D0017").drove(told["date"], told["km"], hours(told["from"], told["to"]))


def test_5_the_innocents(reader: Reader) -> None:
    reader.finds("D0009").told(trips=amount(0), km=amount(0, "km"))
    expect(reader.facts.locator("[data-insight=state]")).to_have_class("insight ok")
    told = TOLD["cars"]["D0066"]
    for place, (at, km) in enumerate(zip((told["from"], told["to"]), told["km"], strict=True)):
        reader.anew().opens("车辆").asks("夜间行程").counts(2)
        # The latest first.
        reader.click(reader.listed.locator(".row-card a").nth(1 - place))
        reader.told(length=amount(km, "km")).reads("D0066", f"{at:%H:%M}")


def test_6_the_deviation(reader: Reader) -> None:
    told = TOLD["cars"]["D0042"]
    reader.finds("D0042")
    reader.click(reader.facts.locator("[data-related=trips] .more button"))
    reader.drove(told["date"], told["km"], "–")
    reader.anew().finds(reader.word(TITLES["院外长时停留"]))
    reader.writes(reader.listed.get_by_role("searchbox"), "D0042")
    stop = reader.listed.locator(".row-card", has_text=f"D0042 · {told['date']}")
    reader.reads(f"{told['stop_minutes']} min", told["stop_at"], within=stop)


def test_7_the_silent_car(reader: Reader) -> None:
    told = TOLD["cars"]["D0055"]
    reader.opens("车辆").asks("失联").counts(1).takes("D0055")
    silent = TOLD["estate"]["start"] - told["last_fix"]
    days, (hour, rest) = silent.days, divmod(silent.seconds // 60, 60)
    ago = {"zh": f"{days} 天 {hour} 小时 {{}} 分钟", "en": f"{days} d {hour} h {{}} min"}
    # The demo's clock goes on while this runs.
    minutes = "|".join(str(rest + late) for late in range(20))
    reader.told(
        last_heard=reader.moment(told["last_fix"]),
        age=re.compile(f"^{ago[reader.lang].format(f'({minutes})')}$"),
    ).reads(told["garage"])


def test_7_the_car_that_lies_drives_beside_the_roads(reader: Reader, demo: Any) -> None:
    reader.finds("D0061")
    line = reader.facts.locator("[data-line=distance] dd")
    expect(line).to_have_text(re.compile(r"^\d+\s*m$"))
    off = int(re.sub(r"\D", "", line.inner_text()))
    assert off == pytest.approx(TOLD["cars"]["D0061"]["shift_m"], abs=5)
    lies = beside_the_roads(replayed(reader), demo)
    truth = beside_the_roads(replayed(reader.anew().finds("D0017")), demo)
    assert truth < 15
    assert lies > 10 * truth


def test_8_the_register_rolled_over(reader: Reader) -> None:
    told = TOLD["meters"]["E-0113"]
    reader.opens("能耗").asks("读数异常").takes("E-0113")
    reader.told(roll_over=amount(told["rollover_kwh"], "kWh"))
    (before, first), (after, last) = told["rollover"]
    digits = told["digits"]
    reader.reads(f"{before:%m-%d} {first:0{digits}} → {after:%m-%d} {last:0{digits}}")


def test_9_honest_gaps(reader: Reader) -> None:
    told = TOLD["meters"]
    odd = "能耗", "读数异常"
    new = told["E-0208"]
    reader.opens(odd[0]).asks(odd[1]).counts(4).takes("E-0208")
    reader.reads(f"{new['replaced']:%m-%d %H:%M}", str(new["closing"]), str(new["opening"]))
    gap = told["E-0144"]
    reader.anew().opens(odd[0]).asks(odd[1]).takes("E-0144")
    reader.told(gap=amount(gap["kwh"], "kWh")).reads(f"{gap['silent'][0]:%m-%d}")
    zero = told["W-0031"]["zero"]
    reader.anew().opens(odd[0]).asks(odd[1]).takes("W-0031")
    reader.told(spurious_zero=amount(0)).reads(f"{zero:%m-%d %H:%M}")
    rest = TOLD["unmetered"]
    reader.anew().opens("能耗").asks("分项差额").counts(1).takes(rest["main"])
    reader.told(
        main=amount(rest["main_kwh"], "kWh"),
        subs=amount(rest["sub_kwh"], "kWh"),
        unexplained_share=amount(rest["unexplained_percent"], "%"),
        possible_cause=rest["room"],
    )


def test_10_one_cause(reader: Reader) -> None:
    told = TOLD["outage"]
    reader.opens("网络").asks("故障节点").counts(1).takes(told["cause"])
    reader.told(
        unreachable=amount(told["unreachable"]),
        rooms=amount(told["rooms"]),
        people=amount(told["people"]),
        gateways=amount(told["gateways"]),
        since=reader.moment(told["since"]),
    )


def test_11_false_redundancy(reader: Reader) -> None:
    told = TOLD["ducts"]
    reader.finds(told["duct"]).told(site=told["dark"], link=told["links"])
    assert reader.there.settle().drawn("selection-line")
    nobody = Text("若中断：没有节点失联", "If it is cut: no node is cut off")
    for link in told["links"]:
        (other,) = {*told["links"]} - {link}
        reader.anew().finds(link).reads(reader.word(nobody))
        reader.told(shares_duct=other, duct=told["duct"], site=told["dark"])


def test_12_assets(reader: Reader, demo: Any) -> None:
    told = TOLD["assets"]
    laptop, keeper = told["laptop"], told["custodian"]
    reader.opens("资产").asks("账实不符").counts(1).takes(laptop["number"])
    reader.told(
        booked=laptop["booked"],
        scanned=laptop["scanned"],
        scanned_at=reader.moment(laptop["scanned_on"]),
    )
    reader.anew().opens("资产").asks("离岗人员资产").counts(keeper["items"]).takes(laptop["number"])
    reader.told(custodian=keeper["person"], left_on=str(keeper["retired_on"]))

    desks, wanted = told["idle_desks"], told["wanted_desks"]
    reader.anew().opens("资产").asks("闲置资产").counts(desks["count"])
    reader.anew().opens("资产").asks("可调剂采购").counts(1)
    reader.click(reader.listed.locator(".row-card a"))
    items = reader.unit("件")
    reader.told(asked=amount(wanted["count"], items), room=amount(desks["count"], items))
    reader.reads(desks["room"])
    price = reader.facts.locator("dd[data-field=unit_price_cny]")
    expect(price).to_have_text(amount(wanted["price_cny"], reader.unit("元")))

    bad = told["bad_rows"]
    reader.anew().opens("资产").asks("导入待修").counts(sum(bad.values()))
    reasons = reader.page.locator(".mend .reasons b")
    expect(reasons).to_have_text([str(n) for n in sorted(bad.values(), reverse=True)])


def name_of_body(code: str, demo: Any) -> str:
    """Return what the body of a code is called."""
    statement = text("SELECT name FROM body WHERE code = :code")
    with demo.database.engine.connect() as connection:
        return str(connection.execute(statement, {"code": code}).scalar_one())


def hours(first: time, last: time) -> str:
    """Return a span of a day as the panel of a car writes it."""
    return f"{first:%H:%M} – {last:%H:%M}"


def replayed(reader: Reader) -> list[list[float]]:
    """Replay the latest trip of the car whose panel is open; return the line on the map."""
    with reader.page.expect_response(re.compile(r"/trips/\d+/path")) as answer:
        reader.click(reader.facts.locator("[data-related=trips] .trip .chip").first)
    expect(reader.page.get_by_test_id("replay")).to_be_visible()
    reader.there.settle()
    assert reader.there.drawn("trip-route")
    return list(answer.value.json()["coordinates"])


def beside_the_roads(line: list[list[float]], demo: Any) -> float:
    """Return how far the fixes of a line lie from the nearest road, in metres: the median."""
    statement = text(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY nearest.m) FROM "
        "unnest(CAST(:lon AS float[]), CAST(:lat AS float[])) AS fix (lon, lat), LATERAL ("
        "  SELECT ST_Distance(geom::geography, ST_Point(lon, lat, 4326)::geography) AS m"
        "  FROM road ORDER BY geom <-> ST_Point(lon, lat, 4326) LIMIT 1) AS nearest"
    )
    lon, lat = ([fix[axis] for fix in line] for axis in (0, 1))
    with demo.database.engine.connect() as connection:
        return float(connection.execute(statement, {"lon": lon, "lat": lat}).scalar_one())
