"""How answers are sent: JSON with a tag of its state, and problems.

The tag is a keyed hash over who may see the answer and what it says, but for how fresh it is: a
client that polls each minute gets 304 until something moves, and no tag of one account or role
matches the answer of another. A number of the ledger's state would do neither: a grant ends by the
clock alone.
"""

import hmac
from hashlib import sha256
from http import HTTPStatus
from typing import Final

import orjson
from starlette.responses import Response

from portal.access.buckets import Taken
from portal.api.problems import ProblemError
from portal.api.request import Form

AS_OF: Final = "as_of"
"""The field of answers that says how fresh they are; it is also in the header `As-Of`."""

_TAG_DIGITS: Final = 32
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
_OF_STATE: Final = frozenset({"as-of", "cache-control", "etag", "vary"})
_PUBLIC: Final = {"Cache-Control": "public, max-age=3600"}
_NO_STORE: Final = {"Cache-Control": "no-store"}
_PRIVATE: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}


def answer(
    form: Form | None, status: HTTPStatus, *, seal: bytes, seen_by: str, known: str | None
) -> Response:
    """An answer, or that it has not changed.

    Args:
        form: what is said; None for nothing.
        status: of HTTP, where it is sent.
        seal: the server's key; empty for an answer that may not be kept.
        seen_by: who asks for what, in which role.
        known: `If-None-Match` of the request.
    """
    if form is None:
        return Response(status_code=status, headers=_NO_STORE)
    said = form.model_dump_json(by_alias=True)
    body = said.encode() + b"\n"
    if not seal:
        return Response(body, status, _NO_STORE, JSON)
    as_of = getattr(form, AS_OF, None)
    if as_of is not None:  # no other text of an answer has its quotation marks unescaped
        said = said.replace(f'"{AS_OF}":"{as_of}"', "", 1)
    sealed = hmac.digest(seal, f"{seen_by}\n{said}".encode(), "sha256")
    tag = f'"{sealed.hex()[:_TAG_DIGITS]}"'
    headers = {**_PRIVATE, "ETag": tag}
    if as_of is not None:
        headers["As-Of"] = as_of
    return _unless_known(Response(body, status, headers, JSON), known)


def public(body: bytes, known: str | None) -> Response:
    """JSON that is the same for everybody, and may be kept by anybody.

    Args:
        body: what is sent.
        known: `If-None-Match` of the request.
    """
    tag = f'"{sha256(body).hexdigest()[:_TAG_DIGITS]}"'
    return _unless_known(Response(body, headers={**_PUBLIC, "ETag": tag}, media_type=JSON), known)


def _unless_known(response: Response, known: str | None) -> Response:
    """A response, or 304 where the client has it.

    A proxy that compresses an answer marks its tag as weak, and the client sends it so.
    """
    tags = {each.strip().removeprefix("W/") for each in (known or "").split(",")}
    if not tags & {response.headers["ETag"], "*"}:
        return response
    kept = {name: value for name, value in response.headers.items() if name in _OF_STATE}
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=kept)


def refusal(problem: ProblemError) -> Response:
    """Why there is no answer."""
    headers = dict(_NO_STORE)
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    if problem.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(problem.as_json()) + b"\n", problem.status, headers, PROBLEM)


def with_limits(response: Response, taken: Taken) -> Response:
    """Say how many requests are left, as draft-ietf-httpapi-ratelimit-headers does."""
    response.headers["RateLimit-Policy"] = f'"rpm";q={taken.quota};w=60'
    response.headers["RateLimit"] = f'"rpm";r={taken.left};t={taken.reset_s}'
    return response
