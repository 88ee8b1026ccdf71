"""Differences in words, and what a person can do about each. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from books.reconcile.judging.charges import CHARGED, NOT_SAID
from books.reconcile.judging.compare import CONTESTED
from books.reconcile.judging.lines import movement_of
from books.reconcile.judging.memory import AccountMemory, FoundDifference
from books.reconcile.judging.runs import RepoName
from books.reconcile.judging.verdicts import LATE, Unrecorded
from books.reconcile.report import ReportedLine
from gitmeter.support.terminal import pasted
from wire_format.instants import format_ts
from wire_format.lines import Decision

MANY: Final = 3
"""From so many differences of one writer on, its key may be stolen."""

_REASON_CHARS_MAX: Final = 200


def line_difference(line: ReportedLine, why: str, *, is_clashing: bool) -> FoundDifference:
    """A line that does not say what its provider says.

    Args:
        line: the line.
        why: it does not agree.
        is_clashing: whether there is another line under its number.
    """
    commands: tuple[str, ...]
    if why.startswith(CHARGED):
        commands = () if why == NOT_SAID else _give_back(line)
    elif why == CONTESTED:
        commands = (_pay_by_hand(line),)
    else:
        commands = (_exclude(line, why, is_clashing=is_clashing),)
    return FoundDifference(
        account=line.provider or "",
        node=line.node,
        seq=line.seq,
        movement=movement_of(line) or "",
        what=_said(line.kind, line.external_ref, line.amount, line.currency, line.user),
        why=why,
        commands=commands,
    )


def _exclude(line: ReportedLine, why: str, *, is_clashing: bool) -> str:
    one = ("--ts", format_ts(line.ts)) if is_clashing else ()
    reason = f"not as {line.provider} says: {why}"[:_REASON_CHARS_MAX]
    return pasted("books", "decide", "exclude", line.node, str(line.seq), *one, "--reason", reason)


def _pay_by_hand(line: ReportedLine) -> str:
    """A person fills in whose it is and how much: what the line says may be false."""
    money = ("USER", "AMOUNT", "--currency", line.currency or "")
    of = ("--provider", line.provider or "", "--external-ref", line.external_ref or "")
    return pasted("books", "pay", *money, *of, "--by-hand")


def _give_back(line: ReportedLine) -> tuple[str, str]:
    """The card was charged, whatever counts: so its money goes back, and then the line agrees."""
    reason = ("--reason", "nobody had agreed to it")
    account = ("--account", line.provider or "")
    numbers = (line.node, str(line.seq), str(line.seq), line.commit)
    return (
        pasted("till", "refund", line.external_ref or "", *account, *reason),
        pasted("books", "decide", "reconciled", *numbers, "--reason", "given back"),
    )


def missing_difference(account: str, movement: Unrecorded) -> FoundDifference:
    """A movement of an account that no till has recorded."""
    line = movement.line
    by_hand = ("--provider", account, "--external-ref", line.external_ref, "--by-hand")
    at = ("--ts", format_ts(line.at))
    commands = ["till sweep"]
    if line.user and line.kind == "payment" and line.status == "succeeded":
        credit = ("--credited-usd", line.credited_usd) if line.credited_usd else ()
        money = (line.amount, "--currency", line.currency, *credit)
        commands.append(pasted("books", "pay", line.user, *money, *by_hand, *at))
    elif line.user and line.kind == "refund" and line.of_ref:
        money = (line.amount, "--currency", line.currency, "--payment-ref", line.of_ref)
        commands.append(pasted("books", "refund", line.user, *money, *by_hand, *at))
    hours = int(LATE.total_seconds()) // 3600
    return FoundDifference(
        account=account,
        node="",
        seq=0,
        movement=movement.key,
        what=_said(line.kind, line.external_ref, line.amount, line.currency, line.user),
        why=f"it moved money at {format_ts(line.at)}, and no till says so after {hours} hours",
        commands=tuple(commands),
    )


def ways_out(
    differences: Iterable[FoundDifference],
    lines: Iterable[ReportedLine],
    agreed: Collection[ReportedLine],
    in_force: Iterable[Decision],
    tips: Mapping[RepoName, str],
) -> dict[str, str]:
    """For each writer of many differences the command after which its later lines claim nothing.

    Its TIP is the commit of the last line that agreed before the first difference, else the last
    tip that was seen before that. A charge that nobody agreed to is not made by the writer of its
    line.

    Args:
        differences: those of lines.
        lines: of the aggregator's answer.
        agreed: the lines that agree.
        in_force: decisions.
        tips: of each repo.
    """
    seqs: dict[str, list[int]] = defaultdict(list)
    for each in differences:
        if each.node and not each.why.startswith(CHARGED):
            seqs[each.node].append(each.seq)
    listed, decided = list(lines), list(in_force)
    return {
        node: pasted("books", "decide", "only", node, tip, "--reason", "its key was stolen")
        for node, found in sorted(seqs.items())
        if len(found) >= MANY
        and (tip := _last_good(node, min(found), listed, agreed, decided, tips)) is not None
    }


def _last_good(
    node: str,
    first_bad_seq: int,
    lines: Iterable[ReportedLine],
    agreed: Collection[ReportedLine],
    in_force: Iterable[Decision],
    tips: Mapping[RepoName, str],
) -> str | None:
    own = [line for line in lines if line.node == node]
    bad = [line for line in own if line.seq == first_bad_seq]
    spoiled = {line.commit for line in own if line.seq >= first_bad_seq}
    good = [
        line
        for line in own
        if line.seq < first_bad_seq
        and (line in agreed or line.reconciled)
        and line.repo == bad[0].repo
        and line.commit not in spoiled
    ]
    if good:
        return max(good, key=lambda line: line.seq).commit
    at = min(line.stated_at for line in bad)
    own_tip = tips.get((node, bad[0].repo))
    elsewhere = {tip for (of, _), tip in tips.items() if of == node and tip != own_tip}
    seen = [
        each
        for each in in_force
        if (each.kind, each.of) == ("seen", node) and each.ts < at and each.tip not in elsewhere
    ]
    return max(seen, key=lambda each: (each.ts, each.seq)).tip if seen else None


def still_open(
    earlier: Iterable[FoundDifference],
    lines: Iterable[ReportedLine],
    memory: Mapping[str, AccountMemory],
) -> list[FoundDifference]:
    """The differences of the last run that this one could not judge, because nobody answered.

    Args:
        earlier: those of the last run that this one did not find again.
        lines: those that it could not judge.
        memory: after this run.
    """
    waiting = {(line.node, line.seq) for line in lines}
    return [
        each
        for each in earlier
        if (
            (each.node, each.seq) in waiting
            if each.node
            else each.account in memory and each.movement in memory[each.account].missing
        )
    ]


def _said(
    kind: str, ref: str | None, amount: str | None, currency: str | None, user: str | None
) -> str:
    return f"{kind} {ref} of {amount} {currency}{f', {user}' if user else ''}"
