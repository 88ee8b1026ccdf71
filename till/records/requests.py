"""Refunds that were asked for: each is on disk before a provider hears of it."""

from datetime import datetime
from typing import NamedTuple

from front.memory_file import MemoryFile
from wire_format.instants import to_us


class RefundKey(NamedTuple):
    """Which refund is meant: the same words on the command line mean the same refund.

    Attributes:
        provider: the account.
        payment: the provider's name of the payment.
        asked: the amount as it was asked for; `rest` for all that is left.
        number: 1, or 2 for another one of the same amount, and so on.
    """

    provider: str
    payment: str
    asked: str
    number: int


class RefundRequest(NamedTuple):
    """A refund that was asked for.

    Attributes:
        key: which one.
        request: names it at the provider, for ever.
        amount: how much, in the currency of the payment.
        currency: of the payment.
        reason: why.
        refund: the provider's name of it, once it has it.
    """

    key: RefundKey
    request: str
    amount: str
    currency: str
    reason: str
    refund: str | None = None


_COLUMNS = "provider, payment, asked, number, request, amount, currency, reason, refund"


class RefundRequests:
    """The refunds that were asked for in a till.

    Args:
        file: where they are.
    """

    def __init__(self, file: MemoryFile) -> None:
        self._file = file

    def of_payment(self, provider: str, payment: str) -> list[RefundRequest]:
        """All of a payment."""
        query = f"SELECT {_COLUMNS} FROM refunds WHERE provider = ? AND payment = ?"  # noqa: S608 - a constant
        with self._file.reading() as connection:
            rows = connection.execute(query, (provider, payment)).fetchall()
        return [RefundRequest(RefundKey(*row[:4]), *row[4:]) for row in rows]

    def add(self, wanted: RefundRequest, now: datetime) -> None:
        """Note a request, on disk."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO refunds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*wanted.key, *wanted[1:5], to_us(now), wanted.refund),
            )

    def forget(self, wanted: RefundRequest) -> None:
        """Forget a request that the provider refused."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM refunds WHERE request = ?", (wanted.request,))

    def done(self, wanted: RefundRequest, refund: str) -> None:
        """Note what the provider calls the refund."""
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE refunds SET refund = ? WHERE request = ?", (refund, wanted.request)
            )
