"""Whether a charge of a saved card had been agreed to: a function of sets, of what is older."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.topups.covering import (
    Agreed,
    ChargedCard,
    CoverFault,
    StatedTerms,
    agreed_between,
    cover_fault,
)
from gitmeter.money.topups.settled import AutoTopup
from tests.gitmeter.money.topups.telling import TERMS, USD, consent, setting, us
from wire_format.lines import Account
from wire_format.writers import ConsentLimits, TillRules, TopupLimits, Writers

FRONT = TillRules(
    *("till-1", us(-9999), None, frozenset({"stripe"}), 500 * USD, 1000 * USD, None),
    consents=ConsentLimits(50 * USD, 200 * USD),
)
CHARGER = TillRules(
    *("charger-1", us(-9999), None, frozenset({"stripe", "stripe-eu"}), 0, 0, None),
    topups=TopupLimits(20, 60 * USD),
)
WRITERS = Writers(tills=(FRONT, CHARGER))
AGREED = Agreed(TERMS, consent(0), TERMS)


def stated(record: Account, committed: float | None = None) -> StatedTerms:
    """A line, with the hours after the start of its commit; None for one of the books."""
    return StatedTerms(record, None if committed is None else us(committed))


def charge(
    name: str, hours: float, usd: int = 20, user: str = "alice", provider: str = "stripe",
    *, is_covered: bool = False,
) -> ChargedCard:  # fmt: skip
    """A charge, paid so many hours after the start."""
    return ChargedCard(user, provider, name, us(hours), usd * USD, is_covered)


def agreed(terms: list[StatedTerms], since: float, until: float) -> list[Agreed]:
    return agreed_between(terms, WRITERS, us(since), us(until))


def test_what_was_agreed_to_is_what_was_stated_and_committed_before() -> None:
    """Neither its own time nor that of its commit alone is enough."""
    terms = [stated(setting(0), 1), stated(consent(2), 2)]
    assert agreed(terms, 3, 3) == [Agreed(TERMS, consent(2), TERMS)]
    assert agreed(terms, 2, 2) == [Agreed(TERMS, None, None)]
    assert agreed(terms, 1, 1) == [Agreed(None, None, None)]
    assert agreed([stated(setting(0)), stated(consent(0))], 1, 1) == [
        Agreed(TERMS, consent(0), TERMS)
    ]


def test_all_that_held_at_some_time_of_a_stretch_is_told_the_last_first() -> None:
    less = setting(5, "10.00")
    off = setting(6, "0")
    terms = [stated(each, 0) for each in (setting(0), less, off, consent(0))]
    found = [each.wanted for each in agreed(terms, 4, 7)]
    assert found == [None, TERMS._replace(amount_nano=10 * USD), TERMS]
    assert [each.wanted for each in agreed(terms, 5.5, 5.9)] == [found[1]]
    assert [each.wanted for each in agreed(terms, 7, 8)] == [None]


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        (consent(0), TERMS),
        (consent(0, "50.00"), TERMS._replace(amount_nano=50 * USD)),
        (consent(0, "50.01"), None),
        (consent(0, month_usd="200.01"), None),
        (consent(0, of_ref=None, of_provider=None), None),
        (consent(0, node="till-2"), None),
        (consent(0, node="charger-1"), None),
    ],
)
def test_a_consent_allows_what_its_till_may_state(
    given: Account, allowed: AutoTopup | None
) -> None:
    (found,) = agreed([stated(given, 0)], 1, 1)
    assert (found.consent, found.allowed) == (given, allowed)


def test_the_limits_of_a_till_are_those_in_force_at_the_time() -> None:
    later = FRONT._replace(from_us=us(10), consents=ConsentLimits(10 * USD, 200 * USD))
    writers = Writers(tills=(FRONT, later, CHARGER))
    terms = [stated(consent(0), 0)]
    assert agreed_between(terms, writers, us(9), us(9))[0].allowed == TERMS
    assert agreed_between(terms, writers, us(11), us(11))[0].allowed is None


@dataclass(frozen=True)
class Case:
    """One charge of alice, ten hours after the start, and what is known besides."""

    fault: CoverFault | None
    usd: int = 20
    agreed: Agreed = AGREED
    others: list[ChargedCard] = field(default_factory=list)
    writers: Writers = WRITERS


def covered(
    *told: tuple[float, int], user: str = "bob", provider: str = "stripe"
) -> list[ChargedCard]:
    """Charges that count, by hours and dollars."""
    return [
        charge(f"pi_{n}", hours, usd, user, provider, is_covered=True)
        for n, (hours, usd) in enumerate(told)
    ]


ENDED = CHARGER._replace(until_us=us(10))
CASES = [
    Case(None),
    Case(CoverFault.NO_CHARGER, writers=Writers(tills=(FRONT,))),
    Case(CoverFault.NO_CHARGER, writers=Writers(tills=(FRONT, ENDED))),
    Case(
        CoverFault.NO_CHARGER,
        writers=Writers(tills=(FRONT, CHARGER._replace(providers=frozenset({"other"})))),
    ),
    Case(CoverFault.NOT_SETTLED, agreed=AGREED._replace(wanted=None)),
    Case(CoverFault.NO_CONSENT, agreed=AGREED._replace(allowed=None)),
    Case(CoverFault.NO_CONSENT, agreed=AGREED._replace(consent=None)),
    Case(
        CoverFault.NO_CONSENT,
        agreed=AGREED._replace(consent=consent(0, of_provider="stripe-eu")),
    ),
    Case(CoverFault.AMOUNT, usd=21),
    Case(CoverFault.AMOUNT, agreed=AGREED._replace(wanted=TERMS._replace(amount_nano=1))),
    Case(CoverFault.AMOUNT, agreed=AGREED._replace(allowed=TERMS._replace(amount_nano=1))),
    # the month's limit, with what counts already and what was paid before
    Case(None, others=covered((5, 80), user="alice")),
    Case(CoverFault.MONTH, others=covered((5, 81), user="alice")),
    Case(CoverFault.MONTH, others=covered((400, 81), user="alice")),
    Case(CoverFault.MONTH, others=[charge("pi_1", 5, 81)]),
    Case(CoverFault.MONTH, others=[charge("pi_1", 5, 81, provider="stripe-eu")]),
    Case(None, others=[charge("pi_1", 400, 81)]),
    Case(None, others=covered((-241, 81), (21 * 24, 81), (-365 * 24, 81), user="alice")),
    Case(None, others=[*covered((5, 50), user="alice"), charge("pi_0", 5, 50)]),
    Case(
        CoverFault.MONTH,
        agreed=AGREED._replace(wanted=TERMS._replace(month_nano=19 * USD)),
    ),
    # the hour, of everybody
    Case(None, others=covered((9.5, 40))),
    Case(CoverFault.HOUR, others=covered((9.5, 41))),
    Case(CoverFault.HOUR, others=covered((10.5, 41))),
    Case(CoverFault.HOUR, others=covered((9.5, 30), (10.4, 11))),
    Case(None, others=covered((9.5, 30), (10.5, 11))),
    Case(None, others=covered((9.0, 41), (11.0, 41))),
    Case(CoverFault.HOUR, others=covered((9.5, 41), provider="stripe-eu")),
    Case(None, others=covered((9.5, 41), provider="other")),
    Case(CoverFault.HOUR, others=[charge("pi_1", 9.9, 41, "bob")]),
    Case(None, others=[charge("pi_1", 10.1, 41, "bob")]),
    Case(
        None,
        others=covered((9.5, 41)),
        writers=Writers(tills=(FRONT, CHARGER, CHARGER._replace(node="charger-2"))),
    ),
    # itself, however often it is there, is no other
    Case(None, others=[charge("pi", 10), charge("pi", 10, is_covered=True)] * 9),
]


@pytest.mark.parametrize("case", CASES)
def test_a_charge_is_covered_by_what_was_agreed_to(case: Case) -> None:
    charged = charge("pi", 10, case.usd)
    assert cover_fault(charged, case.agreed, case.others, case.writers) == case.fault


CHARGES = st.lists(
    st.builds(
        charge,
        st.uuids().map(str),
        # minutes, over two hours and over the border of the month
        st.sampled_from([0, 20 * 24 + 23, 21 * 24]).flatmap(
            lambda hour: st.integers(0, 119).map(lambda minute: hour + minute / 60)
        ),
        st.integers(1, 20),
        st.sampled_from(["alice", "bob"]),
    ),
    max_size=12,
)


@given(charges=CHARGES, seed=st.integers(0, 99))
def test_those_that_are_covered_are_together_within_each_limit(
    charges: list[ChargedCard], seed: int
) -> None:
    """In however many runs they come, each run in any order."""
    rng = random.Random(seed)
    terms = AutoTopup(20 * USD, 5 * USD, 30 * USD)
    agreement = Agreed(terms, consent(0), terms)
    found: list[ChargedCard] = []
    waiting = rng.sample(charges, len(charges))
    while waiting:
        run, waiting = waiting[:5], waiting[5:]
        known = [*found, *run]
        rng.shuffle(known)
        found += [
            each._replace(is_covered=True)
            for each in run
            if cover_fault(each, agreement, known, WRITERS) is None
        ]
    for first in found:
        hour = [each for each in found if 0 <= each.paid_us - first.paid_us < us(1) - us(0)]
        assert sum(each.credit_nano for each in hour) <= 60 * USD
    for user in ("alice", "bob"):
        for is_first in (True, False):
            own = [
                each.credit_nano
                for each in found
                if each.user == user and (each.paid_us < us(21 * 24)) is is_first
            ]
            assert sum(own) <= 30 * USD


TERMS_LINES = st.lists(
    st.builds(
        stated,
        st.one_of(
            st.builds(setting, st.integers(0, 9), st.sampled_from(["0", "10.00", "20.00"])),
            st.builds(consent, st.integers(0, 9), st.sampled_from(["10.00", "20.00", "60.00"])),
        ),
        st.none() | st.integers(0, 12),
    ),
    max_size=6,
    unique_by=lambda each: (each.record.kind, each.record.ts),
)


HOURS = st.integers(0, 12)


@given(terms=TERMS_LINES, since=HOURS, length=st.integers(0, 6), seed=st.integers(0, 9))
def test_what_was_agreed_to_hangs_on_the_set_of_lines_older_than_it(
    terms: list[StatedTerms], since: int, length: int, seed: int
) -> None:
    """Their order does not matter; what is stated or committed later does not, whatever it says."""
    until = since + length
    found = agreed(terms, since, until)
    shuffled = random.Random(seed).choices(terms, k=9) + terms if terms else []
    assert agreed(shuffled, since, until) == found
    older = [each for each in terms if each.stated_us < us(until)]
    assert agreed(older, since, until) == found
    # what held at each time between is among it
    for half_hours in range(2 * length + 1):
        (at,) = agreed(terms, since + half_hours / 2, since + half_hours / 2)
        assert at in found
