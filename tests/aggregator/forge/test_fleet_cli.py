"""The commands about nodes, end to end: a real forge, a real sshd, real pushes, a real balance."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitmeter.support.errors import ExitCode
from tests.aggregator.forge.place import NOW, Place
from tests.support.files import write_secret
from tests.support.forge.records import Team
from tests.support.programs import Said, run_aggregator, run_books, run_node_pusher

NODE = "vm-01"
NAME = "billing-vm-01"
BOOKS = "billing-books"
PRICES = """\
[[price]]
resource = "hero_os/seconds"
usd = "3.60"
per = 3600
from = 2020-01-01T00:00:00Z
"""


class Machines:
    """An aggregator, the operator's books and a node, each with its program.

    Attributes:
        place: the forge and the aggregator's configuration.
        home: the node's.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.home = place.folder / "node home"

    def aggregator(self, *arguments: str, stdin: str = "") -> Said:
        """Run the aggregator."""
        return run_aggregator("--config", str(self.place.config_file), *arguments, stdin=stdin)

    def node(self, *arguments: str) -> Said:
        """Run the node's program."""
        return run_node_pusher("--home", str(self.home), *arguments)

    def books(self, *arguments: str) -> Said:
        """Run the program of the books."""
        return run_books("--home", str(self.place.folder / "books"), *arguments)

    def paste(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run what was printed, as a shell on the node does."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return subprocess.run(
            ["/bin/sh", "-c", command],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def keep_books(self) -> None:
        """Books with a price and a payment, in a static repo."""
        remote = self.place.folder / "books.git"
        subprocess.run(
            ["git", "init", "-q", "--bare", "--initial-branch=main", str(remote)], check=True
        )
        assert self.books("init", "--remote", remote.as_uri()).code == 0
        prices = self.place.folder / "prices.toml"
        prices.write_text(PRICES)
        assert self.books("rules", "set", str(prices)).code == 0
        assert self.books("pay", "alice", "100.00").code == 0
        assert self.books("push").code == 0
        signers = self.place.folder / "allowed_signers"
        signers.write_text(self.books("show-key").out)
        with self.place.config_file.open("a") as file:
            file.write(f'[[repo]]\nnode = "books"\nrole = "books"\nurl = "{remote.as_uri()}"\n')

    def use(self, seconds: int) -> None:
        """Let alice use the node."""
        said = self.node(
            *("record", "--user", "alice", "--resource", "hero_os/seconds", "--units", str(seconds))
        )
        assert said.code == 0, said.err

    def balance(self) -> str:
        """What alice has left, in dollars."""
        (account,) = self.aggregator("balance", "--json").json
        return str(account["balance_usd"])

    def add(self, *options: str) -> Said:
        """Set the node up with the key it shows."""
        line = self.node("show-key", "--node", NODE).out
        return self.aggregator(
            "node", "add", NODE, "--key", line, "--home", str(self.home), *options
        )


@pytest.fixture
def machines(ssh_place: Place) -> Machines:
    return Machines(ssh_place)


@pytest.fixture
def offline(place: Place) -> Machines:
    """Without ssh, which takes a second to start."""
    return Machines(place)


def test_from_an_empty_organisation_to_a_balance_and_to_the_end_of_the_node(
    machines: Machines,
) -> None:
    machines.keep_books()
    added = machines.add()
    assert added.code == 0, added.err
    command = added.out.splitlines()[-1]
    pasted = machines.paste(command)
    assert pasted.returncode == 0, pasted.stderr
    assert machines.aggregator("forge", "check").code == 0

    machines.use(600)
    assert machines.node("push").code == 0
    assert machines.aggregator("pull").code == 0
    assert machines.balance() == "99.40"

    line = machines.node("rotate-key", "--prepare").out
    assert machines.aggregator("node", "rotate-key", NODE, "--key", line).code == 0
    machines.use(600)
    assert machines.node("push").code == 0
    assert machines.node("rotate-key").code == 0
    machines.use(600)
    assert machines.node("push").code == 0
    assert machines.aggregator("pull").code == 0
    assert machines.balance() == "98.20"
    assert machines.aggregator("node", "rotate-key", NODE, "--close").code == 0
    machines.use(600)
    assert machines.node("push").code == 0
    assert machines.aggregator("pull").code == 0
    assert machines.balance() == "97.60"
    assert machines.aggregator("forge", "check").code == 0

    rolled = machines.aggregator("node", "rollover", NODE, "2027", "--home", str(machines.home))
    assert rolled.code == 0, rolled.err
    pasted = machines.paste(rolled.out.splitlines()[-1])
    assert pasted.returncode == 0, pasted.stderr
    machines.use(600)
    assert machines.node("push").code == 0
    assert machines.place.forge.writer(f"{NAME}.2027").tip("main") is not None
    assert machines.aggregator("pull").code == 0
    assert machines.balance() == "97.00"

    machines.use(600)
    assert machines.node("push").code == 0
    assert machines.aggregator("node", "retire", NODE).code == 0
    machines.use(600)
    refused = machines.node("push")
    assert refused.code != 0
    assert machines.aggregator("pull").code == 0
    assert machines.balance() == "96.40"
    assert machines.aggregator("verify").code == 0
    assert machines.aggregator("forge", "check").code == 0


def test_a_renamed_repo_and_a_moved_forge_take_two_commands_each(machines: Machines) -> None:
    """What is printed on the aggregator's side is run on the node; nothing is billed again."""
    forge = machines.place.forge
    machines.keep_books()
    assert machines.paste(machines.add().out.splitlines()[-1]).returncode == 0
    machines.use(600)
    assert machines.node("push").code == 0
    assert machines.aggregator("pull").code == 0
    forge.rename(NAME, "elsewhere")
    machines.use(600)
    refused = machines.node("push")
    assert refused.code != 0
    assert "set-remote" in refused.err
    home = ("--home", str(machines.home))
    accepted = machines.aggregator("node", "accept", NODE, "--repo", "elsewhere", *home)
    pasted = machines.paste(accepted.out.splitlines()[-1])
    assert pasted.returncode == 0, pasted.stderr
    assert machines.node("push").code == 0
    assert machines.aggregator("pull").code == 0
    assert machines.balance() == "98.80"

    forge.rename_org("other")
    forge.renumber("elsewhere", 77)
    config = machines.place.config_file
    config.write_text(config.read_text().replace('org = "ops"', 'org = "other"'))
    machines.use(600)
    assert machines.node("push").code != 0
    moved = machines.aggregator("forge", "move", *home)
    assert moved.code == 0, moved.out
    pasted = machines.paste(moved.out.splitlines()[-1])
    assert pasted.returncode == 0, pasted.stderr
    assert machines.node("push").code == 0
    assert machines.aggregator("pull").code == 0
    assert machines.balance() == "98.20"
    assert machines.aggregator("verify").code == 0
    assert machines.aggregator("forge", "check").code == 0


def test_a_commit_of_a_key_that_was_never_registered_bills_nothing(machines: Machines) -> None:
    """The deploy key opens the repo; what bills is the registration."""
    machines.keep_books()
    assert machines.add().code == 0
    command = machines.add().out.splitlines()[-1]
    assert machines.paste(command).returncode == 0
    line = machines.node("rotate-key", "--prepare").out
    key = " ".join(line.split()[-2:])
    machines.place.client().add_deploy_key(NAME, "by hand", key)
    assert machines.node("rotate-key").code == 0
    machines.use(600)
    assert machines.node("push").code == 0
    assert machines.aggregator("pull").code == ExitCode.FAILED
    assert machines.balance() == "100.00"
    assert machines.aggregator("forge", "check").code == ExitCode.FAILED


def test_the_key_may_come_over_standard_input(offline: Machines) -> None:
    line = offline.node("show-key", "--node", NODE).out
    said = offline.aggregator("node", "add", NODE, "--key", "-", stdin=line)
    assert said.code == 0
    assert "known_hosts_file is not set" in said.err
    assert set(offline.place.registrations()) == {NODE}


def test_steps_are_printed_as_they_are_done_and_the_command_comes_alone_last(
    machines: Machines,
) -> None:
    said = machines.add()
    lines = said.out.splitlines()
    assert lines[0] == f"repo: {NAME}: made"
    assert [line.rpartition(": ")[2] for line in lines[:-1]] == ["made"] * 5
    assert lines[-1].startswith("printf ")
    assert "on its machine" in said.err
    again = machines.add()
    assert [line.rpartition(": ")[2] for line in again.out.splitlines()[:-1]] == ["unchanged"] * 5
    assert again.out.splitlines()[-1] == lines[-1]


def test_json_says_the_same(machines: Machines) -> None:
    shown = machines.add("--json", "--allow", "llm/*").json
    assert [step["done"] for step in shown["steps"]] == ["made"] * 5
    assert shown["node"] == NODE
    assert shown["repos"] == [NODE]
    assert shown["ssh_url"] == machines.place.forge.ssh_url(NAME)
    assert "init" in shown["command"]
    for arguments in (
        ("rotate-key", NODE, "--close"),
        ("rollover", NODE, "2027"),
        ("accept", NODE, "--repo", f"{NAME}.2027"),
        ("retire", NODE),
    ):
        said = machines.aggregator("node", *arguments, "--json")
        assert said.code == 0, said.err
        assert said.json["node"] == NODE
    assert machines.aggregator("forge", "hook", "--json").json["steps"][0]["what"] == "webhook"


def test_another_token_and_secret_set_things_up_than_those_of_the_daemon(
    machines: Machines,
) -> None:
    """The daemon's token may be one that only reads."""
    place = machines.place
    admin, other = place.folder / "admin", place.folder / "other"
    for file, text in ((admin, place.forge.admin_token), (other, "another-one-of-some-length")):
        write_secret(file, text)
    place.use_token(place.forge.read_token)
    key = machines.node("show-key", "--node", NODE).out
    arguments = ("add", NODE, "--key", key)
    assert machines.aggregator("node", *arguments).code == 1
    files = ("--token-file", str(admin), "--webhook-secret-file", str(other))
    said = machines.aggregator("node", *files, *arguments)
    assert said.code == 0, said.err
    assert [hook.secret for hook in place.forge.org.hooks.values()] == [
        "another-one-of-some-length"
    ]
    assert machines.aggregator("forge", *files, "check").code == 0


def test_nodes_are_listed_with_keys_repos_and_what_is_pending(offline: Machines) -> None:
    place = offline.place
    provisioner = place.provisioner()
    provisioner.add(NODE, place.key("a"), ["llm/*"])
    provisioner.add("vm-02", place.key("b"))
    provisioner.retire("vm-02")
    place.forge.create("billing-vm-03")
    shown = offline.aggregator("node", "list", "--json").json
    assert shown["pending"] == ["billing-vm-03"]
    first, second = shown["nodes"]
    assert (first["node"], first["allow"], first["retired_at"]) == (NODE, ["llm/*"], None)
    assert first["registered_at"] == NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [repo["on_forge"] for repo in first["repos"]] == ["there"]
    assert [repo["on_forge"] for repo in second["repos"]] == ["archived"]
    place.forge.rename(NAME, "elsewhere")
    place.forge.delete("billing-vm-02")
    said = offline.aggregator("node", "list")
    assert "vm-01 (renamed to elsewhere)" in said.out
    assert "vm-02 (missing)" in said.out
    assert "retired" in said.out
    assert "pending: billing-vm-03" in said.out


def test_nodes_are_listed_also_when_the_forge_does_not_answer(offline: Machines) -> None:
    offline.place.provisioner().add(NODE, offline.place.key("a"))
    offline.place.forge.misbehave("500")
    said = offline.aggregator("node", "list", "--json")
    assert said.code == ExitCode.TRY_LATER
    assert json.loads(said.out)["pending"] is None
    assert json.loads(said.out)["nodes"][0]["repos"][0]["on_forge"] is None
    assert "500" in said.err


def test_drifts_are_shown_with_their_remedies(offline: Machines) -> None:
    offline.place.provisioner().add(NODE, offline.place.key("a"))
    assert offline.aggregator("forge", "check").out == "as it should be\n"
    nothing: dict[str, object] = {"drifts": [], "unseen": {}, "readers": []}
    assert offline.aggregator("forge", "check", "--json").json == nothing
    offline.place.forge.repo(NAME).private = False
    said = offline.aggregator("forge", "check")
    assert said.code == ExitCode.FAILED
    assert said.out.splitlines() == [
        "vm-01: public: expected private, found public; `aggregator node add vm-01` fixes it",
        "1 drift",
    ]
    (drift,) = offline.aggregator("forge", "check", "--json").json["drifts"]
    assert set(drift) == {"repo", "what", "expected", "found", "remedy"}
    assert drift["what"] == "public"


def test_what_a_forge_says_cannot_move_the_terminal(offline: Machines) -> None:
    offline.place.provisioner().add(NODE, offline.place.key("a"))
    offline.place.forge.repo(NAME).default_branch = "\x1b[2Jevil"
    said = offline.aggregator("forge", "check")
    assert "\x1b" not in said.out
    assert "evil" in said.out


def test_a_command_waits_as_the_forge_asks_and_says_so(offline: Machines) -> None:
    offline.place.forge.headers["Retry-After"] = "0"
    offline.place.forge.misbehave("429", times=1)
    said = offline.aggregator("node", "list")
    assert said.code == 0
    assert "the forge asks to wait 0 s" in said.err


def test_a_long_wait_is_left_to_the_person(offline: Machines) -> None:
    offline.place.forge.headers["Retry-After"] = "3600"
    offline.place.forge.misbehave("429")
    said = offline.aggregator("forge", "check")
    assert said.code == ExitCode.TRY_LATER
    assert "asks to wait 3600 s" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("node", "rotate-key", NODE),
        ("node", "rotate-key", NODE, "--key", "x", "--close"),
        ("node", "add"),
        ("node", "rollover", NODE),
    ],
)
def test_a_wrong_command_line_is_a_matter_of_usage(
    offline: Machines, arguments: tuple[str, ...]
) -> None:
    assert offline.aggregator(*arguments).code == ExitCode.USAGE


