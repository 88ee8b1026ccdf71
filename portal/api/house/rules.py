"""The rule book in force, and what another file of it would change of all that was billed."""

from typing import Final

from aggregator.ledger.limits import judged_under
from aggregator.reports.reprice import (
    ProposalError,
    ProposedFile,
    TooManyChargesError,
    reprice,
)
from portal.api.house.forms import RuleFile, RulesInForce, Trial, TrialAccount, TrialWanted
from portal.api.problems import conflict, invalid, not_now
from portal.api.request import Asked
from wire_format.money import NANO, format_usd
from wire_format.rule_book import RULE_NAMES, RuleBookFiles

CHARGES_MAX: Final = 200_000
"""Some seconds of work; for more the program on the machine of the books has the time."""
ACCOUNTS_SHOWN: Final = 100


def rules(asked: Asked) -> RulesInForce:
    """Show the files of the rule book in force, as the commit of the books has them."""
    found = asked.store.repos.rule_files()
    if found is None:
        return RulesInForce(sha256="", commit="", files=[])
    return RulesInForce(
        sha256=RuleBookFiles(*found.contents).sha256,
        commit=found.commit,
        files=[
            RuleFile(name=name, text=data.decode(errors="replace"))
            for name, data in zip(RULE_NAMES, found.contents, strict=True)
            if data is not None
        ],
    )


def trial(asked: Asked) -> Trial:
    """Say what a rule file would change of everything that was billed; nothing is written.

    It is put in force by the books: `books rules set`. Where there are more charges than can be
    rated here in some seconds, `aggregator reprice` answers the same on the aggregator's machine.
    """
    wanted: TrialWanted = asked.body
    limits = judged_under(asked.store)
    if limits is None:
        raise not_now("the ledger does not say yet by which limits it was judged")
    try:
        found = reprice(
            asked.store,
            ProposedFile(wanted.file, wanted.text.encode()),
            limits.charge_cost_max_usd * NANO,
            asked.now,
            charges_max=CHARGES_MAX,
        )
    except TooManyChargesError:
        detail = f"there are more than {CHARGES_MAX} charges: use `aggregator reprice`"
        raise conflict("too-many-charges", detail) from None
    except ProposalError as error:
        raise invalid(f"text: {error}") from None
    changed = sorted(found["accounts"], key=lambda each: -abs(each["difference_nano"]))
    return Trial(
        sha256=found["rule_book"],
        charges=found["charges"],
        charges_changed=found["charges_changed"],
        difference_usd=format_usd(found["difference_nano"]),
        unrated=found["unrated_charges"],
        accounts_changed=len(changed),
        accounts=[
            TrialAccount(
                user=each["user"],
                billed_usd=format_usd(each["billed_cost_nano"]),
                proposed_billed_usd=format_usd(each["proposed_billed_cost_nano"]),
                balance_usd=format_usd(each["balance_nano"]),
                proposed_balance_usd=format_usd(each["proposed_balance_nano"]),
            )
            for each in changed[:ACCOUNTS_SHOWN]
        ],
    )
