"""How units and headings are said in both languages."""

from __future__ import annotations

import re

import pytest

from layers.fields import fields_of
from layers.labels import UNITS, Text, heading, unit_text
from layers.named import NAMED
from layers.registry import LAYERS

_HAN = re.compile(r"[\u4e00-\u9fff]")
_UNITS = {f.unit for layer in LAYERS for f in fields_of(layer) if f.unit} | {
    c.unit for each in NAMED for c in each.columns if c.unit
}


def test_every_unit_of_a_column_can_be_said_in_english():
    assert {"m²", "元", "人", "件", "天"} <= _UNITS
    assert not [unit for unit in _UNITS | set(UNITS) if _HAN.search(unit_text(unit).en)]


def test_a_sign_is_said_as_it_is():
    assert unit_text("km/h") == Text("km/h", "km/h")


@pytest.mark.parametrize(
    ("said", "headed"),
    [
        ("capacity", "Capacity"),
        ("heading, clockwise from north", "Heading, clockwise from north"),
        ("class (GB/T 14885)", "Class (GB/T 14885)"),
        ("kWh", "kWh"),
        ("m² a person", "m² a person"),
        ("Over by", "Over by"),
    ],
)
def test_an_english_heading_begins_with_a_capital(said: str, headed: str):
    assert heading(Text("题", said)) == Text("题", headed)


def test_every_heading_of_a_column_begins_with_a_capital():
    titles = [f.title.en for layer in LAYERS for f in fields_of(layer)]
    titles += [c.heading.en for each in NAMED for c in each.columns]
    titles += [each.title.en for each in NAMED]
    assert not [title for title in titles if not title[0].isupper()]
