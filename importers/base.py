"""What an importer is, and what the pipeline hands back.

An `Importer` only reads: it turns files into `Target` frames whose columns are named as the
columns of a model. `importers.pipeline` does everything else, the same way for every kind:
coordinate system, validity, row checks, references, issues, quarantine, and the write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pandas as pd
import sqlalchemy as sa

from layers.base import Base
from layers.labels import Text
from layers.problems import BadInput
from layers.ticks import Ticks

if TYPE_CHECKING:
    from importers.references import References
    from importers.report import Report
    from importers.sheets import Field
    from layers.changes import ChangeSet, Counts

FILE, ROW = "_file", "_row"
"""Columns of a frame that say where each row stands: the file's name and the row, from 1."""

ATTRIBUTE = "attributes."
"""Prefix of a frame's columns that go into ``attributes``: ``attributes.roof:shape``."""

NAME_IN = "names."
"""Prefix of a frame's columns that go into ``names``: ``names.en``."""

Action = Literal["loaded", "repaired", "emptied", "quarantined", "ignored", "noted"]


@dataclass(frozen=True)
class Issue:
    """Something about one row of a file, and what was done about it.

    Attributes
    ----------
    file, row, field, value : where; row counts from 1 as the user's program shows it (a sheet's
        heading is row 1), None for the file as a whole.
    reason : a short code, the same in both languages (``"unknown_reference"``).
    zh, en : the message with its remedy.
    action : ``loaded``, ``repaired``, ``emptied`` (that value only), ``quarantined``,
        ``ignored`` or ``noted``.
    """

    file: str
    row: int | None
    field: str | None
    value: str | None
    reason: str
    zh: str
    en: str
    action: Action

    def as_dict(self) -> dict[str, Any]:
        """Return the issue as JSON-ready values."""
        return dict(self.__dict__)


KEY_OF_FILE = Text("文件给出的键", "the key given by the file")


@dataclass(frozen=True)
class Refusal:
    """A row that the importer itself sets aside: its position in the frame and why.

    `reason` is a key of `importers.messages.REASONS`; `title` names a field that is no column.
    With the action ``emptied`` only that value is left out, and the row is loaded.
    """

    position: int
    field: str
    reason: str
    value: str | None = None
    title: Text | None = None
    action: Action = "quarantined"


@dataclass
class Target:
    """Rows for one table, as they were read.

    Attributes
    ----------
    model : an `Entity`, `Link` or `Series` class.
    frame : columns named as the model's; a geometry column is called ``geom`` (a GeoDataFrame
        whose ``crs`` is what the *file* says, None when it says nothing). ``_row`` and ``_file``
        say where a row stands. ``attributes.<tag>`` and ``names.<language>`` columns are gathered
        into the JSON columns. A reference column holds natural keys as text (see `references`).
        An entity has ``source_key``, unique in the frame.
    references : how a reference column is resolved: ``"natural"`` (default: body code, building
        code or name, person number, room number with ``<column>.building`` beside it, plate,
        meter number …), ``"source_key"`` (a key of this same source) or ``"id"`` (already ids).
    unique : columns whose value may occur only once in the file (an asset's tag).
    required : columns without which a row cannot be loaded, beside the table's own NOT NULL.
    choices : further words for the codes of a choice column: word (casefolded) → code;
        ``*`` stands for any other word.
    lenient : True for map data, where a value that does not fit its column is kept in
        ``attributes`` and the row is loaded; False for sheets, where the row waits in quarantine.
    geometry_required : whether a row without a place is quarantined.
    key_rule : how ``source_key`` was made, for the report.
    complete : True where the file is all there is of this source, so that rows missing from it
        are listed as absent.
    refused : rows that the importer itself sets aside.
    extra : what the importer keeps for its own `resolve`.
    """

    model: type[Base]
    frame: pd.DataFrame
    references: Mapping[str, Literal["natural", "source_key", "id"]] = field(default_factory=dict)
    unique: Sequence[str] = ()
    required: Sequence[str] = ()
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lenient: bool = False
    geometry_required: bool = False
    key_rule: Text = KEY_OF_FILE
    complete: bool = True
    refused: Sequence[Refusal] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Found:
    """What `Importer.read` found.

    Attributes
    ----------
    targets : in the order in which they are written; later ones may refer to earlier ones.
    issues : what the reader itself noticed.
    mapping : field → heading in the file, as guessed or given; shown in the report.
    unmapped : headings that no column holds (their values go into ``attributes``).
    rows : what `Importer.expand` makes the targets of, where that takes a look at what is loaded.
    """

    targets: list[Target]
    issues: list[Issue] = field(default_factory=list)
    mapping: dict[str, str] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    rows: pd.DataFrame | None = None


