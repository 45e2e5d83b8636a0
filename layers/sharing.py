"""How sensitive a field is (its sharing class), and in which form somebody gets to see it.

A column names its class in ``info["sharing"]``; `layers.policy` says which role sees a class in
which form, and `layers.masks` makes the forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Any, Final

from sqlalchemy import Table

from layers.labels import Text


class Sharing(StrEnum):
    """What kind of secret a field is."""

    IDENTITY = "identity"
    CONTACT = "contact"
    POST = "post"
    PLATE = "plate"
    LOCATION = "location"
    TRACK = "track"
    NETWORK = "network"


SHARED: Final[Mapping[Sharing, Text]] = {
    Sharing.IDENTITY: Text("姓名、工号", "name and staff number of a person"),
    Sharing.CONTACT: Text("联系方式及文件其他内容", "phone, and what else a file said"),
    Sharing.POST: Text("职级、职务", "rank and post of a person"),
    Sharing.PLATE: Text("车牌号", "plate of a car"),
    Sharing.LOCATION: Text("车辆实时位置", "where a car is, and how fast"),
    Sharing.TRACK: Text("行驶轨迹、停留地点", "where a car has been"),
    Sharing.NETWORK: Text("网络地址", "network address of a device"),
}


class Form(IntEnum):
    """In which form a field is seen; the smaller, the more is seen."""

    OPEN = 0
    COARSE = 1
    """A place to the middle of a cell of about a kilometre, a time to the hour."""
    MASKED = 2
    """A text without most of its letters: 王**, 138****1234."""
    HIDDEN = 3


FORMS: Final[Mapping[Form, Text]] = {
    Form.OPEN: Text("可见", "open"),
    Form.COARSE: Text("粗略", "coarse"),
    Form.MASKED: Text("脱敏", "masked"),
    Form.HIDDEN: Text("隐藏", "hidden"),
}


def share(table: Table, **classes: Sharing) -> None:
    """Give columns of a table their classes: those that every entity has, and tell of this one."""
    for name, of in classes.items():
        table.c[name].info["sharing"] = of


def sharing_of(column: Any) -> Sharing | None:
    """Return the class of a column, None where whoever sees the row sees it."""
    found = column.info.get("sharing")
    return None if found is None else Sharing(found)
