"""The commands of `till` as a person runs them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitmeter.git_remote.remote import Remote
from gitmeter.support.errors import GitmeterError
from node_pusher.home.home import new_home
from node_pusher.home.settings_file import read_home
from node_pusher.joining.init import init
from node_pusher.sending.push import push
from tests.support.files import write_secret, write_toml
from tests.support.programs import Said, run_node_pusher, run_till
from tests.support.repos import bare_repo
from tests.support.tills import take
from till.config.example import EXAMPLE


class Program:
    """`till` with a configuration of its own, and an account that nobody answers for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "till.toml"
        self.home = folder / "home"
        account = {
            "name": "stripe",
            "kind": "stripe",
            "account": "acct_1",
            "key_file": write_secret(folder / "key", "rk_live_" + "k" * 32),
            "secret_files": [write_secret(folder / "secret", "whsec_" + "s" * 32)],
            "tag_key_file": write_secret(folder / "tag_key", "t" * 32),
            "base_url": "http://127.0.0.1:9",
        }
        write_toml(self.config, {"home": self.home, "mode": "live", "account": [account]})

    def __call__(self, *arguments: str) -> Said:
        """Run it."""
        return run_till("--config", str(self.config), *arguments)

    def init(self) -> Said:
        """Make the home."""
        remote = bare_repo(self.folder / "till-1.git").as_uri()
        return self("init", "--node", "till-1", "--remote", remote)


@pytest.fixture
def till(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_an_example_is_printed_whatever_is_configured(tmp_path: Path) -> None:
    assert run_till("--config", str(tmp_path / "x"), "config-example").ok().out == EXAMPLE


def test_the_configuration_says_where_the_home_is(till: Program) -> None:
    said = till.init().ok()
    assert "till-1: a new home" in said.out
    assert (till.home / "node.toml").read_text().count('role = "till"') == 1
    assert till("push").ok()
    assert till("log", "--json").ok().json[0]["pushed"]
    assert till("show-key").ok().out.startswith("till-1 ")
    other = till("--home", str(till.folder / "other"), "status")
    assert other.code == 1
    assert "init" in other.err + other.out


def test_a_home_of_another_program_is_refused(till: Program) -> None:
    remote = bare_repo(till.folder / "node.git").as_uri()
    home = str(till.folder / "node")
    run_node_pusher("--home", home, "init", "--node", "n", "--remote", remote).ok()
    said = till("--home", home, "status")
    assert said.code == 1
    assert "till has no business there" in said.err


def test_status_needs_no_keys_and_no_network(till: Program) -> None:
    till.init().ok()
    for name in ("key", "secret", "tag_key"):
        (till.folder / name).unlink()
    found = till("status", "--json").ok().json
    assert (found["mode"], found["incidents"]) == ("live", 0)
    assert found["accounts"] == [
        {
            "name": "stripe",
            "kind": "stripe",
            "last_event_at": None,
            "last_sweep_at": None,
            "asked_again": 0,
            "customers": 0,
        }
    ]
    assert "stripe:          last event never, last sweep never" in till("status").ok().out


def test_a_provider_that_does_not_answer_is_asked_later(till: Program) -> None:
    """Exit code 75 is that of nothing lost."""
    till.init().ok()
    said = till("sweep")
    assert said.code == 75
    assert "not read to the end" in said.err
    assert till("sweep", "--json").json[0]["why"]
    assert till("sweep", "--account", "other").code == 1
    assert till("sweep", "--since", "yesterday").code == 2
    refused = till("refund", "pi_1", "5", "--reason", "x")
    assert refused.code == 1
    assert "refund_key_file" in refused.err
    key = ("--account-key-file", str(till.folder / "key"))
    assert till("refund", "pi_1", "5", "--reason", "x", *key).code == 75
    assert till("refund", "pi_1", "5", "--reason", "x", "--another", "1", *key).code == 2


def test_keys_of_another_mode_are_refused_before_anything_is_served(till: Program) -> None:
    till.init().ok()
    write_secret(till.folder / "key", "rk_test_" + "k" * 32)
    for command in ("serve", "sweep"):
        said = till(command)
        assert said.code == 1
        assert "is not one of live mode" in said.err
    (till.folder / "secret").chmod(0o644)
    assert "chmod 600" in till("serve").err


def test_doctor_tells_of_everything_at_once(till: Program) -> None:
    till.init().ok()
    said = till("doctor", "--json")
    assert said.code == 1
    checks = {each["check"]: each for each in said.json["checks"]}
    assert checks["account"]["health"] == "problem"
    assert checks["sweep"]["says"] == "stripe: never swept"
    assert "/hooks/stripe" in checks["events"]["do"]
    (till.folder / "key").unlink()
    said = till("doctor")
    assert f"{till.folder / 'key'}: No such file" in said.out


@pytest.mark.parametrize(
    ("hours", "health", "code"), [(0.9, "ok", 0), (1.1, "warning", 0), (12.1, "problem", 1)]
)
def test_a_commit_that_waits_for_its_push_is_told_of(
    till: Program, hours: float, health: str, code: int
) -> None:
    at = datetime.now(UTC) - timedelta(hours=hours)
    remote = bare_repo(till.folder / "till-1.git")
    # a commit is never dated before the one below, which is this one's
    init(new_home(till.home, "till-1", Remote(remote.as_uri()), role="till"), at)
    take(till.home, "till", at)
    remote.rename(till.folder / "away.git")
    with pytest.raises(GitmeterError):
        push(read_home(till.home), at)
    said = till("status", "--json")
    assert said.code == code
    assert (said.json["commits_waiting"], said.json["waiting"]["health"]) == (1, health)
    assert said.json["incidents"] == code
    hint = "more than a day after their date"
    assert (hint in till("status").out) is (health != "ok")
    checks = {each["check"]: each for each in till("doctor", "--json").json["checks"]}
    assert checks["waiting"]["health"] == health
    assert (hint in checks["waiting"]["do"]) is (health != "ok")
    assert "1 commit not pushed, the oldest for" in checks["waiting"]["says"]


def test_nothing_waits_once_it_is_pushed(till: Program) -> None:
    till.init().ok()
    till("push").ok()
    assert till("status", "--json").ok().json["waiting"]["says"] == "every commit is pushed"
