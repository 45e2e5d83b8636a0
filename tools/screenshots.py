"""Take the pictures of the documentation from a running demo.

Usage: .venv/bin/python tools/screenshots.py [http://127.0.0.1:8080]
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
# WebGL2 without a graphics card, and no request of the browser's own.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PICTURES = {
    "demo.png": "#map=18.4/38.89548/119.59864&floor=3&measure=usable_area_per_person"
    "&sel=rooms/{room}&lang=zh&theme=light",
}
ROOM = "B03-412"


def main() -> None:
    """Open each view, let it settle, and keep its picture."""
    service = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 860}, locale="zh-CN")
        found = page.request.get(f"{service}/search", params={"q": ROOM}).json()
        room = found["results"][0]["id"]
        for name, view in PICTURES.items():
            page.goto(f"{service}/{view.format(room=room)}")
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(5_000)
            page.screenshot(path=IMAGES / name)
        browser.close()


if __name__ == "__main__":
    main()
