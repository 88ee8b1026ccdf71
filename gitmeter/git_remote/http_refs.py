"""The commit of a ref, asked for over http without starting git, which takes ten times longer.

One request, the first of git's smart protocol (gitprotocol-http(5)), bounded in time and bytes as a
whole. libgit2 can send it too, but its time limit is for each read, so a server that sends a byte a
second outlasts it, and it keeps every ref of the server in memory.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from io import BufferedIOBase
from typing import Final, NamedTuple
from urllib.parse import urljoin

from gitmeter.git_remote.failures import (
    GitTimeoutError,
    RemoteConfigError,
    RemoteError,
    RepoGoneError,
    UnreachableError,
    failure,
    object_format_error,
)
from gitmeter.git_remote.remote import Remote, authorization
from gitmeter.git_remote.server_words import server_words
from gitmeter.http_edge.authorities import AuthoritiesError
from gitmeter.http_edge.client import (
    SUCCESS,
    ExchangeError,
    HttpClient,
    LateError,
    Request,
    Response,
    UntrustedError,
)

ANSWER_BYTES_MAX: Final = 32 * 1024 * 1024
"""Of one response: a ref takes about 60 bytes, and branches come before all others."""

_CONTENT_TYPE: Final = "application/x-git-upload-pack-advertisement"
_NOT_GIT_HINT: Final = "something other than git answers at this address"
_ASKED: Final = "/info/refs?service=git-upload-pack"
_SHORT_BYTES: Final = 4096
"""What is wanted comes first; a response of this size is read to its end all the same, so that its
connection can be used again."""

_LOCATION_MAX: Final = 1000
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_LENGTH: Final = re.compile(rb"[0-9a-fA-F]{4}")
_LENGTH_BYTES: Final = 4
_TYPE_SHOWN_MAX: Final = 100


class Advertised(NamedTuple):
    """What a server advertises about a ref.

    Attributes:
        commit: the commit that it points to; None when it does not exist.
        has_refs: whether the repo has any ref.
        others: names of other refs, as many as were asked for.
    """

    commit: str | None
    has_refs: bool
    others: tuple[str, ...] = ()


class NotGitError(Exception):
    """The response is not one of git's smart protocol, or is too long."""


def advertised(
    remote: Remote,
    ref: str,
    timeout_s: float,
    *,
    others_max: int = 0,
    client: HttpClient | None = None,
) -> Advertised:
    """Ask a remote over http or https for the commit of `ref`.

    Args:
        remote: the remote to ask.
        ref: full name of the ref.
        timeout_s: limit for the whole exchange.
        others_max: how many names of other refs are wanted; the response is read no further than
            that takes.
        client: sends the request, and keeps its connection where the response is short.

    Raises:
        RemoteError, or a more precise one: as `gitmeter.git_remote.branch.read_branch`.
    """
    url = remote.url
    request = Request("GET", f"{url.rstrip('/')}{_ASKED}", request_headers(remote))
    try:
        with own_or(client) as sender, sender.exchange(request, timeout_s) as response:
            if response.status not in SUCCESS:
                raise _of_status(remote, request.url, response)
            return _read(url, ref, response, others_max)
    except LateError as error:
        raise GitTimeoutError(f"{url}: {error}", hint=error.hint) from None
    except UntrustedError as error:
        raise failure(url, str(error)) from error
    except ExchangeError as error:
        hint = error.hint if error.is_http else _NOT_GIT_HINT
        raise UnreachableError(f"{url}: {error}", hint=hint) from error
    except NotGitError as error:
        raise UnreachableError(f"{url}: {error}", hint=_NOT_GIT_HINT) from error
    except AuthoritiesError as error:
        raise RemoteConfigError(str(error)) from error


def own_or(client: HttpClient | None) -> AbstractContextManager[HttpClient]:
    """A client to use within a context: that of the caller, or else one that ends with it."""
    return HttpClient() if client is None else nullcontext(client)


def request_headers(remote: Remote) -> dict[str, str]:
    """The headers of every request to a git server, its token included.

    Raises:
        RemoteConfigError: the token file cannot be used.
    """
    headers = {"User-Agent": "git/2 (gitmeter)", "Accept": "*/*"}
    proof = authorization(remote)
    return headers if proof is None else headers | {"Authorization": proof}


