"""Level expressions as OSM and as Chinese buildings write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.levels import level_label, parse_levels


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("0", [0]),
        ("-1", [-1]),
        ("-0", [0]),
        ("1;2", [1, 2]),
        ("1,2", [1, 2]),
        ("2; 1 ;2", [1, 2]),
        ("0-1", [0, 1]),
        ("0-3", [0, 1, 2, 3]),
        ("0.5", [0.5]),
        ("-1-3", [-1, 0, 1, 2, 3]),
        ("-1--3", [-3, -2, -1]),
        ("-2--1;4", [-2, -1, 4]),
        ("0.5-2", [0.5, 1, 2]),
        ("B1", [-1]),
        ("B2-F2", [-2, -1, 0, 1]),
        ("F1", [0]),
        ("F2", [1]),
        ("12F", [11]),
        ("3层", [2]),
        ("第3层", [2]),
        ("三楼", [2]),
        ("十二层", [11]),
        ("二十层", [19]),
        ("二十一层", [20]),
        ("地下一层", [-1]),
        ("地下2层", [-2]),
        ("负一层", [-1]),
        ("首层", [0]),
        ("夹层", [0.5]),
        ("F2夹层", [1.5]),
        ("B1夹层", [-0.5]),
        ("B1、F1", [-1, 0]),
    ],
)
def test_an_expression_gives_its_levels(text, levels):
    assert parse_levels(text) == levels


@pytest.mark.parametrize(
    "text", ["", " ; ", "roof", "F0", "B0", "1-", "--1", "屋顶", "0-999", "十十层", "一二层"]
)
def test_what_is_no_level_is_refused(text):
    with pytest.raises(ValueError):
        parse_levels(text)


@pytest.mark.parametrize(
    ("number", "label"), [(0, "F1"), (4, "F5"), (-1, "B1"), (0.5, "F1M"), (-0.5, "B1M")]
)
def test_a_level_has_a_label(number, label):
    assert level_label(number) == label


@given(st.integers(-20, 150), st.booleans())
def test_a_label_is_read_back_to_its_number(number, mezzanine):
    value = number + 0.5 * mezzanine
    assert parse_levels(level_label(value)) == [value]


def test_every_level_of_the_real_plans_is_read(shared_data):
    texts = {
        text
        for name in ("SIST_1.osm", "APBorig.osm")
        for text in re.findall(
            r"""k=['"]level['"] v=['"]([^'"]*)""",
            (shared_data / "floorplans" / name).read_text(encoding="utf-8"),
        )
    }
    assert {"0-1", "0.5", "-1-3"} <= texts
    assert all(parse_levels(text) for text in texts)
