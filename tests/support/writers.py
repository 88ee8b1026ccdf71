"""`writers.toml` as text: accounts of live mode, and a till and a desk since the start of 2026.

The desk may adjust balances as `goodwill`.
"""

import json
from typing import Final


def account_text(name: str, account: str, kind: str = "stripe") -> str:
    """An account at a provider."""
    return f"""\
[[provider]]
name = "{name}"
kind = "{kind}"
account = "{account}"
mode = "live"

"""


def till_text(*providers: str, payment_max_usd: str, unconfirmed_max_usd: str) -> str:
    """The till `till-1`, with its limits."""
    return f"""\
[[till]]
node = "till-1"
from = 2026-01-01T00:00:00Z
providers = {json.dumps(providers)}
payment_max_usd = "{payment_max_usd}"
unconfirmed_max_usd = "{unconfirmed_max_usd}"

"""


DESK_TEXT: Final = """\
[[desk]]
node = "desk-1"
from = 2026-01-01T00:00:00Z

[[adjust]]
name = "goodwill"
from = 2026-01-01T00:00:00Z
role = "support"
per_line_usd = "5.00"
per_account_month_usd = "50.00"
budget_usd = "500.00"
"""
