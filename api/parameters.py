"""Parts of addresses that several routes share, described once."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path


def part(zh: str, en: str, example: Any, **limits: Any) -> Any:
    """Return the description of one part of an address."""
    return Path(description=f"{zh} | {en}", examples=[example], **limits)


LayerName = Annotated[
    str, part("图层名（见 /catalogue）", "name of a layer (see /catalogue)", "rooms")
]
ArchiveName = Annotated[str, part("归档名", "name of the archive", "estate")]
RowId = Annotated[int, part("行编号", "id of the row", 412, ge=1, le=2**63 - 1)]
ItemId = Annotated[
    str, part("行编号；观测为 编号~时间", "id of the row; of an observation id~time", "412")
]
MeasureName = Annotated[str, part("指标名（见 /measures）", "name of a measure", "over_quota")]
Zoom = Annotated[int, part("级别", "zoom", 16, ge=0, le=24)]
Column = Annotated[int, part("列", "column", 54537, ge=0)]
Row = Annotated[int, part("行（自北）", "row, from the north", 25021, ge=0)]
MatrixSet = Annotated[str, part("瓦片网格", "tile matrix set", "WebMercatorQuad")]
