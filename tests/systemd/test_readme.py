"""What `systemd/README.md` tells people to paste is what the programs, units and files know."""

import re
import shlex
import subprocess
import tomllib
from typing import Final

import pytest

from aggregator.config.settings import Config
from tests.systemd.test_accounts import modes
from tests.systemd.units import FOLDER, README, SERVICES, read_unit, unknown_words

PROGRAM_NAMES: Final = ("aggregator", "books", "node-pusher")
TEXT: Final = README.read_text()


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def program_lines() -> list[list[str]]:
    """Every call of one of the project's programs in the shell blocks."""
    found = []
    for block in blocks("sh"):
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
    assert len(lines) >= 12
    assert {line[0] for line in lines} == set(PROGRAM_NAMES)
    assert {" ".join(line): unknown_words(line) for line in lines if unknown_words(line)} == {}


def test_the_configuration_can_be_pasted() -> None:
    signers = {"allowed_signers_file": "/etc/gitmeter/allowed_signers"}  # as `init` writes it
    config = Config.model_validate(signers | tomllib.loads("\n".join(blocks("toml"))))
    directory = "/run/credentials/aggregator.service/"
    loaded = read_unit("aggregator.service")["Service"]["LoadCredential"]
    names = {value.partition(":")[0] for value in loaded}
    assert config.forge is not None
    assert config.listen is not None
    files = [repo.token_file for repo in config.repo]
    for file in (*files, config.forge.token_file, config.listen.webhook_secret_file):
        assert str(file).removeprefix(directory) in names


def test_every_file_below_etc_gitmeter_is_one_that_the_tmpfiles_or_a_unit_know() -> None:
    loaded = read_unit("aggregator.service")["Service"]["LoadCredential"]
    known = set(modes()) | {value.partition(":")[2] for value in loaded}
    known |= {"/etc/gitmeter/aggregator.toml", "/etc/gitmeter/other_token"}
    known |= {"/etc/gitmeter/allowed_signers", "/etc/gitmeter/nodes.d"}
    named = {path.rstrip(".") for path in re.findall(r"/etc/gitmeter/[\w.-]+", TEXT)}
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
