"""Lines of version 2 beside those of version 1, and what is said of the ones that break a rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire_format.generated import money_2_values, money_values, written
from tests.wire_format.vectors import EVERY
from wire_format.explanation import explain_line
from wire_format.lines import Folder, Money, encode_lines
from wire_format.segment import decode_line, decode_segment

FAULTS = {
    "money-2-payment-without-user": "user: required in a payment, unless it is undecided",
    "money-2-payment-credited-usd": "credited_usd: refused when the currency is USD",
    "money-2-payment-not-credited": "credited_usd: required when the currency is not USD",
    "money-2-payment-from": "from: does not belong to a line of the kind payment",
    "money-2-payment-failed": "status: must be 'succeeded' or 'undecided'",
    "money-2-refers-to": "refers_to: is not a known field",
    "money-2-refund-without-of-ref": "of_ref: required in a line of the kind refund",
    "money-2-refund-undecided": "status: only a payment may be undecided",
    "money-2-currency-unknown": "currency: must be a code of ISO 4217 such as USD",
    "money-2-amount-zero": "amount: must be above zero (only an adjustment may be negative)",
    "money-2-grant-other-provider": "provider: must be 'manual' in a line of the kind grant",
    "money-2-grant-from-half-hour": "from: must be a full hour in UTC such as 2026-01-01T00:00:00Z",
    "money-2-grant-until-not-later": "until: must be later than from",
    "money-2-grant-scope-unsorted": "scope: must be sorted, each entry once",
    "money-2-grant-scope-text": "scope: must be a list",
    "money-2-grant-scope-number": "scope.0: must be text, in quotes",
    "money-2-grant-of-ref-alone": "of_ref: names the payment of a bonus together with of_provider",
    "money-kind-of-version-2": "kind: must be 'payment', 'refund', 'grant' or 'adjustment'",
    "money-attempt": "attempt: is not a known field",
    "money-version-3": "v: version 3 is newer than this code (2)",
    "usage-version-2": "v: version 2 is newer than this code (1)",
    "account-version-1": "v: must be 2",
    "account-setting-empty": (
        "kind: a setting states at least one of cap_usd, next_plan, auto_topup_usd,"
        " auto_topup_below_usd, auto_topup_month_usd"
    ),
    "account-key-id-of-another-hash": "key_id: must be the first 16 digits of sha256",
    "decision-2-reconciled-to-seq-below": "to_seq: must not be below from_seq",
    "decision-2-seen-from-seq": "from_seq: does not belong to a line of the kind seen",
    "decision-2-kind-of-version-1": (
        "kind: must be 'seen', 'only' or 'reconciled'; tip: is missing; of: is missing;"
        " refers_to: is not a known field"
    ),
    "decision-kind-of-version-2": (
        "kind: must be 'accept_tip', 'exclude', 'choose', 'acknowledge' or 'withdraw'"
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_the_field_by_its_key(name: str) -> None:
    (vector,) = [each for each in EVERY if each.name == f"{name}.jsonl"]
    fault = explain_line(vector.data, vector.folder)
    assert fault is not None
    assert fault.reason == FAULTS[name]


@given(data=st.data())
def test_lines_of_both_versions_are_read_from_one_segment(data: st.DataObject) -> None:
    """Together as each of them alone, good and bad ones."""
    drawn = st.lists(money_values() | money_2_values(), min_size=1, max_size=4)
    lines = [written(value) for value in data.draw(drawn)]
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = lines[at].replace(b'"v":1', b'"v":3').replace(b'"v":2', b'"v":1')
    segment = decode_segment(b"".join(lines), Folder.PAYMENTS)
    alone = [decode_line(line, Folder.PAYMENTS) for line in lines]
    assert list(segment.records) == [each for each in alone if isinstance(each, Money)]
    assert [bad.fault for bad in segment.rejects] == [x for x in alone if not isinstance(x, Money)]
    good = [line for line, read in zip(lines, alone, strict=True) if isinstance(read, Money)]
    assert encode_lines(segment.records) == b"".join(good)
