"""Usage that is not billed in full, by resource and category, and what mends it."""

import shlex
from collections.abc import Iterable
from typing import Final

from aggregator.incidents.unrated import KIND_OF_STATE, detail_of, subject_of
from aggregator.rating.rating import ChargeState
from aggregator.reports.accounts import account_of_user
from aggregator.reports.basis import Answer
from aggregator.store.questions.unrated import UnratedGroup
from aggregator.store.store import LedgerStore
from wire_format.instants import format_hour

_PUSH: Final = "`books rules set prices.toml` and `books push`"
_ADVICE: Final = {
    ChargeState.UNPRICED: f"add its price to prices.toml, then {_PUSH}: all of it is billed",
    ChargeState.CATEGORY_MISMATCH: "it has prices for other categories only: add one for this"
    f" category to prices.toml, then {_PUSH}; or let the service record the right category",
    ChargeState.OVERFLOW: "look at its lines: exclude or correct wrong ones, correct a wrong price;"
    " if all is right, raise charge_cost_max_usd",
}


def unrated(store: LedgerStore, user: str | None = None) -> list[Answer]:
    """Usage that is not billed in full, by state, resource and category.

    Args:
        store: the ledger.
        user: whose usage; None for that of all.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    with store.view():
        groups = store.unrated.groups() if user is None else groups_of_user(store, user)
    return [_answer(group) for group in groups]


def groups_of_user(store: LedgerStore, user: str) -> list[UnratedGroup]:
    """As `LedgerStore.unrated.groups`, of one user; reads the charges of that user alone.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    account = account_of_user(store, user)
    found: dict[tuple[str, ...], UnratedGroup] = {}
    for charge in store.charges.of_account(account) if account.unrated else ():
        row = charge.row
        if row.state is not ChargeState.RATED:
            key = (row.state, charge.resource, row.applies_to)
            one = UnratedGroup(
                *(row.state, charge.resource, row.applies_to), 1, 1, row.quantity, row.hour, user
            )
            before = found.get(key)  # the charges come by hour, so it began with the first of them
            found[key] = one if before is None else _added(before, one)
    return [found[key] for key in sorted(found)]


def groups_by_incident(store: LedgerStore) -> dict[tuple[str, str], UnratedGroup]:
    """What the incidents about charges are about now, by kind and subject; reads those charges."""
    return {
        (KIND_OF_STATE[group.state], subject_of(group.resource, group.applies_to)): group
        for group in store.unrated.groups()
    }


def _added(group: UnratedGroup, one: UnratedGroup) -> UnratedGroup:
    return group._replace(charges=group.charges + 1, units=group.units + one.units)


def counts_by_state(groups: Iterable[UnratedGroup]) -> dict[ChargeState, int]:
    """The number of charges of some groups, by state."""
    found: dict[ChargeState, int] = {}
    for group in groups:
        found[group.state] = found.get(group.state, 0) + group.charges
    return found


def group_answer(group: UnratedGroup) -> Answer:
    """What identifies and counts one group."""
    return {
        "state": str(group.state),
        "resource": group.resource,
        "applies_to": group.applies_to,
        "charges": group.charges,
        "users": group.users,
        "units": group.units,
        "since": format_hour(group.since_hour),
    }


def _answer(group: UnratedGroup) -> Answer:
    return {
        **group_answer(group),
        "detail": detail_of(group),
        "advice": _ADVICE[group.state],
        "price_toml": _price_toml(group),
        "command": _command(group),
    }


def _price_toml(group: UnratedGroup) -> str | None:
    """The price to add to the rule book, without the amount; None where one is in force."""
    if group.state is ChargeState.OVERFLOW:
        return None
    is_bound = group.state is ChargeState.CATEGORY_MISMATCH or group.resource.startswith("vm/")
    lines = (
        "[[price]]",
        f'resource = "{group.resource}"',
        'usd = "..."',
        "per = 1",
        f"from = {format_hour(group.since_hour)}",
        *((f'applies_to = "{group.applies_to}"',) if is_bound else ()),
    )
    return "\n".join(lines)


def _command(group: UnratedGroup) -> str | None:
    """The command that may mend it, or shows what is wrong; None where there is none."""
    if group.state is ChargeState.OVERFLOW:
        hour = format_hour(group.since_hour)[: len("2026-01-01T00")]
        return shlex.join(("aggregator", "explain", group.first_user, group.resource, hour))
    parts = group.resource.split("/")
    if group.state is ChargeState.UNPRICED and len(parts) > 3 and parts[0] == "llm":  # noqa: PLR2004 - llm/PROVIDER/MODEL/KIND
        model = f"{parts[1]}:{'/'.join(parts[2:-1])}"
        return shlex.join(("books", "prices", "import-llm", "--model", model))
    return None
