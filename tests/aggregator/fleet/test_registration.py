"""Registrations: what one may contain, and what the configuration makes of them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.config.loading import load_config
from aggregator.config.naming import forge_name, node_repo
from aggregator.config.nodes_dir import (
    RegistrationError,
    load_registrations,
    registration_file,
    write_registration,
)
from aggregator.config.registration import RegisteredKey, RegisteredRepo, Registration
from gitmeter.signing.allowed_signers import Permission, find_signer, parse_allowed_signers
from gitmeter.signing.signing_key import new_signing_key
from wire_format import fields

AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 2, 1, tzinfo=UTC)
NAME = "billing-node-1"
URL = "https://forge.example/ops/billing-node-1.git"
FORGE = """
[forge]
kind = "forgejo"
url = "https://forge.example"
org = "ops"
token_file = "/etc/gitmeter/token"
"""


def registration(**values: object) -> Registration:
    key = new_signing_key().public
    stated = {
        "node": "node-1",
        "registered_at": AT,
        "keys": (RegisteredKey(line=key.line, added_at=AT),),
        "repos": (RegisteredRepo(name="node-1", forge_name=NAME, forge_id=7, created_at=AT),),
    }
    return Registration.model_validate(stated | values)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    for made in (
        registration(),
        registration(retired_at=LATER, allow=("llm/*", "vm/*"), silent_after_s=60),
        registration(repos=()),
        registration(role="till"),
        registration(role="desk", retired_at=LATER),
    ):
        write_registration(tmp_path, made)
        assert load_registrations(tmp_path) == {"node-1": made}


def test_no_folder_is_no_registration(tmp_path: Path) -> None:
    assert load_registrations(tmp_path / "nodes.d") == {}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('node = "node-1"', 'node = "node-2"', "is not a name for a repo of node-2"),
        ('node = "node-1"', "", "node: is missing"),
        ('node = "node-1"', 'node = "node-1"\nrole = "books"', "role: must be 'usage', 'till' or"),
        ("forge_id = 7", "forge_id = 0", "forge_id: must be at least 1"),
        ("forge_id = 7", "number = 7", "repo.0.number: is not a known field"),
        ("ssh-ed25519", "ssh-rsa", "must be a key like ssh-ed25519"),
        ("registered_at = ", "registered_at = 2026-01-01T00:00:00 # ", "must be a time with Z"),
        ("registered_at = ", "registered_at = 7 # ", "must be a time with Z"),
        ('name = "node-1"', 'name = "node-2"', "node-2 is not a name for a repo of node-1"),
        ("[[repo]]", "[[repo", "not TOML"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    write_registration(tmp_path, registration())
    file = registration_file(tmp_path, "node-1")
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    with pytest.raises(RegistrationError) as caught:
        load_registrations(tmp_path)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_file_says_whose_it_is_by_its_name(tmp_path: Path) -> None:
    write_registration(tmp_path, registration())
    registration_file(tmp_path, "node-1").rename(tmp_path / "other.toml")
    with pytest.raises(RegistrationError, match=r"is about node-1"):
        load_registrations(tmp_path)


def test_a_repo_of_the_forge_belongs_to_one_node(tmp_path: Path) -> None:
    write_registration(tmp_path, registration())
    other = RegisteredRepo(name="node-2", forge_name="billing-node-2", forge_id=7)
    write_registration(tmp_path, registration(node="node-2", repos=(other,)))
    with pytest.raises(RegistrationError, match=r"node-1 also has the forge's repo 7"):
        load_registrations(tmp_path)


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "nodes.d").write_text("")
    with pytest.raises(RegistrationError, match=r"nodes\.d cannot be read"):
        load_registrations(tmp_path / "nodes.d")


def test_a_closed_key_signs_nothing_new() -> None:
    """Closing is `valid-before`, so what git itself verifies agrees."""
    line = new_signing_key().public.line
    for closed_at, wanted in ((None, Permission.ALLOWED), (LATER, Permission.NO_LONGER_VALID)):
        key = RegisteredKey(line=line, added_at=AT, closed_at=closed_at)
        allowed = parse_allowed_signers(key.signer("node-1"), "test")
        now = datetime(2026, 3, 1, tzinfo=UTC)
        assert find_signer(allowed, "node-1", allowed.entries[0].key, now) is wanted
        assert find_signer(allowed, "node-1", allowed.entries[0].key, AT) is Permission.ALLOWED


def configured(folder: Path, text: str = FORGE) -> Path:
    path = folder / "aggregator.toml"
    path.write_text(f'state = "{folder / "state"}"\n{text}')
    return path


def test_registered_repos_are_read_like_configured_ones(tmp_path: Path) -> None:
    made = registration(allow=("llm/*",), silent_after_s=60)
    write_registration(tmp_path / "nodes.d", made)
    (repo,) = load_config(configured(tmp_path), environment={}).repo
    assert (repo.name, repo.node, repo.role, repo.url) == ("node-1", "node-1", "usage", URL)
    assert repo.token_file == Path("/etc/gitmeter/token")
    assert (repo.forge_id, repo.allow, repo.silent_after_s) == (7, ("llm/*",), 60)
    assert repo.signers == (made.keys[0].signer("node-1"),)


def test_the_address_is_made_from_the_forge_and_the_name_whatever_was_written_before(
    tmp_path: Path,
) -> None:
    """Earlier versions wrote the address. A forge that moves takes its repos along."""
    write_registration(tmp_path / "nodes.d", registration())
    file = registration_file(tmp_path / "nodes.d", "node-1")
    text = file.read_text().replace(
        f'forge_name = "{NAME}"', f'url = "https://old.example/old-org/{NAME}.git"'
    )
    file.write_text(text)
    (repo,) = load_config(configured(tmp_path), environment={}).repo
    assert repo.url == URL
    moved = FORGE.replace("forge.example", "moved.example").replace("ops", "other")
    (repo,) = load_config(configured(tmp_path, moved), environment={}).repo
    assert repo.url == f"https://moved.example/other/{NAME}.git"


def test_without_a_forge_a_registered_node_is_a_fault(tmp_path: Path) -> None:
    write_registration(tmp_path / "nodes.d", registration())
    config = load_config(configured(tmp_path, ""), environment={})
    ((node, fault),) = config.registration_faults
    assert (config.repo, node) == ((), "node-1")
    assert "there is no [forge] table" in fault


def test_a_node_is_registered_or_configured_and_never_the_books(tmp_path: Path) -> None:
    write_registration(tmp_path / "nodes.d", registration())
    for role in ("usage", "books"):
        stated = f'[[repo]]\nnode = "node-1"\nurl = "{URL}"\nrole = "{role}"\nallow_unsigned = true'
        config = load_config(configured(tmp_path, stated + FORGE), environment={})
        assert [repo.registered_at for repo in config.repo] == [None]
        ((node, fault),) = config.registration_faults
        assert (node, "has a [[repo]] table" in fault) == ("node-1", True)


@given(
    node=st.from_regex(fields.NODE_PATTERN, fullmatch=True),
    suffix=st.one_of(st.just(""), st.from_regex(r"\.[a-z0-9.-]{1,8}", fullmatch=True)),
    pattern=st.sampled_from(["billing-{node}", "{node}", "{node}-usage", "x.{node}_y"]),
)
def test_a_name_on_the_forge_gives_the_node_and_the_repo(
    node: str, suffix: str, pattern: str
) -> None:
    name = f"{node}{suffix}"
    assert node_repo(pattern, forge_name(pattern, name)) == (node, name)


@pytest.mark.parametrize(
    "name", ["website", "billing-", "billing-Node", "billing-.2027", "my-billing-node-1", "billing"]
)
def test_other_names_belong_to_no_node(name: str) -> None:
    assert node_repo("billing-{node}", name) is None
