"""`explain`: one charge, summed up and down to its lines."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from aggregator.cli.context import Context, hour, json_option
from aggregator.cli.git_lines import git_show, git_show_lines
from gitmeter.support.terminal import counted, escape, print_json
from wire_format.money import NANO, format_usd

_ROWS_SHOWN: Final = 20
_LINES_AT_ONCE: Final = 1000
_SUMS: Final = ("units", "lines", "corrections", "repeats")

_Row = dict[str, Any]


@click.command()
@click.argument("user")
@click.argument("resource")
@click.argument("hour", type=hour)
@click.option("--lines", "all_lines", is_flag=True, help="Show everything, however many lines.")
@json_option
@click.pass_obj
def explain(
    context: Context, user: str, resource: str, hour: int, *, all_lines: bool, as_json: bool
) -> None:
    """Explain the charge of USER for RESOURCE in HOUR, down to the line.

    HOUR is in UTC, such as 2026-11-21T13. The lines are added up by node, by instance and by
    segment. Up to 20 of them are shown one by one, more with --lines; in JSON, `lines` is null in
    place of more than 20. Segments and lines are shown with the command that prints them from the
    aggregator's mirror; commits and paths are the same in the node's own repo.
    """
    from aggregator.ledger.rejudge import decisions_of
    from aggregator.ledger.rule_book import rule_book_in_force
    from aggregator.ledger.segments import segment_reader
    from aggregator.rating.rating import Rater
    from aggregator.reports.charges.explain import Extent
    from aggregator.reports.charges.explain import explain as explain_charge

    store = context.reading()
    state = context.state()
    config = state.config
    rater = Rater(rule_book_in_force(store), config.charge_cost_max_usd * NANO)
    reader, decisions = segment_reader(state), decisions_of(store)
    asked = (user, resource, hour)
    extent = Extent(lines_max=None) if all_lines else Extent()
    found = explain_charge(store, rater, reader, decisions, asked, extent)
    if as_json:
        print_json(found)
        return
    books = store.repos.books_in_force() or "books"
    for charge in found:
        _print_charge(charge, config.state, books)
        _print_summary(charge, config.state, rows_max=None if all_lines else _ROWS_SHOWN)
        _print_lines(charge, config.state)
        if not charge["adds_up"]:
            click.echo("  THE LINES DO NOT ADD UP to the charge: run `aggregator verify`")


def _print_charge(charge: _Row, state: Path, books: str) -> None:
    click.echo(f"{escape(charge['user'])}  {charge['resource']}  {charge['hour']}")
    click.echo(f"  quantity    {charge['quantity']} in {counted(charge['records'], 'record')}")
    price = charge["price"]
    if price is None:
        click.echo(f"  price       none: {charge['state']}")
    else:
        until = "" if price["until"] is None else f" until {price['until']}"
        user = "" if price["user"] is None else f", for {escape(price['user'])} alone"
        click.echo(f"  price       {_price_text(price)}, from {price['from']}{until}{user}")
        where = f"{price['commit']}:{price['path']}"
        click.echo(f"      {git_show(state, books, where, price['line_no'])}")
    if charge["meter"] is not None:
        _print_meter(charge["meter"], charge["included"])
    if charge["window"] is not None:
        _print_window(charge["window"], price)
    click.echo(f"  list cost   {format_usd(charge['list_cost_nano'])} USD")
    paid = charge["first_paid_at"] or "never"
    click.echo(f"  multiplier  x{charge['multiplier']}: tier {charge['tier']}, first paid {paid}")
    click.echo(f"  billed      {format_usd(charge['billed_cost_nano'])} USD ({charge['state']})")
    for drawn in charge["drawn"]:
        click.echo(f"    {format_usd(drawn['nano'])} USD paid by {escape(drawn['grant'])}")
    if charge["drawn"]:
        click.echo(f"    {format_usd(charge['uncovered_nano'])} USD paid by no grant")


def _print_meter(meter: _Row, included: int) -> None:
    """Print what of a charge the account's plan includes."""
    click.echo(
        f"  included    {included} by the plan {meter['plan']}, which includes {meter['included']}"
        f" of {meter['meter']} from {meter['cycle_start']} until {meter['cycle_end']}"
    )


