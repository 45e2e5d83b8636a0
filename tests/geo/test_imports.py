"""The lowest folder knows nothing of the others."""

import ast
from pathlib import Path

import geo
from geo.messages import (
    CRS_MESSAGES,
    GEOMETRY_MESSAGES,
    MESSAGES,
    READING_MESSAGES,
    TRACK_MESSAGES,
)

ALLOWED = {"geo", "geopandas", "networkx", "numpy", "pandas", "pyproj", "shapely"}


def test_geo_imports_nothing_of_the_other_packages_and_no_database():
    import sys

    for path in Path(geo.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name} imports relatively"
                names = [node.module or ""]
            else:
                continue
            for name in names:
                top = name.split(".")[0]
                assert top in ALLOWED or top in sys.stdlib_module_names, f"{path.name}: {name}"


def test_every_reason_code_is_unique_and_speaks_both_languages():
    groups = (CRS_MESSAGES, GEOMETRY_MESSAGES, TRACK_MESSAGES, READING_MESSAGES)
    assert len(MESSAGES) == sum(map(len, groups))
    for code, message in MESSAGES.items():
        assert code == message.code
        assert message.zh
        assert message.en
        assert bool(message.remedy_zh) == bool(message.remedy_en)
