"""`rules/writers.toml`: accounts at providers, tills, desks and what desks may give."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from wire_format import fields
from wire_format.instants import format_ts, to_us
from wire_format.money import parse_nano
from wire_format.rule_files.loading import (
    Hour,
    Name,
    Rule,
    RuleBookError,
    UsdAboveZero,
    is_of,
    load,
    refuse_twins,
)
from wire_format.writers import (
    NO_WRITERS,
    WRITERS_PATH,
    AdjustTemplate,
    ConsentLimits,
    DeskRules,
    GrantTemplate,
    ProviderAccount,
    TillRules,
    TopupLimits,
    Writers,
)

_TEST_ENDING: Final = "-test"
_DAYS_MAX: Final = 36_500
_TOPUPS_MAX: Final = 100_000


def _of_a_provider(name: str) -> str:
    if name == fields.MANUAL:
        raise ValueError(f"{fields.MANUAL} is no provider: it is what nobody else moved")
    return name


def _sorted_once(texts: tuple[str, ...]) -> tuple[str, ...]:
    if list(texts) != sorted(set(texts)):
        raise ValueError("must be sorted, each entry once")
    return texts


_Node = Annotated[str, is_of(fields.NODE_PATTERN)]
_ProviderName = Annotated[str, is_of(fields.PROVIDER_PATTERN), AfterValidator(_of_a_provider)]


class _Provider(Rule):
    name: _ProviderName
    kind: Annotated[str, is_of(fields.PROVIDER_PATTERN)]
    account: Annotated[str, is_of(fields.REFERENCE_PATTERN)]
    mode: Literal["live", "test"]

    @model_validator(mode="after")
    def _name_tells_the_mode(self) -> Self:
        if self.name.endswith(_TEST_ENDING) != (self.mode == "test"):
            raise ValueError(
                f"{self.name}: the name of a test account, and of no other, ends in {_TEST_ENDING}"
            )
        return self

    @property
    def rules(self) -> ProviderAccount:
        return ProviderAccount(self.name, self.kind, self.account, self.mode)


class _Writer(Rule):
    node: _Node
    from_: Hour = Field(alias="from")
    until: Hour | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.until is not None and self.until <= self.from_:
            raise ValueError("until must be later than from")
        return self

    @property
    def _until_us(self) -> int | None:
        return None if self.until is None else to_us(self.until)


class _Till(_Writer):
    providers: Annotated[tuple[_ProviderName, ...], Field(min_length=1, strict=False)]
    payment_max_usd: UsdAboveZero | None = None
    unconfirmed_max_usd: UsdAboveZero | None = None
    since: Hour | None = None
    consent_max_usd: UsdAboveZero | None = None
    consent_month_max_usd: UsdAboveZero | None = None
    topups_hour_max: int | None = Field(default=None, ge=1, le=_TOPUPS_MAX)
    topup_usd_hour_max: UsdAboveZero | None = None

    @model_validator(mode="after")
    def _takes_payments_or_charges(self) -> Self:
        pairs: tuple[tuple[str, str], ...] = (
            ("payment_max_usd", "unconfirmed_max_usd"),
            ("consent_max_usd", "consent_month_max_usd"),
            ("topups_hour_max", "topup_usd_hour_max"),
        )
        takes, consents, charges = (self._has_both(*pair) for pair in pairs)
        if charges == takes or (charges and consents):
            raise ValueError(
                f"{self.node}: either takes payments (payment_max_usd and unconfirmed_max_usd), or"
                " charges saved cards (topups_hour_max and topup_usd_hour_max) and nothing else"
            )
        return self

    def _has_both(self, one: str, other: str) -> bool:
        has_one, has_other = (getattr(self, name) is not None for name in (one, other))
        if has_one != has_other:
            raise ValueError(f"{self.node}: {one} and {other} go together")
        return has_one

    @property
    def rules(self) -> TillRules:
        return TillRules(
            self.node,
            to_us(self.from_),
            self._until_us,
            frozenset(self.providers),
            _nano(self.payment_max_usd) or 0,
            _nano(self.unconfirmed_max_usd) or 0,
            None if self.since is None else to_us(self.since),
            self._consents,
            self._topups,
        )

    @property
    def _consents(self) -> ConsentLimits | None:
        if self.consent_max_usd is None or self.consent_month_max_usd is None:
            return None
        return ConsentLimits(
            parse_nano(self.consent_max_usd), parse_nano(self.consent_month_max_usd)
        )

    @property
    def _topups(self) -> TopupLimits | None:
        if self.topups_hour_max is None or self.topup_usd_hour_max is None:
            return None
        return TopupLimits(self.topups_hour_max, parse_nano(self.topup_usd_hour_max))


class _Desk(_Writer):
    fees_day_usd: UsdAboveZero | None = None

    @property
    def rules(self) -> DeskRules:
        return DeskRules(self.node, to_us(self.from_), self._until_us, _nano(self.fees_day_usd))


class _Grant(Rule):
    name: Name
    from_: Hour = Field(alias="from")
    usd: UsdAboveZero
    days: int | None = Field(default=None, ge=1, le=_DAYS_MAX)
    scope: (
        Annotated[
            tuple[Annotated[str, is_of(fields.GLOB_PATTERN)], ...],
            Field(min_length=1, max_length=fields.SCOPE_MAX, strict=False),
            AfterValidator(_sorted_once),
        ]
        | None
    ) = None
    category: Literal["promotional", "paid"]
    priority: int = Field(ge=0, le=fields.PRIORITY_MAX)
    budget_usd: UsdAboveZero
    after_payment_usd: UsdAboveZero | None = None

    @property
    def rules(self) -> GrantTemplate:
        return GrantTemplate(
            self.name,
            to_us(self.from_),
            parse_nano(self.usd),
            self.days,
            self.scope,
            self.category,
            self.priority,
            parse_nano(self.budget_usd),
            _nano(self.after_payment_usd),
        )


class _Adjust(Rule):
    name: Name
    from_: Hour = Field(alias="from")
    role: Name
    per_line_usd: UsdAboveZero
    per_account_month_usd: UsdAboveZero
    budget_usd: UsdAboveZero

    @property
    def rules(self) -> AdjustTemplate:
        return AdjustTemplate(
            self.name,
            to_us(self.from_),
            self.role,
            parse_nano(self.per_line_usd),
            parse_nano(self.per_account_month_usd),
            parse_nano(self.budget_usd),
        )


class _WritersFile(Rule):
    provider: Annotated[tuple[_Provider, ...], Field(strict=False)] = ()
    till: Annotated[tuple[_Till, ...], Field(strict=False)] = ()
    desk: Annotated[tuple[_Desk, ...], Field(strict=False)] = ()
    grant: Annotated[tuple[_Grant, ...], Field(strict=False)] = ()
    adjust: Annotated[tuple[_Adjust, ...], Field(strict=False)] = ()


def parse_writers(text: bytes | None) -> Writers:
    """Read writers.toml; None is an absent file.

    A till may name an account that no `[[provider]]` states: nothing of it is known then.

    Raises:
        RuleBookError: with every fault.
    """
    if not text:
        return NO_WRITERS
    file = load(WRITERS_PATH, text, _WritersFile)
    refuse_twins(WRITERS_PATH, text, _table_names(file))
    desks = {desk.node for desk in file.desk}
    both = sorted({till.node for till in file.till} & desks)
    if both:
        raise RuleBookError(WRITERS_PATH, [f"{node}: is both a till and a desk" for node in both])
    return Writers(
        tuple(provider.rules for provider in file.provider),
        tuple(till.rules for till in file.till),
        tuple(desk.rules for desk in file.desk),
        tuple(grant.rules for grant in file.grant),
        tuple(adjust.rules for adjust in file.adjust),
    )


def _table_names(file: _WritersFile) -> dict[str, list[str]]:
    dated: list[tuple[str, str, datetime]] = [
        *(("till", each.node, each.from_) for each in file.till),
        *(("desk", each.node, each.from_) for each in file.desk),
        *(("grant", each.name, each.from_) for each in file.grant),
        *(("adjust", each.name, each.from_) for each in file.adjust),
    ]
    found = {"provider": [f"provider {provider.name}" for provider in file.provider]}
    for kind, name, from_ in dated:
        found.setdefault(kind, []).append(f"{kind} {name} from {format_ts(from_)}")
    return found


def _nano(text: str | None) -> int | None:
    return None if text is None else parse_nano(text)
