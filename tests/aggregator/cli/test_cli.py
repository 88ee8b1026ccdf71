"""The program as people and scripts meet it: JSON contracts, exit codes, messages, help."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from aggregator.cli.program import cli
from aggregator.config.settings import Config
from tests.support.git_http import GitHttpServer
from tests.support.ledger.world import DAY, PRICES, World, money_line, segment_path, usage_line
from tests.support.programs import run_aggregator
from wire_format.rule_book import with_origin

HOUR = "2025-01-11T00"
USED = "2025-01-11T00:30:00Z"
UNSIGNED = r"warning: signatures of [a-z0-9, -]+ are not checked \(allow_unsigned = true\)\n"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("told"))
    world.rules()
    world.pay(money_line())
    world.usage(usage_line(seq=1, ts=USED, units=3600), usage_line(seq=2, ts=USED, units=1800))
    assert world.run("pull").code == 0
    return world


@pytest.fixture
def world(told: World, tmp_path: Path) -> World:
    """A user who paid ten days before using something, pulled."""
    return told.copied_to(tmp_path)


def test_balance_of_one_user(world: World) -> None:
    found = world.run("balance", "alice", "--json").json
    assert found == {
        "user": "alice",
        "balance_nano": 7_300_000_000,
        "balance_usd": "7.30",
        "credit_nano": 10_000_000_000,
        "list_cost_nano": 5_400_000_000,
        "discount_nano": 2_700_000_000,
        "billed_cost_nano": 2_700_000_000,
        "lifetime_paid_nano": 10_000_000_000,
        "first_paid_at": "2025-01-01T00:00:00Z",
        "last_active_at": "2025-01-11T00:00:00Z",
        "discount_tier": "month",
        "unrated_charges": 0,
        "granted_nano": 0,
        "drawn_nano": 0,
        "uncovered_nano": 2_700_000_000,
        "unrated": [],
        "as_of": found["as_of"],
        "billed_until": "2025-06-01T01:00:00Z",
        "silent_nodes": [],
        "tests_count": False,
        "nodes": [
            {
                "node": "node-1",
                "first_commit_at": "2025-06-01T00:00:00Z",
                "newest_commit_at": "2025-06-01T00:00:00Z",
            },
        ],
        "nodes_billed_until": "2025-06-01T00:00:00Z",
        "waiting_for": [],
    }
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", found["as_of"])


def test_balance_of_all_users(world: World) -> None:
    world.usage(usage_line(seq=3, user="b:2", ts=USED))
    world.run("pull")
    assert [row["user"] for row in world.run("balance", "--json").json] == ["alice", "b:2"]
    shown = world.run("balance").out
    assert re.search(r"alice\s+month\s+5\.400+\s+2\.70+\s+2\.70+\s+10\.00\s+7\.30+", shown)
    assert re.search(r"USD; newest commit billed: 20\S+; last pull: 20", shown)


def test_charges(world: World) -> None:
    expected = {
        "hour": "2025-01-11T00:00:00Z",
        "resource": "hero_os/seconds",
        "applies_to": "hero_os_hourly",
        "quantity": 5400,
        "records": 2,
        "tier": "week",
        "multiplier": "0.5",
        "list_cost_nano": 5_400_000_000,
        "discount_nano": 2_700_000_000,
        "billed_cost_nano": 2_700_000_000,
        "state": "rated",
        "included": 0,
        "drawn": [],
        "drawn_nano": 0,
        "uncovered_nano": 2_700_000_000,
    }
    assert world.run("charges", "alice", "--json").json == [expected]
    assert "hero_os/seconds" in world.run("charges", "alice").out


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--since", "2025-01-11"), 1),
        (("--since", "2025-01-11T01"), 0),
        (("--until", "2025-01-11"), 0),
        (("--until", "2025-01-11T01:00"), 1),
        (("--since", "2025-01-11T00:59:59Z", "--until", "2025-01-12"), 1),
        (("--since", "2025-02-01", "--until", "2025-01-01"), 0),
    ],
)
def test_charges_of_a_time(world: World, options: tuple[str, ...], count: int) -> None:
    """From the first hour on, before the second."""
    assert len(world.run("charges", "alice", *options, "--json").json) == count


def test_verify(world: World) -> None:
    found = world.run("verify", "--json")
    assert found.code == 0
    assert set(found.json) >= {"digest", "rule_book", "matches", "cursors", "differences"}
    assert found.json["matches"] is True
    assert found.json["digest"] == found.json["recomputed_digest"]
    assert found.json["digest"] in world.run("verify").out


def test_verify_fails_on_a_ledger_that_was_tampered_with(world: World) -> None:
    """And rebuild corrects it."""
    with world.ledger() as ledger:
        ledger.store._connection.execute("UPDATE charge SET billed_cost_nano = 0")
    found = world.run("verify")
    assert found.code == 1
    assert "DIFFERS" in found.out
    assert "2700000000" in found.out
    assert not world.run("verify", "--json").json["matches"]
    rebuilt = world.run("rebuild", "--json")
    assert (rebuilt.code, rebuilt.json["digest"]) == (0, world.digest())
    assert world.run("verify").code == 0


def test_json_has_numbers_past_64_bits(world: World) -> None:
    """One user's huge quantity must not keep others from their answers."""
    huge = 2**53 - 1
    lines = [
        usage_line(
            node="node-9", seq=seq, user="rich", ts=USED, units=huge, resource="mystery/units"
        )
        for seq in range(1, 2100)
    ]
    world.usage(*lines, repo="node-9")
    world.pull()
    found = world.run("charges", "rich", "--json")
    assert found.code == 0
    assert found.json[0]["quantity"] == 2099 * huge > 2**64
    assert found.json[0]["state"] == "unpriced"


