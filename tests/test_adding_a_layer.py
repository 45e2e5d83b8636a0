"""Adding a layer is one class, one `Layer`, one migration - and no other file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_a_throw_away_layer_is_found_everywhere(database, tmp_path):
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.support.throwaway",
            database.owner_url,
            database.app_url,
            str(tmp_path),
        ],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert "create_tracked('hydrant'" in found["migration"]
    assert 'drop_tracked("hydrant")' in found["migration"]
    (entry,) = found["catalogue"]
    assert entry["title"] == {"zh": "消火栓", "en": "Hydrants"}
    assert entry["count"] == 1
    assert next(f for f in entry["fields"] if f["name"] == "pressure_kpa")["unit"] == "kPa"
    assert found["tile"] == {"name": "门前消火栓", "pressure_kpa": 140.0}
    assert found["style"] == ["hydrants"]
    assert found["queryables"]["type"] == "number"
    assert found["items"] == ["门前消火栓"]
    assert found["search"] == ["hydrants"]
    assert "hydrants" in found["collections"]
    assert found["client"] == {"rows": 1, "crs": "EPSG:4326", "name": ["门前消火栓"]}
