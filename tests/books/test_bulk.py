"""Movements from standard input: each as if it were typed alone, and all of them or none."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.bulk.recording import BulkReport, record_rows
from books.bulk.rows import COLUMNS, read_rows
from books.cli.bulk.options import BankOptions
from books.cli.program import cli
from books.decisions import decide
from books.errors import AlreadyRecordedError, MoneyError
from books.known import money
from books.money import movement_of, record
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from tests.books.program import Books, spooled
from tests.support.memory import MEMORY
from wire_format.field_types import MoneyKind
from wire_format.lines import Decision

NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)
CSV = """\
user,amount,external_ref,ts
alice,50.00,pi_1,2026-01-01T00:00:00Z
bob,7,pi_2,2026-01-01T00:30:00Z
alice,0.000000001,pi_3,2026-01-01T01:00:00Z
"""


def test_movements_of_every_kind_reach_the_balance(books: Books) -> None:
    said = books("pay", "-", "--provider", "stripe", stdin=CSV).ok()
    assert said.out == "3 payments recorded, seq 1 to 3; next: `books push`\n"
    assert "note: 2 users not in these books before" in said.err
    books("grant", "-", "--reason", "welcome", stdin='{"user":"bob","amount":1}').ok()
    refunds = "user,amount,payment,payment_ref\nalice,20,,pi_1\nbob,1,2,\n"
    books("refund", "-", stdin=refunds).ok()
    books("adjust", "-", stdin='user,amount,reason\nbob,-0.50,"a, b"\n').ok()
    books("push").ok()
    assert books.balance("alice")["balance_usd"] == "30.000000001"
    assert books.balance("bob")["balance_usd"] == "6.50"
    assert books.aggregate("held", "--json").ok().json == []
    assert books.aggregate("rejects", "--json").ok().json == []


def test_csv_and_jsonl_say_the_same(tmp_path: Path) -> None:
    head, *rows = CSV.splitlines()
    jsonl = [json.dumps(dict(zip(head.split(","), row.split(","), strict=True))) for row in rows]
    found = []
    for name, text, options in (
        ("csv", CSV, ()),
        ("crlf", CSV.replace("\n", "\r\n"), ()),
        ("mark", "\ufeff\n" + CSV, ("--format", "csv")),
        ("jsonl", "\n" + "\n\n".join(jsonl), ()),
        ("stated", "\n".join(jsonl), ("--format", "jsonl")),
    ):
        each = Books(tmp_path / name)
        each.init().ok()
        each("pay", "-", *options, stdin=text).ok()
        found.append(spooled(each.home))
    assert len(set(found)) == 1
    assert found[0].count(b"\n") == 3


# one by one


def mostly(good: list[str], bad: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*good * 5, bad])


STATED = st.fixed_dictionaries(
    {"user": mostly(["alice", "bob"], "a b"), "amount": mostly(["5", "5.00", "6", "10"], "x")},
    optional={
        "provider": mostly(["stripe", "manual"], "paypal"),
        "external_ref": st.sampled_from(["r1", "r2", "r3"]),
        "status": mostly(["succeeded", "succeeded", "pending", "failed"], "done"),
        "currency": mostly(["usd"], "TZS"),
        "credited_usd": mostly(["5", "6"], ""),
        "ts": mostly(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"], "2027-01-01T00:00:00Z"),
        "new_movement": st.booleans(),
    },
)
REFUNDS = st.tuples(
    STATED,
    st.fixed_dictionaries({"payment": st.integers(1, 6).map(str)})
    | st.fixed_dictionaries({"payment_ref": st.sampled_from(["r1", "r2"])}),
).map(lambda both: {**both[0], **both[1]})
BATCHES = st.lists(
    st.tuples(st.just("payment"), st.lists(STATED, max_size=6))
    | st.tuples(st.just("refund"), st.lists(REFUNDS, max_size=6))
    | st.tuples(st.just("exclude"), st.integers(1, 6)),
    min_size=1,
    max_size=4,
)
GIVEN: dict[str, Any] = {"by": "olga", "status": "succeeded", "is_new_movement": False}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    books = Books(tmp_path_factory.mktemp("template"))
    books.init().ok()
    return books.home


def one_by_one(spool: Spool, kind: MoneyKind, text: bytes) -> tuple[Counter[str], list[str]]:
    """What becomes of each row when it is entered alone."""
    counts: Counter[str] = Counter()
    refused = []
    for row in read_rows(text, kind, "jsonl", GIVEN).rows:
        if row.fault:
            refused.append(f"{row.line_no}: {row.fault}")
            continue
        try:
            record(spool, movement_of(kind, row.stated))
            counts["accepted"] += 1
        except AlreadyRecordedError:
            counts["already"] += 1
        except MoneyError as error:
            refused.append(f"{row.line_no}: {error}")
    return counts, refused


def exclude(spool: Spool, seq: int) -> None:
    line = Decision(
        v=1, node="books", seq=UNNUMBERED, ts=NOW, kind="exclude", of="books", of_seq=seq,
        by="olga", reason="it bounced",
    )  # fmt: skip
    decide(spool.home, spool, line)


@given(BATCHES)
def test_many_at_once_are_what_they_are_one_by_one(
    template: Path, batches: list[tuple[Any, Any]]
) -> None:
    """The same lines, the same ones passed over, the same ones refused for the same reasons."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        homes = [Path(folder, name) for name in ("alone", "together", "all")]
        for home in homes:
            shutil.copytree(template, home)
        spools = [Spool.open(home, role="books", clock=lambda: NOW) for home in homes]
        alone, together, all_or_none = spools
        for kind, rows in batches:
            if kind == "exclude":
                for spool in spools:
                    exclude(spool, rows)
                continue
            text = "\n".join(map(json.dumps, rows)).encode()
            counts, refused = one_by_one(alone, kind, text)
            with patch.object(money, "_SUMMED_FROM", 1):  # of few refunds already
                report = in_bulk(together, kind, text, skip_refused=True)
            assert (report.accepted, report.already) == (counts["accepted"], counts["already"])
            assert [f"{row.line_no}: {row.reason}" for row in report.refused] == refused
            before = spooled(homes[2])
            whole = in_bulk(all_or_none, kind, text)
            assert (spooled(homes[2]) == before) == (not whole.is_recorded or not whole.accepted)
            assert whole.is_recorded == (not whole.refused)
        for spool in spools:
            spool.close()
        assert spooled(homes[1]) == spooled(homes[0])


