"""`identities.db`: which account a person has whom an issuer vouches for.

It stands outside git, so that a person can be erased: what lines name is a number by chance, which
means nothing without the row. It is a file of its own, since nothing else says what is in it: it is
backed up.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from front.memory_file import MemoryFile, MemoryForm
from gitmeter.support.errors import GitmeterError
from wire_format.fields import USER_PATTERN
from wire_format.instants import from_us, to_us

IDENTITIES: Final = MemoryForm(
    "identities.db",
    version=1,
    schema=Path(__file__).with_name("identities.sql"),
    if_damaged="stop the portal, keep a copy of identities.db, take it away with its -wal and -shm,"
    " and `portal identity import` what was exported last",
)
_NAME_BYTES: Final = 8
_OF_PERSON: Final = "SELECT * FROM identity WHERE issuer = ? AND subject = ?"
_OF_ACCOUNT: Final = "SELECT * FROM identity WHERE user = ? ORDER BY issuer, subject"
_ALL: Final = "SELECT * FROM identity ORDER BY issuer, subject"


NAME_MAX: Final = 255
"""Most characters of a subject, as OpenID Connect has it, and of an issuer."""


class OtherAccountError(GitmeterError):
    """A person has another account already."""


_Text = Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]


class StillReadError(GitmeterError):
    """Somebody reads the file, so that its log cannot be emptied."""

    retry = True


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person, and the account that is theirs; as JSON it is what is saved.

    Attributes:
        issuer: who vouches for them.
        subject: the issuer's name for them.
        name: what lines name.
        user: the account.
        added_at: when this was settled, in UTC.
    """

    issuer: _Text
    subject: _Text
    name: Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]
    user: Annotated[str, Meta(pattern=rf"\A{USER_PATTERN}\Z")]
    added_at: Annotated[datetime, Meta(tz=True)]


def is_name(stated: object) -> bool:
    """Whether something may be an issuer's name for a person or for one of its keys."""
    return isinstance(stated, str) and 0 < len(stated) <= NAME_MAX and stated.isprintable()


class Identities:
    """The people that are known.

    Args:
        file: where they are.
    """

    def __init__(self, file: MemoryFile) -> None:
        self._file = file
        with (
            file.reading() as connection
        ):  # from the first row on: pages that are split leave copies
            connection.execute("PRAGMA secure_delete = ON")

    def find(self, issuer: str, subject: str) -> Identity | None:
        """Who a person is; None where nobody said so."""
        found = self._found(_OF_PERSON, issuer, subject)
        return found[0] if found else None

    def of(self, user: str) -> list[Identity]:
        """The people of an account."""
        return self._found(_OF_ACCOUNT, user)

    def all(self) -> list[Identity]:
        """Everybody, by issuer and subject."""
        return self._found(_ALL)

    def add(self, issuer: str, subject: str, user: str, now: datetime) -> tuple[Identity, bool]:
        """Give a person an account; returns who they are, and whether that is new.

        Raises:
            OtherAccountError: they have another one.
        """
        made = Identity(issuer, subject, secrets.token_hex(_NAME_BYTES), user, now)
        with self._file.writing():
            is_new = self.put([made]) == 1
            found = self.find(issuer, subject)
        if found is None or found.user != user:
            raise OtherAccountError(
                f"this person has the account {found.user if found else '?'}",
                hint="erase that first: `portal identity erase --issuer URL --subject SUBJECT`",
            )
        return found, is_new

    def put(self, identities: Iterable[Identity]) -> int:
        """Take over people as they were saved, but for those who are known; returns how many."""
        rows = [
            (each.issuer, each.subject, each.name, each.user, to_us(each.added_at))
            for each in identities
        ]
        statement = "INSERT OR IGNORE INTO identity VALUES (?, ?, ?, ?, ?)"
        with self._file.writing() as connection:
            return connection.executemany(statement, rows).rowcount

    def erase(self, identities: Iterable[Identity]) -> None:
        """Forget people, so that no trace of them is left in the file.

        Raises:
            StillReadError: they are forgotten, but for a trace in the file's log.
        """
        with self._file.writing() as connection:
            connection.executemany(
                "DELETE FROM identity WHERE issuer = ? AND subject = ?",
                [(each.issuer, each.subject) for each in identities],
            )
        with self._file.reading() as connection:  # from the log as well
            (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise StillReadError(
                "they are forgotten, and another program still reads the file, whose log has them",
                hint="end what reads identities.db, and run the same command again",
            )

    def _found(self, query: str, *values: str) -> list[Identity]:
        with self._file.reading() as connection:
            rows = connection.execute(query, values).fetchall()
        return [
            Identity(issuer, subject, name, user, from_us(added_us))
            for issuer, subject, name, user, added_us in rows
        ]
