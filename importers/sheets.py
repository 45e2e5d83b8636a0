"""Sheets: reading CSV and XLSX with their row numbers, and writing the sheet to fill in.

What a sheet of a kind holds is said once, by the model's columns (title, unit, choices, example).
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError  # nosec B405 # raised by others, parses nothing

import geopandas as gpd
import pandas as pd
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation

from importers.base import ATTRIBUTE, FILE, ROW, Found, Importer, Issue, Options, Target
from importers.columns import PLACE, fields_of, guess
from importers.guarded import check_width
from importers.messages import bad_input, message
from importers.places import points
from importers.plans.archive import check_unpacked, widest_row
from importers.values import as_text, cell, convert
from layers.base import Base, Feature, table_of
from layers.labels import CHOICES, Text, unit_text

SUFFIXES: Final = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm")
_EXCEL: Final = (".xlsx", ".xlsm")
_HEADING, _EXAMPLE = 1, 2
MAX_ROWS: Final = 1 << 20
"""Of a workbook's sheet, as spreadsheets have them."""


@dataclass(frozen=True)
class Field:
    """One column of a sheet: what it is called and what may stand in it."""

    name: str
    title: Text
    unit: str | None = None
    choices: str | None = None
    example: str | None = None
    required: bool = False

    @property
    def heading(self) -> str:
        """The heading in Chinese, with the unit."""
        return f"{self.title.zh}（{self.unit}）" if self.unit else self.title.zh


def read(path: Path, options: Options) -> tuple[pd.DataFrame, list[Issue]]:
    """Return a sheet's rows under its headings; ``_row`` is the row as the user's program shows it.

    Raises
    ------
    BadInput : the file is no sheet, or has no heading or no row.
    """
    issues: list[Issue] = []
    if path.suffix.lower() in _EXCEL:
        rows = _excel(path, options)
    else:
        text, encoding = decoded(path, options.encoding)
        if encoding != "UTF-8":
            said = message("encoding_decided", value=encoding)
            issues.append(Issue(path.name, None, None, encoding, "encoding_decided",
                                said.zh, said.en, "noted"))  # fmt: skip
        rows = _csv(path, text)
    filled = [(number, row) for number, row in rows if any(v not in (None, "") for v in row)]
    if not filled:
        raise bad_input(path, "表中没有内容", "there is nothing in the sheet")
    headings = _headings(filled[0][1])
    if len(filled) == 1:
        raise bad_input(path, "只有表头，没有数据行", "there is a heading and no row")
    width = len(headings)
    data = [[*row[:width], *[None] * (width - len(row))] for _, row in filled[1:]]
    frame = pd.DataFrame(data, columns=headings, dtype=object)
    frame = frame.where(frame.notna() & (frame != ""), None)
    frame = frame[[h for h in headings if not h.startswith("\0")]]
    frame[ROW] = [number for number, _ in filled[1:]]
    frame[FILE] = path.name
    return frame, issues


def decoded(path: Path, encoding: str | None = None) -> tuple[str, str]:
    """Return a text file's content and its encoding.

    UTF-8 (BOM or not), GB18030, Windows-1252, and Mac Roman where lines end in CR alone.

    Raises
    ------
    BadInput : it is none of them.
    """
    data = path.read_bytes()
    names = [encoding] if encoding else ["utf-8-sig", "gb18030", "cp1252"]
    if b"\n" not in data and not encoding:
        names.append("mac-roman")  # lines end in CR alone, as old spreadsheets on the Mac wrote
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        names = ["utf-16"]
    for name in names:
        try:
            text = data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
        if "\0" not in text:
            plain = text.replace("\r\n", "\n").replace("\r", "\n")
            return plain, "UTF-8" if name == "utf-8-sig" else name.upper()
    raise bad_input(
        path,
        "认不出文字编码；请另存为 UTF-8 的 CSV",
        "its encoding is unknown; save it as CSV UTF-8",
    )


def _csv(path: Path, text: str) -> Iterable[tuple[int, list[Any]]]:
    first = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max((",", "\t", ";"), key=first.count)
    check_width(path, first.count(delimiter) + 1)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        return [(n, [c.strip() for c in row]) for n, row in enumerate(reader, 1)]
    except csv.Error as error:
        raise bad_input(path, f"不是可读的 CSV：{error}", f"not a readable CSV: {error}") from error


def sheet_names(path: Path) -> list[str]:
    """Return the names of a workbook's sheets.

    Raises
    ------
    BadInput : it is no readable workbook, or unpacks to too much.
    """
    book = _workbook(path)
    try:
        return list(book.sheetnames)
    finally:
        book.close()


