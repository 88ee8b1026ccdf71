"""Offering a checkout: what is promised is on disk, and where needed on the remote, before it is.

A provider that keeps tags gets the promise signed, on the payment itself. Where it keeps none, the
promise is a `pending` line that the aggregator can see before anybody can pay.
"""

import hashlib
import hmac
import secrets
import time
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from front.pusher import NotPushedError, Pusher
from gitmeter.support.errors import GitmeterError
from node_pusher.spool.drafts import UNNUMBERED
from providers.cards import CardProvider
from providers.consents import ConsentTerms
from providers.interface import Checkout, Order, Provider, RefusedByProviderError
from providers.tag import Promise, make_tag
from till.cards.customers import customer_for, customer_of
from till.checkout.amounts import amount_minor, rate_nano, step_of
from till.checkout.asked import CheckoutBody, check_body, check_consent, choose_account
from till.checkout.limits import paid, refusal
from till.checkout.problems import bad_request, not_now, not_offered
from till.config.accounts import TillAccount
from till.intake.intake import write
from till.intake.missing import pending_line
from till.intake.till import Till
from till.records.checkouts import OpenedCheckout
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.money import NANO, format_usd, parse_nano

EXPIRES_S: Final = 3600
PUSH_WAIT_S: Final = 20
"""Within the time of one request."""

PROMPT_PAUSE_S: Final = 2
"""A prompt is a payment from the moment it is sent, and counts only if that is after the commit of
its promise: so much may the provider's clock be behind this machine's."""

_ATTEMPT_CHARS_MAX: Final = 128
_REFERENCE_CHARS: Final = 20
_REFERENCE_ALPHABET: Final = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"
_NONCE_BYTES: Final = 8


class Offer(NamedTuple):
    """A checkout that a customer may use now.

    Attributes:
        url: the page to send him to; None for a prompt.
        attempt: names it.
        expires_at: from then on it is not open any more.
        usd: the credit that it promises.
        amount: what is to be paid.
        currency: of `amount`.
    """

    url: str | None
    attempt: str
    expires_at: datetime
    usd: str
    amount: str
    currency: str


def offer(till: Till, pusher: Pusher, asked: CheckoutBody) -> Offer:
    """Offer a checkout.

    Args:
        till: the till.
        pusher: pushes the line of a promise.
        asked: what is asked for.

    Raises:
        CheckoutProblemError: it is refused, or cannot be offered now.
        GitmeterError: it cannot be written down.
    """
    usd_nano, terms = check_body(till.config, asked), check_consent(till.config, asked)
    account = till.accounts.named(choose_account(till.config, asked).name)
    now = till.line_time()
    try:
        with account.provider() as provider:
            if terms is not None and not isinstance(provider, CardProvider):
                raise not_offered()
            amount = _amount(till, provider, asked.currency, usd_nano, now)
            promise = _promise(asked, usd_nano, amount, now)
            attempt = _open(till, account, asked, promise, usd_nano)
            made = _begin(till, pusher, provider, account, _Wanted(asked, promise, attempt, terms))
    except RefusedByProviderError as error:
        raise bad_request(
            "refused", f"the provider refuses it: {error.code or 'no reason'}"
        ) from error
    return Offer(made.url, attempt, made.expires_at, promise.credited_usd, amount, asked.currency)


class _Wanted(NamedTuple):
    asked: CheckoutBody
    promise: Promise
    attempt: str
    terms: ConsentTerms | None


def _amount(till: Till, provider: Provider, currency: str, usd_nano: int, now: datetime) -> str:
    """What is charged, in decimal text."""
    config = till.config
    units_nano = NANO
    if currency != CURRENCY_DEFAULT:
        units_nano = rate_nano(config.rate, currency, now, config.rates_max_age)
    minor_per_unit = provider.to_minor("1", currency)
    minor = amount_minor(usd_nano, units_nano, minor_per_unit, step_of(provider, currency))
    if currency == CURRENCY_DEFAULT and minor * NANO != usd_nano * minor_per_unit:
        raise bad_request("bad-amount", "usd: is not a whole number of cents")
    return provider.from_minor(minor, currency)


