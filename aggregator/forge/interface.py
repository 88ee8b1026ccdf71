"""What the aggregator needs of a forge, whichever it is.

Nothing here moves money: a forge lists repos and lets them be set up. What is billed is decided by
git, cursors and signatures.
"""

from datetime import datetime
from typing import NamedTuple, Protocol

from aggregator.forge.people import Collaborator, Team
from gitmeter.support.errors import GitmeterError


class ForgeRepo(NamedTuple):
    """One repo as the forge shows it.

    Attributes:
        id: the forge's number of the repo; survives a rename, changes when the repo is re-created.
        name: without the organisation.
        clone_url: over http(s).
        ssh_url: over ssh; `ssh://` or `user@host:path`.
        updated_at: the last change on the forge, pushes included (whole seconds).
        private: whether only users with a right to the repo may see it.
        archived: whether the repo is read-only.
        empty: whether the repo has no commit at all.
        default_branch: the branch that the forge shows first.
        created_at: when the forge made it (whole seconds).
        description: the text beside its name.
        has_code: whether git answers for it at all.
        has_pull_requests: whether there can be pull requests, which a merge brings into a branch.
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
    created_at: datetime
    description: str = ""
    has_code: bool = True
    has_pull_requests: bool = False


class Listing(NamedTuple):
    """All repos of the organisation that the token may see, at one time.

    Attributes:
        repos: each id once, ascending.
        at: the forge's own clock at the start of the first response; what changed from that second
            on may be missing, so compare it with the next listing's `updated_at` by `>=`.
    """

    repos: tuple[ForgeRepo, ...]
    at: datetime


class DeployKey(NamedTuple):
    """A key that gives access to one repo over ssh.

    Attributes:
        id: the forge's number of the key.
        title: for people.
        key: `ssh-ed25519 AAAA...`; a comment may follow.
        read_only: whether it may not push.
    """

    id: int
    title: str
    key: str
    read_only: bool


class Protection(NamedTuple):
    """A rule for branches. On Forgejo any rule refuses forced pushes and deletion.

    Attributes:
        rule_name: the branch, or a pattern.
        enable_push: whether pushes are allowed at all.
        enable_push_whitelist: whether only those on a list may push.
        push_whitelist_deploy_keys: whether deploy keys with write access are on it.
        require_signed_commits: whether a push of an unsigned commit is refused.
        enable_force_push: whether forced pushes may be allowed; None where the forge has no such
            setting and always refuses them.
        others_may_push: users and teams on the list in addition to deploy keys.
        enable_merge_whitelist: whether only those on a list may merge pull requests.
        others_may_merge: users and teams on that list.
        protected_files: patterns of files that no one may change; empty for none.
        unprotected_files: patterns of files that everyone with write access may change.
        priority: of several rules for a branch the one with the smallest acts; None where the
            forge has no such order, and a rule of exactly the branch's name goes first.
    """

    rule_name: str
    enable_push: bool
    enable_push_whitelist: bool
    push_whitelist_deploy_keys: bool
    require_signed_commits: bool
    enable_force_push: bool | None
    others_may_push: tuple[str, ...] = ()
    enable_merge_whitelist: bool = False
    others_may_merge: tuple[str, ...] = ()
    protected_files: str = ""
    unprotected_files: str = ""
    priority: int | None = None


class Hook(NamedTuple):
    """A webhook of the organisation or of a repo. The forge never shows its secret.

    Attributes:
        id: the forge's number of the webhook.
        kind: `forgejo` or `gitea`, for their own payloads.
        url: the address that events are posted to.
        events: the events that are posted, such as `push`.
        branch_filter: pattern of the branches that are included; `*` or empty for all.
        active: whether events are posted at all.
        content_type: `json` or `form`.
    """

    id: int
    kind: str
    url: str
    events: tuple[str, ...]
    branch_filter: str
    active: bool
    content_type: str


class Inspected(NamedTuple):
    """What lets someone in or out of a repo.

    Attributes:
        keys: its deploy keys.
        rules: its rules for branches.
        collaborators: the users with a right to it alone.
        hooks: its own webhooks.
    """

    keys: tuple[DeployKey, ...]
    rules: tuple[Protection, ...]
    collaborators: tuple[Collaborator, ...]
    hooks: tuple[Hook, ...]


class ForgeError(GitmeterError):
    """A request to the forge failed.

    Args:
        message: what happened.
        hint: what to do next.
        retry: whether the same call may work later by itself; None for the default of the class.
        retry_after_s: how long the forge asks to wait, in seconds; None if it does not say.

    Attributes:
        retry: whether the same call may work later by itself.
        retry_after_s: how long the forge asks to wait, in seconds; None if it does not say.
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
    """No response, one that is incomplete or late, or a fault on the forge's side."""

    retry = True


