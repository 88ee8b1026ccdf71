"""Errors of remotes, and how the messages of git and libgit2 map to them.

Neither git nor libgit2 has a code for "no such repo" or "access denied", only a sentence. All
sentences that matter here are in one table, which is tested against real servers. The order of the
rules matters: the first match wins.
"""

import re
from typing import Final, NamedTuple

from gitmeter.git_remote.host_keys import host_key_trouble
from gitmeter.support.errors import GitmeterError


class RemoteError(GitmeterError):
    """A remote could not be used, for a reason that is not known more precisely.

    Attributes:
        retry_after_s: how long the remote asks to wait, in seconds; None when it does not say.
    """

    retry = True
    retry_after_s: int | None = None


class UnreachableError(RemoteError):
    """The remote did not respond, or says that it is out of order; it may be back later."""


class GitTimeoutError(UnreachableError):
    """The time limit was exceeded; a git program was killed with all its children."""


class RepoGoneError(RemoteError):
    """There is no repo at the remote's address, or not any more.

    Attributes:
        moved_to: the address that the server names in its place; None when it names none.
    """

    retry = False
    moved_to: str | None = None


class AccessDeniedError(RemoteError):
    """The remote refuses the token or key, or its own identity is not the known one."""

    retry = False


class ContentRefusedError(RemoteError):
    """What the remote sent was refused: damaged, or beyond the limits of memory or file size."""

    retry = False


class TooLargeError(RemoteError):
    """A push has more bytes than the server, or a web server in front of it, takes at once."""

    retry = False


class ObjectFormatError(RemoteError):
    """The repo was made with the object format sha256, which libgit2 does not read."""

    retry = False


class OwnTroubleError(RemoteError):
    """Not the remote but this machine failed: out of descriptors or room, or a lock in the way."""


class RemoteConfigError(GitmeterError):
    """The address, token file or key of a remote cannot be used as configured."""


class GitMissingError(GitmeterError):
    """The git program is not installed."""


_DENIED_HINT: Final = "check the token or key and what it may do on this repo"

_GONE_HINT: Final = (
    "check the address: the repo was renamed, moved or deleted, or not made yet, or is hidden from"
    " this token or key"
)


_TOO_LARGE_HINT: Final = (
    "raise the limit of the web server in front of the forge (nginx: client_max_body_size) or of"
    " the repo (receive.maxInputSize)"
)

_OBJECT_FORMAT_HINT: Final = (
    "make a new repo with the object format sha1, which is git's default, and name that one"
)

_OF_OURS: Final = "(?m:^)(?!remote:| ?!).*"
"""A line that our git wrote: what the server says of itself begins with `remote:`, and the result
for a ref that it refused with `!`."""


class _FailureRule(NamedTuple):
    error: type[RemoteError]
    hint: str
    sentences: tuple[str, ...]
    """Regular expressions over lower-case text; one match is enough."""


