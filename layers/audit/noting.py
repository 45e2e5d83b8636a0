"""Recording an act, in the transaction of the act itself; and who acts, from where.

Who acts travels beside the call (`ORIGIN`): rules of signing in and of administration are the same
for a request and for a command, and know of neither.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from layers.audit.tables import AuditWaiting, Kind
from layers.base import table_of

WAITING = table_of(AuditWaiting)
LONGEST = 500
"""Characters of a text that are kept; of a longer one its beginning."""
LARGEST = 16_000
"""Bytes of details that are kept, as JSON; beyond that of the largest parts the beginning."""


@dataclass
class Origin:
    """Who acts, from where and by what.

    Attributes
    ----------
    account : its name; of a command the user of the operating system, as ``os:root``.
    bearer : the session or token by which the account came in (``session:31``, ``token:5``).
    route : the address as the description has it, or the command.
    noted : whether the act has been recorded by itself, so that nobody records its refusal again.
    read : layers of which the answer told rows, beside those that its address names.
    """

    account_id: int | None = None
    account: str | None = None
    bearer: str | None = None
    address: str | None = None
    request: str | None = None
    route: str | None = None
    noted: bool = False
    read: set[str] = field(default_factory=set)


ORIGIN: ContextVar[Origin | None] = ContextVar("onemap_origin", default=None)
"""Who acts in the present request or command."""


def read(*layers: str) -> None:
    """Say of which layers the present answer tells rows, where its address does not."""
    origin = ORIGIN.get()
    if origin is not None:
        origin.read.update(layers)


TOLD = ("account_id", "account", "bearer", "address", "request", "route")
"""What the trace of a change set says of its origin."""


def cut(value: Any) -> str | None:
    """Return a text as it can be kept: without what no text of the database holds, and not long."""
    if value is None:
        return None
    kept = str(value).encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
    return kept if len(kept) <= LONGEST else kept[: LONGEST - 1] + "…"


def kept(value: Any) -> Any:
    """Return details as they can be kept."""
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, Mapping):
        return {str(cut(str(name))): kept(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [kept(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return cut(str(value))


def _bounded(told: dict[str, Any]) -> dict[str, Any]:
    """Return details of which, where they are too large, the largest parts are cut."""
    sizes = {name: len(json.dumps({name: each})) for name, each in told.items()}
    total = sum(sizes.values())
    for name in sorted(sizes, key=lambda each: -sizes[each]):
        if total <= LARGEST:
            break
        told[name] = cut(json.dumps(told[name], ensure_ascii=False))
        total -= sizes[name] - len(json.dumps({name: told[name]}))
    return told


def values_of(
    origin: Origin, kind: Kind, outcome: str, layer: str | None, details: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values of a record, by column."""
    told = {name: each for name, each in details.items() if each is not None}
    if origin.bearer is not None:
        told["by"] = origin.bearer
    told = _bounded({str(cut(name)): kept(each) for name, each in told.items()})
    return {
        "kind": kind.value,
        "account_id": origin.account_id,
        "account": cut(origin.account),
        "address": cut(origin.address),
        "request": cut(origin.request),
        "route": cut(origin.route),
        "layer": cut(layer),
        "outcome": outcome,
        "details": told,
    }


def note(
    connection: sa.Connection,
    kind: Kind,
    outcome: str = "done",
    *,
    layer: str | None = None,
    account: tuple[int | None, str | None] | None = None,
    **details: Any,
) -> None:
    """Record an act in the transaction of the act.

    Parameters
    ----------
    account : id and name, where the act itself tells who it was (a sign-in).
    details : what else is told; never a secret. What is None is left out.
    """
    origin = ORIGIN.get() or Origin()
    values = values_of(origin, kind, outcome, layer, details)
    if account is not None:
        values["account_id"], values["account"] = account[0], cut(account[1])
    # Nothing is asked back: whoever records may not read.
    connection.execute(sa.insert(WAITING).inline().values(values))
    origin.noted = True
