"""The configuration that `aggregator init` writes to start from."""

from pathlib import Path
from typing import Final

import tomlkit


def example(path: Path, state: Path | None = None) -> str:
    """A commented configuration to start from.

    Args:
        path: where it will lie; the allowed signers are expected beside it.
        state: the state directory it names; the default one when None.
    """
    text = _EXAMPLE
    if state is not None:
        text = text.replace(_STATE_LINE, f"state = {_quoted(state.absolute())}", 1)
    signers = f"allowed_signers_file = {_quoted(signers_beside(path))}"
    return text.replace(_SIGNERS_LINE, signers, 1)


def signers_beside(path: Path) -> Path:
    """Where `init` puts the allowed signers of a configuration."""
    return path.absolute().with_name("allowed_signers")


def _quoted(path: Path) -> str:
    return str(tomlkit.item(str(path)).as_string())


_SIGNERS_LINE: Final = 'allowed_signers_file = "/etc/gitmeter/allowed_signers"'
_STATE_LINE: Final = 'state = "/var/lib/gitmeter"'
_EXAMPLE: Final = f"""\
# gitmeter aggregator. Every key is optional except the repos; commented ones show their default.

# Database and mirrors. Under systemd $STATE_DIRECTORY is used when this is absent.
{_STATE_LINE}

# The daemon pulls this often, plus a random part of the jitter.
# pull_every_s = 300
# pull_jitter_s = 60

# The keys that may sign for each node, in OpenSSH's allowed_signers format, one line a key:
# `node-pusher show-key >> allowed_signers`, and `books show-key` for the books.
{_SIGNERS_LINE}

# Limits for one repo.
# turn_s = 30
# fetch_workers = 8
# fetch_timeout_s = 600
# connect_timeout_s = 15
# fetch_memory_bytes_max = 1073741824
# fetch_file_bytes_max = 4294967296

# How far a record may lie ahead of its commit, and a commit ahead of our clock.
# skew_s = 300

# A node that pushed nothing for so long is an incident; 0 for never.
# silent_after_s = 86400

# A charge with a higher list cost is shown as an overflow and costs nothing.
# charge_cost_max_usd = 1000000

# A repo of your own that keeps a copy of every commit that was billed; push access needed.
# [copy]
# url = "https://elsewhere.example/hero_ops/billing-copies.git"
# token_file = "/etc/gitmeter/copy_token"

# The forge whose organisation has a repo for each node. `aggregator node add` makes and registers
# them (in nodes.d, beside this file), and the daemon reads what its list says has changed. The
# token's user must own the organisation; scopes write:organization and write:repository.
# [forge]
# kind = "forgejo"
# url = "https://forge.example"
# org = "hero_ops"
# token_file = "/etc/gitmeter/token"
# pattern = "billing-{{node}}"
# known_hosts_file = "/etc/gitmeter/known_hosts"
# webhook_url = "https://meter.example/webhook"

# The daemon's own small web server: POST /webhook, GET /metrics, GET /healthz.
# [listen]
# address = "127.0.0.1:8750"
# webhook_secret_file = "/etc/gitmeter/webhook_secret"

# Who is told of incidents and of balances that run low; see docs/notifications.md.
# [notify]
# url = "https://hooks.example/gitmeter"
# secret_file = "/etc/gitmeter/notify_secret"
# balance_below_usd = "5.00"

# One table for each repo that is not a registered node's: the books, at least. token_file (https),
# ssh_key_file and known_hosts_file (ssh) name files; secrets never stand here. Give `name` when a
# node has more than one repo. `allow` limits what it may bill. allow_unsigned = true takes commits
# that no allowed key has signed, with a warning each time.
#
# [[repo]]
# node = "embedder-01"
# url = "https://forge.example/hero_ops/billing-embedder-01.git"
# token_file = "/etc/gitmeter/token"
# allow = ["llm/*"]
#
# [[repo]]
# node = "books"
# url = "https://forge.example/hero_ops/billing-books.git"
# token_file = "/etc/gitmeter/token"
# role = "books"
"""
