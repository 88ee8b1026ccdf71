"""What is typed becomes a money line that counts, or is refused with a reason."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import node_pusher.repo.ledger_repo
from books.money import Movement, record
from node_pusher.home.home import HomeRepo
from node_pusher.home.settings_file import read_home
from node_pusher.repo.remote_files import fetch_blob
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from node_pusher.spool.store import Store
from tests.books.program import Books, spooled
from tests.support.memory import MEMORY
from tests.support.repos import money_line
from wire_format import fields
from wire_format.lines import Folder, Money
from wire_format.segment import decode_segment


def test_everything_that_moves_a_balance_reaches_it(books: Books) -> None:
    """Recorded, pushed, pulled, and counted by the aggregator to the nano-dollar."""
    books("pay", "alice", "50.00", "--provider", "stripe", "--external-ref", "pi_1").ok()
    books("pay", "alice", "100", "--status", "pending", "--external-ref", "inv-1").ok()
    books("pay", "alice", "50000", "--currency", "tzs", "--credited-usd", "19.04").ok()
    books("grant", "alice", "5", "--reason", "welcome").ok()
    books("refund", "alice", "12.50", "--payment", "1", "--external-ref", "re_1").ok()
    books("adjust", "alice", "-0.000000001", "--reason", "rounding").ok()
    books("pay", "bob", "1").ok()
    found = books.balance("alice")
    assert found["balance_usd"] == "61.539999999"
    assert found["lifetime_paid_nano"] == 69_040_000_000
    assert books.balance("bob")["balance_nano"] == 1_000_000_000
    assert books.aggregate("verify", "--json").ok().json["matches"] is True
    assert books.aggregate("rejects", "--json").ok().json == []
    assert books.aggregate("held", "--json").ok().json == []


def test_a_command_prints_the_seq(books: Books) -> None:
    said = books("pay", "alice", "50.00").ok().out
    assert said == "books seq 1: payment of 50.00 USD, alice; next: `books push`\n"
    found = books("adjust", "alice", "-5", "--reason", "x", "--json").ok().json
    assert found["seq"] == 2
    assert (found["kind"], found["amount"], found["reason"]) == ("adjustment", "-5", "x")


def test_a_record_is_on_disk_when_the_command_returns(books: Books) -> None:
    """The spool's file alone, read by another connection, has the line."""
    books("pay", "alice", "50.00", "--ts", "2026-01-01T01:00:00+01:00").ok()
    assert spooled(books.home) == (
        b'{"v":1,"node":"books","seq":1,"ts":"2026-01-01T00:00:00Z","user":"alice",'
        b'"kind":"payment","provider":"manual","amount":"50.00","currency":"USD",'
        b'"status":"succeeded"}\n'
    )


@pytest.mark.parametrize("amount", ["-5", "-5.00", "-0.5", "-5.000000001"])
def test_an_adjustment_takes_a_negative_amount_as_it_is_typed(books: Books, amount: str) -> None:
    for arguments in ([amount, "--reason", "x"], ["--reason", "x", amount]):
        books("adjust", "alice", *arguments).ok()
    books("adjust", "--reason", "x", "--", "alice", amount).ok()
    records = decode_segment(spooled(books.home), Folder.PAYMENTS).records
    assert [r.amount for r in records if isinstance(r, Money)] == [amount] * 3


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("pay alice 12,50", "amount: must be a decimal such as 12.50"),
        ("pay alice 1e3", "amount: must be a decimal"),
        ("pay alice 1.0000000001", "9 after the point"),
        ("pay alice 0.00", "amount: must be above zero"),
        ("pay alice -5", "amount: must be above zero"),
        ("grant alice -5", "amount: must be above zero"),
        ("adjust alice 0 --reason x", "amount: must be above zero"),
        ("adjust alice 5", "--reason"),
        ("pay alice 5 --currency TZS", "credited_usd: required when the currency is not USD"),
        ("pay alice 5 --currency dollars", "currency: must be three capital letters"),
        ("pay alice 5 --currency TZS --credited-usd x", "credited_usd: must be a decimal"),
        ("pay alice 5 --currency TZS --credited-usd -1", "credited_usd: must be above zero"),
        ("pay alice 5 --provider paypal", "provider: must be one of stripe, clickpesa, manual"),
        ("pay alice 5 --status done", "done"),
        ("pay al\\ice 5", "user: must be 1 to 256"),
        ("pay alicé 5", "user: must be 1 to 256"),
        ("pay alice 5 --external-ref é", "external_ref: must be 1 to 128"),
        ("pay alice 5 --ts 2026-01-01", "ts: must be such as"),
        ("pay alice 5 --ts 2026-02-30T00:00:00Z", "ts: is not a date and time that exists"),
        ("pay alice 5 --ts 1999-01-01T00:00:00Z", "2000"),
        ("pay alice 5 --ts 2099-01-01T00:00:00Z", "ts: lies in the future"),
        ("pay alice 5 --reson x", "unexpected extra argument"),
        ("refund alice 5", "--payment"),
        ("refund alice 5 --payment 0", "--payment"),
        ("refund alice 5 --payment 99", "no line of these books has seq 99"),
    ],
)
def test_wrong_input_is_refused_with_a_reason_and_nothing_is_written(
    books: Books, command: str, says: str
) -> None:
    outcome = books(*command.split(" "))
    assert outcome.code in {1, 2}
    assert says in outcome.err
    assert spooled(books.home) == b""