def _promise(asked: CheckoutBody, usd_nano: int, amount: str, now: datetime) -> Promise:
    nonce = secrets.token_hex(_NONCE_BYTES)
    return Promise(asked.user, format_usd(usd_nano), asked.currency, amount, now, nonce)


def _open(
    till: Till, account: TillAccount, asked: CheckoutBody, promise: Promise, usd_nano: int
) -> str:
    """Note the checkout if the customer may have another one; returns the name of the attempt.

    The spool's lock makes one of two requests at once see the other one.
    """
    number = _hashed(account, asked.phone)
    expires_at = promise.at + timedelta(seconds=EXPIRES_S)
    with till.spool.store.exclusive():
        till.lines.follow(till.spool)
        earlier = till.checkouts.earlier(asked.user, number, promise.at)
        before = paid(till.lines.payments_of(asked.user))
        first_week_nano = parse_nano(till.config.first_week_usd)
        refused = refusal(usd_nano, earlier, before, first_week_nano, promise.at)
        if refused is not None:
            raise refused
        attempt = _attempt(account, asked.user, promise)
        wanted = OpenedCheckout(
            account.name, attempt, asked.user, usd_nano, promise.at, expires_at, number
        )
        till.checkouts.open(wanted)
        if not account.is_tagged:
            line = pending_line(
                node=till.spool.node,
                seq=UNNUMBERED,
                at=promise.at,
                provider=account.name,
                promise=promise,
                attempt=attempt,
            )
            write(till, [line])
    return attempt


def _begin(
    till: Till, pusher: Pusher, provider: Provider, account: TillAccount, wanted: _Wanted
) -> Checkout:
    """Push the promise where it is a line, and have the provider make the page or the prompt."""
    asked, promise, attempt, terms = wanted
    tag = ""
    if account.is_tagged:
        tag = make_tag(account.tag_key, account.name, promise)
    order = Order(
        user=asked.user,
        usd=promise.credited_usd,
        amount=promise.amount,
        currency=promise.currency,
        attempt=attempt,
        at=promise.at,
        tag=tag,
        success_url=asked.success_url,
        cancel_url=asked.cancel_url,
        expires_s=EXPIRES_S,
        method=asked.method,
        phone=asked.phone,
        consent=terms,
    )
    try:
        if not account.is_tagged:
            pusher.push(PUSH_WAIT_S)
            if asked.method == "prompt":
                time.sleep(PROMPT_PAUSE_S)
        customer = _customer(till, provider, account, wanted)
        return provider.checkout(order._replace(customer=customer))
    except GitmeterError as error:
        till.checkouts.end(account.name, attempt, till.clock())
        if isinstance(error, NotPushedError):
            raise not_now("not-pushed", "the promise could not be made known") from error
        if error.retry:
            raise not_now("provider-unreachable", "the provider does not answer") from error
        raise


def _customer(till: Till, provider: Provider, account: TillAccount, wanted: _Wanted) -> str | None:
    """The customer to name, so that whoever charges a card sees everything that he pays."""
    if not isinstance(provider, CardProvider):
        return None
    find = customer_of if wanted.terms is None else customer_for
    return find(till, account, provider, wanted.asked.user)


def _attempt(account: TillAccount, user: str, promise: Promise) -> str:
    """A name that no other attempt has."""
    if not account.is_tagged:
        chosen = (secrets.choice(_REFERENCE_ALPHABET) for _ in range(_REFERENCE_CHARS))
        return "".join(chosen)
    name = f"topup:{user}:{promise.nonce}"
    if len(name) <= _ATTEMPT_CHARS_MAX:
        return name
    return f"topup:{hashlib.sha256(user.encode()).hexdigest()}:{promise.nonce}"


def _hashed(account: TillAccount, phone: str | None) -> str:
    """A telephone number as it is kept for an hour: useless to whoever has not the key."""
    if phone is None:
        return ""
    key = "".join(account.secrets).encode()
    return hmac.new(key, phone.encode(), hashlib.sha256).hexdigest()
