"""The commits that a branch has gained, asked for over http without starting `git fetch`.

One request of the oldest version of git's protocol, which every server speaks
(gitprotocol-pack(5)): the commit that is wanted, one that is here already, `done`. Anything but a
small pack in answer is left to git's own fetch, which negotiates, has patience, and finds words for
what is wrong.
"""

from collections.abc import Iterator
from io import BufferedIOBase
from typing import Final

from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.http_refs import NotGitError, own_or, packets_of, request_headers
from gitmeter.git_remote.remote import Remote
from gitmeter.http_edge.authorities import AuthoritiesError
from gitmeter.http_edge.client import SUCCESS, ExchangeError, HttpClient, Request

PACK_BYTES_MAX: Final = 1024 * 1024
"""A push of a node has a few kilobytes; what is larger is better streamed to disk, by git."""

_SERVICE: Final = "git-upload-pack"
_WANTED: Final = "thin-pack side-band-64k ofs-delta no-progress agent=gitmeter"
_DATA: Final = b"\x01"
_WORDS: Final = b"\x02"


def pack_of(
    remote: Remote, *, tip: str, known: str, timeout_s: float, client: HttpClient | None = None
) -> bytes | None:
    """Ask a remote over http or https for what a commit reaches and another one does not.

    Args:
        remote: the remote to ask; its repo has `tip`.
        tip: the commit that is wanted, 40 hex digits.
        known: the commit that is here with all that it reaches.
        timeout_s: limit for the whole exchange.
        client: sends the request.

    Returns:
        A pack, perhaps with deltas of objects that `known` reaches, as the server made it: nothing
        of it is checked. None if there was any other answer, or none: for example when the server
        does not know `known`, or would send more than `PACK_BYTES_MAX`.

    Raises:
        RemoteConfigError: the token file or the file of authorities cannot be used.
    """
    headers = request_headers(remote) | {
        "Content-Type": f"application/x-{_SERVICE}-request",
        "Accept": f"application/x-{_SERVICE}-result",
    }
    body = _packet(f"want {tip} {_WANTED}\n") + b"0000" + _packet(f"have {known}\n")
    url = f"{remote.url.rstrip('/')}/{_SERVICE}"
    request = Request("POST", url, headers, body + _packet("done\n"))
    try:
        with own_or(client) as sender, sender.exchange(request, timeout_s) as response:
            if response.status in SUCCESS:
                return b"".join(_pack(response.body, known))
    except AuthoritiesError as error:
        raise RemoteConfigError(str(error)) from error
    except (ExchangeError, NotGitError):
        pass
    return None


def _packet(line: str) -> bytes:
    return b"%04x%b" % (len(line) + 4, line.encode())


def _pack(body: BufferedIOBase, known: str) -> Iterator[bytes]:
    """The parts of the pack in an answer.

    Raises:
        NotGitError: the server does not know `known`, or sends anything else.
        ExchangeError: the answer cannot be read to its end.
    """
    packets = packets_of(body, PACK_BYTES_MAX)
    if next(packets) != b"ACK %b\n" % known.encode():
        raise NotGitError("no commit in common")
    for packet in packets:
        if not packet:
            return
        if packet.startswith(_DATA):
            yield packet[1:]
        elif not packet.startswith(_WORDS):
            raise NotGitError("the server gave up")
