"""docs/security.md tells the policy that is in force."""

from __future__ import annotations

from tests.support.policy_page import PAGE, TABLES, written


def test_the_tables_of_the_page_are_those_of_the_policy():
    text = PAGE.read_text("utf-8")
    assert written(text) == text, "write them anew: python -m tests.support.policy_page"
    for make in TABLES.values():
        assert make().count("\n") > 1
