"""Reading level expressions: OSM Simple Indoor Tagging and what Chinese buildings write.

Formula of the numbers: https://wiki.openstreetmap.org/wiki/Key:level — numbers count storeys
from 0 = ground, may be negative or fractional, `;` lists and `-` spans. Chinese floor names count
from 1 (F1 or 1层 is the ground floor, ordinal 0; B1 is −1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_NUMBER: Final = r"[+-]?\d+(?:\.\d+)?"
_ONE: Final = re.compile(_NUMBER)
# A dash after a number spans; a dash before one is its sign: "-1-3" is −1…3, "-1--3" is −1…−3.
_SPAN: Final = re.compile(rf"({_NUMBER})\s*(?:-|–|~|～|至|到)\s*({_NUMBER})")
_FLOOR: Final = re.compile(r"(?:F|L)(\d{1,3})|(?:地上)?第?(\d{1,3})(?:F|层|楼)", re.I)
_CHINESE_FLOOR: Final = re.compile(r"(?:地上)?第?([一二三四五六七八九十]{1,3})(?:层|楼)")
_BASEMENT: Final = re.compile(r"(?:B|LG)(\d{1,2})|(?:地下|负)第?(\d{1,2})(?:层|楼)?", re.I)
_CHINESE_BASEMENT: Final = re.compile(r"(?:地下|负)第?([一二三四五六七八九十]{1,3})(?:层|楼)?")
_WORDS: Final = {"g": 0.0, "gf": 0.0, "首层": 0.0, "地面层": 0.0, "底层": 0.0}
_MEZZANINE: Final = re.compile(r"(.*?)(?:夹层|M)", re.I)
_NUMBER_FIRST: Final = re.compile(r"\d{1,3}F", re.I)
_DIGITS: Final = {digit: value for value, digit in enumerate("零一二三四五六七八九")}
_MAX_LEVELS: Final = 300


def parse_levels(text: str) -> list[float]:
    """Return the level numbers of an expression, ascending and without repeats.

    ``"1;2"`` and ``"1,2"`` list; ``"0-2"`` spans every whole level (0, 1, 2) and keeps
    fractional ends; ``"0.5"`` is a mezzanine; "B1", "F2", "地下一层", "3层" are Chinese names;
    "夹层" alone is 0.5, "F2夹层" 1.5.

    Raises
    ------
    ValueError
        When a part cannot be read, or a span has more than 300 levels.
    """
    parts = [part.strip() for part in re.split(r"[;,；，、/]", text) if part.strip()]
    if not parts:
        raise ValueError("the level is empty")
    return sorted({number for part in parts for number in _parse_part(part)})


def level_label(number: float, like: Iterable[str] = ()) -> str:
    """Return the usual label: 0 → "F1", 1 → "F2", −1 → "B1", 0.5 → "F1M" (mezzanine).

    Parameters
    ----------
    like : labels of the same building's other floors. Where one of them counts as "1F" does, so
        does the new one; both forms are in use.
    """
    storey = int(number // 1)
    number_first = any(_NUMBER_FIRST.fullmatch(each) for each in like)
    above = f"{storey + 1}F" if number_first else f"F{storey + 1}"
    label = above if storey >= 0 else f"B{-storey}"
    return label if number == storey else f"{label}M"


def _parse_part(part: str) -> list[float]:
    if _ONE.fullmatch(part):
        return [_plain(part)]
    if span := _SPAN.fullmatch(part):
        return _span(_plain(span.group(1)), _plain(span.group(2)))
    for dash in re.finditer(r"[-–~～至到]", part):
        first, last = part[: dash.start()].strip(), part[dash.end() :].strip()
        if first and last:
            return _span(_named(first), _named(last))
    return [_named(part)]


def _plain(text: str) -> float:
    return float(text) + 0.0  # "-0" is the ground


def _span(first: float, last: float) -> list[float]:
    low, high = min(first, last), max(first, last)
    if high - low > _MAX_LEVELS:
        raise ValueError(f"a span of {high - low:.0f} levels")
    whole = [float(level) for level in range(int(-(-low // 1)), int(high // 1) + 1)]
    return sorted({low, *whole, high})


def _named(text: str) -> float:
    name = re.sub(r"\s", "", text)
    word = _WORDS.get(name.lower())
    if word is not None:
        return word
    if match := _BASEMENT.fullmatch(name):
        return -_counted(match.group(1) or match.group(2), text)
    if match := _CHINESE_BASEMENT.fullmatch(name):
        return -float(_chinese(match.group(1), text))
    if match := _FLOOR.fullmatch(name):
        return _counted(match.group(1) or match.group(2), text) - 1.0
    if match := _CHINESE_FLOOR.fullmatch(name):
        return _chinese(match.group(1), text) - 1.0
    if match := _MEZZANINE.fullmatch(name):
        below = match.group(1)
        return (_named(below) if below else 0.0) + 0.5
    raise ValueError(f"“{text}” is not a level")


def _counted(digits: str, text: str) -> float:
    """Read a floor number that counts from 1."""
    number = int(digits)
    if number == 0:
        raise ValueError(f"“{text}” is not a level: floors count from 1")
    return float(number)


def _chinese(numeral: str, text: str) -> int:
    """Read a Chinese numeral from 一 to 九十九."""
    tens, ten, ones = numeral.rpartition("十")
    if len(tens) > 1 or len(ones) > 1 or "十" in tens:
        raise ValueError(f"“{text}” is not a level")
    return (_DIGITS[tens] if tens else 1 if ten else 0) * 10 + (_DIGITS[ones] if ones else 0)
