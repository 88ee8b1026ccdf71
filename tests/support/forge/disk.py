"""The repos of a test forge on disk, and the shell hooks that apply its rules to real pushes.

Hooks are shared by all repos through `core.hooksPath`, and a repo is a handful of files: a thousand
are made in less than a second. What a hook must know of its repo is in files beside it:

- `forge-rules`: a line for each protection, in the order in which they are tried: a regular
  expression for the branch, then `push`, `whitelist`, `deploy_keys` and `signed` as 0 or 1, then
  expressions for protected and for unprotected files (`-` for none), then the users of the
  whitelist between commas;
- `forge-tags`: there when no one may push tags; `forge-no-pulls`: there without pull requests;
- `forge-default-branch`: one line; `forge-archived`: there when it is.
"""

import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from tests.support.forge.acting import as_regex, in_order
from tests.support.forge.records import Repo

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\thooksPath = {hooks}
[http]
\treceivepack = true
[uploadpack]
\tallowFilter = true
[gc]
\tauto = 0
"""

_PRE_RECEIVE = r"""#!/bin/sh
# Who pushes: FORGE_USER over http, FORGE_DEPLOY_KEY over ssh.
zero=0000000000000000000000000000000000000000

refuse() {
    echo "Forgejo: $1" >&2
    exit 1
}

unsigned_by_anybody() {
    # A commit a line; what it says is indented, so only a header starts with gpgsig.
    git rev-list --header "$1" --not --all | tr '\n\000' '\001\n' |
        grep -a -v -m 1 "$(printf '\001')gpgsig " | cut -c 1-40
}

unsigned_by_users() {
    git -c gpg.ssh.allowedSignersFile="@signers@" \
        log --format='%H %G? %ce %GS' "$1" --not --all 2>/dev/null |
        while read -r commit good committer signer; do
            [ "$good" = G ] && [ "$committer" = "$signer" ] && continue
            echo "$commit"
            break
        done
}

rule_for() {
    while read -r pattern push whitelist deploy_keys signed protected unprotected users; do
        printf '%s\n' "$1" | grep -E -q -x -e "$pattern" && return 0
    done <forge-rules
    return 1
}

changed() {
    if [ "$1" = "$zero" ]; then
        git ls-tree -r --name-only "$2"
    else
        git diff-tree -r --name-only "$1" "$2"
    fi
}

