"""What a forge knows: repos, keys, rules, hooks and tokens, as plain values."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple

NOT_FOUND = "The target couldn't be found."
SCOPES_ALL = frozenset({"write:organization", "write:repository"})
"""What a token may be good for: `read:` or `write:` of `organization` and `repository`."""


class Right(IntEnum):
    """What a user may do in the organisation; each includes the ones below."""

    READ = 1
    WRITE = 2
    ADMIN = 3
    """An owner of the organisation."""


class Token(NamedTuple):
    """An access token of a user.

    Attributes:
        user: whose it is.
        right: what that user may do.
        scopes: what the token was issued for.
        sees: the repos that the user may see; None is all of them.
        has_second_factor: whether that user has one, where the forge asks for it.
    """

    user: str
    right: Right
    scopes: frozenset[str]
    sees: frozenset[str] | None
    has_second_factor: bool = True

    def allows(self, scope: str) -> bool:
        """Whether the token was issued for it; `write:` includes `read:`."""
        return bool({scope, scope.replace("read:", "write:")} & self.scopes)


class ApiError(Exception):
    """A request that is answered with an error.

    Attributes:
        status: of the answer.
        message: what it says.
        headers: added to the answer.
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


@dataclass
class Key:
    """A deploy key of one repo.

    Attributes:
        id: of the deploy key.
        key_id: of the public key, which other repos may share.
        content: the line as it was given, without whitespace around it.
    """

    id: int
    key_id: int
    title: str
    content: str
    fingerprint: str
    read_only: bool
    created_at: datetime


@dataclass
class Rule:
    """A branch protection.

    Attributes:
        name: the branch, or a pattern over branches.
        options: everything that can be set, by its name in the API.
    """

    name: str
    options: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    def is_on(self, option: str) -> bool:
        """Whether a yes-or-no option is set."""
        return self.options[option] is True


@dataclass
class Team:
    """A team of the organisation.

    Attributes:
        permission: `read`, `write`, `admin` or `owner`.
        units_map: the right to a part of a repo, such as `repo.code`, by its name.
        repos: those that it has a right to, unless to all of them.
    """

    id: int
    name: str
    permission: str
    units_map: dict[str, str] = field(default_factory=dict)
    includes_all_repositories: bool = False
    repos: set[str] = field(default_factory=set)


@dataclass
class Hook:
    """A webhook of the organisation, or of one repo.

    Attributes:
        type: which forge's headers and body it sends: `forgejo` or `gitea`.
    """

    id: int
    type: str
    url: str
    content_type: str
    secret: str
    events: list[str]
    branch_filter: str
    active: bool
    created_at: datetime
    updated_at: datetime


@dataclass
class Repo:
    """A repo of the organisation.

    Attributes:
        empty: nothing was ever pushed.
        updated_at: of the last push or change of settings, in whole seconds.
        has_pull_requests, has_code: which of its parts are on.
        collaborators: the right of each user to it: `read`, `write` or `admin`.
        hooks: its own webhooks, by id.
        tag_patterns: the tags that no one may push.
    """

    id: int
    name: str
    created_at: datetime
    updated_at: datetime
    private: bool = True
    archived_at: datetime | None = None
    empty: bool = True
    default_branch: str = "main"
    description: str = ""
    keys: list[Key] = field(default_factory=list)
    rules: dict[str, Rule] = field(default_factory=dict)
    has_pull_requests: bool = True
    has_code: bool = True
    collaborators: dict[str, str] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    tag_patterns: list[str] = field(default_factory=list)