@pytest.mark.parametrize(
    "arguments",
    [
        ("node", "add", "NOT A NODE", "--key", "x"),
        ("node", "add", NODE),
        ("node", "accept", NODE, "--key", "ssh-rsa AAAA"),
        ("node", "retire", NODE),
        ("node", "rotate-key", NODE, "--close"),
    ],
)
def test_what_cannot_be_done_says_why_and_what_to_do(
    offline: Machines, arguments: tuple[str, ...]
) -> None:
    said = offline.aggregator(*arguments)
    assert said.code == ExitCode.FAILED
    assert said.err.startswith("error: ")
    assert "hint: " in said.err


def test_without_a_forge_the_commands_say_what_is_missing(offline: Machines) -> None:
    text = offline.place.config_file.read_text().partition("[forge]")[0]
    offline.place.config_file.write_text(text)
    assert offline.aggregator("node", "list").code == 0
    for arguments in (("forge", "check"), ("node", "retire", NODE)):
        said = offline.aggregator(*arguments)
        assert said.code == ExitCode.FAILED
        assert "[forge]" in said.err


def test_the_repo_of_the_books_is_set_up_and_the_command_for_their_machine_printed(
    offline: Machines,
) -> None:
    place = offline.place
    table = f'[[repo]]\nnode = "books"\nrole = "books"\nurl = "{place.forge.clone_url(BOOKS)}"\n'
    place.config_file.write_text(f"{place.config_file.read_text()}{table}")
    said = offline.aggregator("forge", "add", "books")
    assert said.code == ExitCode.FAILED
    assert "books show-key --node books" in said.err
    line = offline.books("show-key", "--node", "books").out
    (place.folder / "allowed_signers").write_text(line)
    said = offline.aggregator("forge", "add", "books")
    assert said.code == ExitCode.OK
    assert said.out.splitlines()[0] == f"repo: {BOOKS}: made"
    assert "books --home /var/lib/gitmeter-books init --remote" in said.out.splitlines()[-1]
    again = offline.aggregator("forge", "add", "books", "--home", "/srv/books", "--json").json
    assert {step["done"] for step in again["steps"]} == {"unchanged"}
    assert again["command"].startswith("books --home /srv/books init")
    assert offline.aggregator("forge", "check").out == "as it should be\n"