def test_nodes(world: World) -> None:
    world.usage(usage_line(seq=9, ts=USED))
    world.run("pull")
    node = next(row for row in world.run("nodes", "--json").json if row["node"] == "node-1")
    assert node["cursor"] == node["head"] == world.repo("node-1").tip()
    assert (node["highest_seq"], node["behind"], node["open_incidents"]) == (9, 0, 0)
    assert node["gaps"] == [{"first_seq": 3, "last_seq": 8}]
    assert {"checked_at", "last_commit_at", "epochs", "outcome", "held", "rejected"} <= set(node)
    assert "node-1: 3..8" in world.run("nodes").out


def test_the_table_of_nodes_shows_epochs_and_when_each_was_checked(world: World) -> None:
    world.usage(usage_line(seq=2_000_000_001, ts=USED))
    world.run("pull")
    node = next(row for row in world.run("nodes", "--json").json if row["node"] == "node-1")
    assert node["epochs"] == [0, 2]
    shown = world.run("nodes").out
    header = next(line for line in shown.splitlines() if "outcome" in line)
    row = next(line for line in shown.splitlines() if line.strip().startswith("node-1"))
    assert {"checked", "epochs", "duplicates"} <= set(header.split())
    assert node["checked_at"] in row
    assert "0, 2" in row


def test_a_file_that_is_rejected_whole_is_shown_without_a_line(world: World) -> None:
    world.repo("node-1").commit({"usage/no-segment.jsonl": b"x\n"})
    world.run("pull")
    (reject,) = world.run("rejects", "--json").json
    assert reject["line_no"] == 0
    assert "usage/no-segment.jsonl\n" in world.run("rejects").out


def test_pull_reports_every_repo(world: World) -> None:
    world.usage(usage_line(seq=3, ts=USED), usage_line(seq=1, ts=USED, units=3600))
    shown = world.run("pull")
    assert shown.code == 0
    assert "books: unchanged" in shown.out
    assert "node-1: fast-forward; 1 commit, 1 record; 1 duplicate\n" in shown.out
    found = {row["name"]: row for row in world.run("pull", "--json").json}
    assert found["node-1"]["outcome"] == "unchanged"
    keys = {"name", "node", "role", "outcome", "incident", "detail", "commits", "admitted"}
    assert keys | {"duplicates", "held", "rejected", "behind"} <= set(found["books"])


def test_pull_fails_when_a_person_is_needed_and_asks_for_later_when_not(world: World) -> None:
    """Exit code 1 goes before 75."""
    far = datetime(2090, 1, 1, tzinfo=UTC)
    world.usage(usage_line(node="node-2"), repo="node-2", when=far)
    later = world.run("pull")
    assert later.code == 75
    assert "INCIDENT" in later.out
    world.repo("node-1").orphan({"README.md": b"anew"})
    assert world.run("pull").code == 1
    shown = world.run("incidents").out
    assert "node-1: rewritten since 20" in shown
    assert "restore the old history" in shown
    found = world.run("incidents", "--json").json
    assert {row["kind"] for row in found} == {"rewritten", "commit ahead of clock"}
    assert {"repo", "node", "subject", "detail", "opened_at", "seen_at", "closed_at", "advice"} <= {
        *found[0]
    }


