"""What a forge posts after a push (pure).

Forgejo and Gitea sign the raw body as `gitmeter.http_edge.signature` has it, and send that in
`X-Forgejo-Signature` and `X-Gitea-Signature`. No time is signed, so anyone who has seen a post
can replay it; that causes one probe of a repo, which a hint may cost.
"""

from typing import Annotated, Final, NamedTuple

import msgspec

EVENT_HEADERS: Final = ("X-Forgejo-Event", "X-Gitea-Event")
SIGNATURE_HEADERS: Final = ("X-Forgejo-Signature", "X-Gitea-Signature")
PUSH: Final = "push"


class Push(NamedTuple):
    """A push as the forge reports it.

    Attributes:
        repo_id: the forge's number of the repo.
        clone_url: the http(s) address of the repo by the forge's own configuration.
        full_name: `organisation/name` of the repo; empty if the forge does not state it.
        ref: the ref that was pushed, such as `refs/heads/main`.
        after: the new commit, or zeros where the branch was deleted.
    """

    repo_id: int
    clone_url: str
    full_name: str
    ref: str
    after: str


class BadPush(NamedTuple):
    """A body that is not a push, and the reason."""

    reason: str


_Text = Annotated[str, msgspec.Meta(max_length=4096)]


class _Repository(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    clone_url: _Text
    full_name: _Text = ""


class _Body(msgspec.Struct):
    repository: _Repository
    ref: _Text
    after: _Text


_DECODER: Final = msgspec.json.Decoder(_Body)


def read_push(body: bytes) -> Push | BadPush:
    """Parse a body with a valid signature; keys that are not needed are ignored."""
    try:
        read = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return BadPush(str(error))
    repo = read.repository
    return Push(repo.id, repo.clone_url, repo.full_name, read.ref, read.after)
