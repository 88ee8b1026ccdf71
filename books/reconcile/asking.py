"""Asking a provider, within the limits of a run."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from providers.interface import Provider, ProviderError, Truth, UnreachableProviderError
from wire_format.writers import ProviderAccount


class SpentError(Exception):
    """The limit of a run is reached."""


class Budget:
    """How much a run may still ask.

    Args:
        questions_max: how many payments it may ask about.
        seconds_max: how long it may take.
        on_question: called before each.
    """

    def __init__(
        self, questions_max: int, seconds_max: float, on_question: Callable[[], object]
    ) -> None:
        self._left = questions_max
        self._ends_at_s = time.monotonic() + seconds_max
        self._on_question = on_question

    def check_time(self) -> None:
        """Stop when the time is over.

        Raises:
            SpentError: it is.
        """
        if time.monotonic() >= self._ends_at_s:
            raise SpentError("the time of this run is over")

    def spend(self) -> None:
        """Ask once more.

        Raises:
            SpentError: that is too much.
        """
        self.check_time()
        if self._left <= 0:
            raise SpentError("this run may ask no more")
        self._left -= 1
        self._on_question()


@dataclass
class Answers:
    """What a provider said in one run.

    Attributes:
        truths: by the object that was asked about; None where there is none.
        is_complete: whether everything was asked, and every movement read.
        problem: why not; empty if it is.
        may_retry: whether the next run may do better without any change.
        note: what a person should know although all went well; may be empty.
    """

    truths: dict[str, Truth | None] = field(default_factory=dict)
    is_complete: bool = False
    problem: str = ""
    may_retry: bool = False
    note: str = ""


def ask(
    provider: Provider,
    account: ProviderAccount,
    objects: Iterable[str],
    since: datetime,
    budget: Budget,
) -> Answers:
    """Ask about some objects, and then about all that moved.

    What was answered before an error is among the answers.

    Args:
        provider: opened for that account.
        account: as the rule book states it.
        objects: to ask about first, in this order.
        since: from when on movements are wanted.
        budget: of the run.
    """
    answers = Answers()
    try:
        _check_whose(provider, account, answers)
        if answers.problem:
            return answers
        for object_id in objects:
            _ask_once(provider, object_id, answers, budget)
        for object_id in provider.since(since):
            budget.check_time()
            _ask_once(provider, object_id, answers, budget)
        answers.is_complete = True
    except SpentError as error:
        answers.problem, answers.may_retry = f"{error}; the next one goes on", True
    except ProviderError as error:
        answers.problem = str(error) + (f" ({error.hint})" if error.hint else "")
        answers.may_retry = isinstance(error, UnreachableProviderError)
    return answers


def _check_whose(provider: Provider, account: ProviderAccount, answers: Answers) -> None:
    who = provider.whose()
    if (who.account, who.mode) != (account.account, account.mode):
        answers.problem = (
            f"its key is of the account {who.account} in {who.mode} mode, and rules/writers.toml"
            f" names {account.account} in {account.mode} mode"
        )
    if account.kind == "stripe" and set(who.can) - {"read"}:
        more = ", ".join(ability for ability in who.can if ability != "read")
        answers.note = f"its key may do more than read: {more}; a key that reads is enough"


def _ask_once(provider: Provider, object_id: str, answers: Answers, budget: Budget) -> None:
    """Ask about an object, unless it belongs to a payment that was asked about."""
    if not object_id or object_id in answers.truths:
        return
    budget.spend()
    truth = provider.truth(object_id)
    answers.truths[object_id] = truth
    if truth is None:
        return
    for name in (truth.object_id, *(fact.external_ref for fact in truth.facts)):
        answers.truths.setdefault(name, truth)
