"""What a forge knows: repos, keys, rules, hooks and tokens, as plain values."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Final, Literal, NamedTuple

NOT_FOUND = "The target couldn't be found."
SCOPES_ALL = frozenset({"write:organization", "write:repository"})
"""What the guide asks of a token. A token may be good for `read:` or `write:` of `organization`,
`repository` and `user`."""

Flavour = Literal["forgejo", "gitea"]
FORGE_NAMES: Final[dict[Flavour, str]] = {"forgejo": "Forgejo", "gitea": "Gitea"}
"""How each calls itself in what it says to those who push."""


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
        sees: the repos that the user may see, beside those that the user is a collaborator of;
            None is all of them.
        has_second_factor: whether that user logs in with one.
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
        priority: the smallest goes first; always 0 on a forge that has none.
    """

    name: str
    options: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    priority: int = 0

    def is_on(self, option: str) -> bool:
        """Whether a yes-or-no option is set."""
        return self.options[option] is True


@dataclass
class TagRule:
    """A tag protection: who may make and change the tags that match.

    Attributes:
        name_pattern: a pattern, or a regular expression between slashes.
    """

    id: int
    name_pattern: str
    whitelist_usernames: list[str]
    whitelist_teams: list[str]
    created_at: datetime
    updated_at: datetime


@dataclass
class Team:
    """A team of the organisation.

    Attributes:
        permission: `none`, `read`, `write`, `admin` or `owner`; of what is not in `units_map`.
        units_map: what it may do with each part of a repo, such as `repo.code` and `repo.pulls`.
        includes_all_repositories: also those that are made later.
        repos: the names of its repos, where those are not all.
    """

    id: int
    name: str
    permission: str
    units_map: dict[str, str] = field(default_factory=dict)
    includes_all_repositories: bool = False
    repos: set[str] = field(default_factory=set)

    def has(self, repo: str) -> bool:
        """Whether the repo of that name is one of its own."""
        return self.includes_all_repositories or repo in self.repos


@dataclass
class Hook:
    """A webhook of the organisation or of a repo.

    Attributes:
        type: which forge's headers and body it sends: `forgejo` or `gitea`.
        http_method: `post` or `get`; the API makes those that post, and shows neither.
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
    http_method: Literal["post", "get"] = "post"


@dataclass
class Repo:
    """A repo of the organisation.

    Attributes:
        empty: nothing was ever pushed.
        updated_at: of the last push or change of settings, in whole seconds.
        has_code: whether its git is served.
        collaborators: what each may do, by user: `read`, `write` or `admin`.
        rules: by name.
        hooks: of this repo alone, by id.
        tag_rules: by id.
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
    has_pull_requests: bool = True
    has_code: bool = True
    collaborators: dict[str, str] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    rules: dict[str, Rule] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    tag_rules: dict[int, TagRule] = field(default_factory=dict)
