"""Lists as files: CSV, XLSX and GeoJSON, with headings, units, dates and the moment.

Rows come through a cursor and go out as they come; a workbook, whose parts are zipped at its end,
is written to a temporary file without a name row by row. So memory does not grow with the list.
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any
from zoneinfo import ZoneInfo

import orjson
import xlsxwriter

from api.ogc.items import identity
from api.session import Session
from layers.facts import TITLE_OF, layer_of_key
from layers.fields import fields_of
from layers.labels import CHOICES, Text, unit_text
from layers.listing import SHAPE, SHOWN_TITLE, Listing
from layers.places import CONTAINERS
from layers.problems import BadRequest
from layers.registry import layer as layer_named

CHUNK = 1_000
_PIECE = 2**16
XLSX_ROWS = 1_048_575
"""Rows that a sheet of Excel holds below its heading."""
XLSX_CHARS = 32_767
"""What a cell of Excel holds, counted in UTF-16."""
# Where the system is Chinese or Japanese, some programs take the wide forms for the narrow ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ASIDE = ("names", "path", "attributes", "revision")
_PLACE = {
    "lon": Text("经度（显示位置）", "Longitude (shown at)"),
    "lat": Text("纬度（显示位置）", "Latitude (shown at)"),
}
_TITLE = Text("标题", "Title")
_CUT = Text("截断的单元格", "Cells cut short")


@dataclass(frozen=True)
class Column:
    """A column of a file: its heading, the type of its values, and how a row gives one."""

    name: str
    heading: str
    type: str
    unit: str | None
    read: Callable[[Any], Any]


def columns_of(session: Session, listing: Listing) -> list[Column]:
    """Return the columns of the file, in its reader's language; codes are told by their labels."""
    say, zone = session.say, session.config.zone
    made = [Column("title", say(_TITLE), "string", None, lambda row: row[SHOWN_TITLE])]
    for each in listing.named.columns if listing.named else ():
        labels = CHOICES[each.choices] if each.choices else {}
        read = _reader(each.name, each.type, zone, {c: say(t) for c, t in labels.items()})
        unit = say(unit_text(each.unit)) if each.unit else None
        made.append(Column(each.name, _heading(say(each.heading), unit), each.type, unit, read))
    keys = {c.name: layer_of_key(c) for c in listing.layer.table.columns}
    for field in fields_of(listing.layer):
        if field.name in _ASIDE:
            continue
        unit = say(unit_text(field.unit)) if field.unit else None
        heading = _heading(say(field.title), unit)
        if keys.get(field.name) is not None:
            read, kind = _plain(TITLE_OF + field.name), "string"
        else:
            told = {code: say(text) for code, text in field.choices.items()}
            read, kind = _reader(field.name, field.type, zone, told), field.type
        made.append(Column(field.name, heading, kind, unit, read))
    return made


def place_columns(session: Session, listing: Listing, names: Sequence[str]) -> list[Column]:
    """Return the columns that tell where a row is, of those that the statement gives."""
    made = []
    for table, name in reversed(list(CONTAINERS.items())):
        column = f"{table}_name"
        if column in names:
            heading = session.say(layer_named(name).title)
            made.append(Column(column, heading, "string", None, _plain(column)))
    for name, title in _PLACE.items():
        if name in names and name not in listing.layer.table.c:
            made.append(Column(name, session.say(title), "number", "°", _plain(name)))
    return made


def _plain(name: str) -> Callable[[Any], Any]:
    return lambda row: row[name]


def _heading(title: str, unit: str | None) -> str:
    return f"{title} ({unit})" if unit else title


def _reader(name: str, kind: str, zone: ZoneInfo, labels: dict[str, str]) -> Callable[[Any], Any]:
    def read(row: Any) -> Any:
        value = row[name]
        if value is None:
            return None
        if labels:
            return labels.get(str(value), value)
        if kind == "date-time":
            return value.astimezone(zone)
        return float(value) if isinstance(value, Decimal) else value

    return read


