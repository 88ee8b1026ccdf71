"""Which repos a push is about: by the forge's number, or by the path of a configured address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.config.place import forge_path
from aggregator.config.repos import RepoConfig
from aggregator.fleet.pushed import pushed_repos
from aggregator.serving.webhook import Push

FORGE = "https://forge.example"
MAIN = "refs/heads/main"
BOOKS = Push(9, f"{FORGE}/ops/books.git", "ops/books", MAIN, "1" * 40)
A = RepoConfig(node="a", url=f"{FORGE}/ops/billing-a.git", forge_id=1)
B = RepoConfig(node="b", url=f"{FORGE}/ops/billing-b.git", forge_id=2)


def books(url: str) -> RepoConfig:
    return RepoConfig(node="books", role="books", url=url)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://forge.example/ops/books.git", "ops/books"),
        ("https://forge.example/Ops/Books", "ops/books"),
        ("https://forge.example/ops/books.git/", "ops/books"),
        ("https://forge.example/git/ops/books.git", "ops/books"),
        ("http://127.0.0.1:3000/ops/books.git", "ops/books"),
        ("ssh://git@forge.example/ops/books.git", "ops/books"),
        ("ssh://git@forge.example:2222/ops/books.git", "ops/books"),
        ("git@forge.example:ops/books.git", "ops/books"),
        ("git@forge.example:OPS/books", "ops/books"),
        ("ssh://git@forge.example/srv/git/books.git", None),
        ("git@forge.example:books.git", None),
        ("https://forge.example/books.git", None),
        ("https://forge.example/ops//books.git", None),
        ("file:///srv/ops/books.git", None),
        ("https://[x/ops/books.git", None),
        ("", None),
    ],
)
def test_an_address_names_a_path_on_the_forge_or_none(url: str, path: str | None) -> None:
    assert forge_path(url) == path


@given(st.text())
def test_no_text_breaks_the_reader_of_addresses(text: str) -> None:
    forge_path(text)


@pytest.mark.parametrize(
    ("url", "is_it"),
    [
        ("https://forge.example/ops/books.git", True),
        ("https://forge.example/OPS/Books.git", True),
        ("ssh://git@forge.example/ops/books.git", True),
        ("ssh://git@ssh.forge.example:2222/ops/books.git", True),
        ("git@forge.example:ops/books.git", True),
        ("https://elsewhere.example/ops/books.git", False),
        ("git@forge.example:other/books.git", False),
        ("git@forge.example:ops/books-2.git", False),
        ("file:///ops/books.git", False),
    ],
)
def test_a_configured_repo_is_found_by_its_path_whatever_the_protocol(
    url: str, *, is_it: bool
) -> None:
    assert pushed_repos((A, books(url)), BOOKS, FORGE) == ({"books"} if is_it else set())


def test_a_forge_that_calls_itself_otherwise_is_the_configured_one() -> None:
    """Its own addresses are made from its ROOT_URL, which may be a name for others."""
    repos = (books(f"{FORGE}/ops/books.git"),)
    push = BOOKS._replace(clone_url="http://localhost:3000/ops/books.git")
    assert pushed_repos(repos, push, FORGE) == {"books"}
    assert pushed_repos(repos, push, None) == set()
    assert pushed_repos(repos, BOOKS, None) == {"books"}


def test_a_push_without_a_full_name_is_found_by_its_address() -> None:
    push = BOOKS._replace(full_name="")
    assert pushed_repos((books("git@forge.example:ops/books.git"),), push, FORGE) == {"books"}
    broken = push._replace(clone_url="http://[x")
    assert pushed_repos((books("git@forge.example:ops/books.git"),), broken, FORGE) == set()


def test_a_registered_repo_is_found_by_its_number_alone() -> None:
    elsewhere = Push(2, "https://proxy.example/x.git", "ops/x", MAIN, "1" * 40)
    assert pushed_repos((A, B), elsewhere, FORGE) == {"b"}
    recreated = Push(9, A.url, "ops/billing-a", MAIN, "1" * 40)
    assert pushed_repos((A, B), recreated, FORGE) == set()


def test_a_push_to_another_branch_is_about_no_repo() -> None:
    push = Push(2, B.url, "ops/billing-b", "refs/heads/other", "1" * 40)
    assert pushed_repos((A, B), push, FORGE) == set()
