"""Nodes set up on a forge: whatever was there before, and wherever the last run died."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.config.nodes_dir import registration_file
from aggregator.fleet.node_keys import FleetError
from aggregator.fleet.setup.provision import Provisioner
from aggregator.fleet.setup.repo_setup import Done
from aggregator.forge.interface import ForgeError
from gitmeter.git_remote.failures import RemoteError
from gitmeter.signing.allowed_signers import AllowedSignersError, format_entry
from gitmeter.signing.keys import PublicKey, read_public_key
from gitmeter.support.errors import GitmeterError
from tests.aggregator.forge.place import NOW, SECRET, Place

NODE = "vm-01"
NAME = "billing-vm-01"
NEXT = "billing-vm-01.2027"
DAY = timedelta(days=1)
Act = Callable[[Place], object]


def public(line: str) -> PublicKey:
    algorithm, encoded = line.split()
    return read_public_key(algorithm, encoded)


def add(place: Place) -> object:
    return place.provisioner().add(NODE, place.key("first"))


def rotate(place: Place) -> object:
    return place.provisioner(NOW + DAY).rotate(NODE, place.key("second"))


def close(place: Place) -> object:
    return place.provisioner(NOW + 2 * DAY).close(NODE)


def roll_over(place: Place) -> object:
    return place.provisioner(NOW + 3 * DAY).rollover(NODE, "2027")


def retire(place: Place) -> object:
    return place.provisioner(NOW + 4 * DAY).retire(NODE)


LIFE: tuple[Act, ...] = (add, rotate, close, roll_over, retire)


def lived(place: Place, until: Act) -> Place:
    for act in LIFE[: LIFE.index(until)]:
        act(place)
    return place


def test_a_new_node_gets_all_that_it_needs_to_push_and_nobody_else_does(place: Place) -> None:
    outcome = place.provisioner().add(NODE, place.key("first"), ["llm/*"])
    assert outcome.ssh_url == place.forge.ssh_url(NAME)
    repo = place.forge.repo(NAME)
    assert (repo.private, repo.empty, repo.default_branch) == (True, True, "main")
    assert [(key.content, key.read_only) for key in repo.keys] == [(place.key("first"), False)]
    rule = repo.rules["main"]
    assert rule.is_on("enable_push_whitelist")
    assert rule.is_on("push_whitelist_deploy_keys")
    assert rule.options["push_whitelist_usernames"] == []
    (hook,) = place.forge.org.hooks.values()
    assert (hook.url, hook.secret, hook.events) == (place.hook_url, SECRET, ["push"])
    node = place.registrations()[NODE]
    assert node == outcome.registration
    assert (node.allow, node.registered_at) == (("llm/*",), NOW)
    assert [key.line for key in node.keys] == [place.key("first")]
    assert [(r.name, r.forge_id, r.forge_name, r.created_at) for r in node.repos] == [
        (NODE, repo.id, NAME, repo.created_at)
    ]
    assert place.drifts() == ()


@pytest.mark.parametrize("act", LIFE)
def test_the_same_again_changes_nothing_and_says_so(place: Place, act: Act) -> None:
    act(lived(place, act))
    before, file = place.state(), registration_file(place.config().nodes_dir, NODE)
    written = file.stat().st_mtime_ns
    place.done()
    act(place)
    assert set(place.done().values()) == {Done.UNCHANGED}
    assert place.state() == before
    assert file.stat().st_mtime_ns == written


@pytest.mark.parametrize("act", LIFE)
def test_interrupted_at_any_request_the_same_again_ends_in_the_same_state(
    tmp_path: Path, act: Act
) -> None:
    """Each request fails once in turn, before it was done and after."""
    with Place(tmp_path / "whole") as whole:
        act(lived(whole, act))
        expected = shown(whole)
    for fault in ("500", "lose_answer"):
        for nth in range(100):
            with Place(tmp_path / f"{fault}-{nth}") as place:
                place._keys = whole._keys
                lived(place, act)
                place.forge.misbehave(fault, times=1, spare=nth)
                if not fails(act, place):
                    break
                place.forge.behave()
                act(place)
                assert shown(place) == expected, f"{fault} at request {nth}"
        assert nth > 1


def shown(place: Place) -> Any:  # noqa: ANN401 - to be compared as a whole
    """The state without the port of this very forge."""
    return repr(place.state()).replace(place.forge.base_url, "FORGE")


def fails(act: Act, place: Place) -> bool:
    try:
        act(place)
    except (ForgeError, RemoteError):
        return True
    return False


def _archive(place: Place) -> None:
    place.forge.archive(NAME)


def _publish(place: Place) -> None:
    place.forge.repo(NAME).private = False


def _drop_key(place: Place) -> None:
    place.forge.repo(NAME).keys.clear()
    place.forge.org.on_keys()


def _read_only(place: Place) -> None:
    place.forge.repo(NAME).keys[0].read_only = True


def _unprotect(place: Place) -> None:
    place.forge.repo(NAME).rules.clear()


def _weaken(place: Place) -> None:
    place.forge.repo(NAME).rules["main"].options |= {
        "enable_push_whitelist": False,
        "push_whitelist_teams": ["everybody"],
    }


def _drop_hook(place: Place) -> None:
    place.forge.org.hooks.clear()


def _silence_hook(place: Place) -> None:
    next(iter(place.forge.org.hooks.values())).active = False


DAMAGES = (
    *(_archive, _publish, _drop_key, _read_only, _unprotect, _weaken),
    *(_drop_hook, _silence_hook),
)


@settings(max_examples=25)
@given(damages=st.lists(st.sampled_from(DAMAGES), unique=True))
def test_whatever_is_missing_or_weak_is_corrected(
    tmp_path_factory: pytest.TempPathFactory, damages: list[Callable[[Place], None]]
) -> None:
    with Place(tmp_path_factory.mktemp("place")) as place:
        add(place)
        before = place.state()
        if _drop_key in damages and _read_only in damages:
            damages.remove(_read_only)
        if _drop_hook in damages and _silence_hook in damages:
            damages.remove(_silence_hook)
        if _unprotect in damages and _weaken in damages:
            damages.remove(_weaken)
        for damage in damages:
            damage(place)
        place.done()
        add(place)
        assert place.state() == before
        changed = {done for done in place.done().values() if done is not Done.UNCHANGED}
        assert bool(changed) == bool(damages)


def test_a_name_that_is_none_is_refused_before_anything_is_asked(place: Place) -> None:
    for name in ("", "VM-01", "vm.01", "vm/01", "../x", "-x", "x" * 64):
        with pytest.raises(FleetError, match="not the name of a node"):
            place.provisioner().add(name, place.key("a"))
    assert place.forge.count() == 0


def test_a_node_with_a_table_in_the_configuration_is_refused(tmp_path: Path) -> None:
    table = {"node": "vm-01", "url": "https://forge.example/ops/x.git"}
    with Place(tmp_path, repo=[table]) as place:
        with pytest.raises(FleetError, match="has a \\[\\[repo\\]\\] table"):
            add(place)
        assert place.forge.count() == 0


def test_the_books_repo_is_never_a_nodes(tmp_path: Path) -> None:
    url = "https://f.example/ops/billing-books.git"
    with Place(tmp_path, repo=[{"node": "books", "role": "books", "url": url}]) as place:
        for act in (place.provisioner().add, place.provisioner().accept):
            with pytest.raises(FleetError, match="table"):
                act("books", place.key("a"))


def test_no_forge_is_an_error_with_the_way_out(place: Place) -> None:
    config = place.config().model_copy(update={"forge": None})
    with pytest.raises(FleetError) as caught:
        Provisioner(place.client(), config, NOW, place.steps.append)
    assert "[forge]" in caught.value.hint


BAD_KEYS = [
    ("", "must be one line"),
    ("ssh-ed25519", "there is no key"),
    ("ssh-ed25519 AAAA", "key"),
    ("# a comment", "comment"),
    ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ== x", "a kind of key that is not accepted"),
    ("other-01 KEY", "belongs to other-01, not to vm-01"),
    ('vm-01 namespaces="file" KEY', "must be for git"),
    ('vm-01 valid-before="20300101Z" KEY', "without valid-after and valid-before"),
    ("KEY\nKEY", "must be one line"),
]


@pytest.mark.parametrize(("text", "says"), BAD_KEYS)
def test_a_line_that_is_no_key_of_this_node_is_refused(place: Place, text: str, says: str) -> None:
    with pytest.raises((FleetError, AllowedSignersError), match=says) as caught:
        place.provisioner().add(NODE, text.replace("KEY", place.key("a")))
    assert caught.value.hint
    assert place.forge.count() == 0


def test_the_line_of_show_key_and_the_key_alone_are_the_same(place: Place) -> None:
    line = format_entry(NODE, public(place.key("a")))
    place.provisioner().add(NODE, f"{line}\n")
    place.done()
    place.provisioner().add(NODE, f"{place.key('a')} root@vm-01\n")
    assert set(place.done().values()) == {Done.UNCHANGED}


def test_a_key_of_another_node_is_refused_also_when_it_was_closed(place: Place) -> None:
    add(place)
    rotate(place)
    close(place)
    for name in ("first", "second"):
        with pytest.raises(FleetError, match="the key belongs to node vm-01"):
            place.provisioner().add("vm-02", place.key(name))
    assert set(place.registrations()) == {NODE}
    assert place.forge.org.find("billing-vm-02") is None


def test_the_key_of_the_books_is_refused(place: Place) -> None:
    signers = place.folder / "allowed_signers"
    signers.write_text(format_entry("books", public(place.key("b"))) + "\n")
    with pytest.raises(FleetError, match="belongs to books"):
        place.provisioner().add(NODE, place.key("b"))


def test_a_key_of_a_user_of_the_forge_is_refused_with_the_reason(place: Place) -> None:
    place.forge.add_user_key("eve@forge.example", place.key("first"))
    with pytest.raises(FleetError, match="non-deploy key") as caught:
        add(place)
    assert "not that of a user" in caught.value.hint


def test_another_key_for_a_registered_node_is_refused(place: Place) -> None:
    add(place)
    with pytest.raises(FleetError, match="registered with another key") as caught:
        place.provisioner().add(NODE, place.key("second"))
    assert "rotate-key" in caught.value.hint


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_repo_that_was_not_made_by_the_command_is_taken_only_if_told_so(
    place: Place, *, is_empty: bool
) -> None:
    """Who makes a repo is its administrator, and could change or read what is billed in it."""
    place.forge.create(NAME)
    if not is_empty:
        place.forge.commit(NAME, {"README.md": b"mine"})
    with pytest.raises(FleetError, match="not made by this command") as caught:
        add(place)
    assert ("not empty" in str(caught.value)) is not is_empty
    assert "--adopt" in caught.value.hint
    assert place.forge.repo(NAME).keys == []
    assert place.registrations() == {}
    place.provisioner().add(NODE, place.key("first"), adopt=True)
    assert place.drifts() == ()


def test_a_registration_that_is_lost_takes_its_repo_back_only_if_told_so(place: Place) -> None:
    add(place)
    before = place.state()
    registration_file(place.config().nodes_dir, NODE).unlink()
    with pytest.raises(FleetError, match="not made by this command"):
        add(place)
    place.provisioner().add(NODE, place.key("first"), adopt=True)
    assert place.state() == before


def test_a_repo_whose_making_was_interrupted_is_its_own(place: Place) -> None:
    """The forge made it, and its answer was lost."""
    place.forge.misbehave("lose_answer", where="POST /api/v1/orgs/ops/repos", times=1)
    with pytest.raises(GitmeterError):
        add(place)
    assert place.forge.repo(NAME).empty
    add(place)
    assert place.drifts() == ()
    assert place.registrations()[NODE].making is None


def test_a_renamed_repo_is_named_and_not_made_again(place: Place) -> None:
    add(place)
    place.forge.rename(NAME, "elsewhere")
    with pytest.raises(FleetError, match="repo 1 is named elsewhere on the forge now"):
        add(place)
    assert place.forge.org.find(NAME) is None


@pytest.mark.parametrize("is_made_again", [True, False])
def test_a_repo_that_is_gone_is_replaced_only_if_told_so(
    place: Place, *, is_made_again: bool
) -> None:
    add(place)
    if is_made_again:
        place.forge.recreate(NAME)
    else:
        place.forge.delete(NAME)
    with pytest.raises(FleetError, match="no longer repo 1"):
        add(place)
    place.provisioner().add(NODE, adopt=True)
    assert place.registrations()[NODE].repos[0].forge_id == place.forge.repo(NAME).id
    assert place.drifts() == ()


def test_what_it_may_bill_stays_unless_it_is_stated_again(place: Place) -> None:
    place.provisioner().add(NODE, place.key("first"), ["llm/*"])
    place.provisioner().add(NODE)
    assert place.registrations()[NODE].allow == ("llm/*",)
    place.provisioner().add(NODE, None, ["vm/*", "gpu/*"])
    assert place.registrations()[NODE].allow == ("vm/*", "gpu/*")
    with pytest.raises(FleetError, match="allow"):
        place.provisioner().add(NODE, None, ["no spaces"])


def test_what_was_edited_in_the_file_by_hand_stays(place: Place) -> None:
    add(place)
    file = registration_file(place.config().nodes_dir, NODE)
    file.write_text(f"silent_after_s = 3600\n{file.read_text()}")
    rotate(place)
    assert place.registrations()[NODE].silent_after_s == 3600


def test_without_a_webhook_address_none_is_made(place: Place) -> None:
    text = place.config_file.read_text()
    place.config_file.write_text(
        "\n".join(line for line in text.splitlines() if not line.startswith("webhook_url"))
    )
    add(place)
    assert place.forge.org.hooks == {}
    with pytest.raises(FleetError, match="no webhook is configured"):
        place.provisioner().hook()


def test_a_webhook_that_nobody_could_check_is_refused_before_anything_is_made(
    place: Place,
) -> None:
    text = place.config_file.read_text()
    place.config_file.write_text(
        "\n".join(line for line in text.splitlines() if not line.startswith("webhook_secret"))
    )
    with pytest.raises(FleetError, match="nothing could verify"):
        add(place)
    assert place.forge.org.repos == {}


def test_a_new_secret_reaches_the_forge(place: Place) -> None:
    add(place)
    (place.folder / "secret").write_text("another-secret-0123456789")
    place.provisioner().hook()
    (hook,) = place.forge.org.hooks.values()
    assert hook.secret == "another-secret-0123456789"  # noqa: S105 - made up above


def test_a_pending_repo_bills_once_it_is_accepted_and_nothing_changes_on_the_forge(
    place: Place,
) -> None:
    place.forge.create(NAME)
    assert NAME in [drift.repo for drift in place.drifts()]
    before = place.state()[:2]
    with pytest.raises(FleetError, match="its key is needed"):
        place.provisioner().accept(NODE)
    place.provisioner().accept(NODE, place.key("first"))
    assert place.state()[:2] == before
    assert place.registrations()[NODE].repos[0].forge_id == place.forge.repo(NAME).id


def test_a_further_repo_of_a_registered_node_is_accepted_by_its_name(place: Place) -> None:
    add(place)
    place.forge.create(NEXT)
    place.provisioner().accept(NODE, name=NEXT)
    assert [repo.name for repo in place.registrations()[NODE].repos] == [NODE, "vm-01.2027"]


def test_a_renamed_repo_is_accepted_under_its_new_name(place: Place) -> None:
    add(place)
    place.forge.rename(NAME, "elsewhere")
    place.provisioner().accept(NODE, name="elsewhere")
    (repo,) = place.registrations()[NODE].repos
    assert (repo.name, repo.forge_name) == (NODE, "elsewhere")
    assert [drift.what for drift in place.drifts()] == []
    add(place)


@pytest.mark.parametrize("name", ["billing-vm-02", "something", "billing-books"])
def test_a_repo_that_is_not_called_like_the_nodes_is_not_accepted(place: Place, name: str) -> None:
    place.forge.create(name)
    with pytest.raises(FleetError, match="not named like a repo of vm-01"):
        place.provisioner().accept(NODE, place.key("first"), name)
    assert place.registrations() == {}


def test_a_repo_of_another_node_is_not_accepted(place: Place) -> None:
    add(place)
    place.forge.rename(NAME, "billing-vm-02")
    with pytest.raises(FleetError, match="is registered as vm-01 of vm-01"):
        place.provisioner().accept("vm-02", place.key("other"))


def test_a_repo_that_is_not_there_is_not_accepted(place: Place) -> None:
    with pytest.raises(FleetError, match="has no repo billing-vm-01"):
        place.provisioner().accept(NODE, place.key("first"))


def test_two_keys_push_while_they_are_rotated_and_one_afterwards(place: Place) -> None:
    add(place)
    rotate(place)
    contents = [key.content for key in place.forge.repo(NAME).keys]
    assert contents == [place.key("first"), place.key("second")]
    assert place.drifts() == ()
    close(place)
    assert [key.content for key in place.forge.repo(NAME).keys] == [place.key("second")]
    first, second = place.registrations()[NODE].keys
    assert (first.closed_at, second.closed_at) == (NOW + 2 * DAY, None)
    assert "valid-before=" in first.signer(NODE)
    assert place.drifts() == ()


def test_a_closed_key_does_not_come_back(place: Place) -> None:
    lived(place, roll_over)
    with pytest.raises(FleetError, match="it was closed"):
        place.provisioner().rotate(NODE, place.key("first"))


def test_the_only_key_is_not_closed(place: Place) -> None:
    add(place)
    close(place)
    assert len(place.forge.repo(NAME).keys) == 1
    assert place.registrations()[NODE].open_keys() != ()


def test_the_next_repo_of_a_node_opens_to_the_same_key(place: Place) -> None:
    lived(place, retire)
    assert [key.content for key in place.forge.repo(NEXT).keys] == [place.key("second")]
    assert "main" in place.forge.repo(NEXT).rules
    assert [repo.name for repo in place.registrations()[NODE].repos] == [NODE, "vm-01.2027"]
    assert place.drifts() == ()


@pytest.mark.parametrize("suffix", ["", "20/27", "Ünder", "2027 ", "2027.", "1.2", "x" * 17])
def test_a_suffix_that_makes_no_name_is_refused(place: Place, suffix: str) -> None:
    add(place)
    requests = place.forge.count()
    with pytest.raises(FleetError, match="not the name of a repo"):
        place.provisioner().rollover(NODE, suffix)
    assert place.forge.count() == requests


def test_a_node_does_not_roll_back(place: Place) -> None:
    lived(place, retire)
    place.provisioner().rollover(NODE, "2028")
    with pytest.raises(FleetError, match=r"rolled over from vm-01\.2027 to vm-01\.2028"):
        roll_over(place)


def test_a_retired_node_can_push_nothing_and_stays_registered(place: Place) -> None:
    lived(place, retire)
    place.forge.rename(NAME, "renamed-meanwhile")
    before = place.state()
    with pytest.raises(FleetError, match="is named renamed-meanwhile") as caught:
        retire(place)
    assert place.state() == before, "nothing is archived before every repo is certain"
    assert "node accept vm-01 --repo renamed-meanwhile" in caught.value.hint
    place.provisioner().accept(NODE, name="renamed-meanwhile")
    retire(place)
    for repo in place.forge.org.repos.values():
        assert (repo.keys, repo.archived_at is not None) == ([], True)
    node = place.registrations()[NODE]
    assert node.retired_at == NOW + 4 * DAY
    assert len(node.repos) == 2


def test_a_repo_that_was_left_behind_is_closed_alone(place: Place) -> None:
    """Its keys go and it is archived; the node goes on in the next one, and nothing drifted."""
    add(place)
    roll_over(place)
    for name, says in (
        ("vm-01.2027", "not a previous repo of vm-01"),
        ("vm-02", "not a previous repo"),
    ):
        with pytest.raises(FleetError, match=says):
            place.provisioner().retire(NODE, name)
    for _ in range(2):
        place.provisioner().retire(NODE, NODE)
    first, second = place.registrations()[NODE].repos
    assert (first.closed_at, second.closed_at) == (NOW, None)
    assert [place.forge.repo(name).archived_at is not None for name in (NAME, NEXT)] == [
        True,
        False,
    ]
    assert (place.forge.repo(NAME).keys, len(place.forge.repo(NEXT).keys)) == ([], 1)
    assert [repo.is_retired for repo in place.config().repo] == [True, False]
    assert place.drifts() == ()
    place.forge.archive(NAME, archived=False)
    (drift,) = place.drifts()
    assert "aggregator node retire vm-01 --repo vm-01" in drift.remedy


@pytest.mark.parametrize("act", [add, rotate, close, roll_over])
def test_a_retired_node_is_changed_no_more(place: Place, act: Act) -> None:
    add(place)
    retire(place)
    with pytest.raises(GitmeterError, match="was retired"):
        act(place)


@pytest.mark.parametrize("act", [rotate, close, roll_over, retire])
def test_what_is_not_registered_cannot_be_changed(place: Place, act: Act) -> None:
    with pytest.raises(FleetError, match="is not registered"):
        act(place)


def test_a_node_whose_repo_is_gone_can_be_retired_all_the_same(place: Place) -> None:
    add(place)
    place.forge.delete(NAME)
    retire(place)
    assert place.registrations()[NODE].retired_at is not None


@pytest.mark.parametrize("act", [rotate, retire])
def test_another_repo_under_the_old_name_is_left_alone(place: Place, act: Act) -> None:
    add(place)
    place.forge.recreate(NAME)
    place.client().add_deploy_key(NAME, "theirs", place.key("first"))
    before = place.state()[0]
    act(place)
    assert place.state()[0] == before
    assert ("repo is gone", NAME) in [(step.what, step.name) for step in place.steps]
