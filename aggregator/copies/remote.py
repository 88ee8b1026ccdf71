"""The copy remote: a repo of the operator's own that has every commit that was billed.

One repo for all mirrors, with two kinds of refs, which no forge shows as branches:

- `refs/accepted/<repo>/applied`: the cursor of a repo;
- `refs/accepted/<repo>/kept/<commit>`: a kept tip, replaced by an accepted rewrite.

No ref there is ever deleted. `applied` moves otherwise than fast-forward only if a kept tip
contains the commit that it named before.
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
"""Refs in a mirror for what is fetched from the copy remote, until lost commits are recovered."""

_LINE: Final = re.compile(
    rf"({fields.COMMIT_PATTERN})\t{_ROOT}([^/\s]+)/(?:(applied)|kept/({fields.COMMIT_PATTERN}))"
)
_PUSH_TIMEOUT_S: Final = 3600


class CopyConflictError(RemoteError):
    """The copy remote has as billed a commit that this ledger does not know."""

    retry = False


class CopyRemote:
    """The copy remote of a configuration.

    Args:
        config: the configuration, with the copy remote's address and the limits on fetching.

    Attributes:
        url: the copy remote's address.

    Raises:
        RemoteConfigError: the configuration names no copy remote.
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
        """Return the accepted tips that the copy remote has, by repo name.

        Raises:
            RemoteError: the copy remote cannot be read.
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
        """Push the accepted tips of one repo, kept tips first.

        Args:
            mirror: the mirror that has the commits.
            name: the repo's name.
            tips: the accepted tips of the repo.
            there: the accepted tips that the copy remote has of it; None for none.

        Raises:
            CopyConflictError: the copy remote has as billed a commit that these tips do not reach.
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
                hint="an older state was restored: `aggregator restore --from-copy --force` brings"
                " back what was billed since",
            )

    def fetch_tips(self, mirror: Path, name: str) -> None:
        """Fetch the accepted tips of a repo into an empty mirror, as that mirror's own.

        Raises:
            RemoteError: they cannot be fetched.
        """
        self._fetch(mirror, f"+{_ref(name)}/applied:{APPLIED_REF}")
        self._fetch(mirror, f"+{_ref(name)}/kept/*:{KEPT_REFS}*")

    def fetch_beside(self, mirror: Path, name: str) -> None:
        """Fetch the accepted tips of a repo into a mirror, under `COPIED_REFS`.

        Raises:
            RemoteError: they cannot be fetched.
        """
        self._fetch(mirror, f"+{_ref(name)}/*:{COPIED_REFS}*")

    def _push(self, mirror: Path, *refspecs: str, options: tuple[str, ...] = ()) -> None:
        refused = push(
            *(self._remote, mirror, refspecs),
            timeout_s=_PUSH_TIMEOUT_S,
            options=options,
            memory_bytes_max=self._config.fetch_memory_bytes_max,
        )
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
    """The refs of a repo; dots are escaped because git refuses `..` and a final `.lock` in refs."""
    return _ROOT + name.replace(".", "%2e")


def _builds_on(mirror: Mirror, tips: Iterable[str], commit: str) -> bool:
    with mirror.reading():
        return mirror.has_commit(commit) and any(
            tip == commit or mirror.repository.descendant_of(tip, commit) for tip in tips
        )
