"""The copy remote: a repo of the operator's own that has every commit that was billed.

One repo for all mirrors, with two kinds of refs that no forge shows as branches:

- `refs/accepted/<repo>/applied`: the cursor of a repo;
- `refs/accepted/<repo>/kept/<commit>`: a tip that an accepted rewrite left behind.

Nothing there is ever deleted, and `applied` goes anywhere but forward only where what it named
before is kept.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from aggregator.config.settings import Config
from aggregator.mirrors.mirror import APPLIED_REF, KEPT_REFS, Mirror, MirrorError
from cursors.tips import Tips
from gitmeter.git_remote.branch import fetch
from gitmeter.git_remote.failures import RemoteConfigError, RemoteError, failure
from gitmeter.git_remote.push import push
from gitmeter.git_remote.remote import environment
from gitmeter.git_remote.runner import run_git
from wire_format import fields

_ROOT: Final = "refs/accepted/"
COPIED_REFS: Final = "refs/aggregator/copied/"
"""Where what was fetched to look for lost commits lies, for as long as that takes."""

_LINE: Final = re.compile(
    rf"({fields.COMMIT_PATTERN})\t{_ROOT}([^/\s]+)/(?:(applied)|kept/({fields.COMMIT_PATTERN}))"
)
_PUSH_TIMEOUT_S: Final = 3600


class CopyConflictError(RemoteError):
    """The copy remote has a commit as billed that this ledger does not know."""

    retry = False


class CopyRemote:
    """The copy remote of a configuration.

    Args:
        config: names it, and has the limits.

    Attributes:
        url: where it is.

    Raises:
        RemoteConfigError: the configuration names none.
    """

    def __init__(self, config: Config) -> None:
        if config.copy_remote is None:
            raise RemoteConfigError(
                "no copy remote is configured", hint="add a [copy] table with its url"
            )
        self._config = config
        self._remote = config.copy_remote.remote
        self.url = self._remote.url

    def tips(self) -> dict[str, Tips]:
        """What it has of each repo, by name.

        Raises:
            RemoteError: it cannot be asked.
        """
        result = run_git(
            ["ls-remote", "--quiet", "--", self.url, f"{_ROOT}*"],
            timeout_s=self._config.connect_timeout_s,
            environment=environment(self._remote),
        )
        if result.returncode != 0:
            raise failure(self.url, result.stderr)
        cursors: dict[str, str] = {}
        kept: dict[str, set[str]] = {}
        for line in result.stdout.decode(errors="replace").splitlines():
            if found := _LINE.fullmatch(line):
                name = found[2].replace("%2e", ".")
                if found[3]:
                    cursors[name] = found[1]
                else:
                    kept.setdefault(name, set()).add(found[1])
        return {n: Tips(tip, frozenset(kept.get(n, ()))) for n, tip in cursors.items()}

    def push(self, mirror: Mirror, name: str, tips: Tips, there: Tips | None) -> None:
        """Bring the tips of one repo there.

        Args:
            mirror: has the commits.
            name: of the repo.
            tips: what is billed of it.
            there: what the copy remote has of it; None for nothing.

        Raises:
            CopyConflictError: it has a commit as billed that is not among these.
            MirrorError: the mirror lacks a tip.
            RemoteError: the push failed.
        """
        lacking = [tip for tip in (tips.cursor, *tips.kept) if not mirror.has_commit(tip)]
        if lacking:
            raise MirrorError(f"the mirror {mirror.path} lacks {', '.join(lacking)}")
        known = frozenset() if there is None else there.kept
        if kept := sorted(tips.kept - known):
            refspecs = [f"{tip}:{_ref(name)}/kept/{tip}" for tip in kept]
            self._push(mirror.path, *refspecs)
        applied = None if there is None else there.cursor
        if applied == tips.cursor:
            return
        refspec = f"{tips.cursor}:{_ref(name)}/applied"
        lease: tuple[str, ...] = ()
        if applied is not None and not _builds_on(mirror, [tips.cursor], applied):
            self._check_kept(mirror, name, tips, applied)
            lease = (f"--force-with-lease={_ref(name)}/applied:{applied}",)
        self._push(mirror.path, refspec, options=lease)

    def _check_kept(self, mirror: Mirror, name: str, tips: Tips, applied: str) -> None:
        if not _builds_on(mirror, tips.kept, applied):
            raise CopyConflictError(
                f"the copy remote has {applied} of {name} as billed, and this ledger does not know"
                " it",
                hint="an older state was put back: `aggregator restore --from-copy --force` brings"
                " back what was billed since",
            )

    def fetch_tips(self, mirror: Path, name: str) -> None:
        """Bring what it has of a repo into an empty mirror, as its accepted tips.

        Raises:
            RemoteError: it cannot be fetched.
        """
        self._fetch(mirror, f"+{_ref(name)}/applied:{APPLIED_REF}")
        self._fetch(mirror, f"+{_ref(name)}/kept/*:{KEPT_REFS}*")

    def fetch_beside(self, mirror: Path, name: str) -> None:
        """Bring what it has of a repo into a mirror, under `COPIED_REFS`.

        Raises:
            RemoteError: it cannot be fetched.
        """
        self._fetch(mirror, f"+{_ref(name)}/*:{COPIED_REFS}*")

    def _push(self, mirror: Path, *refspecs: str, options: tuple[str, ...] = ()) -> None:
        refused = push(self._remote, mirror, refspecs, timeout_s=_PUSH_TIMEOUT_S, options=options)
        if refused is not None:
            raise failure(self.url, f"{refused.reason}\n{refused.stderr}")

    def _fetch(self, repo_dir: Path, refspec: str) -> None:
        config = self._config
        fetch(
            self._remote,
            repo_dir,
            refspec,
            timeout_s=config.fetch_timeout_s,
            memory_bytes_max=config.fetch_memory_bytes_max,
            file_bytes_max=config.fetch_file_bytes_max,
        )


def _ref(name: str) -> str:
    """The refs of a repo; git takes no `..` and no `.lock` at the end of a name, we do."""
    return _ROOT + name.replace(".", "%2e")


def _builds_on(mirror: Mirror, tips: Iterable[str], commit: str) -> bool:
    with mirror.reading():
        return mirror.has_commit(commit) and any(
            tip == commit or mirror.repository.descendant_of(tip, commit) for tip in tips
        )
