"""The repos of a test forge on disk, and the hooks that apply its rules to real pushes.

Hooks are shared by all repos through `core.hooksPath`, and a repo is a handful of files: a thousand
are made in less than a second. Beside a repo are `forge-note`, for the hooks, and `forge-archived`,
for sshd, while it is archived. What the hooks decide is in `tests.support.forge_git`.
"""

import re
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.forge.records import FORGE_NAMES, Flavour, Repo, Rule
from tests.support.forge_git.globs import is_pattern
from tests.support.forge_git.notes import NOTE_FILE, RepoNote, RuleNote, TagNote

_ROOT: Final = Path(__file__).parents[3]

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\thooksPath = {hooks}
[http]
\treceivepack = true
[receive]
\tadvertisePushOptions = true
\tprocReceiveRefs = refs/for
[uploadpack]
\tallowFilter = true
[gc]
\tauto = 0
"""

_DECIDING_HOOK = """\
#!{python} -IS
import sys

sys.path.insert(0, {root!r})
from tests.support.forge_git.{module} import main

main()
"""

_POST_RECEIVE = r"""#!/bin/sh
# One write a line, so that pushes at the same time do not mix.
option=-
left=${GIT_PUSH_OPTION_COUNT:-0}
while [ "$left" -gt 0 ]; do
    left=$((left - 1))
    eval "one=\$GIT_PUSH_OPTION_$left"
    [ "$one" != repo.private=false ] || [ -z "$FORGE_DEPLOY_KEY$FORGE_ADMIN" ] || option=$one
done
while read -r old new ref; do
    printf '%s %s %s %s %s %s\n' "$old" "$new" "${FORGE_USER:--}" "$ref" "$option" "$PWD" \
        >>"@events@"
done
"""


class Push(NamedTuple):
    """What a push did to one ref.

    Attributes:
        repo: its name.
        before: the commit that was there; zeros where there was none.
        after: the commit that is there now; zeros where there is none.
        user: who pushed; `-` is a deploy key.
        is_made_public: whether it came with the option `repo.private=false`, from who may.
    """

    repo: str
    ref: str
    before: str
    after: str
    user: str
    is_made_public: bool = False


class Disk:
    """The folder of a forge.

    Args:
        root: served over http; repos are in it under the organisation.
        own: hooks and what they write.
        signers: whose signatures satisfy `require_signed_commits`: `anybody`'s, or those of
            `users` that the forge knows, which is what a real Forgejo asks for.
        flavour: which forge it is.
    """

    def __init__(
        self, root: Path, own: Path, org: str, signers: str, flavour: Flavour = "forgejo"
    ) -> None:
        self.repos_dir = root / org
        self.events_file = own / "events"
        self.signers_file = own / "allowed_signers"
        self._flavour = flavour
        self._signers = signers
        self._hooks_dir = own / "hooks"
        for folder in (self.repos_dir, self._hooks_dir):
            folder.mkdir(parents=True)
        self.events_file.touch()
        self.signers_file.touch()
        for hook, module in (("pre-receive", "pre_receive"), ("proc-receive", "proc_receive")):
            script = _DECIDING_HOOK.format(python=sys.executable, root=str(_ROOT), module=module)
            self._write_hook(hook, script)
        self._write_hook("post-receive", _POST_RECEIVE.replace("@events@", str(self.events_file)))

    def path(self, name: str) -> Path:
        """Where a repo of this name is."""
        return self.repos_dir / f"{name}.git"

    def make(self, repo: Repo) -> None:
        """An empty bare repo."""
        path = self.path(repo.name)
        for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (path / folder).mkdir(parents=True)
        (path / "HEAD").write_text(f"ref: refs/heads/{repo.default_branch}\n")
        (path / "config").write_text(_CONFIG.format(hooks=self._hooks_dir))
        self.note(repo)

    def move(self, old: str, new: str) -> None:
        """Rename a repo."""
        self.path(old).rename(self.path(new))

    def delete(self, name: str) -> None:
        """Take a repo away for good."""
        shutil.rmtree(self.path(name))

    def rename_org(self, name: str) -> None:
        """Give the organisation another name."""
        self.repos_dir = self.repos_dir.rename(self.repos_dir.with_name(name))

    def note(self, repo: Repo) -> None:
        """Tell the hooks what they must know of a repo."""
        path = self.path(repo.name)
        note = RepoNote(
            FORGE_NAMES[self._flavour],
            repo.default_branch,
            repo.has_pull_requests,
            self._signers,
            str(self.signers_file),
            [_noted(rule) for rule in in_order(repo)],
            [TagNote(tag.name_pattern, tag.whitelist_usernames) for tag in repo.tag_rules.values()],
        )
        replace_file(path / NOTE_FILE, note.encode())
        if repo.archived_at is None:
            (path / "forge-archived").unlink(missing_ok=True)
        else:
            (path / "forge-archived").touch()

    def _write_hook(self, name: str, script: str) -> None:
        hook = self._hooks_dir / name
        hook.write_text(script)
        hook.chmod(0o755)


class Events:
    """The ref updates that the hooks noted, each read once.

    Args:
        file: where they are.
        take: called with each.
    """

    _LINE = re.compile(r"(\S+) (\S+) (\S+) (\S+) (\S+) .*/([^/]+)\.git\n")

    def __init__(self, file: Path, take: Callable[[Push], None]) -> None:
        self._file = file
        self._take = take
        self._read_bytes = 0
        self._lock = threading.Lock()

    def drain(self) -> None:
        """Pass on what is new, in order; safe in any thread."""
        with self._lock:
            if self._file.stat().st_size != self._read_bytes:
                self._drain()

    def _drain(self) -> None:
        with self._file.open("rb") as stream:
            stream.seek(self._read_bytes)
            lines = stream.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.decode().splitlines(keepends=True):
            found = self._LINE.fullmatch(line)
            if found is None:
                raise ValueError(f"not a line of the post-receive hook: {line!r}")
            before, after, user, ref, option, name = found.groups()
            self._take(Push(name, ref, before, after, user, option != "-"))


def in_order(repo: Repo) -> list[Rule]:
    """The rules of a repo as they act: of those that match a branch, the first.

    By priority, where the forge has that; then names before patterns, then as they were made.
    """
    return sorted(repo.rules.values(), key=lambda rule: (rule.priority, is_pattern(rule.name)))


def _noted(rule: Rule) -> RuleNote:
    options = rule.options
    return RuleNote(
        rule.name,
        options["enable_push"],
        options["enable_push_whitelist"],
        options["push_whitelist_deploy_keys"],
        options["require_signed_commits"],
        options["push_whitelist_usernames"],
        options["protected_file_patterns"],
        options["unprotected_file_patterns"],
    )


def replace_file(path: Path, text: str) -> None:
    """Write a file whole, so that a reader finds either the old or the new one."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text)
    beside.replace(path)
