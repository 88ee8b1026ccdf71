"""`portal identity`: who has which account, saved, taken over again, and forgotten."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.cli.program import cli
from tests.portal.place import PortalPlace
from tests.support.files import write_toml
from tests.support.programs import Said, run_program

ISSUER = "https://login.example"
Portal = Callable[..., Said]


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    """The program on the home of a desk."""
    home = PortalPlace(tmp_path).home
    named = {"home": home, "issuer": [{"url": ISSUER, "audience": "gitmeter"}]}
    config = write_toml(tmp_path / "portal.toml", named)

    def run(*arguments: str) -> Said:
        return run_program(cli, "portal", "--config", str(config), "identity", *arguments)

    return run


def add(portal: Portal, subject: str, user: str = "alice", issuer: str = ISSUER) -> Said:
    """Say whose account a person has."""
    return portal("add", user, "--issuer", issuer, "--subject", subject)


def test_a_person_has_one_account(portal: Portal) -> None:
    """Saying it twice changes nothing; another account is an error that says what to do."""
    first = add(portal, "ada").ok()
    assert "ada opens alice, as " in first.out
    assert "ada opens alice already" in add(portal, "ada").ok().out
    refused = add(portal, "ada", "bob")
    assert refused.code == 1
    assert "has the account alice" in refused.err
    assert "erase" in refused.err
    assert len(portal("list", "--json").ok().json) == 1


def test_what_is_wrong_is_refused(portal: Portal) -> None:
    """And an issuer that portal.toml does not name is told, since it is a slip nearly always."""
    assert add(portal, "ada", "al ice").code == 2
    assert add(portal, "").code == 2
    assert add(portal, "x" * 256).code == 2
    assert "names no issuer" in add(portal, "ada", issuer=f"{ISSUER}/").ok().err
    assert add(portal, "ada").ok().err == ""
    assert portal("erase").code == 2
    assert portal("erase", "--issuer", ISSUER).code == 2
    assert portal("erase", "--issuer", ISSUER, "--subject", "ada", "--user", "alice").code == 2


def test_who_was_exported_can_be_imported(portal: Portal, tmp_path: Path) -> None:
    """With the names that lines have; all or none, and twice is once."""
    for subject, user in (("ada", "alice"), ("bob", "bob"), ("b2", "bob")):
        add(portal, subject, user).ok()
    before = portal("list", "--json").ok().json
    saved = tmp_path / "identities.jsonl"
    saved.write_text(portal("export").ok().out)
    portal("erase", "--user", "bob").ok()
    assert [each["subject"] for each in portal("list", "--json").ok().json] == ["ada"]
    broken = tmp_path / "broken"
    broken.write_text(saved.read_text() + json.dumps({"issuer": ISSUER}) + "\n")
    refused = portal("import", str(broken))
    assert refused.code == 1
    assert "line 4" in refused.err
    assert "added: 2 of 3" in portal("import", str(saved)).ok().out
    assert portal("list", "--json").ok().json == before
    assert "added: 0" in portal("import", str(saved)).ok().out


def test_a_list_is_for_people_too(portal: Portal) -> None:
    """Of everybody, or of one account."""
    add(portal, "ada").ok()
    add(portal, "bob", "bob").ok()
    shown = portal("list").ok().out
    assert "ada" in shown
    assert "bob" in shown
    assert "ada" not in portal("list", "--user", "bob").ok().out
    assert "erased: 1" in portal("erase", "--issuer", ISSUER, "--subject", "ada").ok().out
    assert "nobody" in portal("erase", "--issuer", ISSUER, "--subject", "ada").ok().out


def test_a_folder_that_is_no_home_of_a_desk_is_left_alone(tmp_path: Path) -> None:
    """No file is made there."""
    home = tmp_path / "empty"
    home.mkdir()
    refused = run_program(cli, "portal", "--home", str(home), "identity", "list")
    assert refused.code == 1
    assert "init" in refused.err
    assert list(home.iterdir()) == []
