"""The difference between two rule books, as lines of a commit message. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from wire_format.instants import HOUR_US, format_hour, format_ts, from_us
from wire_format.money import PRICE_SCALE, format_usd
from wire_format.plans import PlanVersion
from wire_format.rule_book import Ladder, RuleBook
from wire_format.rule_files.prices_file import Price
from wire_format.writers import (
    AdjustTemplate,
    DeskRules,
    GrantTemplate,
    ProviderAccount,
    TillRules,
)

SHOWN_MAX: Final = 40
TENURE_MIN: Final = "least payment for tenure"


class Act(NamedTuple):
    """Who changes the rule book, and why.

    Attributes:
        by: a name.
        reason: None where none is given.
    """

    by: str
    reason: str | None = None


class RuleChanges(NamedTuple):
    """What new files change in the rule book.

    Attributes:
        added, removed, changed: a line in words for each rule.
    """

    added: list[str]
    removed: list[str]
    changed: list[str]

    @property
    def summary(self) -> str:
        """`2 added, 1 changed`."""
        counts = [
            f"{len(rules)} {name}" for name, rules in zip(self._fields, self, strict=True) if rules
        ]
        return ", ".join(counts) or "no rule changed"

    @property
    def lines(self) -> list[str]:
        """All of them: `+`, `-` or `~`, then the rule."""
        return [f"{sign} {rule}" for sign, rules in zip("+-~", self, strict=True) for rule in rules]


def changes(before: RuleBook, after: RuleBook) -> RuleChanges:
    """The difference between two rule books, rule by rule."""
    old, new = rules_by_name(before), rules_by_name(after)
    return RuleChanges(
        [f"{name}: {new[name]}" for name in new if name not in old],
        [f"{name}: {old[name]}" for name in old if name not in new],
        [
            f"{name}: {new[name]}, was {old[name]}"
            for name in new
            if name in old and new[name] != old[name]
        ],
    )


def build_rules_message(
    node: str, paths: Sequence[str], found: RuleChanges, sha256: str, act: Act
) -> str:
    """Write the commit message of new rule files.

    Args:
        node: the books' name.
        paths: the paths of the files in the repo.
        found: what they change.
        sha256: the hash that names the new rule book.
        act: who changes them, and why.
    """
    names = [path.removeprefix("rules/").removesuffix(".toml") for path in paths]
    shown = found.lines[:SHOWN_MAX]
    if len(found.lines) > SHOWN_MAX:
        shown.append(f"and {len(found.lines) - SHOWN_MAX} more")
    trailers = {"Node": node, "Rule-Book": sha256, "By": act.by, "Reason": act.reason}
    paragraphs = [
        f"rules: {', '.join(names)}: {found.summary}",
        "\n".join(shown),
        "\n".join(f"{key}: {value}" for key, value in trailers.items() if value),
    ]
    return "\n\n".join(text for text in paragraphs if text) + "\n"


def ladder_text(ladder: Ladder) -> str:
    """A version of the ladder in one line."""
    tiers = [
        f"{tier.name} x{tier.multiplier} after {tier.after_days} days"
        f" ({', '.join(tier.applies_to)})"
        for tier in ladder.tiers
    ]
    return "; ".join(tiers) or "no tiers"


def price_text(price: Price) -> str:
    """The amount of a price in words: `0.04 USD per 3600`, `by month: 1.00 USD up to 10, ...`."""
    return ", then ".join(price_parts(price))


def price_parts(price: Price) -> list[str]:
    """The same in parts: one for each tier."""
    window = "" if price.window == "hour" else f"by {price.window}: "
    if price.package is not None:
        return [f"{window}{_usd_text(price.package.usd)} per package of {price.package.size}"]
    per = f" per {price.units_per}"
    if price.tiers is None:
        return [f"{window}{_usd_text(price.usd or '0')}{per}"]
    tiers = [
        _usd_text(tier.usd)
        + per
        + ("" if tier.flat_usd is None else f" and {_usd_text(tier.flat_usd)} once")
        + ("" if tier.up_to is None else f" up to {tier.up_to}")
        for tier in price.tiers
    ]
    mode = "all at " if price.mode == "volume" else ""
    return [f"{window}{mode}{tiers[0]}", *tiers[1:]]


def _usd_text(text: str) -> str:
    whole, _, fraction = text.partition(".")
    return f"{int(whole)}.{fraction.rstrip('0').ljust(2, '0')} USD"


def until_text(price: Price) -> str:
    """When a price of one account ends, as what follows its amount; empty if it does not."""
    return "" if price.until is None else f" until {format_ts(price.until)}"


def rules_by_name(book: RuleBook) -> Mapping[str, str]:
    """The content of every rule, by the rule's name.

    A price that both files state is the one of `prices.toml`, which takes precedence.
    """
    imported, own = (
        {price.name: price_text(price) + until_text(price) for price in prices}
        for prices in (book.imported, book.prices)
    )
    ladders = {
        f"ladder from {format_ts(ladder.from_)}": ladder_text(ladder) for ladder in book.ladders
    }
    least = {TENURE_MIN: f"{format_usd(book.tenure_min_nano)} USD"} if book.tenure_min_nano else {}
    return imported | own | ladders | least | writers_by_name(book)


def writers_by_name(book: RuleBook) -> dict[str, str]:
    """The content of every rule of writers.toml, fx.toml and plans.toml, by the rule's name."""
    accounts = {f"provider {each.name}": account_text(each) for each in book.writers.accounts}
    return accounts | {
        f"{rule} from {format_ts(from_us(version.from_us))}": version.text
        + ("" if version.until_us is None else f" until {format_ts(from_us(version.until_us))}")
        for rule, version in writer_versions(book)
    }