def test_an_unreachable_remote_is_for_later(tmp_path: Path) -> None:
    world = World(tmp_path)
    with GitHttpServer(tmp_path / "remotes") as server:
        server.misbehave("503")
        world.repo("node-1", url=server.url("node-1.git"))
        assert world.run("pull").code == 75


def test_explain_leads_to_lines_that_are_there(world: World) -> None:
    """Each printed command gives the line whose units are shown, and they add up."""
    world.usage(usage_line(seq=2, ts=USED, units=1800))
    world.usage(b"rotten\n", usage_line(seq=4, ts=USED, units=5))
    world.run("pull")
    (found,) = world.run("explain", "alice", "hero_os/seconds", HOUR, "--json").json
    assert found["adds_up"] is True
    assert (found["tier"], found["multiplier"], found["quantity"]) == ("week", "0.5", 5405)
    assert found["first_paid_at"] == "2025-01-01T00:00:00Z"
    price = found["price"]
    assert (price["usd"], price["per"], price["path"]) == ("3.60", 3600, "rules/prices.toml")
    assert price["rule_book"] == world.run("verify", "--json").json["rule_book"]
    assert [line["repeats"] for line in found["lines"]] == [0, 1, 0]
    shown = world.run("explain", "alice", "hero_os/seconds", HOUR).out
    lines = shown.partition("  lines\n")[2]
    commands = re.findall(r"git -C \S+ show \S+ \| sed -n \d+p", lines)
    units = [int(text) for text in re.findall(r"^    (\d+) at ", lines, re.MULTILINE)]
    assert len(commands) == len(units) == 3
    assert sum(units) == found["quantity"]
    for command, count in zip(commands, units, strict=True):
        assert f'"units":{count}' in _shell(command)
    where = re.findall(r"git (?:-C \S+ )?show (\S+:rules/prices\.toml)(?:\s+# line (\d+))?", shown)
    ((place, line_no),) = where
    mirror = world.config.mirror_path("books")
    text = _shell(f"git -C {shlex.quote(str(mirror))} show {place}")
    assert text.splitlines()[int(line_no) - 1] == "[[price]]"


def _shell(command: str) -> str:
    return subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True).stdout


def test_explain_takes_the_line_that_was_billed_of_two_that_conflict(world: World) -> None:
    smaller = world.usage(usage_line(seq=1, ts=USED, units=5))
    world.run("pull")
    (found,) = world.run("explain", "alice", "hero_os/seconds", HOUR, "--json").json
    assert found["adds_up"] is True
    assert {(line["seq"], line["units"]) for line in found["lines"]} == {(1, 5), (2, 1800)}
    assert smaller in {line["commit"] for line in found["lines"]}
    (held,) = world.run("held", "--json").json
    assert (held["reason"], held["seq"]) == ("conflict", 1)


def test_explain_says_when_a_charge_has_no_price(world: World) -> None:
    world.usage(usage_line(seq=3, ts=USED, resource="mystery/units"))
    world.run("pull")
    (found,) = world.run("explain", "alice", "mystery/units", HOUR, "--json").json
    assert (found["price"], found["state"], found["adds_up"]) == (None, "unpriced", True)
    assert "none: unpriced" in world.run("explain", "alice", "mystery/units", HOUR).out
    assert "1 charge is unpriced and costs" in world.run("balance").out


DISCOUNTS = b"""\
[[ladder]]
from = 2020-01-01T00:00:00Z
tiers = [ { name = "week", after_days = 7, multiplier = "0.9", applies_to = ["hero_os_hourly"] } ]
"""


