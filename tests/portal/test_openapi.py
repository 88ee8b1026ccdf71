"""What is answered is what the description of the interface says, whatever is sent."""

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from portal.access.scopes import SCOPES
from portal.api.openapi import document
from portal.api.routes import ROUTES
from tests.portal.place import PortalPlace

CHECKS: Final = [
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EXAMPLES_MAX: Final = max(4, settings.default.max_examples // 15)  # type: ignore[union-attr] # conftest sets it
BOUNDED: Final = settings(
    max_examples=EXAMPLES_MAX,
    derandomize=True,  # a change of the portal is what may break it, and nothing else
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
DOCUMENT: Final = document(ROUTES)

Operation = APIOperation[Any, Any, Any, Any]


def operations(found: dict[str, Any]) -> list[Operation]:
    """What a document describes."""
    described = schemathesis.openapi.from_dict(found).get_all_operations()
    return [each.ok() for each in described if isinstance(each, Ok)]


def keyless() -> dict[str, Any]:
    """The document without keys: they are then not made up, but the test gives them."""
    found = copy.deepcopy(DOCUMENT)
    for methods in found["paths"].values():
        for operation in methods.values():
            del operation["security"]
    return found


KEYLESS: Final = keyless()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PortalPlace, str]]:
    """A portal that answers as much as is asked, and a key that opens everything."""
    many = {"rpm": 1_000_000, "guesses_per_minute": 1_000_000}
    place = PortalPlace(tmp_path_factory.mktemp("served"), **many)
    place.world.later(minutes=5)
    for user in ("alice", "boss"):
        place.world.pay_in("20.00", user=user)
        place.world.use(5, user=user)
    place.world.settle("staff", user="boss", identity="staff:1", role="admin", limit_usd="5.00")
    key = place.key("boss", *SCOPES, "allowed:*", "staff", "staff:allowed:*")
    place.pull()
    with place.serving():
        yield place, key.secret


@pytest.mark.parametrize("operation", operations(KEYLESS), ids=lambda each: each.label)
def test_answers_to_a_right_key_are_as_described(
    operation: Operation, served: tuple[PortalPlace, str]
) -> None:
    """To requests as they should be, about an account that is there."""
    known = {"user": "alice"} if "{user}" in operation.path else None
    ask_each(operation, GenerationMode.POSITIVE, served, known)


@pytest.mark.parametrize(
    "operation",
    [each for each in operations(KEYLESS) if each.body or each.query or each.path_parameters],
    ids=lambda each: each.label,
)
def test_what_is_sent_wrongly_is_refused_as_described(
    operation: Operation, served: tuple[PortalPlace, str]
) -> None:
    """Nothing that breaks a form is taken, and nothing makes the server fail."""
    ask_each(operation, GenerationMode.NEGATIVE, served)


@pytest.mark.parametrize("operation", operations(DOCUMENT), ids=lambda each: each.label)
def test_a_wrong_key_opens_nothing(operation: Operation, served: tuple[PortalPlace, str]) -> None:
    """Of any form, whatever else is asked for, and without a word about it."""
    place, _ = served

    @BOUNDED
    @given(operation.as_strategy())
    def ask(case: Case[Any]) -> None:
        response = case.call(base_url=place.url)
        case.validate_response(response, checks=CHECKS)
        assert response.status_code == requests.codes.unauthorized

    ask()


def balance_is_a_number(found: dict[str, Any]) -> None:
    found["components"]["schemas"]["AccountBalance"]["properties"]["balance_usd"]["type"] = "number"


def balance_is_never_unchanged(found: dict[str, Any]) -> None:
    del found["paths"]["/v1/balance"]["get"]["responses"]["304"]


def balance_has_another_header(found: dict[str, Any]) -> None:
    headers = found["paths"]["/v1/balance"]["get"]["responses"]["200"]["headers"]
    headers["X-Balance"] = {"required": True, "schema": {"type": "string"}}


def balance_is_text(found: dict[str, Any]) -> None:
    good = found["paths"]["/v1/balance"]["get"]["responses"]["200"]
    good["content"] = {"text/plain": {}}


def balance_has_one_field_less(found: dict[str, Any]) -> None:
    schema = found["components"]["schemas"]["AccountBalance"]
    del schema["properties"]["plan"]
    schema["required"].remove("plan")


@pytest.mark.parametrize(
    "otherwise",
    [
        balance_is_a_number,
        balance_is_never_unchanged,
        balance_has_another_header,
        balance_is_text,
        balance_has_one_field_less,
    ],
)
def test_an_answer_that_is_otherwise_described_is_found(
    otherwise: Callable[[dict[str, Any]], None], served: tuple[PortalPlace, str]
) -> None:
    """The tests above can fail."""
    found = copy.deepcopy(KEYLESS)
    otherwise(found)
    (operation,) = [each for each in operations(found) if each.label == "GET /v1/balance"]
    place, key = served
    authorization = {"Authorization": f"Bearer {key}"}
    known = {"If-None-Match": "*"} if otherwise is balance_is_never_unchanged else {}
    case = operation.Case(headers=known)
    with pytest.raises(FailureGroup):
        case.call_and_validate(place.url, headers=authorization, checks=CHECKS)


def ask_each(
    operation: Operation,
    mode: GenerationMode,
    served: tuple[PortalPlace, str],
    known: dict[str, str] | None = None,
) -> None:
    """Send requests with the right key, and compare each answer with the description."""
    place, key = served
    authorization = {"Authorization": f"Bearer {key}"}

    @BOUNDED
    @given(operation.as_strategy(generation_mode=mode, path_parameters=known))
    def ask(case: Case[Any]) -> None:
        case.call_and_validate(place.url, headers=authorization, checks=CHECKS)

    ask()


def test_everything_is_described() -> None:
    """Each row of the table, and each field of each form."""
    assert len(operations(DOCUMENT)) == len(ROUTES)
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema["description"], name
        for field, said in schema["properties"].items():
            assert said.get("description"), (name, field)
    ids = [each["operationId"] for path in DOCUMENT["paths"].values() for each in path.values()]
    assert len(ids) == len({*ids})