while read -r old new ref; do
    case $ref in
    refs/heads/*) branch=${ref#refs/heads/} ;;
    refs/tags/*)
        [ ! -e forge-tags ] || refuse "Tag ${ref#refs/tags/} is protected"
        continue
        ;;
    refs/for/*)
        [ ! -e forge-no-pulls ] || refuse "User permission denied for creating pull-request."
        continue
        ;;
    *) continue ;;
    esac
    if [ "$new" = "$zero" ] && [ "$branch" = "$(cat forge-default-branch)" ]; then
        refuse "branch $branch is the default branch and cannot be deleted"
    fi
    [ -e forge-rules ] && rule_for "$branch" || continue
    [ "$new" != "$zero" ] || refuse "branch $branch is protected from deletion"
    if [ "$old" != "$zero" ] && [ -n "$(git rev-list --max-count=1 "$old" "^$new")" ]; then
        refuse "branch $branch is protected from force push"
    fi
    if [ "$signed" = 1 ]; then
        commit=$(unsigned_by_@whom@ "$new")
        [ -z "$commit" ] || refuse "branch $branch is protected from unverified commit $commit"
    fi
    if [ "$protected" != - ] && changed "$old" "$new" | grep -E -q -x -e "$protected"; then
        refuse "branch $branch is protected from changing file $protected"
    fi
    may=$push
    if [ "$whitelist" = 1 ]; then
        if [ -n "$FORGE_DEPLOY_KEY" ]; then
            [ "$deploy_keys" = 1 ] || may=0
        else
            case ,$users, in
            *,"$FORGE_USER",*) ;;
            *) may=0 ;;
            esac
        fi
    fi
    if [ "$may" = 0 ] && [ "$unprotected" != - ] &&
        ! changed "$old" "$new" | grep -E -q -v -x -e "$unprotected"; then
        may=1
    fi
    [ "$may" = 1 ] || refuse "Not allowed to push to protected branch $branch"
done
"""

_POST_RECEIVE = r"""#!/bin/sh
# One write a line, so that pushes at the same time do not mix.
while read -r old new ref; do
    printf '%s %s %s %s %s\n' "$old" "$new" "${FORGE_USER:--}" "$ref" "$PWD" >>"@events@"
done
"""


class Disk:
    """The folder of a forge.

    Args:
        root: served over http; repos are in it under the organisation.
        own: hooks and what they write.
        signers: whose signatures satisfy `require_signed_commits`: `anybody`'s, or those of
            `users` that the forge knows, which is what a real Forgejo asks for.
    """

    def __init__(self, root: Path, own: Path, org: str, signers: str) -> None:
        self.org = org
        self.repos_dir = root / org
        self.events_file = own / "events"
        self.signers_file = own / "allowed_signers"
        self._hooks_dir = own / "hooks"
        for folder in (self.repos_dir, self._hooks_dir):
            folder.mkdir(parents=True)
        self.events_file.touch()
        self.signers_file.touch()
        self._write_hook(
            "pre-receive",
            _PRE_RECEIVE.replace("@signers@", str(self.signers_file)).replace("@whom@", signers),
        )
        self._write_hook("post-receive", _POST_RECEIVE.replace("@events@", str(self.events_file)))

    def path(self, name: str) -> Path:
        """Where a repo of this name is."""
        return self.repos_dir / f"{name}.git"

    def rename_org(self, name: str) -> None:
        """Give the organisation another name."""
        self.repos_dir = self.repos_dir.rename(self.repos_dir.with_name(name))
        self.org = name

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

    def note(self, repo: Repo) -> None:
        """Tell the hooks what they must know of a repo."""
        path = self.path(repo.name)
        replace_file(path / "forge-default-branch", f"{repo.default_branch}\n")
        flags = ("enable_push", "enable_push_whitelist", "push_whitelist_deploy_keys")
        lines = [
            " ".join(
                [
                    as_regex(rule.name),
                    *(str(int(rule.is_on(flag))) for flag in (*flags, "require_signed_commits")),
                    _files(rule.options["protected_file_patterns"]),
                    _files(rule.options["unprotected_file_patterns"]),
                    ",".join(rule.options["push_whitelist_usernames"]),
                ]
            )
            for rule in in_order(repo.rules.values())
        ]
        replace_file(path / "forge-rules", "".join(f"{line}\n" for line in lines))
        for name, is_so in (
            ("forge-archived", repo.archived_at is not None),
            ("forge-tags", bool(repo.tag_patterns)),
            ("forge-no-pulls", not repo.has_pull_requests),
        ):
            if is_so:
                (path / name).touch()
            else:
                (path / name).unlink(missing_ok=True)

    def _write_hook(self, name: str, script: str) -> None:
        hook = self._hooks_dir / name
        hook.write_text(script)
        hook.chmod(0o755)


class Events:
    """The ref updates that the hooks noted, each read once.

    Args:
        file: where they are.
        take: called with repo name, ref, commit before, commit after and pusher.
    """

    _LINE = re.compile(r"(\S+) (\S+) (\S+) (\S+) .*/([^/]+)\.git\n")

    def __init__(self, file: Path, take: Callable[[str, str, str, str, str], None]) -> None:
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
            before, after, user, ref, name = found.groups()
            self._take(name, ref, before, after, user)


def _files(patterns: str) -> str:
    """Patterns of files, between semicolons, as one regular expression."""
    globs = [glob.strip() for glob in patterns.split(";") if glob.strip()]
    return "|".join(map(as_regex, globs)) or "-"


def replace_file(path: Path, text: str) -> None:
    """Write a file whole, so that a reader finds either the old or the new one."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text)
    beside.replace(path)