def safe_text(value: Any) -> Any:
    """Return a text as a spreadsheet must not run it: one that begins like a formula is quoted.

    A single quote in front is what spreadsheets themselves write for "this is text" (OWASP, CSV
    injection). Numbers are no texts and stay as they are.
    """
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


async def begun(stream: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Return the stream with its first bytes made: until then a refusal is still a problem."""
    first = await anext(stream)

    async def whole() -> AsyncGenerator[bytes]:
        async with aclosing(stream):
            yield first
            async for part in stream:
                yield part

    return whole()


def fitting(text: str) -> str:
    """Return a text as a cell of Excel holds it: one that is too long is cut and ends in "…"."""
    if len(text) <= XLSX_CHARS // 2:
        return text
    wide = text.encode("utf-16-le", "surrogatepass")
    if len(wide) <= 2 * XLSX_CHARS:
        return text
    return wide[: 2 * XLSX_CHARS - 2].decode("utf-16-le", "ignore") + "…"


async def csv_of(session: Session, listing: Listing) -> AsyncGenerator[bytes]:
    """Yield a CSV with a byte order mark, by which Excel knows that the text is UTF-8."""
    async with session.connections.stream(listing.export(shapes=False), CHUNK) as (names, chunks):
        columns = columns_of(session, listing) + place_columns(session, listing, names)
        yield csv_heading(columns)
        async for chunk in chunks:
            yield csv_lines(columns, chunk)


def csv_heading(columns: Sequence[Column]) -> bytes:
    """Return the first line of a CSV, after the mark by which Excel knows that it is UTF-8."""
    return b"\xef\xbb\xbf" + _lines([[column.heading for column in columns]])


def csv_lines(columns: Sequence[Column], rows: Iterable[Any]) -> bytes:
    """Return rows as lines of a CSV, of which no cell is run as a formula."""
    return _lines([[safe_text(_csv_value(c.read(row))) for c in columns] for row in rows])


def _csv_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value


def _lines(rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


async def geojson_of(
    session: Session, listing: Listing, head: dict[str, Any]
) -> AsyncGenerator[bytes]:
    """Yield a FeatureCollection (RFC 7946); `head` tells what it is, as of when, in which units."""
    async with session.connections.stream(listing.export(shapes=True), CHUNK) as (names, chunks):
        columns = columns_of(session, listing) + place_columns(session, listing, names)
        fields = [{"name": c.name, "title": c.heading, "unit": c.unit} for c in columns]
        opening = orjson.dumps({"type": "FeatureCollection", **head, "fields": fields})
        yield opening[:-1] + b',"features":['
        first = True
        async for chunk in chunks:
            parts = [_feature(listing, columns, row) for row in chunk]
            yield (b"" if first else b",") + b",".join(parts)
            first = False
        yield b"]}"


def _feature(listing: Listing, columns: list[Column], row: Any) -> bytes:
    shape = row[SHAPE] if listing.layer.spatial else None
    return orjson.dumps(
        {
            "type": "Feature",
            "id": identity(listing.layer, row),
            "geometry": orjson.Fragment(shape) if shape else None,
            "properties": {column.name: column.read(row) for column in columns},
        },
        default=str,
    )


async def xlsx_of(
    session: Session, listing: Listing, total: int, notes: list[tuple[str, Any]]
) -> IO[bytes]:
    """Write a workbook and return it: a file without a name, that is gone when it is closed.

    Parameters
    ----------
    total : how many rows there will be, for the limit of a sheet.
    notes : what the second sheet says of the list: heading and value.

    Raises
    ------
    BadRequest : more rows than a sheet holds.
    """
    if total > XLSX_ROWS:
        raise BadRequest(
            zh=f"共 {total:,} 行，超过 Excel 工作表的 {XLSX_ROWS:,} 行；请缩小范围或导出 CSV",
            en=f"There are {total:,} rows; a sheet of Excel holds {XLSX_ROWS:,}. "
            "Narrow the list, or export CSV",
            field="format",
            value="xlsx",
        )
    file = await asyncio.to_thread(tempfile.TemporaryFile)
    # The rows of the sheet lie here until they are zipped, or until that is given up.
    parts = await asyncio.to_thread(tempfile.TemporaryDirectory)
    try:
        query = listing.export(shapes=False)
        async with session.connections.stream(query, CHUNK) as (names, chunks):
            columns = columns_of(session, listing) + place_columns(session, listing, names)
            sheet = Workbook(file, parts.name, session.say(listing.layer.title), columns)
            async for chunk in chunks:
                await asyncio.to_thread(sheet.add, chunk)
        if sheet.cut:
            notes = [*notes, (session.say(_CUT), session.say(_cells(sheet.cut)))]
        await asyncio.to_thread(sheet.close, session.say(Text("说明", "Notes")), notes)
    except BaseException:
        file.close()
        raise
    finally:
        await asyncio.to_thread(parts.cleanup)
    return file


async def bytes_of(file: IO[bytes]) -> AsyncGenerator[bytes]:
    """Yield what is in a file from its beginning, and close it."""
    with file:
        file.seek(0)
        while part := await asyncio.to_thread(file.read, _PIECE):
            yield part


def _cells(cut: int) -> Text:
    return Text(
        f"{cut:,} 个单元格超过 Excel 的 {XLSX_CHARS:,} 个字符，已截断并以“…”结尾；CSV 中是全文",
        f"{cut:,} hold more than the {XLSX_CHARS:,} characters of Excel and end in “…”; "
        "the CSV has them whole",
    )


class Workbook:
    """A sheet written from the top down; text is written as text, whatever it begins with.

    `cut` counts the cells that were too long.
    """

    def __init__(self, file: IO[bytes], parts: str, name: str, columns: list[Column]) -> None:
        self._columns = columns
        self._book = xlsxwriter.Workbook(
            file, {"constant_memory": True, "remove_timezone": True, "tmpdir": parts}
        )
        self._sheet = self._book.add_worksheet(name[:31])
        self._formats = {
            "date": self._book.add_format({"num_format": "yyyy-mm-dd"}),
            "date-time": self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        bold = self._book.add_format({"bold": True, "bg_color": "#eef1f5", "bottom": 1})
        for place, column in enumerate(columns):
            width = max(10, min(28, 2 * len(column.heading)))
            self._sheet.set_column(place, place, width, self._formats.get(column.type))
            self._sheet.write_string(0, place, column.heading, bold)
        self._sheet.freeze_panes(1, 1)
        self._line = 0
        self.cut = 0

    def add(self, rows: list[Any]) -> None:
        """Add rows, one line each."""
        for row in rows:
            self._line += 1
            for place, column in enumerate(self._columns):
                self._write(self._line, place, column.read(row))

    def _write(self, line: int, place: int, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool):
            self._sheet.write_boolean(line, place, value)
        elif isinstance(value, int | float):
            self._sheet.write_number(line, place, value)
        elif isinstance(value, datetime):
            self._sheet.write_datetime(line, place, value, self._formats["date-time"])
        elif isinstance(value, date):
            self._sheet.write_datetime(line, place, value, self._formats["date"])
        else:
            text = str(value)
            fits = fitting(text)
            self.cut += fits is not text
            self._sheet.write_string(line, place, fits)

    def close(self, name: str, notes: list[tuple[str, Any]]) -> None:
        """Add the sheet of notes and write the file."""
        if self._line:
            self._sheet.autofilter(0, 0, self._line, len(self._columns) - 1)
        sheet = self._book.add_worksheet(name)
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 80)
        for line, (heading, value) in enumerate(notes):
            sheet.write_string(line, 0, heading)
            if isinstance(value, datetime):
                sheet.write_datetime(line, 1, value, self._formats["date-time"])
            elif isinstance(value, int | float):
                sheet.write_number(line, 1, value)
            else:
                sheet.write_string(line, 1, fitting(str(value)))
        self._book.close()
