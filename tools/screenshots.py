"""Take the pictures of the documentation from a running demo.

Usage: .venv/bin/python tools/screenshots.py [docs/images] [--service http://127.0.0.1:8080]
           [--only space --only trip] [--size 390,1280,3840] [--lang zh,en] [--theme light,dark]
           [--format jpg]

Each picture is named view-width-language-theme.jpg and holds at most 250 kB. The views are the
home view, one for each workspace, and those of SPECIAL. What they show is found in the demo by its
names, not by ids.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from onemap.demo.accounts import PASSWORD

IMAGES = Path(__file__).parents[1] / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
# WebGL2 without a graphics card, and no request of the browser's own.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIZES = {390: 844, 1280: 800, 3840: 2160}
LANGUAGES = ("zh", "en")
THEMES = ("light", "dark")
PATIENCE_MS = 90_000
MAX_BYTES = 250_000
QUALITIES = (88, 80, 72, 64, 56, 48, 40)

# Drawn, and still drawn half a second later: the page asks for floors, marks and facts after the
# map was idle, and draws them in turn.
_DRAWN = """() => new Promise((ok, no) => {
  const end = performance.now() + 80000
  let quiet = 0
  const look = () => {
    const map = document.querySelector('#map')
    const busy = !map || map.dataset.drawing !== 'no' || document.querySelector('[aria-busy=true]')
    quiet = busy ? 0 : quiet + 1
    if (quiet >= 5) ok()
    else if (performance.now() > end) no(new Error('the map was not drawn in time'))
    else setTimeout(look, 100)
  }
  look()
})"""

# Without a graphics card Chromium leaves out what lies under opaque panels, at the wrong end of
# the map: panels that are hardly translucent make it draw all of it.
_WHOLE = """() => {
  for (const panel of document.querySelectorAll('.rail, .side, .detail, .foot, .sheet, .dock')) {
    panel.style.opacity = 0.999
  }
}"""


@dataclass(frozen=True)
class View:
    """A view of the page.

    Attributes
    ----------
    hash : str
        The permalink without language and theme; ``{room}`` and the like stand for ids.
    act : callable, optional
        What a person does before the picture is taken.
    widths : tuple of int
        At which widths, in CSS pixels, the view is worth a picture.
    """

    hash: str
    act: Callable[[Page], None] | None = None
    widths: tuple[int, ...] = tuple(SIZES)


def _tour(page: Page) -> None:
    page.locator(".help > button").click()
    page.locator("[data-tour=start]").click()


def _vacancy(page: Page) -> None:
    """Colour the stacked floors by vacancy."""
    page.locator("[data-testid=stack] [role=radio]").last.click()


def _chart(page: Page) -> None:
    page.locator(".detail canvas, .sheet canvas").first.scroll_into_view_if_needed()


def _print(page: Page) -> None:
    page.evaluate("() => { window.print = () => { document.body.dataset.asked = 'yes' } }")
    page.locator("[data-tool=print]").click()
    page.wait_for_selector("body[data-asked]", timeout=PATIENCE_MS)
    page.emulate_media(media="print")


def _way_in(page: Page) -> None:
    page.locator("[data-account]").click()
    page.get_by_test_id("sign-in").wait_for()


def _as(login: str, entry: str, *clicked: str) -> Callable[[Page], None]:
    """Sign in as one of the demo's accounts, open a page of the account's menu, and click there."""

    def act(page: Page) -> None:
        _way_in(page)
        dialog = page.get_by_test_id("sign-in")
        dialog.locator("#sign-in-login").fill(login)
        dialog.locator("#sign-in-password").fill(PASSWORD)
        dialog.locator("#sign-in-password").press("Enter")
        dialog.wait_for(state="detached")
        page.evaluate(_DRAWN)
        page.locator("[data-account]").click()
        page.locator(f".popover [data-{entry}]").click()
        for each in clicked:
            page.locator(each).first.click()

    return act


HOME = {"home": View("")}
WORKSPACES = {
    name: View(f"space={name}")
    for name in ("assets", "space", "fleet", "energy", "network", "cockpit")
}
CLOSE = "map=18.4/38.89548/119.59864"
DESKS = (1280, 3840)
SPECIAL = {
    "demo": View(f"{CLOSE}&floor=3&measure=usable_area_per_person&sel=rooms/{{room}}"),
    "people": View("space=space&list=persons:over_quota_people"),
    "table": View("space=space&list=rooms:vacant_rooms&table=1", widths=DESKS),
    "assets-list": View(f"{CLOSE}&space=assets&list=assets"),
    "person": View(
        "map=18.2/38.8955/119.5993&floor=3&space=space&list=persons:over_quota_people"
        "&sel=persons/{person}"
    ),
    "stack": View(f"{CLOSE}&space=space&stack={{building}}"),
    "trip": View("map=14/38.899/119.607&space=fleet&sel=vehicles/{car}&trip={trip}"),
    "meter": View("space=energy&list=meters:meter_anomalies&sel=meters/{meter}", _chart),
    "outage": View("space=network&list=network_nodes:failed_nodes&sel=network_nodes/{node}"),
    "misplaced": View("space=assets&list=assets:misplaced_assets&sel=assets/{asset}"),
    "mend": View("space=assets&list=quarantine"),
    "vacant": View(
        "map=18.2/38.9052/119.6037/-24/55&space=space&list=rooms:vacant_rooms"
        "&place=building/{empty}&stack={empty}",
        _vacancy,
    ),
    "silent": View("space=fleet&list=vehicles:silent_cars&sel=vehicles/{silent}"),
    "gap": View("space=energy&list=meters:meter_anomalies&sel=meters/{gap}", _chart),
    "duct": View("space=network&sel=ducts/{duct}"),
    "affected": View("space=network&list=rooms:affected_rooms"),
    "layers": View("space=layers&measure=kgce_per_m2"),
    "tour": View("", _tour),
    "print": View(
        f"{CLOSE}&floor=3&measure=usable_area_per_person&space=space&list=persons:over_quota_people",
        _print,
        (1280,),
    ),
    "sign-in": View("", _way_in),
    "accounts": View("", _as("admin", "administration", "[data-login=space]")),
    "grant": View("", _as("admin", "administration", "[data-login=viewer]", "[data-grant]")),
    "traces": View("", _as("auditor", "administration")),
    "trace": View("", _as("auditor", "administration", "[data-record] button")),
    "jobs": View("", _as("assets", "jobs")),
}
VIEWS = HOME | WORKSPACES | SPECIAL
# What the hashes name, as the search of the demo finds it.
NAMES = {
    "room": ("rooms", "B03-412"),
    "person": ("persons", "周试一"),
    "building": ("buildings", "B03"),
    "car": ("vehicles", "演A·D0042"),
    "meter": ("meters", "E-0113"),
    "node": ("network_nodes", "SW-B07-3"),
    "asset": ("assets", "ZC-2023-003417"),
    "empty": ("buildings", "B12"),
    "silent": ("vehicles", "演A·D0055"),
    "gap": ("meters", "E-0144"),
    "duct": ("ducts", "GD-014"),
}
CAR, TRIP_DAY = "D0042", "2026-10-09"


def _found(service: str, page: Page) -> dict[str, int]:
    """Return the ids of what the views show."""

    def ask(path: str, **params: str | float | bool) -> Any:
        return page.request.get(f"{service}{path}", params=params).json()

    ids: dict[str, int] = {}
    for name, (layer, text) in NAMES.items():
        hits = ask("/search", q=text, limit="20")["results"]
        exact = [hit for hit in hits if hit["layer"] == layer]
        ids[name] = min(exact, key=lambda hit: len(hit["title"]))["id"]
    trips = ask("/lists/trips", q=CAR, limit="100", sort="-started_at")["rows"]
    of_day = [row for row in trips if row["values"]["started_at"].startswith(TRIP_DAY)]
    ids["trip"] = max(of_day, key=lambda row: row["values"]["length_km"])["id"]
    return ids


def _take(page: Page, view: View, address: str, path: Path) -> None:
    """Open a view, wait until it is drawn, and keep its picture small enough for a repository."""
    page.goto(address)
    page.evaluate(_DRAWN)
    if view.act:
        view.act(page)
        if view.act is not _print:
            page.evaluate(_DRAWN)
    page.evaluate(_WHOLE)
    if path.suffix == ".png":
        page.screenshot(path=path, timeout=PATIENCE_MS)
    for quality in QUALITIES if path.suffix == ".jpg" else ():
        picture = page.screenshot(type="jpeg", quality=quality, timeout=PATIENCE_MS)
        path.write_bytes(picture)
        if len(picture) <= MAX_BYTES:
            break
    page.emulate_media(media="screen")


def _wanted(given: argparse.Namespace) -> Iterator[tuple[int, str, str, str]]:
    """Name width, theme, language and view of each picture that was asked for."""
    for width, theme, lang in product(given.size, given.theme, given.lang):
        for name in given.only or VIEWS:
            if width in VIEWS[name].widths:
                yield width, theme, lang, name


def _shoot(browser: Browser, given: argparse.Namespace) -> None:
    probe = browser.new_page()
    ids = _found(given.service, probe)
    probe.close()
    for width, theme, lang, name in _wanted(given):
        context = browser.new_context(
            viewport={"width": width, "height": SIZES[width]},
            is_mobile=width < 720,
            has_touch=width < 720,
            locale="zh-CN" if lang == "zh" else "en-GB",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        if name != "tour":
            # The offer of the tour is for newcomers.
            page.add_init_script("localStorage.setItem('onemap.tour', 'seen')")
        wanted = VIEWS[name].hash.format(**ids)
        address = f"{given.service}/#{wanted}&lang={lang}&theme={theme}"
        path = given.folder / f"{name}-{width}-{lang}-{theme}.{given.format}"
        _take(page, VIEWS[name], address, path)
        print(f"{path}  {path.stat().st_size / 1000:.0f} kB", flush=True)
        context.close()


def main() -> None:
    """Take the pictures that the arguments name."""

    def words(text: str) -> list[str]:
        return text.split(",")

    def widths(text: str) -> list[int]:
        return [int(word) for word in words(text)]

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=IMAGES)
    parser.add_argument("--service", default="http://127.0.0.1:8080")
    parser.add_argument("--only", action="append", choices=VIEWS)
    parser.add_argument("--size", type=widths, default=list(SIZES))
    parser.add_argument("--lang", type=words, default=list(LANGUAGES))
    parser.add_argument("--theme", type=words, default=list(THEMES))
    parser.add_argument("--format", choices=("jpg", "png"), default="jpg", help="png: as drawn")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        _shoot(browser, given)
        browser.close()


if __name__ == "__main__":
    main()
