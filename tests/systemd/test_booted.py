"""The units under a real systemd, booted in namespaces of its own: from `init` to a balance.

Runs where root may make namespaces and mounts, and is skipped where not; `boot.sh` is the machine,
`steps.sh` what is typed into it.
"""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import ROOT
from tests.support.git_http import Access, GitHttpServer
from tests.support.repos import bare_repo
from tests.support.sshd import SshServer

BOOT: Final = Path(__file__).with_name("boot.sh")
PYTHON: Final = Path(f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}")
"""Of the same minor version, so it can load what is installed for the one that runs the tests."""

TIME_LIMIT_S: Final = 150


class Steps:
    """What the steps of `steps.sh` printed and how they ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def text(self, name: str) -> str:
        """What a step printed."""
        return (self._folder / name).read_text().strip()

    def ended_well(self, name: str) -> bool:
        """Whether a step's exit status is 0."""
        return self.text(f"{name}.status") == "0"


def _why_not() -> str:
    """Why this machine cannot boot a systemd of its own; empty when it can."""
    if not PYTHON.exists():
        return f"{PYTHON} is not there: the units see no Python below /root and /home"
    with tempfile.TemporaryDirectory() as folder:
        check = subprocess.run(
            ["sh", BOOT, "check", folder], capture_output=True, text=True, check=False, timeout=60
        )
    return f"no namespaces and mounts: {check.stderr.strip()}" if check.returncode else ""


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    if reason := _why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("booted")
    out = folder / "work/out"
    out.mkdir(parents=True)
    repos = folder / "repos"
    bare_repo(repos / "n1.git")
    tokens: dict[str, dict[str, Access]] = {"n1.git": {"may-write": "write", "may-read": "read"}}
    with GitHttpServer(repos, tokens=tokens) as http, SshServer(folder / "sshd") as ssh:
        (out / "url").write_text(http.url("n1.git"))
        (out / "ssh_url").write_text(ssh.url(repos / "n1.git"))
        shutil.copy(ssh.key_file, out / "ssh_key")
        shutil.copy(ssh.known_hosts_file, out / "known_hosts")
        site = sysconfig.get_path("purelib")
        booted = subprocess.run(
            ["sh", BOOT, out.parent, ROOT, site, PYTHON],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIME_LIMIT_S,
        )
        journal = out / "whole_journal"
        assert (out / "sandboxed").exists(), (
            f"the steps did not get to their end: {booted.stdout}{booted.stderr}",
            journal.read_text() if journal.exists() else "no journal: it did not boot",
        )
        yield Steps(out)


def test_accounts_and_folders_are_made_as_the_readme_says(steps: Steps) -> None:
    for name in ("sysusers", "tmpfiles", "init"):
        assert steps.ended_well(name), steps.text(name)


def test_before_init_a_push_is_skipped(steps: Steps) -> None:
    assert steps.text("before_init") == "no"


def test_a_service_of_the_group_records_and_the_pusher_sends_it(steps: Steps) -> None:
    assert steps.ended_well("record"), steps.text("record")
    assert steps.ended_well("push"), steps.text("push")
    assert re.search(r"not pushed: +0 commits", steps.text("after_push"))
    assert re.search(r"next seq: +2 ", steps.text("after_push"))


def test_a_push_without_the_remote_is_no_failure_and_the_next_one_sends_all(steps: Steps) -> None:
    assert steps.ended_well("push_away"), steps.text("push_away")
    assert re.search(r"not pushed: +1 commit with 1 record", steps.text("waiting"))
    assert "nothing is lost" in steps.text("journal_pusher")
    assert steps.ended_well("push_back"), steps.text("push_back")
    assert steps.text("journal_pusher").count("n1: pushed 1 commit with 1 record") == 2


def test_the_timer_waits_for_its_minute(steps: Steps) -> None:
    assert steps.ended_well("timer"), steps.text("timer")
    assert re.search(r":(05|06|07|08|09|1\d):\d\d .*node-pusher.service", steps.text("timers"))


def test_services_record_over_the_socket_also_while_the_listener_starts_anew(steps: Steps) -> None:
    for name in ("listen", "send", "listen_stop", "send_again", "listen_end"):
        assert steps.ended_well(name), steps.text(name) + steps.text("journal_listen")
    answers = [json.loads(line) for line in steps.text("answers").splitlines()]
    assert [answer["seq"] for answer in answers] == [3, 4]
    assert steps.text("listen_socket") == "660 node-pusher node-pusher"
    facts = dict(line.split(":\t") for line in steps.text("listen_process").splitlines())
    assert (facts["NoNewPrivs"], facts["Seccomp"], facts["CapEff"]) == ("1", "2", "0" * 16)
    assert steps.text("journal_listen").count("stopped; everything received") == 2


