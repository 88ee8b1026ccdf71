"""A worked case from plans to balances, by the pure rules: what `money_cases.answer` leaves out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aggregator.rating.account import AccountCharge, draw_account, rate_account
from aggregator.rating.drawing import Billed, Drawn
from aggregator.rating.rating import ChargeState, Rater
from aggregator.rating.series import Payer
from aggregator.rating.standing import (
    GrantLeft,
    breakage_of,
    in_balance_nano,
    state_at,
)
from gitmeter.money.granted import EVER_HOUR, Granted
from gitmeter.money.plans.money_before import CommittedLine, MoneyKnown
from gitmeter.money.plans.plan_lines import JudgedPlanLines, PlanEntry, judge_plan_lines
from gitmeter.money.plans.timeline import PlanTimeline
from gitmeter.money.pool import NO_CREDIT, credits_of
from tests.support.money_judging import JudgedLines, TellingLines
from wire_format.instants import HOUR_US, format_hour, hour_of, parse_ts
from wire_format.lines import Account, Money
from wire_format.plans import PlanMeter

Case = Mapping[str, Any]
UNPRICED = {ChargeState.UNPRICED, ChargeState.CATEGORY_MISMATCH}


class ChargedCase:
    """What a case's accounts have, use and owe.

    Args:
        case: the case.
        rater: rates by its rules.
        told: its lines.
        judged: what became of them.
        committed: of lines of the books about money and accounts, when each was committed.
    """

    def __init__(
        self,
        case: Case,
        rater: Rater,
        told: TellingLines,
        judged: JudgedLines,
        committed: Mapping[Money | Account, int],
    ) -> None:
        self._committed = dict(committed)
        for own in (*told.tills.values(), *told.desks.values()):
            for line in own:
                self._committed[line.record] = judged.worths[line.line].copy.spot.at_us
        self._judged = judged
        self._desks = set(told.desks)
        self._rater = rater
        self.users = users_of(case)
        self.plans = {user: self._plans_of(user) for user in self.users}
        self._timelines = {
            user: PlanTimeline(found.counted, rater.rule_book.plans)
            for user, found in self.plans.items()
        }
        credit = credits_of(judged.money, judged.payments, rater.rule_book.tenure_min_nano)
        uses = quantities(case["lines"])
        self.charges: dict[str, list[AccountCharge]] = {}
        self.drawn: dict[str, list[Drawn]] = {}
        self._grants: dict[str, list[Granted]] = {}
        for user in self.users:
            tenure = credit.get(user, NO_CREDIT).tenure
            payer = Payer(user, tenure, self._timelines[user])
            self.charges[user] = rate_account(rater, payer, uses.get(user, {}))
            self._grants[user] = [
                *judged.granted.get(user, ()),
                *self._timelines[user].credits(0, EVER_HOUR),
            ]
            self.drawn[user] = draw_account(self.charges[user], self._grants[user])

    def _plans_of(self, user: str) -> JudgedPlanLines:
        entries = [
            PlanEntry(
                entry.record,
                "desk" if entry.record.node in self._desks else "books",
                self._committed[entry.record],
            )
            for entry in self._judged.plans
            if entry.record.user == user
        ]
        lines = (CommittedLine(m, self._committed[m.record]) for m in self._judged.money)
        known = MoneyKnown(user, lines)
        return judge_plan_lines(entries, self._rater.rule_book.plans, known.before)

    def fees_nano(self, user: str, before_us: int) -> int:
        """What plan lines cost that are dated before an instant."""
        return self._timelines[user].fees_nano(before_us)

    def charge_answers(self, *, are_priced: bool) -> Iterator[dict[str, Any]]:
        """The charges with a price, or the others."""
        for user in self.users:
            for charge in self.charges[user]:
                if (charge.rating.state in UNPRICED) is are_priced:
                    continue
                answer = {
                    **_named(user, charge),
                    "quantity": charge.quantity,
                    "included": charge.included,
                }
                if are_priced:
                    answer["before"] = charge.before
                    answer["list_nano"] = charge.rating.list_cost_nano
                    answer["billed_nano"] = charge.rating.billed_cost_nano
                yield answer

    def drawn_answers(self) -> Iterator[dict[str, Any]]:
        """What was drawn of grants."""
        for user in self.users:
            for each in sorted(self.drawn[user], key=lambda drawn: (drawn.charge, drawn.grant)):
                yield {**_named(user, each.charge), "grant": each.grant, "nano": each.nano}

    def uncovered_nano(self, user: str, at_us: int) -> int:
        """What no grant pays of hours that began before an instant."""
        billed = sum(
            charge.rating.billed_cost_nano
            for charge in self.charges[user]
            if charge.hour * HOUR_US < at_us
        )
        return billed - sum(self._drawn_before(user, at_us).values())

    def grants(self, user: str, at_us: int) -> list[GrantLeft]:
        """The grants of an account at an instant, by name."""
        drawn = self._drawn_before(user, at_us)
        found = (
            GrantLeft(grant, grant.amount_nano - drawn[grant.name], state_at(grant, at_us))
            for grant in sorted(self._grants[user], key=lambda grant: grant.name)
        )
        return [each for each in found if each.is_shown]

    def of_user(
        self, user: str, instants: Mapping[str, int], pool: Mapping[str, int]
    ) -> dict[str, dict[str, Any]]:
        """Everything that depends on an instant."""
        left = {at: self.grants(user, us) for at, us in instants.items()}
        uncovered = {at: self.uncovered_nano(user, us) for at, us in instants.items()}
        return {
            "uncovered": uncovered,
            "balance": {
                at: pool[at] - uncovered[at] + in_balance_nano(left[at]) for at in instants
            },
            "grants": {at: [grant_answer(each) for each in left[at]] for at in instants},
            "breakage": {at: breakage_of(left[at])._asdict() for at in instants},
            "plan": {at: self._plan(user, us) for at, us in instants.items()},
        }

    def _drawn_before(self, user: str, at_us: int) -> Counter[str]:
        found = Counter[str]()
        for each in self.drawn[user]:
            if each.charge.hour * HOUR_US < at_us:
                found[each.grant] += each.nano
        return found

    def _plan(self, user: str, at_us: int) -> dict[str, Any] | None:
        timeline = self._timelines[user]
        plan = timeline.at(at_us // HOUR_US)
        if plan is None:
            return None
        used, given = Counter[str](), Counter[str]()
        for charge in self.charges[user]:
            own = timeline.at(charge.hour)
            if own is None or own.cycle_of != plan.cycle_of or charge.hour * HOUR_US >= at_us:
                continue
            meter = timeline.plans.meter_of(plan.version, charge.resource)
            if meter is not None:
                used[meter.name] += charge.quantity
                given[meter.name] += charge.included
        return {
            "plan": plan.version.name,
            "cycle_start": format_hour(plan.cycle_start),
            "cycle_end": format_hour(plan.cycle_end),
            "meters": {
                meter.name: _meter(meter, used[meter.name], given[meter.name])
                for meter in plan.meters
            },
        }


def users_of(case: Case) -> list[str]:
    """Whom the lines of a case name."""
    return sorted({text["user"] for text in case["lines"] if text.get("user")})


def quantities(
    lines: Iterable[Mapping[str, Any]],
) -> dict[str, dict[tuple[int, str, Any], int]]:
    """By user, the units of each hour, resource and category."""
    usage: dict[tuple[object, ...], Mapping[str, Any]] = {}
    for text in lines:
        if text["type"] == "usage" and text["role"] == "usage":
            key = tuple(text[name] for name in ("node", "seq", "ts"))
            usage[key] = text
    found: dict[str, dict[tuple[int, str, Any], int]] = defaultdict(lambda: defaultdict(int))
    for text in usage.values():
        of = text
        if "corrects" in text:
            of = usage[text["node"], text["corrects"], text["ts"]]
        hour = hour_of(parse_ts(of["ts"]))
        found[of["user"]][hour, of["resource"], of["applies_to"]] += text["quantity"]
    return found


def _named(user: str, charge: AccountCharge | Billed) -> dict[str, Any]:
    return {
        "user": user,
        "hour": format_hour(charge.hour),
        "resource": charge.resource,
        "applies_to": charge.applies_to,
    }


def grant_answer(each: GrantLeft) -> dict[str, Any]:
    """A grant as the answer to a case states it."""
    return {"grant": each.grant.name, "left_nano": each.left_nano, "state": str(each.state)}


def _meter(meter: PlanMeter, used: int, given: int) -> dict[str, Any]:
    if meter.included is None:
        return {"used": used, "included": "unlimited", "left": "unlimited"}
    return {"used": used, "included": meter.included, "left": max(0, meter.included - given)}
