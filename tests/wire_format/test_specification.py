"""Every example in the specification is what it says it is."""

import json
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args

import pytest

import wire_format
from wire_format import fields
from wire_format.commit_message import parse_message
from wire_format.explanation import explain_line
from wire_format.faults import FaultCode
from wire_format.field_types import DecisionKind
from wire_format.instants import to_us
from wire_format.lines import Folder
from wire_format.paths import parse_path
from wire_format.rule_book import (
    DEFAULT_DISCOUNTS,
    RULE_PATHS,
    RuleBookFiles,
    parse_rule_book,
)
from wire_format.segment import decode_segment
from wire_format.versions.forms import FORMS
from wire_format.versions.kinds import ACCOUNTS, DECISIONS, MONEY, Checks

RULE_NAMES: Final = tuple(Path(path).stem for path in RULE_PATHS)
TEXT: Final = (Path(wire_format.__file__).parent / "README.md").read_text()


_KINDS: Final = {
    Folder.PAYMENTS: MONEY,
    Folder.ACCOUNTS: ACCOUNTS,
    Folder.DECISIONS: {*DECISIONS, *get_args(get_args(DecisionKind)[0])},
}


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"no {language} block"
    return found


def section(title: str) -> str:
    _, found, rest = TEXT.partition(f"# {title}\n")
    assert found, title
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def first_column(text: str) -> list[str]:
    return [
        name
        for row in re.findall(r"^\| ([^|]*`[^|]*) \|", text, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    ]


def folder_of_line(line: str) -> Folder:
    """Where a line belongs, by its kind: no two folders have one in common."""
    kind = json.loads(line).get("kind")
    for folder, kinds in _KINDS.items():
        if kind in kinds:
            return folder
    return Folder.USAGE


def tables(text: str) -> dict[str, str]:
    """The rows of each table, by the first word of its head."""
    found = re.findall(r"^\| (\w+) \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return dict(found)


@pytest.mark.parametrize("block", blocks("json"))
def test_example_lines_are_valid(block: str) -> None:
    for line in block.splitlines(keepends=True):
        assert explain_line(line.encode(), folder_of_line(line)) is None
        assert not decode_segment(line.encode(), folder_of_line(line)).rejects


def test_example_lines_show_every_field() -> None:
    lines = [line for block in blocks("json") for line in block.splitlines()]
    for folder, versions in FORMS.items():
        for version, fields_ in versions.items():
            of_it = [x for x in lines if folder_of_line(x) is folder and f'"v":{version},' in x]
            shown = "".join(of_it)
            assert [field.name for field in fields_ if f'"{field.name}":' not in shown] == []


@pytest.mark.parametrize(
    ("title", "folder", "version"),
    [
        ("Usage lines", Folder.USAGE, 1),
        ("Money lines", Folder.PAYMENTS, 1),
        ("Money lines of version 2", Folder.PAYMENTS, 2),
        ("Account lines", Folder.ACCOUNTS, 2),
        ("Decision lines", Folder.DECISIONS, 1),
        ("Decision lines of version 2", Folder.DECISIONS, 2),
    ],
)
def test_the_tables_list_every_field_in_key_order(title: str, folder: Folder, version: int) -> None:
    fields_of = first_column(tables(section(title))["field"])
    assert fields_of == [field.name for field in FORMS[folder][version]]


@pytest.mark.parametrize(
    ("title", "kinds"),
    [
        ("Money lines of version 2", MONEY),
        ("Account lines", ACCOUNTS),
    ],
)
def test_the_tables_of_kinds_list_the_fields_of_each(
    title: str, kinds: Mapping[str, Checks]
) -> None:
    """Whether one is required in some cases alone is said in words."""
    stated: dict[str, set[str]] = {}
    for row in tables(section(title))["kind"].splitlines():
        names = [re.findall(r"`([^`]+)`", cell) for cell in row.strip("|").split("|")]
        for kind in names[0]:
            stated[kind] = {*names[1], *names[2]}
    every = {} if title.startswith("Money") else {"user": None, "by": None, "reason": None}
    values = {"manual", "USD", "undecided", "succeeded"}
    for kind, checks in kinds.items():
        has = {name.removesuffix("_") for name in (*checks.required, *checks.optional)}
        assert (stated[kind] | {*every}) - values == has, kind


def test_the_codes_are_listed_in_the_order_of_the_checks() -> None:
    assert first_column(section("Bad lines")) == [code.value for code in FaultCode]


def test_the_example_path_is_a_segments_path() -> None:
    (path,) = re.findall(r"^    (usage/\S+)$", TEXT, re.MULTILINE)
    assert str(parse_path(path)) == path


def test_the_example_message_is_read() -> None:
    (message,) = blocks("text")
    summary = parse_message(message)
    assert summary is not None
    assert (summary.node, summary.first_seq, summary.last_seq) == ("embedder-01", 1201, 1300)


def test_the_example_rule_book_is_read_and_its_ladder_is_the_default() -> None:
    prices, discounts, writers, fx, plans = (block.encode() for block in blocks("toml"))
    book = parse_rule_book(prices, discounts, None, writers, fx, plans)
    assert [version.name for version in book.plans.versions] == ["free", "pro"]
    assert book.writers.till_at("till-1", to_us(datetime(2026, 11, 1, tzinfo=UTC))) is not None
    assert [rate.currency for rate in book.fx.rates] == ["TZS"]
    assert [price.resource for price in book.prices] == [
        "llm/openai/gpt-4o/output_tokens",
        "vm/small/seconds",
        "mail/messages",
        "mail/messages",
    ]
    assert book.ladders == parse_rule_book(None, None).ladders
    assert DEFAULT_DISCOUNTS.endswith(discounts.decode())


@pytest.mark.parametrize("names", [RULE_NAMES[:2], RULE_NAMES[:-1], RULE_NAMES])
def test_the_shell_names_a_rule_book(tmp_path: Path, names: tuple[str, ...]) -> None:
    (command,) = blocks("sh")
    assert f"`{' '.join(RULE_NAMES)}`" in TEXT
    prices, discounts, writers, fx, plans = blocks("toml")
    files = [text.encode() for text in (prices, discounts, "", writers, fx, plans)][: len(names)]
    for name, data in zip(names, files, strict=True):
        (tmp_path / f"{name}.toml").write_bytes(data)
    script = command.replace("prices discounts", " ".join(names))
    result = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, check=True)
    assert result.stdout.split()[0].decode() == RuleBookFiles(*files).sha256


@pytest.mark.parametrize(
    "stated",
    [
        f"{fields.LINE_BYTES_MAX:,} bytes",
        f"({fields.INT_MAX})",
        f"1 to {fields.SEGMENT_RECORDS_MAX:,} lines",
        f"({fields.SEGMENT_BYTES_MAX:,} bytes)",
        f"1 to {fields.SEGMENTS_PER_COMMIT_MAX} segments",
        f"multiple of {fields.EPOCH_SIZE:,}",
        f"Years {fields.YEAR_MIN} to {fields.YEAR_MAX}",
        f"1 to {fields.META_ENTRIES_MAX} entries",
    ],
)
def test_limits_are_stated_as_the_code_has_them(stated: str) -> None:
    assert stated in TEXT


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT))))
def test_links_lead_somewhere(link: str) -> None:
    assert (Path(wire_format.__file__).parent / link).exists()


@pytest.mark.parametrize("anchor", sorted(set(re.findall(r"\]\(#([^)]+)\)", TEXT))))
def test_anchors_name_a_heading(anchor: str) -> None:
    headings: list[Any] = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    assert anchor in [re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings]
