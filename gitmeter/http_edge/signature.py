"""A body signed with a secret that both sides have: HMAC-SHA256 as lower-case hexadecimal digits.

So Forgejo and Gitea sign their webhooks, and so our programs sign what they post.
"""

import hashlib
import hmac
import re
from typing import Final

SIGNATURE_HEADER: Final = "X-Gitmeter-Signature"
"""Where our programs send it."""

_HEX: Final = re.compile(r"[0-9a-f]{64}")


def check_signature(secret: bytes, body: bytes, header: str | None) -> bool:
    """Whether a body was signed with the secret.

    Args:
        secret: shared with the sender, not empty.
        body: the raw bytes as received.
        header: the signature's header; None without one.

    Raises:
        ValueError: the secret is empty, and anyone could sign with it.
    """
    if not secret:
        raise ValueError("an empty secret proves nothing")
    if header is None or _HEX.fullmatch(header) is None:
        return False
    return hmac.compare_digest(signature(secret, body), header)


def signature(secret: bytes, body: bytes) -> str:
    """The signature of a body."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()