def in_bulk(
    spool: Spool, kind: MoneyKind, text: bytes, *, skip_refused: bool = False
) -> BulkReport:
    rows = read_rows(text, kind, "jsonl", GIVEN).rows
    return record_rows(spool, kind, rows, skip_refused=skip_refused)


def test_rows_see_the_rows_above_them(books: Books) -> None:
    """The second of two equal rows is there already, and one that contradicts is refused."""
    twice = CSV + "alice,50,pi_1,2026-01-01T00:00:00Z\n"
    books("pay", "-", stdin=twice).ok()
    assert spooled(books.home).count(b"\n") == 3
    refunds = "user,amount,payment,external_ref\nalice,30,1,re_1\nalice,30,1,re_2\n"
    refused = books("refund", "-", stdin=refunds)
    assert refused.code == 1
    assert "line 3: the refund of 30.00 USD after 30.00 given back before is more" in refused.err


# all or none

BAD = CSV + "alice,51,pi_1,\ncarol,1.5.0,pi_4,\ncarol,3,pi_5,\n"


def test_all_rows_are_recorded_or_none(books: Books) -> None:
    refused = books("pay", "-", stdin=BAD)
    assert refused.code == 1
    assert refused.out == ""
    assert refused.err.splitlines()[:3] == [
        (
            "line 5: seq 1 records the payment pi_1 of manual already, with another amount: 50.00"
            " USD, alice"
        ),
        (
            "line 6: amount: must be a decimal such as 12.50, with up to 9 digits before and 9"
            " after the point"
        ),
        "error: 2 of 6 rows refused; nothing was recorded",
    ]
    assert spooled(books.home) == b""
    found = books("pay", "-", "--json", stdin=BAD)
    assert found.code == 1
    assert (found.json["rows"], found.json["accepted"], found.json["recorded"]) == (6, 4, 0)
    assert (found.json["first_seq"], found.json["last_seq"]) == (None, None)
    assert [row["line_no"] for row in found.json["refused"]] == [5, 6]
    assert spooled(books.home) == b""


