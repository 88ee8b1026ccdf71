"""Charging the card of an account that is due, and going on with what was begun.

One account after the other, and one attempt of an account at a time. What cannot be done about one
of them is logged and tried again, and holds up no other.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from front.pusher import NotPushedError
from gitmeter.money.topups.attempts import attempt_name
from gitmeter.money.topups.judging import TopupStop
from gitmeter.money.topups.settled import AutoTopup
from gitmeter.support.errors import GitmeterError, with_hint
from node_pusher.spool.drafts import UNNUMBERED
from providers.cards import CardProvider
from providers.consents import CardOwner
from providers.tag import Promise, read_customer_tag, read_tag
from till.cards.card_account import cards_of
from till.charging.card import CardCase, card_fault, look_at
from till.charging.carrying import PUSH_WAIT_S, Carrying, is_settled
from till.charging.deciding import LIST_BACK, DueCase, NotNow, decide
from till.charging.pushing import Pushes
from till.config.accounts import TillAccount
from till.config.charge import ChargeTable
from till.intake.intake import write
from till.intake.missing import pending_line
from till.intake.till import Till
from till.records.attempts import AttemptKey, AttemptRow
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.instants import to_us
from wire_format.money import NANO, format_usd
from wire_format.posts.topup_due import AccountBelow

_log = structlog.get_logger()
_HOUR: Final = timedelta(hours=1)
_LOOK_FIRST: Final = timedelta(seconds=30)
_LOOK_LONGEST: Final = timedelta(minutes=10)
_NONCE_BYTES: Final = 8

Stop = NotNow | TopupStop


class Due(NamedTuple):
    """An account that is said to be due.

    Attributes:
        account: what was said of it.
        posted_at: when the ledger was read.
        seen: by the node of each till the highest number of its lines that was billed.
    """

    account: AccountBelow
    posted_at: datetime
    seen: Mapping[str, int]

    @property
    def wanted(self) -> AutoTopup:
        """What the customer settled."""
        of = self.account
        return AutoTopup.of_texts(of.amount_usd, of.below_usd, of.month_usd)


class CardCharger:
    """Charges cards; for one thread.

    Args:
        till: a till with `[charge]`.
        limits: what its configuration says of charging.
        pusher: pushes its lines.
        is_ending: whether nothing new is begun any more.
    """

    def __init__(
        self,
        till: Till,
        limits: ChargeTable,
        pusher: Pushes,
        is_ending: Callable[[], bool] = lambda: False,
    ) -> None:
        self._till = till
        self._fuse = limits.fuse
        self._pusher = pusher
        self._is_ending = is_ending
        self._look_at: dict[AttemptKey, datetime] = {}

    def take(self, due: Due) -> Stop | None:
        """Charge the card of an account, if that may be done now; why not, None if it was tried.

        Raises:
            GitmeterError: the provider or the remote does not answer, or it cannot be written down;
                what was begun is gone on with by `resume`.
        """
        account = self._till.accounts.by_name.get(due.account.provider)
        if account is None:
            return NotNow.NO_ACCOUNT
        with self._till.spool.store.exclusive():
            self._till.lines.follow(self._till.spool)
        stop = self._judge(account, due)
        if (
            stop is not None and stop is not NotNow.FUSE
        ):  # only a card that would be charged blows it
            return stop
        with cards_of(account) as provider:
            card = self._verified(account, provider, due)
            if isinstance(card, NotNow):
                return card
            if self._is_in_question(provider, due, card.customer):
                return NotNow.AT_PROVIDER
            self._pusher.push(PUSH_WAIT_S)  # no line is written while the remote takes none
            key = self._begin(account, due, card)
            if isinstance(key, AttemptKey):
                Carrying(self._till, self._pusher, account, provider, key).run()
                return None
        if key is NotNow.FUSE:
            self._stop()
        return key

    def resume(self, *, is_start: bool = False) -> None:
        """Go on with every attempt that is open.

        Args:
            is_start: whether to look at all of them now; else at each once in a while, less often
                the longer it has waited.
        """
        self._look_at = {
            key: at for key, at in self._look_at.items() if at > self._till.clock() - _HOUR
        }
        for account in self._till.accounts.by_name.values():
            with self._till.spool.store.exclusive():
                self._till.lines.follow(self._till.spool)
            for key in self._till.attempts.open(account.name):
                if self._is_ending():
                    return
                if is_start or self._is_looked_at(key):
                    self.carry_on(account, key)

    def carry_on(self, account: TillAccount, key: AttemptKey) -> bool:
        """Go on with an attempt, whatever is wrong with it; whether nothing was."""
        try:
            with cards_of(account) as provider:
                Carrying(self._till, self._pusher, account, provider, key).run()
        except NotPushedError as error:
            _log.info("attempt waits", attempt=key.attempt, why=str(error))
            return False
        except GitmeterError as error:
            _log.warning("attempt waits", attempt=key.attempt, why=with_hint(error))
            return False
        except Exception:  # noqa: BLE001 - one bad attempt holds up no other
            _log.exception("attempt waits", attempt=key.attempt)
            return False
        return True

    def _is_looked_at(self, key: AttemptKey) -> bool:
        now, row = self._till.clock(), self._till.attempts.row(key)
        if now < self._look_at.get(key, now) <= now + _LOOK_LONGEST:  # later: the clock was ahead
            return False
        waited = timedelta() if row is None else timedelta(microseconds=to_us(now) - row.made_us)
        self._look_at[key] = now + min(max(waited // 10, _LOOK_FIRST), _LOOK_LONGEST)
        return True

    def _judge(self, account: TillAccount, due: Due) -> Stop | None:
        till, user, now = self._till, due.account.user, self._till.clock()
        case = DueCase(
            posted_us=to_us(due.posted_at),
            is_stopped=till.charging.stopped() is not None,
            is_settled=is_settled(till, account.name),
            wanted=due.wanted,
            balance_nano=_signed_nano(due.account.balance_usd),
            seen_seq=due.seen.get(till.spool.node, 0),
            last_seq=till.attempts.last_seq(user),
            attempts=till.attempts.of_user(user),
            begun=till.attempts.begun_since(now - _HOUR),
            limits=self._fuse,
        )
        return decide(case, to_us(now))

    def _verified(
        self, account: TillAccount, provider: CardProvider, due: Due
    ) -> CardOwner | NotNow:
        """The card of the payment that a post names, as far as it may be charged."""
        truth = provider.truth(due.account.payment)
        customer = None if truth is None or truth.card is None else truth.card.customer
        owner_tag = None if customer is None else provider.customer_tag(customer)
        tag = None if truth is None else truth.tag
        key = account.tag_key
        case = CardCase(
            user=due.account.user,
            wanted=due.wanted,
            mode=self._till.config.mode,
            payment=due.account.payment,
            truth=truth,
            promise=None if tag is None else read_tag(key, account.name, tag),
            owner=None if owner_tag is None else read_customer_tag(key, account.name, owner_tag),
        )
        fault = card_fault(case)
        if fault or truth is None or truth.card is None:
            _log.warning("card not charged", user=due.account.user, why=fault)
            return NotNow.CARD
        return truth.card

    def _is_in_question(self, provider: CardProvider, due: Due, customer: str) -> bool:
        """Whether the provider has anything that the ledger does not know of."""
        since = self._till.clock() - LIST_BACK
        found = look_at(provider.charges(customer, since), due.account.paid)
        for stray in found.strays:
            _log.warning("automatic charge of no attempt", charge=stray.object_id)
            provider.cancel(stray.object_id)
        return found.is_in_question

    def _begin(self, account: TillAccount, due: Due, card: CardOwner) -> AttemptKey | Stop:
        """Write down that a card is to be charged, unless something has come between."""
        till, user = self._till, due.account.user
        with till.spool.store.exclusive():
            till.lines.follow(till.spool)
            if (stop := self._judge(account, due)) is not None:
                return stop
            at, nonce = till.line_time(), secrets.token_hex(_NONCE_BYTES)
            key = AttemptKey(account.name, attempt_name(user, nonce))
            amount = due.account.amount_usd
            posted_us, made_us = to_us(due.posted_at), to_us(at)
            row = AttemptRow(
                key, user, amount, card.customer, card.method, nonce, posted_us, made_us
            )
            till.attempts.add(row)
            line = pending_line(
                node=till.spool.node,
                seq=UNNUMBERED,
                at=at,
                provider=account.name,
                promise=Promise(user, amount, CURRENCY_DEFAULT, amount, at, nonce),
                attempt=key.attempt,
            )
            write(till, [line])
        _log.info("attempt begins", attempt=key.attempt)
        return key

    def _stop(self) -> None:
        words = (
            f"more than {self._fuse.hour_max} automatic payments, or than"
            f" {format_usd(self._fuse.hour_max_nano)} USD by them, were due within an hour"
        )
        self._till.charging.stop(words, self._till.clock())
        _log.error("stopped", why=words, hint="look whose they are, then `till start-again`")


def _signed_nano(usd: str) -> int:
    """A balance, which may have more digits than a line's amount."""
    whole, _, decimals = usd.lstrip("-").partition(".")
    nano = int(whole) * NANO + int(decimals.ljust(9, "0"))
    return -nano if usd.startswith("-") else nano
