"""Files that were damaged or made to do harm: a clear refusal, flat memory, nothing half loaded."""

from __future__ import annotations

import contextlib
import http.server
import json
import random
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from importers.guarded import MAX_COLUMNS, MAX_DEPTH, measured
from tests.importers.seeds import SEEDS
from tests.support.databases import Clone

ROOT = Path(__file__).parents[2]
FLAT_MB = 350
"""By so much a process may grow over one hostile file: libraries and a few chunks."""
Outcomes = list[dict[str, Any]]


@pytest.fixture
def outcomes(module_database: Clone) -> Callable[[Iterable[tuple[str, Path]]], Outcomes]:
    """Import files in another process, after one that is well; return how each went."""

    def made(files: Iterable[tuple[str, Path]], most_s: float = 300) -> Outcomes:
        asked = [json.dumps({"kind": kind, "path": str(path)}) for kind, path in files]
        ran = subprocess.run(
            [sys.executable, "-m", "tests.support.hostile_run", module_database.owner_url],
            input="\n".join(asked), capture_output=True, text=True, cwd=ROOT, timeout=most_s,
        )  # fmt: skip
        told = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
        assert len(told) == len(asked), f"it died at {asked[len(told)]}: {ran.stderr[-2000:]}"
        return told

    return made


def judged(told: Outcomes, *, refused: bool) -> list[str]:
    wrong = []
    for number, each in enumerate(told):
        if each["outcome"] == "crashed" or (refused and each["outcome"] != "refused"):
            wrong.append(f"{number}: {each}")
        elif each["outcome"] == "refused" and (each["changed"] or not each["zh"]):
            wrong.append(f"{number}: half loaded or not told: {each}")
        elif each["grew_mb"] > FLAT_MB or each["seconds"] > 60:
            wrong.append(f"{number}: {each['grew_mb']:.0f} MB, {each['seconds']:.0f} s")
    return wrong


def copies(folder: Path, seed: Path, name: str) -> Path:
    """Copy a seed with what lies beside it into a folder of its own."""
    made = folder / name
    made.mkdir()
    for part in seed.parent.iterdir():
        if part.is_file():
            shutil.copy(part, made / part.name)
    return made / seed.name


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_is_loaded_and_damaged_ones_are_loaded_whole_or_refused(name, tmp_path, outcomes):
    kind, maker = SEEDS[name]
    (tmp_path / "seed").mkdir()
    seed = maker(tmp_path / "seed")
    files = [copies(tmp_path, seed, "well")]
    whole = seed.read_bytes()
    for share in (0.05, 0.3, 0.6, 0.9, 0.99):
        path = copies(tmp_path, seed, f"cut{share}")
        path.write_bytes(whole[: max(1, int(len(whole) * share))])
        files.append(path)
    for number in range(12):
        chance = random.Random(f"{name}{number}")
        data = bytearray(whole)
        for _ in range(chance.choice((1, 3, 20))):
            # The head is where formats say how long things are.
            end = len(data) if chance.random() < 0.5 else min(len(data), 400)
            data[chance.randrange(end)] ^= 1 << chance.randrange(8)
        path = copies(tmp_path, seed, f"flip{number}")
        path.write_bytes(data)
        files.append(path)
    told = outcomes((kind, each) for each in files)
    assert told[0]["outcome"] == "loaded", told[0]
    assert told[0]["changed"]
    assert judged(told[1:], refused=False) == []
    assert any(each["outcome"] == "refused" for each in told[1:])


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    + "]><{root}>&j;</{root}>"
)  # fmt: skip
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    "<{root}><name>&a;</name></{root}>"
)
XML = {
    "a.kml": ("buildings", "kml"), "a.gml": ("buildings", "FeatureCollection"),
    "a.osm": ("buildings", "osm"), "b.osm": ("plan", "osm"), "a.gpx": ("tracks", "gpx"),
    "a.graphml": ("network", "graphml"),
}  # fmt: skip


def test_xml_with_entities_is_refused_wherever_xml_is_read(tmp_path, outcomes):
    files = []
    for file, (kind, root) in XML.items():
        for what, text in (("laughs", LAUGHS), ("outside", OUTSIDE)):
            path = tmp_path / f"{what}-{file}"
            path.write_text(text.replace("{root}", root))
            files.append((kind, path))
    told = outcomes(files)
    assert judged(told, refused=True) == []
    assert "root:" not in json.dumps(told)


