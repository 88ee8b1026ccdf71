"""The checkouts of the last days: what limits how many a customer may open."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from front.memory_file import MemoryFile
from wire_format.instants import to_us

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
_KEPT: Final = timedelta(days=8)


class OpenedCheckout(NamedTuple):
    """A checkout that was asked for.

    Attributes:
        provider: the account.
        attempt: its name.
        user: whose balance it is for.
        usd_nano: the credit that it promises, in nano-dollars.
        made_at: when it was asked for.
        expires_at: from when on it is not open any more.
        number: a keyed hash of the telephone number that is asked; empty for a page.
    """

    provider: str
    attempt: str
    user: str
    usd_nano: int
    made_at: datetime
    expires_at: datetime
    number: str = ""


class Earlier(NamedTuple):
    """What a customer, and the owner of a telephone, asked for before.

    Attributes:
        open_nano: the credit that each open checkout promises, in nano-dollars.
        of_day: how many he asked for in the last 24 hours.
        prompts_of_user: how many prompts he asked for in the last hour; 0 where none is asked for.
        prompts_of_number: how many went to that telephone in the last hour.
    """

    open_nano: tuple[int, ...]
    of_day: int
    prompts_of_user: int
    prompts_of_number: int


class Checkouts:
    """The checkouts of a till.

    Args:
        file: where they are.
    """

    def __init__(self, file: MemoryFile) -> None:
        self._file = file

    def earlier(self, user: str, number: str, now: datetime) -> Earlier:
        """What was asked for before by a customer, and for a telephone.

        Args:
            user: the customer.
            number: the keyed hash of the number; empty for none.
            now: the time.
        """
        day_us, hour_us = to_us(now - DAY), to_us(now - HOUR)
        with self._file.reading() as connection:
            open_nano = connection.execute(
                "SELECT usd_nano FROM checkouts WHERE user = ? AND ended_us IS NULL"
                " AND expires_us > ?",
                (user, to_us(now)),
            ).fetchall()
            (of_day,) = connection.execute(
                "SELECT count(*) FROM checkouts WHERE user = ? AND made_us > ?", (user, day_us)
            ).fetchone()
            prompts = connection.execute(
                "SELECT coalesce(sum(user = ?), 0), coalesce(sum(number = ?), 0) FROM checkouts"
                " WHERE is_prompt = 1 AND made_us > ?",
                (user, number, hour_us),
            ).fetchone()
        of_user, of_number = prompts if number else (0, 0)
        return Earlier(tuple(nano for (nano,) in open_nano), of_day, of_user, of_number)

    def open(self, wanted: OpenedCheckout) -> None:
        """Note a checkout, and forget those that limit nothing any more.

        Raises:
            MemoryFileError: the attempt has been used before.
        """
        made_us = to_us(wanted.made_at)
        with self._file.writing() as connection:
            self._forget(wanted.made_at)
            connection.execute(
                "INSERT INTO checkouts VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                (
                    *wanted[:4],
                    made_us,
                    to_us(wanted.expires_at),
                    int(bool(wanted.number)),
                    wanted.number,
                ),
            )

    def end(self, provider: str, attempt: str, now: datetime) -> None:
        """Note that a checkout is paid, or that nothing will come of it."""
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE checkouts SET ended_us = ?"
                " WHERE provider = ? AND attempt = ? AND ended_us IS NULL",
                (to_us(now), provider, attempt),
            )

    def forget_numbers(self, now: datetime) -> None:
        """Forget the hashes that are an hour old."""
        with self._file.writing():
            self._forget(now)

    def _forget(self, now: datetime) -> None:
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE checkouts SET number = '' WHERE number <> '' AND made_us <= ?",
                (to_us(now - HOUR),),
            )
            connection.execute("DELETE FROM checkouts WHERE made_us <= ?", (to_us(now - _KEPT),))
