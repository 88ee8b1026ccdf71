"""What `portal.toml` may say, and what is said about what it may not."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from front.config_file import ConfigFile, ConfigFileError
from front.tables import HintTable
from gitmeter.roles.role import HOMES
from portal.config.example import EXAMPLE
from portal.config.tables import PortalConfig, PortalListenTable, TillTable
from tests.support.files import write_toml


def load_config(path: Path) -> PortalConfig:
    return ConfigFile("desk", path).load(PortalConfig)


def faults_of(tmp_path: Path, stated: Mapping[str, Any]) -> str:
    with pytest.raises(ConfigFileError) as refused:
        load_config(write_toml(tmp_path / "portal.toml", stated))
    return str(refused.value)


def uncommented() -> str:
    """The example with every key that it shows in a comment."""
    lines = EXAMPLE.splitlines()
    stated = [line.removeprefix("# ") for line in lines if " = " in line or "[" in line[:3]]
    return "\n".join(stated)


def test_the_example_can_be_used_as_it_is(tmp_path: Path) -> None:
    """And with every key that it shows in a comment."""
    path = tmp_path / "portal.toml"
    for text in (EXAMPLE, uncommented()):
        path.write_text(text)
        assert load_config(path).listen.address == PortalListenTable().address


@pytest.mark.parametrize("table", [PortalConfig, PortalListenTable, HintTable, TillTable])
def test_the_example_names_every_key(table: type[BaseModel]) -> None:
    """Also those in comments, which can be used once the comment is taken away."""
    for name in table.model_fields:
        assert f"{name} =" in EXAMPLE or f"[{name}]" in EXAMPLE, name


def test_defaults_are_those_that_the_example_shows() -> None:
    shown, found = tomllib.loads(uncommented()), PortalConfig()
    for name in ("stale_max_s", "rpm", "guesses_per_minute"):
        assert shown[name] == getattr(found, name)
    assert shown["home"] == str(found.home) == HOMES["desk"]
    assert shown["state"] == str(found.state)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"surprise": 1}, "surprise: is not a known field"),
        ({"stale_max_s": 59}, "stale_max_s: must be at least 60"),
        ({"stale_max_s": 604_801}, "stale_max_s: must be at most 604800"),
        ({"rpm": 0}, "rpm: must be at least 1"),
        ({"guesses_per_minute": 0}, "guesses_per_minute: must be at least 1"),
        ({"top_up_url": "http://portal.example/"}, "must begin with https://"),
        ({"listen": {"address": "nowhere"}}, "must be like 127.0.0.1:8760"),
        ({"listen": {"proxy": "proxy.example"}}, "proxy"),
        ({"till": {}}, "url: is missing"),
        ({"till": {"url": "http://pay.example/checkout"}}, "must begin with https://"),
        ({"hint": {"url": "http://meter.example/webhook"}}, "must begin with https://"),
    ],
)
def test_a_fault_is_named_with_its_key(
    tmp_path: Path, stated: Mapping[str, Any], said: str
) -> None:
    assert said in faults_of(tmp_path, stated)
