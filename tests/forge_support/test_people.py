"""Who has access to a repo: its maker, collaborators, teams."""

from tests.forge_support.calling import Client, push
from tests.support.forge import ForgeServer, Team
from tests.support.receiver import ReceiverServer
from tests.support.repos import RepoWriter

A = "/repos/ops/billing-a"


def test_who_makes_a_repo_administers_it(forge: ForgeServer, client: Client) -> None:
    """If it is not an owner; that is no right to delete it."""
    writer = Client(forge, forge.write_token)
    assert writer.ask("POST", "/orgs/ops/repos", {"name": "billing-b"}).status_code == 403
    forge.org.members_create = True
    made = writer.post("/orgs/ops/repos", name="billing-b")
    client.post("/orgs/ops/repos", name="billing-c")
    assert made["permissions"]["admin"] is True
    assert forge.repo("billing-b").collaborators == {"writer": "admin"}
    assert forge.repo("billing-c").collaborators == {}
    assert writer.get("/repos/ops/billing-b/keys") == []
    assert writer.ask("GET", f"{A}/keys").status_code == 403
    assert writer.ask("DELETE", "/repos/ops/billing-b").status_code == 403
    writer.close()


def test_collaborators_are_listed_asked_about_and_removed(
    forge: ForgeServer, client: Client
) -> None:
    given = {f"user-{number}": "write" for number in range(60)}
    forge.repo("billing-a").collaborators.update(given)
    answer = client.ask("GET", f"{A}/collaborators?limit=50&page=2")
    assert answer.headers["X-Total-Count"] == "60"
    assert [user["login"] for user in answer.json()] == list(given)[50:]
    shown = client.get(f"{A}/collaborators/user-7/permission")
    assert (shown["permission"], shown["role_name"]) == ("write", "write")
    assert shown["user"]["login"] == "user-7"
    assert client.get(f"{A}/collaborators/owner/permission")["permission"] == "owner"
    assert client.ask("GET", f"{A}/collaborators/nobody/permission").status_code == 404
    for _ in range(2):
        assert client.ask("DELETE", f"{A}/collaborators/user-7").status_code == 204
    assert "user-7" not in forge.repo("billing-a").collaborators


def test_a_collaborator_sees_and_pushes(forge: ForgeServer, work: RepoWriter) -> None:
    token = forge.add_token("read", user="carl", sees=())
    assert "not found" in push(forge, work, token=token)
    forge.repo("billing-a").collaborators["carl"] = "read"
    assert "403" in push(forge, work, token=token)
    forge.repo("billing-a").collaborators["carl"] = "write"
    assert push(forge, work, token=token) == ""


def test_who_only_reads_learns_nothing_of_the_settings(forge: ForgeServer) -> None:
    """A real one lists collaborators for every reader, and says of the reader alone what it may."""
    forge.repo("billing-a").collaborators["carl"] = "write"
    reader = Client(forge, forge.read_token)
    for path in ("keys", "branch_protections", "hooks", "collaborators/carl/permission"):
        assert reader.ask("GET", f"{A}/{path}").status_code == 403, path
    assert [user["login"] for user in reader.get(f"{A}/collaborators")] == ["carl"]
    assert reader.get(f"{A}/collaborators/reader/permission")["permission"] == "read"
    reader.close()


def test_teams_have_repos(forge: ForgeServer, client: Client) -> None:
    forge.create("billing-b")
    units = {"repo.code": "write"}
    forge.org.teams.append(Team(7, "ci", "none", units, repos={"billing-a"}))
    owners, ci = client.get("/orgs/ops/teams")
    assert (owners["name"], owners["permission"]) == ("Owners", "owner")
    assert (ci["permission"], ci["units_map"]) == ("none", units)
    assert len(client.get(f"/teams/{owners['id']}/repos")) == 2
    assert [repo["name"] for repo in client.get("/teams/7/repos")] == ["billing-a"]
    assert [team["name"] for team in client.get(f"{A}/teams")] == ["Owners", "ci"]
    assert [team["name"] for team in client.get("/repos/ops/billing-b/teams")] == ["Owners"]
    forge.rename("billing-a", "billing-z")
    assert [repo["name"] for repo in client.get("/teams/7/repos")] == ["billing-z"]
    assert client.ask("GET", "/teams/8/repos").status_code == 404


def test_a_repo_has_hooks_of_its_own(forge: ForgeServer, client: Client) -> None:
    forge.create("billing-b")
    with ReceiverServer() as receiver:
        config = {"url": receiver.url, "content_type": "json", "secret": "s"}
        made = client.post(f"{A}/hooks", type="forgejo", active=True, config=config)
        assert client.get("/orgs/ops/hooks") == []
        assert [hook["id"] for hook in client.get(f"{A}/hooks")] == [made["id"]]
        forge.commit("billing-b", {"a": b"1"})
        after = forge.commit("billing-a", {"a": b"1"})
        forge.webhooks.wait(1)
        assert [got.event["after"] for got in receiver.got] == [after]
    assert client.ask("DELETE", f"{A}/hooks/{made['id']}").status_code == 204
    assert client.get(f"{A}/hooks") == []