def _price_text(price: _Row) -> str:
    if price["package"] is not None:
        return f"{price['package']['usd']} USD per package of {price['package']['size']}"
    if price["tiers"] is not None:
        return f"{price['mode']}, {counted(len(price['tiers']), 'tier')}"
    return f"{price['usd']} USD per {price['per']}"


def _print_window(window: _Row, price: _Row) -> None:
    """Print where in its window a charge lies, and a line for each tier that it pays."""
    click.echo(f"  window      {price['window']}, from {window['from']} until {window['until']}")
    click.echo(
        f"  counted     {window['counted']} after {window['before']},"
        f" {window['included']} included in the plan; {window['total']} in the window so far"
    )
    for share in window["tiers"] if price["tiers"] is not None else ():
        tier = price["tiers"][share["tier"] - 1]
        flat = f" and {tier['flat_usd']} USD once" if share["flat"] and tier["flat_usd"] else ""
        up_to = "" if tier["up_to"] is None else f", up to {tier['up_to']}"
        click.echo(
            f"    tier {share['tier']}{up_to}: {share['units']} at {tier['usd']} USD"
            f" per {price['per']}{flat}"
        )


def _print_summary(charge: _Row, state: Path, rows_max: int | None) -> None:
    """Print the sums, but not those with as many rows as lines that are shown: these say it all."""
    summary, lines = charge["summary"], charge["lines"]
    for noun, rows in (("node", summary["nodes"]), ("instance", summary["instances"])):
        if _says_more(rows, lines) and any(row[noun] is not None for row in rows):
            named = [(row[noun] or f"no {noun}", row) for row in rows]
            _print_section(noun, [f"{name}: {_sums(row)}" for name, row in named], rows, rows_max)
    if _says_more(summary["segments"], lines):
        shown = [_segment_text(row, state) for row in summary["segments"][:rows_max]]
        _print_section("segment", shown, summary["segments"], rows_max)


def _says_more(rows: Sequence[_Row], lines: Sequence[_Row] | None) -> bool:
    return lines is None or len(rows) < len(lines)


def _print_section(
    noun: str, texts: Sequence[str], rows: Sequence[_Row], rows_max: int | None
) -> None:
    """Print the rows of one kind, and what is not shown as one row: all are the charge."""
    click.echo("\n    ".join([f"  {noun}s", *texts[:rows_max]]))
    if rest := [] if rows_max is None else rows[rows_max:]:
        sums = {key: sum(row[key] for row in rest) for key in _SUMS}
        click.echo(f"    and {counted(len(rest), f'more {noun}')}: {_sums(sums)}")


def _segment_text(row: _Row, state: Path) -> str:
    first, last = row["first_line_no"], row["last_line_no"]
    span = f"line {first}" if first == last else f"lines {first} to {last}"
    command = git_show_lines(state, row["repo"], f"{row['commit']}:{row['path']}")(first, last)
    return f"{row['node']}, {span}: {_sums(row)}\n      {command}"


def _sums(row: _Row) -> str:
    corrections, repeats = (counted(row[f"{noun}s"], noun) for noun in ("correction", "repeat"))
    among = f", {corrections} among them" if row["corrections"] else ""
    again = f", {repeats}" if row["repeats"] else ""
    return f"{row['units']} in {counted(row['lines'], 'line')}{among}{again}"


def _print_lines(charge: _Row, state: Path) -> None:
    lines = charge["lines"]
    if lines is None:
        click.echo(f"  lines       {charge['records']}: --lines shows them")
        return
    click.echo("  lines")
    texts = _line_texts(lines, state)
    while at_once := "\n".join(islice(texts, _LINES_AT_ONCE)):
        click.echo(at_once)


def _line_texts(lines: Sequence[_Row], state: Path) -> Iterator[str]:
    commands = lru_cache(partial(git_show_lines, state))
    for line in lines:
        if line["corrects"] is not None:
            yield f"    correction of seq {line['corrects']}: {line['reason']}"
        again = f", delivered {counted(line['repeats'], 'more time')}" if line["repeats"] else ""
        yield f"    {line['units']} at {line['ts']}, {line['node']} seq {line['seq']}{again}"
        command = commands(line["repo"], f"{line['commit']}:{line['path']}")
        yield f"      {command(line['line_no'], line['line_no'])}"
