"""Whatever a name may hold, hledger reads it as that name."""

import json
import re
from typing import Final
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.reports.exports.journal.accounts import cash, fees_of, usage_of
from aggregator.reports.exports.journal.entries import EntryKind, JournalEntry
from aggregator.reports.exports.journal.names import account_part, text_part
from aggregator.reports.exports.journal.writing import entry_texts
from tests.support import hledger
from wire_format import fields

_SIGNS: Final = [chr(number) for number in range(ord("!"), ord("~") + 1)]
_NAMES: Final = [
    *(name for sign in _SIGNS for name in (sign, f"{sign}x", f"x{sign}", f"x{sign}y", sign * 2)),
    *(f"{one}{other}" for one in "%:;|()=*![]{}@~\"'#," for other in "%:;|()=*![]{}@~\"'#,"),
    *("%3A", "%253A", "x%", "a:b", "a%3Ab", "date:2026-01-01", "[2026-01-01]", "(x)", "* x"),
    *("two  blanks", " ", "\t", "x ", " x", "é", "\n", "\x7f", ""),
]
ORDINARY: Final = (
    *("llm/tokens", "llm/openai/gpt-4o/output_tokens", "alice@example.com", "usr_1", "pi_3Q8c1f"),
    *("stripe-eu", "pro_2", "vm.small", "a+b", "A-1", "x=y", "manual"),
)
_PATTERNS: Final = (fields.RESOURCE_PATTERN, fields.USER_PATTERN, fields.REFERENCE_PATTERN)
_EVERY: Final = st.one_of(st.text(), *(st.from_regex(p, fullmatch=True) for p in _PATTERNS))


def journal_of(names: list[str]) -> str:
    """A journal that has each name in an account, as a code and in a description."""
    entries = [
        JournalEntry(
            *(at, EntryKind.MONEY, f"payment of {text_part(name)}"),
            ((usage_of(name), -at - 1), ("liabilities:prepaid", at + 1)),
            *(name, "books 1"),
        )
        for at, name in enumerate(names)
    ]
    return "\n".join(("commodity 1000.000000000 USD", *entry_texts(entries, set()), ""))


def read_back(names: list[str]) -> list[tuple[str, str, str]]:
    """The same as hledger reads it: the last part of the account, the code and the user."""
    found = []
    for entry in json.loads(hledger.hledger(journal_of(names), "print", "-O", "json")):
        accounts = [posting["paccount"] for posting in entry["tpostings"]]
        assert accounts[1:] == ["liabilities:prepaid"]
        top, second, *rest = accounts[0].split(":")
        assert (top, second, len(rest)) == ("revenue", "usage", 1)
        said = entry["tdescription"].removeprefix("payment of ")
        assert entry["tcomment"].strip() == "books 1"
        found.append((rest[0], entry["tcode"], said))
    return found


def test_hledger_reads_every_name_back() -> None:
    """Each sign that a line may have, alone, at either end, in the middle, twice, and in pairs."""
    names = [name for name in _NAMES if name]
    found = read_back(names)
    assert [tuple(map(unquote, each)) for each in found] == [(name,) * 3 for name in names]


def test_hledger_keeps_accounts_apart_and_splits_none(tmp_path: object) -> None:
    """It lists as many as there are names, each one level below the revenue of usage."""
    names = sorted({name for name in _NAMES if name})
    listed = hledger.hledger(journal_of(names), "accounts", "--used").splitlines()
    below = [name for name in listed if name.startswith("revenue:")]
    assert sorted(unquote(name.removeprefix("revenue:usage:")) for name in below) == names


@given(_EVERY)
def test_names_are_encoded_as_in_addresses(name: str) -> None:
    for encode in (account_part, text_part):
        assert re.fullmatch(r"[!-~]*", encode(name))
        assert unquote(encode(name)) == name


@given(_EVERY, _EVERY)
def test_different_names_stay_different(one: str, other: str) -> None:
    for encode in (account_part, text_part):
        assert (encode(one) == encode(other)) is (one == other)


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert (account_part(name), text_part(name)) == (name, name)


def test_a_colon_is_part_of_a_reference_but_not_of_an_account() -> None:
    assert text_part("cash:1") == "cash:1"
    assert usage_of("llm:tokens") == "revenue:usage:llm%3Atokens"
    assert cash("stripe-eu") == "assets:cash:stripe-eu"
    assert fees_of("pro_2") == "revenue:plans:pro_2"
