"""Who is signed in at the pages, by the hash of what their browser shows."""

from datetime import datetime
from typing import Final, Literal, NamedTuple

from front.memory_file import MemoryFile
from wire_format.instants import to_us

OF_KEY_MAX: Final = 20
"""Of one key or person; the oldest ones end."""
ROWS_MAX: Final = 100_000

HolderKind = Literal["key", "identity"]
_COLUMNS: Final = "kind, holder, user, role, signed_in_us, until_us"


class SignedIn(NamedTuple):
    """Somebody who is signed in.

    Attributes:
        kind: what was shown: a key, or an identity that an issuer vouches for.
        holder: the hash of the key, or the name of the identity.
        user: whose account it was then.
        role: of a member of staff; empty for others.
        signed_in_us: when it was shown, microseconds since 1970.
        until_us: when the session ends by itself.
    """

    kind: HolderKind
    holder: str
    user: str
    role: str
    signed_in_us: int
    until_us: int


class SignedInRows:
    """The sessions that have not ended.

    Args:
        file: where they are.
    """

    def __init__(self, file: MemoryFile) -> None:
        self._file = file

    def add(
        self, sha256: str, signed_in: SignedIn, now: datetime, in_place_of: str | None = None
    ) -> None:
        """Begin a session; what has ended, and what is too much, is forgotten.

        Args:
            sha256: the hash of its id.
            signed_in: who it is.
            now: the time.
            in_place_of: the hash of one that ends.
        """
        with self._file.writing() as connection:
            connection.execute(
                "DELETE FROM sessions WHERE until_us <= ? OR sha256 = ?", (to_us(now), in_place_of)
            )
            connection.execute(
                "DELETE FROM sessions WHERE sha256 IN (SELECT sha256 FROM sessions"
                " WHERE holder = ? ORDER BY until_us DESC, rowid DESC LIMIT -1 OFFSET ?)",
                (signed_in.holder, OF_KEY_MAX - 1),
            )
            connection.execute(
                "DELETE FROM sessions WHERE sha256 IN (SELECT sha256 FROM sessions"
                " ORDER BY until_us DESC LIMIT -1 OFFSET ?)",
                (ROWS_MAX - 1,),
            )
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)", (sha256, *signed_in)
            )

    def find(self, sha256: str) -> SignedIn | None:
        """The session with a hash, whether its time is over or not; None if there is none."""
        query = f"SELECT {_COLUMNS} FROM sessions WHERE sha256 = ?"  # noqa: S608 - a constant
        with self._file.reading() as connection:
            row = connection.execute(query, (sha256,)).fetchone()
        return None if row is None else SignedIn(*row)

    def end(self, sha256: str) -> None:
        """End a session, if there is one."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE sha256 = ?", (sha256,))
