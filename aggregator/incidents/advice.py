"""What each kind of incident means, and what to do about it."""

from typing import Final

from aggregator.incidents.kinds import IncidentKind

_ACCEPT: Final = (
    " `aggregator rewrites` shows what accepting it would change; restore the old history, or"
    " accept this one with `books decide accept-tip`."
)

_TEXTS: Final[dict[IncidentKind, str]] = {
    IncidentKind.REWRITTEN: "The branch no longer builds on what was billed. The repo is held at"
    " its cursor." + _ACCEPT,
    IncidentKind.SET_BACK: "The branch is at an earlier commit of what was billed, as after the"
    " forge was restored from an older backup. What was billed stays billed, and nothing is to be"
    " decided: the next push of the node puts the missing commits back, which closes the incident."
    " Where no push of it will come, or before it is set up again, push them from the aggregator's"
    " mirror, which has them as refs/aggregator/applied: a new home takes its numbers from what the"
    " remote has.",
    IncidentKind.EDITED_HISTORY: "A commit changes or deletes billed files. The repo is held before"
    " that commit." + _ACCEPT,
    IncidentKind.COMMIT_AHEAD: "A commit is dated in the future. The repo is held before it until"
    " the aggregator's clock reaches that date. Check the clocks of the node and of the aggregator;"
    " if the node's was wrong, accept that commit with `books decide accept-tip`, and the next pull"
    " reads on.",
    IncidentKind.COMMIT_DATED_BACK: "A till or desk committed something under a date before that"
    " of the commit below, or made a merge, of which one side may be dated after it. The repo is"
    " held before it, because whoever stole its key could write the past so. If the clock of its"
    " machine was ahead before, let it go on in a new repo (`till rollover`), or accept that commit"
    " with `books decide accept-tip`; if not, somebody has its key.",
    IncidentKind.OVERSIZED_COMMIT: "A commit exceeds a limit that no pusher reaches. The repo is"
    " held before it." + _ACCEPT,
    IncidentKind.OVERSIZED_OBJECT: "A commit object is larger than the limit, so neither it nor"
    " anything above it can be read. The repo is held at its cursor until the branch is set back to"
    " a history without that commit.",
    IncidentKind.TOO_LONG: "The branch has more than a million commits that were not billed yet, or"
    " that do not build on what was billed. No pusher writes so many; the repo is held at its"
    " cursor.",
    IncidentKind.UNREACHABLE: "The remote did not answer, or refused the request; the detail says"
    " which. The daemon tries again at intervals of up to an hour, and the first good answer"
    " closes the incident. A token, a key or a server's identity that was refused has to be"
    " corrected for that.",
    IncidentKind.NOT_READ: "This machine could not read the repo, whatever its remote would have"
    " said: it was out of file descriptors or room, or a lock of another git was in the way. The"
    " detail says which. The next pull tries again, and the incident closes once there is room or"
    " the lock is gone.",
    IncidentKind.REFUSED: "What the remote sent is damaged, or exceeds the limits on memory and"
    " size. None of it was kept. The daemon tries again at intervals of up to an hour; check the"
    " repo on the forge with `git fsck`.",
    IncidentKind.REPO_GONE: "The remote answers but has no such repo, or hides it. Find out"
    " whether it was deleted, renamed or moved, or whether the token or key lost its right. The"
    " daemon tries again at intervals of up to an hour, and the incident closes once the repo can"
    " be read at its address.",
    IncidentKind.BRANCH_MISSING: "The repo has lost its branch. The daemon tries again at"
    " intervals of up to an hour, and the incident closes once the branch is there again.",
    IncidentKind.SEQUENCE_REUSED: "The node gave one seq to two records. Both are billed; find out"
    " whether its spool was restored from a backup, then `books decide acknowledge`.",
    IncidentKind.OVER_REFUNDED: "The refunds of a payment are more than it was. The balance gives"
    " back what was paid and no more. `books decide exclude` a refund that did not happen; if all"
    " of them did, the rest is a loss: `books decide acknowledge`, or `books adjust` the balance.",
    IncidentKind.CONTRADICTED: "A line says that a payment or refund failed which an earlier line"
    " says succeeded. The earlier one counts. If the money went back, `books refund` it; if it"
    " never came, `books decide exclude` the earlier line; if the later line is wrong, `books"
    " decide acknowledge`.",
    IncidentKind.LINES_AHEAD: "The node committed records under a date before their own, as older"
    " versions did when the node's clock was behind. They are not billed until they are in a later"
    " commit: run `resend` on the node. To leave them unbilled, `books decide acknowledge`.",
    IncidentKind.TAKEN_BACK: "A provider gave money back to customers, or a bank took it. The"
    " balances have less, below zero where it was spent. `aggregator payments` shows the payments."
    " Answer a dispute at the provider before its deadline; stop what an account owes for with"
    " `suspend` once there is one. A dispute that is won, or a refund that fails, gives it back by"
    " itself and ends this; else `books decide acknowledge`.",
    IncidentKind.UNDECIDED: "A payment came in otherwise than it was promised: another amount or"
    " currency, too late, or without an attempt of ours. It counts nothing. Look it up at the"
    " provider, then say what it is worth with `books pay --by-hand`, which ends this, or pay it"
    " back there.",
    IncidentKind.RIVALS: "Two writers say different things about one movement of money, so neither"
    " counts. `aggregator held` shows both. Ask the provider, and `books decide exclude` the false"
    " one; the other then counts.",
    IncidentKind.UNCONFIRMED: "A till has credited more than its `unconfirmed_max_usd` since the"
    " last reconciliation. What is beyond waits. Let `books reconcile` run: what the provider"
    " confirms counts at once. If it finds differences, somebody may have the till's key.",
    IncidentKind.WRITER_HELD: "A till or desk has lines that it may not write, are dated back, or"
    " use a number again. They count nothing. `aggregator held` says why for each. If its machine"
    " or `rules/writers.toml` is wrong, mend that, and they are judged again; if not, somebody has"
    " its key: `books decide only NODE COMMIT` leaves nothing of what came after a commit. `books"
    " decide acknowledge` ends this.",
    IncidentKind.OVER_BUDGET: "A desk has given more than the budget of a template, or charged more"
    " fees in a day than its `fees_day_usd`. What is beyond waits; `aggregator held` shows it. If"
    " all of it is right, `books rules set` a higher budget, which holds for lines that are"
    " committed from then on, and give what waits by `books grant`, `books adjust` or `books plan"
    " set`. If not, somebody may have the desk's key: `books decide only NODE COMMIT`, or `books"
    " decide exclude` single lines; what is left moves up. `books decide acknowledge` ends this.",
    IncidentKind.BUDGET_NEARLY_USED: "A desk has given four fifths of what a template lets it give"
    " in all. What comes after the budget waits. If what was given is right, `books rules set` a"
    " higher budget, which ends this; `aggregator payments` shows it. If not, somebody may have the"
    " desk's key: `books decide only NODE COMMIT` leaves nothing of what came after a commit."
    " `books decide acknowledge` ends this until the budget is another one.",
    IncidentKind.KEY_CLAIMED: "Lines claim the same key for different users, scopes or ends. A"
    " claim of the books alone stands; without one the key opens nothing. `aggregator held` shows"
    " the claims. Revoke the key with `books key revoke` and let its user make another; if"
    " neither claim is a mistake, somebody has the key of a desk: `books decide only NODE COMMIT`"
    " cuts it off. `books decide acknowledge` ends this.",
    IncidentKind.PLANS_HELD: "Lines state plans that do not count, so the accounts have not what"
    " was stated and pay no fee for it. `aggregator held` says why for each and what to do. A"
    " payment that no longer counts takes the plans with it that it paid for. Write the plan again"
    " with `books plan set` if it is to be; `books decide acknowledge` ends this.",
    IncidentKind.BAD_RULE_BOOK: "The newest rule book cannot be used; the previous one stays in"
    " force. Correct it with `books rules set` and `books push`.",
    IncidentKind.UNPRICED: "The rule book has no price for a resource at the hours of its usage,"
    " which costs nothing so far. `aggregator unpriced` shows the price to add; once it is pushed,"
    " all of the usage is billed.",
    IncidentKind.CATEGORY_MISMATCH: "The rule book prices a resource only for other discount"
    " categories than that of its usage, which costs nothing so far. `aggregator unpriced` shows"
    " the price to add; or let the service record the right category.",
    IncidentKind.OVERFLOW: "Charges have a list cost above charge_cost_max_usd and cost that limit."
    " `aggregator unpriced` shows where to look: at their lines, their price, or the limit.",
    IncidentKind.BEYOND_LIMIT: "A node has records that alone have a list cost above"
    " charge_cost_max_usd. They are held, and what other nodes recorded is billed as ever."
    " `aggregator held` shows them and what can be done; find out whether another party writes in"
    " the node's name.",
    IncidentKind.BAD_MIRROR: "The aggregator's mirror lacks objects or cannot be read. If it"
    " belongs to another user, give it back to the aggregator's; otherwise move it away, and the"
    " next pull fetches it again, or restore it from a backup.",
    IncidentKind.DECISION_WAITS: "A decision is about lines of a mirror that cannot be read. It"
    " waits, and all else is billed. Restore the mirror from a backup or the copy remote, or"
    " configure its repo again so that it is fetched; the next pull then carries the decision out,"
    " which closes the incident. Or `books decide withdraw` the decision.",
    IncidentKind.RULE_BOOK_WAITS: "Under the prices of the newest rule book, or of other books"
    " that were configured, lines of a mirror that cannot be read may cost more than the limit, or"
    " no longer. That rule book waits; the one so far stays in force, and all else is billed."
    " Restore the mirror from a backup or the copy remote, or configure its repo again so that it"
    " is fetched; the next pull then brings the rule book into force, which closes the incident."
    " Or take the change back with `books rules undo`.",
    IncidentKind.BAD_SIGNATURE: "The head is not signed by a key that may sign for this node now."
    " The repo is held at its cursor. Find out who pushed; if it was the node, add its key to"
    " allowed_signers_file, or accept this one commit with `books decide accept-tip`.",
    IncidentKind.NO_SIGNERS: "The file of allowed signers cannot be used, so no new head can be"
    " checked. Every repo that must be signed is held at its cursor. Correct the file; the next"
    " pull continues.",
    IncidentKind.LOST_HISTORY: "Commits that were billed are neither on the remote nor in the"
    " mirror, so the ledger cannot be proved for this repo. It is held; restore its mirror from a"
    " backup or the copy remote.",
    IncidentKind.COPY_FAILED: "What was billed last is not on the copy remote; the detail says"
    " why. Billing continues. The copy is tried again after every pull, and the first that"
    " succeeds closes the incident. A token that was refused or a disk that is full has to be seen"
    " to for that.",
    IncidentKind.SILENT: "The node has pushed no records for longer than expected. If the repo has"
    " another incident, look into that first; a lagging clock looks like silence too. Run"
    " `node-pusher doctor` on the node, and check that its timer runs. An unused node pushes"
    " nothing either: give it a longer silent_after_s, or 0 for never.",
    IncidentKind.PENDING: "An unregistered repo on the forge is named like a node's. It bills"
    " nothing. If it is a node's, register it with `aggregator node accept` and the node's key;"
    " otherwise find out who created it.",
    IncidentKind.VANISHED: "The forge no longer lists a registered repo. What was billed stays"
    " billed, and the repo is probed every hour. Look first: did the token lose a right, was the"
    " forge restored from an older backup, or was the repo, its organisation or the forge moved?"
    " The next list that has the repo closes the incident. If `aggregator forge check` still finds"
    " it missing then, `aggregator node add NODE --adopt` creates it again, and the node's next"
    " push fills it. Last of all, for a node that is gone for good: `aggregator node retire`,"
    " which cannot be undone.",
    IncidentKind.RENAMED: "The repo has another name on the forge, so nothing can be fetched or"
    " pushed. Rename it back; or confirm the new name with `aggregator node accept NODE --repo"
    " NAME`, which prints the command to run on the node.",
    IncidentKind.RECREATED: "The name now belongs to a different repo than the one that was"
    " registered, and nothing is read from it. If the forge was moved or restored, `aggregator"
    " forge move` takes over every repo that has the history that was billed. If a person made it"
    " anew, `aggregator node add NODE --adopt` sets it up and registers it for the node; what it"
    " repeats is billed once.",
    IncidentKind.PUBLIC: "The forge lets everyone read the repo, and with it who used what."
    " `aggregator node add` makes the repo of a node private again; any other is made private in"
    " its settings on the forge. Consider who may have read it. The next list that has it as"
    " private closes the incident.",
    IncidentKind.LISTING_SHRANK: "More than a twentieth of the registered repos vanished from the"
    " forge's list at once, so the list is not believed, and repos are probed one by one. Look"
    " first: did the token lose a right, was the forge restored from an older backup, or was the"
    " organisation or the forge moved? The next list that has the repos closes the incident. For"
    " each repo that `aggregator forge check` still finds missing then, `aggregator node add NODE"
    " --adopt` creates it again, and the node's next push fills it. Last of all, for a node that"
    " is gone for good: `aggregator node retire`, which cannot be undone.",
    IncidentKind.LISTING_FAILED: "The forge did not deliver its list of repos; the detail says"
    " why. Meanwhile each repo is probed at least once an hour. The daemon asks again, and the"
    " next whole list closes the incident. A token that was refused has to be corrected for that.",
    IncidentKind.DRIFT: "The forge is not set up as it should be. `aggregator forge check` names"
    " each difference and the command that repairs it.",
    IncidentKind.FORGE_UNCHECKED: "The daily check could not look at the forge, or not at all of"
    " it; the detail names the reason and the file of the token. What was found before stays open."
    " The daemon tries again at intervals of up to an hour, and a complete check closes the"
    " incident; a token or a user that may not look has to be given the right.",
    IncidentKind.NO_WEBHOOKS: "Pushes were found by polling, and no webhook came for them. Billing"
    " continues, up to pull_every_s later. The detail says what arrived instead and where to look;"
    " `aggregator forge hook` sets the webhook anew, and the forge shows what became of its last"
    " deliveries. The next accepted webhook closes the incident.",
    IncidentKind.BAD_REGISTRATION: "A file in nodes.d cannot be used, or changes what a node may"
    " bill; the previous registrations stay in force. Correct the file, and the next pull reads it;"
    " after a change of `allow`, `systemctl reload` the daemon.",
    IncidentKind.TOPUPS_STOPPED: "The till that charges saved cards has stopped: more would have"
    " been charged within an hour than `topups_hour_max` or `topup_usd_hour_max` of"
    " `rules/writers.toml` lets it. No card is charged until a person starts it again. `aggregator"
    " topups` shows who is due; find out why so many are. If it is right, start it with `till"
    " start-again --reason`; if not, a node bills what nobody used, or somebody has the key of a"
    " desk. The till's next answer closes the incident.",
}

