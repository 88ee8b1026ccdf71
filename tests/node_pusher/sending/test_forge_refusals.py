"""Whyever a forge refuses a push: the node says why, keeps its records, and sends them once mended.

Over real http and ssh, against the rules, tokens and deploy keys of the test forge.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from gitmeter.git_remote.failures import (
    AccessDeniedError,
    PushRefusedError,
    RemoteError,
    RepoGoneError,
)
from gitmeter.git_remote.remote import Remote
from gitmeter.signing.signing_key import load_signing_key
from node_pusher.home.errors import NonFastForwardError
from node_pusher.home.home import Home, new_home
from node_pusher.home.layout import make_folder
from node_pusher.home.own_key import ensure_key
from node_pusher.joining.init import init
from node_pusher.sending.push import push
from tests.forge_support.calling import Client, protect
from tests.node_pusher.conftest import NODE, START, files_of, record, spool_count
from tests.support.files import write_secret
from tests.support.forge import ForgeServer

REPO = f"billing-{NODE}"
RULE = f"/repos/ops/{REPO}/branch_protections/main"
LATER = START + timedelta(hours=1)


class Place(NamedTuple):
    """A node whose repo is on a forge, with records to push.

    Attributes:
        line: the node's public key.
    """

    forge: ForgeServer
    client: Client
    home: Home
    token_file: Path
    line: str

    def set_key(self, repo: str = REPO, *, read_only: bool = False) -> None:
        """Let the node's key into this repo, and into no other."""
        self.drop_key()
        path = f"/repos/ops/{repo}/keys"
        self.client.post(path, title=NODE, key=self.line, read_only=read_only)

    def drop_key(self) -> None:
        """Let the node's key in nowhere."""
        for repo in list(self.forge.org.repos.values()):
            for key in repo.keys:
                self.client.ask("DELETE", f"/repos/ops/{repo.name}/keys/{key.id}")

    def set_rule(self, **options: object) -> None:
        """Change the protection of `main`."""
        answer = self.client.ask("PATCH", RULE, options)
        assert answer.status_code == 200, answer.text


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeServer]:
    with ForgeServer(tmp_path / "forge", has_ssh=True) as running:
        running.create(REPO)
        running.create("billing-other")
        yield running


@pytest.fixture
def client(forge: ForgeServer) -> Iterator[Client]:
    made = Client(forge)
    yield made
    made.close()


MakePlace = Callable[[str], Place]


@pytest.fixture
def make_place(tmp_path: Path, forge: ForgeServer, client: Client) -> MakePlace:
    """A protected repo, a home on it over `http` or `ssh`, and three records to be sent."""

    def make(transport: str) -> Place:
        folder = tmp_path / "home"
        make_folder(folder)
        ensure_key(folder, NODE)
        line = load_signing_key(folder / "signing_key").public.line
        token_file = tmp_path / "token"
        write_secret(token_file, forge.write_token)
        assert forge.ssh is not None
        remote = (
            Remote(forge.clone_url(REPO), token_file=token_file)
            if transport == "http"
            else Remote(
                forge.ssh_url(REPO),
                ssh_key_file=folder / "signing_key",
                known_hosts_file=forge.ssh.known_hosts_file,
            )
        )
        home = new_home(folder, NODE, remote)
        place = Place(forge, client, home, token_file, line)
        place.set_key()
        protect(client, REPO, push_whitelist_usernames=["writer"], require_signed_commits=True)
        init(home, START)
        record(home, 3)
        return place

    return make


def _billed(forge: ForgeServer, repo: str = REPO) -> int:
    """How many records are in the forge's repo."""
    return b"".join(files_of(forge.path(repo)).values()).count(b'"units"')


@pytest.mark.parametrize("transport", ["http", "ssh"])
def test_a_node_pushes_to_a_protected_branch(make_place: MakePlace, transport: str) -> None:
    place = make_place(transport)
    assert push(place.home, START).retired == 3
    assert (_billed(place.forge), spool_count(place.home)) == (3, 0)
    told = place.client.get(f"/repos/ops/{REPO}")
    assert told["empty"] is False


class Refusal(NamedTuple):
    """What goes wrong, and what the node makes of it.

    Attributes:
        spoil, mend: bring it about, and take it away again.
        error: of which type.
        words: in its message.
        hint: in what to do.
    """

    transport: str
    spoil: Callable[[Place], object]
    mend: Callable[[Place], object]
    error: type[RemoteError]
    words: str
    hint: str = ""


def _reader(place: Place) -> None:
    write_secret(place.token_file, place.forge.read_token)


def _blind(place: Place) -> None:
    write_secret(place.token_file, place.forge.add_token("write", sees=()))


def _writer(place: Place) -> None:
    write_secret(place.token_file, place.forge.write_token)


def _unarchive(place: Place) -> None:
    place.forge.archive(REPO, archived=False)


def _rename(place: Place) -> None:
    place.forge.rename(REPO, "billing-moved")


def _rename_back(place: Place) -> None:
    place.forge.rename("billing-moved", REPO)


