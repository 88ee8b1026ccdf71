"""Where the forge differs from what was set up there, and how to correct each difference.

Nothing here protects the ledger: signatures, cursors and registrations do. A drift can keep a node
from pushing, or let others push to its repo.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from aggregator.config.registration import RegisteredRepo, Registration, repo_name
from aggregator.config.sections import ForgeConfig
from aggregator.config.settings import Config
from aggregator.fleet.listing import judge_listing
from aggregator.fleet.node_keys import fingerprint, is_same_key
from aggregator.fleet.registry import forge_config
from aggregator.fleet.repo_setup import BRANCH, hook_faults, weaknesses
from aggregator.forge.interface import (
    DeployKey,
    Forge,
    ForgeRepo,
    Hook,
    Listing,
    NotThereError,
    Protection,
)
from gitmeter.support.terminal import pasted

OnProgress = Callable[[int, int], object]


class What(StrEnum):
    """The kinds of drift."""

    MISSING = "missing"
    RENAMED = "renamed"
    RECREATED = "made again"
    PUBLIC = "public"
    ARCHIVED = "archived"
    DEFAULT_BRANCH = "default branch"
    KEY_MISSING = "deploy key missing"
    KEY_READ_ONLY = "deploy key read-only"
    KEY_FOREIGN = "foreign deploy key"
    UNPROTECTED = "not protected"
    PROTECTION = "protection"
    HOOK_MISSING = "webhook missing"
    HOOK = "webhook"
    PENDING = "pending"
    RETIRED = "retired but open"


OF_LISTING: Final = frozenset({What.MISSING, What.RENAMED, What.RECREATED, What.PENDING})
"""The kinds that every listing of the daemon finds by itself."""


class Drift(NamedTuple):
    """One difference.

    Attributes:
        repo: the repo's name in the configuration; for a pending repo its name on the forge; empty
            for a difference of the whole organisation.
        what: its kind; a repo has at most one difference of each kind.
        expected: what it should be, in words.
        found: what it is, in words.
        remedy: what to do: a command, or a sentence.
    """

    repo: str
    what: What
    expected: str
    found: str
    remedy: str

    @property
    def sentence(self) -> str:
        """The difference in words."""
        return f"expected {self.expected}, found {self.found}; {self.remedy}"


class Checked(NamedTuple):
    """The result of a check.

    Attributes:
        drifts: the differences that were found.
        unseen: a sentence for each repo that could not be looked at, by its name in the
            configuration; under `""` for the organisation as a whole. What is known of them from
            an earlier check still stands.
    """

    drifts: tuple[Drift, ...]
    unseen: Mapping[str, str]


class Details(NamedTuple):
    """What the forge reports about one repo besides its entry in the list.

    Attributes:
        keys: its deploy keys.
        protection: the rule of the branch that is billed; None if there is none.
    """

    keys: tuple[DeployKey, ...]
    protection: Protection | None


class Seen(NamedTuple):
    """A registered repo on the forge.

    Attributes:
        repo: the repo with the registered number; None if it is gone.
        namesake: the repo that has its name now; None if there is none.
        details: more about it; None if that was not requested.
    """

    repo: ForgeRepo | None
    namesake: ForgeRepo | None
    details: Details | None


def check(
    forge: Forge,
    config: Config,
    registrations: Mapping[str, Registration],
    on_progress: OnProgress = lambda _done, _total: None,
) -> Checked:
    """Compare everything that was set up on the forge with what is there now.

    Makes two requests for each repo that takes pushes. Uses no database and may run in a thread.

    Args:
        forge: the forge to ask.
        config: the configuration: its `[forge]` table and its `[[repo]]` tables.
        registrations: the registered nodes, by name.
        on_progress: called with the number of repos done, and of all repos.

    Raises:
        ForgeError: an answer is missing, so the result would be incomplete.
        FleetError: no forge is configured.
    """
    wanted = forge_config(config)
    listing = forge.list_repos()
    listed = {repo.id: repo for repo in listing.repos}
    asked = [
        listed[entry.forge_id]
        for node in registrations.values()
        for entry in node.repos
        if not (node.retired_at or entry.closed_at) and entry.forge_id in listed
    ]
    details: dict[int, Details] = {}
    for done, repo in enumerate(asked, start=1):
        try:
            details[repo.id] = Details(
                forge.deploy_keys(repo.name), forge.protection(repo.name, BRANCH)
            )
        except NotThereError:  # it was deleted after it was listed
            del listed[repo.id]
        on_progress(done, len(asked))
    hooks = forge.hooks() if wanted.webhook_url is not None else ()
    by_name = {repo.name: repo for repo in listed.values()}
    found: list[Drift] = []
    for node in registrations.values():
        for entry in node.repos:
            namesake = by_name.get(repo_name(entry))
            seen = Seen(listed.get(entry.forge_id), namesake, details.get(entry.forge_id))
            found += drifts_of_repo(node, entry, seen, wanted)
    found += [*drifts_of_hooks(hooks, wanted), *pending(listing, config, registrations)]
    return Checked(tuple(found), {})


def drifts_of_repo(
    node: Registration, entry: RegisteredRepo, seen: Seen, wanted: ForgeConfig
) -> Iterator[Drift]:
    """Compare one registered repo. Pure."""
    name = repo_name(entry)
    if node.retired_at or entry.closed_at:
        if seen.repo is not None and not seen.repo.archived:
            option = "" if node.retired_at else f" --repo {entry.name}"
            remedy = f"`aggregator node retire {node.node}{option}` archives it"
            yield Drift(entry.name, What.RETIRED, "archived", "it takes pushes", remedy)
        return
    if seen.repo is None:
        yield _gone(node, entry, seen.namesake)
        return
    if seen.repo.name != name:
        command = pasted("aggregator", "node", "accept", node.node, "--repo", seen.repo.name)
        remedy = f"rename it back, or `{command}`"
        yield Drift(entry.name, What.RENAMED, name, seen.repo.name, remedy)
    is_newest = entry == node.repos[-1]
    yield from _settings(node, entry, seen.repo, is_newest=is_newest)
    if seen.details is not None and not seen.repo.archived:
        yield from _keys(node, entry, seen.details.keys, is_newest=is_newest)
        yield from _protection(node, entry, seen.details.protection, wanted)


def _gone(node: Registration, entry: RegisteredRepo, namesake: ForgeRepo | None) -> Drift:
    expected = f"{repo_name(entry)}, number {entry.forge_id}"
    remedy = f"put it back, or continue in another: `aggregator node add {node.node} --adopt`"
    if namesake is None:
        return Drift(entry.name, What.MISSING, expected, "no such repo", remedy)
    return Drift(entry.name, What.RECREATED, expected, f"number {namesake.id}", remedy)


def _settings(
    node: Registration, entry: RegisteredRepo, repo: ForgeRepo, *, is_newest: bool
) -> Iterator[Drift]:
    if not repo.private:
        yield Drift(entry.name, What.PUBLIC, "private", "public", _add(node))
    if repo.archived and is_newest:
        yield Drift(entry.name, What.ARCHIVED, "it takes pushes", "archived", _add(node))
    if repo.default_branch != entry.branch:
        remedy = f"set the default branch of {repo.name} on the forge"
        yield Drift(
            entry.name, What.DEFAULT_BRANCH, entry.branch, repo.default_branch or "none", remedy
        )


def _keys(
    node: Registration, entry: RegisteredRepo, keys: Iterable[DeployKey], *, is_newest: bool
) -> Iterator[Drift]:
    keys = tuple(keys)
    wanted = [key.line for key in node.open_keys()]
    able = [key.key for key in keys if not key.read_only]
    unable = [key.key for key in keys if key.read_only]
    missing = [line for line in wanted if not _has((*able, *unable), line)]
    read_only = [line for line in wanted if _has(unable, line) and not _has(able, line)]
    foreign = [key.key for key in keys if not _has(wanted, key.key)]
    if missing and is_newest:
        yield Drift(entry.name, What.KEY_MISSING, _shown(missing), "none of it", _add(node))
    if read_only and is_newest:
        yield Drift(
            entry.name, What.KEY_READ_ONLY, f"{_shown(read_only)} to push", "to read", _add(node)
        )
    if foreign:
        is_closed = all(_has([key.line for key in node.keys], line) for line in foreign)
        remedy = f"delete it in the settings of {repo_name(entry)} on the forge"
        if is_closed:
            remedy = f"`aggregator node rotate-key {node.node} --close` removes it"
        yield Drift(entry.name, What.KEY_FOREIGN, _shown(wanted), _shown(foreign), remedy)


def _protection(
    node: Registration, entry: RegisteredRepo, found: Protection | None, wanted: ForgeConfig
) -> Iterator[Drift]:
    expected = f"a rule for {BRANCH} that lets deploy keys alone push"
    if found is None:
        yield Drift(entry.name, What.UNPROTECTED, expected, "none", _add(node))
    elif faults := weaknesses(found, wanted):
        yield Drift(entry.name, What.PROTECTION, expected, ", ".join(faults), _add(node))


def drifts_of_hooks(hooks: Iterable[Hook], wanted: ForgeConfig) -> Iterator[Drift]:
    """Compare the organisation's webhooks with the one that is wanted. Pure."""
    url, remedy = wanted.webhook_url, "`aggregator forge hook` replaces it"
    if url is None:
        return
    hooks = tuple(hooks)
    ours = [hook for hook in hooks if hook.url == url]
    if not ours:
        others = ", ".join(sorted({hook.url for hook in hooks})) or "none"
        yield Drift("", What.HOOK_MISSING, f"a webhook to {url}", others, remedy)
        return
    faults = hook_faults(ours[0])
    if len(ours) > 1:
        faults.append(f"it exists {len(ours)} times")
    if faults:
        yield Drift("", What.HOOK, f"one that sends pushes to {url}", ", ".join(faults), remedy)


def pending(
    listing: Listing, config: Config, registrations: Mapping[str, Registration]
) -> Iterator[Drift]:
    """Repos that are named like a node's and that no registration names. Pure."""
    static = [repo for repo in config.repo if repo.forge_id is None]
    registered = [repo for node in registrations.values() for repo in node.as_repos("", None)]
    pattern = forge_config(config).pattern
    for name, sentence in judge_listing(listing, [*static, *registered], pattern).pending.items():
        command = pasted("aggregator", "node", "accept", "NODE", "--repo", name, "--key", "LINE")
        remedy = f"`{command}`, or delete it"
        yield Drift(name, What.PENDING, "registered repos alone", sentence, remedy)


def _has(lines: Iterable[str], line: str) -> bool:
    return any(is_same_key(other, line) for other in lines)


def _shown(lines: Iterable[str]) -> str:
    return ", ".join(map(fingerprint, lines)) or "none"


def _add(node: Registration) -> str:
    return f"`aggregator node add {node.node}` fixes it"
