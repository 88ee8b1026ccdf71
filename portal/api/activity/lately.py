"""What was settled about an account lately: so that whoever has it sees what others did."""

from datetime import timedelta
from heapq import nlargest
from typing import Final

from gitmeter.money.accounts import settings_of
from portal.access.holders import entries_about
from portal.api.activity.forms import ActedBy, Activity, SettledAct
from portal.api.request import Asked
from wire_format.instants import format_ts, to_us
from wire_format.lines import Account, Money
from wire_format.money import format_usd, parse_nano

ACTS_MAX: Final = 1_000
LATELY: Final = timedelta(days=90)
_CUSTOMER: Final = "customer:"
_STAFF: Final = "staff:"
_GIVEN: Final = frozenset({"grant", "adjustment"})


def activity(asked: Asked) -> Activity:
    """List what was settled in the last 90 days, the newest first, and who did it.

    Keys, settings, plans, and credit and corrections that somebody of the house gave. What was
    settled here a moment ago is there already.
    """
    since = asked.now - LATELY
    acts = [act for act in _acts(asked, to_us(since)) if act.ts >= since]
    newest = nlargest(ACTS_MAX, acts, key=lambda act: (act.ts, act.node, act.seq))
    return Activity(acts=[_act(each) for each in newest])


def _acts(asked: Asked, since_us: int) -> list[Account | Money]:
    unbilled, user = asked.portal.desk.unbilled, asked.holder.user
    acts: list[Account | Money] = []
    acts += (entry.record for entry in entries_about(asked.store, unbilled, user))
    acts += (line for line in unbilled.money(user) if line.kind in _GIVEN)
    account = asked.store.reports.account(user)
    if account is not None:
        told = {(line.node, line.seq) for line in acts}
        lines = asked.store.payments.newest_first(account["id"], since_us, to_us(asked.now) + 1)
        for line in lines:
            is_new = (line.node, line.record.seq) not in told
            if is_new and line.state == "counted" and line.record.kind in {*_GIVEN, "plan"}:
                acts.append(line.record)
    return acts


def _act(line: Account | Money) -> SettledAct:
    by, key = _who(line.by or "")
    stated = dict(settings_of(line)) if isinstance(line, Account) and line.kind == "setting" else {}
    return SettledAct(
        at=format_ts(line.ts),
        kind=line.kind,
        by=by,
        key=key,
        key_id=getattr(line, "key_id", None),
        scopes=list(line.scopes) if isinstance(line, Account) and line.scopes else None,
        settings=stated,
        plan=line.plan if isinstance(line, Account) else None,
        amount_usd=format_usd(parse_nano(line.amount)) if isinstance(line, Money) else None,
        reason=None if by == "account" else line.reason,
    )


def _who(by: str) -> tuple[ActedBy, str | None]:
    if by.startswith(_CUSTOMER):
        return "account", by.removeprefix(_CUSTOMER)
    return ("staff", None) if by.startswith(_STAFF) else ("operator", None)
