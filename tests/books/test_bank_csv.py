"""A bank's file as it is written: what came in is recorded once, and nothing is guessed."""

import csv
import io
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.bulk.bank_csv import read_bank_rows
from books.bulk.bank_form import bank_form
from books.bulk.recording import record_rows
from books.bulk.rows import read_rows
from books.bulk.text import Row, Rows
from books.errors import MoneyError
from node_pusher.spool.api import Spool
from tests.books.program import Books, spooled
from tests.support.memory import MEMORY

NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)
GIVEN: dict[str, Any] = {"by": "olga", "status": "succeeded", "is_new_movement": False}
NAMED = ("user=Purpose", "amount=Amount", "external_ref=ID", "ts=Date")
HEADER = "Date;Purpose;Amount;ID\n"
NOVEMBER = """\
Account;DE00 0000

Date;Purpose;Amount;ID
03.11.2025;"GM-alice; invoice 7";1.234,56;T1
04.11.2025;rent;-800,00;T2
05.11.2025;GM-bob thanks;20,00;T3
06.11.2025;interest;0,12;T4
"""
OVERLAPPING = NOVEMBER.replace("03.11.2025;", "07.11.2025;").replace("T1", "T5")
OPTIONS = (
    *("--column", "user=Purpose", "--match", "GM-([a-z]+)", "--column", "amount=Amount"),
    *("--column", "external_ref=ID", "--column", "ts=Date", "--date-format", "%d.%m.%Y"),
    *("--decimal", ",", "--skip", "2"),
)


def rows_of(text: str | bytes, columns: tuple[str, ...] = NAMED, **form: Any) -> Rows:  # noqa: ANN401 - parts of a form
    data = text if isinstance(text, bytes) else text.encode()
    return read_bank_rows(data, bank_form(columns, **form), GIVEN)


def only_row(text: str | bytes, columns: tuple[str, ...] = NAMED, **form: Any) -> Row:  # noqa: ANN401 - parts of a form
    (row,) = rows_of(text, columns, **form).rows
    return row


# how a file is written

GERMAN = {"decimal": ",", "date_format": "%d.%m.%Y"}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (HEADER + "03.11.2025;alice;1.234,56;T1\n", GERMAN),
        (HEADER + "03.11.2025;alice;1234,56;T1", GERMAN),
        (HEADER + "03.11.2025;alice;+1 234,56;T1", GERMAN),
        (HEADER + "03.11.2025;alice;1\u202f234,56;T1", GERMAN),
        ("\ufeff" + HEADER + "03.11.2025;alice;1.234,56;T1\r\n", GERMAN),
        ("x\n\ny\n" + HEADER + "\n03.11.2025;alice;1.234,56;T1\n\n", {**GERMAN, "skip": 3}),
        ('Date,Purpose,Amount,ID\n11/03/25,alice,"1,234.56",T1', ("%m/%d/%y", ".")),
        ("Date\tPurpose\tAmount\tID\n3 Nov 2025\talice\t1'234.56\tT1", ("%d %b %Y", ".")),
        ("Date|Purpose|Amount|ID|\n2025-11-03|alice|1234.56|T1|x", ("%Y-%m-%d", None)),
        ("ID;Date ; Amount;Other;Purpose\n T1;20251103; 1234.56 ;\u00e9; alice", ("%Y%m%d", None)),
        (
            "Date;Purpose;Amount;ID\n2025-11-03T01:00 +0100;alice;1234.56;T1",
            ("%Y-%m-%dT%H:%M %z", None),
        ),
        ("Date;Purpose;Amount;ID\n2025-11-03T00:00:00Z;alice;1234.56;T1", {}),
        ('"Date","Purpose","Amount","ID"\n"2025-11-03","alice","1234.56","T1"', ("%Y-%m-%d", None)),
        ("Date;Purpose;Amount;ID\n2025-11-03;GM-alice, GM-alice;1234.56;T1",
         {"date_format": "%Y-%m-%d", "match": "GM-([a-z]+)"}),
        ("Date;Purpose;Amount;ID\n2025-11-03;alice;1234.56;T1",
         {"date_format": "%Y-%m-%d", "delimiter": ";", "encoding": "cp1252"}),
    ],
)  # fmt: skip
def test_one_payment_in_many_dialects(text: str, form: Any) -> None:  # noqa: ANN401 - of two kinds
    if isinstance(form, tuple):
        form = {"date_format": form[0], "decimal": form[1]}
    row = only_row(text, **form)
    stated = {"user": "alice", "amount": "1234.56", "external_ref": "T1"}
    assert (row.fault, row.not_taken) == ("", "")
    assert row.stated == {**GIVEN, **stated, "ts": "2025-11-03T00:00:00Z"}


