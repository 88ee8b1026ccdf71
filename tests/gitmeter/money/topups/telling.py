"""Lines and amounts of which tests of automatic payments are made; instants are from `START`."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gitmeter.money.topups.attempts import AttemptLine
from gitmeter.money.topups.settled import AutoTopup
from wire_format.instants import HOUR_US, to_us
from wire_format.lines import Account, Money

USD: Final = 10**9
START: Final = datetime(2026, 11, 10, tzinfo=UTC)
TERMS: Final = AutoTopup(20 * USD, 5 * USD, 100 * USD)


def us(hours: float) -> int:
    """An instant, so many hours after the start."""
    return to_us(START) + round(hours * HOUR_US)


def attempt_line(kind: str, name: str, hours: float, **more: Any) -> AttemptLine:  # noqa: ANN401
    """A line about an attempt of alice, committed so many hours after the start."""
    values: dict[str, Any] = {
        "v": 2,
        "node": "till-1" if kind == "payment" else "charger-1",
        "seq": 1,
        "ts": START,
        "user": "alice",
        "provider": "stripe",
        "attempt": name,
    }
    if kind == "ended":
        values["reason"] = "card_declined"
    else:
        values |= {"amount": "20.00", "currency": "USD"}
    if kind == "payment":
        values |= {"external_ref": f"pi_{name}", "status": "succeeded"}
    return AttemptLine(Money(kind=kind, **values | more), us(hours))  # type: ignore[arg-type] # a kind


def setting(hours: float, amount: str = "20.00", **more: Any) -> Account:  # noqa: ANN401
    """A setting of alice, stated so many hours after the start."""
    values: dict[str, Any] = {
        "auto_topup_usd": amount,
        "auto_topup_below_usd": "5.00",
        "auto_topup_month_usd": "100.00",
    }
    return _account("setting", hours, values | more)


def consent(hours: float, amount: str | None = "20.00", **more: Any) -> Account:  # noqa: ANN401
    """A consent of alice, stated so many hours after the start."""
    values: dict[str, Any] = {
        "amount_usd": amount,
        "below_usd": "5.00",
        "month_usd": "100.00",
        "of_provider": "stripe",
        "of_ref": "pi_consent",
    }
    return _account("consent", hours, values | more)


def _account(kind: str, hours: float, values: dict[str, Any]) -> Account:
    node = {"setting": "desk-1", "consent": "till-1"}[kind]
    place: dict[str, Any] = {"v": 2, "node": node, "seq": 1, "user": "alice"}
    at = START + timedelta(hours=hours)
    return Account(**{**place, "ts": at, "kind": kind, **values})
