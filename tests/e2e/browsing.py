"""A browser that stays on its host, and a person's hands and eyes for the page."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request, Response, sync_playwright

# WebGL2 in software, and nothing that Chromium would do on the net by itself. No other host is
# found: to hold up every request for a look at it would cost a third of all that a visit costs.
ARGUMENTS = [
    *(
        "--no-sandbox --disable-gpu --use-gl=angle --use-angle=swiftshader "
        "--enable-unsafe-swiftshader --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync"
    ).split(),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
PATIENCE_MS = 30_000

# Subscribed before asking: "idle" can come in the same frame as the drawing. The page asks for
# floors and facts after it is idle, so it is idle twice with nothing on its way in between.
_SETTLED = """() => new Promise((ok, no) => {
  const late = setTimeout(() => no(new Error('the map was not idle in time')), 25000)
  let quiet = 0
  const again = () => {
    quiet = __map.areTilesLoaded() && __map.isStyleLoaded() ? quiet + 1 : 0
    if (quiet >= 3) { clearTimeout(late); ok() } else setTimeout(next, 150)
  }
  const next = () => { __map.once('idle', again); __map.triggerRepaint() }
  next()
})"""


@dataclass
class Visit:
    """One page, and all that went wrong on it."""

    page: Page
    origin: str
    phone: bool
    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, hash_: str = "") -> Visit:
        """Open the page at a permalink and wait until the map is drawn."""
        self.page.goto(f"{self.origin}/{hash_}")
        self.page.wait_for_function("() => window.__map !== undefined", timeout=PATIENCE_MS)
        return self.settle()

    def settle(self) -> Visit:
        """Wait until the map has drawn all it was asked for."""
        self.page.evaluate(_SETTLED)
        return self

    def on_map(self, expression: str, argument: Any = None) -> Any:
        """Evaluate ``expression`` of the page, where ``map`` is the map and ``it`` the argument."""
        return self.page.evaluate(f"it => {{ const map = __map; return {expression} }}", argument)

    def drawn(self, *style_layers: str) -> list[dict[str, Any]]:
        """Return id and properties of what the map draws in some layers of its style."""
        return list(
            self.on_map(
                "map.queryRenderedFeatures({layers: it})"
                ".map(f => ({id: f.id, layer: f.layer.id, ...f.properties}))",
                list(style_layers),
            )
        )

    def look_at(self, lon: float, lat: float, zoom: float) -> Visit:
        """Move the map at once."""
        self.on_map("map.jumpTo({center: [it[0], it[1]], zoom: it[2]})", [lon, lat, zoom])
        return self.settle()

    def click_at(self, lon: float, lat: float) -> Visit:
        """Click (or tap) a place of the map."""
        x, y = self.on_map("(p => [p.x, p.y])(map.project(it))", [lon, lat])
        if self.phone:
            self.page.touchscreen.tap(x, y)
        else:
            self.page.mouse.click(x, y)
        return self

    def panel(self) -> Visit:
        """Bring the list of layers into reach: behind its icon, on a phone in the sheet."""
        return self.workspace("layers").raise_sheet()

    def raise_sheet(self) -> Visit:
        """Raise the sheet of a phone to its full height."""
        if self.phone:
            handle = self.page.locator(".sheet .handle")
            for _ in range(2):
                if "full" not in (self.page.locator(".sheet").get_attribute("class") or ""):
                    handle.press("ArrowUp")
        return self

    def workspace(self, name: str) -> Visit:
        """Open a workspace (``home``, ``space``, …, ``layers``) by its icon."""
        place = self.page.locator(f'.rail [data-space="{name}"]')
        if place.get_attribute("aria-current") is None:
            place.click()
        return self

    def put_away(self) -> Visit:
        """Lower the sheet of a phone, so that map and legend are seen."""
        if self.phone:
            for _ in range(2):
                self.page.locator(".sheet .handle").press("ArrowDown")
        return self

    def picture(self) -> bytes:
        """Return what a person sees of the map, as PNG."""
        return self.page.locator(".maplibregl-canvas").screenshot()

    def assert_clean(self) -> None:
        """Fail where a request left the host, failed, or the console told an error."""
        assert self.faults == [], self.faults


@contextlib.contextmanager
def chromium(program: str = "/usr/bin/chromium") -> Iterator[Browser]:
    """Start Debian's Chromium, or a program that does."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def visiting(browser: Browser, origin: str, size: str, *, dark: bool = False) -> Iterator[Visit]:
    """Visit the page in a window of a size, noting every fault."""
    width, height = SIZES[size]
    phone = size == "phone"
    context = browser.new_context(
        viewport={"width": width, "height": height},
        has_touch=phone,
        is_mobile=phone,
        locale="zh-CN",
        timezone_id="America/New_York",  # the page counts in the estate's time zone, not here
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    visit = Visit(page, origin, phone)

    def asked(request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and f"{url.scheme}://{url.netloc}" != origin:
            visit.faults.append(f"left the host: {request.url}")

    def answered(response: Response) -> None:
        visit.requests.append(response.url)
        if response.status >= 400:
            visit.faults.append(f"{response.status} {response.url}")

    def failed(request: Request) -> None:
        # Requests that the page itself called off (a tile out of sight) are no faults.
        if request.failure != "net::ERR_ABORTED":
            visit.faults.append(f"{request.failure} {request.url}")

    context.on("request", asked)
    page.on("response", answered)
    page.on("requestfailed", failed)
    page.on("pageerror", lambda error: visit.faults.append(f"exception: {error}"))
    page.on(
        "console",
        lambda said: visit.faults.append(said.text) if said.type == "error" else None,
    )
    try:
        yield visit
    finally:
        context.close()
