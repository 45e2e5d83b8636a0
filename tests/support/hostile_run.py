"""Import files one after the other in a process of its own, and tell how each went and grew.

Reads lines of JSON ``{"kind", "path"}`` from stdin; the argument is the database's address. For
each a line: ``outcome`` (loaded, refused, crashed), what was said, seconds, whether the database
is as it was, and by how many megabytes the most memory that the process ever held has grown.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import sqlalchemy as sa

TABLES = ("import_batch", "quarantine", "building", "asset", "room", "network_node", "position")


def main() -> None:
    """Import what stdin names."""
    from importers import pipeline
    from layers.problems import BadInput

    engine = sa.create_engine(sys.argv[1])

    def rows() -> list[int]:
        with engine.connect() as link:
            return [link.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar_one() for t in TABLES]

    for line in sys.stdin:
        asked = json.loads(line)
        data_dir = Path(asked["path"]).parent / "data"
        before, peak, began = rows(), _peak_mb(), time.monotonic()
        told: dict[str, Any] = {}
        try:
            report = pipeline.run(
                asked["kind"], [asked["path"]], engine=engine, data_dir=data_dir,
                crs=asked.get("crs"),
            )  # fmt: skip
            told = {"outcome": "loaded", "said": str(report.as_dict())[:300]}
        except BadInput as refused:
            told = {"outcome": "refused", "said": refused.text.en, "zh": refused.text.zh}
        except BaseException:  # noqa: BLE001 - it is told
            told = {"outcome": "crashed", "said": traceback.format_exc()[-1500:]}
        told["seconds"] = time.monotonic() - began
        told["grew_mb"] = _peak_mb() - peak
        told["changed"] = rows() != before
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