def test_a_moved_forge_is_followed_and_the_commands_for_the_nodes_are_printed(
    offline: Machines,
) -> None:
    place = offline.place
    place.provisioner().add(NODE, place.key("a"))
    said = offline.aggregator("forge", "move")
    assert (said.code, "unchanged" in said.out) == (ExitCode.OK, True)
    place.forge.renumber(NAME, 77)
    said = offline.aggregator("forge", "move", "--dry-run")
    assert "taken over" in said.out
    assert place.registrations()[NODE].repos[0].forge_id != 77
    (moved,) = offline.aggregator("forge", "move", "--json").json
    assert (moved["name"], moved["outcome"]) == (NODE, "taken over")
    assert moved["command"].startswith("node-pusher --home /var/lib/node-pusher set-remote ")
    assert place.registrations()[NODE].repos[0].forge_id == 77
    place.forge.delete(NAME)
    said = offline.aggregator("forge", "move")
    assert (said.code, "missing" in said.out) == (ExitCode.FAILED, True)


def test_a_new_name_that_is_confirmed_gives_the_command_for_the_node(offline: Machines) -> None:
    offline.place.provisioner().add(NODE, offline.place.key("a"))
    offline.place.forge.rename(NAME, "elsewhere")
    said = offline.aggregator("node", "accept", NODE, "--repo", "elsewhere")
    assert "set-remote" in said.out.splitlines()[-1]
    assert "elsewhere.git" in said.out.splitlines()[-1]


