"""The answer of `aggregator accounts --due --json`, as it comes through a pipe."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from books.errors import AccountError
from wire_format.fields import NAME_PATTERN, SHA256_PATTERN, USD_PATTERN, USER_PATTERN
from wire_format.instants import format_ts

BYTES_MAX: Final = 64 * 1024 * 1024
DUE_MAX: Final = 100_000
AGE_MAX: Final = timedelta(hours=1)
AHEAD_MAX: Final = timedelta(minutes=5)
_HINT: Final = "`aggregator accounts --due --json` writes it"

_Instant = Annotated[datetime, Meta(tz=True)]
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
    from_: _Instant = msgspec.field(name="from")
    until: _Instant | None = None
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
    as_of: _Instant | None = None
    due: Annotated[list[DueAccount], Meta(max_length=DUE_MAX)]


_DECODER: Final = msgspec.json.Decoder(DueReport)


def read_due(text: bytes) -> DueReport:
    """Read the answer.

    Raises:
        AccountError: it is too large, or not that of `aggregator accounts --due --json`.
    """
    if len(text) > BYTES_MAX:
        raise AccountError(f"standard input has more than {BYTES_MAX >> 20} MiB", hint=_HINT)
    if not text.strip():
        raise AccountError("standard input is empty", hint=_HINT)
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise AccountError(
            f"standard input is not the answer of `aggregator accounts --due`: {error}", hint=_HINT
        ) from error


def check_age(report: DueReport, now: datetime) -> None:
    """Refuse an answer that is no longer about what accounts have.

    Raises:
        AccountError: it is more than an hour old, or from the future.
    """
    if report.as_of is None or -AHEAD_MAX <= now - report.as_of <= AGE_MAX:
        return
    is_old = now > report.as_of
    raise AccountError(
        f"the answer is of {format_ts(report.as_of.astimezone(UTC))}, and it is {format_ts(now)}"
        " now",
        hint="ask the aggregator again" if is_old else "one of the two clocks is wrong",
    )
