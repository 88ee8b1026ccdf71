"""The steps on the forge by which one node can push to one repo; each does only what is missing.

A step that is done already changes nothing, so an interrupted setup is simply run again.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from aggregator.config.sections import ForgeConfig
from aggregator.fleet.node_keys import FleetError, fingerprint, is_same_key
from aggregator.fleet.protection import (
    OTHERS,
    acting_rule,
    open_rules,
    others_are_closed,
    weaknesses,
)
from aggregator.fleet.reading import read_repo
from aggregator.forge.interface import (
    Forge,
    ForgeRepo,
    Hook,
    NotThereError,
    Protection,
    RefusedError,
)

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

    def make(self, name: str, mark: str) -> ForgeRepo:
        """Create a private, empty repo.

        Args:
            name: its name on the forge.
            mark: its description, by which it is recognised if this is interrupted.
        """
        self.forge.create_repo(name, BRANCH, mark)
        self.forge.close_to_people(name)
        made = self.forge.find_repo(name)
        if made is None:
            raise NotThereError(
                f"{name} was made, and the forge answers that it is not there",
                hint=f"may the user of the token in {self.config.token_file} look at it?",
            )
        self.on_step(Step("repo", name, Done.MADE))
        return made

    def take(self, repo: ForgeRepo) -> ForgeRepo:
        """Make sure that a repo takes pushes, is private and has no pull requests."""
        if repo.archived:
            self.forge.set_archived(repo.name, archived=False)
            self.on_step(Step("repo unarchived", repo.name, Done.UPDATED))
        self.close_to_people(repo)
        return repo

    def close_to_people(self, repo: ForgeRepo) -> None:
        """Make a repo private, without pull requests."""
        is_closed = repo.private and not repo.has_pull_requests
        if not is_closed:
            self.forge.close_to_people(repo.name)
        self.on_step(Step("repo", repo.name, Done.UNCHANGED if is_closed else Done.UPDATED))

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
        self._remove_keys(name, lambda key: _has(lines, key))

    def no_other_deploy_keys(self, name: str, lines: Collection[str]) -> None:
        """Remove all keys but these from a repo."""
        self._remove_keys(name, lambda key: not _has(lines, key))

    def _remove_keys(self, name: str, is_unwanted: Callable[[str], bool]) -> None:
        for key in self.forge.deploy_keys(name):
            if is_unwanted(key.key):
                self.forge.delete_deploy_key(name, key.id)
                self.on_step(Step("deploy key", f"{fingerprint(key.key)} of {name}", Done.REMOVED))

    def shut(self, repo: ForgeRepo, lines: frozenset[str]) -> None:
        """Archive a repo, so that it takes no pushes, and remove these keys from it."""
        self.no_deploy_keys(repo.name, lines)
        if not repo.archived:
            self.forge.set_archived(repo.name, archived=True)
        self.on_step(Step("archived", repo.name, Done.UNCHANGED if repo.archived else Done.MADE))

    def protection(self, name: str) -> None:
        """Let deploy keys alone push to the branch, never by force, and to nothing else.

        Raises:
            FleetError: another rule goes before it.
            ForgeError: the forge does not answer, or refuses.
        """
        before = self.forge.rules(name)
        done = Done.UNCHANGED
        if not self._is_protected(before):
            self._protect(name, before)
            done = Done.UPDATED if any(rule.rule_name == BRANCH for rule in before) else Done.MADE
        self.forge.protect_tags(name)
        self.on_step(Step("protection", f"{BRANCH} of {name}", done))

    def _is_protected(self, rules: tuple[Protection, ...]) -> bool:
        acting = acting_rule(rules, BRANCH)
        is_strong = acting is not None and not weaknesses(acting, self.config)
        return is_strong and others_are_closed(rules)

    def _protect(self, name: str, before: tuple[Protection, ...]) -> None:
        if any(rule.rule_name == OTHERS for rule in before):
            self.forge.delete_rule(name, OTHERS)  # on Gitea it would go before a newer rule
        self.forge.protect(name, BRANCH, keys_may_push=True)
        self.forge.protect(name, OTHERS, keys_may_push=False)
        after = self.forge.rules(name)
        if not self._is_protected(after):
            rules = ", ".join(open_rules(after, BRANCH, self.config)) or "none"
            raise FleetError(
                f"the rule {rules} of {name} goes before those for {BRANCH} and {OTHERS}",
                hint=f"delete it in the settings of {name} on the forge, and run this again",
            )

    def check_readable(self, repo: ForgeRepo) -> None:
        """Refuse a repo that git cannot read.

        Raises:
            FleetError: git cannot read it; has git's and the forge's own words.
            RemoteError: the forge does not answer git now.
        """
        error = read_repo(repo, self.config, BRANCH).error
        if error is not None:
            raise FleetError(
                f"git cannot read {repo.name}: {error}",
                hint=error.hint or "nothing of it can be billed until git can read it",
            ) from error

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


def _has(lines: Collection[str], key: str) -> bool:
    return any(is_same_key(key, line) for line in lines)


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