def test_the_encoding_is_that_which_is_stated() -> None:
    text = HEADER.replace("Purpose", "Zweck f\u00fcr") + "2025-11-03;alice;1;T1\n"
    columns = ("user=Zweck f\u00fcr", *NAMED[1:])
    row = only_row(text.encode("cp1252"), columns, encoding="cp1252", date_format="%Y-%m-%d")
    assert row.stated["user"] == "alice"
    with pytest.raises(MoneyError, match="line 1, the header: is not UTF-8") as refused:
        rows_of(text.encode("cp1252"), columns)
    assert "--encoding" in refused.value.hint


@pytest.mark.parametrize(
    ("decimal", "cell"),
    [
        (None, "1,234.56"), (None, "1234,56"), (None, "1.234,56"), (None, "12.50 EUR"),
        (None, "1e3"), (None, "0x10"), (None, "\u0661"), (None, "NaN"), (None, "1_000"),
        (None, "--1"), (None, "-1-"), (None, "."), (None, "1."), (None, ".5"), (None, "(12.50)"),
        (None, "12345678901"), (None, "0.1234567890"), (None, "="), (None, "=1+1"),
        (".", "1.234,56"), (".", "12,34.56"), (".", "1,234,56"), (".", "1,2345"), (".", "1234,567"),
        (",", "1,234.56"), (",", "1234.56"), (",", "1.234 567,00"), (",", "1.23"), (",", "1,2,3"),
    ],
)  # fmt: skip
def test_an_amount_that_is_not_in_the_stated_form_is_a_fault(
    decimal: str | None, cell: str
) -> None:
    row = only_row(HEADER + f"2025-11-03T00:00:00Z;alice;{cell};T1", decimal=decimal)
    assert row.fault.startswith("amount: '")
    assert row.hint != ""
    assert row.line_no == 2


@pytest.mark.parametrize(
    ("line", "reason", "amount"),
    [
        ("x;alice;-5;T1", "the amount is negative", "-5"),
        ("x;alice;5-;T1", "the amount is negative", "-5"),
        ("x;alice;\u22125;", "the amount is negative", "-5"),
        ("x;alice;0.00;T1", "the amount is zero", "0.00"),
        ("x;alice;;T1", "no amount is stated", None),
        ("x;;5;T1", "no account is found", "5"),
    ],
)
def test_what_is_no_payment_of_an_account_is_no_fault(
    line: str, reason: str, amount: str | None
) -> None:
    row = only_row(HEADER + line)
    assert (row.fault, row.not_taken, row.stated.get("amount")) == ("", reason, amount)


@pytest.mark.parametrize(
    ("cell", "match", "found"),
    [
        ("GM-alice INV 7", "GM-([a-z]+)", "alice"),
        ("gm-alice", "GM-([a-z]+)", "no account is found"),
        ("GM-alice GM-bob", "GM-([a-z]+)", "several accounts are found"),
        ("GM-", "GM-([a-z]*)", "no account is found"),
        ("12", "(x)?12", "no account is found"),
    ],
)
def test_the_account_is_found_or_the_line_is_not_taken(cell: str, match: str, found: str) -> None:
    row = only_row(HEADER + f"2025-11-03T00:00:00Z;{cell};5;T1", match=match)
    assert row.not_taken or row.stated["user"] == found
    assert row.not_taken in {"", found}


