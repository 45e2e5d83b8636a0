"""Put the built page into the wheel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WITHOUT_PAGE = "ONEMAP_BUILD_WITHOUT_PAGE"


class PageHook(BuildHookInterface):  # type: ignore[misc]
    """Include ``web/dist`` as ``onemap/page``; an editable install reads it where it is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the page's folder to what the wheel contains, and refuse a wheel without one."""
        page = Path(self.root) / "web" / "dist"
        if version == "editable" or os.environ.get(WITHOUT_PAGE) == "1":
            return
        if not (page / "index.html").is_file():
            raise FileNotFoundError(
                f"The page is not built: run `make setup` first. Where the client alone is wanted, "
                f"set {WITHOUT_PAGE}=1. | 页面尚未构建：请先运行 make setup；"
                f"只需要客户端时，设置 {WITHOUT_PAGE}=1。"
            )
        build_data["force_include"][str(page)] = "onemap/page"
