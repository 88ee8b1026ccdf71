"""What was settled about accounts, but for their plans: settings, keys, consent, staff. Pure.

- Of lines that state the same thing again the last by (`ts`, node, `seq`) is in force; of settings
  field by field.
- An account is suspended while the last word of any one writer says so. What the books reopen is
  open, whatever any writer said before.
- A key is named by the hash of its secret. Lines that claim the same hash must agree in whom it is
  of and what it opens: else that of the books alone stands, or none. Revoking a key is for ever,
  and of the key of the same account alone.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from wire_format.instants import to_us
from wire_format.lines import Account
from wire_format.versions.kinds import SETTINGS

_BOOKS = ""
"""The books as a writer, whichever node wrote for them."""


class AccountEntry(NamedTuple):
    """A line about an account that stands within its writer.

    Attributes:
        record: the line.
        is_books: whether it is of the operator's books.
    """

    record: Account
    is_books: bool = True

    @property
    def order(self) -> tuple[datetime, str, int]:
        """Sorts lines by when they were stated."""
        return self.record.ts, self.record.node, self.record.seq


class AccountAt(NamedTuple):
    """What is settled about one account at an instant.

    Attributes:
        settings: by the name of the field its text on the wire; only what was stated.
        is_suspended: whether services refuse it.
        keys: the claim of each key that opens something, by `key_id`.
        consent: the last consent to later charges; None without one.
    """

    settings: Mapping[str, str]
    is_suspended: bool
    keys: tuple[Account, ...]
    consent: Account | None


class StaffMember(NamedTuple):
    """A member of staff at an instant.

    Attributes:
        identity: `staff:` and an id, as lines name whoever acts.
        role: a name that the portal knows.
        user: the account whose keys are theirs; empty for none.
        limit_usd: most of one of their adjustments; None for no limit of their own.
    """

    identity: str
    role: str
    user: str
    limit_usd: str | None


def contested_keys(entries: Iterable[AccountEntry]) -> set[Account]:
    """The claims of keys that do not count, because others claim the same hash otherwise.

    Args:
        entries: the lines that stand within their writers, of any kind; with each claim all others
            of its hash.
    """
    by_hash: dict[str | None, list[AccountEntry]] = defaultdict(list)
    for entry in entries:
        if entry.record.kind == "key":
            by_hash[entry.record.sha256].append(entry)
    contested: set[Account] = set()
    for claims in by_hash.values():
        stated = {_opened_by(entry.record) for entry in claims}
        of_books = {_opened_by(entry.record) for entry in claims if entry.is_books}
        right = of_books or stated
        contested |= {
            entry.record
            for entry in claims
            if len(right) > 1 or _opened_by(entry.record) not in right
        }
    return contested


def account_at(entries: Iterable[AccountEntry], before_us: int) -> AccountAt:
    """What is settled about an account by lines dated before an instant.

    Args:
        entries: the lines about this account that count.
        before_us: the instant, microseconds since 1970.
    """
    stated = _before(entries, before_us)
    settings: dict[str, str] = {}
    consent: Account | None = None
    for entry in stated:
        if entry.record.kind == "setting":
            settings |= dict(settings_of(entry.record))
        elif entry.record.kind == "consent":
            consent = entry.record
    return AccountAt(settings, _is_suspended(stated), _open_keys(stated, before_us), consent)


def next_plan_at(
    entries: Iterable[AccountEntry], before_us: int, may_be_asked: Callable[[str], bool]
) -> str | None:
    """The plan that an account asks for next, by lines dated before an instant; None for the same.

    The books renew plans as accounts ask, and what the books write is not judged as a desk's sale
    is. So a desk's word counts only for plans that may be asked for there: else a stolen key of a
    desk could give anybody a plan that nobody sells.

    Args:
        entries: the lines about this account that count.
        before_us: the instant, microseconds since 1970.
        may_be_asked: whether a desk may ask for a plan.
    """
    wanted: str | None = None
    for entry in _before(entries, before_us):
        name = entry.record.next_plan
        if name is not None and (entry.is_books or may_be_asked(name)):
            wanted = name
    return wanted


def staff_at(entries: Iterable[AccountEntry], before_us: int) -> dict[str, StaffMember]:
    """Who is staff by lines dated before an instant, by identity.

    Args:
        entries: the lines about staff that count, of all accounts.
        before_us: the instant, microseconds since 1970.
    """
    found: dict[str, StaffMember] = {}
    for entry in _before(entries, before_us):
        record = entry.record
        if record.kind == "staff" and record.identity is not None and record.role is not None:
            found[record.identity] = StaffMember(
                record.identity, record.role, record.user, record.limit_usd
            )
    return found


def _before(entries: Iterable[AccountEntry], before_us: int) -> Sequence[AccountEntry]:
    """The lines that are dated before an instant, in their order."""
    dated = (entry for entry in entries if to_us(entry.record.ts) < before_us)
    return sorted(dated, key=lambda entry: entry.order)


def _opened_by(record: Account) -> tuple[object, ...]:
    """What claims of one key must agree in."""
    return record.user, record.scopes, record.rpm, record.until


def settings_of(record: Account) -> Iterator[tuple[str, str]]:
    """The settings that a line states, by the names of its fields."""
    for name in SETTINGS:
        value: str | None = getattr(record, name)
        if value is not None:
            yield name, value


def _is_suspended(stated: Sequence[AccountEntry]) -> bool:
    says_so: dict[str, bool] = {}
    for entry in stated:
        if entry.record.kind not in {"suspend", "reopen"}:
            continue
        if entry.is_books and entry.record.kind == "reopen":
            says_so.clear()
        writer = _BOOKS if entry.is_books else entry.record.node
        says_so[writer] = entry.record.kind == "suspend"
    return any(says_so.values())


def _open_keys(stated: Sequence[AccountEntry], before_us: int) -> tuple[Account, ...]:
    """The claims of keys that are neither revoked nor ended at an instant, one for each key."""
    revoked = {entry.record.key_id for entry in stated if entry.record.kind == "revoke"}
    first_of: dict[str | None, Account] = {}
    for entry in stated:
        record = entry.record
        has_ended = record.until is not None and to_us(record.until) <= before_us
        if record.kind == "key" and record.key_id not in revoked and not has_ended:
            first_of.setdefault(record.sha256, record)
    return tuple(sorted(first_of.values(), key=lambda record: record.key_id or ""))
