"""Every way in which a forge can come to differ from what it should be, made there and named."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

import pytest

from aggregator.config.nodes_dir import read_registrations, registration_file
from aggregator.fleet.drift.comparison import Checked, check
from aggregator.fleet.drift.differences import OF_LISTING, Drift, What
from aggregator.fleet.node_keys import fingerprint
from aggregator.forge.interface import NotThereError, UnavailableError
from tests.aggregator.forge.place import SECRET, Place
from tests.support.forge.records import SCOPES_ALL, Team

NODE = "vm-01"
NAME = "billing-vm-01"
LATER = "billing-vm-01.2027"
Change = Callable[[Place], object]


class Case(NamedTuple):
    """A change on the forge, and the one drift that it is.

    Attributes:
        is_fixed_by_add: whether `node add` corrects it.
    """

    change: Change
    what: What
    repo: str
    found: str
    is_fixed_by_add: bool = True


def _options(place: Place, **options: object) -> None:
    place.forge.repo(NAME).rules["main"].options |= options


def _settings(name: str, **values: object) -> Change:
    def change(place: Place) -> None:
        for key, value in values.items():
            setattr(place.forge.repo(name), key, value)

    return change


def _rule(**options: object) -> Change:
    return lambda place: _options(place, **options)


def _hook(**values: object) -> Change:
    def change(place: Place) -> None:
        for key, value in values.items():
            setattr(next(iter(place.forge.org.hooks.values())), key, value)

    return change


def _foreign_key(place: Place) -> None:
    place.client().add_deploy_key(NAME, "somebody", place.key("stranger"))


def _read_only(place: Place) -> None:
    place.forge.repo(NAME).keys[0].read_only = True


def _recreate(place: Place) -> None:
    place.forge.recreate(NAME)


def _team(place: Place, permission: str, units: Mapping[str, str] | None = None) -> None:
    place.forge.org.teams.append(Team(7, "friends", permission, dict(units or {}), repos={NAME}))


def _rename_rule(place: Place, old: str, new: str) -> None:
    rules = place.forge.repo(NAME).rules
    rules[new] = rules.pop(old)
    rules[new].name = new


def _reuse(place: Place, name: str) -> None:
    """Lose the node's repo, and let another one get its number, as after a restored backup."""
    place.forge.delete(NAME)
    place.forge.org.next_number = place.registrations()[NODE].repos[-1].forge_id
    place.forge.create(name).created_at += timedelta(days=1)


