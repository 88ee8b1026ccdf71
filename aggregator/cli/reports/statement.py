"""`statement`: one account in a period, for people, as CSV and as JSON."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aggregator.cli.context import Context, now, refuse_two_forms
from aggregator.cli.reports.periods import period as period_of
from aggregator.cli.reports.printing import form_options
from gitmeter.support.table import Table, print_table
from gitmeter.support.terminal import CsvList, counted, escape, print_json
from wire_format.money import format_cents, format_usd

if TYPE_CHECKING:
    from aggregator.reports.basis import Answer
    from aggregator.reports.periods.period import Period
    from aggregator.store.store import LedgerStore

_CSV: Final = (
    *("section", "time", "what", "reference", "quantity", "amount_usd"),
    *("repo", "commit", "path", "line_no"),
)
_PLACE: Final = _CSV[-4:]
_LINES: Final = {
    "usage": "usage line",
    "payments": "money line",
    "accounts": "account line",
    "decisions": "decision",
}


@click.command()
@click.argument("user")
@click.argument("period", type=period_of)
@click.option(
    "--since",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An earlier statement in JSON: also show what changed since, and by which commits.",
)
@click.option("--html", "as_html", is_flag=True, help="Print a page in HTML.")
@form_options
@click.pass_obj
def statement(
    context: Context,
    user: str,
    period: "Period",
    file: Path | None,
    *,
    as_csv: bool,
    as_json: bool,
    as_html: bool,
) -> None:
    """Show the statement of USER for PERIOD, from its opening to its closing balance.

    PERIOD is such as 2026-10, last-month or 2026-10-01..2026-11-15, in UTC. The closing balance of
    a month is the opening one of the next. What is known today counts: a record or payment that
    arrives later changes the statement of its own time. So it says from which commits it was made,
    with one hash over them and the digest of the ledger.

    In CSV the amounts of all rows but the last add up to the last one, the closing balance.

    \b
    aggregator statement alice last-month
    aggregator statement alice 2026-10 --json > alice-2026-10.json
    aggregator statement alice 2026-10 --since alice-2026-10.json
    aggregator statement alice 2026-10 --html > alice-2026-10.html
    """
    from aggregator.proof.past import made_from
    from aggregator.reports.statements.statement import statement as reported

    refuse_two_forms(as_csv=as_csv, as_json=as_json)
    if as_html and (as_csv or as_json):
        raise click.UsageError("--html is another form of the same answer: state one of them")
    if (as_csv or as_html) and file is not None:
        raise click.UsageError("what changed is shown as text or with --json")
    store = context.reading()
    with store.view():
        # the digest reads the whole ledger, and has no place in rows that add up
        found = reported(store, user, period, now(), None if as_csv else made_from(store))
        if file is not None:
            found["since"] = _since(context, store, found, file)
    if as_json:
        print_json(found)
    elif as_csv:
        CsvList(_CSV, _csv_rows(found)).print()
    elif as_html:
        from aggregator.reports.statements.page import statement_page

        click.echo(statement_page(found), nl=False)
    else:
        _print(found)


def _since(context: Context, store: "LedgerStore", found: "Answer", file: Path) -> "Answer":
    """What changed since the statement in a file, and by which commits."""
    from aggregator.proof.past import read_made_from
    from aggregator.reports.statements.since import changes, check_earlier, commits_since

    made_from = read_made_from(file)
    earlier = made_from.stated
    check_earlier(earlier, found)
    return {
        "sha256": earlier["made_from"]["sha256"],
        "changes": changes(earlier, found),
        "commits": [*commits_since(store, context.state().mirrors, found, made_from.tips)],
    }


def _print_since(since: "Answer") -> None:
    if not since["changes"]:
        click.echo("nothing changed since the earlier statement")
    else:
        right = ("before", "after")
        rows = (
            (
                each["part"],
                each["what"],
                *("" if (nano := each[f"{name}_nano"]) is None else format_cents(nano)
                  for name in right),
            )
            for each in since["changes"]
        )  # fmt: skip
        print_table(("changed", "what", *right), rows, right=right)
    for commit in since["commits"]:
        parts = [
            counted(commit[folder], noun) for folder, noun in _LINES.items() if commit[folder]
        ] + (["rules"] if commit["rules"] else [])
        where = f"{commit['repo']} {commit['commit']}"
        click.echo(f"{commit['committed_at']}  {where}: {', '.join(parts)}")


def _csv_rows(found: "Answer") -> Iterator[Sequence[str]]:
    """Rows whose amounts add up."""
    yield _row("opening", found["from"] or "", "balance", nano=found["opening_balance_nano"])
    for line in found["money"]:
        named = line["kind"], _reference(line)
        yield _row("money", line["ts"], *named, nano=line["nano"], of=line)
    for line in found["fees"]:
        period = f"{line['from']} {line['until'] or ''}".strip()
        yield _row("fee", line["ts"], line["plan"], period, nano=-line["nano"], of=line)
    for used in found["usage"]:
        for part in used["parts"]:
            reference = f"{used['applies_to']} x{used['multiplier']}, {part['what']}"
            costs = {"quantity": str(part["units"]), "nano": -part["billed_cost_nano"]}
            yield _row("usage", "", used["resource"], reference, **costs)
    for grant in found["grants"]:
        for name, sign in (("begun", 1), ("ended", -1)):
            if nano := grant[f"{name}_nano"]:
                yield _row("grant", "", name, grant["grant"], nano=sign * nano)
    yield _row("closing", found["until"] or "", "balance", nano=found["closing_balance_nano"])


def _reference(line: "Answer") -> str:
    return f"{line['provider'] or ''} {line['external_ref'] or ''}".strip()


def _row(
    section: str,
    time: str,
    what: str,
    reference: str = "",
    *,
    quantity: str = "",
    nano: int,
    of: "Answer | None" = None,
) -> Sequence[str]:
    place = ["" if of is None or of[name] is None else str(of[name]) for name in _PLACE]
    return [section, time, what, reference, quantity, format_usd(nano), *place]


def _print(found: "Answer") -> None:
    """Write a statement for people."""
    begin, end = found["from"] or "the beginning", found["until"]
    click.echo(f"{escape(found['user'])}, {found['period']}: from {begin} until {end}, USD")
    if not found["is_over"]:
        click.echo("the period is not over yet")
    _print_lines(found)
    _print_usage(found["usage"])
    _print_parts(found["usage"])
    _print_grants(found["grants"])
    _print_sums(found)
    for each in found["waiting_for"]:
        click.echo(f"more may follow of {escape(each['node'])}: {', '.join(each['why'])}")
    if found["unrated_charges"]:
        click.echo(f"charges that are not billed in full: {found['unrated_charges']}")
    click.echo(f"made from {len(found['made_from']['tips'])} repos: {found['made_from']['sha256']}")
    if "since" in found:
        _print_since(found["since"])


def _print_lines(found: "Answer") -> None:
    rows = [
        (
            line["ts"],
            line["kind"],
            _reference(line),
            f"{line['amount']} {line['currency']}",
            format_cents(line["nano"]),
        )
        for line in found["money"]
    ] + [
        (line["ts"], "plan fee", line["plan"], "", format_cents(-line["nano"]))
        for line in found["fees"]
    ]
    if rows:
        headers = ("time", "money", "reference", "paid", "amount")
        print_table(headers, sorted(rows), right=headers[3:])


def _print_usage(usage: "list[Answer]") -> None:
    if not usage:
        return
    right = ("units", "included", "list cost", "discount", "billed", "paid by grants")
    Table(
        ("usage", *right),
        (
            (
                used["resource"],
                *(str(used["quantity"]), str(used["included"])),
                format_cents(used["list_cost_nano"]),
                "" if used["multiplier"] == "1" else f"x{used['multiplier']}",
                format_cents(used["billed_cost_nano"]),
                format_cents(used["drawn_nano"]),
            )
            for used in usage
        ),
        right=right,
        spare=("paid by grants", "list cost"),
    ).print()


def _print_parts(usage: "list[Answer]") -> None:
    """What usage is made of, where the table of it does not say that already."""
    from aggregator.reports.statements.usage import by_parts

    right = ("units", "list cost", "billed")
    rows = [
        (
            used["resource"],
            used["applies_to"]
            if used["multiplier"] == "1"
            else f"{used['applies_to']} x{used['multiplier']}",
            *(part["what"], str(part["units"])),
            format_cents(part["list_cost_nano"]),
            format_cents(part["billed_cost_nano"]),
        )
        for used in by_parts(usage)
        for part in used["parts"]
    ]
    if rows:
        print_table(("usage", "for", "price", *right), rows, right=right)


def _print_grants(grants: "list[Answer]") -> None:
    if not grants:
        return
    right = ("opening", "begun", "paid", "ended", "closing")
    keys = ("opening_nano", "begun_nano", "drawn_nano", "ended_nano", "closing_nano")
    rows = (
        (each["grant"], each["until"] or "", *(format_cents(each[key]) for key in keys))
        for each in grants
    )
    print_table(("grant", "until", *right), rows, right=right)


def _print_sums(found: "Answer") -> None:
    """How the closing balance comes from the opening one."""
    from aggregator.reports.statements.totals import totals

    rows = [(name, format_cents(nano)) for name, nano in totals(found)]
    print_table(("sum", "USD"), rows, right=("USD",))
