"""The status of a till, without asking any provider or remote."""

from typing import Any

from node_pusher.doctor.findings import Severity
from node_pusher.sending.history import status as home_status
from till.examining.waiting import check_waiting
from till.intake.till import Till
from wire_format.instants import format_ts


def status(till: Till) -> dict[str, Any]:
    """The status of a till, as `till status --json` prints it."""
    failing, faults = till.marks.failing(), till.marks.faults()
    waiting = check_waiting(till)
    late = waiting.health is Severity.PROBLEM
    return {
        **home_status(till.home),
        "waiting": {"health": waiting.health, "says": waiting.says, "do": waiting.do},
        "mode": till.config.mode,
        "accounts": [_account(till, name) for name in till.accounts.by_name],
        "failing": [
            {
                "account": each.provider,
                "object": each.object,
                "times": each.times,
                "first_at": format_ts(each.first_at),
                "last_at": format_ts(each.last_at),
                "error": each.error,
                "is_incident": each.is_incident,
            }
            for each in failing
        ],
        "faults": [
            {
                "account": each.provider,
                "ref": each.ref,
                "what": each.what,
                "seen_at": format_ts(each.seen_at),
            }
            for each in faults
        ],
        "incidents": sum(each.is_incident for each in failing) + len(faults) + late,
    }


def _account(till: Till, name: str) -> dict[str, Any]:
    times = till.marks.times(name)
    return {
        "name": name,
        "kind": till.accounts.named(name).table.kind,
        "last_event_at": None if times.event_at is None else format_ts(times.event_at),
        "last_sweep_at": None if times.swept_at is None else format_ts(times.swept_at),
        "asked_again": len(till.marks.watched(name)),
        "customers": till.customers.count(name),
    }
