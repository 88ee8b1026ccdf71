"""Carrying one attempt on, step by step, from whatever is on disk of it.

Each step is on disk before the next one is taken. Where the process dies in between, the same is
asked and done again: the provider is always looked at first.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import structlog

from front.pusher import NotPushedError
from gitmeter.money.topups.attempts import NOT_TRIED, PAID_OTHERWISE
from providers.cards import CardCharge, CardProvider, ChargeOrder, ChargeStatus
from providers.consents import CardOwner
from providers.interface import RefusedByProviderError
from providers.tag import Promise, make_tag
from till.charging.card import rivals
from till.charging.deciding import CLOCKS_APART_S, LIST_BACK
from till.charging.pushing import Pushes
from till.charging.steps import CAN_BE_CANCELED, AttemptStep, Held, NextStep, next_step, the_charge
from till.config.accounts import TillAccount
from till.intake.intake import end_attempt, printable
from till.intake.till import Till
from till.records.attempts import AttemptKey, AttemptRow
from till.records.lines import KnownLine, LineKey
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.fields import epoch_of
from wire_format.instants import from_us, to_us

_log = structlog.get_logger()
PUSH_WAIT_S: Final = 20
_STEPS_MAX: Final = 12
"""Of an attempt in one go: more than it can take, but for a provider that changes its mind."""

_AT_PROVIDER: Final = frozenset(
    {AttemptStep.LOOK, AttemptStep.CREATE, AttemptStep.CONFIRM, AttemptStep.ASK, AttemptStep.CANCEL}
)
_NOT_ASKED: Final = 0
_OF_CARD: Final = frozenset(
    {_NOT_ASKED, HTTPStatus.BAD_REQUEST, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.NOT_FOUND}
)
"""Refusals that are about the card, or an amount that none can be charged, for which nobody is
asked; others (a key without the right) are about this till."""


def is_settled(till: Till, account: str) -> bool:
    """Whether everything of an account was settled in this epoch of the home."""
    epoch = epoch_of(till.spool.store.state().next_seq)
    return till.charging.settled_at(account, epoch) is not None


class Carrying:
    """One attempt, being carried on.

    Args:
        till: the till.
        pusher: pushes its lines.
        account: whose charge it is.
        provider: of the account.
        key: which attempt.
    """

    def __init__(
        self,
        till: Till,
        pusher: Pushes,
        account: TillAccount,
        provider: CardProvider,
        key: AttemptKey,
    ) -> None:
        self._till = till
        self._pusher = pusher
        self._account = account
        self._provider = provider
        self._key = key
        self._found: Sequence[CardCharge] | None = None

    def run(self, found: Sequence[CardCharge] | None = None) -> NextStep:
        """Carry it on until it waits or is over; returns the last step.

        Args:
            found: its charges, where the provider was just asked.

        Raises:
            NotPushedError: its line is not on the remote.
            ProviderError: the provider did not answer, or refuses what is not about the card.
            SpoolError, MemoryFileError: it cannot be written down.
        """
        self._found = found
        done = NextStep(AttemptStep.WAIT)
        for _ in range(_STEPS_MAX):
            pending = self._pending()
            row = self._till.attempts.row(self._key) or self._adopted(pending)
            stopped = self._till.charging.stopped() is not None
            may_charge = not stopped and is_settled(self._till, self._key.provider)
            now_us = to_us(self._till.clock())
            done = next_step(_held(row, pending), self._found, now_us, is_stopped=not may_charge)
            if done.step is AttemptStep.WAIT:
                break
            self._take(done, row, pending)
            if done.step in {AttemptStep.FORGET, AttemptStep.END, AttemptStep.PAID}:
                _log.info("attempt", attempt=self._key.attempt, step=done.step.name, **_why(done))
                break
        return done

    def _take(self, done: NextStep, row: AttemptRow, pending: KnownLine | None) -> None:
        if done.step in _AT_PROVIDER:
            self._ask(done, row)
            return
        attempts, key = self._till.attempts, self._key
        match done.step:
            case AttemptStep.FORGET:
                attempts.forget(key)
            case AttemptStep.PUSH:
                self._pusher.push(PUSH_WAIT_S)
                self._check_committed(pending)
                attempts.note_pushed(key, self._till.clock())
            case AttemptStep.NAME:
                self._name()
            case AttemptStep.END if pending is not None:
                attempts.note_reason(key, printable(done.reason))
                if end_attempt(self._till, pending, printable(done.reason)):
                    self._pusher.wake()
            case AttemptStep.PAID:
                attempts.note_paid(key, self._paid_at(row))

    def _check_committed(self, pending: KnownLine | None) -> None:
        """Pushing leaves in the spool what is ahead of a clock that was set back.

        Raises:
            NotPushedError: the line is.
        """
        if pending is not None and pending.ts_us > to_us(self._till.clock()):
            raise NotPushedError("its line is ahead of this machine's clock")

    def _paid_at(self, row: AttemptRow) -> datetime:
        """When it was paid, as far as that is known: now, or when a lost one was created."""
        charge = the_charge(self._found or ())
        is_lost = row.posted_us == 0
        return charge.created_at if is_lost and charge is not None else self._till.clock()

    def _ask(self, done: NextStep, row: AttemptRow) -> None:
        attempts, key = self._till.attempts, self._key
        match done.step:
            case AttemptStep.LOOK:
                self._found = self._looked(row)
            case AttemptStep.CREATE:
                self._create(row)
            case AttemptStep.CONFIRM if self._has_rival(row):
                _log.warning("another till charges the same card", attempt=key.attempt)
                attempts.note_reason(key, NOT_TRIED)
            case AttemptStep.CONFIRM:
                self._charge(row, self._provider.confirm)
            case AttemptStep.ASK:
                url = self._confirm_url
                self._charge(row, lambda name: self._provider.confirm_with_customer(name, url))
                attempts.note_asked(key, self._till.clock())
            case AttemptStep.CANCEL:
                attempts.note_reason(key, printable(done.reason))
                self._found = [self._provider.cancel(row.payment or "")]

    def _has_rival(self, row: AttemptRow) -> bool:
        """Whether another automatic charge of the customer is there, since ours was created."""
        charges = self._provider.charges(row.customer, self._till.clock() - LIST_BACK)
        others = (each for each in charges if each.attempt != self._key.attempt)
        return rivals(others, self._till.clock())

    def _is_paid_otherwise(self, row: AttemptRow) -> bool:
        """Whether the customer paid by himself while his bank waited for his word.

        What he pays by is another payment for the same need: the first must not be paid any more.
        """
        began_at = from_us(row.made_us)
        # a page that was opened before may be paid afterwards
        charges = self._provider.charges(row.customer, began_at - timedelta(seconds=CLOCKS_APART_S))
        for each in charges:
            is_other = each.is_tagged and each.attempt != self._key.attempt
            if is_other and each.status is ChargeStatus.PAID:
                truth = self._provider.truth(each.object_id)
                if truth is not None and any(fact.at > began_at for fact in truth.facts):
                    return True
        return False

    @property
    def _confirm_url(self) -> str:
        charge = self._till.config.charge
        return "" if charge is None else charge.confirm_url

    def _pending(self) -> KnownLine | None:
        with self._till.spool.store.exclusive():
            self._till.lines.follow(self._till.spool)
        line = LineKey(self._key.provider, "pending", self._key.attempt)
        return self._till.lines.find([line]).get(line)

    def _adopted(self, pending: KnownLine | None) -> AttemptRow:
        """A row for an attempt whose own was lost: nothing is charged by it any more."""
        user, amount = ("", "0") if pending is None else (pending.user, pending.amount)
        made_us = 0 if pending is None else pending.ts_us
        row = AttemptRow(self._key, user, amount, "", "", "", 0, made_us, made_us)
        self._till.attempts.add(row)
        return row

    def _looked(self, row: AttemptRow) -> list[CardCharge]:
        if row.payment is not None:
            if row.asked_us is not None and row.reason is None and self._is_paid_otherwise(row):
                self._till.attempts.note_reason(self._key, PAID_OTHERWISE)
            charge = self._provider.charge(row.payment)
            return [] if charge is None else [charge]
        since = from_us(row.made_us) - timedelta(seconds=CLOCKS_APART_S)
        charges = self._provider.charges(row.customer or None, since)
        return [each for each in charges if each.attempt == self._key.attempt]

    def _create(self, row: AttemptRow) -> None:
        promise = Promise(
            user=row.user,
            credited_usd=row.amount,
            currency=CURRENCY_DEFAULT,
            amount=row.amount,
            at=from_us(row.made_us),
            nonce=row.nonce,
        )
        order = ChargeOrder(
            card=CardOwner(row.customer, row.method),
            attempt=self._key.attempt,
            usd=row.amount,
            amount=row.amount,
            currency=CURRENCY_DEFAULT,
            tag=make_tag(self._account.tag_key, self._account.name, promise),
        )
        try:
            self._found = [self._provider.create_charge(order)]
        except RefusedByProviderError as error:
            self._give_up(error)

    def _name(self) -> None:
        """Note which charge is the attempt's, and let nothing come of others with its name."""
        charge = the_charge(self._found or ())
        if charge is None:
            return
        for other in self._found or ():
            if other.object_id != charge.object_id and other.status in CAN_BE_CANCELED:
                self._provider.cancel(other.object_id)
        self._found = [charge]
        self._till.attempts.note_payment(self._key, charge.object_id)

    def _charge(self, row: AttemptRow, ask: Callable[[str], CardCharge]) -> None:
        try:
            self._found = [ask(row.payment or "")]
        except RefusedByProviderError as error:
            self._give_up(error)
            self._found = None  # what became of it is for the provider to say

    def _give_up(self, error: RefusedByProviderError) -> None:
        """Note why an attempt is given up: of the card, if it is about that.

        Raises:
            RefusedByProviderError: it is not, and may work later.
        """
        if error.status not in _OF_CARD:
            raise error
        _log.warning("charge refused", attempt=self._key.attempt, why=str(error))
        self._till.attempts.note_reason(self._key, printable(error.code or "refused"))


def _held(row: AttemptRow, pending: KnownLine | None) -> Held:
    return Held(
        posted_us=row.posted_us,
        made_us=row.made_us,
        is_written=pending is not None,
        is_pushed=row.pushed_us is not None,
        payment=row.payment,
        is_asked=row.asked_us is not None,
        reason=row.reason,
    )


def _why(done: NextStep) -> dict[str, str]:
    return {"reason": done.reason} if done.reason else {}