@pytest.mark.parametrize("when", ["spooled", "pushed"])
def test_a_refund_must_fit_its_payment(books: Books, when: str) -> None:
    """Wherever the payment is by now; provider and currency come from it."""
    books("pay", "alice", "50", "--provider", "stripe").ok()
    books("grant", "alice", "50").ok()
    books("pay", "alice", "9", "--status", "failed").ok()
    books("pay", "alice", "5000", "--currency", "TZS", "--credited-usd", "2").ok()
    if when == "pushed":
        books("push").ok()
    for command, says in [
        ("refund bob 5 --payment 1", "a payment of alice, not of bob"),
        ("refund alice 5 --payment 2", "not a payment but a grant"),
        ("refund alice 5 --payment 3", "it moved no money"),
        ("refund alice 50.01 --payment 1", "more than the payment of 50"),
        ("refund alice 1000 --payment 4", "credited_usd: required"),
        ("refund alice 6000 --payment 4 --credited-usd 2", "more than the payment of 5000"),
        ("refund alice 1000 --payment 4 --credited-usd 2.01", "more than the payment of 2"),
        ("refund alice x --payment 1", "amount: must be a decimal"),
    ]:
        outcome = books(*command.split())
        assert (outcome.code, says in outcome.err) == (1, True), outcome
    found = books("refund", "alice", "50", "--payment", "1", "--json").ok().json
    assert (found["seq"], found["provider"], found["refers_to"]) == (5, "stripe", 1)
    options = ("--payment", "4", "--credited-usd", "2")
    found = books("refund", "alice", "5000", *options, "--json").ok().json
    assert found["currency"] == "TZS"


def test_commands_before_init_say_what_to_do(tmp_path: Path) -> None:
    outcome = Books(tmp_path)("pay", "alice", "5")
    assert outcome.code == 1
    assert "`init`" in outcome.err


