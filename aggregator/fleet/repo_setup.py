"""What is done on the forge so that one node can push to one repo, each step only where it is due.

A step that is done already changes nothing, so whatever was interrupted is run again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from aggregator.config.registration import RegisteredRepo, repo_name
from aggregator.config.sections import ForgeConfig
from aggregator.fleet.node_keys import FleetError, fingerprint, is_same_key
from aggregator.forge.interface import Forge, ForgeRepo, Hook, Protection, RefusedError

BRANCH: Final = "main"
"""The branch that nodes push and that is protected."""

EVENT: Final = "push"


class Done(StrEnum):
    """What a step came to."""

    MADE = "made"
    MENDED = "mended"
    UNCHANGED = "unchanged"
    TAKEN_AWAY = "taken away"


class Step(NamedTuple):
    """One thing that is as it should be now.

    Attributes:
        what: which thing: `repo`, `deploy key`, ...
        name: which one of them.
        done: what had to be done for it.
    """

    what: str
    name: str
    done: Done


Say = Callable[[Step], object]


class Target(NamedTuple):
    """Which repo is to be had.

    Attributes:
        name: what the forge calls it.
        registered: what is registered of it; None for a new one.
        adopt: take whatever repo has that name, or make one, even where the registration names
            another.
    """

    name: str
    registered: RegisteredRepo | None = None
    adopt: bool = False


@dataclass(frozen=True)
class RepoSetup:
    """The steps.

    Attributes:
        forge: where.
        config: what it should be like there.
        say: told of each step.
    """

    forge: Forge
    config: ForgeConfig
    say: Say

    def repo(self, target: Target) -> ForgeRepo:
        """Have a private repo that takes pushes.

        Raises:
            FleetError: another repo has its name, or it went elsewhere.
            ForgeError: see there.
        """
        name, found = target.name, self.forge.find_repo(target.name)
        if not target.adopt:
            self._check(target, found)
        if found is None:
            made = self.forge.create_repo(name, BRANCH)
            self.say(Step("repo", name, Done.MADE))
            return made
        if found.archived:
            self.forge.set_archived(name, archived=False)
            self.say(Step("repo taken out of the archive", name, Done.MENDED))
        self.private(found)
        return found

    def private(self, repo: ForgeRepo) -> None:
        """Let only those see a repo who have a right to it."""
        if not repo.private:
            self.forge.set_private(repo.name)
        self.say(Step("repo", repo.name, Done.UNCHANGED if repo.private else Done.MENDED))

    def _check(self, target: Target, found: ForgeRepo | None) -> None:
        if target.registered is None:
            if found is not None and not found.empty:
                raise FleetError(
                    f"the forge has a repo {target.name} already, and it is not empty",
                    hint="look at what is in it; --adopt takes it as this node's",
                )
        elif found is None or found.id != target.registered.forge_id:
            raise self._gone(target, target.registered.forge_id)

    def _gone(self, target: Target, forge_id: int) -> FleetError:
        """Tell a repo that was renamed from one that was deleted."""
        adopt = "or let --adopt take the repo that has its name now, or make one"
        for repo in self.forge.list_repos().repos:
            if repo.id == forge_id:
                return FleetError(
                    f"the forge calls repo {forge_id} {repo.name} now, not {target.name}",
                    hint=f"rename it back there, {adopt}",
                )
        return FleetError(
            f"{target.name} is not the repo {forge_id} any more that was registered",
            hint=f"put that one back on the forge, {adopt}",
        )

    def deploy_key(self, name: str, node: str, line: str) -> None:
        """Let a key push to a repo.

        Raises:
            FleetError: the forge knows the key as one of a user.
            ForgeError: see there.
        """
        found = [key for key in self.forge.deploy_keys(name) if is_same_key(key.key, line)]
        able = [key for key in found if not key.read_only]
        shown = f"{fingerprint(line)} of {name}"
        if able:
            self.say(Step("deploy key", shown, Done.UNCHANGED))
            return
        for key in found:
            self.forge.delete_deploy_key(name, key.id)
        try:
            self.forge.add_deploy_key(name, f"{node} {fingerprint(line)}", line)
        except RefusedError as error:
            raise FleetError(
                f"the forge does not take the key: {error}",
                hint="it must be the node's own, and none of a user of the forge",
            ) from error
        self.say(Step("deploy key", shown, Done.MENDED if found else Done.MADE))

    def no_deploy_keys(self, name: str, lines: frozenset[str]) -> None:
        """Take keys away from a repo, all of them that are there."""
        for key in self.forge.deploy_keys(name):
            if any(is_same_key(key.key, line) for line in lines):
                self.forge.delete_deploy_key(name, key.id)
                self.say(Step("deploy key", f"{fingerprint(key.key)} of {name}", Done.TAKEN_AWAY))

    def protection(self, name: str) -> None:
        """Let deploy keys alone push to the branch, and never by force."""
        found = self.forge.protection(name, BRANCH)
        done = Done.UNCHANGED
        if found is None or weaknesses(found, self.config):
            self.forge.protect(name, BRANCH)
            done = Done.MADE if found is None else Done.MENDED
        self.say(Step("protection", f"{BRANCH} of {name}", done))

    def hook(self, secret: str | None, *, anew: bool = False) -> None:
        """Have the organisation's webhook, if the configuration wants one.

        Args:
            secret: what the forge signs with; None without a listener that could check it.
            anew: make it even if it looks right: its secret cannot be seen.
        """
        url = self.config.webhook_url
        if url is None or secret is None:
            return
        found = [hook for hook in self.forge.hooks() if hook.url == url]
        if not anew and len(found) == 1 and not hook_faults(found[0]):
            self.say(Step("webhook", url, Done.UNCHANGED))
            return
        self.forge.set_hook(url, secret, BRANCH)
        self.say(Step("webhook", url, Done.MENDED if found else Done.MADE))


def weaknesses(found: Protection, config: ForgeConfig) -> list[str]:
    """What of a branch's rule is not as it should be; empty when all of it is."""
    faults = {
        "nobody may push": not found.enable_push,
        "everybody with write access may push": not found.enable_push_whitelist,
        "deploy keys may not push": not found.push_whitelist_deploy_keys,
        "it may be pushed by force": bool(found.enable_force_push),
        f"{', '.join(found.others_may_push)} may push": bool(found.others_may_push),
        "only signatures of the forge's own users are taken": (
            found.require_signed_commits and not config.require_signed_commits
        ),
        "unsigned commits are taken": (
            config.require_signed_commits and not found.require_signed_commits
        ),
    }
    return [fault for fault, is_so in faults.items() if is_so]


