"""The tables of docs/security.md, made of the policy: run as a program it writes them there.

python -m tests.support.policy_page
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from layers import policy
from layers.fields import title_of
from layers.policy import ROLES, Role
from layers.registry import LAYERS
from layers.sharing import FORMS, SHARED, Sharing, sharing_of

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
_SHOWN = [role for role in Role if role is not Role.DEVICE]


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def read_and_written() -> str:
    """Return by layer what each role reads (r) and changes (w; f: some fields)."""

    def mark(role: Role | None, layer: policy.Layer) -> str:
        if role is None:
            return "r" if policy.public(layer) else ""
        if not policy.reads(role, layer):
            return ""
        what = policy.writes(role, layer)
        managed = layer.series is None and layer.model.managed
        return "r" if what is None or not managed else "rw" if what.covers(None) else "rf"

    roles: list[Role | None] = [*_SHOWN, None]
    return _table(
        ["layer", *(ROLES[role].en for role in _SHOWN), "public rows"],
        ([f"`{layer.name}`", *(mark(role, layer) for role in roles)] for layer in LAYERS),
    )


def forms() -> str:
    """Return by class of fields in which form each role sees it."""

    def told(role: Role | None, sharing: Sharing) -> str:
        fields = [
            layer
            for layer in LAYERS
            if any(sharing_of(c) is sharing for c in layer.table.c)
            and (policy.public(layer) if role is None else policy.reads(role, layer))
        ]
        return FORMS[policy.form_of(role, sharing)].en if fields else ""

    roles: list[Role | None] = [*_SHOWN, None]
    return _table(
        ["class", *(ROLES[role].en for role in _SHOWN), "public rows"],
        (
            [SHARED[sharing].en, *(told(role, sharing) for role in roles)]
            for sharing in Sharing
        ),
    )  # fmt: skip


def fields() -> str:
    """Return which fields are of which class."""
    lines = []
    for sharing in Sharing:
        named = [
            f"`{layer.name}.{column.name}`"
            for layer in LAYERS
            for column in layer.table.c
            if sharing_of(column) is sharing and column.name != "geom_3857"
        ]
        lines.append([SHARED[sharing].en, ", ".join(named)])
    return _table(["class", "fields"], lines)


def some_fields() -> str:
    """Return which fields are changed where it is not all of them."""
    lines = []
    for role in Role:
        for layer in LAYERS:
            what = policy.writes(role, layer)
            if what is not None and what.fields is not None:
                named = sorted(title_of(layer.table.c[name]).en for name in what.fields)
                lines.append([ROLES[role].en, f"`{layer.name}`", ", ".join(named)])
    return _table(["role", "layer", "changes"], lines)


TABLES = {
    "read": read_and_written, "some": some_fields, "forms": forms, "fields": fields,
}  # fmt: skip


def written(text: str) -> str:
    """Return the page with its tables made anew."""
    for name, make in TABLES.items():
        first, last = f"<!-- table: {name} -->", f"<!-- end: {name} -->"
        before, _, rest = text.partition(first)
        _, _, after = rest.partition(last)
        assert after or rest.endswith(last), f"the page has no place for the table {name}"
        text = f"{before}{first}\n\n{make()}\n\n{last}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
