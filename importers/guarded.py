"""Looking at a file before GDAL opens it: GDAL goes by what it finds and not by the name.

Whatever a file is called, GDAL takes it for what it seems to be, and some of what it knows is no
data but says where data are: another file of the server, an address, a database. So a file must
begin as its ending promises, those drivers are not loaded, and no schema is fetched from outside.
XML has no document type, hence no entities.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

from importers.messages import bad_input
from layers.problems import BadInput

MAX_COLUMNS: Final = 2_000
"""Columns of a table or fields of a layer: more are no columns but rows."""
MAX_DEPTH: Final = 64
"""Brackets of JSON in each other: a shape has seven."""
# What says where data are, or reaches out of the host.
UNUSED: Final = (
    "ADBC", "AmigoCloud", "Carto", "CSW", "EEDA", "Elasticsearch", "ESRIJSON", "GDALG",
    "GPSBabel", "HTTP", "MapML", "NGW", "OAPIF", "OGCAPI", "OGR_VRT", "PLSCENES", "VDV", "WFS",
)  # fmt: skip
_HEAD_BYTES: Final = 4096
_CHUNK: Final = 1 << 20
_LONGEST: Final = 16 << 20  # a text beyond that is left to the reader
_ROOTS: Final = {
    ".kml": re.compile(r"(?i)kml"),
    ".gml": re.compile(r"(?!OGR|VRT|WFS|GDAL)\w[\w.-]*"),
    ".osm": re.compile(r"osm|osmChange"),
}


def prepare_gdal() -> None:
    """Say to GDAL, before it is loaded, which drivers it is to leave out."""
    os.environ["OGR_SKIP"] = ",".join(UNUSED)
    os.environ["GML_DOWNLOAD_SCHEMA"] = "NO"


def check(path: Path) -> None:
    """See that a file begins as its ending promises, and holds nothing that no data need.

    Raises
    ------
    BadInput : it does not, is of no known ending, or is nested too deeply.
    """
    suffix = path.suffix.lower()
    looked = _CHECKS.get(suffix)
    if looked is None:
        raise bad_input(
            path,
            f"不认识后缀“{suffix}”；可读：{'、'.join(_CHECKS)}",
            f"files ending in '{suffix}' are not read; these are: {', '.join(_CHECKS)}",
        )
    looked(path)


def check_width(path: Path, count: int) -> None:
    """Refuse a table of more columns than a table has.

    Raises
    ------
    BadInput : there are more than `MAX_COLUMNS`.
    """
    if count > MAX_COLUMNS:
        raise bad_input(
            path,
            f"有 {count} 列，上限 {MAX_COLUMNS} 列；请检查分隔符，或是否行列颠倒",
            f"it has {count} columns, at most {MAX_COLUMNS} are read; see whether its separator "
            "is right, or rows and columns were exchanged",
        )


def check_json(path: Path) -> None:
    """Refuse JSON that is none, or that is nested deeper than any shape.

    Raises
    ------
    BadInput : it is so.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:1] not in (b"{", b"["):
        raise bad_input(path, "不是 GeoJSON；请重新导出", "it is no GeoJSON; export it again")
    deepest, names = measured(path)
    check_width(path, names)
    if deepest > MAX_DEPTH:
        raise bad_input(
            path,
            f"JSON 嵌套 {deepest} 层，上限 {MAX_DEPTH} 层；请重新导出",
            f"its JSON is nested {deepest} deep, at most {MAX_DEPTH} is read; export it again",
        )


# A text (perhaps one that goes on in the next piece; perhaps a name), brackets that open, and
# brackets that close.
_TOKENS: Final = re.compile(rb'("(?:[^"\\]|\\.)*)(?:"(\s*:)?|(\\?\Z))|([\[{]+)|([\]}]+)', re.DOTALL)


def measured(path: Path) -> tuple[int, int]:
    """Return how many brackets of a JSON file lie in each other, and how many names it has.

    It is read by pieces; reading ends where it is deeper than `MAX_DEPTH` or has more names than
    `MAX_COLUMNS`. Brackets in texts are left out.
    """
    depth = deepest = 0
    names: set[bytes] = set()
    rest = b""
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            text, rest = rest + piece, b""
            for found in _TOKENS.finditer(text):
                said, colon, goes_on, opened, closed = found.groups()
                if opened:
                    depth += len(opened)
                    deepest = max(deepest, depth)
                elif closed:
                    depth -= len(closed)
                elif colon:
                    names.add(said)
                elif goes_on is not None and len(said) < _LONGEST:
                    rest = found[0]
            if deepest > MAX_DEPTH or len(names) > MAX_COLUMNS:
                break
    return deepest, len(names)


def check_xml(path: Path) -> None:
    """Refuse XML with a document type, or whose first element is another than its kind has.

    Raises
    ------
    BadInput : it is so, or it is no XML.
    """
    wanted = _ROOTS.get(path.suffix.lower())
    roots: list[str] = []

    def document_type(*_: Any) -> None:
        raise bad_input(
            path,
            "XML 含有文档类型声明（DOCTYPE）或实体，出于安全不予读取；请去掉后再导入",
            "its XML has a document type (DOCTYPE) or entities: refused for safety; take it out",
        )

    def begun(name: str, _: Any) -> None:
        roots.append(name.rpartition(":")[2])

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = document_type
    parser.EntityDeclHandler = document_type
    parser.StartElementHandler = begun
    try:
        with path.open("rb") as file:
            while not roots and (piece := file.read(_HEAD_BYTES)):
                parser.Parse(piece, False)
    except BadInput:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:
        if not roots:
            raise bad_input(
                path, f"不是完整的 XML：{error}；请重新导出",
                f"it is no complete XML: {error}; export it again",
            ) from error  # fmt: skip
    check_width(path, _names_in_xml(path))
    if not roots or (wanted is not None and not wanted.fullmatch(roots[0])):
        said = f"<{roots[0][:60]}>" if roots else ""
        raise bad_input(
            path,
            f"内容 {said} 与后缀“{path.suffix}”不符；请重新导出",
            f"its content {said} is not what '{path.suffix}' promises; export it again",
        )


_NAMES: Final = re.compile(rb'<([\w:.-]+)|\bname="([^"]*)"')


def _names_in_xml(path: Path) -> int:
    """Return how many names of elements and of fields there are; GDAL looks each up in a list."""
    names: set[tuple[bytes, bytes]] = set()
    if path.suffix.lower() == ".osm":
        return 0  # its tags are no columns until they are chosen
    with path.open("rb") as file:
        while (piece := file.read(_CHUNK)) and len(names) <= MAX_COLUMNS:
            names.update(_NAMES.findall(piece))
    return len(names)


def _begins(*marks: bytes) -> Callable[[Path], None]:
    def looked(path: Path) -> None:
        with path.open("rb") as file:
            head = file.read(64)
        if not any(mark in head[: len(mark) + 8] for mark in marks):
            raise bad_input(
                path,
                f"内容与后缀“{path.suffix}”不符，或文件头已损坏；请重新取得",
                f"its content is not what '{path.suffix}' promises, or its head is broken; "
                "get it anew",
            )

    return looked


_CHECKS: Final[dict[str, Callable[[Path], None]]] = {
    ".geojson": check_json,
    ".json": check_json,
    ".gpkg": _begins(b"SQLite format 3\0"),
    ".fgb": _begins(b"fgb"),
    ".shp": _begins(b"\x00\x00\x27\x0a"),
    ".kml": check_xml,
    ".gml": check_xml,
    ".osm": check_xml,
    ".pbf": _begins(b"OSMHeader"),
}
