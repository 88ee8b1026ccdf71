"""What a checkout is asked for, checked against the configuration; pure.

The telephone number is in no message: what is refused is named, never quoted.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Final, Literal
from urllib.parse import unquote, urlsplit

import msgspec

from gitmeter.money.topups.settled import AutoTopup
from providers.consents import ConsentTerms
from till.checkout.problems import bad_request, not_offered
from till.config.tables import KEEPS_CARDS, AccountTable, TillConfig
from till.intake.consents import is_within
from wire_format.fields import is_user
from wire_format.money import NANO, InvalidAmountError, format_usd, parse_nano

PROMPTING: Final = frozenset({"clickpesa"})
"""Kinds of providers that can ask a telephone to pay."""

_PHONE: Final = re.compile(r"[1-9][0-9]{7,14}")
_URL: Final = re.compile(r"[!-\[\]-~]{1,2000}")
_CENT_NANO: Final = NANO // 100
_Text = Annotated[str, msgspec.Meta(max_length=2000)]


class SaveCard(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a customer who lets his card be saved is to agree to; dollars in decimal text.

    Attributes:
        amount_usd: what one automatic payment credits.
        below_usd: the balance below which it is made.
        month_usd: most by such payments in a calendar month.
    """

    amount_usd: _Text
    below_usd: _Text
    month_usd: _Text


class CheckoutBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of `POST /checkout`.

    Attributes:
        user: whose balance it is for.
        usd: the credit, in decimal text.
        currency: in which it is paid.
        success_url: where the customer goes after paying.
        cancel_url: where the customer goes who does not want to pay.
        method: a page of the provider, or a prompt on a telephone.
        phone: for a prompt, in digits with the country's code.
        account: which account takes it; the first that can when absent.
        save_card: what the card is saved for; it is not saved when absent.
    """

    user: _Text
    usd: _Text
    currency: _Text
    success_url: _Text
    cancel_url: _Text
    method: Literal["page", "prompt"] = "page"
    phone: _Text | None = None
    account: _Text | None = None
    save_card: SaveCard | None = None


_BODY: Final = msgspec.json.Decoder(CheckoutBody)


def read_body(body: bytes) -> CheckoutBody:
    """Read what is asked for.

    Raises:
        CheckoutProblemError: it has not the form.
    """
    try:
        return _BODY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # msgspec names keys and types, and quotes no value
        raise bad_request("bad-request", f"the body is not a checkout: {error}") from None


def check_body(config: TillConfig, asked: CheckoutBody) -> int:
    """Check it against the configuration; returns the credit in nano-dollars.

    Raises:
        CheckoutProblemError: it is refused.
    """
    check_user(asked.user)
    for name in ("success_url", "cancel_url"):
        if not leads_back(config.return_urls, getattr(asked, name)):
            raise bad_request("bad-return-url", f"{name}: is not one of return_urls")
    if (asked.method == "prompt") != (asked.phone is not None):
        raise bad_request("bad-phone", "phone: goes with the method prompt, and is required there")
    if asked.phone is not None and _PHONE.fullmatch(asked.phone) is None:
        raise bad_request("bad-phone", "phone: must be 8 to 15 digits with the country's code")
    return _usd_nano(config, asked.usd)


def check_user(text: str) -> str:
    """Check an account id, which may be none yet.

    Raises:
        CheckoutProblemError: it has not the form of one.
    """
    if not is_user(text):
        raise bad_request("bad-user", "user: is not an account id")
    return text


def check_consent(config: TillConfig, asked: CheckoutBody) -> ConsentTerms | None:
    """What the page has to state so that the card is saved; None where none is.

    Raises:
        CheckoutProblemError: it is refused.
    """
    wanted = asked.save_card
    if wanted is None:
        return None
    if config.cards is None or asked.method == "prompt":
        raise not_offered()
    try:
        found = AutoTopup.of_texts(wanted.amount_usd, wanted.below_usd, wanted.month_usd)
    except InvalidAmountError as error:
        raise bad_request("bad-amount", f"save_card: {error}") from None
    least_nano = parse_nano(config.payment_min_usd)
    if found.amount_nano < least_nano or not is_within(found, config.cards):
        least, cards = format_usd(least_nano), config.cards
        detail = (
            f"save_card: amount_usd from {least} to {cards.consent_max_usd}, below_usd not below"
            f" zero, month_usd from amount_usd to {cards.consent_month_max_usd}"
        )
        raise bad_request("beyond-consent", detail)
    if found.amount_nano % _CENT_NANO:
        raise bad_request("bad-amount", "save_card: amount_usd is not a whole number of cents")
    return ConsentTerms(*found.texts)


def _usd_nano(config: TillConfig, usd: str) -> int:
    try:
        asked_nano = parse_nano(usd)
    except InvalidAmountError as error:
        raise bad_request("bad-amount", f"usd: {error}") from None
    least_nano, most_nano = parse_nano(config.payment_min_usd), parse_nano(config.payment_max_usd)
    if not least_nano <= asked_nano <= most_nano:
        detail = f"usd: from {format_usd(least_nano)} to {format_usd(most_nano)}"
        raise bad_request("amount-out-of-range", detail)
    return asked_nano


def leads_back(beginnings: Iterable[str], url: str) -> bool:
    """Whether an address is below one of these, however a browser reads it."""
    if _URL.fullmatch(url) is None or "\\" in url:
        return False
    if any(part in {".", ".."} for part in unquote(urlsplit(url).path).split("/")):
        return False
    return any(url.startswith(beginning) for beginning in beginnings)


def choose_account(config: TillConfig, asked: CheckoutBody) -> AccountTable:
    """The account that takes it.

    Raises:
        CheckoutProblemError: none does.
    """
    taking = []
    for account in config.account:
        is_meant = asked.account in {None, account.name}
        can = asked.method == "page" or account.kind in PROMPTING
        if is_meant and can and asked.currency in account.currencies:
            taking.append(account)
    for account in taking:
        if asked.save_card is None or account.kind in KEEPS_CARDS:
            return account
    if taking:
        raise not_offered()
    raise bad_request(
        "no-account", "no account of this till takes that currency in that way: see currency"
    )
