"""The bodies of notices. Pure; `docs/notifications.md` is the contract with receivers."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from aggregator.incidents.advice import advice
from aggregator.incidents.kinds import IncidentKind
from aggregator.notices.crossings import AccountCrossing, Level
from aggregator.notices.topups.attempts import AttemptCrossing
from aggregator.store.outbox.queue import NewNotice
from aggregator.store.questions.notices import AnnouncedIncident, OpenIncident
from wire_format.instants import format_ts, from_us
from wire_format.money import format_usd

VERSION: Final = 1
STARTED: Final = "started"
TEST: Final = "test"
_DETAIL_CHARACTERS_MAX: Final = 2_000


class StartCounts(NamedTuple):
    """What existed before the first comparison, and counts as announced.

    Attributes:
        open_incidents: number of open incidents.
        low_accounts: number of accounts below the threshold that are not exhausted.
        exhausted_accounts: number of exhausted accounts.
    """

    open_incidents: int
    low_accounts: int
    exhausted_accounts: int


def of_account(
    crossing: AccountCrossing, threshold_nano: int, delivery: UUID, now: datetime
) -> NewNotice:
    """The notice of a balance that reached a lower level."""
    event = "balance_low" if crossing.level is Level.LOW else "balance_exhausted"
    return _notice(
        event,
        f"account {crossing.user}",
        delivery,
        now,
        {
            "user": crossing.user,
            "balance_usd": format_usd(crossing.balance_nano),
            "balance_nano": crossing.balance_nano,
            "threshold_usd": format_usd(threshold_nano),
            "threshold_nano": threshold_nano,
        },
    )


def of_attempt(crossing: AttemptCrossing, delivery: UUID, now: datetime) -> NewNotice:
    """The notice of an automatic payment that was made, failed, or waits."""
    user, attempt, failures = crossing.now
    ended_us = attempt.ended_us
    return _notice(
        f"topup_{crossing.level}",
        f"account {user}",
        delivery,
        now,
        {
            "user": user,
            "attempt": attempt.name,
            "provider": attempt.provider,
            "amount_usd": format_usd(attempt.credit_nano),
            "amount_nano": attempt.credit_nano,
            "began_at": format_ts(from_us(attempt.began_us)),
            "ended_at": None if ended_us is None else format_ts(from_us(ended_us)),
            "reason": attempt.reason,
            "failures": failures,
            "switched_off": crossing.now.is_switched_off,
        },
    )


def of_incident(incident: OpenIncident, delivery: UUID, now: datetime) -> NewNotice:
    """The notice of an incident that was opened."""
    detail = incident.detail
    if len(detail) > _DETAIL_CHARACTERS_MAX:
        detail = detail[:_DETAIL_CHARACTERS_MAX] + "..."
    return _notice(
        "incident_opened",
        _about(incident),
        delivery,
        now,
        {
            "repo": incident.repo or None,
            "node": incident.node or None,
            "kind": incident.kind,
            "subject": incident.subject,
            "detail": detail,
            "advice": advice(IncidentKind(incident.kind), incident.role),
            "opened_at": incident.opened_at,
        },
    )


def of_closed(incident: AnnouncedIncident, delivery: UUID, now: datetime) -> NewNotice:
    """The notice that an announced incident is over."""
    return _notice(
        "incident_closed",
        _about(incident),
        delivery,
        now,
        {"repo": incident.repo or None, "kind": incident.kind, "subject": incident.subject},
    )


def _about(incident: OpenIncident | AnnouncedIncident) -> str:
    """The subject of the notices about an incident: its repo, or its kind without one."""
    return f"repo {incident.repo}" if incident.repo else incident.kind


def of_start(counts: StartCounts, delivery: UUID, now: datetime) -> NewNotice:
    """The notice that announcing begins, and of what counts as announced."""
    return _notice(STARTED, STARTED, delivery, now, counts._asdict())


def of_test(delivery: UUID, now: datetime) -> NewNotice:
    """A notice without a cause, to test the receiver."""
    return _notice(TEST, TEST, delivery, now, {})


def _notice(
    event: str, subject: str, delivery: UUID, now: datetime, keys: Mapping[str, Any]
) -> NewNotice:
    head = {"v": VERSION, "id": str(delivery), "event": event, "at": format_ts(now)}
    # not orjson, which has no integers past 64 bits
    body = json.dumps({**head, **keys}, separators=(",", ":"))
    return NewNotice(str(delivery), event, subject, body.encode())