def test_doctor_knows_the_timer_and_the_listener(steps: Steps) -> None:
    """Run by root, so it warns of the home's owner; here is what only a real systemd can tell."""
    found = {check["check"]: check for check in json.loads(steps.text("doctor"))["checks"]}
    assert found["timer"]["health"] == "warning", found["timer"]  # started, but not enabled
    assert "does not start by itself" in found["timer"]["says"]
    assert found["listener"]["health"] == "ok", found["listener"]


def test_the_aggregator_gets_ready_and_reads_with_its_credential(steps: Steps) -> None:
    assert steps.ended_well("start"), steps.text("start")
    (node,) = json.loads(steps.text("nodes"))
    assert (node["records"], node["open_incidents"]) == (2, 0)
    assert steps.text("status") == "1 repos, 0 with an incident"
    assert steps.text("credentials").startswith("400 gitmeter ")
    assert not steps.ended_well("credentials_others")


def test_it_runs_without_capabilities_under_a_filter(steps: Steps) -> None:
    facts = dict(line.split(":\t") for line in steps.text("process").splitlines())
    assert {facts[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")


def test_stopping_it_drains_and_leaves_a_ledger_that_matches_git(steps: Steps) -> None:
    assert steps.ended_well("stop"), steps.text("stop")
    assert steps.text("stopped") == "success"
    assert steps.ended_well("verify"), steps.text("verify")
    assert '"event": "draining"' in steps.text("journal")


def test_each_unit_of_a_till_finds_its_own_keys_where_it_starts(steps: Steps) -> None:
    """The files themselves it may not read, and of a key that is not there it gets other words."""
    for name, key in (("keys_of_till", "stripe_key"), ("keys_of_sweep", "sweep_stripe_key")):
        said = steps.text(name)
        assert f"{key}-of-tests\ntill_tag_key-of-tests\nnot given\n" in said
        assert "/etc/gitmeter/stripe_key: Permission denied" in said
        assert "touch: " not in said


def test_the_books_read_the_ledger_and_write_nothing_there(steps: Steps) -> None:
    said = steps.text("ledger_of_books")
    assert '"records": 2' in said
    assert "reconcile_stripe_key-of-tests" in said
    assert "touch: cannot touch '/var/lib/gitmeter/x'" in said


def test_a_portal_answers_from_the_ledger_beside_the_daemon_and_without_it(steps: Steps) -> None:
    """Where it could not read the ledger it would say so, and not that a key is wrong."""
    for name in ("portal_init", "portal_start", "portal_stop"):
        assert steps.ended_well(name), steps.text(name) + steps.text("whole_journal")
    for name in ("portal_beside_daemon", "portal_alone"):
        assert json.loads(steps.text(name))["type"] == "urn:gitmeter:problem:unauthorized"


def test_a_portal_writes_in_folders_of_its_own_alone(steps: Steps) -> None:
    said = steps.text("folders_of_portal")
    assert said.count("touch: ") == 2
    assert "touch: cannot touch '/var/lib/gitmeter/x'" in said
    assert "touch: cannot touch '/var/lib/gitmeter/mirrors/x'" in said
    assert "not given" in said


def test_a_daemon_that_hangs_is_restarted_and_says_where_it_hung(steps: Steps) -> None:
    assert steps.text("restarts") == "1"
    assert "Fatal Python error: Aborted" in steps.text("journal")
    assert "aggregator/daemon/loop.py" in steps.text("journal")


def test_the_sandbox_lets_through_what_is_needed_and_nothing_more(steps: Steps) -> None:
    assert steps.ended_well("sandbox"), steps.text("sandboxed")
    (printed,) = (line for line in steps.text("sandboxed").splitlines() if line.startswith("{"))
    found = json.loads(printed)
    assert found.pop("resolve") in {"127.0.0.1", "::1"}
    assert found == {
        "callback": 1,
        "memory with code": "PermissionError",
        "raw socket": "OSError",
        "write state": 1,
        "setuid file": "PermissionError",
        "write /etc": "OSError",
        "write /opt": "OSError",
        "list /root": "PermissionError",
        "the node's spool": "PermissionError",
        "token on disk": "PermissionError",
        "own processes only": True,
        "git under limits": 0,
        "git gc and fsck": 0,
        "ssh probe": "present",
        "ssh fetch": None,
    }
