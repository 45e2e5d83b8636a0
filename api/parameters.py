"""Parts of addresses that several routes share, described once."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

LayerName = Annotated[
    str,
    Path(
        description="图层名（见 /catalogue） | name of a layer (see /catalogue)", examples=["rooms"]
    ),
]
RowId = Annotated[int, Path(description="行编号 | id of the row", examples=[412])]
