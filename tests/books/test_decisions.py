"""What is typed becomes a decision line, or is refused with a reason."""

import getpass
import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.support.owner import default_operator
from node_pusher.home.settings_file import read_home
from node_pusher.spool.plan import plan
from node_pusher.spool.store import Store
from tests.books.program import Books
from tests.support.memory import MEMORY
from wire_format.fields import EPOCH_SIZE
from wire_format.lines import Decision, Folder
from wire_format.segment import decode_segment

TIP = "4f1d0b6c2a9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c"
SHA = "9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de"
TS = "2026-11-21T12:00:00.123456Z"
WHY = ("--reason", "a load test", "--by", "ada")


def spooled(books: Books, folder: Folder = Folder.DECISIONS) -> bytes:
    """The lines of one folder that are in the spool."""
    home = read_home(books.home)
    with Store.open(home.spool_file, home.node) as store:
        commits = [each for each in plan(list(store.unsent(()))) if each.folder is folder]
        return b"".join(store.lines(span) for commit in commits for span in commit.segments)


def listed(books: Books) -> list[dict[str, Any]]:
    found = books("decide", "list", "--json").ok().json
    assert isinstance(found, list)
    return found


def test_every_kind_is_on_disk_as_a_line_when_the_command_returns(books: Books) -> None:
    for command in (
        ["accept-tip", "embedder-01", TIP],
        ["exclude", "embedder-01", "17"],
        ["exclude", "embedder-01", "17..40"],
        ["exclude", "embedder-01", "41", "--ts", "2026-11-21T13:00:00.123456+01:00"],
        ["choose", "embedder-01", "42", TS, SHA],
        ["acknowledge", "embedder-01", "sequence reused", "--subject", "seq 41"],
        ["withdraw", "3"],
        ["seen", "till-1", TIP],
        ["only", "till-1", TIP],
        ["reconciled", "till-1", "17", "40", TIP],
    ):
        books("decide", *command, *WHY).ok()
    lines = [json.loads(line) for line in spooled(books).splitlines()]
    assert [line.pop("seq") for line in lines] == list(range(1, 11))
    of = {"of": "embedder-01"}
    about: list[dict[str, Any]] = [
        {"kind": "accept_tip", "repo": "embedder-01", "tip": TIP},
        {"kind": "exclude", **of, "of_seq": 17},
        {"kind": "exclude", **of, "of_seq": 17, "to_seq": 40},
        {"kind": "exclude", **of, "of_seq": 41, "of_ts": TS},
        {"kind": "choose", **of, "of_seq": 42, "of_ts": TS, "line_sha256": SHA},
        {
            "kind": "acknowledge",
            "repo": "embedder-01",
            "incident": "sequence reused",
            "subject": "seq 41",
        },
        {"kind": "withdraw", "refers_to": 3},
        {"kind": "seen", "tip": TIP, "of": "till-1"},
        {"kind": "only", "tip": TIP, "of": "till-1"},
        {"kind": "reconciled", "tip": TIP, "of": "till-1", "from_seq": 17, "to_seq": 40},
    ]
    versions = [line.pop("v") for line in lines]
    assert versions == [1] * 7 + [2] * 3
    said = {"by": "ada", "reason": "a load test"}
    now = [line.pop("ts") for line in lines]
    assert lines == [{"node": "books", **each, **said} for each in about]
    assert all(datetime.fromisoformat(ts) <= datetime.now(UTC) for ts in now)
    assert decode_segment(spooled(books), Folder.DECISIONS).rejects == ()


def test_a_command_says_what_was_decided_and_what_comes_next(books: Books) -> None:
    said = books("decide", "exclude", "embedder-01", "17..40", *WHY).ok().out
    assert said == "books seq 1: exclude embedder-01 seq 17..40, by ada; next: `books push`\n"
    found = books("decide", "choose", "a", "42", TS, SHA, *WHY, "--json").ok().json
    assert (found["node"], found["seq"], found["repeated"]) == ("books", 2, False)
    assert (found["kind"], found["of_ts"], found["line_sha256"]) == ("choose", TS, SHA)
    assert (found["by"], found["reason"], found["repo"]) == ("ada", "a load test", None)


