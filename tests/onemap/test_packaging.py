"""One distribution, flat packages, locked dependencies, imports that go down only."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"geo", "layers", "importers", "tiles", "api", "onemap"}


def test_the_flat_names_belong_to_no_other_distribution() -> None:
    owners = importlib.metadata.packages_distributions()
    # An editable install lists none of its own packages; another's would be listed here.
    assert {name: owners.get(name, ["onemap"]) for name in PACKAGES} == {
        name: ["onemap"] for name in PACKAGES
    }


def built(folder: Path, target: str) -> None:
    """Build the project as it stands; the page must have been built before."""
    if not (ROOT / "web/dist/index.html").exists():
        pytest.skip("the page is not built; run make setup")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )


def test_the_wheel_holds_the_packages_and_the_built_page(tmp_path: Path) -> None:
    built(tmp_path, "wheel")
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES
    assert "layers/migrations/env.py" in names
    assert "layers/sql/history.sql" in names
    assert "onemap/page/index.html" in names


@pytest.mark.parametrize("without", [False, True])
def test_a_wheel_without_the_page_is_made_only_where_it_is_asked_for(
    tmp_path: Path, without: bool
) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE", "tools/build_hook.py",
                 "onemap/__init__.py", "web/index.html"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in PACKAGES:
        (tmp_path / name).mkdir(exist_ok=True)
    ended = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=tmp_path,
        env=os.environ | ({"ONEMAP_BUILD_WITHOUT_PAGE": "1"} if without else {}),
        capture_output=True,
        text=True,
    )
    assert (ended.returncode == 0) is without, ended.stderr
    assert ("make setup" in ended.stderr) is not without


def test_the_source_distribution_holds_the_built_page(tmp_path: Path) -> None:
    built(tmp_path, "sdist")
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {"web/dist/index.html", "tools/build_hook.py", "pyproject.toml"} <= names
    assert not [name for name in names if "node_modules" in name]


@pytest.mark.parametrize("lock", ["run", "server", "test", "uv"])
def test_every_locked_package_has_a_version_and_hashes_and_no_index_is_named(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    assert "://" not in text
    assert "--index" not in text
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert blocks
    for block in blocks:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+", block), block
        assert "--hash=sha256:" in block


def test_the_command_line_starts_without_the_server() -> None:
    blocked = "sqlalchemy psycopg pydantic fastapi uvicorn geopandas alembic".split()
    script = (
        f"import sys\nfor name in {blocked!r}: sys.modules[name] = None\n"
        "sys.argv = ['onemap', '--help']\n"
        "from onemap.cli import main\nmain()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "demo" in ended.stdout


def test_a_command_that_needs_the_server_says_how_to_install_it() -> None:
    script = (
        "import sys\nsys.modules['sqlalchemy'] = None\nsys.argv = ['onemap', 'db', 'status']\n"
        "from onemap.cli import main\nmain()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 8
    assert "pip install '.[server]'" in ended.stderr
