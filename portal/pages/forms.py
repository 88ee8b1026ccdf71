"""What a form of a page sends."""

import hmac
from typing import Final, get_origin
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import Request

from portal.access.sessions import form_token
from portal.api.gate import invalid_form
from portal.api.problems import invalid, unsupported_type
from portal.api.request import Form
from portal.pages.problems import forged

PROOF: Final = "form_token"
"""The field of every form that shows that a page of this browser made it."""
FIELDS_MAX: Final = 64
_TYPE: Final = "application/x-www-form-urlencoded"

Fields = dict[str, list[str]]


def sent_fields(request: Request, body: bytes) -> Fields:
    """The fields of a form that are filled in; what is left empty is not stated.

    Raises:
        ProblemError: it is no form of a page.
    """
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _TYPE:
        raise unsupported_type()
    return _parsed(body)


def query_fields(request: Request) -> Fields:
    """What is after `?`, as the fields of a form that asks for a page."""
    query: bytes = request.scope["query_string"]
    return _parsed(query)


def _parsed(text: bytes) -> Fields:
    try:
        pairs = parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError:
        raise invalid("this is no form of a page here") from None
    found: Fields = {}
    for name, value in pairs:
        if value:
            found.setdefault(name, []).append(value)
    return found


def check_token(fields: Fields, seal: bytes, shown_id: str) -> None:
    """Take the token out of a form.

    Raises:
        ProblemError: it is not that of the browser that sends it.
    """
    sent = fields.pop(PROOF, [])
    wanted = form_token(seal, shown_id)
    if len(sent) != 1 or not hmac.compare_digest(sent[0].encode(), wanted.encode()):
        raise forged()


def form_of(form: type[Form] | None, fields: Fields) -> Form | None:
    """A form that is filled in.

    Raises:
        ProblemError: it has other fields, or wrong ones.
    """
    if form is None:
        if fields:
            raise invalid("this form has no fields")
        return None
    several = {
        name for name, field in form.model_fields.items() if get_origin(field.annotation) is list
    }
    stated = {
        name: values if name in several or len(values) > 1 else values[0]
        for name, values in fields.items()
    }
    try:
        return form.model_validate(stated)
    except ValidationError as error:
        raise invalid_form(error) from None
