"""Why a forge refuses is said in its own words, which git does not show."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gitmeter.git_remote.branch import read_branch
from gitmeter.git_remote.failures import (
    AccessDeniedError,
    RemoteError,
    RepoGoneError,
    UnreachableError,
)
from gitmeter.git_remote.remote import Remote
from tests.support.git_http import GitHttpServer
from tests.support.repos import RepoWriter

TIMEOUT_S = 30
PROHIBITED = """\
<!DOCTYPE html>
<html lang="en-US" data-theme="gitea-auto">
<head><meta charset="utf-8">
<title>Sign In Prohibited - Gitea: Git with a cup of tea</title>
<script>window.config = {appUrl: 'https://forge.example/'};</script></head>
<body><div class="full height"><nav id="navbar"><a href="/explore">Explore</a></nav>
<div role="main" aria-label="Sign In Prohibited" class="page-content user signin">
<h2 class="ui top attached header">Sign In Prohibited</h2>
<script>if (1 < 2) later("noise")</script>
<div>Your account is prohibited from signing in,&nbsp;please contact your site administrator.</div>
</div></div></body></html>
"""


class Case(NamedTuple):
    """An answer of a forge, the error that it means, and what is said."""

    status: int
    content_type: str
    body: str
    error: type[RemoteError]
    said: tuple[str, ...]


CASES = {
    "a user who was deactivated": Case(
        *(200, "text/html; charset=utf-8", PROHIBITED, AccessDeniedError),
        (
            "status 200 and text/html in place of git's answer",
            (
                "remote: Sign In Prohibited - Gitea: Git with a cup of tea; Sign In Prohibited Your"
                " account is prohibited from signing in, please contact your site administrator."
            ),
            "deactivated",
        ),
    ),
    "git over http switched off": Case(
        *(403, "", "Interacting with repositories by HTTP protocol is not allowed"),
        AccessDeniedError,
        ("403; remote: Interacting with repositories by HTTP protocol", "DISABLE_HTTP_GIT"),
    ),
    "a token without the scope": Case(
        *(403, "text/plain", "token does not have at least one of required scope(s)\n"),
        AccessDeniedError,
        ("403; remote: token does not have at least one of", "what it may do on this repo"),
    ),
    "a repo that is hidden": Case(
        *(404, "text/plain", "Repository not found\n"),
        RepoGoneError,
        ("404; remote: Repository not found",),
    ),
    "a server in front of the forge": Case(
        502,
        "text/html",
        "<html><HEAD><TITLE>502 Bad Gateway</TITLE></HEAD><BODY><h1>502 Bad Gateway</h1>"
        "<hr>nginx</BODY></html>",
        UnreachableError,
        ("502; remote: 502 Bad Gateway; 502 Bad Gateway nginx",),
    ),
    "something else": Case(
        *(200, "text/html", "<p>Welcome to the \x1b[31mcaptive\x00 portal \u202egpj"),
        UnreachableError,
        ("remote: Welcome to the [31mcaptive portal gpj", "something other than git"),
    ),
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path) as running:
        RepoWriter(tmp_path / "node.git").commit({"a": b"1"})
        yield running


def probe(server: GitHttpServer) -> RemoteError:
    """The error of a probe."""
    with pytest.raises(RemoteError) as raised:
        read_branch(Remote(server.url("node.git")), "main", TIMEOUT_S)
    return raised.value


def refuse(server: GitHttpServer, status: int, content_type: str, body: bytes) -> None:
    """Let the server answer everything like this."""
    server.headers = {"Content-Type": content_type} if content_type else {}
    server.body = body
    server.misbehave(str(status))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_servers_own_words_are_in_the_error(server: GitHttpServer, case: Case) -> None:
    refuse(server, case.status, case.content_type, case.body.encode())
    error = probe(server)
    assert type(error) is case.error
    for words in case.said:
        assert words in f"{error} {error.hint}"
    assert f"{error}".isprintable()


def test_a_body_that_says_no_more_than_the_status_is_left_out(server: GitHttpServer) -> None:
    refuse(server, 403, "text/plain", b"Forbidden\n")
    assert "remote:" not in str(probe(server))


def test_words_are_bounded_and_never_take_the_place_of_the_status(server: GitHttpServer) -> None:
    """However long the page, however often it begins a title, and whatever it calls itself."""
    refuse(server, 503, "text/html", b"<title " * 300_000 + b"<body>" + b"on " * 300_000)
    assert len(str(probe(server))) < 400
    refuse(server, 503, "text/plain", b"on " * 300_000)
    assert len(str(probe(server))) < 400
    refuse(server, 503, "text/plain", b"No space left on device: cannot lock ref\n")
    error = probe(server)
    assert type(error) is UnreachableError, "not a fault of this machine"
    server.headers = {"Content-Encoding": "gzip"}
    assert "remote:" not in str(probe(server))
    server.headers = {"Content-Length": "900", "Connection": "close"}
    assert "status code: 503" in str(probe(server)), "although the body ends early"
