"""What `till status` and `till doctor` say of charging."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from gitmeter.support.errors import GitmeterError
from gitmeter.support.terminal import counted
from node_pusher.doctor.findings import Finding, in_words, ok, problem, warning
from till.charging.carrying import is_settled
from till.charging.listing import state_of
from till.charging.steps import CUSTOMER_MAX
from till.config.accounts import TillAccount
from till.config.charge import ChargeTable
from till.intake.till import Till
from wire_format.instants import format_ts, to_us
from wire_format.money import format_usd

_HOUR: Final = timedelta(hours=1)
_POST_LATE: Final = timedelta(hours=2)
"""An aggregator tells at each hour border that nobody is due, too."""

_OPEN_LATE: Final = CUSTOMER_MAX + timedelta(hours=1)


def charge_status(till: Till, limits: ChargeTable) -> dict[str, Any]:
    """What charging has come to, as `till status --json` prints it."""
    stopped, posted_at = till.charging.stopped(), till.charging.posted_at()
    begun = till.attempts.begun_since(till.clock() - _HOUR)
    states = [state_of(each) for each in till.attempts.shown() if each.ended_us is None]
    return {
        "listen": limits.listen,
        "stopped": None if stopped is None else stopped.why,
        "stopped_at": None if stopped is None else format_ts(stopped.at),
        "last_post_at": None if posted_at is None else format_ts(posted_at),
        "settled": all(is_settled(till, name) for name in till.accounts.by_name),
        "attempts_of_hour": len(begun),
        "usd_of_hour": format_usd(sum(each.credit_nano for each in begun)),
        "topups_hour_max": limits.topups_hour_max,
        "topup_usd_hour_max": limits.topup_usd_hour_max,
        "open": len(states),
        "waiting_for_customers": states.count("waits for the customer"),
    }


def check_charging(till: Till, limits: ChargeTable) -> Iterator[Finding]:
    """Everything that may be wrong with charging."""
    for account in till.accounts.by_name.values():
        yield from _check_rights(account)
        if not is_settled(till, account.name):
            says = f"{account.name}: nothing was settled yet in this epoch, so nobody is charged"
            yield problem("settled", says, "run `till charge`, and see what it logs")
    yield _check_fuse(till, limits)
    yield _check_post(till, limits)
    yield _check_open(till)


def _check_rights(account: TillAccount) -> Iterator[Finding]:
    try:
        with account.provider() as provider:
            can = provider.whose().can
    except GitmeterError:
        return  # the check of the account says what is wrong
    name = account.name
    if "charge" not in can:
        do = "make a restricted key that writes PaymentIntents"
        yield problem("key", f"{name}: its key cannot charge cards", do)
    if "refund" in can:
        do = "make a restricted key for it, without that right"
        yield problem("key", f"{name}: its key can also give money back", do)


def _check_fuse(till: Till, limits: ChargeTable) -> Finding:
    stopped = till.charging.stopped()
    if stopped is not None:
        says = f"nothing is charged since {format_ts(stopped.at)}: {stopped.why}"
        do = "look whose they are with `till attempts`, then `till start-again --reason ...`"
        return problem("fuse", says, do)
    begun = till.attempts.begun_since(till.clock() - _HOUR)
    usd = format_usd(sum(each.credit_nano for each in begun))
    most = f"{limits.topups_hour_max} and {limits.topup_usd_hour_max} USD"
    return ok("fuse", f"{counted(len(begun), 'attempt')} and {usd} USD of {most} in the last hour")


def _check_post(till: Till, limits: ChargeTable) -> Finding:
    last = till.charging.posted_at()
    do = f"set url of [topup] in aggregator.toml to http://{limits.listen}/due, with its secret"
    if last is None:
        return warning("due", "no aggregator ever said who is due", do)
    says = f"an aggregator last said {in_words(till.clock() - last)} ago who is due"
    return warning("due", says, do) if till.clock() - last > _POST_LATE else ok("due", says)


def _check_open(till: Till) -> Finding:
    open_ones = [each for each in till.attempts.shown() if each.ended_us is None]
    late_us = to_us(till.clock() - _OPEN_LATE)
    late = [each.key.attempt for each in open_ones if each.began_us < late_us]
    if late:
        says = f"{counted(len(late), 'attempt')} open for more than three days: {late[0]}"
        return warning("attempts", says, "see what `till charge` logs about it")
    return ok("attempts", f"{counted(len(open_ones), 'attempt')} open")
