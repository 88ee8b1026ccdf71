"""The answer of `aggregator payments --unconfirmed --json`, as it comes through a pipe."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from books.answers.answer import AnswerForm, Instant
from gitmeter.support.errors import GitmeterError
from wire_format.fields import COMMIT_PATTERN, INT_MAX, NODE_PATTERN

BYTES_MAX: Final = 256 * 1024 * 1024

NodeName = Annotated[str, Meta(pattern=f"^{NODE_PATTERN}$")]
Seq = Annotated[int, Meta(ge=1, le=INT_MAX)]
Commit = Annotated[str, Meta(pattern=f"^{COMMIT_PATTERN}$")]


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
            *(self.status, self.attempt),
        )


class PaymentsReport(Struct, frozen=True, kw_only=True):
    """What the aggregator knows of tills.

    Attributes:
        as_of: when it was asked.
        writers: the tills and desks, each repo of them.
        lines: all those of tills that no reconciliation covers, whatever they are worth; without
            `--unconfirmed` also those that one covers, and those of other writers.
    """

    as_of: Instant
    writers: list[ReportedWriter]
    lines: list[ReportedLine]


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
