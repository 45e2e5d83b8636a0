"""What an import did: counts that add up, issues row by row, and how things were decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from importers.base import Issue
from layers.labels import Text

COUNTS: Final = {
    "read": Text("读取", "read"),
    "loaded": Text("新增", "loaded"),
    "updated": Text("更新", "updated"),
    "unchanged": Text("未变", "unchanged"),
    "repaired": Text("修复", "repaired"),
    "quarantined": Text("待修", "quarantined"),
}

_SHOWN: Final = 200
"""So many absent rows are listed for people; `Report.as_dict` lists all of them."""


@dataclass
class LayerCounts:
    """What happened to the rows of one table."""

    read: int = 0
    loaded: int = 0
    updated: int = 0
    unchanged: int = 0
    repaired: int = 0
    quarantined: int = 0

    def add(self, other: LayerCounts) -> None:
        """Add the counts of another batch of rows."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class Report:
    """The outcome of one import.

    Attributes
    ----------
    kind, source, files : what was imported, and under which name.
    tables : per table: rows read, loaded (new), updated, unchanged, repaired and quarantined;
        ``read = loaded + updated + unchanged + quarantined`` for entities.
    links : the same for link tables; not part of the totals.
    crs, crs_decided, crs_reason : the coordinate system and how it was decided.
    key_rule : how rows are recognised when the file is imported again.
    mapping, unmapped : field → heading; headings that went into ``attributes``.
    absent : source keys that an earlier import brought and this file does not have; they stay.
    batch_id : the row of ``import_batch``; None in a dry run.
    """

    kind: str
    source: str
    files: list[str]
    tables: dict[str, LayerCounts] = field(default_factory=dict)
    links: dict[str, LayerCounts] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    crs: str | None = None
    crs_decided: str | None = None
    crs_reason: Text | None = None
    key_rule: Text | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    absent: dict[str, list[str]] = field(default_factory=dict)
    batch_id: int | None = None
    dry_run: bool = False
    seconds: float = 0.0
    primary: tuple[str, ...] = ()

    def _total(self, name: str) -> int:
        return sum(getattr(each, name) for each in self.tables.values())

    @property
    def read(self) -> int:
        """Rows read, over all tables but links."""
        return self._total("read")

    @property
    def loaded(self) -> int:
        """New rows."""
        return self._total("loaded")

    @property
    def updated(self) -> int:
        """Rows known before whose values changed."""
        return self._total("updated")

    @property
    def unchanged(self) -> int:
        """Rows known before whose values are the same."""
        return self._total("unchanged")

    @property
    def repaired(self) -> int:
        """Rows whose geometry was repaired."""
        return self._total("repaired")

    @property
    def quarantined(self) -> int:
        """Rows that wait in quarantine with their reasons."""
        return self._total("quarantined")

    def count(self, table: str) -> LayerCounts:
        """Return the counts of one table, by its table name (``"building"``)."""
        return self.tables.setdefault(table, LayerCounts())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return {
            "kind": self.kind,
            "source": self.source,
            "files": self.files,
            **{name: self._total(name) for name in COUNTS},
            "tables": {name: dict(each.__dict__) for name, each in self.tables.items()},
            "links": {name: dict(each.__dict__) for name, each in self.links.items()},
            "issues": [each.as_dict() for each in self.issues],
            "absent": self.absent,
            "crs": self.crs,
            "crs_decided": self.crs_decided,
            "crs_reason": self.crs_reason._asdict() if self.crs_reason else None,
            "key_rule": self.key_rule._asdict() if self.key_rule else None,
            "mapping": self.mapping,
            "unmapped": self.unmapped,
            "batch_id": self.batch_id,
            "dry_run": self.dry_run,
            "seconds": round(self.seconds, 3),
        }

    def text(self, language: str = "zh") -> str:
        """Return the report as lines for people."""
        lines = [
            "  ".join(f"{t.in_language(language)} {self._total(n)}" for n, t in COUNTS.items())
        ]
        said: Iterable[tuple[Text, str | None]] = (
            (Text("坐标系", "CRS"), self.crs_reason and self.crs_reason.in_language(language)),
            (Text("键", "key"), self.key_rule and self.key_rule.in_language(language)),
            (
                Text("列", "columns"),
                ", ".join(f"{field}={heading}" for field, heading in self.mapping.items()),
            ),
        )
        lines += [f"{title.in_language(language)}: {value}" for title, value in said if value]
        for table, keys in self.absent.items():
            absent = Text(
                f"{table}：本次文件中没有、仍保留的 {len(keys)} 条",
                f"{table}: {len(keys)} rows are not in this file and were kept",
            )
            shown = "、".join(keys[:_SHOWN]) if language == "zh" else ", ".join(keys[:_SHOWN])
            more = " …" if len(keys) > _SHOWN else ""
            lines.append(f"{absent.in_language(language)}: {shown}{more}")
        for issue in self.issues:
            place = issue.file if issue.row is None else f"{issue.file}:{issue.row}"
            lines.append(f"{place}  {Text(issue.zh, issue.en).in_language(language)}")
        return "\n".join(lines)
