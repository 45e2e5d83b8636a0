"""Settings from flags, the environment and defaults, each with its meaning in two languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from onemap.settings import Anonymous, Settings, describe, load, without_password
from onemap.trouble import ExitCode, Trouble


def test_a_flag_goes_before_the_environment_and_that_before_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load().port == 8080
    monkeypatch.setenv("ONEMAP_PORT", "9000")
    assert load().port == 9000
    assert load(port=9001).port == 9001
    assert load(port=None).port == 9000


def test_every_setting_tells_its_meaning_in_two_languages_and_where_its_value_is_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ONEMAP_WORKERS", "2")
    listed = {row["variable"]: row for row in describe(load(host="localhost"))}
    assert set(listed) == {f"ONEMAP_{name.upper()}" for name in Settings.model_fields}
    assert all(row["zh"] and row["en"] for row in listed.values())
    assert listed["ONEMAP_WORKERS"]["source"] == "environment"
    assert listed["ONEMAP_HOST"]["source"] == "flag"
    assert listed["ONEMAP_PORT"]["source"] == "default"


def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEMAP_TIMEZONE", "Peking")
    with pytest.raises(Trouble) as trouble:
        load()
    assert trouble.value.code is ExitCode.USAGE
    assert "ONEMAP_TIMEZONE" in trouble.value.zh


def test_the_whole_estate_is_shown_without_a_token_on_this_machine_only() -> None:
    assert load(anonymous=Anonymous.ESTATE).anonymous is Anonymous.ESTATE
    with pytest.raises(Trouble) as trouble:
        load(anonymous=Anonymous.ESTATE, host="0.0.0.0")
    assert trouble.value.code is ExitCode.USAGE


def test_a_listed_address_hides_its_password() -> None:
    shown = without_password("postgresql://estate:s3cret@db.example/onemap")
    assert shown == "postgresql://estate:***@db.example/onemap"


def test_the_data_folder_of_root_is_one_that_the_servers_user_can_enter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert not load().data_dir.is_relative_to("/root")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/home/data")
    assert load().data_dir == Path("/srv/home/data/onemap")


def test_the_readme_lists_every_setting() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    missing = [row["variable"] for row in describe(load()) if f"`{row['variable']}`" not in readme]
    assert missing == []
