"""Whether an account may use a resource now."""

from http import HTTPStatus
from typing import Any, Final

from aggregator.reports.accounts import NoAccountError
from aggregator.reports.basis import stands_on
from aggregator.reports.terms.allowed import UseVerdict
from aggregator.reports.terms.allowed import allowed as judge
from aggregator.reports.terms.grants import AccountTerms, account_terms
from gitmeter.money.accounts import AccountAt
from portal.access.holders import settled_about
from portal.access.scopes import ALLOWED, BALANCE, STAFF_ALLOWED
from portal.api.customers.account import cap_usd
from portal.api.models.allowed import UseAllowed
from portal.api.problems import ProblemError, not_found
from portal.api.request import Asked
from wire_format.money import format_usd

_WHY: Final = {
    UseVerdict.SUSPENDED: "this account is suspended",
    UseVerdict.QUOTA_EXHAUSTED: "the plan's units of this cycle are used up",
    UseVerdict.CAP_REACHED: "the most that this account wants to spend in a cycle is reached",
    UseVerdict.BALANCE_EXHAUSTED: "there is no credit left for this",
}


def allowed(asked: Asked) -> UseAllowed:
    """Say whether an account may use a resource: 200 if it may, 402 or 403 with the reason if not.

    Nothing is reserved. What was used and is not billed yet is not known here, so an account may
    use what its services let through in that time: requests in a minute, by the price of one, by
    the time between two pushes of a node.

    A key with `allowed:` and the resource asks about its own account; a service's key, made with
    `books key make` and `staff:allowed:`, about any.
    """
    user, resource = asked.path["user"], asked.query.resource
    is_own = user == asked.holder.user and asked.holder.may(ALLOWED + resource)
    if not is_own and not asked.holder.may(STAFF_ALLOWED + resource):
        raise not_found()  # whether there is such an account is nobody else's business
    try:
        found = account_terms(asked.store, user, asked.now)
    except NoAccountError:
        raise not_found() from None
    settled = settled_about(asked.store, asked.portal.desk.unbilled, user, asked.now)
    said = judge(asked.store, found, settled, asked.now, resource)
    as_of = stands_on(asked.store, found.account.id)["nodes_billed_until"]
    if said.verdict is not UseVerdict.ALLOWED:
        raise _refused(asked, said.verdict, found, settled, as_of)
    return UseAllowed(
        allowed=True, user=user, resource=resource, units_left=said.units_left, as_of=as_of
    )


def _refused(
    asked: Asked, verdict: UseVerdict, found: AccountTerms, settled: AccountAt, as_of: str | None
) -> ProblemError:
    more: dict[str, Any] = {"as_of": as_of}
    if verdict is not UseVerdict.SUSPENDED:
        if asked.portal.config.top_up_url is not None:
            more["top_up_url"] = asked.portal.config.top_up_url
        if asked.holder.may(BALANCE):
            more["balance_usd"] = format_usd(found.funds.balance_nano)
            more["cap_usd"] = cap_usd(settled)
    is_suspended = verdict is UseVerdict.SUSPENDED
    status = HTTPStatus.FORBIDDEN if is_suspended else HTTPStatus.PAYMENT_REQUIRED
    return ProblemError(str(verdict), status, _WHY[verdict], more=more)