CASES = {
    "missing": Case(
        lambda p: p.forge.delete(NAME), What.MISSING, NODE, "no such repo", is_fixed_by_add=False
    ),
    "renamed": Case(
        lambda p: p.forge.rename(NAME, "x"), What.RENAMED, NODE, "x", is_fixed_by_add=False
    ),
    "made again": Case(_recreate, What.RECREATED, NODE, "number", is_fixed_by_add=False),
    "public": Case(_settings(NAME, private=False), What.PUBLIC, NODE, "public"),
    "archived": Case(lambda p: p.forge.archive(NAME), What.ARCHIVED, NODE, "archived"),
    "default branch": Case(
        _settings(NAME, default_branch="trunk"),
        What.DEFAULT_BRANCH,
        NODE,
        "trunk",
        is_fixed_by_add=False,
    ),
    "key gone": Case(lambda p: p.forge.repo(NAME).keys.clear(), What.KEY_MISSING, NODE, "none"),
    "key reads": Case(_read_only, What.KEY_READ_ONLY, NODE, "to read"),
    "key of a stranger": Case(
        _foreign_key, What.KEY_FOREIGN, NODE, "SHA256:", is_fixed_by_add=False
    ),
    "no rule": Case(lambda p: p.forge.repo(NAME).rules.clear(), What.UNPROTECTED, NODE, "none"),
    "no one pushes": Case(_rule(enable_push=False), What.PROTECTION, NODE, "no one may push"),
    "everyone pushes": Case(
        _rule(enable_push_whitelist=False), What.PROTECTION, NODE, "everyone with write access"
    ),
    "keys do not push": Case(
        _rule(push_whitelist_deploy_keys=False), What.PROTECTION, NODE, "deploy keys may not push"
    ),
    "others push": Case(
        _rule(push_whitelist_usernames=["eve"]), What.PROTECTION, NODE, "eve may push"
    ),
    "the forge's users sign": Case(
        _rule(require_signed_commits=True), What.PROTECTION, NODE, "the forge's own users"
    ),
    "no hook": Case(lambda p: p.forge.org.hooks.clear(), What.HOOK_MISSING, "", "none"),
    "hook elsewhere": Case(
        _hook(url="https://old.example/"), What.HOOK_MISSING, "", "https://old.example/"
    ),
    "hook asleep": Case(_hook(active=False), What.HOOK, "", "not active"),
    "hook of issues": Case(_hook(events=["issues"]), What.HOOK, "", "sent for issues"),
    "hook of a branch": Case(_hook(branch_filter="x"), What.HOOK, "", "sent for branches x"),
    "hook as a form": Case(_hook(content_type="form"), What.HOOK, "", "its content is form"),
    "hook of another kind": Case(_hook(type="slack"), What.HOOK, "", "of kind slack"),
    "pull requests": Case(
        _settings(NAME, has_pull_requests=True), What.PULL_REQUESTS, NODE, "can be made"
    ),
    "members merge": Case(
        _rule(enable_merge_whitelist=False), What.PROTECTION, NODE, "everyone with write access may"
    ),
    "one merges": Case(
        _rule(merge_whitelist_usernames=["eve"]), What.PROTECTION, NODE, "eve may merge"
    ),
    "files are open": Case(
        _rule(unprotected_file_patterns="usage/**"), What.PROTECTION, NODE, "may change usage/**"
    ),
    "files are shut": Case(
        _rule(protected_file_patterns="**"), What.PROTECTION, NODE, "no one may change **"
    ),
    "other branches": Case(
        lambda p: p.forge.repo(NAME).rules.pop("**"), What.OTHER_BRANCHES, NODE, "none"
    ),
    "other branches in part": Case(
        lambda p: _rename_rule(p, "**", "*"),
        What.OTHER_BRANCHES,
        NODE,
        "none",
    ),
    "a branch of a stranger": Case(
        lambda p: p.forge.commit(NAME, {"a": b"1"}, branch="topic"),
        What.FOREIGN_REFS,
        NODE,
        "refs/heads/topic",
        is_fixed_by_add=False,
    ),
    "a collaborator": Case(
        lambda p: p.forge.repo(NAME).collaborators.update(eve="admin"),
        What.COLLABORATORS,
        NODE,
        "eve (admin)",
        is_fixed_by_add=False,
    ),
    "a team that writes": Case(
        lambda p: _team(p, "write"), What.TEAMS, NODE, "friends", is_fixed_by_add=False
    ),
    "a team that writes code": Case(
        lambda p: _team(p, "none", {"repo.code": "write"}),
        What.TEAMS,
        NODE,
        "friends",
        is_fixed_by_add=False,
    ),
    "a webhook of the repo": Case(
        lambda p: p.forge.repo(NAME).hooks.update({1: next(iter(p.forge.org.hooks.values()))}),
        What.REPO_HOOKS,
        NODE,
        "/webhook",
        is_fixed_by_add=False,
    ),
    "no code": Case(
        _settings(NAME, has_code=False), What.UNREADABLE, NODE, "404", is_fixed_by_add=False
    ),
    "no git over http": Case(
        lambda p: setattr(p.forge, "http_git", False),
        What.UNREADABLE,
        NODE,
        "403",
        is_fixed_by_add=False,
    ),
    "another number": Case(
        lambda p: p.forge.renumber(NAME, 77),
        What.RENUMBERED,
        NODE,
        "number 77",
        is_fixed_by_add=False,
    ),
    "its number to another": Case(
        lambda p: _reuse(p, "docs"),
        What.MISSING,
        NODE,
        "its number is that of another repo",
        is_fixed_by_add=False,
    ),
    "bad registration": Case(
        lambda p: registration_file(p.config().nodes_dir, "vm-00").write_text("?"),
        What.REGISTRATION,
        "vm-00",
        "not TOML",
        is_fixed_by_add=False,
    ),
    "pending": Case(
        lambda p: p.forge.create("billing-vm-09"),
        What.PENDING,
        "billing-vm-09",
        "vm-09",
        is_fixed_by_add=False,
    ),
}


@pytest.fixture
def added(place: Place) -> Place:
    place.provisioner().add(NODE, place.key("first"))
    assert place.drifts() == ()
    return place