def _read(url: str, ref: str, response: Response, others_max: int) -> Advertised:
    content_type = response.headers.get("Content-Type", "text/plain").partition(";")[0].strip()
    if content_type.lower() != _CONTENT_TYPE:
        shown = f"status {response.status} and {content_type[:_TYPE_SHOWN_MAX]}"
        raise failure(url, f"{shown} in place of git's answer{_said(response)}")
    packets = packets_of(response.body, ANSWER_BYTES_MAX)
    if next(packets) != b"# service=git-upload-pack\n" or next(packets) != b"":
        raise NotGitError("the answer is not git's")
    wanted, has_refs = ref.encode(), False
    found: str | None = None
    others: list[str] = []
    read_bytes = 0
    for packet in packets:
        if not packet:
            return Advertised(found, has_refs, tuple(others))
        if packet.startswith(b"ERR "):
            raise failure(url, packet.removeprefix(b"ERR ").decode(errors="replace"))
        commit, _, rest = packet.rstrip(b"\n").partition(b" ")
        name, _, capabilities = rest.partition(b"\0")
        if b" object-format=sha256" in capabilities:  # newer servers say so of an empty repo too
            raise object_format_error(url)
        has_refs = has_refs or name.startswith(b"refs/")
        if name == wanted:
            found = commit.decode(errors="replace")
        elif name.startswith(b"refs/") and len(others) < others_max:
            others.append(name.decode(errors="replace"))
        read_bytes += len(packet)
        is_all = found is not None and len(others) == others_max
        if is_all and read_bytes > _SHORT_BYTES:
            return Advertised(found, has_refs, tuple(others))
    raise NotGitError("the answer is not git's")


def packets_of(body: BufferedIOBase, bytes_max: int) -> Iterator[bytes]:
    """The packets of a response; an empty one ends a section.

    Raises:
        NotGitError: the body is something else, ends early, or has more than `bytes_max`.
        ExchangeError: it cannot be read to its end.
    """
    left = bytes_max
    while True:
        head = _exactly(body, _LENGTH_BYTES)
        if _LENGTH.fullmatch(head) is None or 0 < (length := int(head, 16)) < _LENGTH_BYTES:
            raise NotGitError("the answer is not git's")
        if (left := left - max(length, _LENGTH_BYTES)) < 0:
            raise NotGitError(f"the answer has more than {bytes_max} bytes")
        yield _exactly(body, length - _LENGTH_BYTES) if length else b""


def _exactly(body: BufferedIOBase, count: int) -> bytes:
    data = body.read(count)
    if len(data) < count:
        raise NotGitError("unexpected EOF: the answer is not whole")
    return data


def _said(response: Response) -> str:
    """What the server says besides, as a line of its own, marked as git marks such lines."""
    words = server_words(response)
    return f"\nremote: {words}" if words else ""


def _of_status(remote: Remote, asked: str, response: Response) -> RemoteError:
    words = f"unexpected http status code: {response.status}"
    if response.status == HTTPStatus.UNAUTHORIZED:
        words = "authentication required"
        if remote.token_file is not None:
            words = "authentication failed: the token was not accepted"
    found = failure(remote.url, words + _said(response))
    moved_to = _moved_to(asked, response)
    if isinstance(found, RepoGoneError) and moved_to is not None:
        found = RepoGoneError(f"{found}; the server names {moved_to}", hint=found.hint)
        found.moved_to = moved_to
    wait = response.headers.get("Retry-After", "")
    if _SECONDS.fullmatch(wait):
        found.retry_after_s = int(wait)
    return found


def _moved_to(asked: str, response: Response) -> str | None:
    """The address of the repo that a redirect names; None if there is none, or none of a repo."""
    location = response.headers.get("Location", "")[:_LOCATION_MAX]
    try:
        address, found, _ = urljoin(asked, location).partition(_ASKED)
        return Remote(address).url if location and found else None
    except (ValueError, RemoteConfigError):
        return None
