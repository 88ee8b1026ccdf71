"""Where the history of a shallow clone ends."""

from pathlib import Path


def shallow_ends(repo: Path) -> frozenset[str]:
    """The commits whose parents were not fetched; none in a whole clone."""
    try:
        return frozenset((repo / "shallow").read_text().split())
    except FileNotFoundError:
        return frozenset()
