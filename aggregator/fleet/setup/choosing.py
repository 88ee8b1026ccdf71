"""Which repo of the forge an action on a node works on: registered, new or adopted."""

import secrets
from collections.abc import Mapping, Sequence

from aggregator.config.naming import forge_name
from aggregator.config.registration import RegisteredRepo, Registration
from aggregator.fleet.history import Histories, Kind
from aggregator.fleet.node_keys import FleetError
from aggregator.fleet.setup.locating import Locator
from aggregator.fleet.setup.registry import Roster, forge_config
from aggregator.fleet.setup.repo_setup import BRANCH, Done, RepoSetup, Step
from aggregator.forge.interface import Forge, ForgeRepo


class RepoChoice:
    """Chooses repos; makes one where that is what was asked for.

    Args:
        forge: the forge with the repos.
        roster: the registrations.
        setup: the steps on one repo.

    Attributes:
        locator: finds registered repos.
    """

    def __init__(self, forge: Forge, roster: Roster, setup: RepoSetup) -> None:
        self._forge = forge
        self._roster = roster
        self._setup = setup
        self._histories = Histories(forge, roster.config)
        self.locator = Locator(forge, forge_config(roster.config), self._histories, roster.on_step)

    def take_or_make(
        self, known: Registration, local: str, *, adopt: bool = False
    ) -> tuple[Registration, ForgeRepo]:
        """Use the repo with the name that a node's repo has, or make one.

        Without `adopt` only a repo that this action made is used: who makes a repo is its
        administrator, and could read and change what is in it.
        """
        named = {repo.name: repo.forge_name for repo in known.repos}
        name = named.get(local) or forge_name(forge_config(self._roster.config).pattern, local)
        found = self._forge.find_repo(name)
        if found is None:
            known = self._roster.write_mark(known, secrets.token_hex(8))
            return known, self._setup.make(name, str(known.making))
        if adopt:
            self._adopt(known, local, found)
        elif known.making is None or found.description != known.making:
            content = "" if found.empty else ", and it is not empty"
            raise FleetError(
                f"the forge has a repo {name} already that was not made by this command{content}",
                hint="find out who made it and what is in it; --adopt uses it for this node",
            )
        if local not in named:
            self._roster.local_name(known.node, found)
        self._roster.check_free(known.node, local, found)
        return known, self._setup.take(found)

    def _adopt(self, known: Registration, local: str, found: ForgeRepo) -> None:
        """Say what is known of the history of a repo that takes the place of another."""
        if local in {repo.name for repo in known.repos}:
            history = self._histories.look(local, found, BRANCH)
            if history.kind in {Kind.ANOTHER, Kind.UNKNOWN}:
                self._roster.on_step(Step("another history", history.sentence, Done.UNCHANGED))

    def present(
        self, known: Registration, registered: RegisteredRepo
    ) -> tuple[Registration, ForgeRepo]:
        """A registered repo, ready for pushes."""
        known, repos = self.certain(known, [registered])
        if not repos:
            raise FleetError(
                f"{registered.forge_name} is no longer repo {registered.forge_id}, which was"
                " registered",
                hint="put that one back on the forge; or, if the forge was moved or restored,"
                " `aggregator forge move`; or let --adopt use the repo that has its name now, or"
                " make one",
            )
        return known, self._setup.take(repos[0])

    def certain(
        self, known: Registration, repos: Sequence[RegisteredRepo]
    ) -> tuple[Registration, list[ForgeRepo]]:
        """The repos that are there, and the registration with their creation times.

        Raises:
            FleetError: one is not certain to be the registered one.
        """
        found = self.locator.certain(known, repos)
        for registered in repos:
            if found[registered.name] is None:
                self._roster.on_step(Step("repo is gone", registered.forge_name, Done.UNCHANGED))
        return _dated(known, found), [repo for repo in found.values() if repo is not None]


def _dated(known: Registration, found: Mapping[str, ForgeRepo | None]) -> Registration:
    """A registration with the creation times that an earlier version did not write."""
    repos = tuple(
        repo
        if (on_forge := found.get(repo.name)) is None
        else repo.model_copy(update={"created_at": on_forge.created_at})
        for repo in known.repos
    )
    return known.model_copy(update={"repos": repos})
