"""`init` and `config`: write a configuration, and check it."""

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from aggregator.cli.context import Context, json_option
from aggregator.config.document import ConfigError
from gitmeter.support.errors import ExitCode, GitmeterError
from gitmeter.support.terminal import counted, print_json

if TYPE_CHECKING:
    from aggregator.config.settings import Config

_SIGNERS = """\
# Who may sign commits of which repo, one key a line:
#   node-pusher show-key >> allowed_signers
#   books show-key >> allowed_signers
# To close a key: <node> namespaces="git",valid-before="20270101Z" ssh-ed25519 ...
"""


@click.command()
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@json_option
@click.pass_obj
def init(context: Context, *, force: bool, as_json: bool) -> None:
    """Write a commented configuration to start from, at --config FILE.

    A state directory given with `aggregator --state` is written into it. A file for the keys that
    may sign commits is created beside it, if there is none.
    """
    from aggregator.config.example import example, signers_beside
    from gitmeter.git_remote.runner import check_git_version

    check_git_version()
    path = context.config_path
    if path.exists() and not force:
        raise GitmeterError(f"{path} exists already", hint="edit it, or use --force")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example(path, context.stated))
        signers = signers_beside(path)
        if not signers.exists():
            signers.write_text(_SIGNERS)
    except OSError as error:
        raise GitmeterError(
            f"{path} cannot be written: {error.strerror}", hint="choose another --config FILE"
        ) from error
    if as_json:
        print_json({"config": str(path), "allowed_signers": str(signers)})
        return
    pull = shlex.join(("aggregator", "--config", str(path), "pull"))
    click.echo(f"wrote {path}; keys that may sign go into {signers}")
    click.echo(f"next: add your repos and their keys, then `{pull}`")


@click.group()
def config() -> None:
    """Check the configuration."""


@config.command()
@json_option
@click.pass_obj
def check(context: Context, *, as_json: bool) -> int:
    """Check the configuration and show what is in effect; every fault is listed with its key.

    A known_hosts file that it names must have a key of the server, as far as its address is known
    here. Exits with 1 if it cannot be used.
    """
    try:
        found = context.config()
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"usable": False, "faults": error.faults})
        return ExitCode.FAILED
    from aggregator.fleet.known_hosts import known_hosts_faults

    faults = [*(fault for _, fault in found.registration_faults), *known_hosts_faults(found)]
    if as_json:
        print_json({"usable": not faults, "faults": faults, **found.model_dump(mode="json")})
        return ExitCode.FAILED if faults else ExitCode.OK
    verdict = counted(len(faults), "fault") if faults else "good"
    click.echo(f"{context.config_path}: {verdict}")
    click.echo(f"state: {found.state}")
    for line in (*_repo_lines(found), *_service_lines(found)):
        click.echo(line)
    for fault in faults:
        click.echo(f"fault: {fault}", err=True)
    return ExitCode.FAILED if faults else ExitCode.OK


def _repo_lines(found: "Config") -> Iterator[str]:
    from aggregator.fleet.known_hosts import is_kept_for_service
    from aggregator.pulling.signatures import Signers

    signers = Signers(found)
    for repo in found.repo:
        yield f"repo: {repo.name} ({repo.role} of {repo.node}) {repo.url} {repo.branch}"
        if repo.allow:
            yield f"  may bill {', '.join(repo.allow)}"
        if (file := repo.known_hosts_file) is not None and is_kept_for_service(file):
            yield f"  warning: {file} can only be read by the service; its keys were not looked at"
        if repo.allow_unsigned:
            yield "  warning: the signatures of its commits are not checked"
        elif (keys := signers.keys_of(repo)) == 0:
            yield (
                f"  warning: no line of {found.allowed_signers_file} is about {repo.node}, so"
                " nothing of it will be billed; `show-key` on the node prints the line"
            )
        else:
            yield f"  signed by one of {counted(keys, 'key')}"
    if not found.repo:
        yield "no repos yet: add a [[repo]] table for each, or `aggregator node add`"


def _service_lines(found: "Config") -> Iterator[str]:
    if found.copy_remote is not None:
        yield f"copy: {found.copy_remote.url}"
    if found.forge is not None:
        yield f"forge: {found.forge.url}/{found.forge.org}, repos {found.forge.pattern}"
        yield f"registrations: {found.nodes_dir}"
    if found.listen is not None:
        yield f"listens on {found.listen.address}"
    if found.notify is not None:
        yield f"notifies {found.notify.url}; balances below {found.notify.balance_below_usd} USD"
