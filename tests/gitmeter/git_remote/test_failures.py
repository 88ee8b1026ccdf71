"""Sentences of git, ssh and libgit2, as they were heard, and what they mean."""

import pytest

from gitmeter.git_remote.failures import (
    AccessDeniedError,
    ContentRefusedError,
    ObjectFormatError,
    OwnTroubleError,
    RemoteError,
    RepoGoneError,
    TooLargeError,
    UnreachableError,
    failure,
)
from gitmeter.support.errors import ExitCode

URL = "https://forge.example/ops/corrupt-timeout-forbidden.git"
"""An address whose own words must not be taken for the failure's."""

HEARD = [
    # the git program over http
    ((f"fatal: unable to access '{URL}/': Failed to connect to forge.example port 443 after 0 ms:"
     " Couldn't connect to server"), UnreachableError),
    (f"fatal: unable to access '{URL}/': Could not resolve host: forge.example", UnreachableError),
    (f"fatal: unable to access '{URL}/': The requested URL returned error: 503", UnreachableError),
    (f"fatal: unable to access '{URL}/': The requested URL returned error: 429", UnreachableError),
    (f"fatal: unable to access '{URL}/': Empty reply from server", UnreachableError),
    ((f"fatal: unable to access '{URL}/': Operation too slow. Less than 500 bytes/sec transferred"
     " the last 60 seconds"), UnreachableError),
    (("error: RPC failed; curl 18 transfer closed with outstanding read data remaining\n"
     "fatal: early EOF\nfatal: fetch-pack: invalid index-pack output"), UnreachableError),
    (f"fatal: unable to access '{URL}/': The requested URL returned error: 403", AccessDeniedError),
    ("fatal: could not read Username for 'https://forge.example': terminal prompts disabled",
     AccessDeniedError),
    (f"fatal: Authentication failed for '{URL}/'", AccessDeniedError),
    (f"fatal: unable to access '{URL}/': SSL certificate problem: self-signed certificate",
     AccessDeniedError),
    ((f"fatal: unable to access '{URL}/': SSL: certificate subject name () does not match target"
     " host name 'forge.example'"), AccessDeniedError),
    ((f"fatal: unable to access '{URL}/': SSL: no alternative certificate subject name matches"
     " target host name 'forge.example'"), AccessDeniedError),
    (f"fatal: {URL}/info/refs not valid: is this a git repository?", UnreachableError),
    ("fatal: protocol error: bad line length character: <htm", UnreachableError),
    (f"fatal: repository '{URL}/' not found", RepoGoneError),
    (f"fatal: unable to access '{URL}/': The requested URL returned error: 410", RepoGoneError),
    (f"fatal: unable to access '{URL}/': The requested URL returned error: 302", RepoGoneError),
    # ssh
    (("ssh: connect to host forge.example port 22: Connection refused\nfatal: Could not read from"
     " remote repository.\n\nPlease make sure you have the correct access rights\nand the"
     " repository exists."), UnreachableError),
    ("ssh: Could not resolve hostname forge.example: Name or service not known", UnreachableError),
    ("ssh: connect to host forge.example port 22: Connection timed out", UnreachableError),
    ("Host key verification failed.\nfatal: Could not read from remote repository.",
     AccessDeniedError),
    (("git@forge.example: Permission denied (publickey).\nfatal: Could not read from remote"
     " repository."), AccessDeniedError),
    (("fatal: '/srv/git/x.git' does not appear to be a git repository\nfatal: Could not read from"
     " remote repository."), RepoGoneError),
    ("Forgejo: Unknown repository: repository does not exist\n", RepoGoneError),
    # libgit2
    ("failed to connect to forge.example: Connection refused", UnreachableError),
    ("failed to resolve address for forge.example: Name or service not known", UnreachableError),
    ("could not read from socket: timed out", UnreachableError),
    ("unexpected EOF", UnreachableError),
    ("unexpected http status code: 500", UnreachableError),
    ("invalid content-type: 'text/html'", UnreachableError),
    (("remote: Interacting with repositories by HTTP protocol is not allowed\nfatal: unable to"
      f" access '{URL}/': The requested URL returned error: 403"), AccessDeniedError),
    ("unexpected http status code: 403", AccessDeniedError),
    ("remote authentication required but no callback set", AccessDeniedError),
    ("repository path '/srv/git/x.git' is not owned by current user", AccessDeniedError),
    ("unexpected http status code: 404", RepoGoneError),
    (("error: RPC failed; HTTP 404 curl 22 The requested URL returned error: 404\nsend-pack:"
      " unexpected disconnect while reading sideband packet\nfatal: the remote end hung up"
      " unexpectedly"), RepoGoneError),
    ("failed to resolve path '/srv/git/x.git': No such file or directory", RepoGoneError),
    ("could not find repository at '/srv/git/x.git'", RepoGoneError),
    ("failed to resolve path '/srv/git/x.git': Permission denied", AccessDeniedError),
    # a push
    (("error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413\nsend-pack:"
      " unexpected disconnect while reading sideband packet\nfatal: the remote end hung up"
      " unexpectedly"), TooLargeError),
    (("remote: fatal: pack exceeds maximum allowed size\nerror: remote unpack failed:"
      " unpack-objects abnormal exit"), TooLargeError),
    (("fatal: the receiving end does not support this repository's hash algorithm\nfatal: the"
      " remote end hung up unexpectedly"), ObjectFormatError),
    ("fatal: mismatched algorithms: client sha1; server sha256", ObjectFormatError),
    ("fatal: Server does not support this repository's object format", ObjectFormatError),
    ("unknown object format 'sha256'", ObjectFormatError),
    ("unknown remote object format 'sha256'", ObjectFormatError),
    # what was fetched
    (("error: object 5c6: zeroPaddedDate: invalid author\nfatal: fsck error in packed"
     " object\nfatal: fetch-pack: invalid index-pack output"), ContentRefusedError),
    ("fatal: Out of memory, malloc failed (tried to allocate 300000001 bytes)",
     ContentRefusedError),
    # this machine
    (("error: cannot lock ref 'refs/heads/main': Unable to create '/m.git/refs/heads/main.lock':"
      " File exists."), OwnTroubleError),
    ("fatal: cannot create a pack: No space left on device", OwnTroubleError),
    ("error: cannot create pipe for upload-pack: Too many open files", OwnTroubleError),
    # and what the server says of itself
    ("remote: fatal: write error: No space left on device\nfatal: early EOF", UnreachableError),
    (" ! [remote rejected] main -> main (cannot lock ref 'refs/heads/main')", RemoteError),
    ("fatal: a sentence of the future", RemoteError),
    ("", RemoteError),
]  # fmt: skip


@pytest.mark.parametrize(("words", "kind"), HEARD)
def test_what_was_heard_means(words: str, kind: type[RemoteError]) -> None:
    error = failure(URL, words)
    assert type(error) is kind
    assert str(error).startswith(f"{URL}: ")


def test_the_name_of_a_repo_is_not_taken_for_a_failure() -> None:
    words = "fatal: '/srv/timeout/forbidden.git' does not appear to be a git repository"
    assert type(failure("file:///srv/timeout/forbidden.git", words)) is RepoGoneError


def test_only_what_may_clear_itself_is_worth_another_try() -> None:
    assert UnreachableError("x").exit_code is ExitCode.TRY_LATER
    assert RemoteError("x").exit_code is ExitCode.TRY_LATER
    for kind in (RepoGoneError, AccessDeniedError, ContentRefusedError):
        assert kind("x").exit_code is ExitCode.FAILED


def test_advice_of_git_is_left_out() -> None:
    words = "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct"
    assert str(failure("u", words)) == "u: Could not read from remote repository."
