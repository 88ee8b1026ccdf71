"""The repos of `[[repo]]` tables, such as the books, are set up and checked like those of nodes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator.fleet.drift.differences import What
from aggregator.fleet.node_keys import FleetError
from aggregator.fleet.setup.tables import add_table
from gitmeter.signing.allowed_signers import format_entry
from gitmeter.signing.keys import read_public_key
from tests.aggregator.forge.place import Place

NAME = "billing-books"
URLS: dict[str, Callable[[Place], str]] = {
    "http": lambda p: p.forge.clone_url(NAME),
    "ssh": lambda _: f"ssh://git@another.example:2222/ops/{NAME}.git",
    "scp": lambda _: f"git@another.example:Ops/{NAME}.git",
}


def _books(place: Place, kind: str) -> Place:
    text = place.config_file.read_text()
    table = f'[[repo]]\nnode = "books"\nrole = "books"\nurl = "{URLS[kind](place)}"\n'
    place.config_file.write_text(f"{text}{table}")
    line = format_entry("books", read_public_key(*place.key("books").split()))
    (place.folder / "allowed_signers").write_text(f"{line}\n")
    return place


@pytest.fixture(params=URLS)
def books(place: Place, request: pytest.FixtureRequest) -> Place:
    """A forge, and a configuration whose books are in the organisation."""
    return _books(place, request.param)


@pytest.fixture
def added(place: Place) -> Place:
    """Books that are set up."""
    _add(_books(place, "ssh"))
    return place


def _add(place: Place, *, adopt: bool = False) -> None:
    add_table(place.client(), place.config(), "books", place.steps.append, adopt=adopt)


def test_it_is_made_whatever_its_address_is_for_and_is_in_order(books: Place) -> None:
    (missing,) = (drift for drift in books.drifts() if drift.repo)
    assert (missing.repo, missing.what) == ("books", What.MISSING)
    assert "aggregator forge add books" in missing.remedy
    _add(books)
    repo = books.forge.repo(NAME)
    assert [key.content for key in repo.keys] == [books.key("books")]
    assert repo.private
    assert set(repo.rules) == {"main", "**"}
    assert books.drifts() == ()
    before = books.state()
    _add(books)
    assert books.state() == before


def test_another_organisation_is_not_this_one(place: Place) -> None:
    text = place.config_file.read_text()
    url = "https://elsewhere.example/ops/billing-books.git"
    place.config_file.write_text(f'{text}[[repo]]\nnode = "books"\nurl = "{url}"\n')
    assert [drift.repo for drift in place.drifts()] == [""]
    with pytest.raises(FleetError, match="is not in the organisation ops"):
        _add(place)


CHANGES: dict[str, tuple[Callable[[Place], object], What, bool]] = {
    "public": (lambda p: setattr(p.forge.repo(NAME), "private", False), What.PUBLIC, True),
    "no rule": (lambda p: p.forge.repo(NAME).rules.clear(), What.UNPROTECTED, True),
    "no key": (lambda p: p.forge.repo(NAME).keys.clear(), What.KEY_MISSING, True),
    "a stranger's key": (
        lambda p: p.client().add_deploy_key(NAME, "x", p.key("x")),
        What.KEY_FOREIGN,
        True,
    ),
    "a collaborator": (
        lambda p: p.forge.repo(NAME).collaborators.update(eve="write"),
        What.COLLABORATORS,
        False,
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_drift_is_named_and_the_same_command_corrects_it(added: Place, name: str) -> None:
    change, what, is_corrected = CHANGES[name]
    change(added)
    (drift,) = added.drifts()
    assert (drift.repo, drift.what) == ("books", what)
    if is_corrected:
        _add(added, adopt=what is What.KEY_MISSING)  # nothing else proves that it is the books'
        assert added.drifts() == ()


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_repo_of_that_name_is_taken_only_with_a_proof_or_if_told_so(
    books: Place, *, is_empty: bool
) -> None:
    books.forge.create(NAME)
    if not is_empty:
        books.forge.commit(NAME, {"README.md": b"mine"})
    with pytest.raises(FleetError, match="nothing proves that it is books") as caught:
        _add(books)
    assert "--adopt" in caught.value.hint
    assert books.forge.repo(NAME).keys == []
    _add(books, adopt=True)
    assert books.drifts() == ()


def test_books_without_a_key_say_where_it_comes_from(books: Place) -> None:
    (books.folder / "allowed_signers").write_text("")
    with pytest.raises(FleetError, match=r"no line of .* is about books") as caught:
        _add(books)
    assert "books show-key --node books" in caught.value.hint
    assert books.forge.org.repos == {}


def test_another_branch_is_refused_before_anything_is_made(books: Place) -> None:
    """Only one branch is protected, and a repo without a rule for what it bills is not set up."""
    books.config_file.write_text(books.config_file.read_text() + 'branch = "trunk"\n')
    with pytest.raises(FleetError, match="billed from the branch trunk"):
        _add(books)
    assert books.forge.org.repos == {}


def test_a_name_without_a_table_is_refused(place: Place) -> None:
    place.provisioner().add("vm-01", place.key("a"))
    for name in ("books", "vm-01"):
        with pytest.raises(FleetError, match=f"no \\[\\[repo\\]\\] table has the name {name}"):
            add_table(place.client(), place.config(), name, place.steps.append)


@pytest.fixture
def gitea(tmp_path: Path) -> Iterator[Place]:
    """A node on a forge that behaves as Gitea."""
    with Place(tmp_path, flavour="gitea") as place:
        place.provisioner().add("vm-01", place.key("first"))
        assert place.drifts() == ()
        yield place


def _outrank(place: Place, pattern: str) -> None:
    """Put a weak rule before all others."""
    url = f"{place.forge.base_url}/api/v1/repos/ops/billing-vm-01/branch_protections"
    values = {"rule_name": pattern, "enable_push": True, "priority": 1}
    place.client()._send("POST", url, values)
    for name, rule in place.forge.repo("billing-vm-01").rules.items():
        rule.priority += 0 if name == pattern else 5


@pytest.mark.parametrize("pattern", ["*", "m*", "ma?n", "[lmn]ain", "{main,x}", "**", "MAIN"])
def test_on_gitea_the_rule_with_the_smallest_priority_is_judged(gitea: Place, pattern: str) -> None:
    """A pattern with a smaller priority goes before the rule that is named after the branch."""
    if pattern == "**":
        gitea.forge.repo("billing-vm-01").rules.pop("**")
    _outrank(gitea, pattern)
    found = gitea.drifts()
    assert What.PROTECTION in {drift.what for drift in found}
    assert any("everyone with write access may push" in drift.found for drift in found)
    if pattern == "*":  # it also opens other branches, which only its deletion ends
        with pytest.raises(FleetError, match=r"the rule \* of billing-vm-01 goes before"):
            gitea.provisioner().add("vm-01")
        gitea.client().delete_rule("billing-vm-01", "*")
    gitea.provisioner().add("vm-01")
    assert gitea.drifts() == ()


def test_on_gitea_tags_are_closed(gitea: Place) -> None:
    for _ in range(2):
        (rule,) = gitea.forge.repo("billing-vm-01").tag_rules.values()
        assert rule.name_pattern == "*"
        gitea.provisioner().add("vm-01")


def test_a_rule_that_cannot_be_outranked_is_named(gitea: Place) -> None:
    """A forge that does not take the priority over."""
    _outrank(gitea, "m*")
    main = gitea.forge.repo("billing-vm-01").rules["main"]
    gitea.forge.before = lambda _: setattr(main, "priority", 5)
    with pytest.raises(FleetError, match=r"the rule m\* of billing-vm-01 goes before") as caught:
        gitea.provisioner().add("vm-01")
    assert "delete it" in caught.value.hint
