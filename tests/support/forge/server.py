"""The test forge itself: an organisation served over http and, where asked for, over ssh."""

import secrets
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.support.forge.by_hand import ByHand
from tests.support.forge.disk import Disk, Events, replace_file
from tests.support.forge.faults import FORGE_FAULTS
from tests.support.forge.handler import ROUTES, ForgeHandler
from tests.support.forge.organisation import Organisation
from tests.support.forge.records import SCOPES_ALL, Flavour, Right, Token
from tests.support.forge.ssh import ForgeSsh
from tests.support.forge.views import Places
from tests.support.forge.webhooks import Webhooks
from tests.support.git_http import GitHttpServer

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


class ForgeServer(ByHand, GitHttpServer):
    """A Forgejo or Gitea for tests; see `tests.support.forge` for how it is used.

    Args:
        folder: for everything it keeps; must not exist yet, or be empty.
        org: its only organisation.
        has_ssh: whether a real sshd runs beside it.
        tls: speaks https with this certificate.
        signers: whose signatures satisfy `require_signed_commits`: `anybody`'s, or those of
            `users` that were named with `add_user_key`, which is what a real Forgejo asks for.
        clock: the forge's own time.
        zone: of the times it tells.
        flavour: which forge it is.
        root_url: what it takes for its own address, with a slash at the end; empty for where it
            is.

    Attributes:
        org: everything it holds.
        places: where it is reached.
        admin_token: of an owner of the organisation, for everything.
        write_token: of a user who may push.
        read_token: of a user who may fetch.
        webhooks: what is sent to hooks, and whether it is.
        events: the pushes.
        ssh: the sshd; None without.
        before: called with `METHOD /path?query` before a request is served, to change things
            between two requests.
        two_factor_enforced: the API has no repo for users without a second factor.
        http_git: whether git is served over http.
        creation_limit: how many repos there may be; None is without end.
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
        flavour: Flavour = "forgejo",
        root_url: str = "",
    ) -> None:
        served = folder / "served"
        served.mkdir(parents=True)
        disk = Disk(served, folder.resolve() / "forge", org, signers, flavour)
        self.org = Organisation(org, disk, clock, flavour)
        self.ssh = ForgeSsh(folder / "sshd", self.org) if has_ssh else None
        super().__init__(served, tls=tls)
        self._zone = zone
        self._root_url = root_url
        self.two_factor_enforced = False
        self.http_git = True
        self.creation_limit: int | None = None
        self.lose_events = False
        self.before: Callable[[str], None] | None = None
        self.webhooks = Webhooks(self.org, lambda: self.places)
        self.events = Events(disk.events_file, self.pushed)
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
        app_url = self._root_url or f"{self.base_url}/"
        return Places(app_url, ssh_url, self.org.name, self._zone, self.org.flavour)

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
            has_second_factor: whether that user logs in with one.
        """
        secret = secrets.token_hex(20)
        seen = None if sees is None else frozenset(sees)
        self.org.tokens[secret] = Token(
            user or _USERS[right], _RIGHTS[right], frozenset(scopes), seen, has_second_factor
        )
        return secret

    def clone_url(self, name: str) -> str:
        """Where a repo is over http."""
        return self.url(f"{self.org.name}/{name}.git")

    def ssh_url(self, name: str) -> str:
        """Where a repo is over ssh."""
        return self.places.ssh_url.format(path=f"{self.org.name}/{name}.git")

    def revoke(self, token: str) -> None:
        """Let a token in no longer."""
        del self.org.tokens[token]

    def add_user_key(self, email: str, line: str) -> None:
        """Note a signing key of a user of the forge, for `signers="users"`."""
        self.org.user_keys[email] = line
        lines = [f"{known} {key}\n" for known, key in self.org.user_keys.items()]
        replace_file(self.org.disk.signers_file, "".join(lines))

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