_RESTORE: Final = (
    " No decision ends this, because none is read while the books are held: restore the old history"
    " on the forge from the aggregator's mirror, which has it as refs/aggregator/applied."
)
_FOR_BOOKS: Final = {
    IncidentKind.REWRITTEN: "The books no longer build on what was billed; they are held at their"
    " cursor." + _RESTORE,
    IncidentKind.SET_BACK: "The books are at an earlier commit of what was billed, as after the"
    " forge was restored from an older backup. What was billed stays billed, and nothing is to be"
    " decided: `books push` on the machine of the books puts the missing commits back, which closes"
    " the incident. Do it before anything else is pushed there. If that machine is gone, push them"
    " from the aggregator's mirror, which has them as refs/aggregator/applied.",
    IncidentKind.EDITED_HISTORY: "A commit of the books changes or deletes billed files; they are"
    " held before it." + _RESTORE,
    IncidentKind.OVERSIZED_COMMIT: "A commit of the books exceeds a limit that no pusher reaches;"
    " they are held before it." + _RESTORE,
    IncidentKind.COMMIT_AHEAD: "A commit of the books is dated in the future; they are held before"
    " it until the aggregator's clock reaches that date, and no decision in them is read. Check"
    " both clocks; if that of the books was wrong, restore the history below it on the forge and"
    " push again.",
    IncidentKind.BAD_SIGNATURE: "The head of the books is not signed by a key that may sign for"
    " them now; they are held at their cursor, and no decision in them is read. Find out who"
    " pushed. If it was you, add the key to allowed_signers_file, or push again with a known key:"
    " the signature of the new head covers the commits below it.",
}

