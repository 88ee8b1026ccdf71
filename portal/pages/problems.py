"""What a person reads who cannot have a page, and what to do next."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

from portal.api.problems import ProblemError


class WrongKeyError(Exception):
    """What was shown to sign in is no key in force.

    Attributes:
        is_again: whether somebody is signed in and was asked once more.
    """

    def __init__(self, *, is_again: bool) -> None:
        super().__init__()
        self.is_again = is_again


class Advice(NamedTuple):
    """What a page of a problem says.

    Attributes:
        title: what happened.
        next: what to do.
    """

    title: str
    next: str


_LATER: Final = "Nothing was changed. Try again in a minute."
_ADVICE: Final[Mapping[str, Advice]] = {
    "not-found": Advice(
        "There is no such page", "The address may be mistyped, or the thing may be gone."
    ),
    "forbidden": Advice(
        "Your key does not open this",
        "Sign in with a key of this account that does, or have one made by whoever has such a key.",
    ),
    "suspended": Advice(
        "This account is suspended",
        "You can still read everything. To have it opened again, write to the operator.",
    ),
    "invalid": Advice("Something in the form is not right", "Go back, mend it and send it again."),
    "unsupported-media-type": Advice("This was not sent by a form of these pages", "Go back."),
    "form-forged": Advice(
        "This form is too old",
        "It was made before you signed in last, or by another site. Nothing was changed. Open the"
        " page again and fill it in once more.",
    ),
    "too-many-requests": Advice("Too much at once", "Wait a little, then go on."),
    "ledger-too-old": Advice(
        "Nothing can be changed just now",
        "The records have not been brought up to date for a while. Try again in a few minutes.",
    ),
    "balance-exhausted": Advice(
        "There is not enough credit for this", "Add credit, then try again."
    ),
    "too-late": Advice("This took too long", "Nothing was changed. Sign in once more."),
    "exists": Advice("There is an account already", "Sign in."),
    "wrong-key": Advice("This key does not work", "Look at it again: it begins with oc_live_."),
    "not-now": Advice("This cannot be shown just now", _LATER),
    "failed": Advice("Something went wrong here", "It is not your fault, and it has been noted."),
    "method-not-allowed": Advice("This cannot be done here", "Go back to the overview."),
}
_ELSE: Final = Advice("That was not possible", "Nothing was changed.")


def advice(problem: ProblemError) -> Advice:
    """What the page of a problem says."""
    return _ADVICE.get(problem.name, _ELSE)


def forged() -> ProblemError:
    """A form that no page of this browser made."""
    return ProblemError("form-forged", HTTPStatus.FORBIDDEN, "this form cannot be used any more")