def test_who_decided_is_who_is_logged_in_unless_said(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    found = books("decide", "exclude", "a", "1", "--reason", "x", "--json").ok().json
    assert found["by"] == "grace"


def test_a_person_is_named_before_the_user_that_sudo_made_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOGNAME", "gitmeter-books")
    monkeypatch.setenv("SUDO_USER", "grace")
    assert default_operator() == "grace"
    monkeypatch.setenv("SUDO_USER", "")
    assert default_operator() == "gitmeter-books"


def test_a_decision_needs_somebody_who_takes_it(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 7")

    monkeypatch.setattr(getpass, "getuser", nobody)
    outcome = books("decide", "exclude", "a", "1", "--reason", "x")
    assert (outcome.code, "--by" in outcome.err) == (1, True)
    assert books("decide", "exclude", "a", "1", "--reason", "x", "--by", "").code == 1
    assert spooled(books) == b""


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["exclude", "a", "1"], "--reason"),
        (["accept-tip", "embedder-01", "4f1d0b6c"], "tip: must be a full commit hash: 40 of 0-9"),
        (["accept-tip", "ops/books", TIP], "repo: must be 1 to 80 of a-z, 0-9, . and -"),
        (["accept-tip", "Embedder", TIP.upper()], "repo: must be 1 to 80"),
        (["seen", "till-1", "4f1d0b6c"], "tip: must be a full commit hash"),
        (["only", "Till", TIP], "of: must be 1 to 63 of a-z"),
        (["reconciled", "till-1", "9", "8", TIP], "to_seq: must not be below from_seq"),
        (["reconciled", "till-1", "0", "8", TIP], "from_seq: must be at least 1"),
        (["exclude", "A", "1"], "of: must be 1 to 63 of a-z"),
        (["exclude", "a", "x"], "'x' is not a seq such as 17, nor a range such as 17..40"),
        (["exclude", "a", "1-4"], "nor a range such as 17..40"),
        (["exclude", "a", "1..."], "nor a range such as 17..40"),
        (["exclude", "a", "0"], "of_seq: must be at least 1"),
        (["exclude", "a", "9999999999999999"], "of_seq: must be at most 9007199254740991"),
        (["exclude", "a", "40..17"], "to_seq: must not be below of_seq"),
        (["exclude", "a", "17..40", "--ts", TS], "of_ts: names one record, and to_seq a range"),
        (["exclude", "a", "17", "--ts", "yesterday"], "of_ts: must be such as 2026-11-21T13:05"),
        (["exclude", "a", "17", "--ts", "1999-01-01T00:00:00Z"], "of_ts: must lie in the years"),
        (["choose", "a", "17", TS], "LINE_SHA256"),
        (["choose", "a", "17", TS, SHA[:12]], "line_sha256: must be a SHA-256: 64 of 0-9 and a-f"),
        (["choose", "a", "-1", TS, SHA], "No such option"),
        (["choose", "a", "17", "2026-11-21", SHA], "of_ts: must be such as"),
        (
            ["acknowledge", "a", "sequence_reused", "--subject", "s"],
            "incident: must be a kind of incident: 1 to 40",
        ),
        (["acknowledge", "a", "rewritten", "--subject", ""], "subject: must be 1 to 200 printable"),
        (["acknowledge", "a", "rewritten", "--subject", "é"], "subject: must be 1 to 200"),
        (["exclude", "a", "1", "--by", "Zoë"], "by: must be 1 to 100 printable ASCII characters"),
        (["exclude", "a", "1", "--reason", "r" * 201], "reason: must be 1 to 200 printable ASCII"),
        (["exclude", "a", "1", "--reason", ""], "reason: must be 1 to 200 printable ASCII"),
        (["withdraw", "x"], "not a valid integer"),
        (["withdraw", "99"], "no line of these books has seq 99"),
        (["withdraw", "0"], "refers_to: must be at least 1"),
    ],
)
def test_wrong_input_is_refused_with_a_reason_and_nothing_is_written(
    books: Books, command: list[str], says: str
) -> None:
    why = () if says == "--reason" or "--reason" in command else ("--reason", "x")
    outcome = books("decide", *command, *why)
    assert outcome.code in {1, 2}
    assert says in outcome.err
    assert spooled(books) == b""


@pytest.mark.parametrize("pushed", [False, True])
def test_the_same_decision_again_is_said_and_not_recorded(books: Books, *, pushed: bool) -> None:
    """Whoever takes it again, and for whatever reason; until another one came in between."""
    books("decide", "choose", "a", "17", TS, SHA, *WHY).ok()
    if pushed:
        books("push").ok()
    again = books("decide", "choose", "a", "17", TS, SHA, "--reason", "y", "--by", "bob").ok()
    assert again.out == (
        "books seq 1 says that already: choose 9b74c9897bac for a seq 17 at"
        f" {TS}, by ada; nothing was recorded\n"
    )
    found = books("decide", "choose", "a", "17", TS, SHA, *WHY, "--json").ok().json
    assert (found["seq"], found["repeated"]) == (1, True)
    books("decide", "choose", "a", "17", TS, "b" * 64, *WHY).ok()
    assert books("decide", "choose", "a", "17", TS, SHA, *WHY, "--json").ok().json["seq"] == 3
    assert [each["overridden_by"] for each in listed(books)] == [3, 3, None]