@pytest.mark.parametrize("name", CASES)
def test_each_drift_is_named_alone_with_its_remedy(added: Place, name: str) -> None:
    case = CASES[name]
    case.change(added)
    (drift,) = added.drifts()
    assert (drift.repo, drift.what) == (case.repo, case.what)
    assert case.found in drift.found
    assert drift.expected
    assert drift.remedy
    assert drift.remedy in drift.sentence
    if case.is_fixed_by_add:
        added.provisioner().add(NODE)
        assert added.drifts() == ()


def test_every_kind_of_drift_is_tried() -> None:
    apart = {What.RETIRED}  # needs a retired node: below
    assert {case.what for case in CASES.values()} | apart == set(What)
    assert set(What) >= OF_LISTING


def test_several_at_once_are_all_named(added: Place) -> None:
    for name in ("public", "key gone", "key of a stranger", "no rule", "no hook", "pending"):
        CASES[name].change(added)
    found = [drift.what for drift in added.drifts()]
    assert sorted(found) == sorted(
        [
            *(What.PUBLIC, What.KEY_MISSING, What.KEY_FOREIGN, What.UNPROTECTED),
            *(What.HOOK_MISSING, What.PENDING),
        ]
    )


def test_each_kind_comes_once_for_a_repo(added: Place) -> None:
    """Incidents are distinguished by repo and kind."""
    _foreign_key(added)
    added.client().add_deploy_key(NAME, "another", added.key("another"))
    (drift,) = added.drifts()
    for name in ("stranger", "another"):
        assert fingerprint(added.key(name)) in drift.found


def test_a_second_webhook_to_the_same_address_is_a_drift_and_goes(added: Place) -> None:
    values = {
        "type": "forgejo",
        "active": True,
        "events": ["push"],
        "branch_filter": "main",
        "config": {"url": added.hook_url, "content_type": "json", "secret": SECRET},
    }
    added.client()._send("POST", f"{added.forge.base_url}/api/v1/orgs/ops/hooks", values)
    (drift,) = added.drifts()
    assert "it exists 2 times" in drift.found
    added.provisioner().hook()
    assert added.drifts() == ()


def test_webhooks_and_repos_that_are_no_business_of_ours_are_no_drift(added: Place) -> None:
    added.client().set_hook("https://chat.example/", SECRET, "main")
    added.forge.create("website")
    added.forge.create("billing")
    assert added.drifts() == ()


def test_a_key_that_was_closed_and_is_back_goes_by_closing_again(added: Place) -> None:
    added.provisioner().rotate(NODE, added.key("second"))
    added.provisioner().close(NODE)
    added.client().add_deploy_key(NAME, "again", added.key("first"))
    (drift,) = added.drifts()
    assert drift.what == What.KEY_FOREIGN
    assert "--close" in drift.remedy
    added.provisioner().close(NODE)
    assert added.drifts() == ()


def test_a_comment_after_a_key_makes_it_no_other_key(added: Place) -> None:
    key = added.forge.repo(NAME).keys[0]
    key.content += " root@vm-01"
    assert added.drifts() == ()


@pytest.mark.parametrize("is_archived", [True, False])
def test_a_retired_node_whose_repo_takes_pushes_again_is_a_drift(
    added: Place, *, is_archived: bool
) -> None:
    added.provisioner().retire(NODE)
    assert added.drifts() == ()
    if is_archived:
        return
    added.forge.archive(NAME, archived=False)
    (drift,) = added.drifts()
    assert (drift.repo, drift.what) == (NODE, What.RETIRED)
    added.provisioner().retire(NODE)
    assert added.drifts() == ()


def test_the_repo_of_a_retired_node_may_be_deleted(added: Place) -> None:
    added.provisioner().retire(NODE)
    added.forge.delete(NAME)
    assert added.drifts() == ()


def test_an_earlier_repo_may_be_archived_and_lose_its_key_but_stays_private(
    added: Place,
) -> None:
    added.provisioner().rollover(NODE, "2027")
    added.forge.repo(NAME).keys.clear()
    assert added.drifts() == ()
    added.forge.repo(NAME).private = False
    added.forge.repo(NAME).rules.clear()
    assert [(drift.repo, drift.what) for drift in added.drifts()] == [
        (NODE, What.PUBLIC),
        (NODE, What.UNPROTECTED),
    ]
    added.provisioner().add(NODE)
    assert added.drifts() == ()
    added.forge.archive(NAME)
    assert added.drifts() == ()


