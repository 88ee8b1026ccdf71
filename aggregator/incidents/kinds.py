"""The kinds of incidents, and groups of them that end or are handled in the same way."""

import re
from enum import StrEnum
from typing import Final

from cursors.position import HeadOutcome
from gitmeter.counting.ranges import Range


class IncidentKind(StrEnum):
    """Every kind of incident; the value is its name in commands, metrics and notices."""

    REWRITTEN = "rewritten"
    SET_BACK = "set back"
    EDITED_HISTORY = "edited history"
    COMMIT_AHEAD = "commit ahead of clock"
    COMMIT_DATED_BACK = "commit dated back"
    OVERSIZED_COMMIT = "oversized commit"
    OVERSIZED_OBJECT = "oversized object"
    TOO_LONG = "history too long"
    UNREACHABLE = "unreachable"
    NOT_READ = "not read"
    REFUSED = "content refused"
    REPO_GONE = "repo gone"
    BRANCH_MISSING = "branch missing"
    SEQUENCE_REUSED = "sequence reused"
    OVER_REFUNDED = "more refunded than paid"
    CONTRADICTED = "payment contradicted"
    LINES_AHEAD = "lines ahead of commit"
    TAKEN_BACK = "money taken back"
    UNDECIDED = "undecided payment"
    RIVALS = "rival payments"
    UNCONFIRMED = "unconfirmed money"
    WRITER_HELD = "lines not allowed"
    OVER_BUDGET = "over budget"
    BUDGET_NEARLY_USED = "budget nearly used"
    KEY_CLAIMED = "key claimed twice"
    PLANS_HELD = "plans held"
    BAD_RULE_BOOK = "bad rule book"
    UNPRICED = "unpriced usage"
    CATEGORY_MISMATCH = "category mismatch"
    OVERFLOW = "overflow"
    BEYOND_LIMIT = "record beyond limit"
    BAD_MIRROR = "bad mirror"
    DECISION_WAITS = "decision waits"
    RULE_BOOK_WAITS = "rule book waits"
    BAD_SIGNATURE = "bad signature"
    NO_SIGNERS = "no allowed signers"
    LOST_HISTORY = "lost history"
    COPY_FAILED = "copy failed"
    SILENT = "silent"
    PENDING = "pending repo"
    VANISHED = "repo vanished"
    RENAMED = "repo renamed"
    RECREATED = "repo created anew"
    PUBLIC = "repo public"
    LISTING_SHRANK = "listing shrank"
    LISTING_FAILED = "listing failed"
    DRIFT = "forge drift"
    FORGE_UNCHECKED = "forge not checked"
    NO_WEBHOOKS = "no webhooks"
    BAD_REGISTRATION = "bad registration"
    TOPUPS_STOPPED = "topups stopped"


SEQS: Final = re.compile(r"seq [0-9]{1,16}(\.\.[0-9]{1,16})?")


ACCEPTABLE: Final = (
    IncidentKind.REWRITTEN,
    IncidentKind.EDITED_HISTORY,
    IncidentKind.COMMIT_AHEAD,
    IncidentKind.COMMIT_DATED_BACK,
    IncidentKind.OVERSIZED_COMMIT,
    IncidentKind.BAD_SIGNATURE,
)
"""The kinds that `books decide accept-tip` ends."""

ABOUT_MONEY: Final = (IncidentKind.OVER_REFUNDED, IncidentKind.CONTRADICTED)
"""The kinds about money lines: open as long as the lines are as they are."""

ABOUT_WRITERS: Final = (
    IncidentKind.TAKEN_BACK,
    IncidentKind.UNDECIDED,
    IncidentKind.RIVALS,
    IncidentKind.UNCONFIRMED,
    IncidentKind.WRITER_HELD,
    IncidentKind.OVER_BUDGET,
    IncidentKind.KEY_CLAIMED,
    IncidentKind.PLANS_HELD,
)
"""The kinds about lines of tills and desks; those about keys and plans are of the books' too."""

ABOUT_SEQS: Final = (IncidentKind.SEQUENCE_REUSED, IncidentKind.LINES_AHEAD, *ABOUT_WRITERS)
"""The kinds whose subject is a seq or a range of them, acknowledged one by one or as a range."""

ACKNOWLEDGED: Final = (
    *ABOUT_SEQS,
    IncidentKind.BAD_RULE_BOOK,
    IncidentKind.BUDGET_NEARLY_USED,
    *ABOUT_MONEY,
)
"""The kinds that `books decide acknowledge` ends."""


ABOUT_CHARGES: Final = frozenset(
    (
        IncidentKind.UNPRICED,
        IncidentKind.CATEGORY_MISMATCH,
        IncidentKind.OVERFLOW,
        IncidentKind.BEYOND_LIMIT,
    )
)
"""The kinds about usage that is not billed in full; they belong to no repo."""

SHOWN_BY_RECORDS: Final = (
    *ACKNOWLEDGED,
    *ABOUT_CHARGES,
    IncidentKind.DECISION_WAITS,
    IncidentKind.RULE_BOOK_WAITS,
)
"""The kinds that follow from what was billed, so that a rebuilt ledger has them by itself."""


BACKED_OFF: Final = frozenset(
    (
        IncidentKind.UNREACHABLE,
        IncidentKind.REFUSED,
        IncidentKind.REPO_GONE,
        IncidentKind.BRANCH_MISSING,
    )
)
"""The kinds after which the daemon backs off before it tries the repo again."""


PASSING: Final = frozenset(
    (
        IncidentKind.SET_BACK,
        IncidentKind.UNREACHABLE,
        IncidentKind.NOT_READ,
        IncidentKind.BRANCH_MISSING,
        IncidentKind.COMMIT_AHEAD,
    )
)
"""The kinds that may end without anyone's intervention."""


_OF_HEAD: Final = {
    HeadOutcome.REWRITTEN: IncidentKind.REWRITTEN,
    HeadOutcome.SET_BACK: IncidentKind.SET_BACK,
    HeadOutcome.UNREACHABLE: IncidentKind.UNREACHABLE,
    HeadOutcome.TOO_LONG: IncidentKind.TOO_LONG,
    HeadOutcome.NOT_READ: IncidentKind.NOT_READ,
    HeadOutcome.REFUSED: IncidentKind.REFUSED,
    HeadOutcome.REPO_GONE: IncidentKind.REPO_GONE,
    HeadOutcome.BRANCH_MISSING: IncidentKind.BRANCH_MISSING,
}


ABOUT_HEAD: Final = frozenset(
    (
        *_OF_HEAD.values(),
        IncidentKind.EDITED_HISTORY,
        IncidentKind.COMMIT_AHEAD,
        IncidentKind.COMMIT_DATED_BACK,
        IncidentKind.OVERSIZED_COMMIT,
        IncidentKind.OVERSIZED_OBJECT,
        IncidentKind.BAD_MIRROR,
        IncidentKind.BAD_SIGNATURE,
        IncidentKind.NO_SIGNERS,
        IncidentKind.LOST_HISTORY,
    )
)
"""The kinds about a repo's head or mirror: at most one is open for a repo, until a good pull."""


def kind_of(outcome: HeadOutcome) -> IncidentKind | None:
    """The incident that an outcome causes, or None if it causes none."""
    return _OF_HEAD.get(outcome)


def seqs_in(subject: str) -> Range:
    """Parse the seqs of a subject such as `seq 17`, `seq 17..19` or `seq 17 by 2.00 USD`."""
    first, _, last = subject.split(" ")[1].partition("..")
    return Range(*sorted((int(first), int(last or first))))
