"""Lines of version 2 that have no number yet, as programs append them."""

from node_pusher.spool.drafts import UNNUMBERED
from tests.node_pusher.conftest import NODE, START
from wire_format.lines import Account, Money
from wire_format.versions.field_types import AccountKind, MoneyKind2


def attempt_draft(kind: MoneyKind2, **values: str) -> Money:
    """A line about one attempt of kit to pay by way of Stripe."""
    return Money(
        v=2,
        node=NODE,
        seq=UNNUMBERED,
        ts=START,
        user="kit",
        kind=kind,
        provider="stripe",
        attempt="topup:1",
        **values,  # type: ignore[arg-type] # fields by name
    )


def account_draft(kind: AccountKind, **values: str) -> Account:
    """A line about the account of kit."""
    return Account(v=2, node=NODE, seq=UNNUMBERED, ts=START, user="kit", kind=kind, **values)  # type: ignore[arg-type] # fields by name
