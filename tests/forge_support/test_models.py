"""Every answer fits the models of Forgejo's own description, with no key that it does not have."""

import typing
from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest
from pyforgejo.types.api_error import ApiError
from pyforgejo.types.api_not_found import ApiNotFound
from pyforgejo.types.branch import Branch
from pyforgejo.types.branch_protection import BranchProtection
from pyforgejo.types.deploy_key import DeployKey
from pyforgejo.types.hook import Hook
from pyforgejo.types.payload_commit import PayloadCommit
from pyforgejo.types.repo_collaborator_permission import RepoCollaboratorPermission
from pyforgejo.types.repository import Repository
from pyforgejo.types.server_version import ServerVersion
from pyforgejo.types.team import Team
from pyforgejo.types.user import User

from tests.forge_support.calling import Client, protect
from tests.gitmeter.signing.openssh import fixed_key
from tests.support.forge import ForgeServer
from tests.support.forge.views import repository
from tests.support.forge.webhooks import Webhooks

Model = type[pydantic.BaseModel]

NOT_DESCRIBED = frozenset({("User", "username")})
"""Sent by Forgejo for old clients, and missing from its description."""
NOT_SENT = {
    "Repository": {"external_tracker", "external_wiki"},
    "DeployKey": {"repository"},  # for administrators of the whole forge
    "ApiError": set[str](),
}
"""What Forgejo leaves out as well where it does not apply."""


def model_in(annotation: object) -> Model | None:
    """The model that an annotation speaks of, be it optional or a list."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return annotation
    found = (model_in(inner) for inner in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)


def misfits(model: Model, value: Any, where: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Where a value and a model disagree; the models themselves let unknown keys pass."""
    try:
        model.model_validate(value)
    except pydantic.ValidationError as error:
        yield f"{where}: {error}"
    if not isinstance(value, dict):
        return
    name, fields = model.__name__, model.model_fields
    for key in set(value) - set(fields):
        if (name, key) not in NOT_DESCRIBED:
            yield f"{where}.{key}: unknown to {name}"
    for key in set(fields) - set(value) - NOT_SENT.get(name, set()):
        yield f"{where}.{key}: {name} has it"
    for key, inner in value.items():
        below = model_in(fields[key].annotation) if key in fields else None
        if below is not None and inner is not None:
            for one in inner if isinstance(inner, list) else [inner]:
                yield from misfits(below, one, f"{where}.{key}")


def assert_fits(model: Model, value: Any) -> None:  # noqa: ANN401 - any JSON
    values = value if isinstance(value, list) else [value]
    assert values
    for one in values:
        assert list(misfits(model, one, model.__name__)) == []


A = "/repos/ops/billing-a"
KEY = fixed_key(1).public.line
HOOK = {
    "type": "forgejo",
    "active": True,
    "events": ["push"],
    "config": {"url": "http://127.0.0.1:1/webhook", "content_type": "json", "secret": "s"},
}


def _repos(client: Client) -> Iterator[Any]:
    yield client.post("/orgs/ops/repos", name="billing-b", private=True)
    yield client.get("/orgs/ops/repos")
    yield client.get("/repos/ops/billing-b")
    yield client.ask("PATCH", "/repos/ops/billing-b", {"archived": True}).json()


def _keys(client: Client) -> Iterator[Any]:
    made = client.post("/repos/ops/billing-a/keys", title="node", key=KEY)
    yield made
    yield client.get("/repos/ops/billing-a/keys")
    yield client.get(f"/repos/ops/billing-a/keys/{made['id']}")


def _rules(client: Client) -> Iterator[Any]:
    protect(client, "billing-a")
    path = "/repos/ops/billing-a/branch_protections"
    yield client.get(path)
    yield client.get(f"{path}/main")
    yield client.ask("PATCH", f"{path}/main", {"enable_push": False}).json()


