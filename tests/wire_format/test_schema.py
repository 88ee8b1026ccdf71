"""The JSON Schemas are what the models state, and another validator reads them the same way."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import (  # type: ignore[import-untyped] # it ships no types
    Draft202012Validator,
)

from tests.wire_format.agreed import model_of
from tests.wire_format.generated import folders, odd_values, values_in, written
from tests.wire_format.vectors import INVALID, VALID, Vector, name_of
from wire_format.explanation import explain_line
from wire_format.faults import FaultCode
from wire_format.lines import Folder
from wire_format.schema import MODELS, SCHEMA_DIR, schemas
from wire_format.versions.forms import version_of

_NAMES: Final = {
    Folder.USAGE: "usage",
    Folder.PAYMENTS: "money",
    Folder.DECISIONS: "decision",
    Folder.ACCOUNTS: "account",
}
VALIDATORS: Final = {
    (folder, version): Draft202012Validator(
        json.loads(schemas()[f"{_NAMES[folder]}.v{version}.schema.json"])
    )
    for folder, version in MODELS
}
BEYOND_A_SCHEMA: Final = (
    *("usage-corrects-itself", "usage-corrects-later", "usage-corrects-without-reason"),
    *("usage-reason-without-corrects", "usage-units-negative", "usage-negative-units-with-id"),
    *("money-adjustment-without-reason", "money-payment-refers-to", "money-refund-refers-to"),
    *("money-refund-without-refers-to", "money-other-currency-not-credited", "money-adjustment-ze"),
    *("money-amount-zero", "money-amount-minus-zero", "money-amount-negative", "money-credited-"),
    "money-refund-negative",
    *("decision-accept-tip-of", "decision-accept-tip-without-", "decision-acknowledge-refers-to"),
    *("decision-acknowledge-tip", "decision-acknowledge-without-", "decision-choose-subject"),
    *("decision-choose-to-seq", "decision-choose-without-", "decision-exclude-line-sha256"),
    *("decision-exclude-of-ts", "decision-exclude-repo", "decision-exclude-to-seq-below"),
    *("decision-exclude-without-", "decision-withdraw-of", "decision-withdraw-refers-to-itself"),
    *("decision-withdraw-refers-to-later", "decision-withdraw-without-"),
)
"""Vectors that break a rule between fields, or about what an amount is worth."""
BEYOND_A_SCHEMA_2: Final = (
    *("account-consent-cap", "account-consent-without-amount", "account-consent-of-"),
    "account-setting-of-ref",
    *("account-key-id-of-another-hash", "account-key-scopes-unsorted"),
    *("account-key-without-", "account-open-plan", "account-open-without-user"),
    *("account-plan-cap", "account-plan-until-not-later", "account-plan-without-"),
    *("account-revoke-sha256", "account-revoke-without-key-id", "account-setting-empty"),
    *("account-setting-plan", "account-staff-without-", "account-suspend-until"),
    *("decision-2-reconciled-to-seq-below", "decision-2-reconciled-without-"),
    *("decision-2-seen-from-seq", "money-2-adjustment-", "money-2-amount-"),
    *("money-2-credited-negative", "money-2-currency-gold", "money-2-currency-unknown"),
    *("money-2-dispute-without-external-ref", "money-2-ended-", "money-2-grant-of-"),
    *("money-2-grant-other-", "money-2-grant-scope-twice", "money-2-grant-scope-unsorted"),
    *("money-2-grant-undecided", "money-2-grant-until-not-later", "money-2-grant-without-"),
    *("money-2-payment-credited-usd", "money-2-payment-from", "money-2-payment-not-credited"),
    *("money-2-payment-of-ref", "money-2-payment-priority"),
    *("money-2-payment-undecided-credited", "money-2-payment-without-", "money-2-pending-"),
    *("money-2-refund-", "money-2-reversal-without-of-ref", "money-2-void-"),
)
"""The same of version 2, whose kinds have fields of their own."""
SPELLING: Final = ("usage-float-units-whole", "usage-exponent-units", "usage-version-float")
"""To a JSON Schema 512.0 is an integer; the canonical encoding settles how it is spelled."""
CALENDAR: Final = (
    *("usage-ts-february", "usage-ts-month", "usage-ts-day-zero", "usage-ts-hour-24"),
    *("usage-ts-minute-60", "usage-ts-leap-second", "usage-ts-year-1999", "usage-ts-year-2101"),
    *("usage-ts-zero-decimals", "money-ts-zero-decimals", "decision-of-ts-zero-decimals"),
    *("decision-of-ts-february", "decision-of-ts-year", "money-2-grant-from-february"),
)
"""The pattern of a timestamp knows no calendar."""


def _trailing_newline(value: object) -> bool:
    """Whether Python's `$` lets a text pass that the `$` of a JSON Schema (ECMA-262) refuses."""
    if isinstance(value, dict):
        return any(map(_trailing_newline, [*value, *value.values()]))
    return isinstance(value, str) and value.endswith("\n")


