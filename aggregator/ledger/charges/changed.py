"""What a transaction changes about usage that is not billed in full."""

from collections import Counter

from aggregator.rating.rating import ChargeState
from aggregator.store.charges.charge_rows import ChargeRow
from wire_format.fields import AppliesTo


class ChangedStates:
    """What a transaction changes about usage that is not billed in full.

    Attributes:
        charges: by state, id of the resource and category, how many more charges are not rated.
        nodes: the rows of nodes of which records beyond the limit were filed or released.
    """

    def __init__(self) -> None:
        self.charges: Counter[tuple[ChargeState, int, AppliesTo]] = Counter()
        self.nodes: set[int] = set()

    def note(self, row: ChargeRow, sign: int) -> int:
        """Note a charge that is added (1) or taken away (-1); 0 if it is rated, else the sign."""
        if row.state is ChargeState.RATED:
            return 0
        self.charges[row.state, row.resource_id, row.applies_to] += sign
        return sign
