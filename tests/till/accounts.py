"""Accounts of test mode as `till.toml` states them; nobody reads the files that they name."""

from typing import Any, Final

STRIPE: Final[dict[str, Any]] = {
    "name": "stripe-test",
    "kind": "stripe",
    "account": "acct_1",
    "key_file": "/k",
    "secret_files": ["/s"],
    "tag_key_file": "/t",
}
CLICKPESA: Final[dict[str, Any]] = {
    "name": "clickpesa-test",
    "kind": "clickpesa",
    "account": "client",
    "key_file": "/k",
    "secret_files": ["/s"],
    "currencies": ["TZS"],
}
