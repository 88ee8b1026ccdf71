"""Why a checkout is refused, as RFC 9457 states problems."""

from http import HTTPStatus
from typing import Any


class CheckoutProblemError(Exception):
    """A checkout is refused.

    Attributes:
        name: the kind of problem: `too-many-open`.
        status: of HTTP.
        detail: what is wrong, in a sentence that a customer may read.
        retry_after_s: when to ask again; None if that does not help.
    """

    def __init__(
        self, name: str, status: HTTPStatus, detail: str, retry_after_s: int | None = None
    ) -> None:
        super().__init__(detail)
        self.name = name
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s

    def as_json(self) -> dict[str, Any]:
        """The body of `application/problem+json`."""
        return {
            "type": f"urn:gitmeter:problem:{self.name}",
            "title": self.name.replace("-", " "),
            "status": self.status.value,
            "detail": self.detail,
        }


def bad_request(name: str, detail: str) -> CheckoutProblemError:
    """What is asked for has a wrong form, or is nothing that this till offers."""
    return CheckoutProblemError(name, HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def not_offered(status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY) -> CheckoutProblemError:
    """No card is saved in that way, or at all."""
    return CheckoutProblemError("cards-not-offered", status, "no card can be saved that way")


def over_limit(name: str, detail: str, retry_after_s: int) -> CheckoutProblemError:
    """A customer has asked for too much lately."""
    return CheckoutProblemError(name, HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after_s)


def not_now(name: str, detail: str, retry_after_s: int = 60) -> CheckoutProblemError:
    """Something else has to work first."""
    return CheckoutProblemError(name, HTTPStatus.SERVICE_UNAVAILABLE, detail, retry_after_s)
