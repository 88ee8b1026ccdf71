"""Why a request is refused, as RFC 9457 states problems."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

STALE_RETRY_S: Final = 60


class ProblemError(Exception):
    """A request is refused.

    Attributes:
        name: the kind of problem: `balance-exhausted`.
        status: of HTTP.
        detail: what is wrong, in a sentence that a customer may read.
        retry_after_s: when to ask again; None if that does not help.
        more: further members of the body.
    """

    def __init__(
        self,
        name: str,
        status: HTTPStatus,
        detail: str,
        retry_after_s: int | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.name = name
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.more = more or {}

    def as_json(self) -> dict[str, Any]:
        """The body of `application/problem+json`."""
        return {
            "type": f"urn:gitmeter:problem:{self.name}",
            "title": self.name.replace("-", " "),
            "status": self.status.value,
            "detail": self.detail,
            **self.more,
        }


def not_found() -> ProblemError:
    """There is nothing of that name, or it is somebody else's."""
    return ProblemError("not-found", HTTPStatus.NOT_FOUND, "there is nothing here")


def unauthorized() -> ProblemError:
    """No key was shown, or one that opens nothing."""
    return ProblemError(
        "unauthorized",
        HTTPStatus.UNAUTHORIZED,
        "send a key that is in force: Authorization: Bearer oc_live_...",
    )


def no_account(issuer: str, subject: str) -> ProblemError:
    """The token is genuine, and nobody said whose account it opens."""
    return ProblemError(
        "no-account",
        HTTPStatus.FORBIDDEN,
        "nobody has said which account this sign-in opens: tell the operator issuer and subject",
        more={"issuer": issuer, "subject": subject},
    )


def forbidden(scope: str) -> ProblemError:
    """The key does not open this."""
    return ProblemError(
        "forbidden", HTTPStatus.FORBIDDEN, f"this key has no scope {scope}", more={"scope": scope}
    )


def suspended() -> ProblemError:
    """The account is suspended."""
    return ProblemError("suspended", HTTPStatus.FORBIDDEN, "this account is suspended")


def invalid(*faults: str) -> ProblemError:
    """What was sent has a wrong form, or asks for what cannot be."""
    return ProblemError(
        "invalid", HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(faults), more={"faults": [*faults]}
    )


def unsupported_type() -> ProblemError:
    """What was sent is said to be something else than JSON."""
    return ProblemError(
        "unsupported-media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json"
    )


def conflict(name: str, detail: str) -> ProblemError:
    """What is there already does not allow it."""
    return ProblemError(name, HTTPStatus.CONFLICT, detail)


def too_many(retry_after_s: int) -> ProblemError:
    """More requests than are answered in a minute."""
    detail = f"too many requests: ask again in {retry_after_s} s"
    return ProblemError("too-many-requests", HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after_s)


def too_old() -> ProblemError:
    """The ledger is older than it may be for this."""
    detail = "the ledger has not been brought up to date for too long: nothing can be changed now"
    return ProblemError("ledger-too-old", HTTPStatus.SERVICE_UNAVAILABLE, detail, STALE_RETRY_S)


def not_now(detail: str, retry_after_s: int = 5) -> ProblemError:
    """Something else has to work first."""
    return ProblemError("not-now", HTTPStatus.SERVICE_UNAVAILABLE, detail, retry_after_s)


def failed() -> ProblemError:
    """An unexpected error, which the server logs."""
    return ProblemError("failed", HTTPStatus.INTERNAL_SERVER_ERROR, "an unexpected error")