@pytest.mark.parametrize(
    ("line", "says", "hint"),
    [
        ("d;alice;5;", "external_ref: is missing", "books pay USER AMOUNT"),
        (";alice;5;T1", "ts: is missing", "--ts"),
        ("03.11.2025;alice;5;T1", "ts: '03.11.2025' is no time such as %Y-%m-%d", "--date-format"),
        ("2025-13-03;alice;5;T1", "ts: '2025-13-03' is no time", "--date-format"),
        ("\u0662025-11-03;alice;5;T1", "is no time", "--date-format"),
        ("d;=HYPERLINK(1);5;T1", "user: '=HYPERLINK(1)' begins as a formula", "without its first"),
        ("d;alice;5;@SUM(1)", "external_ref: '@SUM(1)' begins as a formula", "without its first"),
        ("d;alice;5;+x|y", "external_ref: '+x|y' begins as a formula", "without its first"),
        ("d;al\0ice;5;T1", "has a NUL character", "export the file again"),
        ("d;alice;5;T1;\0", "has a NUL character", "export the file again"),
        ('d;"alice;5;T1', "is not a line of CSV", "must end on its line"),
        ('d;"ali"ce;5;T1', "is not a line of CSV", "must end on its line"),
        ("d;alice;5", "has 3 fields, and the header 4", "--skip-refused"),
        ("d;alice;5;T1" + ";" * 5000, "has 5004 fields, and the header 4", "--skip-refused"),
        (f"d;{'x' * 1001};5;T1", "user: longer than 1000 characters", "correct the line"),
        (f"d;{'x' * 65536};5;T1", "longer than 65536 bytes", "correct the line"),
    ],
)
def test_a_hostile_or_wrong_line_is_a_fault_and_spoils_no_other(
    line: str, says: str, hint: str
) -> None:
    good = "2025-11-03;alice;5;T2"
    rows = rows_of(f"{HEADER}{line}\n{good}\n", date_format="%Y-%m-%d").rows
    bad, after = rows
    assert says in bad.fault
    assert hint in bad.hint
    assert (bad.line_no, bad.stated) == (2, {})
    assert (after.line_no, after.fault, after.stated["external_ref"]) == (3, "", "T2")


def test_a_byte_that_is_not_of_the_encoding_is_a_fault_of_its_line() -> None:
    row, after = rows_of(HEADER.encode() + b"d;\xff;5;T1\nd;a;5;T2").rows
    assert row.fault == "is not UTF-8"
    assert after.fault == ""


@pytest.mark.parametrize(
    ("text", "form", "says"),
    [
        ("", {}, "standard input has no header"),
        (HEADER, {"skip": 1}, "standard input has no header after 1 lines"),
        ("a;b\n", {}, "line 1, the header: has no column Purpose, Amount, ID, Date; it has a, b"),
        (HEADER, {"delimiter": ","}, "has no column"),
        ("\n\nDate;Purpose;Amount;amount;ID2\n", {}, "line 3, the header: has no column ID"),
        (HEADER.strip() + ";ID\n", {}, "has several columns ID"),
        (HEADER.strip() + ";x" * 300, {}, "more than 256 columns"),
        ("x" * 65537, {}, "longer than 65536 bytes"),
        ("\n" * 200_002, {}, "more than 200,000 rows"),
    ],
)
def test_a_file_with_a_wrong_header_is_refused_with_what_to_do(
    text: str, form: Any, says: str  # noqa: ANN401 - parts of a form
) -> None:  # fmt: skip
    with pytest.raises(MoneyError, match=says) as refused:
        rows_of(text, **form)
    assert refused.value.hint != ""


def test_a_header_that_can_be_read_in_two_ways_is_not_guessed() -> None:
    columns = ("user=a", "amount=a", "external_ref=a")
    with pytest.raises(MoneyError, match="can be read with several delimiters"):
        rows_of("a\nx\n", columns)


