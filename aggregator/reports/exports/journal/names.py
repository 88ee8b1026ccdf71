"""Names of our own as hledger reads them. Pure.

What hledger would read as something else is written as in an address of the web: `%` and two
hexadecimal digits. It splits an account's name at each `:`, takes what follows `;` for a comment,
splits a description at `|` and ends a code at `)`. Ordinary names stay as they are, different ones
stay different, and whatever decodes addresses gives them back.
"""

import re
from typing import Final

_NOT_IN_ACCOUNTS: Final = re.compile(r"[^!-~]|[%:;]")
_NOT_IN_TEXTS: Final = re.compile(r"[^!-~]|[%;|()]")


def account_part(name: str) -> str:
    """A name as one part of the name of an account."""
    return _NOT_IN_ACCOUNTS.sub(_encoded, name)


def text_part(name: str) -> str:
    """A name as a code, or as a word of a description."""
    return _NOT_IN_TEXTS.sub(_encoded, name)


def _encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())