@pytest.mark.parametrize("pushed", [False, True])
def test_a_decision_can_be_withdrawn_and_taken_again(books: Books, *, pushed: bool) -> None:
    books("decide", "exclude", "a", "17", *WHY).ok()
    if pushed:
        books("push").ok()
    said = books("decide", "withdraw", "1", *WHY).ok().out
    assert said == "books seq 2: withdraw seq 1, by ada; next: `books push`\n"
    again = books("decide", "withdraw", "1", *WHY).ok().out
    assert again.startswith("books seq 2 says that already: withdraw seq 1")
    assert books("decide", "exclude", "a", "17", *WHY, "--json").ok().json["seq"] == 3
    assert [each["withdrawn_by"] for each in listed(books)] == [2, None, None]


@pytest.mark.parametrize("pushed", [False, True])
def test_only_what_can_be_withdrawn_is(books: Books, *, pushed: bool) -> None:
    books("pay", "alice", "5").ok()
    books("decide", "accept-tip", "a", TIP, *WHY).ok()
    books("decide", "exclude", "a", "17", *WHY).ok()
    books("decide", "withdraw", "3", *WHY).ok()
    if pushed:
        books("push").ok()
    for seq, says in [
        ("1", "seq 1 is not a decision but a payment"),
        ("2", "seq 2 accepts a tip, which cannot be withdrawn"),
        ("4", "seq 4 is itself a withdrawal"),
        ("5", "no line of these books has seq 5"),
    ]:
        outcome = books("decide", "withdraw", seq, *WHY)
        assert (outcome.code, says in outcome.err) == (1, True), outcome
        assert "hint: " in outcome.err
    assert len(listed(books)) == 3


def test_the_list_shows_the_newest_last_and_which_hold(books: Books) -> None:
    assert listed(books) == []
    assert books("decide", "list").ok()
    books("decide", "exclude", "embedder-01", "17..40", *WHY).ok()
    books("push").ok()
    books("pay", "alice", "5").ok()
    books("decide", "withdraw", "1", *WHY).ok()
    found = listed(books)
    assert [(each["seq"], each["holds"]) for each in found] == [(1, False), (3, True)]
    assert (found[0]["of"], found[0]["to_seq"], found[0]["withdrawn_by"]) == ("embedder-01", 40, 3)
    rows = [line.split() for line in books("decide", "list").ok().out.splitlines()]
    assert [row[0] for row in rows if row and row[0].isdigit()] == ["1", "3"]
    assert any(" ".join(row).endswith("ada a load test withdrawn by 3") for row in rows)


def test_payments_and_decisions_share_one_counter_and_have_commits_of_their_own(
    books: Books,
) -> None:
    books("pay", "alice", "50").ok()
    books("decide", "exclude", "a", "17", *WHY).ok()
    books("decide", "exclude", "a", "18", *WHY).ok()
    books("decide", "acknowledge", "a", "rewritten", "--subject", "s", *WHY).ok()
    books("pay", "alice", "20").ok()
    books("push").ok()
    day = datetime.now(UTC)
    messages = books.messages()
    assert [message.partition("\n")[0] for message in messages[:3]] == [
        "payments: books seq 5..5 (1 record)",
        "decisions: books seq 2..4 (3 records)",
        "payments: books seq 1..1 (1 record)",
    ]
    assert "\n\nacknowledge  1 in 1 record\nexclude      2 in 2 records\n\n" in messages[1]
    path = f"decisions/{day:%Y/%m/%d}/0000000000000002.jsonl"
    segment = decode_segment(books.pushed(path), Folder.DECISIONS)
    assert [record.seq for record in segment.records] == [2, 3, 4]
    found = books("log", "--json").ok().json[1]
    assert found["totals"] == [
        {"name": "acknowledge", "amount": "1", "records": 1},
        {"name": "exclude", "amount": "2", "records": 2},
    ]
    books("refund", "alice", "20", "--payment", "5").ok()  # found beyond the decisions
    assert b"decisions" in books.pushed("README.md")


def test_an_excluded_payment_counts_nothing_until_that_is_withdrawn(books: Books) -> None:
    """From the command to the balance, and `verify` agrees at every step."""
    books("pay", "alice", "50").ok()
    books("pay", "alice", "20").ok()
    books("decide", "exclude", "books", "1", *WHY).ok()
    assert books.balance("alice")["balance_usd"] == "20.00"
    assert books.aggregate("verify", "--json").ok().json["matches"] is True
    books("decide", "withdraw", "3", *WHY).ok()
    assert books.balance("alice")["balance_usd"] == "70.00"
    assert books.aggregate("verify", "--json").ok().json["matches"] is True
    assert books.aggregate("rejects", "--json").ok().json == []
    assert books.aggregate("held", "--json").ok().json == []


