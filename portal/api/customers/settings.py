"""Settings of an account: what is settled, and settling something else."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aggregator.ledger.rule_book import rule_book_in_force
from portal.access.holders import settled_about
from portal.api.customers.account import settled_here, terms
from portal.api.models.settings import AccountSettings, SettingsWanted
from portal.api.plans.catalogue import sold
from portal.api.problems import ProblemError, invalid
from portal.api.request import Asked
from wire_format.instants import HOUR_US, to_us
from wire_format.money import format_usd, parse_nano
from wire_format.plans import NO_NEXT_PLAN
from wire_format.versions.kinds import SETTINGS

_NEXT_PLAN: Final = "next_plan"
_OFFERED: Final = ("cap_usd", _NEXT_PLAN)


def settings(asked: Asked) -> AccountSettings:
    """Say what the account has settled, with what was written here a moment ago."""
    return _form(settled_here(asked).settings)


def change(asked: Asked) -> AccountSettings:
    """Change settings, and say what is settled then.

    What is null or absent stays as it is, and a value that is in force already is not written
    again. A cap can be raised and lowered, but not taken away. The next plan is one that is sold
    here, or the running one, or `none`. Automatic payments are not offered.
    """
    wanted: SettingsWanted = asked.body
    if any(getattr(wanted, name) is not None for name in {*SETTINGS} - {*_OFFERED}):
        raise not_offered("automatic payments are not offered")
    stated = _stated(asked, wanted)
    desk, user = asked.portal.desk, asked.holder.user
    with desk.exclusive():
        # what another request wrote since this one was read counts, too
        before = settled_about(asked.store, desk.unbilled, user, desk.spool.now()).settings
        changed = {name: text for name, text in stated.items() if before.get(name) != text}
        if changed:
            desk.record([desk.new_line("setting", user, asked.by, **changed)])
    if changed:
        asked.portal.wake()
    return _form({**before, **changed})


def not_offered(detail: str) -> ProblemError:
    """There is no such thing here."""
    return ProblemError("not-offered", HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _stated(asked: Asked, wanted: SettingsWanted) -> Mapping[str, str]:
    """What a line would state, each amount in its one spelling.

    Raises:
        ProblemError: it cannot be settled.
    """
    stated = {name: getattr(wanted, name) for name in _OFFERED}
    if wanted.cap_usd is not None:
        stated["cap_usd"] = _usd(wanted.cap_usd)
    if wanted.next_plan not in {None, NO_NEXT_PLAN, *_plans(asked)}:
        raise invalid(f"next_plan: {wanted.next_plan} is not sold here; {NO_NEXT_PLAN} is for none")
    return {name: text for name, text in stated.items() if text is not None}


def _plans(asked: Asked) -> set[str]:
    """The plans that may come next: those that desks sell, and the running one.

    Others are the operator's to give: what an account asks for here is what the books renew.
    """
    hour = to_us(asked.now) // HOUR_US
    names = {version.name for version in sold(rule_book_in_force(asked.store).plans, hour)}
    running = terms(asked).timeline.at(hour)
    return names if running is None else {*names, running.version.name}


def _form(found: Mapping[str, str]) -> AccountSettings:
    texts = {name: found.get(name) for name in SETTINGS}
    return AccountSettings(
        **{
            name: text if text is None or name == _NEXT_PLAN else _usd(text)
            for name, text in texts.items()
        }
    )


def _usd(text: str) -> str:
    return format_usd(parse_nano(text))
