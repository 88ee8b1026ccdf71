"""The forge of `benchmarks.fleet`, in a process of its own.

Its CPU time, memory and files are therefore not counted as the aggregator's. Its clock only
advances by a minute before and after each round of pushes, so that no change falls into the second
of a listing.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, cast

import pygit2

from benchmarks.data import prices_toml, users_of
from gitmeter.signing.signing_key import SigningKey, new_signing_key
from tests.support.forge import ForgeServer
from tests.support.forge.api import Forge, Request, route
from tests.support.forge.handler import ROUTES
from tests.support.repos import RepoWriter, money_line, segment_path, usage_line
from wire_format.rule_book import DEFAULT_DISCOUNTS, DISCOUNTS_PATH
from wire_format.rule_files.prices_file import PRICES_PATH

BOOKS: Final = "books"
RECORDS_PER_COMMIT: Final = 10
USERS: Final = 2000
PATTERN: Final = "billing-{node}"
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_BRANCH: Final = "main"
_PROTECTION: Final[Mapping[str, object]] = {
    "rule_name": _BRANCH,
    "enable_push": True,
    "enable_push_whitelist": True,
    "push_whitelist_deploy_keys": True,
    "enable_merge_whitelist": True,
}
_OTHERS: Final[Mapping[str, object]] = {"rule_name": "**", "enable_merge_whitelist": True}


class MadeRepo(NamedTuple):
    """A node's repo on the forge: its number, its address, and the node's public key."""

    node: str
    forge_id: int
    url: str
    key: str


class Made(NamedTuple):
    """The forge's address, organisation and token, and its repos at first."""

    url: str
    org: str
    token: str
    books_url: str
    repos: tuple[MadeRepo, ...]


class FleetForge:
    """A forge with a repo for each node, with some history, and the books.

    Args:
        folder: the folder for its repos.
        repos: the number of nodes.
        commits: commits of each node's history, an hour apart, the last an hour before `now`.
        now: the forge's time at first.
    """

    def __init__(self, folder: Path, repos: int, commits: int, now: datetime) -> None:
        self._now = self._pushed_at = now
        self._server = ForgeServer(folder, clock=lambda: self._now)
        self._keys = {node: new_signing_key() for node in names(repos)}
        self._seqs = dict.fromkeys(self._keys, 0)
        self._users = users_of(USERS)
        self._server.__enter__()
        self._make_books()
        for node, key in self._keys.items():
            self._server.create(_forge_name(node))
            self._set_up(_forge_name(node), key)
            for age in range(commits, 0, -1):
                self._commit(node, now - age * _HOUR)
            self._server.touch(_forge_name(node))
        self._pushed_at = now - _HOUR
        self._now += _MINUTE

    def made(self) -> Made:
        """The forge's address, organisation and token, and its repos."""
        server = self._server
        repos = tuple(
            MadeRepo(
                node,
                server.repo(_forge_name(node)).id,
                server.clone_url(_forge_name(node)),
                key.public.line,
            )
            for node, key in self._keys.items()
        )
        books = server.clone_url(BOOKS)
        return Made(server.base_url, server.org.name, server.admin_token, books, repos)

    def push(self, nodes: Iterable[str], *, posts_webhook: bool = False) -> None:
        """Let nodes push a commit each, a minute later by the forge's clock.

        Args:
            nodes: the nodes that push.
            posts_webhook: whether the forge posts a webhook for each push.
        """
        self._now += _MINUTE
        self._pushed_at += timedelta(seconds=1)
        for node in nodes:
            name = _forge_name(node)
            before = self._server.writer(name).tip() or "0" * 40
            commit = self._commit(node, self._pushed_at)
            self._server.touch(name)
            if posts_webhook:
                repo = self._server.repo(name)
                self._server.webhooks.push(repo, f"refs/heads/{_BRANCH}", before, commit, "-")
        self._now += _MINUTE

    def requests(self) -> tuple[int, int]:
        """How many requests the forge got so far: for git, and for the API."""
        api = self._server.count(" /api/v1/")
        return self._server.count() - api, api

    def _make_books(self) -> None:
        self._server.create(BOOKS)
        payments = b"".join(
            money_line(seq=seq, node=BOOKS, user=user, ts="2020-01-01T00:00:00Z")
            for seq, user in enumerate(self._users, start=1)
        )
        self._server.writer(BOOKS).commit(
            {
                PRICES_PATH: prices_toml(),
                DISCOUNTS_PATH: DEFAULT_DISCOUNTS.encode(),
                segment_path(self._now.date(), 1, folder="payments"): payments,
            },
            when=self._now - _HOUR,
        )
        self._server.touch(BOOKS)
        self._protect(BOOKS)

    def _set_up(self, name: str, key: SigningKey) -> None:
        """Create deploy key and protection as `aggregator node add` does."""
        self._ask(f"{name}/keys", {"title": "node", "key": key.public.line, "read_only": False})
        self._protect(name)

    def _protect(self, name: str) -> None:
        for rule in (_PROTECTION, _OTHERS):
            self._ask(f"{name}/branch_protections", dict(rule))
        self._server.repo(name).has_pull_requests = False

    def _ask(self, path: str, body: dict[str, object]) -> None:
        org = self._server.org
        token = org.tokens[self._server.admin_token]
        request = Request("POST", f"/repos/{org.name}/{path}", {}, body, token, {})
        answer = route(Forge(org, self._server.places), ROUTES, request)
        if answer.status != 201:
            raise RuntimeError(f"{path}: {answer}")

    def _commit(self, node: str, at: datetime) -> str:
        first = self._seqs[node] + 1
        used_at = at - _HOUR / 2
        lines = [
            usage_line(
                node=node,
                seq=seq,
                ts=f"{used_at + timedelta(microseconds=seq):%Y-%m-%dT%H:%M:%S.%fZ}",
                user=self._users[(hash_of(node) + seq) % USERS],
            )
            for seq in range(first, first + RECORDS_PER_COMMIT)
        ]
        self._seqs[node] += RECORDS_PER_COMMIT
        writer = RepoWriter(self._server.path(_forge_name(node)))
        writer.signer = self._keys[node].sign
        return writer.commit({segment_path(at.date(), first): b"".join(lines)}, when=at)


