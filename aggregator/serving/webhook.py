"""What a forge posts when somebody pushed, and whether it was the forge (pure).

Forgejo and Gitea sign the raw body with HMAC-SHA256 and send it as bare lower-case hexadecimal in
`X-Forgejo-Signature` and `X-Gitea-Signature`. No time is signed, so an old post can be sent again
by whoever saw it; it causes one look at a repo, which is what a hint may cost.
"""

import hashlib
import hmac
import re
from typing import Annotated, Final, NamedTuple

import msgspec

EVENT_HEADERS: Final = ("X-Forgejo-Event", "X-Gitea-Event")
SIGNATURE_HEADERS: Final = ("X-Forgejo-Signature", "X-Gitea-Signature")
PUSH: Final = "push"
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class Push(NamedTuple):
    """A push as the forge tells it.

    Attributes:
        repo_id: the forge's number of the repo.
        clone_url: its address over http(s), as the forge believes it is.
        ref: what was pushed to, such as `refs/heads/main`.
        after: the new commit, or zeros where the branch was deleted.
    """

    repo_id: int
    clone_url: str
    ref: str
    after: str


class BadPush(NamedTuple):
    """A body that is not a push, and why."""

    reason: str


_Text = Annotated[str, msgspec.Meta(max_length=4096)]


class _Repository(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    clone_url: _Text


class _Body(msgspec.Struct):
    repository: _Repository
    ref: _Text
    after: _Text


_DECODER: Final = msgspec.json.Decoder(_Body)


def check_signature(secret: bytes, body: bytes, header: str | None) -> bool:
    """Whether the body was signed with the secret.

    Args:
        secret: shared with the forge, not empty.
        body: the raw bytes as they came.
        header: the signature's header; None when there was none.

    Raises:
        ValueError: the secret is empty, with which anybody can sign.
    """
    if not secret:
        raise ValueError("an empty secret proves nothing")
    if header is None or _HEX.fullmatch(header) is None:
        return False
    return hmac.compare_digest(signature(secret, body), header)


def signature(secret: bytes, body: bytes) -> str:
    """What the forge sends for this body."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def read_push(body: bytes) -> Push | BadPush:
    """Read a body whose signature is good; keys that are not needed here are not looked at."""
    try:
        read = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return BadPush(str(error))
    return Push(read.repository.id, read.repository.clone_url, read.ref, read.after)
