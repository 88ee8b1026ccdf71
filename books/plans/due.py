"""The answer of `aggregator accounts --due --json`, as it comes through a pipe."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from books.answers.answer import AnswerForm, Instant
from books.errors import AccountError
from wire_format.fields import NAME_PATTERN, SHA256_PATTERN, USD_PATTERN, USER_PATTERN

BYTES_MAX: Final = 64 * 1024 * 1024
DUE_MAX: Final = 100_000

_Name = Annotated[str, Meta(pattern=f"^{NAME_PATTERN}$")]


class DueAccount(Struct, frozen=True, kw_only=True):
    """An account whose period ends.

    Attributes:
        user: the account.
        plan: that of its next period; None where it has none.
        from_: when its next period begins.
        until: when that ends; None for a plan without a fee.
        fee_usd: what it costs.
        affordable: whether the account has the money.
        balance_usd: what it has for that.
        reason: why it is not renewed, or what else a person should know.
    """

    user: Annotated[str, Meta(pattern=f"^{USER_PATTERN}$")]
    plan: _Name | None = None
    from_: Instant = msgspec.field(name="from")
    until: Instant | None = None
    fee_usd: Annotated[str, Meta(pattern=f"^{USD_PATTERN}$")] | None = None
    affordable: bool
    balance_usd: str | None = None
    reason: str | None = None


class DueReport(Struct, frozen=True, kw_only=True):
    """Whose periods end.

    Attributes:
        rule_book: the rule book by which they were reckoned.
        as_of: when the aggregator was asked; None where it does not say.
        due: the accounts.
    """

    rule_book: Annotated[str, Meta(pattern=f"^{SHA256_PATTERN}$")]
    as_of: Instant | None = None
    due: Annotated[list[DueAccount], Meta(max_length=DUE_MAX)]


_FORM: Final = AnswerForm(
    msgspec.json.Decoder(DueReport),
    BYTES_MAX,
    command="aggregator accounts --due",
    options="--json",
    error=AccountError,
)


def read_due(text: bytes) -> DueReport:
    """Read the answer.

    Raises:
        AccountError: it is too large, or not that of `aggregator accounts --due --json`.
    """
    return _FORM.read(text)


def check_age(report: DueReport, now: datetime) -> None:
    """Refuse an answer that is no longer about what accounts have.

    Raises:
        AccountError: it is more than an hour old, or from the future.
    """
    if report.as_of is not None:
        _FORM.check_age(report.as_of, now, "ask the aggregator again")
