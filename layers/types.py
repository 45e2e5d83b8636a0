"""Column types that SQLAlchemy does not know."""

from __future__ import annotations

from typing import Any

from sqlalchemy.types import UserDefinedType


class Ltree(UserDefinedType[str]):
    """PostgreSQL's ``ltree``: a path of labels, compared by ancestry with ``<@`` and ``@>``."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in DDL."""
        return "LTREE"


class AnyGeometry(UserDefinedType[object]):
    """PostGIS ``geometry`` without type or SRID: staging only, never read back."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in DDL."""
        return "GEOMETRY"
