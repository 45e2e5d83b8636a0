"""What a password must be."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers import passwords
from layers.passwords import PasswordRules, faults

RULES = PasswordRules()
KINDS = (string.ascii_uppercase, string.ascii_lowercase, string.digits, "!#%&()*+,-./:;<=>?")


def broken(password: str, *names: str) -> list[str]:
    return [each.en for each in faults(password, names, RULES)]


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("Sh0rt!", "at least 10 characters"),
        ("alllowercase1", "at least 3 of"),
        ("Zhangsan-2026", "account's name"),
        ("ＺＨＡＮＧＳＡＮ-a1", "account's name"),
        ("Password123!", "common"),
        ("P@ssw0rd2026", "common"),
        ("Admin@123456", "common"),
        ("Qwertyuiop1!", "common"),
        ("Aa1Aa1Aa1Aa1", "common"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "common"),
        ("0123456789", "common"),
        ("x" * 300, "at most 256"),
    ],
)
def test_a_password_that_breaks_a_rule_is_told_which(password, said):
    assert any(said in each for each in broken(password, "zhangsan"))


@pytest.mark.parametrize(
    "password",
    ["Correct-Horse-7", "云汀区大院三号楼Room412", "four plain words make it", "Tr0ub4dor&3x"],
)
def test_a_password_of_three_kinds_or_of_many_characters_is_taken(password):
    assert broken(password, "zhangsan", "张三") == []


@given(
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=4, unique=True).flatmap(
        lambda kinds: st.tuples(
            st.just(len(kinds)),
            st.tuples(*(st.text(kind, min_size=1, max_size=5) for kind in kinds)),
        )
    )
)
def test_short_or_uniform_passwords_are_never_taken_and_the_reason_is_counted_right(made):
    kinds, parts = made
    password = "".join(parts)
    said = broken(password)
    assert any("characters are needed; it has" in each for each in said) == (len(password) < 10)
    wanting = kinds < 3 and len(password) < 20
    assert any("at least 3 of" in each for each in said) == wanting


def test_an_invented_password_satisfies_the_rules_and_is_another_each_time():
    made = {passwords.invented() for _ in range(50)}
    assert len(made) == 50
    assert all(broken(each) == [] for each in made)


def test_a_password_is_kept_as_argon2id_and_matches_in_any_width_of_its_characters():
    kept = passwords.hashed("Ｃorrect-Horse-7")
    assert kept.startswith("$argon2id$")
    assert "orrect" not in kept
    assert passwords.matches("Correct-Horse-7", kept)
    assert not passwords.matches("correct-horse-7", kept)
    assert not passwords.matches("Correct-Horse-7", "no hash at all")
