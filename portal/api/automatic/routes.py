"""The routes of automatic payments and saved cards."""

from http import HTTPStatus
from typing import Final

from portal.access import scopes
from portal.access.scopes import ROLES
from portal.api.automatic import cards, forms, listing
from portal.api.automatic.consent import consent
from portal.api.automatic.settling import switch_off
from portal.api.automatic.state import auto_topup
from portal.api.models.topups import TopUp
from portal.api.route import Route

_NOT_HERE: Final = "not-offered, or cards-not-offered"

AUTOMATIC_ROUTES: Final = (
    Route(
        "GET",
        "/v1/auto-topup",
        "Where automatic payments stand, and why nothing is charged",
        auto_topup,
        forms.AutoTopupState,
        scopes.PAYMENTS,
        waits=True,
    ),
    Route(
        "POST",
        "/v1/auto-topup/consent",
        "Begin a payment at which a card is saved",
        consent,
        TopUp,
        scopes.TOPUPS,
        waits=True,
        body=forms.ConsentWanted,
        status=HTTPStatus.CREATED,
        problems={
            HTTPStatus.NOT_FOUND: _NOT_HERE,
            HTTPStatus.CONFLICT: "auto-topup-off",
            HTTPStatus.TOO_MANY_REQUESTS: "the limits of the till",
        },
    ),
    Route(
        "DELETE",
        "/v1/auto-topup",
        "Switch automatic payments off",
        switch_off,
        None,
        scopes.SETTINGS,
        status=HTTPStatus.NO_CONTENT,
        takes_back=True,
    ),
    Route(
        "GET",
        "/v1/cards",
        "The cards that are saved",
        cards.cards,
        forms.KeptCards,
        scopes.PAYMENTS,
        waits=True,
        problems={HTTPStatus.NOT_FOUND: _NOT_HERE},
    ),
    Route(
        "DELETE",
        "/v1/cards/{account}/{method}",
        "Save a card no longer",
        cards.remove,
        None,
        scopes.TOPUPS,
        waits=True,
        status=HTTPStatus.NO_CONTENT,
        problems={HTTPStatus.NOT_FOUND: _NOT_HERE},
        takes_back=True,
    ),
)
STAFF_AUTOMATIC_ROUTES: Final = (
    Route(
        "GET",
        "/v1/auto-topups",
        "Accounts that want automatic payments, and where each stands",
        listing.standings,
        forms.StandingPage,
        scopes.STAFF,
        query=forms.StandingsWanted,
        roles=frozenset(ROLES),
    ),
    Route(
        "GET",
        "/v1/accounts/{user}/auto-topup",
        "Where automatic payments of an account stand",
        listing.of_one,
        forms.AutoTopupStanding,
        scopes.STAFF,
        roles=frozenset(ROLES),
    ),
)
"""Of staff alone."""