IMPORTED = b"""\
# a list
[[price]]
resource = "mystery/units"
usd = "2"
per = 1
from = 2020-01-01T00:00:00Z
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prices.toml", PRICES.replace(b"3.60", b"7.20")),
        ("discounts.toml", DISCOUNTS),
        ("imported.toml", IMPORTED),
    ],
)
def test_reprice_says_what_the_change_then_does(
    world: World, tmp_path: Path, name: str, text: bytes
) -> None:
    """To the nano-dollar, and nothing is changed by asking."""
    mystery = usage_line(seq=6, user="b:2", resource="mystery/units", ts=USED, units=7)
    world.usage(usage_line(seq=5, user="b:2", ts=USED, units=7), mystery)
    world.run("pull")
    digest = world.digest()
    in_force = world.run("verify", "--json").json["rule_book"]
    proposal = tmp_path / name
    proposal.write_bytes(text)
    proposed = world.run("reprice", str(proposal), "--json").json
    assert world.run("reprice", str(proposal)).code == 0
    assert world.digest() == digest
    before = {row["user"]: row for row in world.run("balance", "--json").json}
    world.repo("books").commit({f"rules/{name}": text})
    world.run("pull")
    after = {row["user"]: row for row in world.run("balance", "--json").json}
    assert proposed["rule_book"] == world.run("verify", "--json").json["rule_book"]
    assert proposed["rule_book_in_force"] == in_force
    assert proposed["accounts"]
    changed = {row["user"]: row for row in proposed["accounts"]}
    for user, row in after.items():
        difference = row["billed_cost_nano"] - before[user]["billed_cost_nano"]
        assert changed.get(user, {}).get("difference_nano", 0) == difference
        if user in changed:
            assert changed[user]["proposed_balance_nano"] == row["balance_nano"]
    assert proposed["difference_nano"] == sum(
        row["difference_nano"] for row in proposed["accounts"]
    )


def test_an_imported_price_is_explained_down_to_its_own_file(world: World) -> None:
    """And the rebuilt ledger has it as well."""
    world.usage(usage_line(seq=5, resource="mystery/units", ts=USED, units=7))
    world.repo("books").commit({"rules/imported.toml": IMPORTED})
    world.run("pull")
    (found,) = world.run("explain", "alice", "mystery/units", HOUR, "--json").json
    price = found["price"]
    assert (price["usd"], price["path"], price["line_no"]) == ("2", "rules/imported.toml", 2)
    assert found["list_cost_nano"] == 14_000_000_000
    assert world.run("verify").code == 0


def test_reprice_ignores_the_line_that_says_what_a_file_was_made_from(
    world: World, tmp_path: Path
) -> None:
    """So that its answer is about the file as it will be committed."""
    world.run("pull")
    proposal = tmp_path / "prices.toml"
    proposal.write_bytes(with_origin(PRICES, "0" * 64))
    proposed = world.run("reprice", str(proposal), "--json").json
    assert proposed["rule_book"] == world.run("verify", "--json").json["rule_book"]


@pytest.mark.parametrize(("name", "text"), [("rules.toml", b""), ("prices.toml", b"[[price\n")])
def test_reprice_refuses_what_is_no_rule_book(
    world: World, tmp_path: Path, name: str, text: bytes
) -> None:
    (tmp_path / name).write_bytes(text)
    said = world.run("reprice", str(tmp_path / name))
    assert said.code == 1
    assert name in said.err


def test_held_and_rejected_lines_are_shown_with_their_place(world: World) -> None:
    commit = world.usage(b"rotten\n", usage_line(seq=3, node="other"))
    world.run("pull")
    (held,) = world.run("held", "--json").json
    (reject,) = world.run("rejects", "--json").json
    place = {"commit": commit, "path": segment_path_of(world, commit)}
    assert place.items() <= held.items()
    assert place.items() <= reject.items()
    assert (reject["line_no"], held["line_no"]) == (1, 2)
    for command in ("held", "rejects"):
        shown = world.run(command).out
        assert f"git show {place['commit']}:{place['path']}" in shown


def segment_path_of(world: World, commit: str) -> str:
    return max(path for path in world.repo("node-1").files(commit) if path[0] == "u")


EVIL = "\x1b]0;owned\x07\x1b[2J\u202e\r"


def test_nothing_from_a_repo_reaches_the_terminal_as_a_command(world: World) -> None:
    """Escape sequences in lines, paths and reasons are written out."""
    writer = world.repo("node-1")
    path = f"usage/{EVIL}.jsonl"
    writer.commit({segment_path(DAY, 77): f'{{"v":2,"{EVIL}":1}}\n{EVIL}\n'.encode()})
    writer.commit({path: b"x\n"})
    said = [world.run("pull").out]
    writer.commit({path: b"y\n"})
    said += [world.run(name).out for name in ("pull", "held", "rejects", "incidents", "nodes")]
    assert "INCIDENT edited history" in said[1]
    assert "owned" in said[1] + said[2]
    assert "owned" in said[3]
    assert "owned" in said[4]
    for text in said:
        assert not set(text) & {"\x1b", "\x07", "\r", "\u202e"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("balance", "nobody"),
        ("charges", "nobody"),
        ("explain", "nobody", "x", HOUR),
        ("explain", "alice", "x", HOUR),
        ("explain", "alice", "hero_os/seconds", "2020-01-01"),
    ],
)
def test_what_does_not_exist_is_an_error_with_a_hint(
    world: World, arguments: tuple[str, ...]
) -> None:
    said = world.run(*arguments)
    assert (said.code, said.out) == (1, "")
    assert re.match(r"error: no (account|charge) of '", said.err)
    assert "\nhint: " in said.err


@pytest.mark.parametrize(
    "arguments",
    [("balanse",), ("balance", "a", "b"), ("charges",), ("charges", "alice", "--since", "soon")],
)
def test_a_wrong_command_line_exits_with_2(world: World, arguments: tuple[str, ...]) -> None:
    assert world.run(*arguments).code == 2


@pytest.mark.parametrize("command", ["balance", "nodes", "incidents", "held", "rejects", "verify"])
def test_questions_before_the_first_pull_say_what_to_do(command: str, tmp_path: Path) -> None:
    said = World(tmp_path).run(command)
    assert said.code == 1
    assert "aggregator pull" in said.err


def test_a_lost_database_is_made_again_by_the_next_pull(world: World) -> None:
    digest = world.digest()
    world.forget()
    said = world.run("pull")
    assert said.code == 0
    assert "rebuilding it from git" in said.err
    assert world.digest() == digest


def test_a_database_of_another_version_is_made_again(world: World) -> None:
    digest = world.digest()
    with world.ledger() as ledger:
        ledger.store._connection.execute("PRAGMA user_version = 77")
    said = world.run("balance")
    assert said.code == 1
    assert "rebuild" in said.err
    assert world.run("pull").code == 0
    assert world.digest() == digest


@pytest.mark.parametrize("offset", [0, 4096])
@pytest.mark.parametrize("command", ["balance", "nodes", "verify", "pull"])
def test_a_damaged_database_is_made_again_by_rebuild(
    world: World, command: str, offset: int
) -> None:
    """Whether it is no database at all or only some pages of it are bad."""
    digest = world.digest()
    path = world.config.database_path
    whole = path.read_bytes()
    path.write_bytes(whole[:offset] + b"\xa5" * (len(whole) - offset))
    said = world.run(command)
    assert (said.code, said.out) == (1, "")
    assert re.fullmatch(
        rf"{UNSIGNED if command == 'pull' else ''}error: the ledger cannot be used: [a-z ]+\n"
        r"hint: `aggregator rebuild` makes it again from git\n",
        said.err,
    )
    assert world.run("rebuild").code == 0
    assert world.digest() == digest


def test_other_limits_judge_all_records_again(world: World) -> None:
    """The ledger is a function of git and the configuration, not of when that was changed."""
    world.settings["charge_cost_max_usd"] = 4
    assert world.run("pull").code == 0
    (charge,) = world.run("charges", "alice", "--json").json
    assert (charge["state"], charge["list_cost_nano"]) == ("overflow", 4_000_000_000)
    world.settings["charge_cost_max_usd"] = 3
    assert world.run("pull").code == 0
    (charge,) = world.run("charges", "alice", "--json").json
    assert (charge["state"], charge["quantity"]) == ("rated", 1800)
    (held,) = world.run("held", "--json").json
    assert (held["seq"], held["reason"]) == (1, "beyond_limit")
    assert world.run("verify").code == 0


def test_a_second_writer_is_refused_and_readers_are_not(world: World) -> None:
    """Nothing is wrong; the same command works when the other has ended."""
    with world.state.locked():
        for command in ("pull", "run", "rebuild"):
            said = world.run(command)
            assert said.code == 75
            assert "another aggregator works on" in said.err
            assert "wait for it, or stop" in said.err
        assert world.run("balance").code == 0
        assert world.run("verify").code == 0


def test_init_writes_a_configuration_that_is_good(tmp_path: Path) -> None:
    """And never overwrites one."""
    path = tmp_path / "etc" / "aggregator.toml"
    config = ("--config", str(path))
    assert run_aggregator(*config, "init").code == 0
    assert run_aggregator(*config, "config", "check").code == 0
    path.write_text(path.read_text() + "\n# mine\n")
    said = run_aggregator(*config, "init")
    assert said.code == 1
    assert "--force" in said.err
    assert "# mine" in path.read_text()
    assert run_aggregator(*config, "init", "--force").code == 0
    assert "# mine" not in path.read_text()
    text = path.read_text()
    commented = re.findall(r"^# (\w+) = (\S+)$", text.partition("\n# [")[0], re.MULTILINE)
    defaults = run_aggregator(*config, "config", "check", "--json").json
    for key, value in commented:
        assert defaults[key] == tomllib.loads(f"value = {value}")["value"]
    path.write_text(re.sub(r"^# (?=\w+ = |\[)", "", text, flags=re.MULTILINE))
    whole = run_aggregator(*config, "config", "check", "--json").json
    assert whole["forge"]["pattern"] == "billing-{node}"
    assert [repo["role"] for repo in whole["repo"]] == ["usage", "books"]
    for name, field in Config.model_fields.items():
        key = field.alias or name
        shown = re.search(rf"^(# )?(\[+{key}\]+$|{key} = )", text, re.MULTILINE)
        assert field.exclude or shown, key


def test_init_with_a_state_directory_leads_to_a_pull_that_works_as_it_is_printed(
    tmp_path: Path,
) -> None:
    """With a relative path, and with spaces and quotes in it."""
    world = World(tmp_path / "world")
    world.usage(usage_line())
    path = tmp_path / "my etc" / "aggregator.toml"
    said = run_aggregator("--config", str(path), "--state", 'our "state"', "init")
    assert run_aggregator("--config", str(path), "config", "check", "--json").json["state"] == str(
        tmp_path / 'our "state"'
    )
    remote = (tmp_path / "world" / "remotes" / "node-1.git").as_uri()
    with path.open("a") as file:
        file.write(f'[[repo]]\nnode = "node-1"\nurl = "{remote}"\nallow_unsigned = true\n')
    (printed,) = re.findall("then `(.+)`", said.out)
    name, *arguments = shlex.split(printed)
    assert name == "aggregator"
    assert run_aggregator(*arguments).out.startswith("node-1: fast-forward; 1 commit, 1 record;")
    assert (tmp_path / 'our "state"' / "ledger.db").exists()


def test_a_bad_configuration_names_every_key_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "aggregator.toml"
    path.write_text(
        'stat = "/x"\npull_every_s = 1\nskew_s = "no"\nstate = 5\n'
        '[[repo]]\nnode = "Not A Node"\nurl = "file:///x"\n'
        '[[repo]]\nnode = "a"\nurl = "ftp://x/y"\nrole = "king"\n'
        '[[repo]]\nurl = "file:///y"\ntoken_file = "/t"\nname = "Y"\n'
    )
    faults = [
        "state: must be a path, in quotes",
        "repo #1 node: must be 1 to 63 of a-z, 0-9 and -, not beginning with -",
        "repo #2 url: ftp:// is not allowed for a remote",
        "repo #2 role: must be 'usage', 'books', 'till' or 'desk'",
        "repo #3 token_file: a token file is of use only with https://",
        "repo #3 node: is missing",
        "repo #3 name: must be 1 to 80 of a-z, 0-9, . and -, beginning with a-z or 0-9",
        "pull_every_s: must be at least 5",
        "skew_s: must be a whole number",
        "stat: is not a known field",
    ]
    for command in (("config", "check"), ("pull",), ("balance",)):
        said = run_aggregator("--config", str(path), *command)
        assert said.code == 1
        assert re.findall("^  (.+)$", said.err, re.MULTILINE) == faults
    said = run_aggregator("--config", str(path), "config", "check", "--json")
    assert (said.code, said.json) == (1, {"usable": False, "faults": faults})


def test_a_good_configuration_says_so_beside_its_values(world: World) -> None:
    assert (
        world.run("config", "check", "--json").json.items()
        >= {"usable": True, "skew_s": 300}.items()
    )


def test_faults_between_repos_are_listed_with_others(tmp_path: Path) -> None:
    path = tmp_path / "aggregator.toml"
    path.write_text("skew_s = -1\n" + '[[repo]]\nnode = "a"\nurl = "file:///x"\n' * 2)
    said = run_aggregator("--config", str(path), "config", "check", "--json")
    assert said.json["faults"] == [
        "repo: two have the name a; give each its own `name`",
        "skew_s: must be at least 0",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = = b", "not TOML"),
        ('[[repo]]\nnode = "a"\nurl = "file:///x"\n' * 2, "two have the name a"),
        (
            (
                '[[repo]]\nnode = "a"\nurl = "file:///x"\nrole = "books"\n'
                '[[repo]]\nnode = "b"\nurl = "file:///y"\nrole = "books"\n'
            ),
            "only one",
        ),
        ('[[repo]]\nnode = "a"\nurl = "ftp://x/y"\n', "url"),
    ],
)
def test_other_faults_of_a_configuration(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "aggregator.toml"
    path.write_text(text)
    said = run_aggregator("--config", str(path), "config", "check")
    assert said.code == 1
    assert message in said.err


def test_an_absent_configuration_says_how_to_get_one(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent.toml")
    said = run_aggregator("--config", absent, "pull")
    assert said.code == 1
    assert "init" in said.err


def test_a_flag_overrides_the_environment_the_file_and_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And systemd's directory is for a file that states none."""
    path = tmp_path / "aggregator.toml"

    def state(*options: str) -> str:
        said = run_aggregator("--config", str(path), *options, "config", "check", "--json")
        return str(said.json["state"])

    path.write_text("")
    assert state() == "/var/lib/gitmeter"
    monkeypatch.setenv("STATE_DIRECTORY", "/from/systemd")
    assert state() == "/from/systemd"
    path.write_text('state = "/from/file"\n')
    assert state() == "/from/file"
    monkeypatch.setenv("AGGREGATOR_STATE", "/from/environment")
    assert state() == "/from/environment"
    assert state("--state", "/from/flag") == "/from/flag"
    monkeypatch.setenv("AGGREGATOR_CONFIG", str(path))
    assert run_aggregator("config", "check").code == 0