_FOR_TILLS_AND_DESKS: Final = {
    IncidentKind.COMMIT_AHEAD: "A commit of a till or desk is dated in the future. The repo is held"
    " before it until the aggregator's clock reaches that date. Check both clocks; if that of the"
    " till or desk was wrong, it goes on in its next repo (`aggregator node rollover`, then"
    " `rollover` there), and what this repo has counts once that commit is accepted with `books"
    " decide accept-tip`.",
    IncidentKind.SILENT: "The till or desk has pushed no records for longer than the silent_after_s"
    " of its repo. If the repo has another incident, look into that first; a lagging clock looks"
    " like silence too. Check with `doctor` of its program that its service runs. Where there was"
    " nothing to write it pushes nothing: give it a longer silent_after_s, or none.",
}
_FOR_ROLE: Final = {
    "books": _FOR_BOOKS,
    "till": _FOR_TILLS_AND_DESKS,
    "desk": _FOR_TILLS_AND_DESKS,
}


def advice(kind: IncidentKind, role: str | None = None) -> str:
    """What an incident means and what to do about it.

    Args:
        kind: the kind of incident.
        role: the role of the repo that it is about; None for the forge as a whole. Of held books no
            decision is read.
    """
    return _FOR_ROLE.get(role or "", {}).get(kind, _TEXTS[kind])
