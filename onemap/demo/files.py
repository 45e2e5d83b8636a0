"""Writing the demo estate as the files that its users would have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from onemap.demo.estate import Estate
from onemap.demo.maps import write_maps
from onemap.demo.plans import write_plans
from onemap.demo.sheets import write_readings, write_sheets
from onemap.demo.stories import stories
from onemap.demo.telemetry import write_network, write_tracks

_PARTS: tuple[tuple[str, Callable[[Estate, Path], None]], ...] = (
    ("地图", write_maps),
    ("平面图", write_plans),
    ("台账", write_sheets),
    ("能耗", write_readings),
    ("轨迹", write_tracks),
    ("网络", write_network),
)


def write_files(
    estate: Estate, folder: Path, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write every file below `folder`, which is made.

    Parameters
    ----------
    progress : called with the parts done and all parts.
    """
    for done, (name, write) in enumerate(_PARTS):
        if progress:
            progress(done, len(_PARTS))
        (folder / name).mkdir(parents=True, exist_ok=True)
        write(estate, folder / name)
    label = stories()["estate"]["label"].replace(" | ", "\n")
    text = f"{label}\nseed {estate.seed}, scale {estate.scale:g}\n"
    (folder / "说明.txt").write_text(text, encoding="utf-8")
    if progress:
        progress(len(_PARTS), len(_PARTS))
