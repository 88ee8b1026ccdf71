"""The answer of `aggregator payments --unconfirmed --json`, as it comes through a pipe."""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from books.answers.answer import AnswerForm, Instant
from gitmeter.support.errors import GitmeterError
from wire_format.fields import COMMIT_PATTERN, INT_MAX, NODE_PATTERN, USD_PATTERN

BYTES_MAX: Final = 256 * 1024 * 1024

NodeName = Annotated[str, Meta(pattern=f"^{NODE_PATTERN}$")]
Seq = Annotated[int, Meta(ge=1, le=INT_MAX)]
Commit = Annotated[str, Meta(pattern=f"^{COMMIT_PATTERN}$")]
Usd = Annotated[str, Meta(pattern=f"^(?:{USD_PATTERN})$")]


class ReportError(GitmeterError):
    """What came through the pipe cannot be used."""


class ReportedWriter(Struct, frozen=True, kw_only=True):
    """A till or desk.

    Attributes:
        node: its name.
        repo: one of its repos.
        tip: the last commit of it that the aggregator billed; None before the first one.
        read_at: when it was last read up to its head; None if it never was.
        is_current: whether everything up to its head is billed, and nothing holds it.
    """

    node: NodeName
    repo: str
    tip: Commit | None
    read_at: Instant | None = None
    is_current: bool = False


class ReportedLine(Struct, frozen=True, kw_only=True):
    """A line about money or an account; an absent field is empty text or None.

    Attributes:
        node, seq, ts, user, kind, provider, external_ref, of_ref, amount, currency, credited_usd,
            status, attempt: as in `wire_format.lines.Money`.
        of_provider, amount_usd, below_usd, month_usd: of a consent, as in
            `wire_format.lines.Account`.
        state: `counted`, `waits`, `undecided`, `not_succeeded`, or why it is held.
        reconciled: whether a reconciliation covers it already, as only an answer without
            `--unconfirmed` has it: then it is asked about no more.
        repo, commit, path, line_no, committed_at: where it is, and since when; None where no
            commit has it that may state it.
    """

    node: NodeName
    seq: Seq
    ts: Instant
    user: str | None = None
    kind: str
    provider: str | None = None
    external_ref: str | None = None
    of_ref: str | None = None
    amount: str | None = None
    currency: str | None = None
    credited_usd: str | None = None
    status: str | None = None
    attempt: str | None = None
    of_provider: str | None = None
    amount_usd: str | None = None
    below_usd: str | None = None
    month_usd: str | None = None
    state: str
    reconciled: bool = False
    repo: str
    commit: Commit
    path: str = ""
    line_no: int = 0
    committed_at: Instant | None

    @property
    def stated_at(self) -> datetime:
        """When it was committed; its own time where that is not known."""
        return self.committed_at or self.ts

    @property
    def says(self) -> tuple[object, ...]:
        """What it states, wherever it is."""
        return (
            *(self.node, self.seq, self.ts, self.user, self.kind, self.provider),
            *(self.external_ref, self.of_ref, self.amount, self.currency, self.credited_usd),
            *(self.status, self.attempt, self.of_provider),
            *(self.amount_usd, self.below_usd, self.month_usd),
        )


class ReportedTerms(Struct, frozen=True, kw_only=True):
    """A setting about automatic payments, or a consent to them, that counts.

    Attributes:
        node, seq, ts, user, kind: as in `wire_format.lines.Account`, and what each of them states.
        committed_at: since when it is there; None of the books.
    """

    node: NodeName
    seq: Seq
    ts: Instant
    committed_at: Instant | None
    user: str
    kind: Literal["setting", "consent"]
    auto_topup_usd: Usd | None = None
    auto_topup_below_usd: Usd | None = None
    auto_topup_month_usd: Usd | None = None
    amount_usd: Usd | None = None
    below_usd: Usd | None = None
    month_usd: Usd | None = None
    of_provider: str | None = None
    of_ref: str | None = None


class ReportedCharge(Struct, frozen=True, kw_only=True):
    """An automatic payment that a reconciliation covers.

    Attributes:
        user, provider, external_ref, ts: as in `wire_format.lines.Money`.
        credit_usd: what it credits.
    """

    user: str
    provider: str
    external_ref: str
    ts: Instant
    credit_usd: str


class ReportedTopups(Struct, frozen=True, kw_only=True):
    """What is needed to judge the automatic payments among the lines.

    Attributes:
        terms: what their users stated.
        covered: those of their users in the same months, and of everybody within an hour.
    """

    terms: list[ReportedTerms]
    covered: list[ReportedCharge]


class PaymentsReport(Struct, frozen=True, kw_only=True):
    """What the aggregator knows of tills.

    Attributes:
        as_of: when it was asked.
        writers: the tills and desks, each repo of them.
        lines: all those of tills that no reconciliation covers, whatever they are worth; without
            `--unconfirmed` also those that one covers, and those of other writers.
        topups: for the automatic payments among them; None where the aggregator is older.
    """

    as_of: Instant
    writers: list[ReportedWriter]
    lines: list[ReportedLine]
    topups: ReportedTopups | None = None


_FORM: Final = AnswerForm(
    msgspec.json.Decoder(PaymentsReport),
    BYTES_MAX,
    command="aggregator payments",
    options="--unconfirmed --json",
    error=ReportError,
)


def read_report(text: bytes) -> PaymentsReport:
    """Read the answer.

    Raises:
        ReportError: it is too large, or not that of `aggregator payments --json`.
    """
    return _FORM.read(text)


def check_age(report: PaymentsReport, now: datetime) -> None:
    """Refuse an answer that is no longer about what the aggregator has.

    Raises:
        ReportError: it is more than an hour old, or from the future.
    """
    if_old = "ask the aggregator again; --old takes it all the same, but sees no commits by it"
    _FORM.check_age(report.as_of, now, if_old)
