"""The cards that the provider keeps for an account, as its till says."""

from typing import Annotated, Final

import msgspec

from portal.api.automatic.forms import KeptCard, KeptCards
from portal.api.automatic.till import ask_till, tell_till
from portal.api.problems import not_found
from portal.api.request import Asked

_SHORT: Final = 255
_Text = Annotated[str, msgspec.Meta(max_length=_SHORT)]


class _CardOfTill(msgspec.Struct, frozen=True):
    account: _Text
    method: _Text
    brand: _Text
    last4: _Text
    expires: _Text


class _CardsOfTill(msgspec.Struct, frozen=True):
    cards: list[_CardOfTill]


class _RemovedByTill(msgspec.Struct, frozen=True):
    removed: bool


def cards(asked: Asked) -> KeptCards:
    """List the cards that the provider keeps for the account: its numbers are with nobody else."""
    found = ask_till(asked.portal, "/cards", _CardsOfTill, user=asked.holder.user)
    return KeptCards(cards=[KeptCard(**msgspec.structs.asdict(each)) for each in found.cards])


def remove(asked: Asked) -> None:
    """Have the provider keep a card no longer: it cannot be charged any more."""
    order = {"user": asked.holder.user, **asked.path}
    if not tell_till(asked.portal, "/cards/remove", order, _RemovedByTill).removed:
        raise not_found()
