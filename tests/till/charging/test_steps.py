"""The next step of an attempt, by what is on disk and what the provider says."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.topups.attempts import NOT_TRIED
from providers.cards import ASKS_CUSTOMER, CardCharge, ChargeStatus
from tests.till.place import START
from till.charging.steps import AttemptStep, Held, next_step
from wire_format.instants import to_us

NOW_US = to_us(START)
HELD = Held(
    posted_us=NOW_US,
    made_us=NOW_US,
    is_written=True,
    is_pushed=True,
    payment="pi_1",
    is_asked=False,
    reason=None,
)
LATER = {"posted_us": to_us(START - timedelta(minutes=11))}
CHARGE = CardCharge("pi_1", "auto:alice:1", ChargeStatus.NEW, "", None, True, START)  # noqa: FBT003


def said(status: ChargeStatus, reason: str = "", url: str | None = None) -> list[CardCharge]:
    return [CHARGE._replace(status=status, reason=reason, url=url)]


def step(
    changed: dict[str, Any], found: list[CardCharge] | None, *, is_stopped: bool = False
) -> tuple[AttemptStep, str]:
    return tuple(next_step(HELD._replace(**changed), found, NOW_US, is_stopped=is_stopped))  # type: ignore[return-value]


NO_NAME = {"payment": None}
OLD = {"made_us": to_us(START - timedelta(days=3))}
URL = "https://bank.example/1"


@pytest.mark.parametrize(
    ("changed", "found", "wanted"),
    [
        ({"is_written": False, "is_pushed": False}, None, (AttemptStep.FORGET, "")),
        ({"is_pushed": False} | NO_NAME, None, (AttemptStep.PUSH, "")),
        ({"is_pushed": False} | NO_NAME | LATER, None, (AttemptStep.LOOK, "")),
        ({"is_pushed": False} | NO_NAME | LATER, [], (AttemptStep.END, NOT_TRIED)),
        (NO_NAME, None, (AttemptStep.LOOK, "")),
        (NO_NAME, [], (AttemptStep.CREATE, "")),
        (NO_NAME | LATER, [], (AttemptStep.END, NOT_TRIED)),
        (NO_NAME | {"reason": "resource_missing"}, [], (AttemptStep.END, "resource_missing")),
        (NO_NAME, said(ChargeStatus.NEW), (AttemptStep.NAME, "")),
        (NO_NAME | LATER, said(ChargeStatus.PAID), (AttemptStep.NAME, "")),
        ({}, None, (AttemptStep.LOOK, "")),
        ({}, [], (AttemptStep.WAIT, "")),
        ({}, said(ChargeStatus.NEW), (AttemptStep.CONFIRM, "")),
        (LATER, said(ChargeStatus.NEW), (AttemptStep.CANCEL, NOT_TRIED)),
        ({"reason": "x"}, said(ChargeStatus.NEW), (AttemptStep.CANCEL, "x")),
        ({}, said(ChargeStatus.PROCESSING), (AttemptStep.WAIT, "")),
        (OLD, said(ChargeStatus.PROCESSING), (AttemptStep.WAIT, "")),
        ({}, said(ChargeStatus.PAID), (AttemptStep.PAID, "")),
        ({"reason": "x"}, said(ChargeStatus.PAID), (AttemptStep.PAID, "")),
        ({}, said(ChargeStatus.DECLINED, "do_not_honor"), (AttemptStep.CANCEL, "do_not_honor")),
        ({}, said(ChargeStatus.DECLINED), (AttemptStep.CANCEL, "declined")),
        ({}, said(ChargeStatus.DECLINED, ASKS_CUSTOMER), (AttemptStep.ASK, "")),
        (LATER, said(ChargeStatus.DECLINED, ASKS_CUSTOMER), (AttemptStep.CANCEL, ASKS_CUSTOMER)),
        (
            {"is_asked": True},
            said(ChargeStatus.DECLINED, ASKS_CUSTOMER),
            (AttemptStep.CANCEL, ASKS_CUSTOMER),
        ),
        ({}, said(ChargeStatus.NEEDS_CUSTOMER, ASKS_CUSTOMER), (AttemptStep.ASK, "")),
        (LATER, said(ChargeStatus.NEEDS_CUSTOMER), (AttemptStep.CANCEL, ASKS_CUSTOMER)),
        (LATER, said(ChargeStatus.NEEDS_CUSTOMER, "", URL), (AttemptStep.WAIT, "")),
        (OLD, said(ChargeStatus.NEEDS_CUSTOMER, "", URL), (AttemptStep.CANCEL, ASKS_CUSTOMER)),
        ({"reason": "x"}, said(ChargeStatus.NEEDS_CUSTOMER, "", URL), (AttemptStep.CANCEL, "x")),
        ({}, said(ChargeStatus.CANCELED, "abandoned"), (AttemptStep.END, "abandoned")),
        ({"reason": "x"}, said(ChargeStatus.CANCELED, "abandoned"), (AttemptStep.END, "x")),
        ({}, said(ChargeStatus.CANCELED), (AttemptStep.END, "canceled")),
    ],
)
def test_the_next_step(
    changed: dict[str, Any], found: list[CardCharge] | None, wanted: tuple[AttemptStep, str]
) -> None:
    assert step(changed, found) == wanted


@pytest.mark.parametrize(
    ("changed", "found", "wanted"),
    [
        ({"is_pushed": False} | NO_NAME, None, AttemptStep.LOOK),
        (NO_NAME, [], AttemptStep.END),
        ({}, said(ChargeStatus.NEW), AttemptStep.CANCEL),
        ({}, said(ChargeStatus.DECLINED, ASKS_CUSTOMER), AttemptStep.CANCEL),
        ({}, said(ChargeStatus.NEEDS_CUSTOMER, "", URL), AttemptStep.WAIT),
        ({}, said(ChargeStatus.PAID), AttemptStep.PAID),
    ],
)
def test_nothing_is_charged_while_it_is_stopped(
    changed: dict[str, Any], found: list[CardCharge] | None, wanted: AttemptStep
) -> None:
    assert step(changed, found, is_stopped=True)[0] is wanted


HELDS = st.builds(
    Held,
    posted_us=st.sampled_from([0, NOW_US, NOW_US - 10**9]),
    made_us=st.sampled_from([NOW_US, OLD["made_us"]]),
    is_written=st.booleans(),
    is_pushed=st.booleans(),
    payment=st.sampled_from([None, "pi_1"]),
    is_asked=st.booleans(),
    reason=st.sampled_from([None, "x"]),
)
FOUND = st.none() | st.lists(
    st.builds(
        CHARGE._replace,
        object_id=st.sampled_from(["pi_1", "pi_2"]),
        status=st.sampled_from(ChargeStatus),
        reason=st.sampled_from(["", ASKS_CUSTOMER, "do_not_honor"]),
        url=st.sampled_from([None, URL]),
    ),
    max_size=2,
)


@given(held=HELDS, found=FOUND, is_stopped=st.booleans())
def test_what_never_happens_in_any_state(
    held: Held,
    found: list[CardCharge] | None,
    is_stopped: bool,  # noqa: FBT001
) -> None:
    """Nothing begins without its line on the remote, unseen, or late; nothing ends that may pay."""
    done = next_step(held, found, NOW_US, is_stopped=is_stopped)
    if done.step in {AttemptStep.CREATE, AttemptStep.CONFIRM, AttemptStep.ASK}:
        assert held.is_pushed
        assert held.posted_us == NOW_US
        assert not is_stopped
        assert found is not None
    if done.step is AttemptStep.CONFIRM:
        assert held.payment is not None
    if done.step is AttemptStep.END:
        assert found is not None
        assert all(charge.status is ChargeStatus.CANCELED for charge in found)
        assert done.reason