@pytest.mark.parametrize(
    ("columns", "form", "says"),
    [
        (("amount",), {}, "column: 'amount' must be FIELD=HEADER"),
        (("status=x",), {}, "column: 'status=x' must be FIELD=HEADER"),
        (("amount=x", "amount=y"), {}, "amount is stated more than once"),
        (NAMED[:2], {}, "column: external_ref is missing"),
        (NAMED[1:], {}, "column: user is missing"),
        (NAMED, {"delimiter": "x"}, "delimiter: 'x' must be one of"),
        (NAMED, {"delimiter": ""}, "delimiter: '' must be one of"),
        *((NAMED, {"encoding": name}, "encoding: ") for name in ("utf-16", "x", "hex", "idna", "")),
        (NAMED[:3], {"date_format": "%d.%m.%Y"}, "date-format: no column is a time"),
        *(
            (NAMED, {"date_format": name}, "date-format: .* must have day, month and year once")
            for name in ("%d.%m.", "%Y", "x", "", "%", "%d.%m.%Y%", "%c", "%d%d%m%Y", "%d%m%Y%Z")
        ),
        (NAMED, {"date_format": "%d.%m.%Y %I:%M"}, "date-format: .* must have"),
        (NAMED, {"match": "GM-[a-z]+"}, "has no group"),
        (NAMED, {"match": "("}, "is no regular expression"),
    ],
)
def test_a_wrong_form_is_refused_before_anything_is_read(
    columns: tuple[str, ...], form: Any, says: str  # noqa: ANN401 - parts of a form
) -> None:  # fmt: skip
    with pytest.raises(MoneyError, match=says):
        bank_form(columns, **form)


# the same as JSONL

PAYMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "user": st.sampled_from(["alice", "bob", "carol-7"]),
            "amount": st.tuples(st.integers(0, 9_999_999), st.integers(1, 99)).map(
                lambda parts: f"{parts[0]}.{parts[1]:02d}"
            ),
            "external_ref": st.integers(1, 6).map("T{}".format),
            "ts": st.dates(datetime(2024, 1, 1).date(), datetime(2026, 11, 20).date()).map(  # noqa: DTZ001 - a day
                lambda day: f"{day}T00:00:00Z"
            ),
            "reason": st.text(st.sampled_from("ab,;|\t'\". "), max_size=9).map(
                lambda text: f"x {text} x"
            ),
        }
    ),
    max_size=5,
)
DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t", "|"]),
        "decimal": st.sampled_from([None, ".", ","]),
        "apart": st.booleans(),
        "date_format": st.sampled_from(["%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%d", "%d %b %Y"]),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
        "end": st.sampled_from(["\n", "\r\n"]),
        "skip": st.integers(0, 3),
        "all_quoted": st.booleans(),
        "is_found": st.booleans(),
    }
)


def written(payments: list[dict[str, str]], dialect: dict[str, Any]) -> bytes:
    """The payments as a bank writes them."""
    text = io.StringIO()
    file = csv.writer(
        text,
        delimiter=dialect["delimiter"],
        lineterminator=dialect["end"],
        quoting=csv.QUOTE_ALL if dialect["all_quoted"] else csv.QUOTE_MINIMAL,
    )
    for _ in range(dialect["skip"]):
        file.writerow(["Konto", "f\u00fcr"])
    file.writerow(["ID", "W\u00e4hrung", "Purpose", "Amount", "Date", "Reason"])
    for each in payments:
        day = datetime.fromisoformat(each["ts"]).strftime(dialect["date_format"])
        amount = bank_amount(each["amount"], dialect)
        purpose = f"\u00fcber GM-{each['user']}, 7"
        file.writerow([each["external_ref"], "\u20ac", purpose, amount, day, each["reason"]])
    return text.getvalue().encode(dialect["encoding"])


