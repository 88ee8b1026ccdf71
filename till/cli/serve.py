"""`till serve`: take events of providers and offer checkouts, until a signal."""

from pathlib import Path

import click

from till.cli.common import opened_intake


@click.command()
@click.option("--verbose", is_flag=True, help="Log more.")
@click.pass_obj
def serve(home: Path, /, *, verbose: bool) -> None:
    """Take events of providers and offer checkouts, until SIGTERM.

    POST /hooks/<account>, at the public address, takes the events of an account. It is answered
    with 200 once what the provider says about the object is on disk here; the push follows at once.
    With 503 the provider sends the event again; what failed 10 times or for an hour is an incident
    in `till status` and is asked about by `till sweep`.

    POST /checkout, at the local address, answers programs of this machine with a page or a prompt:

    \b
    {"user": "alice", "usd": "20.00", "currency": "USD",
     "success_url": "https://portal.example/paid", "cancel_url": "https://portal.example/"}
    {"url": "https://...", "attempt": "topup:alice:...", "expires_at": "2026-11-28T11:00:00Z",
     "usd": "20.00", "amount": "20.00", "currency": "USD"}

    With "method": "prompt" and "phone" a telephone is asked to pay, where the provider can do that;
    "account" names the account, else the first one that takes the currency. For each customer there
    are at most 3 open checkouts, 10 a day, 3 prompts an hour (and 3 for each telephone), and
    first_week_usd in the seven days from the first payment. Refusals are application/problem+json.

    With "save_card": {"amount_usd": "20.00", "below_usd": "5.00", "month_usd": "100.00"} the page
    states that, within [cards], and the customer who pays agrees to it: his card is saved, and a
    line of consent says so. At the local address, too:

    \b
    GET /terms                       what [cards] says
    GET /cards?user=alice            the cards that providers keep for an account
    POST /cards/remove               {"user": "alice", "account": "stripe", "method": "pm_1"}
    GET /attempts?user=alice         automatic payments of the last 35 days, with the links at
                                     which a bank asks its customer
    """
    from gitmeter.logs.setup import configure_logs
    from node_pusher.cli.interrupts import interrupts, serve_until
    from till.serving.service import serving

    configure_logs(verbose=verbose)
    with interrupts() as interrupted, opened_intake(home) as till, serving(till) as listening:
        click.echo(
            f"{till.home.node}: events at {listening.public}, checkouts at {listening.local}",
            err=True,
        )
        serve_until(interrupted)
    click.echo(f"{till.home.node}: stopped", err=True)
