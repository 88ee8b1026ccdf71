"""The steps on the forge by which one node can push to one repo; each does only what is missing.

A step that is done already changes nothing, so an interrupted setup is simply run again.
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
    """The result of a step."""

    MADE = "made"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"


class Step(NamedTuple):
    """One thing that is as it should be now.

    Attributes:
        what: the kind of thing: `repo`, `deploy key`, ...
        name: its name.
        done: what was done to it.
    """

    what: str
    name: str
    done: Done


OnStep = Callable[[Step], object]


class Target(NamedTuple):
    """The repo that a node is to push to.

    Attributes:
        name: its name on the forge.
        registered: its entry in the registration; None for a new repo.
        adopt: use whatever repo has that name, or make one, even if another is registered.
    """

    name: str
    registered: RegisteredRepo | None = None
    adopt: bool = False


@dataclass(frozen=True)
class RepoSetup:
    """The steps.

    Attributes:
        forge: the forge to change.
        config: the `[forge]` table, which says how it should be.
        on_step: called after each step.
    """

    forge: Forge
    config: ForgeConfig
    on_step: OnStep

    def repo(self, target: Target) -> ForgeRepo:
        """Make sure that there is a private repo that takes pushes.

        Raises:
            FleetError: another repo has its name, or it was renamed or deleted.
            ForgeError: the forge does not answer, or refuses.
        """
        name, found = target.name, self.forge.find_repo(target.name)
        if not target.adopt:
            self._check(target, found)
        if found is None:
            made = self.forge.create_repo(name, BRANCH)
            self.on_step(Step("repo", name, Done.MADE))
            return made
        if found.archived:
            self.forge.set_archived(name, archived=False)
            self.on_step(Step("repo unarchived", name, Done.UPDATED))
        self.private(found)
        return found

    def private(self, repo: ForgeRepo) -> None:
        """Make a repo private."""
        if not repo.private:
            self.forge.set_private(repo.name)
        self.on_step(Step("repo", repo.name, Done.UNCHANGED if repo.private else Done.UPDATED))

    def _check(self, target: Target, found: ForgeRepo | None) -> None:
        if target.registered is None:
            if found is not None and not found.empty:
                raise FleetError(
                    f"the forge has a repo {target.name} already, and it is not empty",
                    hint="check what is in it; --adopt uses it for this node",
                )
        elif found is None or found.id != target.registered.forge_id:
            raise self._gone(target, target.registered.forge_id)

    def _gone(self, target: Target, forge_id: int) -> FleetError:
        """The error for a registered repo that was renamed or deleted."""
        adopt = "or let --adopt use the repo that has its name now, or make one"
        for repo in self.forge.list_repos().repos:
            if repo.id == forge_id:
                return FleetError(
                    f"repo {forge_id} is named {repo.name} on the forge now, not {target.name}",
                    hint=f"rename it back there, {adopt}",
                )
        return FleetError(
            f"{target.name} is no longer repo {forge_id}, which was registered",
            hint=f"put that one back on the forge, {adopt}",
        )

    def deploy_key(self, name: str, node: str, line: str) -> None:
        """Let a key push to a repo.

        Raises:
            FleetError: the forge refuses the key: it belongs to one of its users.
            ForgeError: the forge does not answer, or refuses.
        """
        found = [key for key in self.forge.deploy_keys(name) if is_same_key(key.key, line)]
        able = [key for key in found if not key.read_only]
        shown = f"{fingerprint(line)} of {name}"
        if able:
            self.on_step(Step("deploy key", shown, Done.UNCHANGED))
            return
        for key in found:
            self.forge.delete_deploy_key(name, key.id)
        try:
            self.forge.add_deploy_key(name, f"{node} {fingerprint(line)}", line)
        except RefusedError as error:
            raise FleetError(
                f"the forge refuses the key: {error}",
                hint="it must be the node's own, and not that of a user of the forge",
            ) from error
        self.on_step(Step("deploy key", shown, Done.UPDATED if found else Done.MADE))

    def no_deploy_keys(self, name: str, lines: frozenset[str]) -> None:
        """Remove these keys from a repo, as far as it has them."""
        for key in self.forge.deploy_keys(name):
            if any(is_same_key(key.key, line) for line in lines):
                self.forge.delete_deploy_key(name, key.id)
                self.on_step(Step("deploy key", f"{fingerprint(key.key)} of {name}", Done.REMOVED))

    def protection(self, name: str) -> None:
        """Let deploy keys alone push to the branch, and never by force."""
        found = self.forge.protection(name, BRANCH)
        done = Done.UNCHANGED
        if found is None or weaknesses(found, self.config):
            self.forge.protect(name, BRANCH)
            done = Done.MADE if found is None else Done.UPDATED
        self.on_step(Step("protection", f"{BRANCH} of {name}", done))

    def hook(self, secret: str | None, *, replace: bool = False) -> None:
        """Make sure that the organisation has the webhook, if one is configured.

        Args:
            secret: the secret that the forge signs with; None without a listener to verify it.
            replace: replace it even if it looks right, because its secret cannot be read.
        """
        url = self.config.webhook_url
        if url is None or secret is None:
            return
        found = [hook for hook in self.forge.hooks() if hook.url == url]
        if not replace and len(found) == 1 and not hook_faults(found[0]):
            self.on_step(Step("webhook", url, Done.UNCHANGED))
            return
        self.forge.set_hook(url, secret, BRANCH)
        self.on_step(Step("webhook", url, Done.UPDATED if found else Done.MADE))


def weaknesses(found: Protection, config: ForgeConfig) -> list[str]:
    """What is wrong with the rule of a branch; empty if nothing is."""
    faults = {
        "no one may push": not found.enable_push,
        "everyone with write access may push": not found.enable_push_whitelist,
        "deploy keys may not push": not found.push_whitelist_deploy_keys,
        "it may be pushed by force": bool(found.enable_force_push),
        f"{', '.join(found.others_may_push)} may push": bool(found.others_may_push),
        "only signatures of the forge's own users are accepted": (
            found.require_signed_commits and not config.require_signed_commits
        ),
        "unsigned commits are accepted": (
            config.require_signed_commits and not found.require_signed_commits
        ),
    }
    return [fault for fault, is_so in faults.items() if is_so]


def hook_faults(hook: Hook) -> list[str]:
    """What is wrong with the webhook; empty if nothing is."""
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
    """Undoes what was set up; what is gone already is not an error.

    Args:
        forge: the forge with the repos.
        setup: removes keys.
        on_step: called after each step.
    """

    def __init__(self, forge: Forge, setup: RepoSetup, on_step: OnStep) -> None:
        self._forge = forge
        self._setup = setup
        self._on_step = on_step

    def end_keys(self, registered: RegisteredRepo, lines: frozenset[str]) -> ForgeRepo | None:
        """Remove these keys from a repo; returns the repo, or None if it is gone."""
        repo = find_registered(self._forge, registered)
        if repo is None:
            self._on_step(Step("repo is gone", repo_name(registered), Done.UNCHANGED))
        else:
            self._setup.no_deploy_keys(repo.name, lines)
        return repo

    def shut(self, registered: RegisteredRepo, lines: frozenset[str]) -> None:
        """Archive a repo, so that it takes no pushes, and remove these keys from it."""
        repo = self.end_keys(registered, lines)
        if repo is None:
            return
        if not repo.archived:
            self._forge.set_archived(repo.name, archived=True)
        done = Done.UNCHANGED if repo.archived else Done.MADE
        self._on_step(Step("archived", repo.name, done))


def find_registered(forge: Forge, registered: RegisteredRepo) -> ForgeRepo | None:
    """A registered repo, whatever its name on the forge is now; None if it is gone."""
    found = forge.find_repo(repo_name(registered))
    if found is not None and found.id == registered.forge_id:
        return found
    listed = forge.list_repos().repos
    return next((repo for repo in listed if repo.id == registered.forge_id), None)
