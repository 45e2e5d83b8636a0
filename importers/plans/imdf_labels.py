"""Reading the properties of IMDF features: labels by language, keys, numbers, addresses.

An archive may be made by anything: a value of another shape than the standard's is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from importers.base import ATTRIBUTE
from importers.plans.model import Row

NAMES: Final = ("name", "alt_name")
_NUMBER: Final = re.compile(r"(?=.*\d)[\w.\-–/·]{1,24}")
_NUMBER_KEYS: Final = ("number", "room_number", "ref", "房间号")
_CODE: Final = re.compile(r"[A-Za-z]{0,4}[-_]?\d{1,6}[A-Za-z]?")


def key_of(properties: Mapping[str, Any], name: str) -> str | None:
    """Return the id that a property names."""
    value = properties.get(name)
    return str(value) if isinstance(value, str | int | float) and value != "" else None


def keys_of(properties: Mapping[str, Any], name: str) -> list[str]:
    """Return the ids that a property lists."""
    values = properties.get(name)
    if isinstance(values, str | int):
        return [str(values)]
    listed = values if isinstance(values, list) else ()
    return [str(each) for each in listed if isinstance(each, str | int | float)]


def labels_of(value: Any) -> dict[str, str]:
    """Return a label of IMDF (language → text); a bare text has no language."""
    if isinstance(value, dict):
        return {str(k): str(v) for k, v in value.items() if v not in (None, "")}
    return {"": str(value)} if value not in (None, "") else {}


def chosen(labels: Mapping[str, str], language: str) -> str | None:
    """Return the text in the archive's language, else Chinese, English, or the first."""
    wanted = [language.lower(), language.lower().split("-")[0], "zh", "en"]
    for each in wanted:
        for key, text in labels.items():
            if key.lower() == each or key.lower().split("-")[0] == each:
                return text
    return next(iter(labels.values()), None)


def number_of(row: Row, properties: Mapping[str, Any]) -> str | None:
    """Return the room number: a column for it, else a name or other name that reads like one."""
    for key in _NUMBER_KEYS:
        if row.get(f"{ATTRIBUTE}{key}") is not None:
            return str(row.pop(f"{ATTRIBUTE}{key}"))
    for key in NAMES:
        for text in labels_of(properties.get(key)).values():
            if _NUMBER.fullmatch(text):
                return text
    return None


def code_of(properties: Mapping[str, Any]) -> str | None:
    """Return a building's code: a column for it, else another name that reads like one."""
    for key in ("code", "building_code", "ref", "楼号"):
        if properties.get(key):
            return str(properties[key])
    for text in labels_of(properties.get("alt_name")).values():
        if _CODE.fullmatch(text):
            return text
    return None


def address_of(properties: Mapping[str, Any]) -> str | None:
    """Return an address in one line."""
    parts = (properties.get(key) for key in ("address", "locality", "province", "postal_code"))
    return ", ".join(str(part) for part in parts if part) or None