def test_teams_that_may_read_are_named_and_are_no_drift(offline: Machines) -> None:
    """Auditors read the billing history; whoever else does should be known."""
    offline.place.provisioner().add(NODE, offline.place.key("a"))
    teams = offline.place.forge.org.teams
    teams.append(Team(7, "auditors", "read", includes_all_repositories=True))
    teams.append(Team(8, "code readers", "none", {"repo.code": "read"}))
    teams.append(Team(9, "issue writers", "none", {"repo.issues": "write"}))
    said = offline.aggregator("forge", "check")
    assert said.code == ExitCode.OK
    assert said.out == "forge: may read repos: auditors, code readers\nas it should be\n"
    readers = offline.aggregator("forge", "check", "--json").json["readers"]
    assert readers == ["auditors", "code readers"]


def test_what_could_not_be_looked_at_is_printed_and_fails(offline: Machines) -> None:
    offline.place.provisioner().add(NODE, offline.place.key("a"))
    offline.place.forge.misbehave("403", where="/keys")
    said = offline.aggregator("forge", "check")
    assert said.code == ExitCode.FAILED
    assert "vm-01: not looked at: " in said.out
    token_file = offline.place.token_file
    assert said.out.splitlines()[-1] == f"1 not looked at with the token in {token_file}"
