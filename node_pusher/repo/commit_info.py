"""What a commit of a home states about itself."""

from datetime import UTC, datetime
from typing import NamedTuple

from wire_format.commit_message import Summary


class CommitInfo(NamedTuple):
    """A commit of this repo.

    Attributes:
        commit: its id.
        message: all of it.
        committed_at_s: seconds since 1970.
        summary: what its trailers state; None when it adds no segments.
    """

    commit: str
    message: str
    committed_at_s: int
    summary: Summary | None

    @property
    def committed_at(self) -> datetime:
        """Its date."""
        return datetime.fromtimestamp(self.committed_at_s, UTC)
