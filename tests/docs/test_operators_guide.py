"""The operator's guide is followed word by word, with the real programs, and shows what it says."""

import re
import shutil
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from aggregator.fleet.drift.differences import What
from docs.generate import PROGRAMS, commands
from tests.conftest import ROOT
from tests.docs.accounts import Accounts, accounts, open_folder
from tests.docs.guide import GUIDE, Block, blocks, missing, printed_line, steps
from tests.docs.guide_site import Site
from tests.docs.walk import walk

NODES: Final = ("embedder-01", "embedder-02", "embedder-03")
FRONT: Final = "front"
LANGUAGES: Final = {"sh", "text", "nginx", "ini", "yaml", "toml", "here"}
ELSEWHERE: Final = 16
"""How many blocks of the guide cannot be run here: they install, or need systemd, Prometheus or a
payment provider. `tests/systemd` tries what they install."""

SSHD: Final = Path("/usr/sbin/sshd")
TOOLS: Final = ("curl", "jq", "openssl", "ssh-keyscan")


@pytest.mark.parametrize("played", [accounts()], ids=str)
def test_the_guide_leads_from_an_empty_organisation_to_balances_and_through_every_change(
    played: Accounts,
) -> None:
    """Each command ends well as its user, and shows what stands below it in the guide."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    if lacking or not SSHD.exists():
        pytest.skip(f"needs sshd, {', '.join(TOOLS)}")
    walked = 0
    with open_folder() as folder, Site(folder, (*NODES, FRONT), played) as site:
        for step, ran, lost in walk(site, steps(blocks())):
            place = f"line {step.block.line_no}: {step.block.text}\n{ran.output}"
            assert bool(ran.status) == step.block.fails, place
            assert lost == [], place
            walked += 1
        timers = {order for order in site.ordered if order[2].endswith(".timer")}
        assert site.receiver.taken()
    assert walked > 70
    assert {(node, "enable", "node-pusher.timer") for node in NODES} <= timers


def test_every_block_is_of_a_kind_that_is_known() -> None:
    found = blocks()
    assert {block.language for block in found} == LANGUAGES
    assert [b for b in found if b.language == "sh" and not is_known_mark(b.mark)] == []
    assert sum(block.mark == "elsewhere" for block in found) == ELSEWHERE


def is_known_mark(mark: str) -> bool:
    return (
        re.fullmatch(r"|elsewhere|fails|pasted|(pasted )?on (embedder-0\d|front)", mark) is not None
    )


def test_blocks_that_show_something_follow_a_command() -> None:
    found = blocks()
    for before, block in pairwise(found):
        assert block.language != "text" or before.language == "sh", block


@pytest.mark.parametrize("block", [b for b in blocks() if b.language == "sh"], ids=lambda b: b[0])
def test_a_block_can_be_parsed(block: Block) -> None:
    done = subprocess.run(
        ["bash", "-n"], input=block.text, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_commands_named_in_the_text_exist() -> None:
    known = {name for program, group in PROGRAMS.items() for name, _ in commands(program, group)}
    named = re.findall(r"`((?:aggregator|books|node-pusher|till) [a-z][^`]*)`", GUIDE.read_text())
    assert len(named) > 20
    assert [text for text in named if not starts_with_command(text, known)] == []


def starts_with_command(text: str, known: set[str]) -> bool:
    words = text.split()
    return any(" ".join(words[:count]) in known for count in (3, 2))


def test_the_table_of_drifts_has_each_of_them_once() -> None:
    table = GUIDE.read_text().partition("| drift | what to do |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([a-z -]+)` \| .+ \|$", table, re.MULTILINE)
    assert sorted(rows) == sorted(What)


def test_the_table_of_contents_has_every_section() -> None:
    text = GUIDE.read_text()
    sections = re.findall(r"^##+ (.+)$", text, re.MULTILINE)
    contents = text.partition("\n## ")[0]
    assert [name for name in sections if f"(#{anchor(name)})" not in contents] == []


def anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def test_what_the_unit_hands_over_is_what_the_configuration_names() -> None:
    text = next(b.text for b in blocks() if "[forge]" in b.text)
    config = tomllib.loads(text.partition("<<'EOT'\n")[2].partition("EOT\n")[0])
    unit = (ROOT / "systemd" / "aggregator.service").read_text()
    handed = dict(re.findall(r"^LoadCredential=(\w+):(.+)$", unit, re.MULTILINE))
    folder = "/run/credentials/aggregator.service/"
    named = {
        config["forge"]["token_file"],
        config["listen"]["webhook_secret_file"],
        config["repo"][0]["token_file"],
    }
    for file in named:
        assert handed[file.removeprefix(folder)] in GUIDE.read_text()


@pytest.mark.parametrize(
    ("shown", "output", "lost"),
    [
        ("a\nb", "a\nx\nb", []),
        ("b\na", "a\nb", ["a"]),
        ("at 2026-11-21T18:48:23.296202Z", "at 2031-01-01T00:00:00Z", []),
        ("repo: x: made", "repo: x: unchanged", ["repo: x: made"]),
        ("25.00   22.48", "25.00 22.48", []),
        ("25.00", "25.01", ["25.00"]),
        ("key SHA256:... of x", "key SHA256:ab+/ of x", []),
        ("...", "", []),
    ],
)
def test_what_is_shown_is_compared_but_for_what_changes(
    shown: str, output: str, lost: list[str]
) -> None:
    assert missing(shown, output) == lost


def test_only_what_was_printed_can_be_pasted() -> None:
    output = "made\nnode-pusher init --node n --remote ssh://git@forge.example/x.git\n"
    assert printed_line("node-pusher init \\\n    --node n ...\n", output) == output.split("\n")[1]
    assert printed_line("node-pusher init --node other ...\n", output) is None
