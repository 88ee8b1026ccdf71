"""Tags that are protected, and what a push brings beside commits."""

import pytest

from tests.forge_support.calling import Client, push
from tests.support.forge import ForgeServer
from tests.support.repos import RepoWriter

A = "/repos/ops/billing-a"
TAGS = f"{A}/tag_protections"


def test_only_gitea_has_tag_protections(client: Client, gitea_client: Client) -> None:
    assert client.ask("GET", TAGS).status_code == 404
    assert gitea_client.get(TAGS) == []
    body = {"name_pattern": "v*", "whitelist_usernames": ["owner"], "whitelist_teams": []}
    made = gitea_client.post(TAGS, **body)
    assert {name: made[name] for name in body} == body
    assert gitea_client.get(TAGS) == [made]
    assert gitea_client.ask("POST", TAGS, body).status_code == 403
    assert gitea_client.ask("POST", TAGS, {"name_pattern": "x"}).status_code == 400


@pytest.mark.parametrize(("pattern", "other"), [("v*", "w1"), ("/^v[0-9]+$/", "v1x")])
def test_a_protected_tag_is_made_and_changed_by_those_on_its_list(
    gitea: ForgeServer, gitea_client: Client, work: RepoWriter, pattern: str, other: str
) -> None:
    gitea_client.post(TAGS, name_pattern=pattern, whitelist_usernames=["owner"])
    assert "Gitea: Tag v1 is protected" in push(gitea, work, "main:refs/tags/v1")
    assert push(gitea, work, f"main:refs/tags/{other}") == ""
    assert push(gitea, work, "main:refs/tags/v1", gitea.admin_token) == ""
    work.commit({"b": b"1"})
    assert "Gitea: Tag v1 is protected" in push(gitea, work, "+main:refs/tags/v1")
    assert "Gitea: Tag v1 is protected" in push(gitea, work, ":refs/tags/v1")


def test_a_push_option_makes_a_repo_public(
    forge: ForgeServer, gitea: ForgeServer, work: RepoWriter
) -> None:
    """On Gitea, and only from those who administer the repo."""
    option = "repo.private=false"
    assert push(forge, work, token=forge.admin_token, option=option) == ""
    assert push(gitea, work, option=option) == ""
    assert (forge.repo("billing-a").private, gitea.repo("billing-a").private) == (True, True)
    work.commit({"b": b"1"})
    assert push(gitea, work, token=gitea.admin_token, option="repo.template=true") == ""
    assert gitea.repo("billing-a").private is True
    work.commit({"b": b"2"})
    assert push(gitea, work, token=gitea.admin_token, option=option) == ""
    assert gitea.repo("billing-a").private is False
