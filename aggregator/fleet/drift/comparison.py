"""Asks the forge for everything that was set up there, and compares it with what it should be."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from aggregator.config.naming import node_repo
from aggregator.config.nodes_dir import Registered
from aggregator.config.registration import RegisteredRepo
from aggregator.config.sections import ForgeConfig
from aggregator.config.settings import Config
from aggregator.fleet.drift.differences import (
    Drift,
    What,
    drifts_of_hooks,
    drifts_of_repo,
)
from aggregator.fleet.drift.expected import (
    Details,
    Expected,
    expected_repos,
    expected_tables,
)
from aggregator.fleet.identity import Found, Listed
from aggregator.fleet.listing import judge_listing
from aggregator.fleet.reading import read_repo
from aggregator.fleet.setup.locating import not_allowed
from aggregator.fleet.setup.registry import forge_config
from aggregator.forge.interface import (
    Forge,
    ForgeError,
    ForgeRepo,
    Listing,
    NotThereError,
    RateLimitedError,
)
from aggregator.forge.people import Team
from gitmeter.signing.allowed_signers import load_allowed_signers
from gitmeter.support.errors import GitmeterError, with_hint
from gitmeter.support.terminal import pasted

OnProgress = Callable[[int, int], object]

_UNSEEN_MAX: Final = 5
"""If none of the first repos can be looked at, the reason is one for all: the others are not asked
about."""


class Checked(NamedTuple):
    """The result of a check.

    Attributes:
        drifts: the differences that were found.
        unseen: a sentence for each repo that could not be looked at, by its name in the
            configuration; under `""` for the organisation as a whole. What is known of them from
            an earlier check is still valid.
        readers: the names of the teams that may read repos of the organisation, and not write.
    """

    drifts: tuple[Drift, ...]
    unseen: dict[str, str]
    readers: tuple[str, ...] = ()


class Subject(NamedTuple):
    """A repo to compare.

    Attributes:
        expected: how it should be.
        entry: what is registered of it; None for a `[[repo]]` table.
    """

    expected: Expected
    entry: RegisteredRepo | None

    def find(self, listed: Listed) -> Found:
        """The repo in a list."""
        return (
            listed.find(self.entry.on_forge)
            if self.entry
            else listed.find_named(self.expected.forge_name)
        )


def check(
    forge: Forge,
    config: Config,
    registered: Registered,
    on_progress: OnProgress = lambda _done, _total: None,
    between: Callable[[], object] = lambda: None,
) -> Checked:
    """Compare everything that was set up on the forge with what is there now.

    Makes four requests and one of git for each repo that takes pushes. Uses no database and may run
    in a thread.

    Args:
        forge: the forge to ask.
        config: the configuration: its `[forge]` table and its `[[repo]]` tables.
        registered: the registered nodes, and what is wrong with other registrations.
        on_progress: called with the number of repos done, and of all repos.
        between: called before each repo but the first, and before a request is repeated.

    Raises:
        ForgeError: the forge does not list its repos, or asks to wait.
        FleetError: no forge is configured.
        AllowedSignersError: the allowed signers cannot be used.
    """
    wanted = forge_config(config)
    signers = load_allowed_signers(config.allowed_signers_file)
    subjects = [
        Subject(expected, entry)
        for node in registered.nodes.values()
        for entry, expected in expected_repos(node)
    ]
    subjects += [Subject(table, None) for table in expected_tables(config, wanted, signers)]
    return _Comparison(forge, config, wanted, between).run(subjects, registered, on_progress)


class _Comparison:
    """One check."""

    def __init__(
        self, forge: Forge, config: Config, wanted: ForgeConfig, between: Callable[[], object]
    ) -> None:
        self._forge = forge
        self._config = config
        self._wanted = wanted
        self._between = between
        self._teams: tuple[Team, ...] = ()
        self._unseen: dict[str, str] = {}

    def run(
        self, subjects: list[Subject], registered: Registered, on_progress: OnProgress
    ) -> Checked:
        listing = self._forge.list_repos()
        listed = Listed(listing.repos)
        hooks = self._of_organisation()
        details, not_there = self._look(subjects, listed, on_progress)
        if not_there:
            listed = self._list_again(not_there)
        found = [
            drift
            for subject in subjects
            for drift in drifts_of_repo(
                subject.expected,
                subject.find(listed),
                details.get(subject.expected.name),
                self._wanted,
            )
        ]
        found += hooks
        found += pending(listing, self._config, registered)
        found += [_bad_registration(node, error) for node, error in registered.faults.items()]
        readers = tuple(sorted(team.name for team in self._teams if not team.may_write))
        return Checked(tuple(found), self._unseen, readers)

    def _of_organisation(self) -> tuple[Drift, ...]:
        """What is wrong with the organisation's webhooks; also reads its teams."""
        try:
            self._teams = self._forge.teams()
            hooks = self._forge.hooks() if self._wanted.webhook_url is not None else ()
        except ForgeError as error:
            self._unseen[""] = with_hint(error)
            return ()
        return tuple(drifts_of_hooks(hooks, self._wanted))

    def _look(
        self, subjects: Iterable[Subject], listed: Listed, on_progress: OnProgress
    ) -> tuple[dict[str, Details], list[Subject]]:
        """Ask about each repo; returns what is known of each, and those that answer 404."""
        asked = [
            (subject, repo)
            for subject in subjects
            if not subject.expected.is_over and (repo := subject.find(listed).repo) is not None
        ]
        details: dict[str, Details] = {}
        not_there: list[Subject] = []
        reason = ""
        for done, (subject, repo) in enumerate(asked, start=1):
            name = subject.expected.name
            if done > 1:
                self._between()
            if done > _UNSEEN_MAX and not details and reason:
                self._unseen[name] = reason
            elif done > _UNSEEN_MAX and not details:
                not_there.append(subject)
            else:
                try:
                    details[name] = self._details(subject.expected, repo)
                except NotThereError:
                    not_there.append(subject)
                except RateLimitedError:
                    raise  # all others would get the same answer
                except GitmeterError as error:
                    self._unseen[name] = reason = with_hint(error)
            on_progress(done, len(asked))
        return details, not_there

    def _list_again(self, not_there: Iterable[Subject]) -> Listed:
        """Tell repos that were deleted meanwhile from those that may not be looked at."""
        listed = Listed(self._forge.list_repos().repos)
        error: NotThereError | None = None
        for subject in not_there:
            if subject.find(listed).repo is not None:
                name = subject.expected.forge_name
                error = error or not_allowed(self._forge, self._wanted, name)
                self._unseen[subject.expected.name] = with_hint(error)
        return listed

    def _details(self, expected: Expected, repo: ForgeRepo) -> Details:
        try:
            return self._ask(expected, repo)
        except GitmeterError as error:
            if not error.retry or isinstance(error, RateLimitedError):
                raise
        self._between()
        return self._ask(expected, repo)

    def _ask(self, expected: Expected, repo: ForgeRepo) -> Details:
        name = repo.name
        inspected = self._forge.inspect(name)
        writers = tuple(
            team
            for team in self._teams
            if team.may_write and (team.repos is None or name in team.repos)
        )
        return Details(inspected, writers, read_repo(repo, self._wanted, expected.branch))


def pending(listing: Listing, config: Config, registered: Registered) -> Iterator[Drift]:
    """Repos that are named like a node's and that no registration names. Pure."""
    wanted = forge_config(config)
    repos = [repo for repo in config.repo if repo.forge_id is None]
    repos += [repo for node in registered.nodes.values() for repo in node.as_repos(wanted)]
    for name, sentence in judge_listing(listing, repos, wanted.pattern).pending.items():
        owner = node_repo(wanted.pattern, name)
        if owner is not None and owner.node in registered.faults:
            continue  # its registration is there, and cannot be used
        command = pasted("aggregator", "node", "accept", "NODE", "--repo", name, "--key", "LINE")
        remedy = f"`{command}`, or delete it"
        yield Drift(name, What.PENDING, "registered repos alone", sentence, remedy)


def _bad_registration(node: str, error: GitmeterError) -> Drift:
    remedy = error.hint or "correct the file"
    return Drift(node, What.REGISTRATION, "one that can be used", str(error), remedy)
