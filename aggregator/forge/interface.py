"""What the aggregator asks of a forge, whichever it is.

Nothing here moves money: a forge says which repos there are and lets them be set up. What is billed
is decided by git, cursors and signatures.
"""

from datetime import datetime
from typing import NamedTuple, Protocol

from gitmeter.support.errors import GitmeterError


class ForgeRepo(NamedTuple):
    """One repo as the forge shows it.

    Attributes:
        id: the forge's number for it; stays through a rename, differs after a re-creation.
        name: without the organisation.
        clone_url: over http(s).
        ssh_url: over ssh; `ssh://` or `user@host:path`.
        updated_at: when the forge last changed it, a push included (whole seconds).
        private: whether only those with a right to it may see it.
        archived: whether it takes no pushes.
        empty: whether it has no commit at all.
        default_branch: the branch it shows first.
    """

    id: int
    name: str
    clone_url: str
    ssh_url: str
    updated_at: datetime
    private: bool
    archived: bool
    empty: bool
    default_branch: str


class Listing(NamedTuple):
    """All repos of the organisation that the token may see, at one time.

    Attributes:
        repos: each id once, ascending.
        at: the forge's own clock when it began to answer; what changed from that second on may be
            missing, so it compares with the next listing's `updated_at` as `>=`.
    """

    repos: tuple[ForgeRepo, ...]
    at: datetime


class DeployKey(NamedTuple):
    """A key that opens one repo over ssh.

    Attributes:
        id: the forge's number for it.
        title: for people.
        key: `ssh-ed25519 AAAA...`; a comment may follow.
        read_only: whether it may not push.
    """

    id: int
    title: str
    key: str
    read_only: bool


class Protection(NamedTuple):
    """The rule of one branch. On Forgejo any rule refuses forced pushes and deletion.

    Attributes:
        rule_name: the branch, or a pattern.
        enable_push: whether anybody may push at all.
        enable_push_whitelist: whether only those on a list may.
        push_whitelist_deploy_keys: whether deploy keys with write access are on it.
        require_signed_commits: whether a push of an unsigned commit is refused.
        enable_force_push: whether forced pushes may be allowed; None where the forge knows no such
            setting and refuses them always.
        others_may_push: users and teams on the list besides deploy keys.
    """

    rule_name: str
    enable_push: bool
    enable_push_whitelist: bool
    push_whitelist_deploy_keys: bool
    require_signed_commits: bool
    enable_force_push: bool | None
    others_may_push: tuple[str, ...] = ()


class Hook(NamedTuple):
    """A webhook of the organisation. Its secret is never shown by the forge.

    Attributes:
        id: the forge's number for it.
        kind: `forgejo` or `gitea` for their own payload.
        url: where events are posted.
        events: which ones, such as `push`.
        branch_filter: pattern of the branches that count; `*` or empty for all.
        active: whether it is sent at all.
        content_type: `json` or `form`.
    """

    id: int
    kind: str
    url: str
    events: tuple[str, ...]
    branch_filter: str
    active: bool
    content_type: str


class ForgeError(GitmeterError):
    """The forge could not be asked, or did not do what it was asked.

    Args:
        message: what happened.
        hint: what the person can do next.
        retry: whether the same call may work later by itself.
        retry_after_s: how long the forge asks to wait, if it said.

    Attributes:
        retry, retry_after_s: the same.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        retry: bool | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry = type(self).retry if retry is None else retry
        self.retry_after_s = retry_after_s


class UnavailableError(ForgeError):
    """No answer, an answer cut short or too late, or a fault on the forge's side."""

    retry = True


class RateLimitedError(ForgeError):
    """The forge asks to wait."""

    retry = True


class IncompleteListingError(ForgeError):
    """The pages of a list do not add up to one list; all of it is discarded."""

    retry = True


class DeniedError(ForgeError):
    """The token is not known, or may not do this."""


class NotThereError(ForgeError):
    """The organisation, or what was asked for, is not there, or the token may not see it."""


class RefusedError(ForgeError):
    """The forge will not do this: it is there already, or a value is not allowed."""


class BadAnswerError(ForgeError):
    """The forge answered something that is not its API."""


class Forge(Protocol):
    """One organisation on a forge.

    Every method raises `ForgeError`. Names are those of repos, without the organisation.
    """

    def list_repos(self) -> Listing:
        """All repos; never a part of them (`IncompleteListingError`)."""
        ...

    def find_repo(self, name: str) -> ForgeRepo | None:
        """The repo of exactly this name; None also where only a renamed one answers to it."""
        ...

    def create_repo(self, name: str, branch: str) -> ForgeRepo:
        """Make a private, empty SHA-1 repo whose default branch is `branch`."""
        ...

    def set_private(self, name: str) -> None:
        """Let only those see a repo who have a right to it."""
        ...

    def set_archived(self, name: str, *, archived: bool) -> None:
        """Make a repo take no pushes, or take them again."""
        ...

    def deploy_keys(self, name: str) -> tuple[DeployKey, ...]:
        """The keys that open a repo."""
        ...

    def add_deploy_key(self, name: str, title: str, key: str) -> DeployKey:
        """Let a key push to a repo."""
        ...

    def delete_deploy_key(self, name: str, key_id: int) -> None:
        """Take a key away; one that is gone already is no error."""
        ...

    def protection(self, name: str, branch: str) -> Protection | None:
        """The rule named after the branch; None when there is none."""
        ...

    def protect(self, name: str, branch: str) -> None:
        """Make or mend that rule: deploy keys alone push, and never by force."""
        ...

    def hooks(self) -> tuple[Hook, ...]:
        """The webhooks of the organisation."""
        ...

    def set_hook(self, url: str, secret: str, branch: str) -> None:
        """Make the webhook that posts pushes of `branch` to `url` anew, in place of any there.

        Anew because a forge neither shows the secret of a hook nor changes it.
        """
        ...
