"""Finds registered repos on the forge, and is certain of them or refuses.

Before a right is given or taken away, a repo must be the registered one by its number, creation
time and name, and have the history that was billed.
"""

from collections.abc import Iterable
from functools import cached_property

from aggregator.config.registration import RegisteredRepo, Registration
from aggregator.config.sections import ForgeConfig
from aggregator.fleet.history import Histories, Kind
from aggregator.fleet.identity import FoundAs, Listed, agrees
from aggregator.fleet.node_keys import FleetError
from aggregator.fleet.setup.repo_setup import Done, OnStep, Step
from aggregator.forge.interface import Forge, ForgeRepo, NotThereError
from gitmeter.support.terminal import pasted

_CHECK_HINT = "`aggregator forge check` compares every registered repo with the forge"


class Locator:
    """Looks registered repos up.

    Args:
        forge: the forge to ask.
        config: the `[forge]` table, for hints.
        histories: compares what was billed with what the forge has.
        on_step: called where something could not be looked at.
    """

    def __init__(
        self, forge: Forge, config: ForgeConfig, histories: Histories, on_step: OnStep
    ) -> None:
        self._forge = forge
        self._config = config
        self._histories = histories
        self._on_step = on_step

    def certain(
        self, node: Registration, repos: Iterable[RegisteredRepo]
    ) -> dict[str, ForgeRepo | None]:
        """Find repos of a node, all before any of them is changed.

        Returns:
            Each repo by its name in the configuration; None for one that is gone.

        Raises:
            FleetError: one of them is not certain to be the registered one.
            ForgeError: the forge does not answer.
        """
        return {repo.name: self._certain(node.node, repo) for repo in repos}

    def _certain(self, node: str, registered: RegisteredRepo) -> ForgeRepo | None:
        repo = self._found(node, registered)
        if repo is not None:
            self.check_history(registered, repo)
        return repo

    def _found(self, node: str, registered: RegisteredRepo) -> ForgeRepo | None:
        name = registered.forge_name
        repo = self._forge.find_repo(name)
        if repo is not None and agrees(registered.on_forge, repo) and repo.name == name:
            return repo
        found = self._listed.find(registered.on_forge)
        match found.standing:
            case FoundAs.OURS:
                raise not_allowed(self._forge, self._config, name)
            case FoundAs.RENAMED if found.repo is not None:
                raise _renamed(node, registered, found.repo)
            case FoundAs.RENUMBERED if found.repo is not None:
                raise FleetError(
                    f"{name} is number {found.repo.id} on the forge now, not {registered.forge_id}",
                    hint="after a restored backup or a move `aggregator forge move` takes over the"
                    " new numbers",
                )
        return None

    def check_history(self, registered: RegisteredRepo, repo: ForgeRepo) -> None:
        """Refuse a repo with another history than the one that was billed.

        Raises:
            FleetError: it has another history, or neither that nor its creation time is known.
            ForgeError: the forge does not answer.
        """
        history = self._histories.look(registered.name, repo, registered.branch)
        if history.kind is Kind.ANOTHER:
            raise FleetError(
                f"{history.sentence}, so it is not this node's repo",
                hint=f"nothing was changed. {_CHECK_HINT}; `aggregator rewrites` shows a rewritten"
                " history",
            )
        if history.kind is Kind.UNKNOWN:
            if registered.created_at is None:
                raise FleetError(
                    history.sentence,
                    hint="the registration has no creation time of the repo either, so that nothing"
                    " proves that it is the node's: run this as a user who may read the ledger",
                )
            self._on_step(Step("history not compared", history.sentence, Done.UNCHANGED))

    @cached_property
    def _listed(self) -> Listed:
        return Listed(self._forge.list_repos().repos)


def not_allowed(forge: Forge, config: ForgeConfig, name: str) -> NotThereError:
    """The error for a repo that the forge lists, and answers 404 for."""
    user = forge.token_user()
    owner = f"the user of the token in {config.token_file}" + (f" ({user})" if user else "")
    return NotThereError(
        f"the forge lists {name} and answers that it is not there: {owner} may not look at it",
        hint="where the forge enforces a second factor (TWO_FACTOR_AUTH), that user needs one;"
        " otherwise give the user back the rights of an owner of the organisation",
    )


def _renamed(node: str, registered: RegisteredRepo, repo: ForgeRepo) -> FleetError:
    """The error for a repo that has another name now."""
    accept = pasted("aggregator", "node", "accept", node, "--repo", repo.name)
    return FleetError(
        f"repo {repo.id} is named {repo.name} on the forge now, not {registered.forge_name}",
        hint=f"rename it back there; or, if it is the node's, `{accept}` confirms its new name",
    )
