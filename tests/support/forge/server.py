"""The test forge itself: an organisation served over http and, where asked for, over ssh."""

import secrets
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import pygit2

from tests.support.forge.acting import acting_rule
from tests.support.forge.disk import Disk, Events, replace_file
from tests.support.forge.faults import FORGE_FAULTS
from tests.support.forge.handler import ROUTES, ForgeHandler
from tests.support.forge.organisation import Organisation
from tests.support.forge.records import NOT_FOUND, SCOPES_ALL, ApiError, Repo, Right, Token
from tests.support.forge.ssh import ForgeSsh
from tests.support.forge.views import Places
from tests.support.forge.webhooks import Webhooks
from tests.support.git_http import GitHttpServer
from tests.support.repos import RepoWriter

_RIGHTS: Mapping[str, Right] = {
    "read": Right.READ,
    "write": Right.WRITE,
    "admin": Right.ADMIN,
}
_USERS: Mapping[str, str] = {"read": "reader", "write": "writer", "admin": "owner"}
_POLL_S = 0.02


def wall_clock() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


class ForgeServer(GitHttpServer):
    """A Forgejo for tests; see `tests.support.forge` for how it is used.

    Args:
        folder: for everything it keeps; must not exist yet, or be empty.
        org: its only organisation.
        has_ssh: whether a real sshd runs beside it.
        tls: speaks https with this certificate.
        signers: whose signatures satisfy `require_signed_commits`: `anybody`'s, or those of
            `users` that were named with `add_user_key`, which is what a real Forgejo asks for.
        clock: the forge's own time.
        zone: of the times it tells.
        flavour: what it behaves as where Forgejo 7 and Gitea 1.25 differ.
        root_url: its own idea of its address, with a slash at the end; that of this machine where
            it is empty.

    Attributes:
        org: everything it holds.
        places: where it is reached.
        admin_token: of an owner of the organisation, for everything.
        write_token: of a user who may push.
        read_token: of a user who may fetch.
        webhooks: what is sent to hooks, and whether it is.
        events: the pushes.
        ssh: the sshd; None without.
        http_git: whether git is served over http at all (`DISABLE_HTTP_GIT`).
        loses_events: whether pushes write refs and nothing else, as in a forge that is killed.
        before: called with `METHOD /path?query` before a request is served, to change things
            between two requests.
    """

    handler = ForgeHandler
    faults = FORGE_FAULTS

    def __init__(
        self,
        folder: Path,
        *,
        org: str = "ops",
        has_ssh: bool = False,
        tls: ssl.SSLContext | None = None,
        signers: Literal["anybody", "users"] = "anybody",
        clock: Callable[[], datetime] = wall_clock,
        zone: tzinfo = UTC,
        flavour: Literal["forgejo", "gitea"] = "forgejo",
        root_url: str = "",
    ) -> None:
        served = folder / "served"
        served.mkdir(parents=True)
        disk = Disk(served, folder.resolve() / "forge", org, signers)
        self.org = Organisation(org, disk, clock, is_gitea=flavour == "gitea")
        self.ssh = ForgeSsh(folder / "sshd", self.org) if has_ssh else None
        super().__init__(served, tls=tls)
        self._zone = zone
        self._root_url = root_url
        self.http_git = True
        self.loses_events = False
        self.before: Callable[[str], None] | None = None
        self.webhooks = Webhooks(self.org, lambda: self.places)
        self.events = Events(disk.events_file, self._pushed)
        self.admin_token = self.add_token("admin")
        self.write_token = self.add_token("write")
        self.read_token = self.add_token("read")
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._watch_events, daemon=True)

    # -- where and who

    @property
    def base_url(self) -> str:
        """The forge's address, without a slash at the end."""
        return self.url("").rstrip("/")

    @property
    def places(self) -> Places:
        """Where it is reached, as it tells it."""
        ssh_url = "git@127.0.0.1:{path}" if self.ssh is None else self.ssh.url_pattern
        return Places(self._root_url or f"{self.base_url}/", ssh_url, self.org.name, self._zone)

    def add_token(
        self,
        right: Literal["read", "write", "admin"],
        *,
        user: str = "",
        scopes: Iterable[str] = SCOPES_ALL,
        sees: Iterable[str] | None = None,
        has_second_factor: bool = True,
    ) -> str:
        """Issue a token, and return it.

        Args:
            right: what its user may do in the organisation.
            user: who that is; `reader`, `writer` or `owner` when it is left out.
            scopes: what the token is for; `write:` includes `read:`.
            sees: the only repos that the user may see.
            has_second_factor: whether the user has one.
        """
        secret = secrets.token_hex(20)
        seen = None if sees is None else frozenset(sees)
        self.org.tokens[secret] = Token(
            user or _USERS[right], _RIGHTS[right], frozenset(scopes), seen, has_second_factor
        )
        return secret

    def revoke(self, token: str) -> None:
        """Let a token in no longer."""
        del self.org.tokens[token]

    def add_user_key(self, email: str, line: str) -> None:
        """Note a signing key of a user of the forge, for `signers="users"`."""
        self.org.user_keys[email] = line
        lines = [f"{known} {key}\n" for known, key in self.org.user_keys.items()]
        replace_file(self.org.disk.signers_file, "".join(lines))

    # -- repos, past the API

    def create(self, name: str, *, branch: str = "main", private: bool = True) -> Repo:
        """Make an empty repo."""
        return self.org.create(name, branch=branch, private=private)

    def repo(self, name: str) -> Repo:
        """A repo that must be there."""
        repo = self.org.find(name)
        if repo is None:
            raise ApiError(404, name)
        return repo

    def rename(self, name: str, new: str) -> None:
        """Give a repo another name."""
        self.org.rename(self.repo(name), new)

    def delete(self, name: str) -> None:
        """Delete a repo."""
        self.org.delete(self.repo(name))

    def recreate(self, name: str) -> Repo:
        """Delete a repo and make another of the same name a second later; it has another id."""
        made_at = self.repo(name).created_at + timedelta(seconds=1)
        self.delete(name)
        repo = self.create(name)
        repo.created_at = max(repo.created_at, made_at)
        return repo

    def renumber(self, name: str, number: int) -> None:
        """Give a repo another number, as a restored or copied forge does."""
        self.org.renumber(self.repo(name), number)

    def rename_org(self, name: str) -> None:
        """Give the organisation another name; over http the old one leads to it."""
        with self.org.lock:
            self.org.former_names.add(self.org.name.lower())
            self.org.disk.rename_org(name)
            self.org.name = name
            self.org.on_keys()

    def set_back(self, name: str, commit: str, *, branch: str = "main") -> None:
        """Set a branch back to an older commit, as an older backup has it; nothing reports it."""
        git = pygit2.Repository(str(self.path(name)))
        git.references.create(f"refs/heads/{branch}", commit, force=True)

    def merge(self, name: str, user: str, files: Mapping[str, bytes | None]) -> str:
        """Let a user with write access merge a pull request into main; returns the commit.

        Raises:
            ApiError: there are no pull requests, or the user may not merge.
        """
        repo = self.repo(name)
        rule = acting_rule(repo.rules.values(), "main")
        if not repo.has_pull_requests:
            raise ApiError(404, NOT_FOUND)
        may = None if rule is None else rule.options["merge_whitelist_usernames"]
        if rule is not None and rule.is_on("enable_merge_whitelist") and user not in (may or ()):
            raise ApiError(405, "User not allowed to merge PR")
        return self.commit(name, files)

    def archive(self, name: str, *, archived: bool = True) -> None:
        """Archive a repo, or take it out of the archive."""
        repo = self.repo(name)
        with self.org.lock:
            repo.archived_at = self.org.now() if archived else None
            self.org.changed(repo)

    def path(self, name: str) -> Path:
        """Where a repo is on this machine."""
        return self.org.disk.path(name)

    def clone_url(self, name: str) -> str:
        """Where a repo is over http."""
        return self.url(f"{self.org.name}/{name}.git")

    def ssh_url(self, name: str) -> str:
        """Where a repo is over ssh."""
        return self.places.ssh_url.format(path=f"{self.org.name}/{name}.git")

    def writer(self, name: str) -> RepoWriter:
        """Writes into a repo past every rule; tell of it with `touch`."""
        return RepoWriter(self.path(name))

    def commit(self, name: str, files: Mapping[str, bytes | None], *, branch: str = "main") -> str:
        """Put a commit into a repo as a push would; returns the commit."""
        writer = self.writer(name)
        before = writer.tip(branch)
        commit = writer.commit(files, branch=branch)
        self._pushed(name, f"refs/heads/{branch}", before or "0" * 40, commit, "-")
        return commit

    def touch(self, name: str) -> None:
        """Say that a repo was pushed to, without a webhook."""
        repo = self.repo(name)
        with self.org.lock:
            repo.empty, repo.updated_at = False, self.org.now()

    # -- what happened

    def api_counts(self) -> Counter[str]:
        """How often each call of the API was made, as `GET /orgs/{org}/repos`."""
        counts: Counter[str] = Counter()
        for request in list(self.requests):
            method, _, path = request.partition(" ")
            below = path.partition("?")[0].removeprefix("/api/v1")
            for known in ROUTES:
                if path.startswith("/api/v1/") and known.match(method, below) is not None:
                    counts[f"{method} {known.pattern}"] += 1
                    break
        return counts

    def about_to_serve(self, request: str) -> None:
        """Let the test step in."""
        if self.before is not None:
            self.before(request)

    def _pushed(self, name: str, ref: str, before: str, after: str, user: str) -> None:
        with self.org.lock:
            repo = self.org.find(name)
            if repo is None or self.loses_events:
                return
            self.touch(name)
        self.webhooks.push(repo, ref, before, after, user)

    def _watch_events(self) -> None:
        """Notice pushes over ssh."""
        while not self._over.wait(_POLL_S):
            self.events.drain()

    def __enter__(self) -> Self:
        if self.ssh is not None:
            self.ssh.__enter__()
            self.org.on_keys = self.ssh.write
            self._watch.start()
        self.webhooks.start()
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self.ssh is not None:
            self._watch.join()
            self.ssh.__exit__(kind, error, trace)
        self.webhooks.stop()
        super().__exit__(kind, error, trace)
