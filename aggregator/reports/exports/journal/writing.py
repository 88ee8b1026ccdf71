"""A journal as the text that hledger reads. Pure."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from aggregator.reports.basis import Answer
from aggregator.reports.exports.journal.accounts import declarations
from aggregator.reports.exports.journal.entries import JournalEntry
from aggregator.reports.exports.journal.names import text_part
from aggregator.reports.periods.usage import day_text
from gitmeter.support.terminal import counted
from wire_format.money import format_usd

_DIRECTIVES: Final = ("decimal-mark .", "commodity 1000.000000000 USD")
"""hledger shows and compares amounts with as many decimals as are declared."""


def head_lines(head: Answer, used: Collection[str]) -> Iterator[str]:
    """What a journal is about and made from, and its accounts.

    Args:
        head: as `journal_head` returns it.
        used: the accounts in its entries.
    """
    begin, made_from = head["from"] or "the beginning", head["made_from"]
    yield f"; gitmeter, {head['period']}: from {begin} until {head['until']}, by UTC"
    yield f"; billed until {head['billed_until'] or 'never'}"
    yield f"; made from {counted(len(made_from['tips']), 'repo')}: {made_from['sha256']}"
    if not head["is_over"]:
        yield "; the period is not over yet"
    if head["tests_count"]:
        yield "; test accounts of providers count here: this is not all real money"
    if head["silent_nodes"]:
        yield f"; more may follow of silent nodes: {len(head['silent_nodes'])}"
    yield "; amounts are exact; provider fees are not recorded in the ledger, so not included"
    yield from ("", *_DIRECTIVES)
    if used:
        yield from ("", *declarations(used))


def entry_texts(entries: Iterable[JournalEntry], used: set[str]) -> Iterator[str]:
    """Entries with their postings, each with a blank line before it.

    Args:
        entries: the entries.
        used: gets the accounts in them.
    """
    for entry in entries:
        used.update(account for account, _ in entry.postings)
        yield "\n".join(("", _title(entry), *_postings(entry)))


def _title(entry: JournalEntry) -> str:
    code = f"({text_part(entry.code)}) " if entry.code else ""
    comment = f"  ; {entry.comment}" if entry.comment else ""
    return f"{day_text(entry.day)} {code}{entry.description}{comment}"


def _postings(entry: JournalEntry) -> Iterator[str]:
    amounts = [(account, f"{format_usd(nano)} USD") for account, nano in entry.postings]
    name_width = max(len(account) for account, _ in amounts)
    amount_width = max(len(amount) for _, amount in amounts)
    for account, amount in amounts:
        stated = entry.closing.get(account)
        closing = "" if stated is None else f" = {format_usd(stated)} USD"
        yield f"    {account:<{name_width}}  {amount:>{amount_width}}{closing}"
