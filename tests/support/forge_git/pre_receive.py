"""The pre-receive hook of a test forge: what a push may change, in a real one's order and words.

Who pushes is in `FORGE_USER` over http, and the deploy key in `FORGE_DEPLOY_KEY` over ssh.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.forge_git.globs import matches
from tests.support.forge_git.notes import RepoNote, RuleNote, acts_for, read_note

ZERO = "0" * 40
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class Update(NamedTuple):
    """What a push does to one ref; a commit of zeros is none."""

    old: str
    new: str
    ref: str


class Pusher(NamedTuple):
    """Who pushes: a user, or a deploy key of the repo."""

    user: str
    deploy_key: str


def main() -> None:
    """Refuse the push at its first update that may not be."""
    note = read_note(Path())
    pusher = Pusher(os.environ.get("FORGE_USER", ""), os.environ.get("FORGE_DEPLOY_KEY", ""))
    for line in sys.stdin:
        refusal = why_not(note, Update(*line.split()), pusher)
        if refusal:
            sys.exit(f"{note.forge}: {refusal}")


def why_not(note: RepoNote, update: Update, pusher: Pusher) -> str:
    """Why an update may not be; empty where it may."""
    kind, _, name = update.ref.removeprefix("refs/").partition("/")
    if kind == "heads":
        return _why_not_branch(note, update, name, pusher)
    if kind == "tags":
        asked = [tag for tag in note.tags if _is_tag(tag.pattern, name)]
        may = not asked or any(pusher.user in tag.users for tag in asked)
        return "" if may else f"Tag {name} is protected"
    if kind == "for":
        return _why_not_pull_request(note, name)
    return ""


def _why_not_branch(note: RepoNote, update: Update, branch: str, pusher: Pusher) -> str:
    if update.new == ZERO and branch == note.default_branch:
        return f"branch {branch} is the default branch and cannot be deleted"
    rule = next((rule for rule in note.rules if acts_for(rule.name, branch)), None)
    if rule is None:
        return ""
    if update.new == ZERO:
        return f"branch {branch} is protected from deletion"
    if update.old != ZERO and _git("rev-list", "--max-count=1", update.old, f"^{update.new}"):
        return f"branch {branch} is protected from force push"
    if rule.signed and (commit := _unsigned(note, update.new)):
        return f"branch {branch} is protected from unverified commit {commit}"
    changed = list(_changed(update)) if rule.protected_files or rule.unprotected_files else []
    for path in changed:
        if _is_file(rule.protected_files, path):
            return f"branch {branch} is protected from changing file {path}"
    if _is_on_list(rule, pusher) or (
        rule.unprotected_files and all(_is_file(rule.unprotected_files, path) for path in changed)
    ):
        return ""
    return f"Not allowed to push to protected branch {branch}"


def _is_on_list(rule: RuleNote, pusher: Pusher) -> bool:
    if not rule.push or not rule.whitelist:
        return rule.push
    return rule.deploy_keys if pusher.deploy_key else pusher.user in rule.users


def _is_file(patterns: str, path: str) -> bool:
    found = (one.strip() for one in patterns.lower().split(";"))
    return any(matches(one, path.lower(), "./") for one in found if one)


def _is_tag(pattern: str, tag: str) -> bool:
    """A pattern between slashes is a regular expression."""
    if len(pattern) > 1 and pattern[0] == pattern[-1] == "/":
        return re.search(pattern[1:-1], tag) is not None
    return matches(pattern, tag)


def _why_not_pull_request(note: RepoNote, name: str) -> str:
    if not note.has_pull_requests:
        return "User permission denied for creating pull-request."
    branches = _git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split()
    if not branches:
        return "Can't create pull request for an empty repository."
    if any(name == branch or name.startswith(f"{branch}/") for branch in branches):
        return ""
    return f"Unexpected ref: refs/for/{name}"


def _changed(update: Update) -> Iterator[str]:
    before = _EMPTY_TREE if update.old == ZERO else update.old
    for path in _git("diff", "--name-only", "--no-renames", "-z", before, update.new).split("\0"):
        if path:
            yield path


def _unsigned(note: RepoNote, new: str) -> str:
    """The first new commit without a signature that will do; empty where all have one."""
    found = _unsigned_by_users(note, new) if note.signers == "users" else _unsigned_by_anybody(new)
    return next(found, "")


def _unsigned_by_anybody(new: str) -> Iterator[str]:
    for commit in _git("rev-list", "--header", new, "--not", "--all").split("\0"):
        headers = commit.partition("\n\n")[0]
        if headers and "\ngpgsig " not in headers:
            yield headers.partition("\n")[0]


def _unsigned_by_users(note: RepoNote, new: str) -> Iterator[str]:
    file = f"gpg.ssh.allowedSignersFile={note.signers_file}"
    lines = _git("-c", file, "log", "--format=%H %G? %ce %GS", new, "--not", "--all")
    for line in lines.splitlines():
        commit, good, committer, signer = line.split(" ", 3)
        if good != "G" or committer != signer:
            yield commit


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return done.stdout.decode("utf-8", "surrogateescape").strip("\n")