def _workbook(path: Path) -> Workbook:
    check_unpacked(path)
    check_width(path, widest_row(path))
    with _readable(path):
        return load_workbook(path, read_only=True, data_only=True)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say of a workbook that is damaged what can be done: its library has no word for that."""
    try:
        yield
    except (
        InvalidFileException, zipfile.BadZipFile, zlib.error, ParseError, EOFError, KeyError,
        IndexError, TypeError, AttributeError, ValueError, NotImplementedError, OSError,
    ) as error:  # fmt: skip
        raise bad_input(
            path,
            "不是可读的 XLSX 工作簿（可能已损坏，或是改了后缀）；请在表格软件中另存为 .xlsx",
            "not a readable XLSX workbook (broken, or another file renamed); save it as .xlsx anew",
        ) from error


def _excel(path: Path, options: Options) -> Iterable[tuple[int, list[Any]]]:
    book = _workbook(path)
    try:
        names = book.sheetnames
        if options.layer is not None and options.layer not in names:
            raise bad_input(
                path, f"没有工作表“{options.layer}”；有：{'、'.join(names)}",
                f"there is no sheet '{options.layer}'; there are: {', '.join(names)}",
            )  # fmt: skip
        sheet = book[options.layer] if options.layer else book[names[0]]
        sheet.reset_dimensions()
        with _readable(path):
            return list(_rows(path, sheet))
    finally:
        book.close()


def _rows(path: Path, sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        check_width(path, len(row))
        if number > MAX_ROWS:  # rows that are left out are counted too
            raise bad_input(
                path,
                f"行号超过 {MAX_ROWS}；请删去多余的行后另存",
                f"a row's number is beyond {MAX_ROWS}; delete what lies far below and save it anew",
            )
        if any(value is not None for value in row):
            yield number, [v.strip() if isinstance(v, str) else v for v in row]


def _headings(row: Sequence[Any]) -> list[str]:
    """Return the headings; one that occurs again gets its number, one that is empty is dropped."""
    made: list[str] = []
    seen: dict[str, int] = {}
    for position, value in enumerate(row):
        text = "" if value is None else str(value).strip()
        if not text:
            made.append(f"\0{position}")
            continue
        seen[text] = seen.get(text, 0) + 1
        made.append(text if seen[text] == 1 else f"{text}.{seen[text]}")
    return made


def found(
    model: type[Base],
    path: Path,
    options: Options,
    *,
    natural: str | Sequence[str] | None,
    unique: Sequence[str] = (),
    required: Sequence[str] = (),
    choices: Mapping[str, Mapping[str, str]] | None = None,
    words: Mapping[str, Sequence[str]] | None = None,
) -> Found:
    """Read a sheet whose rows are rows of one model.

    Parameters
    ----------
    natural : the column (or columns) that name a row: its source key.
    words : further headings for fields.
    """
    frame, issues = read(path, options)
    headings = [h for h in frame.columns if h not in (ROW, FILE)]
    mapping = guess(headings, model, options.mapping, words)
    fields = mapping.fields
    made: dict[str, Any] = {ROW: frame[ROW], FILE: frame[FILE]}
    made |= {n: frame[h] for n, h in fields.items() if n not in PLACE}
    made |= {ATTRIBUTE + h: frame[h] for h in mapping.rest if frame[h].notna().any()}
    keys = [natural] if isinstance(natural, str) else list(natural or ())
    rule = Text(f"列 {' + '.join(keys)}", f"column {' + '.join(keys)}")
    table = pd.DataFrame(made)
    if "source_key" not in fields:
        table["source_key"] = _keys(table, model, keys, options)
    if {"lon", "lat"} <= fields.keys() and issubclass(model, Feature):
        table = _with_points(table, frame, fields)
    target = Target(
        model, table, unique=unique, required=[*keys[:1], *required], key_rule=rule,
        choices=choices or {},
    )  # fmt: skip
    issues += _digits_lost(frame, headings, path.name)
    return Found([target], issues, dict(fields), list(mapping.rest))


def _digits_lost(frame: pd.DataFrame, headings: Sequence[str], file: str) -> list[Issue]:
    """Say where long numbers have become ``3.55E+15`` on their way through a spreadsheet."""
    made = []
    for heading in headings:
        text = as_text(frame[heading])
        spoilt = text.str.fullmatch(r"\d(\.\d+)?E\+\d{2}").fillna(value=False).astype(bool)
        if spoilt.any():
            value = str(text[spoilt].iat[0])
            said = message("digits_lost", field=heading, value=value, count=int(spoilt.sum()))
            row = int(cell(frame[ROW][spoilt], 0))
            made.append(Issue(file, row, heading, value, "digits_lost", said.zh, said.en, "noted"))
    return made


def _keys(
    table: pd.DataFrame, model: type[Base], keys: Sequence[str], options: Options
) -> pd.Series[Any]:
    columns = table_of(model).c
    parts = []
    for name in keys:
        if name not in table:
            parts.append(pd.Series("", index=table.index, dtype="str"))
            continue
        values = table[name]
        if "reference" not in columns[name].info:
            values = convert(columns[name], values, timezone=options.timezone).values
        parts.append(as_text(values))
    if not parts:
        return table[ROW].astype("str")
    if len(parts) == 1:
        return parts[0]
    joined = parts[0].fillna("")
    for part in parts[1:]:
        joined = joined + "/" + part.fillna("")
    return joined


def _with_points(
    table: pd.DataFrame, frame: pd.DataFrame, fields: Mapping[str, str]
) -> gpd.GeoDataFrame:
    axes = {
        axis: pd.to_numeric(as_text(frame[fields[axis]]), errors="coerce")
        for axis in ("lon", "lat")
    }
    shapes = points(axes["lon"], axes["lat"])
    return gpd.GeoDataFrame(table, geometry=shapes).rename_geometry("geom")


def fields(model: type[Base], *, left_out: Sequence[str] = ()) -> list[Field]:
    """Return the columns of a kind's sheet, from the model; references are natural keys."""
    made = []
    order = sorted(fields_of(model).items(), key=lambda item: item[0] != "name")
    for name, column in order:
        if name == "source_key" or name in left_out:
            continue
        info = column.info
        made.append(
            Field(
                name,
                info.get("title", Text(name, name)),
                info.get("unit"),
                info.get("choices"),
                None if "reference" in info else info.get("example"),
                required=not column.nullable and column.server_default is None,
            )
        )
    if issubclass(model, Feature) and model.geometry_type == "POINT":
        made += [Field(axis, title, unit="°") for axis, title in PLACE.items()]
    return made


