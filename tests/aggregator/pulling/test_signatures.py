"""A head that no allowed key has signed is not billed; what was billed is not checked again.

Validity is judged by the aggregator's clock; the date that a commit claims does not matter.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.incidents.kinds import IncidentKind
from aggregator.pulling import repo_pass
from aggregator.pulling.passes import Puller
from cursors.position import HeadOutcome
from gitmeter.signing.signing_key import SigningKey, new_signing_key
from tests.aggregator.broken_variants.scenarios_accepted import accept
from tests.support.git_http import GitHttpServer
from tests.support.ledger.world import BOOKS, NOW, World, decision_line, money_line, usage_line

OWN, OTHER, STRANGER = new_signing_key(), new_signing_key(), new_signing_key()
DAY = timedelta(days=1)


def allow(world: World, *lines: str) -> None:
    """Write the operator's file of allowed signers."""
    path = world.folder / "allowed_signers"
    path.write_text("".join(f"{line}\n" for line in lines))
    world.settings["allowed_signers_file"] = str(path)


def entry(key: SigningKey, node: str = "node-1", *, options: str = "") -> str:
    return f'{node} namespaces="git"{options} {key.public.line}'


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Node 1 must sign with its own key and has one billed record; node 2 need not sign."""
    made = World(tmp_path)
    made.rules()
    made.usage(usage_line(node="node-2", user="b:2"), repo="node-2")
    made.repo("node-1").signer = OWN.sign
    made.configure("node-1", allow_unsigned=False)
    allow(made, entry(OWN), entry(OTHER, "node-2"))
    made.usage(usage_line(seq=1))
    assert made.pull()["node-1"].incident is None
    return made


def new_record(world: World, signer: SigningKey | None, seq: int = 2) -> str:
    """Commit another record."""
    world.repo("node-1").signer = None if signer is None else signer.sign
    return world.usage(usage_line(seq=seq))


def records(world: World) -> int:
    return int(world.node()["records"])


def held(world: World, head: str, kind: IncidentKind = IncidentKind.BAD_SIGNATURE) -> None:
    """Check that the head is not applied, its incident names it, and the other node is billed."""
    cursor, count = world.node()["cursor"], records(world)
    number = world.node("node-2")["highest_seq"] + 1
    world.usage(usage_line(node="node-2", seq=number, user="b:2"), repo="node-2")
    reports = world.pull()
    report = reports["node-1"]
    assert (report.incident, report.commits) == (kind, 0)
    assert report.behind > 0
    assert not report.retry
    assert head in report.detail
    assert reports["node-2"].admitted == 1
    assert (world.node()["cursor"], records(world)) == (cursor, count)
    (incident,) = world.incidents()
    assert (incident["kind"], incident["subject"]) == (kind, head)
    assert world.verify().matches


def goes_on(world: World, count: int) -> None:
    assert world.pull()["node-1"].incident is None
    assert (records(world), world.open_kinds()) == (count, [])
    assert world.verify().matches


def too_late(world: World) -> None:
    allow(world, entry(OWN, options=f',valid-before="{NOW - DAY:%Y%m%d}Z"'))


def too_early(world: World) -> None:
    allow(world, entry(OWN, options=f',valid-after="{NOW + DAY:%Y%m%d}Z"'))


def of_another_purpose(world: World) -> None:
    allow(world, entry(OWN).replace('"git"', '"file"'))


def broken_file(world: World) -> None:
    allow(world, "node-1 this is no key")


def no_file(world: World) -> None:
    (world.folder / "allowed_signers").unlink()


def nothing(_: World) -> None:
    pass


@pytest.mark.parametrize(
    ("signer", "arrange", "said"),
    [
        (None, nothing, "not signed"),
        (STRANGER, nothing, "not among the allowed"),
        (OTHER, nothing, "may not sign for node-1"),
        (OWN, too_late, "not valid any more"),
        (OWN, too_early, "not valid yet"),
        (OWN, of_another_purpose, "not among the allowed"),
        (OWN, broken_file, "line 1"),
        (OWN, no_file, "cannot be read"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_head_that_may_not_be_billed_is_held_until_its_key_may_sign(
    world: World, signer: SigningKey | None, arrange: Callable[[World], None], said: str
) -> None:
    arrange(world)
    head = new_record(world, signer)
    broken = arrange in {broken_file, no_file}
    held(world, head, IncidentKind.NO_SIGNERS if broken else IncidentKind.BAD_SIGNATURE)
    assert said in world.incidents()[0]["detail"]
    assert OWN.public.line.split()[1] not in world.incidents()[0]["detail"]
    if signer is None:
        world.repo("node-1").signer = OWN.sign
        world.usage(usage_line(seq=3))
        goes_on(world, 3)
    else:
        allow(world, entry(signer))
        goes_on(world, 2)


def test_the_date_that_a_commit_claims_does_not_matter(world: World) -> None:
    """A commit by a key that has ended could be backdated; that does not make it valid."""
    too_late(world)
    world.repo("node-1").signer = OWN.sign
    backdated = world.usage(usage_line(seq=2), when=NOW - 300 * DAY)
    held(world, backdated)
    world.now = NOW - 2 * DAY
    goes_on(world, 2)


def test_a_signed_head_covers_the_history_below_it(world: World) -> None:
    """Each commit names its parents and its tree."""
    new_record(world, None, seq=2)
    new_record(world, STRANGER, seq=3)
    new_record(world, OWN, seq=4)
    assert world.pull()["node-1"].commits == 3
    goes_on(world, 4)


def test_an_accepted_commit_is_billed_and_what_is_above_it_must_be_signed_again(
    world: World,
) -> None:
    """The operator accepts one commit, not a key."""
    head = new_record(world, STRANGER)
    held(world, head)
    world.decide(accept(head))
    goes_on(world, 2)
    above = new_record(world, STRANGER, seq=3)
    held(world, above)
    new_record(world, OWN, seq=4)
    goes_on(world, 4)


def test_accepting_a_commit_below_an_unsigned_head_bills_up_to_it(world: World) -> None:
    accepted = new_record(world, None, seq=2)
    head = new_record(world, None, seq=3)
    held(world, head)
    world.decide(accept(accepted))
    report = world.pull()["node-1"]
    assert (report.commits, report.behind) == (1, 1)
    assert (records(world), world.node()["cursor"]) == (2, accepted)
    assert world.open_kinds() == [("node-1", "bad signature")]
    assert world.verify().matches


def test_after_a_rotation_old_commits_stay_billed(world: World) -> None:
    """Neither `verify`, nor a rebuild, nor a lost database checks a signature again."""
    allow(
        world,
        entry(OWN, options=f',valid-before="{NOW - DAY:%Y%m%d}Z"'),
        entry(STRANGER, options=f',valid-after="{NOW - DAY:%Y%m%d}Z"'),
    )
    new_record(world, STRANGER)
    goes_on(world, 2)
    digest = world.digest()
    allow(world, entry(OTHER, "node-2"))
    goes_on(world, 2)
    assert world.rebuilt_digest() == digest
    world.forget()
    goes_on(world, 2)
    assert world.digest() == digest


def test_an_older_copy_of_the_database_catches_up_without_signatures(world: World) -> None:
    """What was billed since was signed by a key that was valid then."""
    path = world.config.database_path
    shutil.copyfile(path, world.folder / "copy.db")
    new_record(world, OWN)
    goes_on(world, 2)
    digest = world.digest()
    allow(world, entry(OTHER, "node-2"))
    world.forget()
    shutil.copyfile(world.folder / "copy.db", path)
    goes_on(world, 2)
    assert world.digest() == digest


def test_a_lost_mirror_and_database_ask_for_a_signature_that_is_valid_now(world: World) -> None:
    """Nothing is left that shows what was accepted."""
    allow(world, entry(OTHER, "node-2"))
    world.forget(mirrors=True)
    report = world.pull()["node-1"]
    assert (report.incident, report.commits) == (IncidentKind.BAD_SIGNATURE, 0)


def test_a_rewritten_history_needs_the_operator_however_well_it_is_signed(world: World) -> None:
    """And accepted by its commit it needs no signature."""
    writer = world.repo("node-1")
    writer.signer = OWN.sign
    head = writer.orphan({"usage/2025/06/01/0000000000000002.jsonl": usage_line(seq=2)})
    assert world.pull()["node-1"].incident is IncidentKind.REWRITTEN
    allow(world, entry(OTHER, "node-2"))
    world.decide(accept(head))
    assert world.pull()["node-1"].outcome is HeadOutcome.ACCEPTED
    goes_on(world, 2)


def test_unsigned_commits_above_an_accepted_rewrite_are_not_billed(world: World) -> None:
    writer = world.repo("node-1")
    head = writer.orphan({"usage/2025/06/01/0000000000000001.jsonl": usage_line(seq=2)})
    above = new_record(world, None, seq=3)
    world.decide(accept(head))
    report = world.pull()["node-1"]
    assert (report.commits, report.incident) == (1, IncidentKind.BAD_SIGNATURE)
    assert above in report.detail
    assert world.node()["cursor"] == head
    new_record(world, OWN, seq=4)
    goes_on(world, 4)


def test_the_books_are_held_like_any_other_repo(world: World) -> None:
    """Usage is rated by the books as they were, and a decision in the held part has no effect."""
    world.configure(BOOKS, allow_unsigned=False)
    world.pay(money_line())
    world.decide(decision_line(kind="exclude", of="node-1", of_seq=1, seq=2))
    new_record(world, OWN)
    reports = world.pull()
    assert reports[BOOKS].incident is IncidentKind.BAD_SIGNATURE
    assert reports["node-1"].admitted == 1
    assert world.balance()["lifetime_paid_nano"] == 0
    assert world.held() == []
    allow(world, entry(OWN), entry(OTHER, BOOKS))
    world.repo(BOOKS).signer = OTHER.sign
    world.pay(money_line(seq=3))
    world.pull()
    assert world.balance()["lifetime_paid_nano"] == 20 * 10**9
    assert [row["reason"] for row in world.held()] == ["excluded"]


def test_unsigned_commits_are_billed_where_the_operator_allows_them(world: World) -> None:
    new_record(world, None)
    world.pull()
    world.configure("node-1", allow_unsigned=True)
    goes_on(world, 2)


def test_nothing_new_asks_for_no_signature(world: World) -> None:
    """An expired key is no incident as long as there is nothing new."""
    too_late(world)
    report = world.pull()["node-1"]
    assert (report.outcome, report.incident) == (HeadOutcome.UNCHANGED, None)


def test_over_http_as_well(tmp_path: Path) -> None:
    """The signature survives the transport byte for byte."""
    world = World(tmp_path)
    allow(world, entry(OWN))
    with GitHttpServer(tmp_path / "remotes") as server:
        world.repo("node-1", url=server.url("node-1.git"))
        world.configure("node-1", allow_unsigned=False)
        new_record(world, OWN, seq=1)
        assert world.pull()["node-1"].admitted == 1
        new_record(world, STRANGER, seq=2)
        assert world.pull()["node-1"].incident is IncidentKind.BAD_SIGNATURE


def test_a_key_is_valid_up_to_the_second_at_which_it_ends(world: World) -> None:
    end = datetime(2026, 3, 1, 12, tzinfo=UTC)
    allow(world, entry(OWN, options=f',valid-before="{end:%Y%m%d%H%M%S}Z"'))
    head = new_record(world, OWN)
    world.now = end + timedelta(microseconds=1)
    held(world, head)
    world.now = end
    goes_on(world, 2)


def test_a_branch_that_was_set_back_below_a_rotation_asks_for_no_signature(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its head was billed under a key that was valid then, however far above the root it is."""
    monkeypatch.setattr(repo_pass, "_UNSIGNED_WALKED_MAX", 1)
    old = new_record(world, OWN, seq=2)
    goes_on(world, 2)
    tip = new_record(world, STRANGER, seq=3)
    allow(world, entry(STRANGER))
    goes_on(world, 3)
    world.repo("node-1").force(old)
    assert world.pull()["node-1"].incident is IncidentKind.SET_BACK
    world.repo("node-1").force(tip)
    goes_on(world, 3)


def test_what_lies_below_a_head_that_may_not_be_billed_is_not_walked_to_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may not sign decides on no more work than is constant, and is named all the same."""
    monkeypatch.setattr(repo_pass, "_UNSIGNED_WALKED_MAX", 3)
    for seq in range(2, 8):
        head = new_record(world, STRANGER, seq)
    report = world.pull()["node-1"]
    assert (report.incident, report.commits) == (IncidentKind.BAD_SIGNATURE, 0)
    assert head in report.detail
    new_record(world, OWN, 8)
    assert world.pull()["node-1"].commits == 7
    assert world.verify().matches


def test_a_key_that_comes_into_the_file_during_a_pass_counts_in_it(world: World) -> None:
    """Whoever pushes with it did so after the file was written."""
    new_record(world, STRANGER)

    def write() -> frozenset[str]:
        allow(world, entry(STRANGER))
        return frozenset()

    with world.ledger() as ledger:
        puller = Puller(world.state, ledger, lambda: world.now)
        assert {r.incident for r in puller.pull(also=write) if r.name == "node-1"} == {None}
    goes_on(world, 2)
