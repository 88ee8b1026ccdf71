"""What the git hooks must know of a repo, in a file beside it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.forge_git.globs import is_pattern, matches

NOTE_FILE: Final = "forge-note"


class RuleNote(NamedTuple):
    """A branch protection.

    Attributes:
        name: the branch, or a pattern over branches.
        push: whether anybody pushes.
        whitelist: whether only those on a list do.
        deploy_keys: whether the list has every deploy key.
        signed: whether commits must be signed.
        users: those on the list.
        protected_files: patterns between `;` of files that no push changes.
        unprotected_files: patterns between `;` of files that everybody who writes may push.
    """

    name: str
    push: bool
    whitelist: bool
    deploy_keys: bool
    signed: bool
    users: Sequence[str]
    protected_files: str
    unprotected_files: str


class TagNote(NamedTuple):
    """A tag protection: a pattern over tags, and the users who may push them."""

    pattern: str
    users: Sequence[str]


class RepoNote(NamedTuple):
    """What the hooks must know of a repo.

    Attributes:
        forge: how it calls itself: `Forgejo` or `Gitea`.
        default_branch: cannot be deleted.
        has_pull_requests: whether `refs/for/` opens them.
        signers: whose signatures will do: `anybody`'s, or those of `users` that the forge knows.
        signers_file: the keys of its users.
        rules: in the order in which they act: the first that matches a branch is the only one.
        tags: all that match a tag are asked.
    """

    forge: str
    default_branch: str
    has_pull_requests: bool
    signers: str
    signers_file: str
    rules: Sequence[RuleNote]
    tags: Sequence[TagNote]

    def encode(self) -> str:
        """The text of the file."""
        return json.dumps(self)


def read_note(repo: Path) -> RepoNote:
    """What was noted of the repo in this folder."""
    note = RepoNote(*json.loads((repo / NOTE_FILE).read_text()))
    return note._replace(
        rules=[RuleNote(*rule) for rule in note.rules],
        tags=[TagNote(*tag) for tag in note.tags],
    )


def acts_for(rule: str, branch: str) -> bool:
    """Whether a rule of that name matches a branch; upper and lower case are one in a name."""
    if is_pattern(rule):
        return matches(rule, branch, "/")
    return rule.lower() == branch.lower()