def _deep_xml(root: str) -> str:
    return f"<{root}>" + "<a>" * 300_000 + "</a>" * 300_000 + f"</{root}>"


def test_deep_nesting_is_refused(tmp_path, outcomes):
    files = []
    for file, (kind, root) in XML.items():
        path = tmp_path / f"deep-{file}"
        path.write_text(_deep_xml(root))
        files.append((kind, path))
    deep = "[" * 1_000_000
    shape = '{"type": "Polygon", "coordinates": ' + deep + "1" + "]" * 1_000_000 + "}"
    texts = {
        "brackets": deep,
        "objects": '{"a":' * 200_000,
        "shape": '{"type": "Feature", "properties": {}, "geometry": ' + shape + "}",
        "property": '{"type": "FeatureCollection", "features": [{"type": "Feature", '
        '"properties": {"a": ' + "[" * 500 + "]" * 500 + '}, "geometry": null}]}',
    }
    for name, text in texts.items():
        path = tmp_path / f"{name}.geojson"
        path.write_text(text)
        files += [("buildings", path), ("network", path)]
    for name, text in texts.items():
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("manifest.json", '{"version": "1.0.0", "language": "zh"}')
            made.writestr("unit.geojson", text)
        files.append(("plan", path))
    told = outcomes(files)
    assert judged(told, refused=True) == []


def test_a_table_of_a_million_columns_is_refused_by_its_number(tmp_path, outcomes):
    many = 1_000_000
    (tmp_path / "a.csv").write_text(",".join(f"c{n}" for n in range(many)) + "\n1,2\n")
    (tmp_path / "t.csv").write_text("vehicle,time,lon,lat" + ",x" * many + "\na,b,1,2\n")
    cells = "".join(f'<c t="inlineStr"><is><t>c{n}</t></is></c>' for n in range(many))
    _workbook(tmp_path / "a.xlsx", f'<row r="1">{cells}</row><row r="2"><c><v>1</v></c></row>')
    properties = ",".join(f'"c{n}":1' for n in range(many))
    shape = '{"type":"Point","coordinates":[116.3,39.9]}'
    (tmp_path / "a.geojson").write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{'
        + properties + '},"geometry":' + shape + "}]}"
    )  # fmt: skip
    fields = "".join(f"<c{n}>1</c{n}>" for n in range(many))
    gml = 'xmlns:gml="http://www.opengis.net/gml"'
    (tmp_path / "a.gml").write_text(
        f"<FeatureCollection {gml}><gml:featureMember><a>{fields}</a></gml:featureMember>"
        "</FeatureCollection>"
    )
    fields = "".join(f'<Data name="c{n}"><value>1</value></Data>' for n in range(many))
    (tmp_path / "a.kml").write_text(
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><ExtendedData>'
        f"{fields}</ExtendedData></Placemark></Document></kml>"
    )
    cell = '<row r="1"><c r="A1"><v>1</v></c></row>'
    _workbook(tmp_path / "right.xlsx", cell + '<row r="2"><c r="ZZZ2"><v>1</v></c></row>')
    told = outcomes([
        ("buildings", tmp_path / "a.gml"), ("buildings", tmp_path / "a.kml"),
        ("assets", tmp_path / "right.xlsx"),
        ("assets", tmp_path / "a.csv"), ("meters", tmp_path / "a.csv"),
        ("network", tmp_path / "a.csv"), ("tracks", tmp_path / "t.csv"),
        ("assets", tmp_path / "a.xlsx"), ("buildings", tmp_path / "a.geojson"),
    ])  # fmt: skip
    assert judged(told, refused=True) == []
    assert all(str(MAX_COLUMNS) in each["said"] for each in told), told


def test_a_row_far_below_is_refused_before_all_between_are_counted(tmp_path, outcomes):
    path = tmp_path / "far.xlsx"
    far = '<row r="1999999999"><c r="A1999999999"><v>1</v></c></row>'
    _workbook(path, '<row r="1"><c r="A1"><v>1</v></c></row>' + far)
    (told,) = outcomes([("assets", path)])
    assert judged([told], refused=True) == []
    assert "1048576" in told["said"]