def test_books_that_were_joined_can_withdraw_decisions_from_before(
    books: Books, tmp_path: Path
) -> None:
    """The files that were not joined are read from the remote."""
    books("decide", "exclude", "a", "17", *WHY).ok()
    books("decide", "accept-tip", "a", TIP, *WHY).ok()
    books("push").ok()
    other = Books(tmp_path, "other", books.remote)
    other.init().ok()
    found = other("decide", "withdraw", "1", *WHY, "--json").ok().json
    assert (found["seq"], found["refers_to"]) == (EPOCH_SIZE + 1, 1)
    refused = other("decide", "withdraw", "2", *WHY)
    assert (refused.code, "accepts a tip" in refused.err) == (1, True)


def test_books_that_were_joined_list_decisions_from_before(books: Books, tmp_path: Path) -> None:
    """All of them, or an error that says why not: never a list that is short in silence."""
    books("decide", "exclude", "a", "17", *WHY).ok()
    books("push").ok()
    other = Books(tmp_path, "other", books.remote)
    other.init().ok()
    away = books.remote.rename(tmp_path / "away.git")
    assert other("decide", "list").code != 0
    other("decide", "exclude", "a", "18", *WHY).ok()  # taking one needs no remote
    away.rename(books.remote)
    assert [each["of_seq"] for each in listed(other)] == [17, 18]


def test_decisions_on_a_machine_that_fell_behind_are_not_lost(books: Books, tmp_path: Path) -> None:
    """Committed and waiting alike go on top of what another machine pushed."""
    books("push").ok()
    other = Books(tmp_path, "other", books.remote)
    other.init().ok()
    other("decide", "exclude", "a", "1", *WHY).ok()
    other("push").ok()
    books("decide", "exclude", "a", "2", *WHY).ok()
    assert books("push").code == 1
    books("decide", "exclude", "a", "3", *WHY).ok()
    books.init("--rejoin").ok()
    books("push").ok()
    assert sorted(each["of_seq"] for each in listed(books)) == [1, 2, 3]


def test_commands_before_init_say_what_to_do(tmp_path: Path) -> None:
    for command in (["decide", "list"], ["decide", "exclude", "a", "1", *WHY]):
        outcome = Books(tmp_path)(*command)
        assert outcome.code == 1
        assert "`init`" in outcome.err


TEXTS = st.sampled_from(["a", "a-b.c", "sequence reused", 'it is "fine" \\o/']) | st.text(
    st.characters(min_codepoint=1, max_codepoint=300), max_size=12
)
NODES = st.sampled_from(["a", "books", "embedder-01"]) | TEXTS
SEQS = st.integers(0, 4).map(str) | st.sampled_from([str(2**53 - 1), str(2**53), "x"])
SPANS = SEQS | st.builds("{}..{}".format, SEQS, SEQS)
TIMES = st.sampled_from([TS, "2026-11-21T13:05:00+02:00", "2026-11-21", "2100-12-31T23:59:59Z"])
HASHES = st.sampled_from([TIP, SHA, TIP.upper(), "b" * 64])
ARGUMENTS: dict[str, list[st.SearchStrategy[str]]] = {
    "accept-tip": [NODES, HASHES],
    "exclude": [NODES, SPANS],
    "choose": [NODES, SEQS, TIMES, HASHES],
    "acknowledge": [NODES, TEXTS],
    "withdraw": [SEQS],
}
OPTIONS = {"exclude": {"--ts": TIMES}, "acknowledge": {"--subject": TEXTS}}


@st.composite
def commands(draw: st.DrawFn) -> list[str]:
    name = draw(st.sampled_from(sorted(ARGUMENTS)))
    options = [f"--reason={draw(st.just('x') | TEXTS)}", f"--by={draw(st.just('ada') | TEXTS)}"]
    for option, values in OPTIONS.get(name, {}).items():
        if draw(st.booleans()):
            options.append(f"{option}={draw(values)}")
    return ["decide", name, *options, "--json", "--", *map(draw, ARGUMENTS[name])]


@given(typed=st.lists(commands(), min_size=1, max_size=6))
def test_whatever_is_accepted_is_a_valid_line(new_books: Books, typed: list[list[str]]) -> None:
    """Any input: each accepted command is one more line or names the one that says it already."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        books = new_books.copied_to(Path(folder))
        outcomes = [books(*command) for command in typed]
        assert {outcome.code for outcome in outcomes} <= {0, 1, 2}
        accepted = [outcome.json for outcome in outcomes if outcome.code == 0]
        segment = decode_segment(spooled(books), Folder.DECISIONS)
        assert segment.rejects == ()
        recorded = [each["seq"] for each in accepted if not each["repeated"]]
        assert [record.seq for record in segment.records] == recorded
        assert recorded == list(range(1, len(recorded) + 1))
        kinds = [record.kind for record in segment.records if isinstance(record, Decision)]
        assert kinds == [each["kind"] for each in accepted if not each["repeated"]]
        assert [each["seq"] for each in listed(books)] == recorded
