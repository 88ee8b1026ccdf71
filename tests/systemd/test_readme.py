"""What the documents tell people to paste is what the programs, units and files know.

Those are `systemd/README.md` and what the operator's guide says about installing and removing.
"""

import re
import shlex
import subprocess
import tomllib
from typing import Final

import pytest

from aggregator.config.settings import Config
from tests.docs.guide import blocks as guide_blocks
from tests.docs.walk import commands
from tests.systemd.test_accounts import modes
from tests.systemd.units import FOLDER, README, SERVICES, read_unit, unknown_words

PROGRAM_NAMES: Final = ("aggregator", "books", "node-pusher", "portal", "till")
TEXT: Final = README.read_text()
BOOT: Final = FOLDER.parent / "tests" / "systemd" / "boot.sh"
STEPS: Final = BOOT.with_name("steps.sh")


GUIDE_BLOCKS: Final = [block.text for block in guide_blocks() if block.mark == "elsewhere"]
"""What of the guide its own test does not run."""


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def program_lines() -> list[list[str]]:
    """Every call of one of the project's programs in the shell blocks."""
    found = []
    for block in (*blocks("sh"), *GUIDE_BLOCKS):
        for line in re.split(r"\n|&&|\|", block.replace("\\\n", " ")):
            words = shlex.split(line, comments=True)
            names = [word.rpartition("/")[2] for word in words]
            for i, name in enumerate(names):
                is_called = i == 0 or words[i - 1] == "--" or words[i].startswith("/opt/")
                if name in PROGRAM_NAMES and is_called and words[0] not in {"ln", "rm"}:
                    found.append([name, *words[i + 1 :]])
                    break
    return found


@pytest.mark.parametrize("block", blocks("sh"))
def test_a_shell_block_can_be_parsed(block: str) -> None:
    result = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, check=False)
    assert result.stderr == ""


def test_the_programs_know_what_is_to_be_pasted() -> None:
    lines = program_lines()
    assert len(lines) >= 4
    assert {" ".join(line): unknown_words(line) for line in lines if unknown_words(line)} == {}


def test_the_table_for_another_git_server_can_be_pasted() -> None:
    table = next(block.text for block in guide_blocks() if block.language == "toml")
    signers = {"allowed_signers_file": "/etc/gitmeter/allowed_signers"}  # as `init` writes it
    config = Config.model_validate(signers | tomllib.loads(table))
    loaded = read_unit("aggregator.service")["Service"]["LoadCredential"]
    names = {value.partition(":")[0] for value in loaded}
    directory = "/run/credentials/aggregator.service/"
    assert [str(repo.token_file).removeprefix(directory) in names for repo in config.repo] == [True]


def test_what_the_guide_installs_is_what_is_tried_under_a_real_systemd() -> None:
    (installing,) = [text for text in GUIDE_BLOCKS if "systemd-sysusers" in text]
    booted = BOOT.read_text().replace('"$root', "").replace('"', "") + STEPS.read_text()
    assert [line for line in installing.splitlines() if line not in booted] == []


def test_the_documents_do_not_repeat_each_other() -> None:
    """A command that stands in both would be changed in one of them only."""
    of_guide = {line for block in guide_blocks() for line in commands(block.text)}
    repeated = {line for block in blocks("sh") for line in commands(block)} & of_guide
    assert repeated == set()


def test_every_file_below_etc_gitmeter_is_one_that_the_tmpfiles_or_a_unit_know() -> None:
    units = [read_unit(name)["Service"] for name in SERVICES]
    loaded = [value for unit in units for value in unit.get("LoadCredential", [])]
    known = set(modes()) | {value.partition(":")[2] for value in loaded}
    known |= {"/etc/gitmeter/till.toml", "/etc/gitmeter/till-charge.toml"}
    known |= {"/etc/gitmeter/stripe_eu_key"}
    known |= {"/etc/gitmeter/aggregator.toml", "/etc/gitmeter/other_token"}
    known |= {"/etc/gitmeter/allowed_signers", "/etc/gitmeter/nodes.d"}
    text = "".join((TEXT, *GUIDE_BLOCKS))
    named = {path.rstrip(".") for path in re.findall(r"/etc/gitmeter/[\w.-]+", text)}
    assert named <= known


def test_every_file_of_the_folder_is_listed() -> None:
    for path in FOLDER.iterdir():
        name = path.name.replace(".timer", ".service") if path.suffix == ".timer" else path.name
        assert path.suffix == ".md" or f"`{name}`" in TEXT


@pytest.mark.parametrize("name", SERVICES)
def test_every_line_of_hardening_is_explained(name: str) -> None:
    keys = list(read_unit(name)["Service"])
    for key in keys[keys.index("NoNewPrivileges") :]:
        assert f"`{key}=" in TEXT, key
