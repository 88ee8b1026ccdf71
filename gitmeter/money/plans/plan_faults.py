"""Why a plan line does not count: the reason, and what can be done about it."""

from enum import StrEnum


class PlanFault(StrEnum):
    """Why a plan line does not count, in the order of the checks; from `NOT_SOLD` on, of desks."""

    NO_VERSION = "no_version"
    UNTIL_WITHOUT_FEE = "until_without_fee"
    FEE_WITHOUT_UNTIL = "fee_without_until"
    PERIOD_RUNS = "period_runs"
    NOT_IN_FORCE = "not_in_force"
    NOT_AT_ONCE = "not_at_once"
    OTHER_CYCLE = "other_cycle"
    FEE_NOT_HIGHER = "fee_not_higher"
    LESS_INCLUDED = "less_included"
    NOT_TO_CYCLE_END = "not_to_cycle_end"
    NOT_SOLD = "not_sold"
    WRONG_FEE = "wrong_fee"
    BEFORE_ITS_HOUR = "before_its_hour"
    TOO_FAR_AHEAD = "too_far_ahead"
    NOT_ONE_CYCLE = "not_one_cycle"
    NO_MONEY = "no_money"

    @property
    def meaning(self) -> str:
        """What the reason means for the line, in one clause."""
        return _MEANINGS[self]

    @property
    def advice(self) -> str:
        """What a person can do about the line."""
        return _ADVICE[self]


_MEANINGS = {
    PlanFault.NO_VERSION: "its plan has no version in `rules/plans.toml` that has begun at its"
    " `from`",
    PlanFault.UNTIL_WITHOUT_FEE: "it has an `until`, and its plan has no fee",
    PlanFault.FEE_WITHOUT_UNTIL: "it has no `until`, and its plan has a fee",
    PlanFault.PERIOD_RUNS: "another line with an `until` is in force at its `from`",
    PlanFault.NOT_IN_FORCE: "at its `from` no line with an `until` is in force whose plan is its"
    " `instead_of`",
    PlanFault.NOT_AT_ONCE: "it is an upgrade, and its `from` is not the hour of its ts",
    PlanFault.OTHER_CYCLE: "it is an upgrade, and the cycles of its plan have another length",
    PlanFault.FEE_NOT_HIGHER: "it is an upgrade, and the fee of its plan is no higher than that of"
    " the plan in force",
    PlanFault.LESS_INCLUDED: "it is an upgrade, and its plan includes less under some meter of the"
    " plan in force",
    PlanFault.NOT_TO_CYCLE_END: "it is an upgrade, and its `until` is not the end of the running"
    " cycle",
    PlanFault.NOT_SOLD: "desks do not sell its plan",
    PlanFault.WRONG_FEE: "its fee is not that of its plan (of an upgrade: the difference)",
    PlanFault.BEFORE_ITS_HOUR: "its `from` lies before the hour of its ts",
    PlanFault.TOO_FAR_AHEAD: "its `from` lies more than one cycle ahead",
    PlanFault.NOT_ONE_CYCLE: "its `until` is not one cycle after its `from`",
    PlanFault.NO_MONEY: "the account did not have the money for its fee before its commit",
}


_ADVICE = {
    PlanFault.NO_VERSION: "if the plan is missing, state it in `rules/plans.toml`; if its name is"
    " wrong, write the line again",
    PlanFault.UNTIL_WITHOUT_FEE: "write it again without `until`",
    PlanFault.FEE_WITHOUT_UNTIL: "write it again with an `until`",
    PlanFault.PERIOD_RUNS: "write it again with `instead_of` if it is an upgrade, else from the"
    " `until` of the running line on",
    PlanFault.NOT_IN_FORCE: "write it again without `instead_of` if no paid plan runs, else with"
    " the plan that does",
    PlanFault.NOT_AT_ONCE: "write it again: an upgrade begins in the hour in which it is written",
    PlanFault.OTHER_CYCLE: "begin the plan when the running one ends",
    PlanFault.FEE_NOT_HIGHER: "begin the plan when the running one ends",
    PlanFault.LESS_INCLUDED: "begin the plan when the running one ends, or let its later version"
    " include as much",
    PlanFault.NOT_TO_CYCLE_END: "write it again with the end of the running cycle",
    PlanFault.NOT_SOLD: 'write it in the books, or let the plan have sold_by = ["desk"]',
    PlanFault.WRONG_FEE: "find out why the desk asks another fee: it may know other rules",
    PlanFault.BEFORE_ITS_HOUR: "write it in the books if the period is to begin in the past",
    PlanFault.TOO_FAR_AHEAD: "write it again when its `from` is near, or in the books",
    PlanFault.NOT_ONE_CYCLE: "write it in the books if the period is to be longer or shorter",
    PlanFault.NO_MONEY: "have the account topped up, and write it again; if a payment that paid for"
    " it no longer counts, see why",
}