def test_a_static_repo_that_is_called_like_a_nodes_is_not_pending(added: Place) -> None:
    url = added.forge.clone_url("billing-books")
    text = added.config_file.read_text()
    added.forge.create("billing-books")
    assert [drift.what for drift in added.drifts()] == [What.PENDING]
    added.config_file.write_text(f'{text}[[repo]]\nnode = "books"\nrole = "books"\nurl = "{url}"\n')
    assert What.PENDING not in {drift.what for drift in added.drifts()}


def test_a_repo_that_goes_while_it_is_asked_about_is_missing(added: Place) -> None:
    def before(request: str) -> None:
        if "/keys" in request:
            added.forge.before = None
            added.forge.delete(NAME)

    added.forge.before = before
    assert [drift.what for drift in added.drifts()] == [What.MISSING]


def test_a_forge_that_does_not_list_its_repos_is_an_error_and_no_list_of_drifts(
    added: Place,
) -> None:
    added.forge.misbehave("500", where="/orgs/ops/repos")
    with pytest.raises(UnavailableError):
        added.drifts()


def test_a_single_failure_is_repeated(added: Place) -> None:
    added.forge.misbehave("503", where="/branch_protections", times=1)
    assert added.checked() == Checked((), {})


def test_what_could_not_be_looked_at_is_neither_in_order_nor_a_drift(added: Place) -> None:
    added.provisioner().add("vm-02", added.key("other"))
    added.forge.repo("billing-vm-02").private = False
    added.forge.misbehave("500", where=f"{NAME}/branch_protections")
    drifts, unseen, _ = added.checked()
    assert [(drift.repo, drift.what) for drift in drifts] == [("vm-02", What.PUBLIC)]
    assert unseen.keys() == {NODE}
    assert "500" in unseen[NODE]


def test_a_token_that_may_not_look_is_named_and_asks_no_further(added: Place) -> None:
    """403 for each repo: after the first few the reason is one for all."""
    for number in range(2, 12):
        added.provisioner().add(f"vm-{number:02}", added.key(str(number)))
    added.use_token(added.forge.add_token("read"))
    before = added.forge.count("/keys")
    drifts, unseen, _ = added.checked()
    assert drifts == ()
    assert unseen.keys() == {"", *added.registrations()}
    assert all("403" in reason for reason in unseen.values())
    assert added.forge.count("/keys") - before == 5


@pytest.mark.parametrize("scopes", [SCOPES_ALL, SCOPES_ALL | {"read:user"}])
def test_a_forge_that_hides_what_it_lists_has_lost_nothing(
    added: Place, scopes: frozenset[str]
) -> None:
    """Gitea answers 404 to a user without a second factor, and lists the repos nevertheless."""
    token = added.forge.add_token("admin", scopes=scopes, has_second_factor=False)
    added.forge.two_factor_enforced = True
    added.use_token(token)
    drifts, unseen, _ = added.checked()
    assert drifts == ()
    assert f"the forge lists {NAME} and answers that it is not there" in unseen[NODE]
    assert str(added.token_file) in unseen[NODE]
    assert "TWO_FACTOR_AUTH" in unseen[NODE]
    assert ("(owner)" in unseen[NODE]) == ("read:user" in scopes)
    with pytest.raises(NotThereError, match="may not look at it"):
        added.provisioner().add(NODE)


@dataclass
class Progress:
    """The progress that was reported."""

    reported: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, done: int, total: int) -> None:
        """Note it."""
        self.reported.append((done, total))


def test_it_runs_in_a_thread_and_tells_how_far_it_is(added: Place) -> None:
    added.provisioner().add("vm-02", added.key("other"))
    config, progress = added.config(), Progress()
    registered = read_registrations(config.nodes_dir)
    found: list[tuple[Drift, ...]] = []
    thread = threading.Thread(
        target=lambda: found.append(check(added.client(), config, registered, progress).drifts)
    )
    thread.start()
    thread.join()
    assert found == [()]
    assert progress.reported == [(1, 2), (2, 2)]


def test_five_requests_for_each_repo_and_three_for_all(added: Place) -> None:
    added.provisioner().add("vm-02", added.key("other"))
    before = added.forge.count()
    added.drifts()
    assert added.forge.count() - before == 3 + 2 * 5