def test_many_refused_rows_are_counted_on_a_terminal_and_listed_in_json(books: Books) -> None:
    text = "user,amount\n" + "alice,x\n" * 30
    refused = books("pay", "-", stdin=text)
    assert refused.err.count("line ") == 20
    assert "... and 10 more; --json has all of them" in refused.err
    assert len(books("pay", "-", "--json", stdin=text).json["refused"]) == 30


def test_refused_rows_can_be_corrected_and_sent_again(books: Books, tmp_path: Path) -> None:
    file = tmp_path / "refused.csv"
    options = ("--skip-refused", "--refused", str(file))
    said = books("pay", "-", *options, stdin=BAD)
    assert said.code == 1
    assert said.out == "4 payments recorded, seq 1 to 4, 2 rows refused; next: `books push`\n"
    assert file.read_text() == ("user,amount,external_ref,ts\nalice,51,pi_1,\ncarol,1.5.0,pi_4,\n")
    again = books("pay", "-", *options, stdin=BAD)
    assert (again.code, "is there already" in again.err) == (2, True)
    corrected = file.read_text().replace("1.5.0", "1.50").replace("51,pi_1", "51,pi_6")
    file.unlink()
    books("pay", "-", *options, stdin=corrected).ok()
    assert not file.exists()
    assert spooled(books.home).count(b"\n") == 6


def test_the_same_file_again_records_nothing(books: Books) -> None:
    """Also after it was pushed, and where only some of it is there."""
    books("pay", "alice", "50", "--external-ref", "pi_1", "--ts", "2026-01-01T00:00:00Z").ok()
    books("pay", "-", stdin=CSV).ok()
    once = spooled(books.home)
    books("push").ok()
    said = books("pay", "-", stdin=CSV).ok()
    assert said.out == "nothing recorded: 3 recorded already\n"
    assert said.err == ""
    assert once.count(b"\n") == 3
    assert spooled(books.home) == b""


def test_pending_and_failed_rows_are_recorded_once_too(books: Books) -> None:
    text = "user,amount,external_ref,status\n" + "".join(
        f"alice,5,pi_1,{status}\n" for status in ("pending", "failed", "pending", "succeeded")
    )
    books("pay", "-", stdin=text).ok()
    assert spooled(books.home).count(b"\n") == 3
    books("pay", "-", stdin=text).ok()
    assert spooled(books.home).count(b"\n") == 3


def test_rows_without_a_reference_are_said_to_have_no_identity(books: Books) -> None:
    said = books("grant", "-", stdin="user,amount\nalice,5\nalice,5\n").ok()
    assert "2 rows without external_ref: sent again, they are recorded again" in said.err
    assert spooled(books.home).count(b"\n") == 2


def test_an_interrupted_run_leaves_nothing(books: Books) -> None:
    def interrupted(row: Any) -> None:  # noqa: ANN401 - of any kind
        if row.line_no == 4:
            raise KeyboardInterrupt

    rows = read_rows(CSV.encode(), "payment", None, GIVEN).rows
    with Spool.open(books.home, role="books") as spool, pytest.raises(KeyboardInterrupt):
        record_rows(spool, "payment", rows, on_row=interrupted)
    assert spooled(books.home) == b""
    books("pay", "-", stdin=CSV).ok()
    assert spooled(books.home).count(b"\n") == 3


def test_a_dry_run_says_what_would_happen(books: Books) -> None:
    said = books("pay", "-", "--dry-run", stdin=CSV).ok()
    assert said.out == "3 payments would be recorded\n"
    refused = books("pay", "-", "--dry-run", "--json", stdin=BAD)
    assert (refused.code, refused.json["accepted"], refused.json["recorded"]) == (1, 4, 0)
    assert spooled(books.home) == b""


