"""Where the forge differs from what was set up there, and how to correct each difference. Pure.

Nothing here protects the ledger: signatures, cursors and registrations do. A drift can keep a node
from pushing, or let others push to its repo.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from aggregator.config.sections import ForgeConfig
from aggregator.fleet.drift.expected import Details, Expected
from aggregator.fleet.identity import Found, FoundAs
from aggregator.fleet.node_keys import fingerprint, is_same_key
from aggregator.fleet.protection import OTHERS, acting_rule, others_are_closed, weaknesses
from aggregator.fleet.setup.repo_setup import BRANCH, hook_faults
from aggregator.forge.interface import DeployKey, ForgeRepo, Hook
from gitmeter.support.errors import with_hint
from gitmeter.support.terminal import pasted


class What(StrEnum):
    """The kinds of drift."""

    MISSING = "missing"
    RENAMED = "renamed"
    RECREATED = "made again"
    RENUMBERED = "renumbered"
    PUBLIC = "public"
    ARCHIVED = "archived"
    DEFAULT_BRANCH = "default branch"
    PULL_REQUESTS = "pull requests"
    UNREADABLE = "cannot be read"
    KEY_MISSING = "deploy key missing"
    KEY_READ_ONLY = "deploy key read-only"
    KEY_FOREIGN = "foreign deploy key"
    UNPROTECTED = "not protected"
    PROTECTION = "protection"
    OTHER_BRANCHES = "other branches"
    FOREIGN_REFS = "foreign refs"
    COLLABORATORS = "collaborators"
    TEAMS = "teams"
    REPO_HOOKS = "webhooks of the repo"
    HOOK_MISSING = "webhook missing"
    HOOK = "webhook"
    PENDING = "pending"
    RETIRED = "retired but open"
    REGISTRATION = "bad registration"


OF_LISTING: Final = frozenset(
    {
        *(What.MISSING, What.RENAMED, What.RECREATED, What.RENUMBERED, What.PENDING, What.PUBLIC),
        What.REGISTRATION,
    }
)
"""The kinds that the daemon finds by itself within minutes."""

_PEOPLE = "whoever is to read it goes into a team with the right to read"


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


def drifts_of_repo(
    wanted: Expected, found: Found, details: Details | None, forge: ForgeConfig
) -> Iterator[Drift]:
    """Compare one repo with what the forge shows.

    Args:
        wanted: how it should be.
        found: the repo in the list.
        details: more about it; None if that was not asked, or could not be looked at.
        forge: the `[forge]` table.
    """
    repo = found.repo
    if wanted.is_over:
        if repo is not None and not repo.archived:
            remedy = f"`{wanted.fix}` archives it"
            yield Drift(wanted.name, What.RETIRED, "archived", "it takes pushes", remedy)
        return
    if repo is None:
        yield _gone(wanted, found)
        return
    if found.standing is FoundAs.RENUMBERED:
        yield Drift(
            wanted.name,
            What.RENUMBERED,
            f"number {wanted.forge_id}",
            f"number {repo.id}",
            "after a restored backup or a move: `aggregator forge move`",
        )
    if found.standing is FoundAs.RENAMED:
        remedy = f"rename it back, or `{wanted.accept} {pasted(repo.name)}`"
        yield Drift(wanted.name, What.RENAMED, wanted.forge_name, repo.name, remedy)
    yield from _settings(wanted, repo)
    if details is not None:
        yield from _reading(wanted, details)
    if details is not None and not repo.archived:
        yield from _keys(wanted, details.inspected.keys)
        yield from _protection(wanted, details, forge)
        yield from _people(wanted, details)


def _gone(wanted: Expected, found: Found) -> Drift:
    number = "" if wanted.forge_id is None else f", number {wanted.forge_id}"
    expected = f"{wanted.forge_name}{number}"
    remedy = (
        "if the forge was moved or restored, `aggregator forge move`; otherwise put it back, or"
        f" continue in another: `{wanted.adopt}`"
    )
    if not wanted.adopt:
        remedy = f"put it back, or `{wanted.fix}` makes one"
    if found.namesake is None:
        reused = ", its number is that of another repo" if found.is_number_reused else ""
        return Drift(wanted.name, What.MISSING, expected, f"no such repo{reused}", remedy)
    is_other = f"number {found.namesake.id}, made {found.namesake.created_at:%Y-%m-%dT%H:%M:%SZ}"
    return Drift(wanted.name, What.RECREATED, expected, is_other, remedy)


def _settings(wanted: Expected, repo: ForgeRepo) -> Iterator[Drift]:
    if not repo.private:
        yield Drift(wanted.name, What.PUBLIC, "private", "public", _fixed(wanted))
    if repo.has_pull_requests and not repo.archived:
        yield Drift(wanted.name, What.PULL_REQUESTS, "none", "they can be made", _fixed(wanted))
    if repo.archived and wanted.is_newest:
        yield Drift(wanted.name, What.ARCHIVED, "it takes pushes", "archived", _fixed(wanted))
    if repo.default_branch != wanted.branch:
        remedy = f"set the default branch of {repo.name} on the forge"
        found = repo.default_branch or "none"
        yield Drift(wanted.name, What.DEFAULT_BRANCH, wanted.branch, found, remedy)


def _reading(wanted: Expected, details: Details) -> Iterator[Drift]:
    reading = details.reading
    if reading.error is not None:
        remedy = "nothing of it can be billed until git can read it"
        found = with_hint(reading.error)
        yield Drift(wanted.name, What.UNREADABLE, "git reads it", found, remedy)
    if reading.other_refs:
        remedy = (
            "find out who pushed them, and delete them on the forge: first delete the rule"
            f" {OTHERS}, which protects branches, and afterwards run `{wanted.fix}`"
        )
        refs = ", ".join(reading.other_refs)
        yield Drift(wanted.name, What.FOREIGN_REFS, f"{BRANCH} alone", refs, remedy)


def _keys(wanted: Expected, keys: Iterable[DeployKey]) -> Iterator[Drift]:
    if wanted.keys is None:
        return
    keys = tuple(keys)
    able = [key.key for key in keys if not key.read_only]
    unable = [key.key for key in keys if key.read_only]
    missing = [line for line in wanted.keys if not _has((*able, *unable), line)]
    read_only = [line for line in wanted.keys if _has(unable, line) and not _has(able, line)]
    foreign = [key.key for key in keys if not _has(wanted.keys, key.key)]
    if missing and wanted.is_newest:
        yield Drift(wanted.name, What.KEY_MISSING, _shown(missing), "none of it", _fixed(wanted))
    if read_only and wanted.is_newest:
        expected = f"{_shown(read_only)} to push"
        yield Drift(wanted.name, What.KEY_READ_ONLY, expected, "to read", _fixed(wanted))
    if foreign:
        remedy = f"delete it in the settings of {wanted.forge_name} on the forge"
        if wanted.forge_id is None or all(_has(wanted.closed_keys, line) for line in foreign):
            remedy = f"`{wanted.close}` removes it"
        yield Drift(wanted.name, What.KEY_FOREIGN, _shown(wanted.keys), _shown(foreign), remedy)


def _protection(wanted: Expected, details: Details, forge: ForgeConfig) -> Iterator[Drift]:
    expected = f"a rule for {wanted.branch} that lets deploy keys alone push"
    rule = acting_rule(details.inspected.rules, wanted.branch)
    if rule is None:
        yield Drift(wanted.name, What.UNPROTECTED, expected, "none", _fixed(wanted))
    elif faults := weaknesses(rule, forge):
        found = ", ".join(faults)
        yield Drift(wanted.name, What.PROTECTION, expected, found, _fixed(wanted))
    if rule is not None and not others_are_closed(details.inspected.rules):
        expected = f"a rule {OTHERS} by which no one pushes other branches"
        yield Drift(wanted.name, What.OTHER_BRANCHES, expected, "none", _fixed(wanted))


def _people(wanted: Expected, details: Details) -> Iterator[Drift]:
    place = f"in the settings of {wanted.forge_name} on the forge"
    if details.inspected.collaborators:
        found = ", ".join(
            f"{who.name} ({who.permission})" for who in details.inspected.collaborators
        )
        remedy = f"remove them {place}; {_PEOPLE}"
        yield Drift(wanted.name, What.COLLABORATORS, "none", found, remedy)
    if details.teams:
        found = ", ".join(team.name for team in details.teams)
        remedy = "take the right to write away from the team"
        yield Drift(wanted.name, What.TEAMS, "none that may write", found, remedy)
    if details.inspected.hooks:
        found = ", ".join(sorted({hook.url for hook in details.inspected.hooks}))
        yield Drift(wanted.name, What.REPO_HOOKS, "none", found, f"delete them {place}")


def drifts_of_hooks(hooks: Iterable[Hook], wanted: ForgeConfig) -> Iterator[Drift]:
    """Compare the organisation's webhooks with the one that is wanted."""
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


def _has(lines: Iterable[str], line: str) -> bool:
    return any(is_same_key(other, line) for other in lines)


def _shown(lines: Iterable[str]) -> str:
    return ", ".join(map(fingerprint, lines)) or "none"


def _fixed(wanted: Expected) -> str:
    return f"`{wanted.fix}` fixes it"
