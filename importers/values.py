"""Turning what a file says into the types of columns, a whole column at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import sqlalchemy as sa

from layers.labels import CHOICES, code_of


class Converted(NamedTuple):
    """A column in its type; `bad` marks values that do not fit, `reason` says why."""

    values: pd.Series[Any]
    bad: pd.Series[bool]
    reason: str


_NUMBER: Final = (
    r"^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(?:m|米|㎡|m²|平方米|元|人|层|kg|L|升|年)?$"
)
_DATES: Final = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d", "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m", "%Y年%m月",
)  # fmt: skip
# Read only when no value of the column fits a form above: month first, as US programs write.
_US_DATES: Final = ("%m/%d/%y", "%m/%d/%Y")
_TIMES: Final = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
    "%Y-%m-%dT%H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y-%m-%d", "%Y/%m/%d",
)  # fmt: skip
_YES: Final = {"是", "true", "t", "yes", "y", "1", "有"}
_NO: Final = {"否", "false", "f", "no", "n", "0", "无"}


def convert(
    column: sa.Column[Any],
    values: pd.Series[Any],
    *,
    timezone: str,
    words: dict[str, str] | None = None,
) -> Converted:
    """Return `values` in the type of `column`.

    Parameters
    ----------
    timezone : the zone of times that name none.
    words : further words for the codes of a choice column, casefolded; ``*`` is any other word.
    """
    kind = column.type
    if isinstance(kind, sa.Enum):
        made = _choice(column.info["choices"], as_text(values), words or {})
    elif isinstance(kind, sa.Boolean):
        made = _boolean(values)
    elif isinstance(kind, sa.Integer):
        made = _integer(values, 2**63 if isinstance(kind, sa.BigInteger) else 2**31)
    elif isinstance(kind, sa.Float):
        made = _float(values)
    elif isinstance(kind, sa.Numeric):
        made = _decimal(values, kind.scale or 2)
    elif isinstance(kind, sa.DateTime):
        made = _time(values, timezone)
    elif isinstance(kind, sa.Date):
        made = _date(values)
    else:
        made = Converted(as_text(values), _none(values), "")
    return made


def _decimal(values: pd.Series[Any], scale: int) -> Converted:
    """Return decimals as text: binary floats are never what is stored."""
    made = _float(values)
    text = made.values.map(lambda value: f"{value:.{scale}f}", na_action="ignore")
    return Converted(text.astype("str"), made.bad, made.reason)


def as_text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return values as stripped text; empty text is missing, whole floats lose their ``.0``."""
    if isinstance(values.dtype, pd.StringDtype):
        made = values
    elif pd.api.types.is_bool_dtype(values) or values.dtype == object:
        made = values.map(_said, na_action="ignore").astype("str")
    elif pd.api.types.is_float_dtype(values):
        whole = values.dropna()
        if (whole % 1 == 0).all():
            made = values.astype("Int64").astype("str").where(values.notna())
        else:
            made = values.map(_said, na_action="ignore").astype("str")
    else:
        made = values.astype("str").where(values.notna())
    made = made.str.strip()
    return made.mask(made == "")


def positions(mask: Any) -> list[int]:
    """Return where a mask is true, as plain integers."""
    return [int(each) for each in np.flatnonzero(np.asarray(mask, dtype=bool))]


def cell(values: pd.Series[Any], position: int) -> Any:
    """Return one value by its position; what a column holds is only known at run time."""
    return values.iat[position]


def _said(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        midnight = value.time() == datetime.min.time()
        return value.date().isoformat() if midnight else value.isoformat(" ")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict | np.ndarray):
        plain = value.tolist() if isinstance(value, np.ndarray) else value
        return json.dumps(plain, ensure_ascii=False, default=str)
    return str(value)


def _none(values: pd.Series[Any]) -> pd.Series[bool]:
    return pd.Series(False, index=values.index)