def test_others_record_while_input_is_waited_for(books: Books) -> None:
    program = Path(sys.executable).with_name("books")
    command = [str(program), "--home", str(books.home), "pay", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as waiting:
        books("pay", "carol", "1").ok()
        out, _ = waiting.communicate(CSV.encode())
    assert out == b"3 payments recorded, seq 2 to 4; next: `books push`\n"


# what is read


@pytest.mark.parametrize(
    ("command", "text", "says"),
    [
        ("pay", "", "standard input is empty"),
        ("pay", "user,amout\n", "line 1, the header: amout: is not known; known are user, amount"),
        ("pay", "user,user,amount\n", "user: is stated more than once"),
        ("pay", "user,provider\n", "amount: is missing"),
        ("pay", "user;amount\nalice;5\n", "user;amount: is not known"),
        ("pay", "user,amount,by\n", "by: is not known"),
        ("refund", "user,amount\n", "payment or payment_ref: is missing"),
        ("adjust", "user,amount\n", "reason: is missing"),
        ("grant", "user,amount,external_ref\n", "external_ref: is not known"),
        ("pay", "user,amount\nalice\n", "line 2: has 1 fields, and the header 2"),
        ("pay", 'user,amount\n"alice,5\nbob,5\n', "line 2: is not a line of CSV"),
        ("pay", "user,amount\n,5\n", "line 2: user: is missing"),
        ("pay", "user,amount\n\nalice, 5\n", "line 3: amount: must be a decimal"),
        ("pay", "user,amount,provider\nalice,5,paypal\n", "line 2: provider: must be"),
        ("pay", "user,amount,ts\nalice,5,2026-01-01\n", "line 2: ts: must be such as"),
        ("pay", "user,amount,ts\nalice,5,2099-01-01T00:00:00Z\n", "line 2: ts: lies in the future"),
        ("pay", "user,amount,new_movement\nalice,5,perhaps\n", "must be true or false"),
        ("refund", "user,amount,payment\nalice,5,pi_1\n", "payment: must be the seq"),
        ("refund", "user,amount,payment_ref\nalice,5,x\n", "no payment of these books has"),
        ("pay", '{"user":"alice","amount":12.5}', "amount: 12.5 must be text, in quotes"),
        ("pay", '{"user":"alice","amount":1e3}', "amount: 1e3 must be text, in quotes"),
        ("pay", '{"user":"alice","amount":NaN}', "amount: NaN must be text, in quotes"),
        ("pay", '{"user":"alice","amount":true}', "amount: must be text, in quotes"),
        ("pay", '{"user":7,"amount":"5"}', "user: must be text, in quotes"),
        ("pay", '{"user":"alice","amuont":"5"}', "amuont: is not known"),
        ("pay", '{"user":"alice","amount":"5","amount":"6"}', "amount: is stated more than once"),
        ("pay", '{"user":"alice","amount":null}', "amount: is missing"),
        ("pay", '{"user":"alice","amount":"5"', "is not JSON"),
        ("pay", '{"user":"alice","amount":"5"}{}', "is not JSON"),
        ("pay", '{"user":"alice","reason":{"a":1},"amount":"5"}', "reason: must be text"),
        ("pay", '{"user":"\\ud800","amount":"5"}', "user: must be 1 to 256"),
        ("pay", '{"\\ud800":"alice","amount":"5"}', "\\ud800: is not known"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(
    books: Books, command: str, text: str, says: str
) -> None:
    refused = books(command, "-", stdin=text)
    assert (refused.code, says in refused.err) == (1, True), refused
    assert spooled(books.home) == b""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("pay - 5", "with - every amount comes from standard input"),
        ("pay - --by=", "by: no name is given"),
        ("pay - --ts yesterday", "ts: must be such as"),
        ("pay - --refused x", "--refused needs --skip-refused"),
        ("pay alice", "Missing argument 'AMOUNT'"),
        ("pay alice 5 --dry-run", "go with -"),
        ("refund alice 5", "Missing option '--payment'"),
        ("adjust alice 5", "Missing option '--reason'"),
    ],
)
def test_wrong_options_are_refused_at_once(books: Books, arguments: str, says: str) -> None:
    refused = books(*arguments.split(), stdin=CSV)
    assert refused.code in {1, 2}
    assert says in refused.err
    assert spooled(books.home) == b""


def test_an_input_of_no_rows_is_no_error_where_it_is_expected(books: Books) -> None:
    for text, options in (("user,amount\n", ()), ("", ("--format", "jsonl"))):
        said = books("pay", "-", *options, stdin=text).ok()
        assert said.out == "nothing recorded: there are no rows\n"


def test_an_input_that_is_too_large_is_to_be_split() -> None:
    for text in (b"\n" * 200_002, b"x" * (64 * 1024 * 1024 + 1)):
        with pytest.raises(MoneyError, match="more than 200,000 rows or 64 MiB"):
            read_rows(text, "payment", None, {})


def test_a_row_that_is_too_long_spoils_no_other() -> None:
    text = b'{"user":"' + b"x" * 65536 + b'"}\n{"user":"alice","amount":7}\n\xff{}\n'
    rows = list(read_rows(text, "payment", None, {}).rows)
    assert [row.fault for row in rows] == ["longer than 65536 bytes", "", "is not UTF-8"]
    assert rows[1].stated == {"user": "alice", "amount": "7"}


LINES = st.lists(
    st.sampled_from([*CSV.encode().splitlines(), b'{"user":"a"}', b"[["]) | st.binary()
)


@given(LINES.map(b"\n".join), st.sampled_from(["csv", "jsonl", None]))
def test_whatever_is_sent_is_rows_or_refused(text: bytes, form: Any) -> None:  # noqa: ANN401 - drawn
    """Every line that is not blank is one row, with its number, or the text as a whole is wrong."""
    try:
        rows = list(read_rows(text, "payment", form, {}).rows)
    except MoneyError:
        return
    lines = dict(enumerate(text.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1))
    assert all(lines[row.line_no] == row.line.removesuffix(b"\n") for row in rows)
    filled = sum(bool(line.strip()) for line in lines.values())
    assert filled - len(rows) in {0, 1}
    assert all(row.fault or {"user", "amount"} <= row.stated.keys() for row in rows)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("payment", "pay"), ("grant", "grant"), ("refund", "refund"), ("adjustment", "adjust")],
)
def test_columns_are_named_as_the_options(kind: MoneyKind, name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    names = {parameter.opts[0].removeprefix("--").replace("-", "_") for parameter in command.params}
    others = {"by", "by_hand", "json", "format", "skip_refused", "refused", "dry_run"} | set(
        BankOptions._fields
    )
    assert set(COLUMNS[kind]) == names - others


# what is said of them


def test_few_new_users_are_compared_with_the_known_ones(books: Books) -> None:
    books("pay", "alice", "1").ok()
    said = books("pay", "-", stdin='{"user":"alise","amount":1}\n{"user":"bob","amount":1}').ok()
    assert "note: 2 users not in these books before: alise (they know alice)\n" in said.err
    found = books("pay", "-", "--json", stdin='{"user":"Alice","amount":1}').ok().json
    assert (found["new_users"], found["similar_users"]) == (1, {"Alice": ["alice"]})


def test_a_person_sees_how_far_a_long_run_is(books: Books) -> None:
    """On a terminal alone; a log has no use for it."""
    program = Path(sys.executable).with_name("books")
    text = "user,amount\n" + "alice,1\n" * 1200
    terminal, theirs = os.openpty()
    command = [str(program), "--home", str(books.home), "pay", "-"]
    done = subprocess.run(
        command, input=text.encode(), stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    assert b"rows" in os.read(terminal, 4096)
    os.close(terminal)
    assert done.stdout == b"1,200 payments recorded, seq 1 to 1200; next: `books push`\n"
