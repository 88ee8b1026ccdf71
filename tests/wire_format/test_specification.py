"""Every example in the specification is what it says it is."""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

import wire_format
from wire_format import fields
from wire_format.commit_message import parse_message
from wire_format.explanation import explain_line
from wire_format.faults import FaultCode
from wire_format.lines import Folder
from wire_format.paths import parse_path
from wire_format.rule_book import DEFAULT_DISCOUNTS, parse_rule_book, rule_book_sha256
from wire_format.schema import MODELS, Record
from wire_format.segment import decode_segment

TEXT: Final = (Path(wire_format.__file__).parent / "README.md").read_text()


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
    if '"by":' in line:
        return Folder.DECISIONS
    return Folder.PAYMENTS if '"kind":' in line else Folder.USAGE


@pytest.mark.parametrize("block", blocks("json"))
def test_example_lines_are_valid(block: str) -> None:
    for line in block.splitlines(keepends=True):
        assert explain_line(line.encode(), folder_of_line(line)) is None
        assert not decode_segment(line.encode(), folder_of_line(line)).rejects


def test_example_lines_show_every_field() -> None:
    shown = "".join(blocks("json"))
    for (_, version), model in MODELS.items():
        if version > 1:
            continue
        assert [name for name in model.model_fields if f'"{name}":' not in shown] == []


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("Usage lines", MODELS[Folder.USAGE, 1]),
        ("Money lines", MODELS[Folder.PAYMENTS, 1]),
        ("Decision lines", MODELS[Folder.DECISIONS, 1]),
    ],
)
def test_the_tables_list_every_field_in_key_order(title: str, model: type[Record]) -> None:
    assert first_column(section(title)) == list(model.model_fields)


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
    prices, discounts = (block.encode() for block in blocks("toml"))
    book = parse_rule_book(prices, discounts)
    assert [price.resource for price in book.prices] == [
        "llm/openai/gpt-4o/output_tokens",
        "vm/small/seconds",
    ]
    assert book.ladders == parse_rule_book(None, None).ladders
    assert DEFAULT_DISCOUNTS.endswith(discounts.decode())


def test_the_shell_names_a_rule_book(tmp_path: Path) -> None:
    (command,) = blocks("sh")
    for name, block in zip(("prices", "discounts"), blocks("toml"), strict=True):
        (tmp_path / f"{name}.toml").write_text(block)
    result = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=True)
    prices, discounts = (block.encode() for block in blocks("toml"))
    assert result.stdout.split()[0].decode() == rule_book_sha256(prices, discounts)


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