def _workbook(path: Path, rows: str) -> None:
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    spread = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        f'relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{types}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
        f'ContentType="{types}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{spread}" xmlns:r="{office}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{spread}"><sheetData>{rows}</sheetData>'
        "</worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in parts.items():
            made.writestr(name, head + text)


def test_zips_that_climb_link_swell_or_hide_are_refused(tmp_path, outcomes):
    link = zipfile.ZipInfo("unit.geojson")
    link.external_attr = 0o120777 << 16
    zeros = bytes(1 << 20)
    names: dict[str, Any] = {"climbs": "../unit.geojson", "root": "/etc/unit.geojson", "link": link}
    for name, member in names.items():
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as made:
            made.writestr(member, "{}")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as made:
        with made.open("unit.geojson", "w", force_zip64=True) as file:
            for _ in range(2_000):
                file.write(zeros)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as made:
        for number in range(5_000):
            made.writestr(f"{number}.geojson", "{}")
    kinds = [("plan", tmp_path / f"{name}.zip") for name in (*names, "bomb", "many")]
    shutil.copy(tmp_path / "bomb.zip", tmp_path / "bomb.xlsx")
    kinds += [(kind, tmp_path / "bomb.xlsx") for kind in ("assets", "meters", "network", "rooms")]
    # GDAL would open these by itself, and what is in them.
    kinds += [("buildings", tmp_path / "bomb.zip"), ("network", tmp_path / "bomb.zip")]
    told = outcomes(kinds)
    assert judged(told, refused=True) == []


@contextlib.contextmanager
def _listener() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Noting(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815 - the name is the library's

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Noting)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_no_file_makes_the_service_read_another_file_or_ask_another_host(
    tmp_path, outcomes, module_database
):
    secret = SEEDS["geojson"][1](tmp_path)
    with _listener() as (url, asked):
        vrt = (
            '<OGRVRTDataSource><OGRVRTLayer name="palace"><SrcDataSource>{}</SrcDataSource>'
            "</OGRVRTLayer></OGRVRTDataSource>"
        )
        texts = {
            "a.geojson": vrt.format(secret), "b.kml": vrt.format(secret),
            "c.gml": vrt.format(f"/vsicurl/{url}/a.geojson"), "d.json": vrt.format("PG:dbname=x"),
            "e.geojson": f"{url}/a.geojson",
            "f.gml": '<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="http://a {url}/a.xsd"><gml:featureMember><a><gml:Point '
            'srsName="EPSG:4326"><gml:pos>39.9 116.3</gml:pos></gml:Point></a>'
            "</gml:featureMember></gml:FeatureCollection>",
            "g.kml": '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><NetworkLink><Link>'
            f"<href>{url}/a.kml</href></Link></NetworkLink></Document></kml>",
            "h.gml": f"<OGRWFSDataSource><URL>{url}/wfs</URL></OGRWFSDataSource>",
            "i.vrt": vrt.format(secret),
        }  # fmt: skip
        files = []
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
            files.append(("buildings", tmp_path / name))
        (tmp_path / "j.tif").write_text(
            '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1">'
            f"<SimpleSource><SourceFilename>/vsicurl/{url}/a.tif</SourceFilename></SimpleSource>"
            "</VRTRasterBand></VRTDataset>"
        )
        told = outcomes([*files, ("imagery", tmp_path / "j.tif")])
        assert asked == []
    assert judged(told, refused=False) == []
    assert [each["outcome"] for each in told].count("loaded") <= 1  # f.gml is data after all
    with module_database.engine.connect() as link:
        seen = link.exec_driver_sql("SELECT count(*) FROM building WHERE name = '3号楼'")
        assert seen.scalar_one() <= 6  # those of the seeds that other tests loaded


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ('{"a": [1, [2, {"b": "[[[[{{{{"}]]}', 4),
        ('["\\"[[[", "\\\\", [[]]]', 3),
        ("[" * (MAX_DEPTH + 1), MAX_DEPTH + 1),
        ('{"a": "' + "x[" * 3_000_000 + '", "b": [[]]}', 3),
        ("", 0),
    ],
)
def test_the_depth_of_json_is_that_of_its_brackets_outside_of_texts(tmp_path, text, depth):
    path = tmp_path / "a.json"
    path.write_text(text)
    assert measured(path)[0] == depth
