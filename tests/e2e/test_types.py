"""The page's types are those of the service."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.e2e.serving import ROOT, WEB


def test_the_types_of_the_page_are_made_from_the_service_as_it_is() -> None:
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["node", "tools/api.mjs", "--check"],
        cwd=WEB,
        env=os.environ | {"PATH": path, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