class Version(NamedTuple):
    """One version of a rule about writers, or of a rate.

    Attributes:
        from_us, until_us: when it holds, in microseconds since 1970; None for no end of its own.
        text: what it says, in words.
    """

    from_us: int
    until_us: int | None
    text: str


def writer_versions(book: RuleBook) -> Iterator[tuple[str, Version]]:
    """Every dated rule of writers.toml, fx.toml and plans.toml, with what it is about."""
    for till in book.writers.tills:
        yield f"till {till.node}", Version(till.from_us, till.until_us, _till_text(till))
    for desk in book.writers.desks:
        yield f"desk {desk.node}", Version(desk.from_us, desk.until_us, _desk_text(desk))
    for grant in book.writers.grants:
        yield f"grant {grant.name}", Version(grant.from_us, None, _grant_text(grant))
    for adjust in book.writers.adjusts:
        yield f"adjust {adjust.name}", Version(adjust.from_us, None, _adjust_text(adjust))
    decimals = len(str(PRICE_SCALE)) - 1
    for rate in book.fx.rates:
        whole, fraction = divmod(rate.usd_scaled, PRICE_SCALE)
        usd = f"{whole}.{f'{fraction:0{decimals}}'.rstrip('0').ljust(2, '0')}"
        yield f"rate of {rate.currency}", Version(rate.from_us, None, f"{usd} USD")
    for plan in book.plans.versions:
        yield f"plan {plan.name}", Version(plan.from_hour * HOUR_US, None, _plan_text(plan))
    for each in book.plans.plan_map:
        until = each.prices_until_hour
        at = "" if until is None else f" at the fee of {each.old} until {format_hour(until)}"
        name = f"plan after {each.old}"
        yield name, Version(each.from_hour * HOUR_US, None, f"{each.new}{at}")


def account_text(account: ProviderAccount) -> str:
    """An account at a provider in one line."""
    return f"{account.kind} {account.account} ({account.mode})"


def _till_text(till: TillRules) -> str:
    since = "" if till.since_us is None else f", moved since {format_ts(from_us(till.since_us))}"
    whose = f"{', '.join(sorted(till.providers))}{since}"
    if till.topups is not None:
        charges = "attempt" if till.topups.hour_max == 1 else "attempts"
        return (
            f"{whose}; charges saved cards, at most {till.topups.hour_max} {charges} and"
            f" {format_usd(till.topups.hour_max_nano)} USD in any hour"
        )
    consents = ""
    if till.consents is not None:
        consents = (
            f"; consents to at most {format_usd(till.consents.amount_max_nano)} USD a charge,"
            f" {format_usd(till.consents.month_max_nano)} USD a month"
        )
    return (
        f"{whose}; at most {format_usd(till.payment_max_nano)} USD a payment,"
        f" {format_usd(till.unconfirmed_max_nano)} USD unconfirmed{consents}"
    )


def _desk_text(desk: DeskRules) -> str:
    if desk.fees_day_nano is None:
        return "fees without a limit"
    return f"fees of at most {format_usd(desk.fees_day_nano)} USD a day"


def _plan_text(plan: PlanVersion) -> str:
    fee = "no fee" if plan.fee_nano is None else f"{format_usd(plan.fee_nano)} USD"
    credit = f", credit of {format_usd(plan.credit_nano)} USD" if plan.credit_nano else ""
    first = f", priority {plan.credit_priority}" if plan.credit_nano else ""
    meters = [
        f"{_number(meter.included)} {meter.name} ({' '.join(meter.match)}), {meter.beyond}"
        for meter in plan.meters
    ]
    limits = [f"{name} {_number(limit)}" for name, limit in plan.limits]
    rpm = [] if plan.rpm is None else [f"{plan.rpm} requests a minute"]
    said = [*meters, *limits, *rpm, *plan.features]
    sold = ", sold by desks" if plan.sold_by else ""
    default = ", the default" if plan.is_default else ""
    cycle = f"{fee} a cycle of {plan.cycle_hours} hours{credit}{first}{default}{sold}"
    return "; ".join([cycle, *said])


def _number(limit: int | None) -> str:
    return "unlimited" if limit is None else str(limit)


def _grant_text(grant: GrantTemplate) -> str:
    days = "" if grant.days is None else f" for {grant.days} days"
    scope = "" if grant.scope is None else f" on {' '.join(grant.scope)}"
    paid = grant.after_payment_nano
    after = "" if paid is None else f", after a payment of {format_usd(paid)} USD"
    return (
        f"{format_usd(grant.usd_nano)} USD{days}{scope}, {grant.category}, priority"
        f" {grant.priority}{after}; {format_usd(grant.budget_nano)} USD in all"
    )


def _adjust_text(adjust: AdjustTemplate) -> str:
    return (
        f"by {adjust.role}: at most {format_usd(adjust.per_line_nano)} USD a line,"
        f" {format_usd(adjust.per_account_month_nano)} USD an account and month,"
        f" {format_usd(adjust.budget_nano)} USD in all"
    )
