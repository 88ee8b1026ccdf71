"""The kinds of incidents: what each means and what ends it."""

import re
from enum import StrEnum
from typing import Final

from aggregator.admission.ranges import Range
from cursors.position import HeadOutcome


class IncidentKind(StrEnum):
    """Every kind of incident."""

    REWRITTEN = "rewritten"
    EDITED_HISTORY = "edited history"
    COMMIT_AHEAD = "commit ahead of clock"
    OVERSIZED_COMMIT = "oversized commit"
    OVERSIZED_OBJECT = "oversized object"
    TOO_LONG = "history too long"
    UNREACHABLE = "unreachable"
    REFUSED = "content refused"
    REPO_GONE = "repo gone"
    BRANCH_MISSING = "branch missing"
    SEQUENCE_REUSED = "sequence reused"
    BAD_RULE_BOOK = "bad rule book"
    BAD_MIRROR = "bad mirror"
    BAD_SIGNATURE = "bad signature"
    NO_SIGNERS = "no allowed signers"
    LOST_HISTORY = "lost history"
    COPY_FAILED = "copy failed"
    SILENT = "silent"
    PENDING = "pending repo"
    VANISHED = "repo vanished"
    RENAMED = "repo renamed"
    RECREATED = "repo created anew"
    LISTING_SHRANK = "listing shrank"
    LISTING_FAILED = "listing failed"
    DRIFT = "forge drift"
    BAD_REGISTRATION = "bad registration"

    @property
    def advice(self) -> str:
        """What it means and what to do."""
        return _ADVICE[self]


_ACCEPT: Final = (
    " See with `aggregator rewrites` what it would change; then put the old history back, or accept"
    " this one with `books decide accept-tip`."
)


_ADVICE: Final[dict[IncidentKind, str]] = {
    IncidentKind.REWRITTEN: "The branch no longer builds on what was billed. The repo is held at"
    " its cursor." + _ACCEPT,
    IncidentKind.EDITED_HISTORY: "A commit changes or deletes billed files. The repo is held before"
    " that commit." + _ACCEPT,
    IncidentKind.COMMIT_AHEAD: "A commit is dated in the future. It is read once our clock gets"
    " there; check the node's clock and ours.",
    IncidentKind.OVERSIZED_COMMIT: "A commit is past a limit that no pusher reaches. The repo is"
    " held before it." + _ACCEPT,
    IncidentKind.OVERSIZED_OBJECT: "A commit's own text is larger than any that is read, and"
    " nothing above it can be. The repo is held at its cursor until the node's history is without"
    " it.",
    IncidentKind.TOO_LONG: "The branch has more than a million commits that were not billed yet, or"
    " that do not build on what was. No pusher writes so many; the repo is held at its cursor.",
    IncidentKind.UNREACHABLE: "The remote did not answer or refused us. It is tried again, the"
    " daemon waiting up to an hour in between; clears itself.",
    IncidentKind.REFUSED: "What the remote sent is damaged, or past the limits of memory and size."
    " Nothing of it was taken over. It is tried again, the daemon waiting up to an hour in between;"
    " look at the repo with `git fsck`.",
    IncidentKind.REPO_GONE: "The remote answers but has no such repo. It is tried again, the daemon"
    " waiting up to an hour in between; clears itself.",
    IncidentKind.BRANCH_MISSING: "The repo has lost its branch. It is tried again, the daemon"
    " waiting up to an hour in between; clears itself.",
    IncidentKind.SEQUENCE_REUSED: "The node gave a seq to two records. Both are billed; find out"
    " whether its spool was restored from a backup, then `books decide acknowledge`.",
    IncidentKind.BAD_RULE_BOOK: "The newest rule book cannot be used; the one before it stays in"
    " force. Mend it with `books rules set` and push.",
    IncidentKind.BAD_MIRROR: "The mirror on our disk lacks objects or cannot be read. Move it away"
    " and pull again, or restore it from a backup.",
    IncidentKind.BAD_SIGNATURE: "No key that may sign for this node now has signed the head. The"
    " repo is held at its cursor. Find out who pushed; if it is the node, put its key into"
    " allowed_signers_file, or accept this one commit with `books decide accept-tip`.",
    IncidentKind.NO_SIGNERS: "The file of allowed signers cannot be used, so no new head can be"
    " checked. Every repo that must be signed is held at its cursor; mend the file, and the next"
    " pull goes on.",
    IncidentKind.LOST_HISTORY: "Commits that were billed are nowhere any more, so the ledger cannot"
    " be proved for this repo. It is held; restore its mirror from a backup or the copy remote.",
    IncidentKind.COPY_FAILED: "What was billed last is not on the copy remote. Billing goes on; it"
    " is tried again after every pull and clears itself.",
    IncidentKind.SILENT: "The node has pushed no record for longer than expected. If the repo has"
    " another incident, look at that first; a clock that lags looks like silence too. See with"
    " `node-pusher doctor` on it what is wrong, and whether its timer runs. A node that nobody uses"
    " pushes nothing either: give it a longer silent_after_s, or 0 for never.",
    IncidentKind.PENDING: "A repo on the forge is called like one of a node, and bills nothing."
    " `aggregator node accept` lets it, with the key of its node; otherwise find out who made it.",
    IncidentKind.VANISHED: "The forge no longer lists a repo that is registered. It is asked again"
    " every hour, and what was billed stays billed. If it was deleted on purpose, `aggregator node"
    " retire` its node; if the token lost its rights, give them back. Clears itself.",
    IncidentKind.RENAMED: "The repo has another name on the forge, so nothing can be fetched or"
    " pushed. Give it its old name back; or `aggregator node accept NODE --repo NAME` registers the"
    " new one, and the node is given the new address.",
    IncidentKind.RECREATED: "A repo of this name was created anew: it is not the one that was"
    " registered, and nothing is read from it. If that is right, `aggregator node add NODE --adopt`"
    " sets it up and binds it to the node; what it repeats is billed once.",
    IncidentKind.LISTING_SHRANK: "More than a twentieth of the registered repos vanished from the"
    " forge's list at once, so the list is not believed. Look whether the token still sees the"
    " organisation; `aggregator node retire` the nodes whose repos were deleted on purpose. Repos"
    " are asked one by one meanwhile; clears itself.",
    IncidentKind.LISTING_FAILED: "The forge did not give its list of repos. Each repo is asked by"
    " itself at least once an hour meanwhile; clears itself.",
    IncidentKind.DRIFT: "The forge is not set up as it should be. `aggregator forge check` names"
    " each difference and the command that mends it.",
    IncidentKind.BAD_REGISTRATION: "A file in nodes.d cannot be used, or changes what records that"
    " are billed were judged by; the registrations of before stay in force. Mend the file, and the"
    " next pull reads it; after a change of `allow`, restart the daemon.",
}


