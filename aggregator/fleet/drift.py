"""Where the forge is not as it should be: every difference by name, with what mends it.

Nothing here protects the ledger: signatures, cursors and registrations do. A drift is what lets a
node push no longer, or lets somebody else in the way of it.
"""

from collections.abc import Callable, Mapping

from aggregator.config.loading import Config
from aggregator.config.registration import Registration
from aggregator.fleet.differences import (
    OF_LISTING,
    Details,
    Drift,
    Seen,
    What,
    drifts_of_hooks,
    drifts_of_repo,
    pending,
)
from aggregator.fleet.registry import forge_config, repo_name
from aggregator.fleet.repo_setup import BRANCH
from aggregator.forge.interface import Forge, NotThereError

__all__ = ["OF_LISTING", "Drift", "What", "check"]

OnProgress = Callable[[int, int], object]


def check(
    forge: Forge,
    config: Config,
    registrations: Mapping[str, Registration],
    on_progress: OnProgress = lambda _done, _total: None,
) -> tuple[Drift, ...]:
    """Ask the forge for everything that is provisioned and compare.

    Two requests for each repo that takes pushes. Touches no database and may run in a thread.

    Args:
        forge: whom to ask.
        config: has the `[forge]` table and the static repos.
        registrations: by node.
        on_progress: told how many of how many repos were asked about.

    Raises:
        ForgeError: an answer is missing, so nothing can be said.
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
        except NotThereError:  # it went since it was listed
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
    return (*found, *drifts_of_hooks(hooks, wanted), *pending(listing, config, registrations))
