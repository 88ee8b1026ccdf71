"""`notices`: the notices for the receiver of `[notify]`, and whether it takes them."""

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.context import Context, json_option, now
from aggregator.store.outbox.errors import NoticesError
from aggregator.store.outbox.outbox import NOTICES_NAME, Outbox
from aggregator.store.outbox.queue import NoticeRow
from gitmeter.support.errors import ExitCode, GitmeterError
from gitmeter.support.table import print_table
from gitmeter.support.terminal import counted, escape, print_json
from wire_format.instants import format_seconds

if TYPE_CHECKING:
    from aggregator.config.sections import NotifyConfig


@click.group(invoke_without_command=True)
@click.option("--undelivered", is_flag=True, help="Only those that the receiver has not taken.")
@json_option
@click.pass_context
def notices(context: click.Context, *, undelivered: bool, as_json: bool) -> None:
    """Show the notices of the last 90 days, and whether they were delivered.

    There is one notice for each incident that opens, and for each balance that falls below the
    threshold or to zero. The daemon delivers them; see docs/notifications.md.
    """
    if context.invoked_subcommand is not None:
        return
    with closing(_open(_path(context.obj))) as outbox:
        found = outbox.queue.rows(undelivered=undelivered)
        receiver = outbox.queue.receiver()
    if as_json:
        print_json(map(_shown, found))
        return
    print_table(
        ("made", "event", "about", "attempts", "state", "last error"),
        (
            (row.made_at, row.event, row.subject, str(row.attempts), _state(row), row.error or "")
            for row in found
        ),
        right=("attempts",),
    )
    if receiver.error is not None:
        click.echo(
            f"the receiver took none {counted(receiver.errors, 'time')} in a row:"
            f" {escape(receiver.error)}; tried again at {format_seconds(receiver.wait_until_s)}"
        )


@notices.command()
@json_option
@click.pass_obj
def test(context: Context, *, as_json: bool) -> int:
    """Send one event of kind "test" now and show the answer.

    Exits with 1 if the receiver refuses it, with 75 if it may take it later.
    """
    from uuid import uuid4

    from aggregator.notices import events
    from aggregator.notices.receiver import Receiver
    from aggregator.notices.retries import PostOutcome

    config = _config(context)
    notice = events.of_test(uuid4(), now())
    with Receiver(config, now) as receiver:
        answer = receiver.post(notice.delivery, notice.event, notice.body)
    if as_json:
        print_json({"id": notice.delivery, "outcome": answer.outcome, "answer": answer.detail})
    else:
        click.echo(f"{config.url}: {answer.outcome}: {escape(answer.detail)}")
    codes = {PostOutcome.TAKEN: ExitCode.OK, PostOutcome.TROUBLE: ExitCode.TRY_LATER}
    return codes.get(answer.outcome, ExitCode.FAILED)


@notices.command()
@json_option
@click.pass_obj
def retry(context: Context, *, as_json: bool) -> int:
    """Deliver every undelivered notice now, including those that were given up.

    Exits with 75 if any is left.
    """
    from aggregator.notices.delivery import deliver

    config, path = _config(context), _path(context)
    with closing(_open(path)) as outbox, outbox.transaction():
        outbox.queue.make_due()
    result = deliver(path, config, now)
    if as_json:
        print_json({"delivered": result.delivered, "left": result.waiting, "error": result.error})
    else:
        click.echo(f"{counted(result.delivered, 'notice')} delivered, {result.waiting} left")
        if result.error:
            click.echo(f"  {escape(result.error)}")
    return ExitCode.TRY_LATER if result.waiting or result.error else ExitCode.OK


def _config(context: Context) -> "NotifyConfig":
    config = context.config().notify
    if config is None:
        raise GitmeterError(
            f"no [notify] in {context.config_path}", hint="add it with the url of a receiver"
        )
    return config


def _path(context: Context) -> Path:
    return context.state_path() / NOTICES_NAME


def _open(path: Path) -> Outbox:
    if not path.exists():
        raise NoticesError(
            "no notices yet", hint="the daemon sends them if its configuration has [notify]"
        )
    return Outbox(path)


def _state(row: NoticeRow) -> str:
    if row.delivered_at is not None:
        return f"delivered {row.delivered_at}"
    if row.given_up_at is not None:
        return f"given up {row.given_up_at}"
    return f"waits until {format_seconds(row.next_at_s)}" if row.next_at_s else "waits"


def _shown(row: NoticeRow) -> dict[str, Any]:
    return {
        "id": row.delivery,
        "event": row.event,
        "about": row.subject,
        "made_at": row.made_at,
        "attempts": row.attempts,
        "tried_at": row.tried_at,
        "next_at": format_seconds(row.next_at_s) if row.next_at_s else None,
        "delivered_at": row.delivered_at,
        "given_up_at": row.given_up_at,
        "error": row.error,
        "body": json.loads(row.body),
    }
