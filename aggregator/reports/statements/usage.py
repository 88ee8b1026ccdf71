"""The usage of an account in a period, by resource and discount, and what it is made of."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.rating.rating import ChargeState, Rater
from aggregator.rating.shares import CostShare, ShareKind
from aggregator.rating.tariff import Tariff
from aggregator.reports.accounts import format_multiplier
from aggregator.reports.basis import Answer
from aggregator.reports.charges.parts import ChargeParts
from aggregator.reports.periods.period import Period
from aggregator.store.questions.exports import WholeCharge
from aggregator.store.store import LedgerStore
from wire_format.instants import format_ts

USAGE_SUMS: Final = (
    *("quantity", "included", "records", "list_cost_nano", "discount_nano"),
    *("billed_cost_nano", "drawn_nano", "uncovered_nano"),
)
"""What is added up of each row."""
_PART_SUMS: Final = ("units", "priced", "list_cost_nano", "billed_cost_nano")
_KINDS: Final = (ShareKind.INCLUDED, ShareKind.FLAT, ShareKind.UNITS, ShareKind.PACKAGES)


class _PartKey(NamedTuple):
    """What parts are told apart by, in the order in which they are listed."""

    since: str
    tier: int
    kind: str
    usd: str | None
    per: int | None
    is_tiered: bool


def usage(store: LedgerStore, account_id: int, period: Period) -> list[Answer]:
    """Return the usage of an account by resource, category and discount, inside the caller's view.

    Returns:
        each with its sums, and `parts` that add up to it: units at one price or in one tier of it
        (`units`), `packages` that were begun, what the first unit of a tier costs besides (`flat`),
        units that a plan includes (`included`), and charges that are not rated in full, by their
        state. `usd` is the price of `per` units, of a package of `per` units, or the flat fee.
    """
    parts_of = ChargeParts(store, Rater(rule_book_in_force(store)))
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    parts: dict[tuple[str, str, str], dict[_PartKey, dict[str, int]]] = {}
    for whole in store.exports.charges(period.first_hour, period.end_hour, account_id):
        row, made = whole.rated.row, parts_of.of(whole)
        key = whole.rated.resource, row.applies_to, format_multiplier(made.discount.multiplier)
        _add(found.setdefault(key, {}), USAGE_SUMS, _sums(whole))
        own = parts.setdefault(key, {})
        for part, sums in _parts(whole, made.tariff, made.shares):
            _add(own.setdefault(part, {}), _PART_SUMS, sums)
    return [
        {
            **dict(zip(("resource", "applies_to", "multiplier"), key, strict=True)),
            **found[key],
            "parts": [_answer(part, parts[key][part]) for part in sorted(parts[key], key=_order)],
        }
        for key in sorted(found)
    ]


def _add(sums: dict[str, int], names: Sequence[str], values: Sequence[int]) -> None:
    for name, value in zip(names, values, strict=True):
        sums[name] = sums.get(name, 0) + value


def _sums(whole: WholeCharge) -> Sequence[int]:
    row = whole.rated.row
    return (
        row.quantity,
        0 if whole.counted is None else whole.counted.included,
        row.records,
        row.list_cost_nano,
        row.list_cost_nano - row.billed_cost_nano,
        row.billed_cost_nano,
        whole.drawn_nano,
        row.billed_cost_nano - whole.drawn_nano,
    )


def _parts(
    whole: WholeCharge, tariff: Tariff | None, shares: Sequence[CostShare]
) -> Iterator[tuple[_PartKey, Sequence[int]]]:
    row = whole.rated.row
    if tariff is None or row.state is not ChargeState.RATED:
        key = _PartKey("", 0, str(row.state), None, None, is_tiered=False)
        yield key, (row.quantity, row.quantity, row.list_cost_nano, row.billed_cost_nano)
        return
    for share in shares:
        yield _key(tariff, share), share[2:]


def _key(tariff: Tariff, share: CostShare) -> _PartKey:
    rule = tariff.rule
    since, is_tiered = format_ts(rule.from_), rule.tiers is not None
    if share.kind is ShareKind.INCLUDED:
        return _PartKey("", 0, share.kind, None, None, is_tiered=False)
    if rule.package is not None:
        return _PartKey(since, 0, share.kind, rule.package.usd, rule.package.size, is_tiered)
    if rule.tiers is None:
        return _PartKey(since, 0, share.kind, rule.usd, rule.units_per, is_tiered)
    tier = rule.tiers[share.tier]
    if share.kind is ShareKind.FLAT:
        return _PartKey(since, share.tier, share.kind, tier.flat_usd, None, is_tiered)
    return _PartKey(since, share.tier, share.kind, tier.usd, rule.units_per, is_tiered)


def _order(part: _PartKey) -> tuple[object, ...]:
    place = _KINDS.index(ShareKind(part.kind)) if part.kind in _KINDS else len(_KINDS)
    return part.since, part.tier, place, part.kind, str(part.usd), part.per or 0


def _answer(part: _PartKey, sums: dict[str, int]) -> Answer:
    found: dict[str, Any] = {
        "kind": part.kind,
        "price_from": part.since or None,
        "tier": part.tier + 1 if part.is_tiered else None,
        "usd": part.usd,
        "per": part.per,
        **sums,
    }
    return found | {"what": part_text(found)}


def by_parts(usage: Sequence[Answer]) -> list[Answer]:
    """The rows of usage whose parts say more than the row does."""
    return [
        used
        for used in usage
        if [part["kind"] for part in used["parts"]] != [ShareKind.UNITS] or used["parts"][0]["tier"]
    ]


def part_text(part: Answer) -> str:
    """What a part is, for people: `tier 2: 0.40 per 1000`."""
    kind, tier = part["kind"], "" if part["tier"] is None else f"tier {part['tier']}: "
    if kind == ShareKind.UNITS:
        return f"{tier}{part['usd']} per {part['per']}"
    if kind == ShareKind.PACKAGES:
        return f"packages of {part['per']}: {part['usd']} each"
    return f"{tier}{part['usd']} once" if kind == ShareKind.FLAT else kind
