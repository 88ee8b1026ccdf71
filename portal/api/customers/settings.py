"""Settings of an account: what is settled, and settling something else."""

from collections.abc import Mapping
from typing import Final

from aggregator.ledger.rule_book import rule_book_in_force
from portal.access.holders import settled_about
from portal.api.automatic.settling import has_to_be_stated, stated_topup
from portal.api.automatic.standing import in_short
from portal.api.customers.account import settled_here, terms
from portal.api.models.settings import AccountSettings, SettingsWanted
from portal.api.plans.catalogue import sold
from portal.api.problems import invalid
from portal.api.request import Asked
from wire_format.instants import HOUR_US, to_us
from wire_format.money import format_usd, parse_nano
from wire_format.plans import NO_NEXT_PLAN
from wire_format.versions.kinds import SETTINGS

_NEXT_PLAN: Final = "next_plan"


def settings(asked: Asked) -> AccountSettings:
    """Say what the account has settled, with what was written here a moment ago."""
    return _form(asked, settled_here(asked).settings)


def change(asked: Asked) -> AccountSettings:
    """Change settings, and say what is settled then.

    What is null or absent stays as it is, and a value that is in force already is not written
    again. A cap can be raised and lowered, but not taken away. The next plan is one that is sold
    here, or the running one, or `none`.

    What is settled about automatic payments is stated as a whole, by a key that opens payments as
    well; `auto_topup_usd` of `0` alone switches them off. What goes beyond the last consent is
    settled, and nothing is charged before the customer agrees to it: `auto_topup` says so.
    """
    wanted: SettingsWanted = asked.body
    stated, topup = _stated(asked, wanted), stated_topup(asked, wanted)
    desk, user = asked.portal.desk, asked.holder.user
    with desk.exclusive():
        # what another request wrote since this one was read counts, too
        before = settled_about(asked.store, desk.unbilled, user, desk.spool.now()).settings
        changed = {name: text for name, text in stated.items() if before.get(name) != text}
        if has_to_be_stated(asked, topup, before):
            changed |= topup
        if changed:
            desk.record([desk.new_line("setting", user, asked.by, **changed)])
    if changed:
        asked.portal.wake()
    return _form(asked, {**before, **changed})


def _stated(asked: Asked, wanted: SettingsWanted) -> Mapping[str, str]:
    """What a line would state of cap and plan, each amount in its one spelling.

    Raises:
        ProblemError: it cannot be settled.
    """
    cap_usd = None if wanted.cap_usd is None else _usd(wanted.cap_usd)
    stated = {"cap_usd": cap_usd, _NEXT_PLAN: wanted.next_plan}
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


def _form(asked: Asked, found: Mapping[str, str]) -> AccountSettings:
    texts = {name: found.get(name) for name in SETTINGS}
    return AccountSettings(
        **{
            name: text if text is None or name == _NEXT_PLAN else _usd(text)
            for name, text in texts.items()
        },
        auto_topup=in_short(asked),
    )


def _usd(text: str) -> str:
    return format_usd(parse_nano(text))