_REUSED: Final = re.compile(r"seq [0-9]{1,16}(\.\.[0-9]{1,16})?")


ACCEPTABLE: Final = (
    IncidentKind.REWRITTEN,
    IncidentKind.EDITED_HISTORY,
    IncidentKind.OVERSIZED_COMMIT,
    IncidentKind.BAD_SIGNATURE,
)
"""The kinds that `books decide accept-tip` ends."""

ACKNOWLEDGED: Final = (IncidentKind.SEQUENCE_REUSED, IncidentKind.BAD_RULE_BOOK)
"""The kinds that a person ends by saying that they are known."""


BACKED_OFF: Final = frozenset(
    (
        IncidentKind.UNREACHABLE,
        IncidentKind.REFUSED,
        IncidentKind.REPO_GONE,
        IncidentKind.BRANCH_MISSING,
    )
)
"""The kinds after which the daemon leaves a repo alone for a while."""


PASSING: Final = frozenset(
    (IncidentKind.UNREACHABLE, IncidentKind.BRANCH_MISSING, IncidentKind.COMMIT_AHEAD)
)
"""Kinds that may pass without anybody doing anything."""


_OF_HEAD: Final = {
    HeadOutcome.REWRITTEN: IncidentKind.REWRITTEN,
    HeadOutcome.UNREACHABLE: IncidentKind.UNREACHABLE,
    HeadOutcome.TOO_LONG: IncidentKind.TOO_LONG,
    HeadOutcome.REFUSED: IncidentKind.REFUSED,
    HeadOutcome.REPO_GONE: IncidentKind.REPO_GONE,
    HeadOutcome.BRANCH_MISSING: IncidentKind.BRANCH_MISSING,
}


ABOUT_HEAD: Final = frozenset(
    (
        *_OF_HEAD.values(),
        IncidentKind.EDITED_HISTORY,
        IncidentKind.COMMIT_AHEAD,
        IncidentKind.OVERSIZED_COMMIT,
        IncidentKind.OVERSIZED_OBJECT,
        IncidentKind.BAD_MIRROR,
        IncidentKind.BAD_SIGNATURE,
        IncidentKind.NO_SIGNERS,
        IncidentKind.LOST_HISTORY,
    )
)
"""The kinds that say where a repo stands: at most one is open, and a good pull clears it."""


def kind_of(outcome: HeadOutcome) -> IncidentKind | None:
    """The incident that a head amounts to, or None when all is well."""
    return _OF_HEAD.get(outcome)


def reused_seqs(subject: str) -> Range:
    """The seqs of a subject such as `seq 17` or `seq 17..19`."""
    first, _, last = subject.removeprefix("seq ").partition("..")
    return Range(*sorted((int(first), int(last or first))))
