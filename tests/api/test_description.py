"""The description tells the truth: examples and schemas are those of what is answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from api.app import create_app
from api.session import Config
from tests.api.conftest import Serve
from tests.support import small_estate

DESCRIPTION = create_app(Config("postgresql://nowhere")).openapi()
PROBLEM = "application/problem+json"


def answers(only: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every good answer in JSON, of one method or of all: path, media type, what is told of it."""
    for path, methods in DESCRIPTION["paths"].items():
        for operation in [o for method, o in methods.items() if only in ("", method)]:
            for status, told in operation["responses"].items():
                for kind, content in told.get("content", {}).items():
                    if status.startswith("2") and "json" in kind:
                        yield path, kind, content


@pytest.fixture(scope="module")
def estate(module_database: Any) -> tuple[Any, small_estate.Estate]:
    return module_database, small_estate.fill(module_database.engine)


def test_every_answer_in_json_has_one_form_a_schema_and_an_example_of_it():
    told = list(answers())
    for method in ("get", "post"):
        # What a job made is a report, or a file that may be GeoJSON.
        paths = [path for path, _, _ in answers(method) if path != "/jobs/{key}/result"]
        assert len(paths) == len(set(paths))
    assert len(told) > 20
    for path, _, content in told:
        assert content["schema"], path
        assert content["example"], path
        jsonschema.Draft202012Validator.check_schema(content["schema"])
        jsonschema.validate(content["example"], content["schema"])


def test_refusals_are_problems_and_those_there_are():
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            refused = {s: t for s, t in operation["responses"].items() if s >= "400"}
            # The framework would declare one for every parameter; ours is of what cannot be saved.
            assert method != "get" or "422" not in refused or path.endswith("/template"), path
            assert all(set(told["content"]) == {PROBLEM} for told in refused.values())
            names = {each["name"] for each in operation.get("parameters", [])}
            assert ("at" in names) <= ({"400", "401", "503"} <= set(refused)), path
            assert "404" in refused or "{" not in path, path
            assert method != "get" or "404" not in refused or "{" in path or "single" in path, path
    assert "HTTPValidationError" not in str(DESCRIPTION)


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/catalogue", "/measures", "/measures/over_quota",
     "/measures/km_per_day", "/measures/vacancy", "/measures/node_state", "/search?q=B03",
     "/features/rooms/{room}", "/features/vehicles/{vehicle}", "/features/buildings/{building}",
     "/features/persons/{person}", "/buildings/{building}/levels",
     "/buildings/{building}/stack", "/trips/{trip}/path", "/history/rooms/{room}", "/changes",
     "/changes/between?from=2020-01-01"],
)  # fmt: skip
async def test_what_is_answered_keeps_to_the_schema(path: str, estate: Any, serve: Serve):
    database, ids = estate
    first = {
        "room": ids["rooms", "B03-412"],
        "building": ids["buildings", "B03"],
        "vehicle": next(i for (layer, _), i in ids.ids.items() if layer == "vehicles"),
        "trip": ids["trips", "D0017-1"],
        "person": next(i for (layer, _), i in ids.ids.items() if layer == "persons"),
    }
    async with serve(database) as client:
        answer = await client.get(path.format(**first))
    assert answer.status_code == 200, answer.text
    address = answer.request.url.path
    declared = next(
        content["schema"]
        for template, _, content in answers("get")
        if _fits(template, address) and content["schema"]
    )
    jsonschema.validate(answer.json(), declared)


def _fits(template: str, address: str) -> bool:
    parts, given = template.split("/"), address.split("/")
    return len(parts) == len(given) and all(
        part.startswith("{") or part == each for part, each in zip(parts, given, strict=True)
    )


@pytest.mark.parametrize(
    "path",
    ["/ogc", "/ogc/api", "/ogc/conformance", "/ogc/collections", "/ogc/collections/{layer}",
     "/ogc/collections/{layer}/queryables", "/ogc/collections/{layer}/sortables",
     "/ogc/collections/{layer}/schema", "/ogc/collections/{layer}/items",
     "/ogc/collections/{layer}/tiles", "/ogc/collections/{layer}/tiles/{matrix_set}",
     "/ogc/tileMatrixSets", "/ogc/tileMatrixSets/{matrix_set}", "/style.json", "/tiles/{layer}"],
)  # fmt: skip
async def test_an_example_shows_what_is_answered(path: str, estate: Any, serve: Serve):
    (kind, content) = next((kind, told) for each, kind, told in answers("get") if each == path)
    address = path.replace("{layer}", "rooms").replace("{matrix_set}", "WebMercatorQuad")
    async with serve(estate[0]) as client:
        answer = await client.get(address, headers={"Accept-Language": "en"})
    assert answer.headers["content-type"] == kind
    assert set(content["example"]) <= set(answer.json())
