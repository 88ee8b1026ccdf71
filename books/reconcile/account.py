"""One account in a run: what is asked, and what it means."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from books.reconcile.accounts import AccountKeys
from books.reconcile.asking import Answers, Budget, ask
from books.reconcile.judging.charges import TopupGrounds, consents_to_ask
from books.reconcile.judging.lines import object_of
from books.reconcile.judging.memory import AccountMemory
from books.reconcile.judging.users import Users
from books.reconcile.judging.verdicts import LATE, AccountVerdict, Judge
from books.reconcile.report import ReportedLine
from gitmeter.support.errors import GitmeterError
from providers.interface import Provider
from wire_format.writers import Fx, ProviderAccount

LOOKED_BACK: Final = timedelta(hours=2)
"""How long before the last complete run movements are read, because clocks differ and a provider
may list what moved a while later. What was no line by then is remembered."""
_FIRST_LOOKED_BACK: Final = LATE + LOOKED_BACK
ASK_AGAIN: Final = timedelta(hours=24)
"""After this an object that was not final is asked about again."""


class Means(NamedTuple):
    """With what lines are compared.

    Attributes:
        fx: the rates of the rule book.
        open_account: makes a provider of an account and its keys.
        budget: how much may be asked.
        now: the time of the run.
    """

    fx: Fx
    open_account: Callable[[ProviderAccount, AccountKeys], AbstractContextManager[Provider]]
    budget: Budget
    now: datetime


class AccountLines(NamedTuple):
    """The lines about one account.

    Attributes:
        every: all that name it.
        open: those of them that need an answer.
        clashing: the numbers under which there are different lines, of whatever account, each with
            its node.
        topups: what charges of saved cards are judged by.
    """

    every: Sequence[ReportedLine]
    open: Collection[ReportedLine]
    clashing: Collection[tuple[str, int]]
    topups: TopupGrounds


def compare_account(
    account: ProviderAccount,
    keys: AccountKeys,
    lines: AccountLines,
    memory: AccountMemory,
    users: Users,
    means: Means,
) -> tuple[Answers, AccountVerdict]:
    """Ask about the lines of an account and about all that moved, judge, and remember.

    Args:
        account: as the rule book states it.
        keys: to ask with.
        lines: of the account.
        memory: of earlier runs; what later ones need is added.
        users: of the movements that are lines.
        means: with what is compared.
    """
    judge = Judge(account, lines.every, memory, keys.tag_key, users, lines.clashing)
    since = means.now - _FIRST_LOOKED_BACK
    if memory.complete_at is not None:
        since = memory.complete_at - LOOKED_BACK
    try:
        with means.open_account(account, keys) as provider:
            objects = _to_ask(account, lines, memory, users, means.now)
            answers = ask(provider, account, objects, since, means.budget)
    except GitmeterError as error:
        answers = Answers(problem=str(error), may_retry=error.retry)
    found = judge.judge(answers.truths, lines.open, means.fx, lines.topups)
    judge.learn(answers.truths, found, means.now)
    if answers.is_complete:
        memory.complete_at = means.now
    return answers, found


def _to_ask(
    account: ProviderAccount,
    lines: AccountLines,
    memory: AccountMemory,
    users: Users,
    now: datetime,
) -> list[str]:
    """Lines first, the oldest first, so that a backlog gets shorter with each run."""
    ordered = sorted(lines.open, key=lambda line: (line.stated_at, line.node, line.seq))
    missing = (each for key, each in sorted(memory.missing.items()) if users.of(key) is None)
    unfinished = (name for name, at in sorted(memory.open.items()) if now - at >= ASK_AGAIN)
    objects = [
        object_id
        for line in ordered
        # what a charge is judged by comes before it, so that a run that ends in between asks again
        for object_id in (*consents_to_ask(line, lines.topups), object_of(line, account.kind))
    ]
    objects += [each.object_id for each in missing]
    return list(dict.fromkeys([*objects, *unfinished]))