class RateLimitedError(ForgeError):
    """The forge asks to wait."""

    retry = True


class IncompleteListingError(ForgeError):
    """The pages of a list do not add up to one list; all of it is discarded."""

    retry = True


class DeniedError(ForgeError):
    """The token is unknown, or lacks the right."""


class NotThereError(ForgeError):
    """The organisation or the object does not exist, or the token may not see it."""


class RefusedError(ForgeError):
    """The forge refuses the request: the object exists already, or a value is not allowed."""


class BadAnswerError(ForgeError):
    """The response is not one of the forge's API."""


class Forge(Protocol):
    """One organisation on a forge.

    Every method raises `ForgeError`. Names are those of repos, without the organisation.
    """

    def list_repos(self) -> Listing:
        """All repos; never only some of them (`IncompleteListingError`)."""
        ...

    def find_repo(self, name: str) -> ForgeRepo | None:
        """The repo of exactly this name; None also where the name leads to a renamed repo."""
        ...

    def create_repo(self, name: str, branch: str, description: str = "") -> ForgeRepo:
        """Create a private, empty SHA-1 repo with the default branch `branch`."""
        ...

    def close_to_people(self, name: str) -> None:
        """Make a repo private, without pull requests."""
        ...

    def set_archived(self, name: str, *, archived: bool) -> None:
        """Make a repo read-only, or writable again."""
        ...

    def deploy_keys(self, name: str) -> tuple[DeployKey, ...]:
        """The deploy keys of a repo."""
        ...

    def add_deploy_key(self, name: str, title: str, key: str) -> DeployKey:
        """Allow a key to push to a repo."""
        ...

    def delete_deploy_key(self, name: str, key_id: int) -> None:
        """Remove a key; one that is gone already is not an error."""
        ...

    def rules(self, name: str) -> tuple[Protection, ...]:
        """All rules for branches of a repo."""
        ...

    def protect(self, name: str, rule: str, *, keys_may_push: bool) -> None:
        """Create or correct a rule: deploy keys alone may push, or no one; never by force.

        No one may merge, whatever the file. Where rules have an order, it goes before all others.
        """
        ...

    def delete_rule(self, name: str, rule: str) -> None:
        """Remove a rule; one that is gone already is not an error."""
        ...

    def protect_tags(self, name: str) -> None:
        """Let no one but owners push tags; does nothing on a forge that has no rules for tags."""
        ...

    def inspect(self, name: str) -> Inspected:
        """Everything that lets someone in or out of a repo, over one connection."""
        ...

    def teams(self) -> tuple[Team, ...]:
        """The teams of the organisation that may read a repo, except its owners."""
        ...

    def has_commit(self, name: str, commit: str) -> bool:
        """Whether a repo has a commit."""
        ...

    def head(self, name: str, branch: str) -> str | None:
        """The head of a branch, 40 hex digits; None without that branch."""
        ...

    def token_user(self) -> str:
        """The user of the token; empty if the token may not ask for it."""
        ...

    def hooks(self) -> tuple[Hook, ...]:
        """The webhooks of the organisation."""
        ...

    def set_hook(self, url: str, secret: str, branch: str) -> None:
        """Create the webhook that posts pushes of `branch` to `url`, replacing any that exists.

        It is replaced because a forge neither shows the secret of a webhook nor changes it.
        """
        ...
