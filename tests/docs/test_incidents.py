"""The guide to incidents knows every kind that there is, and none that there is not."""

import re
from pathlib import Path

from aggregator.incidents.kinds import IncidentKind

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "incidents.md").read_text()


def test_every_kind_has_its_section_and_its_row() -> None:
    kinds = {str(kind) for kind in IncidentKind}
    assert set(re.findall(r"^### (.+)$", GUIDE, re.MULTILINE)) == kinds
    rows = re.findall(r"^\| \[([a-z ]+)\]\(#([a-z-]+)\) \|", GUIDE, re.MULTILINE)
    assert {name for name, _ in rows} == kinds
    assert all(anchor == name.replace(" ", "-") for name, anchor in rows)


def test_every_command_of_it_exists() -> None:
    """As the program's own reference, which is generated, has them."""
    reference = (ROOT / "docs" / "cli.md").read_text()
    named = set(re.findall(r"`(aggregator (?:node |forge )?[a-z-]+)", GUIDE))
    assert len(named) > 8
    missing = {command for command in named if command not in reference}
    assert missing == set()