CHECK = "check the token or key"
REFUSALS = {
    "http: the token is not known": Refusal(
        "http",
        lambda place: write_secret(place.token_file, "0" * 40),
        _writer,
        AccessDeniedError,
        "",
        CHECK,
    ),
    "http: the token may only read": Refusal(
        "http", _reader, _writer, AccessDeniedError, "403", CHECK
    ),
    "http: the token's user does not see the repo": Refusal(
        "http", _blind, _writer, RepoGoneError, "404", "this key or token may not see it"
    ),
    "http: the repo is archived": Refusal(
        "http",
        lambda place: place.forge.archive(REPO),
        _unarchive,
        AccessDeniedError,
        "This repo is archived",
        "out of the archive",
    ),
    "http: the repo has another name": Refusal(
        "http", _rename, _rename_back, RepoGoneError, "ops/billing-moved.git", "the repo has moved"
    ),
    "http: the user is not on the list of the rule": Refusal(
        "http",
        lambda place: place.set_rule(push_whitelist_usernames=["somebody"]),
        lambda place: place.set_rule(push_whitelist_usernames=["writer"]),
        PushRefusedError,
        "Not allowed to push to protected branch main",
    ),
    "ssh: the key is not known": Refusal(
        "ssh",
        Place.drop_key,
        Place.set_key,
        AccessDeniedError,
        "Permission denied (publickey)",
        CHECK,
    ),
    "ssh: the key may only read": Refusal(
        "ssh",
        lambda place: place.set_key(read_only=True),
        Place.set_key,
        AccessDeniedError,
        f"is not authorized to write to ops/{REPO}",
        CHECK,
    ),
    "ssh: the key is another repo's": Refusal(
        "ssh",
        lambda place: place.set_key("billing-other"),
        Place.set_key,
        AccessDeniedError,
        f"is not authorized to read ops/{REPO}",
        CHECK,
    ),
    "ssh: the repo is archived": Refusal(
        "ssh",
        lambda place: place.forge.archive(REPO),
        _unarchive,
        AccessDeniedError,
        f"Repo: ops/{REPO} is archived",
        "out of the archive",
    ),
    "ssh: the repo has another name": Refusal(
        "ssh", _rename, _rename_back, RepoGoneError, "Cannot find repository", "set-remote URL"
    ),
    "ssh: the rule lets no deploy keys push": Refusal(
        "ssh",
        lambda place: place.set_rule(push_whitelist_deploy_keys=False),
        lambda place: place.set_rule(push_whitelist_deploy_keys=True),
        PushRefusedError,
        "Not allowed to push to protected branch main",
    ),
    "ssh: the rule lets nobody push": Refusal(
        "ssh",
        lambda place: place.set_rule(enable_push=False),
        lambda place: place.set_rule(
            enable_push=True, enable_push_whitelist=True, push_whitelist_deploy_keys=True
        ),
        PushRefusedError,
        "Not allowed to push to protected branch main",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_told_keeps_the_records_and_passes(make_place: MakePlace, case: str) -> None:
    refusal = REFUSALS[case]
    place = make_place(refusal.transport)
    refusal.spoil(place)
    for now in (START, LATER):
        with pytest.raises(refusal.error) as raised:
            push(place.home, now)
        assert type(raised.value) is refusal.error, str(raised.value)
        assert refusal.words in str(raised.value)
        assert refusal.hint in raised.value.hint
        assert "nothing is lost: 1 commit waits here" in str(raised.value)
        assert spool_count(place.home) == 3
    refusal.mend(place)
    record(place.home, 1)
    assert push(place.home, LATER).retired == 4
    assert (_billed(place.forge), spool_count(place.home)) == (4, 0)


def test_a_real_forgejo_that_requires_signatures_takes_no_nodes_commits(tmp_path: Path) -> None:
    """It asks for those of its users; so a node's repo must not require them there."""
    with ForgeServer(tmp_path / "strict", signers="users") as forge:
        forge.create(REPO)
        client = Client(forge)
        token_file = tmp_path / "token"
        write_secret(token_file, forge.write_token)
        home = new_home(
            tmp_path / "home", NODE, Remote(forge.clone_url(REPO), token_file=token_file)
        )
        users = ["writer"]
        protect(client, REPO, push_whitelist_usernames=users, require_signed_commits=True)
        with pytest.raises(PushRefusedError, match="main is protected from unverified commit"):
            init(home, START)
        client.ask("PATCH", RULE, {"require_signed_commits": False})
        init(home, START)
        record(home, 3)
        assert push(home, START).retired == 3
        client.close()


def test_a_branch_that_somebody_else_moved_is_not_pushed_over(make_place: MakePlace) -> None:
    """The forge takes no forced push, and the node tries none."""
    place = make_place("ssh")
    push(place.home, START)
    foreign = place.forge.commit(REPO, {"notes.txt": b"hello"})
    record(place.home, 1)
    with pytest.raises(NonFastForwardError, match=foreign[:12]):
        push(place.home, LATER)
    assert place.forge.writer(REPO).tip() == foreign
    assert spool_count(place.home) == 1


@pytest.mark.parametrize("where", ["git-receive-pack", "git-upload-pack"])
def test_a_forge_that_is_too_busy_is_asked_again_later(make_place: MakePlace, where: str) -> None:
    place = make_place("http")
    place.forge.headers["Retry-After"] = "120"
    place.forge.misbehave("429", where=where)
    with pytest.raises(RemoteError) as raised:
        push(place.home, START)
    assert raised.value.retry
    assert spool_count(place.home) == 3
    place.forge.behave()
    assert push(place.home, LATER).retired == 3
