"""`books decide`: the operator's decisions about histories, lines, writers and incidents."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from books.cli.acts import by_option, recorded_text
from books.cli.line_json import line_json
from gitmeter.support.table import print_table
from gitmeter.support.terminal import print_json
from node_pusher.cli.home import SpanType

if TYPE_CHECKING:
    from wire_format.lines import Decision
    from wire_format.versions.field_types import AnyDecisionKind

_OF_VERSION_2: Final = ("seen", "only", "reconciled")
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _decision_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of every decision."""
    for option in (
        _json_option,
        by_option("Who decided; shown in audits."),
        click.option("--reason", required=True, help="Why; shown in audits."),
    ):
        command = option(command)
    return command


@click.group()
def decide() -> None:
    """Decide on what the aggregator holds: each decision is a line of the books.

    A decision applies to what it names, even if that arrives later, and takes effect once it has
    been pushed and the aggregator has pulled it. `aggregator held`, `rewrites` and `incidents` show
    what there is to decide.
    """


@decide.command("accept-tip")
@click.argument("repo")
@click.argument("tip")
@_decision_options
@click.pass_obj
def accept_tip(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Accept the history of REPO up to the commit TIP, whatever its shape, dates and signatures.

    REPO is the aggregator's name for the repo, TIP a full commit hash. An acceptance cannot be
    withdrawn.

    \b
    books decide accept-tip embedder-01 4f1d0b6c2a9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c --reason "new disk"
    """
    _decide(home, as_json, "accept_tip", **options)


@decide.command()
@click.argument("of", metavar="NODE")
@click.argument("span", metavar="SEQ[..SEQ]", type=SpanType())
@click.option("--ts", "of_ts", help="Only the record of this time, if several have SEQ.")
@_decision_options
@click.pass_obj
def exclude(
    home: Path,
    /,
    span: tuple[int, int | None],
    *,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click passes options by name
) -> None:
    """Exclude lines of NODE from billing: those with SEQ, or with a range of seqs.

    NODE may be the books themselves: an excluded payment does not start a discount either.

    \b
    books decide exclude embedder-01 17..40 --reason "a load test"
    books decide exclude embedder-01 41 --ts 2026-11-21T13:05:00Z --reason "sent twice"
    """
    _decide(home, as_json, "exclude", of_seq=span[0], to_seq=span[1], **options)


@decide.command()
@click.argument("of", metavar="NODE")
@click.argument("of_seq", metavar="SEQ", type=int)
@click.argument("of_ts", metavar="TS")
@click.argument("line_sha256")
@_decision_options
@click.pass_obj
def choose(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Let one of the conflicting lines of NODE with SEQ and TS count.

    LINE_SHA256 is the SHA-256 of that line with its newline; `aggregator held` prints the command
    for each of the lines.
    """
    _decide(home, as_json, "choose", **options)


@decide.command()
@click.argument("repo")
@click.argument("incident", metavar="KIND")
@click.option("--subject", metavar="TEXT", required=True, help="What the incident is about.")
@_decision_options
@click.pass_obj
def acknowledge(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """End an incident of REPO that needs no more work.

    `aggregator incidents` prints the command with KIND and --subject.

    \b
    books decide acknowledge embedder-01 "sequence reused" --subject "seq 41" --reason "..."
    """
    _decide(home, as_json, "acknowledge", **options)


@decide.command()
@click.argument("of", metavar="NODE")
@click.argument("tip")
@_decision_options
@click.pass_obj
def seen(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Say that the till or desk NODE had everything up to the commit TIP, and nothing else, by now.

    A commit of the same repo that is neither TIP nor below it, and is dated more than a day before
    this decision, claims nothing: who has the key of an idle writer cannot write the past. The
    repo is read on; `aggregator held` shows such lines as `back_dated`. `books reconcile` says it
    once a day for each of them.

    \b
    books decide seen till-1 4f1d0b6c2a9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c --reason "before the move"
    """
    _decide(home, as_json, "seen", **options)


@decide.command()
@click.argument("of", metavar="NODE")
@click.argument("tip")
@_decision_options
@click.pass_obj
def only(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """The way out after a theft: what NODE wrote after the commit TIP claims nothing.

    NODE is a till or desk. Of its lines only those in TIP, in the commits below it, or in a later
    repo of NODE claim anything; an earlier repo claims nothing either. Give NODE a new repo with a
    new key, and let it record again what was true: `till sweep` does. A later `only` takes the
    place of this one, and it can be withdrawn.

    \b
    books decide only till-1 4f1d0b6c2a9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c --reason "its key was stolen"
    """
    _decide(home, as_json, "only", **options)


@decide.command()
@click.argument("of", metavar="NODE")
@click.argument("from_seq", metavar="FROM", type=int)
@click.argument("to_seq", metavar="TO", type=int)
@click.argument("tip")
@_decision_options
@click.pass_obj
def reconciled(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Say that the provider confirms every line of the till NODE with a number FROM to TO.

    It covers those in the commit TIP and below it: they no longer wait, and count before what
    another writer says of the same movement. `books reconcile` compares and decides by itself; this
    is for what a person has compared.

    \b
    books decide reconciled till-1 17 40 4f1d0b6c2a9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c --reason asked
    """
    _decide(home, as_json, "reconciled", **options)


@decide.command()
@click.argument("refers_to", metavar="SEQ", type=int)
@_decision_options
@click.pass_obj
def withdraw(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Withdraw the decision with SEQ of these books.

    \b
    books decide withdraw 8 --reason "half of it was real usage"
    """
    _decide(home, as_json, "withdraw", **options)


@decide.command("list")
@_json_option
@click.pass_obj
def list_decisions(home: Path, /, *, as_json: bool) -> None:
    """List the decisions of these books, newest last, and which of them are in force."""
    from books.decision_status import decision_statuses, describe
    from books.earlier_lines import recorded_decisions
    from node_pusher.home.settings_file import read_home
    from node_pusher.spool.api import Spool
    from wire_format.instants import format_ts

    with Spool.open(home, role="books") as spool:
        found = decision_statuses(recorded_decisions(read_home(home, "books"), spool, fetch=True))
    if as_json:
        print_json(
            [
                line_json(status.decision)
                | {
                    "holds": status.holds,
                    "withdrawn_by": status.withdrawn_by,
                    "overridden_by": status.overridden_by,
                }
                for status in found
            ]
        )
        return
    print_table(
        ("seq", "decided", "what", "by", "reason", "status"),
        [
            (str(d.seq), format_ts(d.ts), describe(d), d.by, d.reason, str(status))
            for status in found
            for d in [status.decision]
        ],
        right=("seq",),
    )


def _decide(home: Path, as_json: bool, kind: "AnyDecisionKind", **options: Any) -> None:  # noqa: ANN401, FBT001 - what click passed
    """Record a decision and print it."""
    from books.decision_status import describe
    from books.decisions import decide as take
    from node_pusher.home.settings_file import read_home
    from node_pusher.spool.api import Spool

    with Spool.open(home, role="books") as spool:
        wanted = _wanted(spool.node, spool.now(), kind, options)
        taken = take(read_home(home, "books"), spool, wanted)
    decision = taken.decision
    if as_json:
        print_json(line_json(decision) | {"repeated": taken.repeated})
        return
    what = f"{describe(decision)}, by {decision.by}"
    click.echo(recorded_text(decision, what, repeated=taken.repeated))


def _wanted(
    node: str, now: datetime, kind: "AnyDecisionKind", options: dict[str, Any]
) -> "Decision":
    """The decision that the options of a command describe."""
    from books.decisions import DecisionError
    from node_pusher.spool.drafts import UNNUMBERED, parse_instant
    from node_pusher.spool.outcomes import Refusal
    from wire_format.lines import Decision

    if not options["by"]:
        raise DecisionError("by: no name is given", hint="state with --by who decides")
    if options.get("of_ts") is not None:
        of_ts = parse_instant(options["of_ts"])
        if isinstance(of_ts, Refusal):
            raise DecisionError(f"of_{of_ts.reason}")
        options["of_ts"] = of_ts
    return Decision(
        v=2 if kind in _OF_VERSION_2 else 1, node=node, seq=UNNUMBERED, ts=now, kind=kind, **options
    )
