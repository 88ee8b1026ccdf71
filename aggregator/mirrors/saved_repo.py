"""The description of a repo in a backup or an archive."""

from typing import Annotated, Self, cast

import pygit2
from pydantic import (
    BaseModel,
    ConfigDict,
    StringConstraints,
    field_validator,
)

from aggregator.config.known_repo import KnownRepo, allow_of, allow_text
from cursors.tips import Tips
from gitmeter.roles.role import Role
from wire_format import fields


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)  # fields that a later version adds are ignored


def _text(pattern: str) -> StringConstraints:
    return StringConstraints(pattern=f"^(?:{pattern})$")


_RepoName = Annotated[str, _text(fields.REPO_PATTERN)]


_Commit = Annotated[str, _text(fields.COMMIT_PATTERN)]


_Sha256 = Annotated[str, _text(fields.SHA256_PATTERN)]


class SavedRepo(_Part):
    """One repo in a backup or an archive.

    Attributes:
        name, node, role, branch, allow: the repo's name, and the identity of its mirror.
        cursor, kept: its accepted tips.
        bundle_sha256: SHA-256 of its bundle, in hex.
    """

    name: _RepoName
    node: Annotated[str, _text(fields.NODE_PATTERN)]
    role: Role
    branch: str
    allow: str
    cursor: _Commit
    kept: tuple[_Commit, ...] = ()
    bundle_sha256: _Sha256

    @field_validator("branch")
    @classmethod
    def _branch_is_a_name(cls, branch: str) -> str:
        if not pygit2.reference_is_valid_name(f"refs/heads/{branch}"):
            raise ValueError("not the name of a branch")
        return branch

    @classmethod
    def of(cls, repo: KnownRepo, tips: Tips, bundle_sha256: str) -> Self:
        """Describe a repo whose bundle was written."""
        return cls(
            name=repo.name,
            node=repo.node,
            role=cast("Role", repo.role),
            branch=repo.branch,
            allow=allow_text(repo.allow),
            cursor=tips.cursor,
            kept=tuple(sorted(tips.kept)),
            bundle_sha256=bundle_sha256,
        )

    @property
    def known_repo(self) -> KnownRepo:
        """The repo, as its mirror remembers it."""
        return KnownRepo(self.name, self.node, self.role, self.branch, allow_of(self.allow))

    @property
    def tips(self) -> Tips:
        """Its accepted tips."""
        return Tips(self.cursor, frozenset(self.kept))

    @property
    def bundle(self) -> str:
        """The name of its bundle in a backup."""
        return bundle_member(self.name)


def bundle_member(repo: str) -> str:
    """The name of a repo's bundle in a backup."""
    return f"mirrors/{repo}.bundle"
