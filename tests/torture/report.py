"""What a torture did and found, for people."""

from collections.abc import Iterator

from tests.torture.check import SHOWN_MAX
from tests.torture.journal import Tally
from tests.torture.torture import Result

_HEAD = ("program", "killed", "at work", "with git", "too late", "left alone", "exit codes")


def table(result: Result) -> Iterator[str]:
    """A line for each program, and one for their sum."""
    rows = [_row(name, tally) for name, tally in sorted(result.journal.tallies.items())]
    total = Tally()
    for tally in result.journal.tallies.values():
        total.hit += tally.hit
        total.at_work += tally.at_work
        total.git += tally.git
        total.late += tally.late
        total.left_alone += tally.left_alone
        total.codes += tally.codes
    rows = [_HEAD, *rows, _row("all", total)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    for name, *cells in rows:
        aligned = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *aligned])


def _row(name: str, tally: Tally) -> tuple[str, ...]:
    codes = ", ".join(f"{code}: {times}" for code, times in sorted(tally.codes.items()))
    counts = (tally.hit, tally.at_work, tally.git, tally.late, tally.left_alone)
    return (name, *map(str, counts), codes or "-")


def facts(result: Result) -> Iterator[str]:
    """What was sent, and what became of it."""
    uses = result.journal.uses.values()
    payments = result.journal.payments.values()
    acknowledged = sum(use.acknowledged for use in uses)
    retried = sum(use.tries > 1 for use in uses)
    arrived = sum(len(lines) for lines in result.found.usage.values())
    yield (
        f"uses: {len(uses):,} sent, {acknowledged:,} acknowledged, {retried:,} sent more than once,"
        f" {arrived:,} billed"
    )
    yield (
        f"payments: {len(payments):,} recorded, {sum(p.tries > 1 for p in payments):,} more than"
        f" once, {len(result.found.money):,} billed"
    )
    yield f"git programs that outlived the program that was killed: {result.orphans:,}"


def wrong(result: Result) -> Iterator[str]:
    """What is not as promised; nothing when all is well."""
    yield from result.wrong[:SHOWN_MAX]
    if len(result.wrong) > SHOWN_MAX:
        yield f"and {len(result.wrong) - SHOWN_MAX:,} more"