def test_a_configuration_without_repos_has_nothing_to_pull(tmp_path: Path) -> None:
    said = World(tmp_path).run("pull")
    assert said.code == 1
    assert "[[repo]]" in said.err


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that lead to it."""

    def below(words: tuple[str, ...], group: click.Group) -> Iterator[Any]:
        for name, command in group.commands.items():
            yield (*words, name), command
            if isinstance(command, click.Group):
                yield from below((*words, name), command)

    yield (), cli
    yield from below((), cli)


@pytest.mark.parametrize("words", sorted(dict(commands())), ids=" ".join)
def test_every_command_and_option_is_explained(words: tuple[str, ...], tmp_path: Path) -> None:
    """`--help` works without a configuration, and has a sentence for each."""
    command = dict(commands())[words]
    said = run_aggregator(*words, "--help")
    assert said.code == 0
    prose = (command.help or "").partition("\b")[0]  # commands to paste follow it
    assert prose.strip().endswith((".", ":", "git")), words
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert (parameter.help or "").endswith("."), parameter.name
            assert parameter.opts[0] in said.out
    assert "\\b" not in said.out


def test_every_command_that_prints_answers_has_json() -> None:
    """Exports are files in forms of their own."""
    silent = {(), ("config",), ("node",), ("forge",), ("run",)}
    for words, command in commands():
        has = any("--json" in parameter.opts for parameter in command.params)
        assert has is (words not in silent and words[0] != "export"), words


def test_a_closed_pipe_is_no_error(world: World) -> None:
    """As in `aggregator charges alice | head -0`."""
    config = world.write_config()
    script = "import sys; from aggregator.cli import main; sys.argv[0] = 'aggregator'; main()"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(script)} --config {config} balance"
    ran = subprocess.run(
        ["sh", "-c", f"{command} | :"], check=False, capture_output=True, text=True
    )
    assert ran.stderr == ""
