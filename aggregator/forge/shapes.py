"""The JSON of Forgejo's and Gitea's API, as far as it is used: validated and converted."""

from collections.abc import Sequence
from datetime import UTC
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from aggregator.forge.answers import bad_answer
from aggregator.forge.interface import DeployKey, ForgeRepo, Hook, Protection

T = TypeVar("T")
_FAULTS_MAX: Final = 3
_Text = Annotated[str, StringConstraints(max_length=4096)]
_Id = Annotated[int, Field(strict=True, ge=1)]
_Flag = Annotated[bool, Field(strict=True)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class RepoShape(_Shape):
    """A repo."""

    id: _Id
    name: Annotated[_Text, StringConstraints(pattern=r"^[^/\s]+$")]
    ssh_url: _Text
    updated_at: AwareDatetime
    private: _Flag
    archived: _Flag
    empty: _Flag
    default_branch: _Text
    created_at: AwareDatetime
    description: str = ""
    has_code: _Flag = True
    has_pull_requests: _Flag = False

    def value(self, clone_root: str) -> ForgeRepo:
        """The repo, with a clone address below that of the API.

        The forge's own `clone_url` may name another server, which would then get the token.
        """
        return ForgeRepo(
            self.id,
            self.name,
            f"{clone_root}/{self.name}.git",
            self.ssh_url,
            self.updated_at.astimezone(UTC),
            self.private,
            self.archived,
            self.empty,
            self.default_branch,
            self.created_at.astimezone(UTC).replace(microsecond=0),
            self.description,
            self.has_code,
            self.has_pull_requests,
        )


class KeyShape(_Shape):
    """A deploy key."""

    id: _Id
    title: _Text
    key: _Text
    read_only: _Flag

    def value(self) -> DeployKey:
        """The value."""
        return DeployKey(self.id, self.title, self.key, self.read_only)


_Names = tuple[_Text, ...] | None


class ProtectionShape(_Shape):
    """A rule for branches.

    Forgejo has no `enable_force_push` and always refuses forced pushes; Gitea alone has an order.
    """

    rule_name: _Text
    enable_push: _Flag
    enable_push_whitelist: _Flag
    push_whitelist_deploy_keys: _Flag
    push_whitelist_usernames: _Names = None
    push_whitelist_teams: _Names = None
    require_signed_commits: _Flag
    enable_force_push: _Flag | None = None
    enable_merge_whitelist: _Flag = False
    merge_whitelist_usernames: _Names = None
    merge_whitelist_teams: _Names = None
    protected_file_patterns: _Text = ""
    unprotected_file_patterns: _Text = ""
    priority: Annotated[int, Field(strict=True)] | None = None

    def value(self) -> Protection:
        """The value."""
        return Protection(
            self.rule_name,
            self.enable_push,
            self.enable_push_whitelist,
            self.push_whitelist_deploy_keys,
            self.require_signed_commits,
            self.enable_force_push,
            (*(self.push_whitelist_usernames or ()), *(self.push_whitelist_teams or ())),
            self.enable_merge_whitelist,
            (*(self.merge_whitelist_usernames or ()), *(self.merge_whitelist_teams or ())),
            self.protected_file_patterns.strip(),
            self.unprotected_file_patterns.strip(),
            self.priority,
        )


class HookShape(_Shape):
    """A webhook; its address is in `config`."""

    id: _Id
    type: _Text
    events: tuple[_Text, ...] | None = None
    branch_filter: _Text = ""
    active: _Flag
    config: dict[str, _Text]

    def value(self) -> Hook:
        """The value."""
        return Hook(
            self.id,
            self.type,
            self.config.get("url", ""),
            self.events or (),
            self.branch_filter,
            self.active,
            self.config.get("content_type", ""),
        )


class TagRuleShape(_Shape):
    """A rule for tags."""

    name_pattern: _Text


class UserShape(_Shape):
    """A user."""

    id: _Id
    login: _Text


class PermissionShape(_Shape):
    """The right of a user to a repo."""

    permission: _Text


class TeamShape(_Shape):
    """A team; its rights are one for all units of a repo, or one for each."""

    id: _Id
    name: _Text
    permission: _Text = "none"
    units_map: dict[_Text, _Text] | None = None
    includes_all_repositories: _Flag = False

    @property
    def is_owners(self) -> bool:
        """Whether it is the team of the organisation's owners, which may do everything."""
        return self.permission == "owner"

    @property
    def may_read(self) -> bool:
        """Whether its members may read what is in a repo."""
        return bool(self._rights & {"read", "write", "admin"})

    @property
    def may_write(self) -> bool:
        """Whether its members may change what is in a repo, or administer it."""
        return bool(self._rights & {"write", "admin"})

    @property
    def _rights(self) -> set[str]:
        return {self.permission, (self.units_map or {}).get("repo.code", "none")}


class CommitShape(_Shape):
    """A commit, as a branch names it."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class BranchShape(_Shape):
    """A branch."""

    commit: CommitShape


REPO: Final = TypeAdapter(RepoShape)
REPOS: Final = TypeAdapter(tuple[RepoShape, ...])
KEY: Final = TypeAdapter(KeyShape)
KEYS: Final = TypeAdapter(tuple[KeyShape, ...])
HOOKS: Final = TypeAdapter(tuple[HookShape, ...])
RULES: Final = TypeAdapter(tuple[ProtectionShape, ...])
TAG_RULES: Final = TypeAdapter(tuple[TagRuleShape, ...])
USER: Final = TypeAdapter(UserShape)
USERS: Final = TypeAdapter(tuple[UserShape, ...])
PERMISSION: Final = TypeAdapter(PermissionShape)
TEAMS: Final = TypeAdapter(tuple[TeamShape, ...])
BRANCH: Final = TypeAdapter(BranchShape)


def read(shape: TypeAdapter[T], body: bytes, url: str) -> T:
    """Validate the body of a response.

    Raises:
        BadAnswerError: it is not JSON of that shape; the message names the first faults.
    """
    try:
        return shape.validate_json(body)
    except ValidationError as error:
        raise bad_answer(url, f"not what a forge answers: {_said(error)}") from None


def _said(error: ValidationError) -> str:
    details: Sequence[Any] = error.errors(include_url=False, include_input=False)
    faults = [f"{'.'.join(map(str, d['loc'])) or 'all of it'}: {d['msg']}" for d in details]
    more = f" and {len(faults) - _FAULTS_MAX} more" if len(faults) > _FAULTS_MAX else ""
    return "; ".join(faults[:_FAULTS_MAX]) + more
