"""Answers of both servers: plain text for providers, problems for programs."""

from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from till.checkout.problems import CheckoutProblemError

_JSON: Final = "application/json"
_NO_STORE: Final = {"Cache-Control": "no-store"}


def plain(status: HTTPStatus, text: str = "") -> Response:
    """A line of text."""
    body = f"{text or status.phrase}\n".encode()
    return Response(body, status, _NO_STORE, "text/plain; charset=utf-8")


def no_such(_: Request, error: Exception) -> Response:
    """The answer to what is not served here, or not so."""
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    return plain(HTTPStatus(status))


def is_json(request: Request) -> bool:
    """Whether a request says that it has JSON, which no page of a browser sends elsewhere alone."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == _JSON


def no_json() -> Response:
    """The answer to a request that does not."""
    return plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {_JSON}")


def json_answer(value: dict[str, Any]) -> Response:
    """What was asked for."""
    return Response(orjson.dumps(value) + b"\n", HTTPStatus.OK, _NO_STORE, _JSON)


def problem_answer(problem: CheckoutProblemError) -> Response:
    """Why it is refused."""
    headers = dict(_NO_STORE)
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    body = orjson.dumps(problem.as_json()) + b"\n"
    return Response(body, problem.status, headers, "application/problem+json")
