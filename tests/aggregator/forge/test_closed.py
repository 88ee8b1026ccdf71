"""What a node's key and people with write access can do to a repo that was set up."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.fleet.drift.differences import What
from aggregator.fleet.node_keys import FleetError
from gitmeter.git_remote.failures import RemoteError
from tests.aggregator.forge.place import Place
from tests.support.forge import ApiError

NODE = "vm-01"
NAME = "billing-vm-01"


class Pusher:
    """A clone with the node's key.

    Attributes:
        place: the forge.
    """

    def __init__(self, place: Place, folder: Path) -> None:
        self.place = place
        self._folder = folder
        key = folder / "key"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True
        )
        place.provisioner().add(NODE, key.with_suffix(".pub").read_text())
        assert place.forge.ssh is not None
        ssh = f"ssh -i {key} -o IdentitiesOnly=yes -o BatchMode=yes"
        self._ssh = f"{ssh} -o UserKnownHostsFile={place.forge.ssh.known_hosts_file}"
        self._git("init", "-q", "-b", "main")
        for name in ("name", "email"):
            self._git("config", f"user.{name}", "node@vm-01")
        self.commit()

    def commit(self) -> None:
        """Make a commit."""
        self._git("commit", "-q", "--allow-empty", "-m", "usage")

    def reset(self) -> None:
        """Make another commit in the place of the last one."""
        self._git("commit", "-q", "--amend", "--allow-empty", "-m", "another")

    def push(self, *refspecs: str, to: str = "") -> str:
        """Push; returns what the forge says, empty if it takes it."""
        url = to or self.place.forge.ssh_url(NAME)
        result = self._git("push", url, *refspecs, check=False)
        return "" if result.returncode == 0 else result.stderr

    def _git(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", "-c", f"core.sshCommand={self._ssh}", *words],
            cwd=self._folder,
            check=check,
            capture_output=True,
            text=True,
        )


@pytest.fixture(params=["forgejo", "gitea"])
def pusher(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pusher]:
    (tmp_path / "clone").mkdir()
    with Place(tmp_path / "place", has_ssh=True, flavour=request.param) as place:
        yield Pusher(place, tmp_path / "clone")


def test_a_node_pushes_main_and_nothing_else(pusher: Pusher) -> None:
    assert pusher.push("main") == ""
    pusher.commit()
    assert pusher.push("main") == ""
    assert "Not allowed to push" in pusher.push("main:topic")
    assert "Not allowed to push" in pusher.push("main:topic/one")
    assert "User permission denied for creating pull-request" in pusher.push("main:refs/for/main/x")
    assert pusher.push(":main") != ""
    pusher.reset()
    assert "protected from force push" in pusher.push("+main")
    said = pusher.push("main~0:refs/tags/v1")
    if pusher.place.forge.org.flavour == "gitea":
        assert "Tag v1 is protected" in said
        assert pusher.place.drifts() == ()
    else:  # Forgejo 7 has no rules for tags: what was pushed is named
        assert said == ""
        (drift,) = pusher.place.drifts()
        assert (drift.what, drift.found) == (What.FOREIGN_REFS, "refs/tags/v1")


def test_a_member_merges_nothing_into_main(pusher: Pusher) -> None:
    forge = pusher.place.forge
    with pytest.raises(ApiError):
        forge.merge(NAME, "writer", {"usage/x": b"1"})
    forge.repo(NAME).has_pull_requests = True
    with pytest.raises(ApiError, match="not allowed to merge"):
        forge.merge(NAME, "writer", {"usage/x": b"1"})
    forge.repo(NAME).rules["main"].options["enable_merge_whitelist"] = False
    forge.merge(NAME, "writer", {"usage/x": b"1"})
    assert {drift.what for drift in pusher.place.drifts()} == {
        What.PULL_REQUESTS,
        What.PROTECTION,
    }


def test_what_git_cannot_read_is_not_set_up(place: Place) -> None:
    place.forge.http_git = False
    with pytest.raises(FleetError, match=f"git cannot read {NAME}") as caught:
        place.provisioner().add(NODE, place.key("a"))
    assert "403" in str(caught.value)
    assert caught.value.hint
    assert place.registrations()[NODE].repos == ()
    place.forge.http_git = True
    place.forge.misbehave("503", where=f"{NAME}.git", times=1)
    with pytest.raises(RemoteError):
        place.provisioner().add(NODE)
    place.provisioner().add(NODE)
    assert place.drifts() == ()


def test_after_a_rename_gitea_leads_on_over_ssh_and_forgejo_does_not(pusher: Pusher) -> None:
    """So a node on Gitea goes on without knowing, and one on Forgejo must be given the address."""
    old = pusher.place.forge.ssh_url(NAME)
    assert pusher.push("main") == ""
    pusher.place.forge.rename(NAME, "elsewhere")
    pusher.commit()
    said = pusher.push("main", to=old)
    is_led_on = pusher.place.forge.org.flavour == "gitea"
    assert (said == "") is is_led_on
    assert ("Cannot find repository" in said) is not is_led_on
