"""What may be settled about automatic payments, and switching them off."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Final

from aggregator.ledger.rule_book import rule_book_in_force
from gitmeter.money.topups.judging import TopupStop
from gitmeter.money.topups.settled import SETTINGS_OF_TOPUPS, AutoTopup
from portal.access.holders import settled_about
from portal.access.scopes import TOPUPS
from portal.api.automatic.standing import standing_here
from portal.api.models.settings import SettingsWanted
from portal.api.problems import ProblemError, forbidden, invalid
from portal.api.request import Asked
from wire_format.instants import to_us
from wire_format.money import NANO, format_usd, parse_nano
from wire_format.writers import ConsentLimits

_AMOUNT, _BELOW, _MONTH = SETTINGS_OF_TOPUPS
_CENT_NANO: Final = NANO // 100
_OFF: Final = {_AMOUNT: format_usd(0)}


def stated_topup(asked: Asked, wanted: SettingsWanted) -> Mapping[str, str]:
    """What a line would state about automatic payments, each amount in its one spelling.

    What is settled about them is one thing, so it is stated as a whole, or that it is off.

    Raises:
        ProblemError: it cannot be settled, or the key does not open payments.
    """
    texts = {name: getattr(wanted, name) for name in SETTINGS_OF_TOPUPS}
    given = {name: text for name, text in texts.items() if text is not None}
    if not given:
        return {}
    if set(given) == {_AMOUNT} and parse_nano(given[_AMOUNT]) == 0:
        return _OFF
    if missing := [name for name in SETTINGS_OF_TOPUPS if name not in given]:
        raise invalid(*(f"{name}: goes with the other two of auto_topup" for name in missing))
    if not asked.holder.may(TOPUPS):
        raise forbidden(TOPUPS)
    found = AutoTopup.of_texts(given[_AMOUNT], given[_BELOW], given[_MONTH])
    if faults := [*_faults(found, _limits(asked))]:
        raise invalid(*faults)
    return dict(zip(SETTINGS_OF_TOPUPS, found.texts, strict=True))


def has_to_be_stated(asked: Asked, stated: Mapping[str, str], before: Mapping[str, str]) -> bool:
    """Whether a line has to state automatic payments: they are settled otherwise, or anew.

    After too many failures the same words again are a new start.

    Args:
        asked: the request.
        stated: what would be stated about them.
        before: all that is settled.
    """
    if not stated:
        return False
    if stated == _OFF:
        return _is_on(before)
    if any(before.get(name) != text for name, text in stated.items()):
        return True
    return standing_here(asked).stop is TopupStop.FAILED


def switch_off(asked: Asked) -> None:
    """Switch automatic payments off: no card is charged any more, whatever was agreed to.

    What was begun already may still be paid. It can be done at any time, by an old ledger too.
    """
    desk, user = asked.portal.desk, asked.holder.user
    with desk.exclusive():
        before = settled_about(asked.store, desk.unbilled, user, desk.spool.now()).settings
        is_on = _is_on(before)
        if is_on:
            desk.record([desk.new_line("setting", user, asked.by, **_OFF)])
    if is_on:
        asked.portal.wake()


def _is_on(settings: Mapping[str, str]) -> bool:
    """Whether the last word about the amount was another one than zero."""
    return parse_nano(settings.get(_AMOUNT, "0")) != 0


def _limits(asked: Asked) -> ConsentLimits:
    """Most that any till may let a customer agree to, as the books have it now.

    Raises:
        ProblemError: none may.
    """
    writers, now_us = rule_book_in_force(asked.store).writers, to_us(asked.now)
    rules = (writers.till_at(node, now_us) for node in {till.node for till in writers.tills})
    found = [each.consents for each in rules if each is not None and each.consents is not None]
    if not found:
        status, detail = HTTPStatus.UNPROCESSABLE_ENTITY, "automatic payments are not offered"
        raise ProblemError("not-offered", status, detail)
    return max(found)


def _faults(wanted: AutoTopup, most: ConsentLimits) -> Iterator[str]:
    if not 0 < wanted.amount_nano <= most.amount_max_nano:
        yield f"{_AMOUNT}: must be more than 0, and at most {format_usd(most.amount_max_nano)}"
    elif wanted.amount_nano % _CENT_NANO:
        yield f"{_AMOUNT}: must be a whole number of cents"
    if wanted.month_nano > most.month_max_nano:
        yield f"{_MONTH}: must be at most {format_usd(most.month_max_nano)}"
    elif wanted.month_nano < wanted.amount_nano:
        yield f"{_MONTH}: must be at least what one payment is"