def hook_faults(hook: Hook) -> list[str]:
    """What of the webhook is not as it should be; empty when all of it is."""
    faults = {
        "it is not active": not hook.active,
        f"it is of kind {hook.kind}": hook.kind not in {"forgejo", "gitea"},
        f"it is sent for {', '.join(hook.events) or 'nothing'}": hook.events != (EVENT,),
        f"it is sent for branches {hook.branch_filter}": (
            hook.branch_filter not in {BRANCH, "", "*"}
        ),
        f"its content is {hook.content_type}": hook.content_type != "json",
    }
    return [fault for fault, is_so in faults.items() if is_so]


class Closing:
    """Ends what was set up; what is gone already is no error.

    Args:
        forge: where the repos are.
        setup: takes keys away.
        say: told of each step.
    """

    def __init__(self, forge: Forge, setup: RepoSetup, say: Say) -> None:
        self._forge = forge
        self._setup = setup
        self._say = say

    def end_keys(self, registered: RegisteredRepo, lines: frozenset[str]) -> ForgeRepo | None:
        """Let these keys push to a repo no more; returns the repo, None when it is gone."""
        repo = find_registered(self._forge, registered)
        if repo is None:
            self._say(Step("repo is gone", repo_name(registered), Done.UNCHANGED))
        else:
            self._setup.no_deploy_keys(repo.name, lines)
        return repo

    def shut(self, registered: RegisteredRepo, lines: frozenset[str]) -> None:
        """Let a repo take no pushes at all, and these keys open it no more."""
        repo = self.end_keys(registered, lines)
        if repo is None:
            return
        if not repo.archived:
            self._forge.set_archived(repo.name, archived=True)
        done = Done.UNCHANGED if repo.archived else Done.MADE
        self._say(Step("archived", repo.name, done))


def find_registered(forge: Forge, registered: RegisteredRepo) -> ForgeRepo | None:
    """A registered repo, whatever the forge calls it now; None when it is gone."""
    found = forge.find_repo(repo_name(registered))
    if found is not None and found.id == registered.forge_id:
        return found
    listed = forge.list_repos().repos
    return next((repo for repo in listed if repo.id == registered.forge_id), None)
