"""Which rule counts for a branch, what it lets in, and what it does not stop."""

import pytest

from tests.forge_support.calling import Client, protect, push, tip
from tests.support.forge import ApiError, ForgeServer
from tests.support.forge_git.globs import matches
from tests.support.repos import RepoWriter

A = "/repos/ops/billing-a"
RULES = f"{A}/branch_protections"


def acting(client: Client, branch: str = "main") -> str:
    """The rule that the forge says is in effect."""
    return str(client.get(f"{A}/branches/{branch}")["effective_branch_protection_name"])


def test_on_forgejo_a_name_goes_before_patterns(
    forge: ForgeServer, client: Client, work: RepoWriter
) -> None:
    push(forge, work)
    protect(client, "billing-a", rule_name="m*", push_whitelist_usernames=["writer"])
    protect(client, "billing-a", rule_name="ma*", push_whitelist_usernames=[])
    assert acting(client) == "m*"
    protect(client, "billing-a", rule_name="Main")
    assert acting(client) == "Main"
    assert [rule["rule_name"] for rule in client.get(RULES)] == ["Main", "m*", "ma*"]
    assert "priority" not in client.get(RULES)[0]
    work.commit({"b": b"1"})
    assert "Forgejo: Not allowed to push to protected branch main" in push(forge, work)
    client.ask("DELETE", f"{RULES}/Main")
    assert push(forge, work) == ""


def test_on_gitea_the_smallest_priority_acts_be_it_a_pattern(
    gitea: ForgeServer, gitea_client: Client, work: RepoWriter
) -> None:
    client = gitea_client
    push(gitea, work)
    protect(client, "billing-a", rule_name="**", push_whitelist_usernames=["writer"])
    protect(client, "billing-a")
    assert [rule["priority"] for rule in client.get(RULES)] == [1, 2]
    assert acting(client) == "**"
    work.commit({"b": b"1"})
    assert push(gitea, work) == ""
    client.ask("PATCH", f"{RULES}/**", {"priority": 7})
    assert acting(client) == "main"
    work.commit({"c": b"1"})
    assert "Gitea: Not allowed to push to protected branch main" in push(gitea, work)
    protect(client, "billing-a", rule_name="m*", priority=1)
    assert [rule["priority"] for rule in client.get(RULES)] == [1, 2, 7]


@pytest.mark.parametrize(
    ("pattern", "text", "separators", "is_one"),
    [
        ("*", "main", "/", True),
        ("*", "release/1", "/", False),
        ("**", "release/1", "/", True),
        ("release/*", "release/1", "/", True),
        ("release/?", "release/12", "/", False),
        ("m[aeiou]in", "main", "/", True),
        ("m[!aeiou]in", "main", "/", False),
        ("{main,release/*}", "release/1", "/", True),
        ("*", "a.b/c", "", True),
        ("m.in", "main", "/", False),
        ("*.jsonl", "1.x.jsonl", "./", False),
        ("usage/**", "usage/2025/1.jsonl", "./", True),
    ],
)
def test_a_star_crosses_no_separator(
    pattern: str, text: str, separators: str, *, is_one: bool
) -> None:
    assert matches(pattern, text, separators) is is_one


def test_a_branch_says_who_may_push_to_it(
    forge: ForgeServer, client: Client, work: RepoWriter
) -> None:
    """The rule's name is for those who administer the repo."""
    assert client.ask("GET", f"{A}/branches/main").status_code == 404
    push(forge, work)
    push(forge, work, "main:release/1")
    protect(client, "billing-a", rule_name="rel*")
    assert acting(client, "release/1") == ""
    free = client.get(f"{A}/branches/main")
    assert (free["name"], free["commit"]["id"]) == ("main", work.tip())
    assert (free["protected"], free["user_can_push"]) == (False, True)
    protect(client, "billing-a", rule_name="release/*")
    kept = client.get(f"{A}/branches/release/1")
    assert (kept["protected"], kept["user_can_push"]) == (True, False)
    assert kept["effective_branch_protection_name"] == "release/*"
    reader = Client(forge, forge.read_token)
    assert acting(reader, "release/1") == ""
    reader.close()


def test_a_protected_file_is_changed_by_nobody(
    forge: ForgeServer, client: Client, work: RepoWriter
) -> None:
    push(forge, work)
    names = {"push_whitelist_usernames": ["writer"]}
    protect(client, "billing-a", protected_file_patterns="claims/**; *.TOML", **names)
    work.commit({"b": b"1"})
    assert push(forge, work) == ""
    work.commit({"claims/1": b"1"})
    assert "branch main is protected from changing file claims/1" in push(forge, work)
    work.force(str(tip(forge)))
    work.commit({"x.Toml": b"1"})
    assert "protected from changing file x.Toml" in push(forge, work)


def test_unprotected_files_are_pushed_by_all_who_write(
    forge: ForgeServer, client: Client, work: RepoWriter
) -> None:
    push(forge, work)
    protect(client, "billing-a", unprotected_file_patterns="usage/**")
    work.commit({"usage/2025/1.jsonl": b"1"})
    assert push(forge, work) == ""
    work.commit({"usage/2025/2.jsonl": b"1", "other": b"1"})
    assert "Not allowed to push to protected branch main" in push(forge, work)


def test_who_may_not_push_may_merge(forge: ForgeServer, client: Client, work: RepoWriter) -> None:
    push(forge, work)
    protect(client, "billing-a")
    merged = forge.merge("billing-a", "writer", {"b": b"1"})
    assert tip(forge) == merged
    lists = {"enable_merge_whitelist": True, "merge_whitelist_usernames": ["owner"]}
    client.ask("PATCH", f"{RULES}/main", lists)
    with pytest.raises(ApiError, match="not allowed to merge"):
        forge.merge("billing-a", "writer", {"c": b"1"})
    forge.merge("billing-a", "owner", {"c": b"1"})
    client.ask("PATCH", A, {"has_pull_requests": False})
    with pytest.raises(ApiError) as caught:
        forge.merge("billing-a", "owner", {"d": b"1"})
    assert caught.value.status == 405