def bank_amount(amount: str, dialect: dict[str, Any]) -> str:
    if dialect["decimal"] is None:
        return amount
    whole, _, cents = amount.partition(".")
    other = "," if dialect["decimal"] == "." else "."
    apart = f"{int(whole):,}".replace(",", other) if dialect["apart"] else whole
    return f"{apart}{dialect['decimal']}{cents}"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    books = Books(tmp_path_factory.mktemp("template"))
    books.init().ok()
    return books.home


@given(PAYMENTS, DIALECTS)
def test_the_file_of_a_bank_gives_the_lines_of_jsonl(
    template: Path, payments: list[dict[str, str]], dialect: dict[str, Any]
) -> None:
    """The same rows, and the same lines on disk, references that contradict each other included."""
    columns = ("user=Purpose", "amount=Amount", "external_ref=ID", "ts=Date", "reason=Reason")
    form = bank_form(
        columns,
        delimiter=None if dialect["is_found"] else dialect["delimiter"],
        encoding=dialect["encoding"].removesuffix("-sig"),
        decimal=dialect["decimal"],
        date_format=dialect["date_format"],
        skip=dialect["skip"],
        match="GM-([a-z0-9-]+)",
    )
    jsonl = "\n".join(map(json.dumps, payments)).encode()
    bank = written(payments, dialect)
    found = [list(read_bank_rows(bank, form, GIVEN).rows)]
    found.append(list(read_rows(jsonl, "payment", "jsonl", GIVEN).rows))
    assert [[row.stated for row in rows] for rows in found] == [
        [{**GIVEN, **p} for p in payments]
    ] * 2
    lines, reports = [], []
    with TemporaryDirectory(dir=MEMORY) as folder:
        for number, rows in enumerate(found):
            home = Path(folder, str(number))
            shutil.copytree(template, home)
            with Spool.open(home, role="books", clock=lambda: NOW) as spool:
                report = record_rows(spool, "payment", rows, skip_refused=True)
            lines.append(spooled(home))
            reports.append((report.accepted_nano, report.already_nano, len(report.refused)))
    assert lines[0] == lines[1]
    assert reports[0] == reports[1]


LINES = st.lists(st.sampled_from(NOVEMBER.encode().splitlines()) | st.binary())


@given(LINES.map(b"\n".join))
def test_whatever_is_sent_is_rows_or_refused(text: bytes) -> None:
    """Each row is a payment, a fault with what to do, or not taken for one of few reasons."""
    form = bank_form(NAMED, decimal=",", date_format="%d.%m.%Y", match="GM-([a-z]+)")
    try:
        rows = list(read_bank_rows(text, form, GIVEN).rows)
    except MoneyError:
        return
    for row in rows:
        assert bool(row.fault) == bool(row.hint)
        assert row.fault or row.not_taken or set(row.stated) >= {"user", "amount", "external_ref"}


# the command


def test_a_file_is_taken_once_and_what_is_not_taken_is_said(books: Books) -> None:
    books("pay", "alise", "1").ok()
    tried = books("pay", "-", *OPTIONS, "--dry-run", stdin=NOVEMBER).ok()
    assert tried.out == "2 payments of 1254.56 USD would be recorded, 2 rows not taken\n"
    assert spooled(books.home).count(b"\n") == 1
    said = books("pay", "-", *OPTIONS, stdin=NOVEMBER).ok()
    assert said.out == (
        "2 payments of 1254.56 USD recorded, seq 2 to 3, 2 rows not taken; next: `books push`\n"
    )
    assert said.err.splitlines() == [
        "not taken, as the amount is negative: 1 row of -800.00 USD, line 5",
        "not taken, as no account is found: 1 row of 0.12 USD, line 7",
        "note: 2 users not in these books before: alice (they know alise), bob",
    ]
    again = books("pay", "-", *OPTIONS, stdin=NOVEMBER).ok()
    assert again.out == "nothing recorded: 2 of 1254.56 USD recorded already, 2 rows not taken\n"
    assert spooled(books.home).count(b"\n") == 3


