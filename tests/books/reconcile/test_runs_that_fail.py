"""Nothing is decided about what could not be compared, and the next run goes on."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from books.reconcile.memory_file import memory_file
from tests.books.reconcile.site import COMMIT, Site
from wire_format.instants import format_ts


def test_a_provider_that_does_not_answer_decides_nothing(site: Site) -> None:
    site.write(site.paid())
    site.lines[0]["amount"] = "99.00"
    site.add(kind="consent", user="eve")
    site.stripe.faults.add(500, times=99)
    said = site.run()
    assert (said.code, "1 not compared" in said.out) == (75, True)
    assert "note: stripe: " in said.err
    assert "reconciled till-1 seq 2..2" in said.out
    assert "difference" not in said.out


def test_a_difference_is_repeated_while_the_provider_does_not_answer(site: Site) -> None:
    site.write(site.paid())
    site.lines[0]["amount"] = "99.00"
    site.stripe.clock.advance(hours=-26)
    site.paid("bob")
    assert len(site.whys()) == 2
    site.stripe.faults.add(500, times=99)
    said = site.run()
    assert (said.code, said.out.count("difference: ")) == (1, 2)
    last = site.books("reconcile", "--last")
    assert (last.code, last.out.count("difference: ")) == (1, 2)
    site.lines.clear()
    assert site.run().out.count("difference: ") == 1


def test_the_last_run_is_shown_without_asking_anybody(site: Site) -> None:
    assert site.books("reconcile", "--last").ok().out == "no run yet\n"
    site.run().ok()
    found = site.books("reconcile", "--last", "--json").ok().json
    assert (found["differences"], found["ran_at"] is None) == ([], False)


def test_a_key_of_another_account_is_refused(site: Site) -> None:
    site.write(site.paid())
    site.stripe.api.account = "acct_2Other"
    said = site.run()
    assert said.code == 1
    assert "its key is of the account acct_2Other" in said.err
    assert "reconciled" not in said.out


def test_a_key_that_may_do_more_than_read_is_noted(site: Site) -> None:
    site.use_key(site.stripe.key)
    assert "its key may do more than read: cards, charge, checkout, refund" in site.run().ok().err


@pytest.mark.parametrize("missing", ["keys", "rules"])
def test_an_account_that_cannot_be_asked_is_told(site: Site, missing: str) -> None:
    site.write(site.paid())
    if missing == "keys":
        site.configure(name="stripe-eu")
    else:
        site.lines[0]["provider"] = "stripe-eu"
    said = site.run()
    assert said.code == 1
    says = "there is no key for it" if missing == "keys" else "it is not in rules/writers.toml"
    assert says in said.err
    assert "reconciled" not in said.out


def test_a_run_asks_no_more_than_it_may_and_the_next_one_goes_on(site: Site) -> None:
    for number in range(5):
        at = format_ts(site.stripe.clock.advance(seconds=1))
        site.write(site.paid(f"user-{number}"), committed_at=at)
    said = site.run("--max-questions", "2")
    assert (said.code, "reconciled till-1 seq 1..2" in said.out) == (75, True)
    for line in site.lines[:2]:
        line["reconciled"] = True
    said = site.run("--max-questions", "2")
    assert (said.code, "reconciled till-1 seq 3..4" in said.out) == (75, True)
    assert "reconciled till-1 seq 5..5" in site.run().ok().out


def test_a_run_that_takes_too_long_stops(site: Site) -> None:
    site.write(site.paid())
    said = site.run("--max-minutes", "0.0000001")
    assert (said.code, "the time of this run is over" in said.err) == (75, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "standard input is empty"),
        ("{", "is not the answer of `aggregator payments`"),
        ("[]", "is not the answer of `aggregator payments`"),
        ('{"as_of": "2026-11-21T13:00:00Z"}', "is not the answer of `aggregator payments`"),
        ('{"rule_book": "x", "charges": 1}', "is not the answer of `aggregator payments`"),
    ],
)
def test_what_is_no_answer_of_the_aggregator_is_refused(site: Site, text: str, says: str) -> None:
    said = site.run(stdin=text)
    assert (said.code, says in said.err) == (1, True)
    assert site.books("decide", "list", "--json").ok().json == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("node", "Till 1"),
        ("seq", 0),
        ("seq", "1"),
        ("ts", "2026-11-21"),
        ("commit", "4f1d"),
        ("state", None),
    ],
)
def test_a_damaged_line_is_refused(site: Site, field: str, value: object) -> None:
    site.write(site.paid())
    site.lines[0][field] = value
    said = site.run()
    assert (said.code, "is not the answer of" in said.err) == (1, True)


@pytest.mark.parametrize("hours", [1.1, -1])
def test_an_answer_of_another_time_is_refused(site: Site, hours: float) -> None:
    site.write(site.paid())
    report = site.report(as_of=format_ts(datetime.now(UTC) - timedelta(hours=hours)))
    assert site.run(stdin=report).code == 1
    assert site.books("decide", "list", "--json").ok().json == []


def test_an_old_answer_covers_lines_but_sees_no_tips(site: Site) -> None:
    """What was committed since then is not within its tips."""
    site.write(site.paid())
    report = site.report(as_of=format_ts(datetime.now(UTC) - timedelta(hours=30)))
    found = site.json("--old", stdin=report)["decisions"]
    assert [d["kind"] for d in found] == ["reconciled"]


def test_a_tip_is_seen_again_after_a_day(site: Site) -> None:
    kinds = [d["kind"] for d in site.json()["decisions"]]
    assert kinds == ["seen", "seen"]
    site.tip = COMMIT
    assert site.json()["decisions"] == []


def test_a_dry_run_leaves_nothing(site: Site) -> None:
    site.write(site.paid())
    said = site.run("--dry-run").ok()
    assert "would be recorded: reconciled till-1 seq 1..1" in said.out
    assert not memory_file(site.books.home).exists()
    assert site.books("decide", "list", "--json").ok().json == []


def test_it_pushes_if_it_is_asked_to(site: Site) -> None:
    site.write(site.paid())
    site.run("--push").ok()
    assert any("reconciled" in message for message in site.books.messages())


def test_a_file_of_memory_that_is_damaged_is_named(site: Site) -> None:
    memory_file(site.books.home).write_text("{")
    said = site.run()
    assert (said.code, "rm " in said.err) == (1, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "account"),
        ("[[account]]\nname = 1\n", "name"),
        ('[[account]]\nname = "stripe"\nkey_file = "nothing"\n', "nothing"),
        ('[[account]]\nname = "stripe"\nkey_file = "stripe.key"\nsecret = "x"\n', "secret"),
        ('[[account]]\nname = "a"\nkey_file = "stripe.key"\n' * 2, "named more than once: a"),
    ],
)
def test_a_wrong_file_of_accounts_is_refused(
    site: Site, tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "reconcile.toml").write_text(text)
    said = site.run()
    assert (said.code, says in said.err) == (1, True)


def test_a_key_that_everybody_may_read_is_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / "stripe.key").chmod(0o644)
    assert "every user of this machine may read the key file" in site.run().err


@pytest.mark.parametrize("step", ["remember", "decide"])
def test_a_process_that_dies_leaves_work_for_the_next_one(site: Site, step: str) -> None:
    """Killed before or after it remembered: the next run decides the same, once."""
    site.write(site.paid())
    keys = ["--keys", str(site.books.folder)]
    code = f"""
import os, sys
from books.cli import main
from books.reconcile.run import _Run
_Run.{step} = lambda self, **_: os._exit(9)
sys.argv = {["books", "--home", str(site.books.home), "reconcile", *keys]}
main()
"""
    command = [sys.executable, "-c", code]
    killed = subprocess.run(command, input=site.report(), text=True, check=False)
    assert killed.returncode == 9
    assert site.spans() == [(1, 1)]
    assert site.spans() == []
    site.lines.clear()
    assert site.whys() == []


def test_json_of_a_run_says_everything(site: Site) -> None:
    site.write(site.paid())
    site.write(site.paid("bob"), amount="1.00")
    found = json.loads(site.run("--json").out)
    assert found["accounts"] == [
        {
            "name": "stripe",
            "agreed": 1,
            "differing": 1,
            "unasked": 0,
            "problem": "",
            "may_retry": False,
            "note": "",
            "too_early": 0,
        }
    ]
    assert found["differences"][0]["node"] == "till-1"
