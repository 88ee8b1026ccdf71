"""What ends on the forge when a key is closed, a repo is left behind, or a node retires."""

from aggregator.config.registration import RegisteredRepo
from aggregator.fleet.registry import repo_name
from aggregator.fleet.repo_setup import Done, RepoSetup, Say, Step
from aggregator.forge.interface import Forge, ForgeRepo


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
