"""Telling an aggregator that there is something new, in the words of a forge.

An aggregator takes the webhooks of its forge, signed with a secret that they share, as hints: it
looks at the repo and believes nothing else. So whoever pushes may send one, where no forge does.
"""

import re
from typing import Final
from urllib.parse import urlsplit

import orjson

from front.tables import HintTable
from gitmeter.http_edge.client import SUCCESS, HttpClient, Request
from gitmeter.http_edge.secret_file import read_secret
from gitmeter.http_edge.signature import signature
from gitmeter.support.errors import GitmeterError
from node_pusher.home.home import HomeRepo

_TIMEOUT_S: Final = 5
_SCP_LIKE: Final = re.compile(r"[^/@]+@[^/:]+:(?P<path>.+)")


class HintError(GitmeterError):
    """An aggregator was not told of a push; it finds it by itself later."""

    retry = True


def post_hint(config: HintTable, repo: HomeRepo, commit: str) -> None:
    """Tell an aggregator that a repo has a new commit.

    Args:
        config: where it is told.
        repo: what was pushed.
        commit: the newest commit.

    Raises:
        HintError: it did not take it.
        SecretFileError: the file of the secret cannot be used.
        ExchangeError: there was no answer.
    """
    secret = read_secret(config.secret_file)
    body = hint_body(repo, config.repo_id, commit)
    headers = {
        "Content-Type": "application/json",
        "X-Forgejo-Event": "push",
        "X-Forgejo-Signature": signature(secret, body),
    }
    with (
        HttpClient() as client,
        client.exchange(Request("POST", config.url, headers, body), _TIMEOUT_S) as response,
    ):
        if response.status not in SUCCESS:
            raise HintError(f"{config.url} answered {response.status} to the hint")


def hint_body(repo: HomeRepo, repo_id: int, commit: str) -> bytes:
    """What a forge would post of a push."""
    url = repo.remote.url
    path = _path_of(url)
    return orjson.dumps(
        {
            "ref": f"refs/heads/{repo.branch}",
            "after": commit,
            "repository": {"id": repo_id, "clone_url": url, "full_name": path},
        }
    )


def _path_of(url: str) -> str:
    """The last two words of an address: `organisation/name`."""
    match = _SCP_LIKE.fullmatch(url)
    path = match["path"] if match else urlsplit(url).path
    return "/".join(path.removesuffix("/").removesuffix(".git").split("/")[-2:]).strip("/")
