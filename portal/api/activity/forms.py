"""What was settled about an account, as it is told to that account."""

from typing import Literal

from portal.api.models.fields import Time, Usd
from portal.api.request import Form

ActedBy = Literal["account", "staff", "operator"]


class SettledAct(Form):
    """Something that was settled.

    Attributes:
        at: when.
        kind: `key`, `revoke`, `setting`, `plan`, `suspend`, `reopen`, `open`, `grant`, `adjustment`
            or `consent`.
        by: who: somebody of the account, staff at a desk, or the operator's books.
        key: of the account, with which it was done, or the name of who was signed in; null else.
        key_id: the key that it is about.
        scopes: what that key opens.
        settings: what was stated, by name.
        plan: which.
        amount_usd: of credit and corrections.
        reason: why, of what staff and the operator did.
    """

    at: Time
    kind: str
    by: ActedBy
    key: str | None
    key_id: str | None
    scopes: list[str] | None
    settings: dict[str, str]
    plan: str | None
    amount_usd: Usd | None
    reason: str | None


class Activity(Form):
    """What was settled in the last 90 days.

    Attributes:
        acts: the newest first, a thousand at most.
    """

    acts: list[SettledAct]