def names(repos: int) -> list[str]:
    """The names of all nodes."""
    return [f"node-{number:05d}" for number in range(1, repos + 1)]


def hash_of(node: str) -> int:
    """A number by which nodes are spread over users, the same each time."""
    return int(node.rpartition("-")[2]) * RECORDS_PER_COMMIT


def _forge_name(node: str) -> str:
    return PATTERN.replace("{node}", node)


_running: list[FleetForge] = []


def _begin(folder: Path, repos: int, commits: int, now: datetime) -> None:
    pygit2.settings.enable_fsync_gitdir(value=False)  # the forge's disk is not measured
    _running.append(FleetForge(folder, repos, commits, now))


def _the_forge() -> FleetForge:
    return _running[0]


class _Manager(BaseManager):
    """Lets other processes call the forge."""


_Manager.register("forge", callable=_the_forge, exposed=("made", "push", "requests"))


class Remote(Protocol):
    """The forge, from another process."""

    def made(self) -> Made:
        """See `FleetForge`."""
        ...

    def push(self, nodes: Iterable[str], *, posts_webhook: bool = False) -> None:
        """See `FleetForge`."""

    def requests(self) -> tuple[int, int]:
        """See `FleetForge`."""
        ...


class Place(NamedTuple):
    """Where other processes reach the forge: a socket, and the secret for it."""

    address: str
    word: str


class ForgeProcess:
    """A forge that runs until it is stopped.

    Args:
        folder, repos, commits, now: the arguments of `FleetForge`.

    Attributes:
        place: where other processes reach it.
    """

    def __init__(self, folder: Path, repos: int, commits: int, now: datetime) -> None:
        self._manager = _Manager(ctx=multiprocessing.get_context("spawn"))
        self._manager.start(_begin, (folder, repos, commits, now))
        word = multiprocessing.current_process().authkey.hex()
        self.place = Place(str(self._manager.address), word)

    def stop(self) -> None:
        """End the process."""
        self._manager.shutdown()


def reach(place: Place) -> Remote:
    """Connect to the forge at a place."""
    manager = _Manager(place.address, bytes.fromhex(place.word))
    manager.connect()
    proxy: Callable[[], Any] = manager.forge  # type: ignore[attr-defined]  # made by `register`
    return cast(Remote, proxy())