def write_template(importer: Importer, path: Path) -> None:
    """Write the sheet of a kind: Chinese headings with notes, and one example row.

    Raises
    ------
    BadInput : the kind is not read from sheets, or the file cannot be written.
    """
    columns = importer.sheet()
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = importer.title.zh[:31]
    page.freeze_panes = "A2"
    for number, each in enumerate(columns, 1):
        head = page.cell(_HEADING, number, each.heading)
        head.font = Font(bold=True, color="FF9C0006" if each.required else "FF000000")
        head.fill = PatternFill("solid", fgColor="FFF2EFE8")
        head.comment = Comment(_note(each), "onemap")
        page.column_dimensions[get_column_letter(number)].width = max(12, 2 * len(each.heading) + 2)
        if (value := _example(each)) is not None:
            cell = page.cell(_EXAMPLE, number)
            # Written as text or number, never as a formula, whatever it begins with.
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"
        _restrict(page, each, get_column_letter(number))
    try:
        book.save(path)
    except OSError as error:
        raise bad_input(
            path,
            f"无法写入：{error.strerror}；请换一个位置",
            f"cannot be written: {error.strerror}; choose another place",
        ) from error


def _note(each: Field) -> str:
    lines = [each.title.en]
    if each.required:
        lines.append("必填 | required")
    if each.unit:
        lines.append(f"单位 | unit: {' | '.join(dict.fromkeys(unit_text(each.unit)))}")
    if each.choices:
        lines.append("可用 | one of: " + "、".join(t.zh for t in CHOICES[each.choices].values()))
    return "\n".join(lines)


def _example(each: Field) -> str | float | None:
    if each.example is None:
        return next(iter(CHOICES[each.choices].values())).zh if each.choices else None
    if each.unit and each.unit != "°":
        return float(each.example)
    return each.example


def _restrict(page: Any, each: Field, letter: str) -> None:
    """Offer the allowed values as a list where Excel can hold it (255 characters)."""
    if not each.choices:
        return
    words = ",".join(text.zh for text in CHOICES[each.choices].values())
    if len(words) > 250:
        return
    offered = DataValidation(type="list", formula1=f'"{words}"', allow_blank=True)
    offered.add(f"{letter}2:{letter}5000")
    page.add_data_validation(offered)
