"""The page on moving is followed word by word, with the real programs, and shows what it says."""

import re
import shutil
from typing import Final

import pytest

from docs.generate import DOCS
from tests.docs.accounts import Accounts, accounts, open_folder
from tests.docs.guide import GUIDE, Block, Step, blocks, steps
from tests.docs.guide_site import Site
from tests.docs.test_operators_guide import SSHD, TOOLS
from tests.docs.walk import walk

PAGE: Final = DOCS / "moving.md"
MACHINES: Final = ("embedder-01", "embedder-02", "books-02")
UNTIL: Final = "## The daemon and the first balance"
"""Up to here the guide is followed first."""

_USE: Final = (
    "runuser -u node-pusher -- node-pusher record --user alice --applies-to vm"
    " --resource vm/small/seconds --units 1800"
)
_SECOND: Final = """\
ssh -n root@embedder-02 runuser -u node-pusher -- node-pusher show-key --node embedder-02 |
    aggregator node add embedder-02 --key - --json | jq --raw-output .command |
    ssh root@embedder-02 runuser -u node-pusher -- sh
systemctl enable --now aggregator.service
"""


@pytest.mark.parametrize("played", [accounts()], ids=str)
def test_the_page_moves_a_node_the_books_the_aggregator_and_the_forge(played: Accounts) -> None:
    """And what waited on the machines before is billed."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    if lacking or not SSHD.exists():
        pytest.skip(f"needs sshd, {', '.join(TOOLS)}")
    end = GUIDE.read_text().partition(f"\n{UNTIL}\n")[0].count("\n")
    before = [step for step in steps(blocks()) if step.block.line_no < end]
    before += [Step(Block(0, "sh", "", _SECOND), None)]
    before += [Step(Block(0, "sh", f"on {node}", _USE), None) for node in MACHINES[:2]]
    walked = 0
    with open_folder() as folder, Site(folder, MACHINES, played) as site:
        for step, ran, lost in walk(site, (*before, *steps(blocks(PAGE)))):
            place = f"line {step.block.line_no}: {step.block.text}\n{ran.output}"
            assert bool(ran.status) == step.block.fails, place
            assert lost == [], place
            walked += 1
        homes = [site.path(name, "/var/lib/node-pusher/node.toml") for name in MACHINES[:2]]
        assert 'node = "gpu-01"' in homes[0].read_text()
        assert site.forge.ssh is not None
        assert all(f"@{site.forge.ssh.host}:" in home.read_text() for home in homes)
        timers = {order for order in site.ordered if order[2].endswith(".timer")}
    assert walked > len(before) + 15
    assert {
        ("embedder-01", "enable", "node-pusher.timer"),
        ("books-02", "enable", "books.timer"),
    } <= timers


def test_every_block_of_it_is_run() -> None:
    found = blocks(PAGE)
    assert {block.language for block in found} == {"sh", "text", "here"}
    marks = {block.mark for block in found if block.language == "sh"}
    assert {mark for mark in marks if not re.fullmatch(r"|on [a-z0-9-]+", mark)} == set()
