"""The customers of accounts: under which name a provider keeps the cards of each."""

from front.memory_file import MemoryFile


class Customers:
    """The customers that a till has made or found again.

    Args:
        file: where they are.
    """

    def __init__(self, file: MemoryFile) -> None:
        self._file = file

    def of(self, provider: str, user: str) -> str | None:
        """The customer of an account at a provider; None where none is remembered."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT customer FROM customers WHERE provider = ? AND user = ?", (provider, user)
            ).fetchone()
        return None if row is None else str(row[0])

    def remember(self, provider: str, user: str, customer: str) -> None:
        """Note whose customer it is, in place of an earlier one.

        Raises:
            MemoryFileError: it is another account's.
        """
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO customers VALUES (?, ?, ?)"
                " ON CONFLICT (provider, user) DO UPDATE SET customer = excluded.customer",
                (provider, user, customer),
            )

    def count(self, provider: str) -> int:
        """How many accounts have a customer at a provider."""
        with self._file.reading() as connection:
            found: int = connection.execute(
                "SELECT count(*) FROM customers WHERE provider = ?", (provider,)
            ).fetchone()[0]
        return found
