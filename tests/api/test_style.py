"""The map's style: what is named first, from which zoom, and from which layer of a tile."""

from __future__ import annotations

from typing import Any

import pytest

from layers.registry import LAYERS
from tiles.style import style


@pytest.fixture(scope="module", params=["light", "dark"])
def made(request: Any) -> dict[str, Any]:
    return style(LAYERS, base="http://map.test", language="zh", theme=request.param)


def layer(made: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in made["layers"] if each["id"] == name)


def test_names_of_areas_come_from_their_points_and_all_others_from_their_layer(made: Any) -> None:
    from_points = {
        each["id"] for each in made["layers"] if each.get("source-layer", "").endswith("-label")
    }
    assert from_points == {
        "sites-label", "buildings-label", "rooms-label", "greens-label", "waters-label",
    }  # fmt: skip
    assert layer(made, "roads-label")["source-layer"] == "roads"
    assert layer(made, "positions-label")["source-layer"] == "positions"


def test_all_text_stands_above_all_shapes_and_what_matters_most_is_placed_first(made: Any) -> None:
    kinds = [each["type"] for each in made["layers"]]
    first = kinds.index("symbol")
    assert set(kinds[first:]) == {"symbol"}
    names = [each["id"] for each in made["layers"]]
    order = ["roads-label", "greens-label", "buildings-label", "rooms-label", "sites-label",
             "positions-label"]  # fmt: skip
    assert [name for name in names if name in order] == order


def test_a_small_street_waits_for_a_nearer_zoom(made: Any) -> None:
    step, zoom, first, *rest = layer(made, "roads")["filter"]
    assert (step, zoom) == ("step", ["zoom"])
    assert first == ["in", ["get", "road_class"], ["literal", ["motorway", "primary"]]]
    assert rest[-2:] == [15, True]
    assert layer(made, "roads-outline")["filter"] == layer(made, "roads")["filter"]


def test_far_rooms_and_cars_are_named_by_the_end_of_their_number(made: Any) -> None:
    number = ["coalesce", ["get", "number"], ["get", "name"], ""]
    text = layer(made, "rooms-label")["layout"]["text-field"]
    assert text[:2] == ["step", ["zoom"]]
    assert text[2] == ["format", ["slice", number, ["+", ["index-of", "-", number], 1]], {}]
    assert "·" in str(layer(made, "positions-label")["layout"]["text-field"])


def test_no_colour_of_the_day_is_left_in_the_night() -> None:
    night = str(style(LAYERS, base="", language="zh", theme="dark"))
    assert all(color not in night for color in ("#f4f2ee", "#e2ddd5", "#dfeadb", "#cfe0ee"))
