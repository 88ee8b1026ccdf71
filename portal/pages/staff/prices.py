"""The rule files in force, and what another one would change; nothing is changed here."""

from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import quote_plus

from pydantic import Field

from portal.api.house import rules as api
from portal.api.house.forms import RULE_TEXT_MAX, RulesInForce
from portal.api.problems import ProblemError
from portal.api.request import Form
from portal.pages.page import Shown
from portal.pages.visit import Visit
from wire_format.rule_book import RULE_NAMES

_FIRST: Final = "prices.toml"
_SHORT: Final = 40
_RAW_MAX: Final = 2 * RULE_TEXT_MAX
"""With the line ends of forms, which have two characters."""
_SENT_MAX: Final = 60 << 10
"""Of a text as a form sends it, with room for the other fields: a request has 64 KiB."""


class PricesSeen(Form):
    """Which file is to be tried.

    Attributes:
        file: its name; None for the prices.
    """

    file: Annotated[str, Field(max_length=_SHORT)] | None = None


class FileTried(Form):
    """A rule file to try.

    Attributes:
        file: which it is.
        text: what would be in it; None for nothing.
    """

    file: Annotated[str, Field(max_length=_SHORT)]
    text: Annotated[str, Field(max_length=_RAW_MAX)] | None = None


def prices(visit: Visit) -> Shown:
    """Show the rule files in force, and one of them to be changed and tried."""
    file = visit.query.file or _FIRST
    found = visit.ask(api.rules)
    text = next((each.text for each in found.files if each.name == file), "")
    return Shown("staff/prices.html", _data(visit, found, file, text))


def attempt(visit: Visit) -> Shown:
    """Show what a file would change; what is wrong with it stands above it."""
    wanted: FileTried = visit.form
    text = (wanted.text or "").replace("\r\n", "\n")
    data = _data(visit, visit.ask(api.rules), wanted.file, text)
    try:
        found = visit.ask(api.trial, body={"file": wanted.file, "text": text})
    except ProblemError as problem:
        if problem.status not in {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT}:
            raise
        data["faults"] = problem.more.get("faults") or [problem.detail]
        return Shown("staff/prices.html", data, problem.status)
    return Shown("staff/prices.html", {**data, "trial": found})


def _data(visit: Visit, found: RulesInForce, file: str, text: str) -> dict[str, Any]:
    return {
        "rules": found,
        "names": RULE_NAMES,
        "file": file,
        "text": text,
        "faults": [],
        "trial": None,
        "may_try": visit.may(api.trial),
        "is_too_long": len(quote_plus(text.replace("\n", "\r\n"))) > _SENT_MAX,
    }
