"""`till refund`: give money back."""

from pathlib import Path

import click

from gitmeter.support.terminal import print_json
from node_pusher.cli.home import json_option
from till.cli.common import opened_intake, push_written, the_account

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("payment", metavar="PAYMENT")
@click.argument("amount", metavar="[AMOUNT]", required=False)
@click.option("--reason", required=True, help="Why; kept with the refund at the provider.")
@click.option("--account", help="Whose payment it is; required where there are several accounts.")
@click.option("--account-key-file", type=_FILE, help="File with the key that may give money back."
              " Default: refund_key_file of the account.")  # fmt: skip
@click.option("--another", "number", type=click.IntRange(min=2), is_flag=False, flag_value=2,
              default=None, metavar="[N]", help="A second refund of the same"
              " amount of the same payment; with a number the third, and so on.")  # fmt: skip
@click.option("--below-zero", "is_beyond", is_flag=True, help="Ask the provider for more than is"
              " left of the payment.")  # fmt: skip
@json_option
@click.pass_obj
def refund(  # noqa: PLR0913 - the options of the command
    home: Path,
    /,
    *,
    payment: str,
    amount: str | None,
    reason: str,
    account: str | None,
    account_key_file: Path | None,
    number: int | None,
    is_beyond: bool,
    as_json: bool,
) -> None:
    """Give AMOUNT of PAYMENT back at the provider, or all of it.

    PAYMENT is the provider's name of it (pi_...), AMOUNT is in its currency. Without AMOUNT
    everything that is left goes back: what was paid, less what was refunded, disputed or asked for
    here before.

    The request is on disk before the provider hears of it, and has a name that the provider keeps.
    So the same command, run again after whatever happened, gives nothing back twice: it finds what
    is there. For a second refund of the same amount use --another.

    \b
    till refund pi_3Q8c1f 5.00 --reason "double order" --account-key-file /etc/gitmeter/refund_key

    Exits with 75 if the provider did not answer: nobody knows then whether it has the refund, and
    the same command finds out.
    """
    from till.refunds.refund import Wish
    from till.refunds.refund import refund as give_back

    wish = Wish(payment, amount, reason, number or 1, is_beyond)
    with opened_intake(home) as till:
        done = give_back(till, the_account(till, account), wish, account_key_file)
        if as_json:
            print_json(done._asdict())
        else:
            was = "" if done.is_new else ", which was there already"
            click.echo(
                f"{done.account}: {done.amount} {done.currency} of {done.payment} went back as"
                f" {done.refund}{was}"
            )
        if not done.is_recorded:
            click.echo("warning: its line is not written yet; `till sweep` writes it", err=True)
        push_written(till)
