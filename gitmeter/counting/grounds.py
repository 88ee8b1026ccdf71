"""What lines are judged by besides each other: the operator's decisions, the cost limit. Pure."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from gitmeter.counting.decisions import NodeDecisions
from wire_format.fields import INT_MAX, AppliesTo
from wire_format.instants import hour_of
from wire_format.lines import Usage


class CostLimit(Protocol):
    """The most that one record may cost at the list price, under some rule book."""

    @property
    def units_within(self) -> Mapping[str, int]:
        """For each resource that can exceed it, units that are within the limit at any price."""

    def exceeds(
        self, units: int, resource: str, applies_to: AppliesTo, hour: int, user: str
    ) -> bool:
        """Whether units of one record alone have a list cost beyond the limit."""


class NoLimit:
    """A record may cost anything: for whoever judges money lines alone."""

    units_within: Mapping[str, int] = {}

    def exceeds(
        self, _units: int, _resource: str, _applies_to: AppliesTo, _hour: int, _user: str
    ) -> bool:
        """Whether units of one record alone have a list cost beyond the limit: never."""
        return False


class Grounds(NamedTuple):
    """What the lines of one node are judged by, besides each other.

    Attributes:
        decisions: those in force for this node.
        limit: what one record may cost, under the rule book in force.
    """

    decisions: NodeDecisions
    limit: CostLimit

    def may_exceed(self, units_max: Mapping[str, int]) -> bool:
        """Whether any record might cost more than the limit; False is certain, True is a guess.

        Args:
            units_max: for each resource the most units of one record.
        """
        within = self.limit.units_within
        return any(units > within.get(name, INT_MAX) for name, units in units_max.items())

    def exceeds(self, record: Usage, units: int) -> bool:
        """Whether a record that corrections bring to `units` costs more than the limit."""
        hour = hour_of(record.ts)
        return self.limit.exceeds(units, record.resource, record.applies_to, hour, record.user)
