"""What a forge says of commits."""

from datetime import UTC, datetime
from typing import Any, Final

import pygit2

from tests.support.forge.organisation import Organisation
from tests.support.forge.records import Repo
from tests.support.forge.views import Json, Places
from tests.support.forge_git.pre_receive import ZERO

COMMITS_MAX: Final = 5
"""How many commits a webhook describes, whatever was pushed."""


def new_commits(
    places: Places, org: Organisation, repo: Repo, before: str, after: str
) -> list[Json]:
    """What a push brought, newest first; only those that a webhook describes have their files."""
    git = pygit2.Repository(str(org.disk.path(repo.name)))
    if git.get(after) is None or not isinstance(git[after], pygit2.Commit):
        return []
    walker = git.walk(pygit2.Oid(hex=after))
    if before != ZERO:
        walker.hide(pygit2.Oid(hex=before))
    return [
        described(places, repo, git, commit, with_files=number < COMMITS_MAX)
        for number, commit in enumerate(walker)
    ]


def described(
    places: Places, repo: Repo, git: pygit2.Repository, commit: pygit2.Commit, *, with_files: bool
) -> Json:
    """One commit."""
    added, removed, modified = _files(git, commit) if with_files else ([], [], [])
    return {
        "id": str(commit.id),
        "message": commit.message,
        "url": f"{places.app_url}{places.org}/{repo.name}/commit/{commit.id}",
        "author": _person(commit.author),
        "committer": _person(commit.committer),
        "verification": None,
        "timestamp": places.time(datetime.fromtimestamp(commit.commit_time, UTC)),
        "added": added,
        "removed": removed,
        "modified": modified,
    }


def _person(signature: pygit2.Signature) -> dict[str, Any]:
    return {"name": signature.name, "email": signature.email, "username": ""}


def _files(git: pygit2.Repository, commit: pygit2.Commit) -> tuple[list[str], list[str], list[str]]:
    added: list[str] = []
    removed: list[str] = []
    modified: list[str] = []
    kinds = {"A": added, "D": removed}
    if commit.parents:
        diff = git.diff(commit.parents[0], commit)
    else:
        diff = commit.tree.diff_to_tree(swap=True)
    for patch in diff.deltas:
        kinds.get(patch.status_char(), modified).append(patch.new_file.path)
    return added, removed, modified
