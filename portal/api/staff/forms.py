"""What staff send for an account, which its customers send without a reason."""

from portal.api.models.keys import KeyWanted
from portal.api.models.staff import Why
from portal.api.plans.forms import PlanWanted


class KeyForAccount(KeyWanted, Why):
    """A key that staff make of an account, and why."""


class PlanForAccount(PlanWanted, Why):
    """A plan that staff buy for an account, and why."""