def _by_value(
    values: pd.Series[Any], read: Callable[[str], object], empty: object = None
) -> pd.Series[Any]:
    """Read each distinct text once."""
    known: dict[Hashable, object] = {each: read(each) for each in values.dropna().unique()}
    made = values.map(known) if known else pd.Series(empty, index=values.index, dtype=object)
    return made.astype(object).where(made.notna(), None)


def _choice(choices: str, text: pd.Series[Any], words: dict[str, str]) -> Converted:
    def read(value: str) -> str | None:
        return code_of(choices, value) or words.get(value.casefold(), words.get("*"))

    made = _by_value(text, read).astype("str")
    assert not words or set(words.values()) <= set(CHOICES[choices])
    return Converted(made, text.notna() & made.isna(), "unknown_choice")


def _boolean(values: pd.Series[Any]) -> Converted:
    if pd.api.types.is_bool_dtype(values):
        return Converted(values.astype("boolean"), _none(values), "")
    text = as_text(values).str.casefold()
    made = _by_value(text, lambda v: True if v in _YES else False if v in _NO else None)
    return Converted(made.astype("boolean"), text.notna() & made.isna(), "not_a_boolean")


def _float(values: pd.Series[Any]) -> Converted:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        made = values.astype("float64")
        wrong = made.abs() == np.inf
        return Converted(made.mask(wrong), wrong, "not_a_number")
    text = as_text(values)
    plain = text.str.replace(r"[,，￥¥]", "", regex=True).str.strip()
    found = plain.str.extract(_NUMBER, flags=re.IGNORECASE)[0]
    made = pd.to_numeric(found, errors="coerce").astype("float64")
    made = made.mask(np.isinf(made))
    return Converted(made, text.notna() & made.isna(), "not_a_number")


def _integer(values: pd.Series[Any], limit: int) -> Converted:
    if pd.api.types.is_integer_dtype(values):
        return Converted(values.astype("Int64"), _none(values), "")
    made = _float(values)
    whole = (made.values % 1 == 0) & (made.values.abs() < min(limit, 2**53))
    wrong = made.bad | (made.values.notna() & ~whole)
    return Converted(made.values.where(whole).astype("Int64"), wrong, "not_an_integer")


def _date(values: pd.Series[Any]) -> Converted:
    if pd.api.types.is_datetime64_any_dtype(values):
        return Converted(
            values.dt.date.astype(object).where(values.notna(), None), _none(values), ""
        )
    text = as_text(values)

    def read(forms: tuple[str, ...]) -> pd.Series[Any]:
        return _by_value(text, lambda value: _parsed_date(value, forms))

    made = read(_DATES)
    if text.notna().any() and not made.notna().any():
        made = read(_US_DATES)
    return Converted(made, text.notna() & made.isna(), "not_a_date")


def _parsed(value: str, forms: tuple[str, ...]) -> datetime | None:
    for form in forms:
        try:
            return datetime.strptime(value, form)  # noqa: DTZ007 - the zone is added by _time
        except ValueError:
            continue
    return None


def _parsed_date(value: str, forms: tuple[str, ...]) -> date | None:
    found = _parsed(value, forms)
    return found.date() if found else None


def _time(values: pd.Series[Any], timezone: str) -> Converted:
    zone = ZoneInfo(timezone)
    if pd.api.types.is_datetime64_any_dtype(values):
        zoned = values.dt.tz_localize(zone) if values.dt.tz is None else values
        return Converted(zoned.dt.tz_convert("UTC"), _none(values), "")
    text = as_text(values)

    def read(value: str) -> datetime | None:
        found = _parsed(value, _TIMES)
        if found is None:
            try:
                found = datetime.fromisoformat(value)
            except ValueError:
                return None
        return found if found.tzinfo else found.replace(tzinfo=zone)

    made = _by_value(text, read)
    return Converted(
        pd.to_datetime(made, utc=True).astype("datetime64[us, UTC]"),
        text.notna() & made.isna(),
        "not_a_time",
    )
