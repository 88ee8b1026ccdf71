"""What `till.toml` may say, and what is said about what it may not."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from front.config_file import ConfigFile, ConfigFileError
from front.tables import HintTable
from gitmeter.roles.role import HOMES
from tests.support.files import write_toml
from tests.till.accounts import CLICKPESA, STRIPE
from till.config.charge import ChargeTable
from till.config.example import EXAMPLE
from till.config.tables import (
    AccountTable,
    CardsTable,
    ListenTable,
    RateTable,
    TillConfig,
)
from wire_format.money import parse_nano
from wire_format.writers import TopupLimits

CARDS = {"consent_max_usd": "100.00", "consent_month_max_usd": "500.00"}
CHARGE = {"secret_file": "/p", "confirm_url": "https://portal.example/payments"}
RATE = {"currency": "TZS", "usd": "0.00038", "at": "2026-11-28T00:00:00Z"}


def values(changed: Mapping[str, Any] = {}, /, **other: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"mode": "test", "account": [{**STRIPE, **changed}]} | other


def load_config(path: Path) -> TillConfig:
    return ConfigFile("till", path).load(TillConfig)


def faults_of(tmp_path: Path, stated: Mapping[str, Any]) -> str:
    with pytest.raises(ConfigFileError) as refused:
        load_config(write_toml(tmp_path / "till.toml", stated))
    return str(refused.value)


def test_the_example_can_be_used_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "till.toml"
    path.write_text(EXAMPLE)
    found = load_config(path)
    assert found.mode == "test"
    assert [account.name for account in found.account] == ["stripe-test"]


@pytest.mark.parametrize(
    "table",
    [TillConfig, ListenTable, HintTable, CardsTable, ChargeTable, AccountTable, RateTable],
)
def test_the_example_names_every_key(table: type[BaseModel]) -> None:
    """Also those in comments, which can be used once the comment is taken away."""
    for name in table.model_fields:
        assert f"{name} =" in EXAMPLE or f"[{name}]" in EXAMPLE or f"[[{name}]]" in EXAMPLE, name
    whole = "\n".join(line.removeprefix("# ") for line in EXAMPLE.splitlines() if " = " in line)
    assert whole


def test_defaults_are_those_that_the_example_shows() -> None:
    shown = dict(
        line.removeprefix("# ").partition("#")[0].strip().split(" = ", 1)
        for line in EXAMPLE.splitlines()
        if " = " in line
    )
    found = TillConfig.model_validate(values())
    for name in ("payment_min_usd", "payment_max_usd", "first_week_usd", "rates_max_age_days"):
        assert tomllib.loads(f"x = {shown[name]}")["x"] == getattr(found, name)
    assert shown["home"].strip('"') == str(found.home) == HOMES["till"]


def test_a_till_that_charges_needs_no_secrets_of_events(tmp_path: Path) -> None:
    stated = values({"secret_files": []}, charge=CHARGE)
    found = load_config(write_toml(tmp_path / "till.toml", stated))
    assert found.charge is not None
    assert found.charge.fuse == TopupLimits(20, parse_nano("500"))
    for name in ("listen", "topups_hour_max", "topup_usd_hour_max"):
        shown = EXAMPLE.partition(f"# {name} = ")[2].partition("#")[0].splitlines()[0]
        assert tomllib.loads(f"x = {shown}")["x"] == getattr(found.charge, name)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (values(mode="liv"), "mode: must be 'live' or 'test'"),
        (values(surprise=1), "surprise: is not a known field"),
        (values({"name": "stripe"}), "in test mode a name must end with -test"),
        (values(mode="live"), "in live mode a name must not end with -test"),
        (values({"name": "Stripe-test"}), "1 to 32 of a-z, 0-9 and -, beginning with a letter"),
        (values({"kind": "paypal"}), "kind: must be 'stripe' or 'clickpesa'"),
        (values({"secret_files": []}), "account stripe-test: secret_files is missing"),
        (values({"secret_files": ["/a", "/b", "/c"]}), "no more than 2 entries"),
        (values({"tag_key_file": None} | {}), ""),
        (values({"currencies": ["USD", "EUR"]}), "there is no [[rate]] of EUR"),
        (values(payment_min_usd="9", payment_max_usd="8"), "payment_min_usd is above"),
        (values(payment_min_usd="0"), "payment_min_usd: must be above zero"),
        (values(payment_min_usd=5), "must be text, in quotes"),
        (values(return_urls=["https://portal.example"]), "must end with /"),
        (values(return_urls=["http://portal.example/"]), "must begin with https://"),
        (values(return_urls=["https://a@portal.example/"]), "without user"),
        (values(listen={"local": "0.0.0.0:80"}), "must be on this machine alone"),
        (values(listen={"local": "10.0.0.1:80"}), "must be on this machine alone"),
        (values(listen={"public": "127.0.0.1:1", "local": "127.0.0.1:1"}), "two addresses"),
        (values(listen={"public": "nowhere"}), "must be like 127.0.0.1:8760"),
        (values(rates_max_age_days=32), "must be at most 31"),
        (values(rate=[RATE, RATE]), "the rate of TZS is stated twice"),
        (values(rate=[{**RATE, "currency": "USD"}]), "needs no rate"),
        (values(rate=[{**RATE, "usd": "-1"}]), "must be above zero"),
        (values(cards={"consent_max_usd": "1"}), "cards consent_month_max_usd: is missing"),
        (values(cards=CARDS | {"consent_max_usd": "0"}), "must be above zero"),
        (values(cards=CARDS | {"consent_month_max_usd": "99"}), "above consent_month_max_usd"),
        (values(cards=CARDS, payment_max_usd="99"), "consent_max_usd is above payment_max_usd"),
        (values(cards=CARDS, account=[CLICKPESA], rate=[RATE]), "no account is at a provider"),
        (values(account=[]), "must have 1 or more entries"),
        (values(charge=CHARGE | {"listen": "0.0.0.0:8762"}), "must be on this machine alone"),
        (values(charge=CHARGE | {"confirm_url": "http://portal.example/"}), "begin with https://"),
        (values(charge=CHARGE | {"topup_usd_hour_max": "0"}), "must be above zero"),
        (values(charge=CHARGE | {"topups_hour_max": 0}), "topups_hour_max"),
        (
            values({**CLICKPESA, "tag_key_file": None}, charge=CHARGE),
            "clickpesa keeps no cards to [charge]",
        ),
        (values(account=[STRIPE, STRIPE]), "account stripe-test is stated twice"),
        (values({**CLICKPESA, "tag_key_file": "/t"}), "is for providers that keep tags"),
    ],
)
def test_a_fault_is_named_with_its_key(tmp_path: Path, stated: dict[str, Any], said: str) -> None:
    stated["account"] = [
        {name: value for name, value in each.items() if value is not None}
        for each in stated["account"]
    ]
    assert (said or "tag_key_file is missing") in faults_of(tmp_path, stated)


@pytest.mark.parametrize(
    ("mode", "url", "is_fine"),
    [
        ("live", "http://127.0.0.1:9", True),
        ("live", "https://stripe.example", False),
        ("test", "https://stripe.example", True),
        ("test", "http://stripe.example", False),
    ],
)
def test_another_address_of_a_provider_is_for_tests_and_this_machine(
    tmp_path: Path,
    mode: str,
    url: str,
    is_fine: bool,  # noqa: FBT001
) -> None:
    """Else whoever writes the configuration could make money of nothing."""
    name = "stripe-test" if mode == "test" else "stripe"
    stated = values({"base_url": url, "name": name}, mode=mode)
    if is_fine:
        load_config(write_toml(tmp_path / "till.toml", stated))
    else:
        assert "base_url" in faults_of(tmp_path, stated) or "https" in faults_of(tmp_path, stated)


def test_the_home_is_read_without_the_rest(tmp_path: Path) -> None:
    """Commands that a till shares with nodes work whatever else is wrong with the configuration."""
    path = tmp_path / "till.toml"
    assert ConfigFile("till", path).home() == Path(HOMES["till"])
    path.write_text('home = "/x"\nmode = 7\n')
    assert ConfigFile("till", path).home() == Path("/x")
    path.write_text("home = 7\n")
    with pytest.raises(ConfigFileError, match="home: must be a path"):
        ConfigFile("till", path).home()


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "till.toml"
    with pytest.raises(ConfigFileError, match="cannot be read: No such file"):
        load_config(path)
    path.write_text("mode =")
    with pytest.raises(ConfigFileError, match="not TOML"):
        load_config(path)
