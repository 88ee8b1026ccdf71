"""A node joins over any server, and reads afterwards what it was joined without."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from gitmeter.git_remote.failures import UnreachableError
from gitmeter.git_remote.remote import Remote
from node_pusher.home.home import Home, new_home
from node_pusher.joining import remote_history
from node_pusher.joining.init import init
from node_pusher.joining.trust import Vouched
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.correct import correct
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from tests.node_pusher.conftest import NODE, START, record
from tests.support.git_http import GitHttpServer
from tests.support.repos import RepoWriter, segment_path, usage_line
from tests.support.sshd import SshServer

EPOCH = 1_000_000_000
SERVERS: Final = {
    "everything": {"uploadpack.allowFilter": True, "uploadpack.allowAnySHA1InWant": True},
    "no single objects": {"uploadpack.allowFilter": True},
    "no filter": {"uploadpack.allowFilter": False},
}
"""What a git server may allow; sshd passes no protocol version on, so there it decides."""


@pytest.fixture(params=["file", "http", "ssh"])
def remote(request: pytest.FixtureRequest, tmp_path: Path, remote_dir: Path) -> Iterator[Remote]:
    with ExitStack() as running:
        if request.param == "ssh":
            yield running.enter_context(SshServer(tmp_path / "sshd")).remote(remote_dir)
        elif request.param == "http":
            server = running.enter_context(GitHttpServer(tmp_path))
            yield Remote(server.url("remote.git"))
        else:
            yield Remote(remote_dir.as_uri())


@pytest.mark.parametrize("server", SERVERS)
def test_a_joined_home_reads_and_corrects_what_it_was_joined_without(
    tmp_path: Path, remote_dir: Path, home: Home, remote: Remote, server: str
) -> None:
    for _ in range(3):
        record(home, 2)
        push(home, START)
    for key, value in SERVERS[server].items():
        RepoWriter(remote_dir).repo.config[key] = value
    joined = new_home(tmp_path / "joined", NODE, remote)
    report = init(joined, START, vouched=Vouched(signers_file=home.path / "allowed_signers"))
    assert (report.outcome, report.next_seq) == ("joined", EPOCH + 1)
    with Spool.open(joined.path, clock=lambda: START) as spool:
        for seq in (1, 4, 5):
            assert correct(spool, seq, units=1, reason="x").units_after > 1
    assert push(joined, START).retired == 3


@pytest.mark.parametrize("server", SERVERS)
def test_whose_repo_it_is_can_be_read_over_any_server(
    tmp_path: Path, remote_dir: Path, remote: Remote, server: str
) -> None:
    """Here only a line says so."""
    writer = RepoWriter(remote_dir)
    for first in (1, 2):
        line = usage_line(node=NODE, seq=first)
        writer.commit({segment_path(START.date(), first): line}, message="x")
    for key, value in SERVERS[server].items():
        writer.repo.config[key] = value
    joined = new_home(tmp_path / "joined", NODE, remote)
    assert init(joined, START, vouched=Vouched(tip=writer.tip())).next_seq == EPOCH + 1


@pytest.mark.parametrize("word", [b"deepen", b"filter"])
def test_a_server_that_leaves_nothing_out_is_asked_for_everything(
    tmp_path: Path, home: Home, word: bytes
) -> None:
    for _ in range(2):
        record(home)
        push(home, START)
    with GitHttpServer(tmp_path) as server:
        server.refused_word = word
        joined = new_home(tmp_path / "joined", NODE, Remote(server.url("remote.git")))
        init(joined, START, vouched=Vouched(signers_file=home.path / "allowed_signers"))
        record(joined)
        assert push(joined, START).retired == 1
    with Spool.open(joined.path, clock=lambda: START) as spool:
        assert correct(spool, 1, units=1, reason="x").recorded.seq == EPOCH + 2


def test_a_file_that_the_remote_does_not_give_is_said_and_no_home_is_made(
    tmp_path: Path, remote_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that the repo is another node's, which nobody knows then."""
    writer = RepoWriter(remote_dir)
    writer.commit(
        {segment_path(START.date(), 1): usage_line(node=NODE, seq=1)},
        message="x",
    )
    with GitHttpServer(tmp_path) as server:
        joined = new_home(tmp_path / "joined", NODE, Remote(server.url("remote.git")))
        fetched = remote_history._fetched

        def then_away(repo: LedgerRepo) -> str:
            server.misbehave("503")
            return fetched(repo)

        monkeypatch.setattr(remote_history, "_fetched", then_away)
        with pytest.raises(UnreachableError, match="503"):
            init(joined, START, vouched=Vouched(tip=writer.tip()))
        assert not (joined.path / "node.toml").exists()
        assert not joined.repo.path.exists()
        assert not joined.spool_file.exists()
        monkeypatch.undo()
        server.behave()
        assert init(joined, START, vouched=Vouched(tip=writer.tip())).outcome == "joined"