Progress = Callable[[str, int, int | None], None]
"""``progress(what, done, total)``; total is None while it is not known."""


def no_progress(_what: str, _done: int, _total: int | None) -> None:
    """Show nothing."""


@dataclass
class Options:
    """What the user says beside the files.

    Attributes
    ----------
    crs : the coordinate system of the files, as `geo.crs.SourceCrs.parse` reads it.
    source : the dataset's name; default: the stem of the first file.
    body : code or name of the body that owns the rows that name none.
    mapping : field → heading, beating the guess.
    layer : the layer inside a GeoPackage or the sheet inside a workbook.
    encoding : of texts in a DBF or CSV; default: detected.
    timezone : IANA name for times without a zone.
    dry_run : read, check and write, then take everything back.
    accept_guess : take a guessed coordinate system without asking.
    accept_ballpark : accept a datum without published parameters (about 100 m off).
    data_dir : where copied files (imagery) are kept.
    actor : who is recorded as the author of the change.
    estate : known extent in EPSG:4326 (west, south, east, north), to judge guesses by; filled in
        by the pipeline from what is already loaded.
    extra : settings of one kind only (``--set key=value``).
    ticks : the counter that is raised when the import is committed.
    recorded : called with the report in the import's own transaction, just before it is
        committed; what it raises takes the import back.
    """

    crs: str | None = None
    source: str | None = None
    body: str | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    layer: str | None = None
    encoding: str | None = None
    timezone: str = "Asia/Shanghai"
    dry_run: bool = False
    accept_guess: bool = False
    accept_ballpark: bool = False
    data_dir: Path | None = None
    actor: str | None = None
    estate: tuple[float, float, float, float] | None = None
    extra: dict[str, str] = field(default_factory=dict)
    progress: Progress = no_progress
    ticks: Ticks | None = None
    recorded: Callable[[sa.Connection, Report], None] | None = None


class Importer:
    """Reads one kind of file. Subclasses give the class attributes and `read`.

    Attributes
    ----------
    kind : the word after ``onemap import``.
    title, description : in both languages.
    layers : the layers it fills; the first is the one that ``read`` counts.
    suffixes : file endings it reads, for messages and for finding files in a folder.
    aliases : other words for the kind.
    builtin : the file that ships with the service, imported as ``onemap import KIND builtin``.
    """

    kind: ClassVar[str] = ""
    title: ClassVar[Text] = Text("", "")
    description: ClassVar[Text] = Text("", "")
    layers: ClassVar[tuple[str, ...]] = ()
    suffixes: ClassVar[tuple[str, ...]] = ()
    aliases: ClassVar[tuple[str, ...]] = ()
    builtin: ClassVar[Path | None] = None

    def read(self, files: Sequence[Path], options: Options) -> Found:
        """Read the files; raise `layers.problems.BadInput` where they cannot be used at all."""
        raise NotImplementedError

    def sheet(self) -> list[Field]:
        """Return the columns of the kind's sheet (``onemap template``)."""
        raise BadInput(
            zh=f"“{self.kind}”不用表格填报；可读：{'、'.join(self.suffixes)}",
            en=f"{self.kind} is not filled in as a sheet; it reads {', '.join(self.suffixes)}",
        )

    def expand(self, found: Found, changes: ChangeSet, references: References) -> list[Target]:
        """Return the targets; by default those that `read` found."""
        del changes, references
        return found.targets

    def resolve(self, target: Target, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        """Complete the checked rows before they are written (parents found by geometry …).

        References are ids by now, ``geom`` is in EPSG:4326 and ``id`` is set where the table
        refers to itself.
        """
        del target, changes
        return frame

    def written(self, target: Target, counts: Counts) -> None:
        """Take note of what the write of a target did."""
        del target, counts

    def finish(self, changes: ChangeSet, source: str) -> Iterable[Issue]:
        """Do what follows from the new rows in the same transaction (trips from positions …)."""
        del changes, source
        return ()
