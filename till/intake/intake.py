"""Asking a provider what is true, and writing the lines that are missing.

Whatever made it ask, an event, a sweep or a person, the same lines come of it. They are on disk
when it returns.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from gitmeter.support.errors import GitmeterError
from node_pusher.spool.drafts import UNNUMBERED, Draft, draft_lines
from node_pusher.spool.outcomes import Refusal
from providers.expected import expected
from providers.interface import Truth
from providers.tag import Promise, read_tag
from till.config.accounts import TillAccount
from till.intake.consents import BEYOND, CONSENT, consent_line, consent_of
from till.intake.missing import (
    ended,
    ended_line,
    keys_of,
    missing,
    money_lines,
    promise_of,
)
from till.intake.till import Till
from till.records.lines import OF_ATTEMPTS, KnownLine, LineKey
from till.records.marks import Failing
from wire_format.lines import Folder, Line

_REASON_MAX: Final = 200


class LineRefusedError(GitmeterError):
    """What a provider says makes no valid line."""


class NotRecordedError(GitmeterError):
    """A provider could not be asked, or what it says could not be written.

    Attributes:
        failing: how often, and for how long.
    """

    def __init__(self, cause: Exception, failing: Failing) -> None:
        hint = cause.hint if isinstance(cause, GitmeterError) else ""
        super().__init__(failing.error, hint=hint)
        self.retry = isinstance(cause, GitmeterError) and cause.retry
        self.failing = failing


def ask(till: Till, account: TillAccount, name: str) -> int:
    """Ask about an object, and write the lines that are missing; returns how many.

    Args:
        till: the till.
        account: whose object it is.
        name: as `providers.interface.Provider.truth` takes it.

    Raises:
        NotRecordedError: it has to be asked again; the failure is noted.
    """
    try:
        with account.provider() as provider:
            truth = provider.truth(name)
        written = 0 if truth is None else take(till, account, truth)
        if truth is None or truth.object_id != name:
            till.marks.unwatch(account.name, name)
        till.marks.succeeded(account.name, name)
    except Exception as error:
        # whatever it is: one object that cannot be recorded holds up no other
        words = (
            str(error) if isinstance(error, GitmeterError) else f"{type(error).__name__}: {error}"
        )
        failing = till.marks.failed(account.name, name, words, till.clock())
        raise NotRecordedError(error, failing) from error
    return written


def take(till: Till, account: TillAccount, truth: Truth) -> int:
    """Write the lines that are missing, given what a provider says; returns how many.

    Raises:
        LineRefusedError: what it says makes no valid line.
        SpoolError, MemoryFileError, HomeError, RemoteError: they cannot be written.
    """
    if truth.mode != till.config.mode or _is_of_others(truth):
        return 0
    with till.spool.store.exclusive():
        till.lines.follow(till.spool)
        written = _write_missing(till, account, truth)
    _note(till, account, truth)
    return written


def end_attempt(till: Till, pending: KnownLine, reason: str) -> int:
    """Close an attempt that nobody has paid, unless it is closed; returns how many lines it took.

    Raises:
        SpoolError, MemoryFileError, HomeError, RemoteError: it cannot be written.
    """
    provider, _, attempt = pending.key
    with till.spool.store.exclusive():
        till.lines.follow(till.spool)
        till.marks.unwatch(provider, attempt)
        is_ended = till.lines.find([LineKey(provider, "ended", attempt)])
        if is_ended or till.lines.of_attempt(provider, attempt):
            return 0
        node, now = till.spool.node, till.line_time()
        return write(
            till, [ended_line(node=node, seq=UNNUMBERED, at=now, pending=pending, reason=reason)]
        )


def write(till: Till, lines: Iterable[Line], folder: Folder = Folder.PAYMENTS) -> int:
    """Write lines to the spool, all or none; returns how many.

    Args:
        till: the till.
        lines: of one folder.
        folder: where they go.

    Raises:
        LineRefusedError: one of them is not valid.
        SpoolError: they cannot be written.
    """
    drafts: list[Draft] = []
    for draft in draft_lines([*lines], till.spool.node, folder):
        if isinstance(draft, Refusal):
            raise LineRefusedError(draft.reason)
        drafts.append(draft)
    for outcome in till.spool.append_drafts(folder, drafts):
        if isinstance(outcome, Refusal):
            raise LineRefusedError(outcome.reason)
    return len(drafts)


def _is_of_others(truth: Truth) -> bool:
    """Whether another program of that account made it, as far as nothing of it can be ours."""
    return truth.is_tagged and truth.tag is None and not truth.facts


def _write_missing(till: Till, account: TillAccount, truth: Truth) -> int:
    now, name, node = till.line_time(), account.name, till.spool.node
    payments = _payments(name, truth)
    consents = [LineKey(name, CONSENT, key.ref) for key in payments]
    known = till.lines.find([*payments, *consents, *_of_attempt(name, truth)])
    payer = next((known[key].user for key in payments if key in known and known[key].user), None)
    promise, is_tag_used = _promise(till, account, truth, known)
    found = expected(truth, promise, payer=payer, is_tag_used=is_tag_used)
    known |= till.lines.find(keys_of(name, found.lines))
    to_do = missing(name, found.lines, known, now)
    lines = [*money_lines(node, UNNUMBERED, name, to_do.lines)]
    if (reason := ended(truth, known, name)) is not None:
        pending = known[LineKey(name, "pending", truth.attempt or "")]
        lines.append(
            ended_line(node=node, seq=UNNUMBERED, at=now, pending=pending, reason=printable(reason))
        )
    faults = [*to_do.faults]
    if found.remark is not None and found.remark.is_incident:
        faults.append((_subject(truth), found.remark.value))
    consented = consent_of(name, truth, found.lines, known, till.config.cards)
    if consented is not None and consented.is_beyond:
        faults.append((consented.payment.external_ref, BEYOND))
    refs = {_subject(truth), *(fact.external_ref for fact in truth.facts)}
    till.marks.settle(name, sorted(refs), faults, now)
    written = write(till, lines)
    if consented is not None and (terms := consented.to_write(now)) is not None:
        payment = consented.payment
        line = consent_line(node=node, seq=UNNUMBERED, provider=name, payment=payment, terms=terms)
        written += write(till, [line], Folder.ACCOUNTS)  # one transaction with what it came with
    return written


def _promise(
    till: Till, account: TillAccount, truth: Truth, known: Mapping[LineKey, KnownLine]
) -> tuple[Promise | None, bool]:
    """What was promised for the payment, and whether another payment has the same promise.

    A tag is claimed before its line is written: a crash in between leaves it to the same payment.
    """
    if not truth.is_tagged:
        pending = known.get(LineKey(account.name, "pending", truth.attempt or ""))
        return None if pending is None else promise_of(pending), False
    if truth.tag is None or not account.tag_key:
        return None, False
    promise = read_tag(account.tag_key, account.name, truth.tag)
    if promise is None or not truth.facts:
        return promise, False
    return promise, not till.marks.claim_tag(account.name, promise.nonce, _subject(truth))


def _note(till: Till, account: TillAccount, truth: Truth) -> None:
    """Note whether it has to be asked about again, and whether its checkout is over."""
    now, name = till.clock(), account.name
    is_open = bool(truth.open) and not _has_ended(till, name, truth)
    if is_open or not all(fact.is_final for fact in truth.facts):
        till.marks.watch(name, truth.object_id, now)
    else:
        till.marks.unwatch(name, truth.object_id)
    if truth.attempt is not None and (truth.facts or truth.failed is not None):
        till.checkouts.end(name, truth.attempt, now)


def _has_ended(till: Till, provider: str, truth: Truth) -> bool:
    """Whether a line has closed the attempt, though its page may stay open for ever."""
    attempt = truth.attempt
    return attempt is not None and bool(till.lines.find([LineKey(provider, "ended", attempt)]))


def _payments(provider: str, truth: Truth) -> list[LineKey]:
    facts = (fact for fact in truth.facts if fact.kind == "payment")
    return [LineKey(provider, "payment", fact.external_ref) for fact in facts]


def _of_attempt(provider: str, truth: Truth) -> list[LineKey]:
    if truth.attempt is None:
        return []
    return [LineKey(provider, kind, truth.attempt) for kind in sorted(OF_ATTEMPTS)]


def _subject(truth: Truth) -> str:
    """The payment, by which a person finds it; the object while there is none."""
    refs = (fact.external_ref for fact in truth.facts if fact.kind == "payment")
    return next(refs, truth.object_id)


def printable(reason: str) -> str:
    """A provider's words in the form of a reason."""
    kept = "".join(each if " " <= each <= "~" else "?" for each in reason)
    return kept[:_REASON_MAX] or "failed"
