"""What one charge is made of: its lines added up by node, by instance and by segment. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aggregator.reports.charges.counted_lines import CountedLine


class Tally:
    """Lines added up.

    Attributes:
        units: the sum of their units.
        lines: how many they are.
    """

    def __init__(self) -> None:
        self.units = 0
        self.lines = 0
        self._corrections = 0
        self._repeats = 0

    def add(self, line: CountedLine) -> None:
        """Add a line."""
        self.units += line.record.units
        self.lines += 1
        self._corrections += line.record.corrects is not None
        self._repeats += line.repeats

    def answer(self) -> dict[str, Any]:
        """Return the sums: `corrections` are among `lines`, `repeats` are not."""
        return {
            "units": self.units,
            "lines": self.lines,
            "corrections": self._corrections,
            "repeats": self._repeats,
        }


class _SegmentTally(Tally):
    """Lines of one segment added up, and from which line of the file to which they reach."""

    def __init__(self, line: CountedLine) -> None:
        super().__init__()
        self._first_line_no = self._last_line_no = line.place.line_no

    def add(self, line: CountedLine) -> None:
        super().add(line)
        self._first_line_no = min(self._first_line_no, line.place.line_no)
        self._last_line_no = max(self._last_line_no, line.place.line_no)

    def answer(self) -> dict[str, Any]:
        return {
            "first_line_no": self._first_line_no,
            "last_line_no": self._last_line_no,
            **super().answer(),
        }


class ChargeSummary:
    """The lines of one charge added up in three ways, each of which is the whole charge.

    Attributes:
        total: all lines.
    """

    def __init__(self) -> None:
        self.total = Tally()
        self._nodes: dict[str, Tally] = defaultdict(Tally)
        self._instances: dict[str | None, Tally] = defaultdict(Tally)
        self._segments: dict[tuple[str, str, str, str], _SegmentTally] = {}

    def add(self, line: CountedLine) -> None:
        """Add a line."""
        record, place = line.record, line.place
        segment = (line.repo, record.node, place.commit, place.path)
        if segment not in self._segments:
            self._segments[segment] = _SegmentTally(line)
        self.total.add(line)
        self._nodes[record.node].add(line)
        self._instances[record.instance].add(line)
        self._segments[segment].add(line)

    def answer(self) -> dict[str, list[dict[str, Any]]]:
        """Return the sums, in the shapes of the `--json` contract.

        Returns:
            `nodes` and `instances`, those with the most units first; the instance None is that of
            lines that state none. `segments`, in the order of their first lines.
        """
        segments = self._segments.items()
        keys = ("repo", "node", "commit", "path")
        return {
            "nodes": _most_first("node", self._nodes),
            "instances": _most_first("instance", self._instances),
            "segments": [dict(zip(keys, at, strict=True)) | sums.answer() for at, sums in segments],
        }


def _most_first(key: str, tallies: Mapping[Any, Tally]) -> list[dict[str, Any]]:
    ordered = sorted(tallies.items(), key=lambda item: (-item[1].units, item[0] or ""))
    return [{key: name, **sums.answer()} for name, sums in ordered]