def _hooks(client: Client) -> Iterator[Any]:
    made = client.post("/orgs/ops/hooks", **HOOK)
    yield made
    yield client.get("/orgs/ops/hooks")
    yield client.get(f"/orgs/ops/hooks/{made['id']}")
    yield client.ask("PATCH", f"/orgs/ops/hooks/{made['id']}", {"active": False}).json()


def _repo_hooks(client: Client) -> Iterator[Any]:
    yield client.post(f"{A}/hooks", **HOOK)
    yield client.get(f"{A}/hooks")


def _permission(client: Client) -> Iterator[Any]:
    yield client.get(f"{A}/collaborators/owner/permission")


def _teams(client: Client) -> Iterator[Any]:
    yield client.get("/orgs/ops/teams")
    yield client.get(f"{A}/teams")


def _team_repos(client: Client) -> Iterator[Any]:
    yield client.get("/teams/1/repos")


def _version(client: Client) -> Iterator[Any]:
    yield client.get("/version")


@pytest.mark.parametrize(
    ("model", "calls"),
    [
        (Repository, _repos),
        (DeployKey, _keys),
        (BranchProtection, _rules),
        (Hook, _hooks),
        (Hook, _repo_hooks),
        (RepoCollaboratorPermission, _permission),
        (Team, _teams),
        (Repository, _team_repos),
        (ServerVersion, _version),
    ],
)
def test_what_is_told_fits_the_model(
    client: Client, model: Model, calls: Callable[[Client], Iterator[Any]]
) -> None:
    for told in calls(client):
        assert_fits(model, told)


def test_branches_and_collaborators_fit(forge: ForgeServer, client: Client) -> None:
    forge.commit("billing-a", {"a": b"1"})
    forge.repo("billing-a").collaborators["carl"] = "read"
    assert_fits(Branch, client.get(f"{A}/branches/main"))
    protect(client, "billing-a")
    assert_fits(Branch, client.get(f"{A}/branches/main"))
    assert_fits(User, client.get(f"{A}/collaborators"))


def test_errors_fit_too(client: Client, forge: ForgeServer) -> None:
    assert_fits(ApiNotFound, client.ask("GET", "/repos/ops/none").json())
    assert_fits(ApiError, client.ask("POST", "/orgs/ops/repos", {"name": "billing-a"}).json())
    assert_fits(ApiError, client.ask("POST", "/orgs/ops/repos", {}).json())
    stranger = Client(forge, "wrong")
    assert_fits(ApiError, stranger.ask("GET", "/orgs/ops/repos").json())
    stranger.close()


def test_the_body_of_a_webhook_is_made_of_models(forge: ForgeServer) -> None:
    """Forgejo describes the parts of it."""
    first = forge.commit("billing-a", {"a": b"1"})
    second = forge.commit("billing-a", {"a": b"2", "b": b"3"})
    hooks = Webhooks(forge.org, lambda: forge.places)
    repo = forge.repo("billing-a")
    body = hooks.push_body(repo, "refs/heads/main", first, second, "-")
    assert_fits(Repository, body["repository"])
    assert_fits(User, [body["pusher"], body["sender"]])
    assert_fits(PayloadCommit, body["commits"])
    assert body["head_commit"]["added"] == ["b"]
    assert body["head_commit"]["modified"] == ["a"]


def test_a_key_that_forgejo_does_not_have_is_found(forge: ForgeServer) -> None:
    """The check itself can fail."""
    told = repository(forge.places, forge.repo("billing-a"), forge.org.tokens[forge.admin_token][1])
    assert list(misfits(Repository, {**told, "is_private": True})) == [
        ".is_private: unknown to Repository"
    ]
    owner = {**told["owner"], "nick": "x"}
    assert list(misfits(Repository, {**told, "owner": owner})) == [".owner.nick: unknown to User"]
    assert any("updated_at" in one for one in misfits(Repository, {**told, "updated_at": "soon"}))
