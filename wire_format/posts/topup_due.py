"""What an aggregator posts to the till that charges: which accounts are below their threshold.

A level that is posted again while it holds, never an order: the till judges by its own lines
whether it charges. The body is JSON, signed as webhooks are: HMAC-SHA256 of its bytes in
hexadecimal digits, in the header `X-Gitmeter-Signature`.

    {"v":1,"id":"5f0c...","at":"2026-11-21T13:05:00Z","seen":{"charger-1":41,"till-1":4711},
     "accounts":[{"user":"alice","amount_usd":"20.00","below_usd":"5.00","month_usd":"100.00",
                  "balance_usd":"3.41","provider":"stripe","payment":"pi_3Q","paid":["pi_3Q"]}]}
"""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from wire_format import fields
from wire_format.field_types import text_form

VERSION: Final = 1
ACCOUNTS_MAX: Final = 50
"""Of one post; more are told in the next one."""
PAID_MAX: Final = 200
SEEN_MAX: Final = 200
BODY_BYTES_MAX: Final = 2 << 20

_Usd = Annotated[str, text_form(fields.USD_PATTERN)]
_Balance = Annotated[str, text_form(r"-?[0-9]{1,30}(\.[0-9]{1,9})?")]
_User = Annotated[str, text_form(fields.USER_PATTERN)]
_Node = Annotated[str, text_form(fields.NODE_PATTERN)]
_Provider = Annotated[str, text_form(fields.PROVIDER_PATTERN)]
_Ref = Annotated[str, text_form(fields.REFERENCE_PATTERN)]


class AccountBelow(Struct, frozen=True, forbid_unknown_fields=True):
    """An account below its own threshold.

    Attributes:
        user: the account.
        amount_usd, below_usd, month_usd: what it settled.
        balance_usd: the balance that counts.
        provider, payment: the payment at which it consented: the card of that one is charged.
        paid: its payments at that provider of the last 35 days that the ledger has, whatever became
            of them.
    """

    user: _User
    amount_usd: _Usd
    below_usd: _Usd
    month_usd: _Usd
    balance_usd: _Balance
    provider: _Provider
    payment: _Ref
    paid: Annotated[tuple[_Ref, ...], Meta(max_length=PAID_MAX)]


class TopupDue(Struct, frozen=True, forbid_unknown_fields=True):
    """One post.

    Attributes:
        v: the version of the form.
        id: names the post.
        at: when the ledger was read.
        seen: by the node of each till the highest number of its lines that was billed.
        accounts: those below their threshold, or some of them.
    """

    v: Annotated[int, Meta(ge=VERSION, le=VERSION)]
    id: Annotated[str, text_form("[0-9a-f-]{36}")]
    at: Annotated[datetime, Meta(tz=True)]
    seen: Annotated[
        dict[_Node, Annotated[int, Meta(ge=1, le=fields.INT_MAX)]], Meta(max_length=SEEN_MAX)
    ]
    accounts: Annotated[tuple[AccountBelow, ...], Meta(max_length=ACCOUNTS_MAX)]


class DueAnswer(Struct, frozen=True):
    """What the till that charges answers.

    Attributes:
        stopped: why it charges nothing until a person starts it again; None while it does.
    """

    stopped: str | None = None


_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_DECODER: Final = msgspec.json.Decoder(TopupDue)
_ANSWER: Final = msgspec.json.Decoder(DueAnswer)


def encode(value: TopupDue | DueAnswer) -> bytes:
    """The bytes of a post, or of an answer."""
    return _ENCODER.encode(value)


def decode_due(body: bytes) -> TopupDue:
    """Read a post.

    Raises:
        ValueError: it has not the form.
    """
    return _DECODER.decode(body)


def decode_answer(body: bytes) -> DueAnswer:
    """Read an answer.

    Raises:
        ValueError: it has not the form.
    """
    return _ANSWER.decode(body)
