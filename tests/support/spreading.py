"""Which tests one worker runs: those of a file, and the files that share what is dear to make.

Groups by mark (``--dist loadgroup``) come to nothing with pytest 9.2: pytest-xdist issue 1386.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# The browser; the demo that takes half a minute to build; the files of the demo.
SHARED = {
    "tests/e2e/": "browser",
    "tests/onemap/test_demo_build.py": "demo",
    "tests/onemap/test_demo_reconciles.py": "demo",
    "tests/onemap/test_demo_questions": "demo",
    "tests/onemap/test_demo.py": "files",
    "tests/onemap/test_demo_fleet.py": "files",
}


class ByFile(LoadScopeScheduling):
    """Hand out whole files, so that what a module sets up is set up once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((group for start, group in SHARED.items() if file.startswith(start)), file)