_RULES: Final = (
    _FailureRule(
        OwnTroubleError,
        "this is about this machine, not about the remote",
        (
            _OF_OURS + "(too many open files|no space left on device|disk quota exceeded)",
            _OF_OURS + "(cannot fork|unable to (fork|create thread))",
            _OF_OURS + r"(unable to create '.*\.lock'|cannot lock ref)",
        ),
    ),
    _FailureRule(
        AccessDeniedError,
        "take the repo out of the archive on the forge, or go on in the node's next one:"
        " node-pusher rollover",
        (r"repo(: \S*)? ?is archived",),
    ),
    _FailureRule(
        AccessDeniedError,
        "git over http is switched off on the forge: switch it on (DISABLE_HTTP_GIT = false in its"
        " configuration), or use the address of the repo for ssh",
        ("by http protocol is not allowed",),
    ),
    _FailureRule(
        AccessDeniedError,
        "the account of the token's user is deactivated, or that user has something to do first:"
        " sign in to the forge as that user, or ask the forge's administrator",
        (
            "prohibited from signing in|sign in prohibited|not allowed to sign in",
            "account is (disabled|not activated)|must change your password",
        ),
    ),
    _FailureRule(
        ObjectFormatError,
        _OBJECT_FORMAT_HINT,
        (
            "does not support this repository's (hash algorithm|object format)",
            "mismatched algorithms|unknown (remote )?object format",
        ),
    ),
    _FailureRule(
        TooLargeError,
        _TOO_LARGE_HINT,
        (
            r"(returned error|http status code): 413\b|rpc failed; http 413",
            "pack exceeds maximum allowed size",
        ),
    ),
    _FailureRule(
        AccessDeniedError,
        "the server's TLS certificate is not one that this machine trusts",
        ("ssl certificate|server certificate|certificate verif", "ssl: .* target host name"),
    ),
    _FailureRule(
        AccessDeniedError,
        "run as the user who owns that repo",
        ("not owned by current user", "dubious ownership"),
    ),
    _FailureRule(
        AccessDeniedError,
        _DENIED_HINT,
        (
            r"(returned error|http status code): 40[13]\b",
            "authentication (failed|required)",
            "could not read (username|password)",
            r"permission denied \((publickey|password|keyboard)",
            "too many authentication failures",
            r"no such identity|load key \S+ ",
        ),
    ),
    _FailureRule(
        RepoGoneError,
        "the repo, its organisation or the forge has moved: state the new address",
        (r"(returned error|http status code): 3[0-9][0-9]\b",),
    ),
    _FailureRule(
        RepoGoneError,
        _GONE_HINT,
        (r"(returned error|http status code): (404|410)\b",),
    ),
    _FailureRule(
        UnreachableError,
        "",
        (
            "connection (refused|reset|timed out|closed)",
            "(could not|couldn't|failed to) (connect|resolve (host|address))",
            "name or service not known|temporary failure in name resolution",
            "network is unreachable|no route to host",
            "timed out|operation too slow|timeout",
            "empty reply|unexpected eof|early eof|unexpected disconnect|hung up unexpectedly",
            "(recv|send) failure|could not read from socket|rpc failed; curl",
            r"(returned error|http status code): (408|429|5[0-9][0-9])\b|rpc failed; http 5",
        ),
    ),
    _FailureRule(
        UnreachableError,
        "something other than git answers at this address",
        (
            "invalid content-type|in place of git's answer",
            r"info/refs not valid: is this a git repository",
            "bad line length character",
        ),
    ),
    _FailureRule(
        RepoGoneError,
        _GONE_HINT,
        (
            r"repository '.*' not found|repository not found|(could not|cannot) find repository",
            "does not appear to be a git repository",
            r"failed to resolve path .*no such file",
            "(repository|project) .*(does not exist|not be found)",
        ),
    ),
    _FailureRule(
        AccessDeniedError,
        _DENIED_HINT,
        ("permission denied|access denied|not authorized|forbidden",),
    ),
    _FailureRule(
        ContentRefusedError,
        "look at the repo with `git fsck`; nothing of it was taken over",
        (
            "fsck error|index-pack (failed|died)|invalid index-pack output",
            "unpack-objects (failed|died)|unpack failed",
            "out of memory|malloc failed|mmap failed|file too large",
            "did not send all necessary objects|remote did not send|bad object|corrupt",
        ),
    ),
)
_COMPILED: Final = tuple((re.compile("|".join(rule.sentences)), rule) for rule in _RULES)
_TEXT_SHOWN_MAX: Final = 600


def failure(url: str, words: str) -> RemoteError:
    """The typed error for a message of git, ssh or libgit2 about the remote at `url`."""
    path = url.rpartition("://")[2].partition("/")[2] or url
    text = words.replace(url, "").replace(path, "").lower()  # its name may be anything
    message = f"{url}: {_essence(words)}"
    if (trouble := host_key_trouble(url, words)) is not None:
        return AccessDeniedError(f"{url}: {trouble.says}", hint=trouble.hint)
    for pattern, rule in _COMPILED:
        if pattern.search(text):
            return rule.error(message, hint=rule.hint)
    return RemoteError(message)


def object_format_error(url: str) -> ObjectFormatError:
    """The error for a remote whose commits are not named by 40 digits."""
    return ObjectFormatError(f"{url}: its object format is not sha1", hint=_OBJECT_FORMAT_HINT)


def _essence(words: str) -> str:
    """The sentences that carry information, on one line."""
    advice = ("please make sure you have", "and the repository exists", "hint:")
    kept = [
        line.removeprefix("fatal: ").removeprefix("error: ")
        for line in (line.strip("@ \t\r") for line in words.splitlines())
        if line and not line.lower().startswith(advice)
    ]
    return "; ".join(dict.fromkeys(kept))[:_TEXT_SHOWN_MAX] or "git said nothing"


class PushRefusedError(UnreachableError):
    """The remote responds but refused the push; the commits wait here."""
