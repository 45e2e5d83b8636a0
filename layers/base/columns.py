"""Columns that carry what they mean: heading, unit, list of values, what they point to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Enum, ForeignKey
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import TypeEngine

from layers.labels import CHOICES, Text
from layers.sharing import Sharing


def column(
    kind: TypeEngine[Any] | type[TypeEngine[Any]],
    zh: str,
    en: str,
    *args: Any,
    unit: str | None = None,
    example: str | None = None,
    summed: bool | None = None,
    edited: bool = True,
    sharing: Sharing | None = None,
    **options: Any,
) -> Any:
    """Return a mapped column that carries its comment in both languages.

    Parameters
    ----------
    kind : the SQLAlchemy type.
    zh, en : what the column means, as the heading of a sheet or a form.
    unit : the unit of the number, as it is shown (``"m²"``, ``"kWh"``).
    example : a believable value, for templates and API examples.
    summed : whether its sum over a list means something; by default the unit decides.
    edited : whether people may set it by hand.
    sharing : how sensitive it is; None: whoever sees the row sees it.
    """
    info: dict[str, Any] = {"title": Text(zh, en)}
    if unit:
        info["unit"] = unit
    if example:
        info["example"] = example
    if summed is not None:
        info["summed"] = summed
    if not edited:
        info["edited"] = False
    if sharing is not None:
        info["sharing"] = sharing
    return mapped_column(kind, *args, comment=f"{zh} | {en}", info=info, **options)


def choice(choices: str, zh: str, en: str, **options: Any) -> Any:
    """Return a text column held to the list `choices` of `layers.labels.CHOICES` by a check."""
    kind = Enum(
        *CHOICES[choices], name=choices, native_enum=False, create_constraint=True, length=40
    )
    made = column(kind, zh, en, **options)
    made.column.info["choices"] = choices
    return made


def reference(target: str, zh: str, en: str, *, index: bool = True, **options: Any) -> Any:
    """Return a bigint key to ``target`` (``"room.id"``); deleting the target empties it."""
    ondelete = options.pop("ondelete", "SET NULL")
    # Deferrable: one change set may bring a row and the row it points to in any order.
    key = ForeignKey(target, ondelete=ondelete, deferrable=True, initially="IMMEDIATE")
    made = column(BigInteger, zh, en, key, index=index, **options)
    made.column.info["reference"] = target.split(".")[0]
    return made
