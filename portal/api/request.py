"""What an answer is made of: who asks, for what, when, and where it is read and written."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from aggregator.store.store import LedgerStore
from portal.access.holders import Holder
from portal.config.tables import PortalConfig
from portal.desk.desk import Desk


class Portal(NamedTuple):
    """A portal at work.

    Attributes:
        config: what the operator says.
        desk: where lines are written.
        wake: has what was written pushed soon.
    """

    config: PortalConfig
    desk: Desk
    wake: Callable[[], object]


class Form(BaseModel):
    """The form of something that is sent or answered."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True
    )


class Asked(NamedTuple):
    """A request whose key opens what it asks for.

    Attributes:
        portal: whom it asks.
        store: the ledger, in one state for all of the answer.
        holder: who asks.
        now: the time.
        path: the parts of the path that have names.
        query: what is after `?`; of the form that the route states.
        body: what was sent; of the form that the route states.
        why: the reason of whoever acts for somebody else; None for who acts for themselves.
    """

    portal: Portal
    store: LedgerStore
    holder: Holder
    now: datetime
    path: Mapping[str, str]
    query: Any
    body: Any
    why: str | None = None

    @property
    def by(self) -> str:
        """Who acts, as lines name them.

        Of customers it is the key, since the line names the account anyway.
        """
        member = self.holder.member
        return f"customer:{self.holder.name}" if member is None else member.identity