def test_files_that_overlap_take_each_transfer_once(books: Books) -> None:
    books("pay", "-", *OPTIONS, stdin=NOVEMBER).ok()
    books("push").ok()
    found = books("pay", "-", *OPTIONS, "--json", stdin=OVERLAPPING).ok().json
    assert (found["recorded"], found["accepted"], found["already"]) == (1, 1, 1)
    assert found["amounts"] == {"accepted": {"USD": "1234.56"}, "already": {"USD": "20.00"}}
    assert found["not_taken"] == [
        {
            "reason": "the amount is negative",
            "line_nos": [5],
            "amounts": {"USD": "-800.00"},
        },
        {"reason": "no account is found", "line_nos": [7], "amounts": {"USD": "0.12"}},
    ]
    assert books.balance("alice")["balance_usd"] == "2469.12"


def test_the_rules_are_those_of_every_payment(books: Books) -> None:
    """A reference with other content is refused; options hold for every line."""
    provider = ("--provider", "stripe", "--currency", "eur")
    refused = books("pay", "-", *OPTIONS, *provider, stdin=NOVEMBER)
    assert refused.code == 1
    assert "line 4: credited_usd: required when the currency is not USD" in refused.err
    books("pay", "-", *OPTIONS, "--provider", "stripe", stdin=NOVEMBER).ok()
    assert spooled(books.home).count(b'"provider":"stripe"') == 2
    other = NOVEMBER.replace("20,00", "21,00")
    refused = books("pay", "-", *OPTIONS, "--provider", "stripe", stdin=other)
    assert refused.code == 1
    assert "line 6: seq 2 records the payment T3 of stripe already, with another am" in refused.err
    assert "(nothing was recorded: of several the aggregator counts only the first)" in refused.err


def test_refused_lines_can_be_corrected_and_sent_again(books: Books, tmp_path: Path) -> None:
    """With the same options: what stood before the header is kept."""
    file = tmp_path / "refused.csv"
    text = NOVEMBER + "07.11.2025;GM-carol;1,234.50;T6\nSum;1\n"
    more = ("--skip-refused", "--refused", str(file))
    said = books("pay", "-", *OPTIONS, *more, stdin=text)
    assert said.code == 1
    assert "line 8: amount: '1,234.50' is no amount such as 1.234,56 (--decimal ." in said.err
    assert said.out.endswith("2 rows not taken, 2 rows refused; next: `books push`\n")
    corrected = file.read_text().replace("1,234.50", "1.234,50").replace("Sum;1\n", "")
    assert corrected.startswith("Account;DE00 0000\n\nDate;")
    books("pay", "-", *OPTIONS, stdin=corrected).ok()
    assert spooled(books.home).count(b"\n") == 3


def test_other_encodings_pass_through_standard_input(books: Books) -> None:
    program = Path(sys.executable).with_name("books")
    text = NOVEMBER.replace("thanks", "f\u00fcr M\u00e4rz").encode("cp1252")
    command = [str(program), "--home", str(books.home), "pay", "-", *OPTIONS]
    failed = subprocess.run(command, input=text, capture_output=True, check=False)
    assert failed.returncode == 1
    assert b"line 6: is not UTF-8 (--encoding says" in failed.stderr
    subprocess.run([*command, "--encoding", "cp1252"], input=text, capture_output=True, check=True)
    assert spooled(books.home).count(b"\n") == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("pay - --match (x)", "--skip and --match need --column"),
        ("pay - --column amount=x --format jsonl", "--column is for CSV"),
        ("pay - --column amount=x", "column: user is missing"),
        ("pay - --column amount=x --external-ref y", "external_ref: one for all lines"),
        ("pay - --column amount=x --credited-usd 5", "credited_usd: one for all lines"),
        ("pay alice 5 --column amount=x", "--column and its like go with -"),
        ("pay - --column amount=x --decimal x", "Invalid value for '--decimal'"),
    ],
)
def test_wrong_options_are_refused_at_once(books: Books, arguments: str, says: str) -> None:
    refused = books(*arguments.split(), stdin=NOVEMBER)
    assert refused.code in {1, 2}
    assert says in refused.err
    assert spooled(books.home) == b""
