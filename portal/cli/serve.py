"""`portal serve`: answer over HTTP, until a signal."""

from pathlib import Path

import click

from portal.cli.common import loaded_config, utc_now


@click.command()
@click.option("--verbose", is_flag=True, help="Log more.")
@click.pass_obj
def serve(home: Path, /, *, verbose: bool) -> None:
    """Answer over HTTP, until SIGTERM.

    It reads the ledger of the aggregator on this machine and never writes to it. It works while the
    aggregator is down, and each answer says how fresh it is; once the ledger is older than
    stale_max_s nothing can be changed.

    \b
    curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8770/v1/balance

    What customers settle is on disk here when it is answered, pushed at once, and counts once the
    aggregator has pulled it; keys open and close at once here. Refusals are
    application/problem+json.
    """
    from gitmeter.logs.setup import configure_logs
    from node_pusher.cli.interrupts import interrupts, serve_until
    from portal.desk.desk import open_desk
    from portal.serving.service import serving

    configure_logs(verbose=verbose)
    config = loaded_config()
    with (
        interrupts() as interrupted,
        open_desk(home, utc_now) as desk,
        serving(config, desk) as address,
    ):
        click.echo(f"{desk.home.node}: at {address}", err=True)
        serve_until(interrupted)
    click.echo(f"{desk.home.node}: stopped", err=True)