def test_the_schema_files_are_the_generated_ones() -> None:
    """When this fails: `python -m wire_format.schema`."""
    files = {path.name: path.read_text() for path in SCHEMA_DIR.glob("*.json")}
    assert files == schemas()


def _validator(value: object, folder: Folder) -> Draft202012Validator:
    stated = value.get("v") if isinstance(value, dict) else None
    return VALIDATORS[folder, version_of(stated, folder)]


@pytest.mark.parametrize("of", list(VALIDATORS))
def test_the_schemas_are_schemas(of: tuple[Folder, int]) -> None:
    Draft202012Validator.check_schema(VALIDATORS[of].schema)


@pytest.mark.parametrize("of", list(VALIDATORS))
def test_every_field_states_its_meaning(of: tuple[Folder, int]) -> None:
    fields = VALIDATORS[of].schema["properties"]
    assert [name for name, field in fields.items() if len(field.get("description", "")) < 10] == []


@pytest.mark.parametrize("vector", VALID, ids=name_of)
def test_valid_vectors_fit_their_schema(vector: Vector) -> None:
    for line in vector.lines:
        value = json.loads(line)
        _validator(value, vector.folder).validate(value)


@pytest.mark.parametrize(
    "vector",
    [
        vector
        for vector in INVALID
        if vector.bad == {1: FaultCode.INVALID_FIELD}
        and not vector.name.startswith((*BEYOND_A_SCHEMA, *BEYOND_A_SCHEMA_2, *SPELLING, *CALENDAR))
    ],
    ids=name_of,
)
def test_vectors_that_break_a_field_rule_do_not_fit_their_schema(vector: Vector) -> None:
    value = json.loads(vector.data)
    if not _trailing_newline(value):
        assert not _validator(value, vector.folder).is_valid(value)


def _spelled_otherwise(value: Any) -> bool:  # noqa: ANN401 - whatever JSON can say
    if isinstance(value, dict):
        return any(map(_spelled_otherwise, value.values()))
    return isinstance(value, float) and value.is_integer()


@given(data=st.data(), folder=folders)
def test_the_schema_accepts_all_that_the_model_accepts_and_no_other_field_values(
    data: st.DataObject, folder: Folder
) -> None:
    value = data.draw(odd_values(data.draw(values_in(folder))))
    line = written(value)
    fault = explain_line(line, folder)
    fits = _validator(value, folder).is_valid(value)
    if fault is None:
        assert fits
    elif fits and not _trailing_newline(value) and not _spelled_otherwise(value):
        # What is left is about order, the calendar, or several fields: never one field's form.
        kinds = {error["type"] for error in _errors(line, folder)}
        assert kinds <= {"value_error"}, (value, kinds)


def _errors(line: bytes, folder: Folder) -> list[Any]:
    from pydantic import ValidationError

    try:
        model_of(line, folder).model_validate_json(line)
    except ValidationError as error:
        return list(error.errors())
    return []
