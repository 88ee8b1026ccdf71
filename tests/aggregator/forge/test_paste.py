"""The command to paste: one line of shell that says what was meant, whatever the words are."""

import shlex
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.fleet.node_keys import FleetError
from aggregator.fleet.setup.node_commands import init_command, rollover_command

URL = "ssh://git@forge.example:2222/ops/billing-vm-01.git"
HOME = PurePosixPath("/var/lib/node-pusher")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1FHWAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\n/"), min_size=1)


@given(home=WORDS.map(lambda word: PurePosixPath("/", word)))
def test_every_word_reaches_the_program_as_it_is(home: PurePosixPath) -> None:
    words = shlex.split(init_command("vm-01", "usage", URL, home, ()))
    assert words == [
        *("node-pusher", "--home", str(home), "init", "--node", "vm-01"),
        *("--remote", URL, "--ssh-key", str(home / "signing_key")),
    ]
    assert shlex.split(rollover_command("usage", URL, home))[-2:] == ["--remote", URL]


def test_the_forges_keys_are_written_down_on_the_node_first(tmp_path: Path) -> None:
    lines = (f"forge.example {KEY}", "forge.example ssh-rsa $(touch /tmp/never) 'a \"b %s \\n")
    command = init_command("vm-01", "usage", URL, PurePosixPath(tmp_path), lines)
    assert "\n" not in command
    write, _, start = command.partition(" && ")
    subprocess.run(["/bin/sh", "-c", write], check=True)
    assert (tmp_path / "known_hosts").read_text().splitlines() == list(lines)
    assert shlex.split(start)[-2:] == ["--known-hosts", f"{tmp_path}/known_hosts"]


@pytest.mark.parametrize(
    "url",
    ["", "https://forge.example/x.git", "ssh://-oProxyCommand=x/y", "git@h:x; rm -rf /", "a b"],
)
def test_an_address_that_is_none_for_ssh_is_never_printed(url: str) -> None:
    with pytest.raises(FleetError, match="address for ssh"):
        init_command("vm-01", "usage", url, HOME, ())
    with pytest.raises(FleetError, match="address for ssh"):
        rollover_command("usage", url, HOME)