AMOUNTS = (
    st.sampled_from(["5", "-5", "0.000000001", "999999999.999999999"])
    | st.from_regex(r"\A-?[0-9]{1,10}(\.[0-9]{0,10})?\Z")
    | st.text(max_size=4)
)
TEXTS = st.sampled_from(["a-b", "TZS", 'it is "fine" \\o/']) | st.text(
    st.characters(min_codepoint=1, max_codepoint=300), max_size=12
)
USERS = st.just("alice") | st.from_regex(rf"\A{fields.USER_PATTERN}\Z") | TEXTS
TIMES = st.datetimes(
    datetime(1999, 1, 1),  # noqa: DTZ001 - the zone is drawn below
    datetime(2030, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(datetime.isoformat)
OPTIONS = {
    "pay": {
        "--provider": st.sampled_from(["stripe", "clickpesa", "manual"]),
        "--external-ref": TEXTS,
        "--currency": st.sampled_from(["USD", "TZS", "usd", "X"]) | TEXTS,
        "--credited-usd": AMOUNTS,
        "--status": st.sampled_from(["succeeded", "pending", "failed"]),
    },
    "grant": {"--reason": TEXTS},
    "adjust": {"--reason": TEXTS},
    "refund": {"--payment": st.integers(1, 9).map(str), "--reason": TEXTS, "--currency": TEXTS},
}


@st.composite
def commands(draw: st.DrawFn) -> list[str]:
    name = draw(st.sampled_from(sorted(OPTIONS)))
    command = [name]
    for option, values in {**OPTIONS[name], "--ts": TIMES}.items():
        if option in {"--payment", "--reason"} or draw(st.booleans()):
            command.append(f"{option}={draw(values)}")
    return [*command, "--", draw(USERS), draw(AMOUNTS)]


@given(typed=st.lists(commands(), min_size=1, max_size=8))
def test_whatever_is_accepted_is_a_valid_line(new_books: Books, typed: list[list[str]]) -> None:
    """Any input: each accepted command is one more line, each refused one leaves none."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        books = new_books.copied_to(Path(folder))
        assert books("pay", "alice", "5").code == 0
        codes = [books(*command).code for command in typed]
        assert set(codes) <= {0, 1, 2}
        accepted = 1 + codes.count(0)
        segment = decode_segment(spooled(books.home), Folder.PAYMENTS)
        assert segment.rejects == ()
        assert [record.seq for record in segment.records] == list(range(1, accepted + 1))
        assert all(record.ts <= datetime.now(UTC) for record in segment.records)


def test_a_refund_may_name_its_payment_by_the_reference(books: Books) -> None:
    for provider in ("stripe", "clickpesa"):
        paid = ("pay", "alice", "50", "--provider", provider, "--new-movement")
        books(*paid, "--external-ref", "pi_1").ok()
    books("pay", "alice", "5", "--external-ref", "pi_2", "--status", "failed").ok()
    books("pay", "alice", "6", "--external-ref", "pi_2").ok()
    books("pay", "alice", "7", "--external-ref", "pi_3").ok()
    books("decide", "exclude", "books", "5", "--reason", "it bounced").ok()
    for command, says in [
        ("alice 5 --payment-ref pi_1", "seq 2 of clickpesa, seq 1 of stripe"),
        ("alice 5 --payment-ref pi_9", "no payment of these books has the reference pi_9"),
        ("alice 5 --payment-ref pi_2 --payment 4", "state one of them"),
        ("bob 5 --payment-ref pi_2", "a payment of alice, not of bob"),
        ("alice 5 --payment-ref pi_3", "seq 5 is a payment that does not count"),
        ("alice 5 --payment-ref é", "payment_ref: must be 1 to 128"),
    ]:
        outcome = books("refund", *command.split())
        assert (outcome.code, says in outcome.err) == (1, True), outcome
    for options, seq in (("pi_1 --provider stripe", 1), ("pi_2", 4)):
        typed = ("alice", "5", "--payment-ref", *options.split(), "--json")
        assert books("refund", *typed).ok().json["refers_to"] == seq


def test_refunds_of_one_payment_are_never_more_than_it_together(books: Books) -> None:
    """Counted over the spool, waiting commits and pushed ones; failed refunds moved nothing."""
    books("pay", "alice", "50").ok()
    books("refund", "alice", "20", "--payment", "1").ok()
    books("refund", "alice", "40", "--payment", "1", "--status", "failed").ok()
    assert books("refund", "alice", "30.01", "--payment", "1").code == 1
    books("push").ok()
    refused = books("refund", "alice", "30.01", "--payment", "1")
    assert refused.code == 1
    assert "30.01 USD after 20.00 given back before is more than the payment of" in refused.err
    books("refund", "alice", "30", "--payment", "1").ok()
    assert books("refund", "alice", "0.01", "--payment", "1").code == 1
    assert books.balance("alice")["balance_nano"] == 0


def test_refunds_in_another_currency_add_up_too(books: Books) -> None:
    paid = ("--currency", "TZS", "--credited-usd", "2")
    books("pay", "alice", "5000", *paid).ok()
    books("refund", "alice", "3000", "--payment", "1", "--credited-usd", "1.20").ok()
    for amount, usd in (("2001", "0.80"), ("2000", "0.81")):
        refused = books("refund", "alice", amount, "--payment", "1", "--credited-usd", usd)
        assert (refused.code, "given back before" in refused.err) == (1, True)
    books("refund", "alice", "2000", "--payment", "1", "--credited-usd", "0.80").ok()


@pytest.mark.parametrize("pushed", [False, True])
def test_a_reference_is_recorded_once(books: Books, *, pushed: bool) -> None:
    """The aggregator counts only the first, so a second one is refused while somebody looks."""
    stripe = ("--provider", "stripe", "--external-ref", "pi_1")
    books("pay", "alice", "50", *stripe, "--status", "pending").ok()
    books("pay", "alice", "50", *stripe).ok()
    if pushed:
        books("push").ok()
    again = books("pay", "alice", "50", *stripe)
    assert again.code == 1
    assert "seq 2 records the payment pi_1 of stripe already: 50 USD, alice" in again.err
    assert "counts only the first" in again.err
    clickpesa = ("--provider", "clickpesa", "--external-ref", "pi_1")
    assert "seq 2 has the reference pi_1 too" in books("pay", "alice", "50", *clickpesa).err
    books("pay", "alice", "50", *clickpesa, "--new-movement").ok()
    other = ("--provider", "stripe", "--external-ref", "pi_2")
    books("pay", "alice", "50", *other, "--status", "failed").ok()
    books("pay", "alice", "50", *other).ok()


@pytest.mark.parametrize(
    ("status", "again", "says"),
    [
        ("succeeded", "alice 50.00", "records the payment pi_1 of stripe already: 50 USD, alice"),
        ("succeeded", "alice 51", "already, with another amount: 50 USD, alice"),
        ("succeeded", "bob 50", "already, with another user: 50 USD, alice"),
        ("succeeded", "alice 50 --reason x", "already, with another reason: 50 USD, alice"),
        (
            "succeeded",
            "alice 50 --ts 2026-01-02T00:00:00Z",
            "already, with another ts: 50 USD, alice, at 2026-01-01T00:00:00Z",
        ),
        ("succeeded", "alice 50 --ts 2026-01-01T00:00:00Z", "already: 50 USD, alice"),
        ("pending", "alice 50", "records the payment pi_1 of stripe as pending already"),
        ("failed", "alice 50", "records the payment pi_1 of stripe as failed already"),
    ],
)
def test_a_reference_that_is_there_says_in_what_the_second_differs(
    books: Books, status: str, again: str, says: str
) -> None:
    stripe = ("--provider", "stripe", "--external-ref", "pi_1", "--status", status)
    books("pay", "alice", "50", *stripe, "--ts", "2026-01-01T00:00:00Z").ok()
    refused = books("pay", *again.split(), *stripe)
    assert (refused.code, says in refused.err) == (1, True), refused


def test_what_moved_no_money_is_entered_again_with_other_content(books: Books) -> None:
    stripe = ("--provider", "stripe", "--external-ref", "pi_1")
    for status, amount in (("pending", "50"), ("pending", "51"), ("failed", "51")):
        books("pay", "alice", amount, *stripe, "--status", status).ok()


def test_what_was_excluded_is_not_entered_again_by_mistake(books: Books) -> None:
    """A file of payments that is sent again must not undo a decision."""
    typed = ("pay", "alice", "50", "--external-ref", "pi_1")
    books(*typed).ok()
    books("decide", "exclude", "books", "1", "--reason", "it bounced").ok()
    refused = books(*typed)
    assert refused.code == 1
    assert "seq 1 records the payment pi_1 of manual already, and was excluded by" in refused.err
    assert "seq 2: it bounced" in refused.err
    assert "`books decide withdraw 2" in refused.err
    books(*typed, "--ts", "2026-01-01T00:00:00Z").ok()
    assert books.balance("alice")["balance_usd"] == "50.00"


@pytest.mark.parametrize("pushed", [False, True])
def test_what_succeeded_cannot_fail_any_more(books: Books, *, pushed: bool) -> None:
    """Refused with the command for each thing that may have happened; each is taken as printed."""
    stripe = ("--provider", "stripe", "--external-ref")
    books("pay", "carol", "50", *stripe, "pi_1").ok()
    books("refund", "carol", "10", "--payment", "1", "--external-ref", "re_1").ok()
    if pushed:
        books("push").ok()
    said = books("pay", "carol", "50", *stripe, "pi_1", "--status", "failed")
    assert said.code == 1
    assert "seq 1 says that the payment pi_1 of stripe succeeded" in said.err
    assert "`books refund carol 50 --payment 1`" in said.err
    assert '`books decide exclude books 1 --reason "..."`' in said.err
    refund = ("refund", "carol", "10", "--payment", "1", "--external-ref", "re_1")
    said = books(*refund, "--status", "failed")
    assert said.code == 1
    assert 'if it fell through: `books decide exclude books 2 --reason "..."`' in said.err
    books("decide", "exclude", "books", "2", "--reason", "it fell through").ok()
    assert books.balance("carol")["balance_usd"] == "50.00"


def test_an_excluded_line_is_in_no_sum(books: Books) -> None:
    """A refund may follow a won dispute, and the right payment one for the wrong user."""
    books("pay", "Alice", "100", "--external-ref", "pi_1").ok()
    books("decide", "exclude", "books", "1", "--reason", "it was alice").ok()
    said = books("refund", "Alice", "1", "--payment", "1")
    assert "does not count: the operator excluded it: seq 2, it was alice" in said.err
    books("pay", "alice", "100", "--external-ref", "pi_1").ok()
    books("refund", "alice", "100", "--payment", "3", "--external-ref", "dp_1").ok()
    books("decide", "exclude", "books", "4", "--reason", "the dispute was won").ok()
    books("refund", "alice", "30", "--payment", "3", "--external-ref", "re_1").ok()
    assert books("refund", "alice", "71", "--payment", "3").code == 1
    assert books.balance("alice")["balance_usd"] == "70.00"


def test_a_refund_may_name_any_line_of_its_payment(books: Books) -> None:
    """A copy of the payment that another machine wrote means the one that counts."""
    books("pay", "alice", "10", "--external-ref", "pi_1", "--ts", "2026-01-02T00:00:00Z").ok()
    line = money_line(
        node="books", seq=UNNUMBERED, amount="10", external_ref="pi_1", ts="2026-01-01T00:00:00Z"
    )
    with Spool.open(books.home, role="books") as spool:
        spool.append(Folder.PAYMENTS, decode_segment(line, Folder.PAYMENTS).records)
    books("refund", "alice", "6", "--payment", "1").ok()
    assert "6.00 given back before" in books("refund", "alice", "6", "--payment", "2").err
    assert books.balance("alice")["balance_usd"] == "4.00"


def test_of_two_refunds_at_once_the_second_knows_of_the_first(books: Books) -> None:
    """Both look and write while nobody else can write: here they wait for another writer."""
    books("pay", "carol", "100").ok()
    home = read_home(books.home)
    program = Path(sys.executable).with_name("books")
    command = [str(program), "--home", str(books.home), "refund", "carol", "60", "--payment", "1"]
    with Store.open(home.spool_file, home.node) as store, store.exclusive():
        tries = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
        time.sleep(2)  # long enough for both to have looked, if they looked before they wait
    said = [each.communicate()[1] for each in tries]
    assert sorted(each.returncode for each in tries) == [0, 1], said
    assert books.balance("carol")["balance_usd"] == "40.00"


def give_single_files(books: Books) -> None:
    """The remote gives histories without file contents, and those when they are asked for."""
    for option in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        pygit2.Repository(str(books.remote)).config[option] = True


def test_books_that_were_joined_know_earlier_lines(books: Books) -> None:
    give_single_files(books)
    books("pay", "erin", "100", "--external-ref", "pi_1").ok()
    books("refund", "erin", "60", "--payment", "1", "--external-ref", "re_1").ok()
    books("push").ok()
    moved = Books(books.folder, "second", books.remote)
    moved.init().ok()
    said = moved("refund", "erin", "60", "--payment", "1", "--external-ref", "re_2")
    assert "60.00 given back before" in said.err


def test_others_record_while_earlier_lines_are_fetched(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remote may take half an hour to answer; the spool is not locked meanwhile."""
    give_single_files(books)
    books("pay", "erin", "100", "--external-ref", "pi_1").ok()
    books("push").ok()
    moved = Books(books.folder, "second", books.remote)
    moved.init().ok()
    home = read_home(moved.home)
    fetched: list[str] = []

    def fetch_meanwhile(repo: HomeRepo, blob: str) -> bytes:
        with closing(sqlite3.connect(home.spool_file, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
        fetched.append(blob)
        return fetch_blob(repo, blob)

    monkeypatch.setattr(node_pusher.repo.ledger_repo, "fetch_blob", fetch_meanwhile)
    with Spool.open(moved.home, role="books") as spool:
        record(spool, Movement(kind="payment", user="erin", amount="1"))
    assert fetched


@pytest.mark.parametrize(
    ("known", "typed", "similar"),
    [
        ("alice", "Alice", ["alice"]),
        ("alice", "alce", ["alice"]),
        ("alice", "allice", ["alice"]),
        ("alice", "alise", ["alice"]),
        ("alice", "alcie", ["alice"]),
        ("alice", "alicia", []),
        ("customer-17", "customer-18", []),
        ("customer-17", "customer-170", []),
        ("bob", "rob", []),
        ("bob", "BOB", ["bob"]),
    ],
)
def test_a_new_user_is_said_to_be_new(
    books: Books, known: str, typed: str, similar: list[str]
) -> None:
    books("pay", known, "1").ok()
    assert books("pay", known, "1").ok().err == ""
    said = books("pay", typed, "1").ok()
    assert f"note: {typed} is new in these books" in said.err
    assert (f"which know {known};" in said.err) == bool(similar)
    found = books("grant", f"{typed}x", "1", "--json").ok().json
    assert found["is_new_user"] is True
    assert books("grant", typed, "1", "--json").ok().json["is_new_user"] is False


def test_what_was_recorded_names_the_next_step(books: Books) -> None:
    for command in (
        ["pay", "alice", "5"],
        ["grant", "alice", "5"],
        ["refund", "alice", "5", "--payment", "1"],
        ["adjust", "alice", "-5", "--reason", "x"],
    ):
        assert books(*command).ok().out.endswith("next: `books push`\n")
