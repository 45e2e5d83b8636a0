"""Statements about one row, composed once: that takes longer than the database needs to answer.

What the panel asks of a building is the same text for every building and every click, and
SQLAlchemy takes a hundred milliseconds of the process for it. So a statement is kept under its
shape, the scope and the day, and bound with the row's id and the present moment.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.sql.base import Executable

from api.session import Session
from layers.prepared import Prepared, prepare

MOST = 2_000
_KEY = -(2**62) - 20_261_126
"""Stands for the row's id while a statement is composed: no row has it."""
_STEP = timedelta(microseconds=1)

Make = Callable[[int, datetime], Mapping[str, Executable]]
"""Composes statements about a row (its id) at the present moment."""

_kept: OrderedDict[Hashable, Mapping[str, _Kept]] = OrderedDict()


@dataclass(frozen=True)
class _Kept:
    """A statement with the names of the values that are bound anew.

    Attributes
    ----------
    keys, lists : the values that are the row's id, and those that are a list of it alone.
    moments : how far the other moments lie from the present one.
    """

    prepared: Prepared
    keys: tuple[str, ...]
    lists: tuple[str, ...]
    moments: Mapping[str, timedelta]

    def about(self, key: int, now: datetime) -> Prepared:
        values = dict(self.prepared.values)
        values.update(dict.fromkeys(self.keys, key))
        values.update({name: [key] for name in self.lists})
        values.update({name: now + offset for name, offset in self.moments.items()})
        return replace(self.prepared, values=values)


def composed(session: Session, shape: Hashable, key: int, make: Make) -> Mapping[str, Any]:
    """Return the statements that `make` composes about a row, now or at the session's moment.

    Parameters
    ----------
    shape : all that the statements depend on beside who asks, the row and the moment.
    make : must treat the id as a value only, and of the moment use the day, or times that lie a
        fixed while from it.
    """
    now = session.config.now()
    if session.at is not None:
        return make(key, now)
    day = now.astimezone(session.config.zone).date()
    place = (shape, session.actor.scope_key, day, session.config.timezone)
    found = _kept.get(place)
    if found is None:
        found = _kept[place] = _composed(make, now, session, day)
        if len(_kept) > MOST:
            _kept.popitem(last=False)
    else:
        _kept.move_to_end(place)
    return {name: each.about(key, now) for name, each in found.items()}


def _composed(make: Make, now: datetime, session: Session, day: date) -> Mapping[str, _Kept]:
    """Compose for two moments of the day: what differs between them moves with the moment."""
    step = _STEP if (now + _STEP).astimezone(session.config.zone).date() == day else -_STEP
    first, second = make(_KEY, now), make(_KEY, now + step)
    return {name: _compared(prepare(first[name]), prepare(second[name]), now, step)
            for name in first}  # fmt: skip


def _compared(first: Prepared, second: Prepared, now: datetime, step: timedelta) -> _Kept:
    values = first.values
    moving = [name for name in values if values[name] != second.values[name]]
    if first.sql != second.sql or any(second.values[n] - values[n] != step for n in moving):
        raise ValueError(f"a statement that moves otherwise than its moment: {first.sql[:200]}")
    return _Kept(
        first,
        tuple(name for name, value in values.items() if value == _KEY),
        tuple(name for name, value in values.items() if value == [_KEY]),
        {name: values[name] - now for name in moving},
    )
