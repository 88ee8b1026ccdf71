"""Settling everything of an account before it charges: in a new home, and in each new epoch of one.

What this home knew of its attempts may be lost, and its lines may be those of a machine that died.
So each attempt that is open by the lines is looked up at the provider, and automatic charges that
belong to none of them are canceled.
"""

from collections import defaultdict
from datetime import datetime, timedelta

import structlog

from gitmeter.money.topups.attempts import is_automatic
from gitmeter.support.errors import GitmeterError, with_hint
from providers.cards import CardCharge, CardProvider, ChargeStatus
from till.cards.card_account import cards_of
from till.charging.carrying import Carrying, is_settled
from till.charging.deciding import CLOCKS_APART_S, LIST_BACK
from till.charging.pushing import Pushes
from till.charging.steps import CAN_BE_CANCELED
from till.config.accounts import TillAccount
from till.intake.till import Till
from till.records.attempts import AttemptKey
from till.records.lines import LineKey
from wire_format.fields import epoch_of
from wire_format.instants import from_us

_log = structlog.get_logger()
NOT_OURS = "was charged automatically, and no line of this till began it"


def settle_all(till: Till, pusher: Pushes) -> None:
    """Settle every account that was not settled in this epoch; what cannot be is tried again."""
    epoch = epoch_of(till.spool.store.state().next_seq)
    for account in till.accounts.by_name.values():
        if is_settled(till, account.name):
            continue
        try:
            settle(till, pusher, account)
        except GitmeterError as error:
            _log.warning("not settled", account=account.name, why=with_hint(error))
            continue
        till.charging.note_settled(account.name, epoch, till.clock())
        _log.info("settled", account=account.name, epoch=epoch)


def settle(till: Till, pusher: Pushes, account: TillAccount) -> None:
    """Look every open attempt up, and cancel automatic charges of no attempt.

    Raises:
        GitmeterError: one of them cannot be settled now.
    """
    with till.spool.store.exclusive():
        till.lines.follow(till.spool)
    keys = till.attempts.open(account.name)
    with cards_of(account) as provider:
        found: dict[str, list[CardCharge]] = defaultdict(list)
        for charge in provider.charges(None, _since(till, keys)):
            if charge.attempt is not None and is_automatic(charge.attempt):
                found[charge.attempt].append(charge)
        for key in keys:
            Carrying(till, pusher, account, provider, key).run(found.pop(key.attempt, []))
        for charges in found.values():
            for charge in charges:
                _settle_other(till, account, provider, charge)


def _since(till: Till, keys: list[AttemptKey]) -> datetime:
    """When the earliest charge that matters was created."""
    lines = till.lines.find([LineKey(key.provider, "pending", key.attempt) for key in keys])
    began = min((from_us(line.ts_us) for line in lines.values()), default=till.clock())
    return min(till.clock() - LIST_BACK, began - timedelta(seconds=CLOCKS_APART_S))


def _settle_other(
    till: Till, account: TillAccount, provider: CardProvider, charge: CardCharge
) -> None:
    """Cancel an automatic charge of an attempt that is not open, or tell a person of it."""
    if charge.status in CAN_BE_CANCELED:
        _log.warning("automatic charge of no attempt", charge=charge.object_id)
        charge = provider.cancel(charge.object_id)
    if charge.status in {ChargeStatus.PAID, ChargeStatus.PROCESSING}:
        line = LineKey(account.name, "pending", charge.attempt or "")
        faults = [] if till.lines.find([line]) else [(charge.object_id, NOT_OURS)]
        till.marks.settle(account.name, [charge.object_id], faults, till.clock())
